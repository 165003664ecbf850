"""``spectrogram``: what SoundSpaces' agents hear."""

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from avenv.acoustics import spectrogram_shape
from avenv.acoustics.signal.spectrogram import Spectrograms
from avenv.simulation.sensors.sensor import Rig, Sensor

_LOUDEST = float(np.log1p(200.0))
"""|STFT| of a full-scale wave is at most the sum of the 400-sample Hann window, 200."""


class Spectrogram(Sensor):
    """The log magnitude (E, F, T, C) float32 of the window; see ``avenv.acoustics.spectrogram``."""

    def __init__(self, rig: Rig):
        super().__init__(rig)
        settings = rig.settings
        self._ears = rig.ears
        self._spectrograms = Spectrograms(
            len(rig.state), settings.channels, settings.window_samples, settings.step_samples
        )

    def space(self) -> spaces.Box:
        """Return float32 (F, T, C) from 0 up."""
        settings = self.rig.settings
        shape = spectrogram_shape(settings.window_samples, settings.channels)
        return spaces.Box(0.0, _LOUDEST, shape, np.float32)

    def begin(self, rows: NDArray[np.int64]) -> None:
        """Make the spectrograms anew."""
        self._spectrograms.renew(rows, self._ears.window)

    def advance(self, rows: NDArray[np.int64]) -> None:
        """Make what is new of the spectrograms."""
        self._spectrograms.slide(rows, self._ears.window)

    def observe(self, out: NDArray) -> None:
        """Copy the spectrograms."""
        out[:] = self._spectrograms.pooled
