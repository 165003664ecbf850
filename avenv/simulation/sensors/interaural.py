"""``interaural``: how the ears differ, by frequency and time."""

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from avenv.acoustics.signal import features
from avenv.simulation.sensors.feature import Feature


class Interaural(Feature):
    """(E, 257, T, 3) float32: see ``avenv.acoustics.signal.features.interaural``."""

    name = "interaural"
    two_ears = True

    def space(self) -> spaces.Box:
        """Return float32 (257, T, 3): cosine and sine of the phase, level in dB."""
        frames = features.num_frames(self.rig.settings.window_samples)
        high = np.empty((features.SIZE // 2 + 1, frames, 3), np.float32)
        high[:] = 1.0, 1.0, features.LEVEL_RANGE
        return spaces.Box(-high, high, dtype=np.float32)

    def compute(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return phase and level differences."""
        return features.interaural(windows)
