"""``contact``: whether something was in the way."""

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from avenv.simulation.sensors.sensor import Sensor


class Contact(Sensor):
    """(E, 1) float32: 1 where the last action met something solid, else 0."""

    def space(self) -> spaces.Box:
        """Return float32 (1,) from 0 to 1."""
        return spaces.Box(0.0, 1.0, (1,), np.float32)

    def observe(self, out: NDArray) -> None:
        """Write what the bodies felt."""
        out[:, 0] = self.rig.state.collided
