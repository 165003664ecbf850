"""``binaural``: what two ears tell, as one compact vector for a network."""

import numpy as np
from gymnasium import spaces

from avenv.acoustics.signal.binaural import BOUND, BinauralFeatures, SlidingBinaural
from avenv.simulation.sensors.feature import Feature


class Binaural(Feature):
    """(E, D) float32: see ``avenv.acoustics.signal.binaural.BinauralFeatures``."""

    name = "binaural"
    two_ears = True

    def space(self) -> spaces.Box:
        """Return float32 (D,)."""
        return spaces.Box(-BOUND, BOUND, (BinauralFeatures.size,), np.float32)

    def follow(self, num: int) -> SlidingBinaural:
        """Return what describes so many windows."""
        settings = self.rig.settings
        features = BinauralFeatures(
            settings.sample_rate, settings.window_samples, settings.step_samples
        )
        return SlidingBinaural(features, num)
