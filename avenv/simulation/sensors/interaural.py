"""``interaural``: how the ears differ, by frequency and time."""

import numpy as np
from gymnasium import spaces

from avenv.acoustics.signal import features
from avenv.simulation.sensors.feature import Feature


class Interaural(Feature):
    """(E, 257, T, 3) float32: see ``avenv.acoustics.signal.features.interaural``."""

    name = "interaural"
    two_ears = True

    def space(self) -> spaces.Box:
        """Return float32 (257, T, 3): cosine and sine of the phase, level in dB."""
        frames = features.num_frames(self.rig.settings.window_samples)
        high = np.empty((features.BINS, frames, 3), np.float32)
        high[:] = 1.0, 1.0, features.LEVEL_RANGE
        return spaces.Box(-high, high, dtype=np.float32)

    def follow(self, num: int) -> features.SlidingFeatures:
        """Return phase and level differences of so many windows."""
        settings = self.rig.settings
        return features.SlidingFeatures(
            features.INTERAURAL, num, settings.window_samples, settings.step_samples
        )
