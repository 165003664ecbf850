"""``binaural``: what two ears tell, as one compact vector for a network."""

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from avenv.acoustics.signal.binaural import BOUND, BinauralFeatures
from avenv.simulation.sensors.feature import Feature
from avenv.simulation.sensors.sensor import Rig


class Binaural(Feature):
    """(E, D) float32: see ``avenv.acoustics.signal.binaural.BinauralFeatures``."""

    name = "binaural"
    two_ears = True

    def __init__(self, rig: Rig):
        settings = rig.settings
        self._features = BinauralFeatures(
            settings.sample_rate, settings.window_samples, settings.step_samples
        )
        super().__init__(rig)

    def space(self) -> spaces.Box:
        """Return float32 (D,)."""
        return spaces.Box(-BOUND, BOUND, (self._features.size,), np.float32)

    def begin(self, rows: NDArray[np.int64]) -> None:
        """Compute the vectors of the first windows, all in one batch."""
        if len(rows):
            self._values[rows] = self.compute(self._ears.window[rows])

    def compute(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the vectors."""
        return self._features.compute(windows)
