"""``spectrogram``: what SoundSpaces' agents hear."""

import numpy as np
from gymnasium import spaces

from avenv.acoustics import spectrogram_shape
from avenv.acoustics.signal.spectrogram import Spectrograms
from avenv.simulation.sensors.feature import Feature

_LOUDEST = float(np.log1p(200.0))
"""|STFT| of a full-scale wave is at most the sum of the 400-sample Hann window, 200."""


class Spectrogram(Feature):
    """The log magnitude (E, F, T, C) float32 of the window; see ``avenv.acoustics.spectrogram``."""

    name = "spectrogram"

    def space(self) -> spaces.Box:
        """Return float32 (F, T, C) from 0 up."""
        settings = self.rig.settings
        shape = spectrogram_shape(settings.window_samples, settings.channels)
        return spaces.Box(0.0, _LOUDEST, shape, np.float32)

    def follow(self, num: int) -> Spectrograms:
        """Return the spectrograms of so many windows."""
        settings = self.rig.settings
        return Spectrograms(num, settings.channels, settings.window_samples, settings.step_samples)
