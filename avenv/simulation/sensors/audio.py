"""``audio``: the latest sound at the ears or microphones."""

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from avenv.simulation.sensors.sensor import Rig, Sensor


class Audio(Sensor):
    """The window (E, C, W) float32 of sound, full scale ±1, the newest sample last."""

    def __init__(self, rig: Rig):
        super().__init__(rig)
        self._ears = rig.ears

    def space(self) -> spaces.Box:
        """Return float32 (C, W) from -1 to 1."""
        settings = self.rig.settings
        return spaces.Box(-1.0, 1.0, (settings.channels, settings.window_samples), np.float32)

    def observe(self, out: NDArray) -> None:
        """Copy what the ears hear."""
        out[:] = self._ears.window
