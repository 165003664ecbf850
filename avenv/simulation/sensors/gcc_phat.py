"""``gcc_phat``: how late one ear hears what the other did, by time."""

import numpy as np
from gymnasium import spaces

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

    def follow(self, num: int) -> features.SlidingFeatures:
        """Return the correlations of so many windows."""
        settings = self.rig.settings
        kind = features.gcc_phat_kind(settings.max_lag)
        return features.SlidingFeatures(kind, num, settings.window_samples, settings.step_samples)
