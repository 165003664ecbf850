"""``logmel``: log power in mel bands."""

import numpy as np
from gymnasium import spaces

from avenv.acoustics.signal import features
from avenv.simulation.sensors.feature import Feature


class LogMel(Feature):
    """(E, bands, T, C) float32: see ``avenv.acoustics.signal.features.log_mel``."""

    name = "logmel"

    def space(self) -> spaces.Box:
        """Return float32 (bands, T, C) from the logarithm of silence up."""
        settings = self.rig.settings
        try:
            filters = features.mel_filters(settings.sample_rate, settings.mel_bands)
        except ValueError as error:
            raise ValueError(f"mel_{error}") from None  # the option's name
        # |STFT| of a full-scale wave is at most the sum of the 400-sample Hann window, 200.
        loudest = 200.0**2 * filters.sum(axis=1).max()
        frames = features.num_frames(settings.window_samples)
        shape = settings.mel_bands, frames, settings.channels
        return spaces.Box(np.log(features.FLOOR), np.log(loudest + 1), shape, np.float32)

    def follow(self, num: int) -> features.SlidingFeatures:
        """Return the bands of so many windows."""
        settings = self.rig.settings
        self.space()  # says what is wrong with the bands
        kind = features.log_mel_kind(settings.sample_rate, settings.mel_bands, settings.channels)
        return features.SlidingFeatures(kind, num, settings.window_samples, settings.step_samples)
