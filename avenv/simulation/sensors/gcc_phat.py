"""``gcc_phat``: how late one ear hears what the other did, by time."""

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from avenv.acoustics.signal import features
from avenv.simulation.sensors.feature import Feature


class GccPhat(Feature):
    """(E, 2 max_lag + 1, T, 1) float32: see ``avenv.acoustics.signal.features.gcc_phat``.

    Sound takes 0.8 ms at most from ear to ear: 13 samples at 16 kHz.
    """

    name = "gcc_phat"
    two_ears = True

    def space(self) -> spaces.Box:
        """Return float32 (2 max_lag + 1, T, 1) from -1 to 1."""
        settings = self.rig.settings
        lags = 2 * features.check_lag(settings.max_lag) + 1
        shape = lags, features.num_frames(settings.window_samples), 1
        return spaces.Box(-1.0, 1.0, shape, np.float32)

    def compute(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the correlations."""
        return features.gcc_phat(windows, self.rig.settings.max_lag)
