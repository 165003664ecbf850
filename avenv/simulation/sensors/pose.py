"""``pose``: where a body thinks it is, from where it began."""

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from avenv.core import frames
from avenv.simulation.noise import pose_error
from avenv.simulation.sensors.sensor import Rig, Sensor

_FAR = np.float32(1000.0)  # metres, as far as scenes reach
_LATE = np.float32(1e6)  # seconds


class Pose(Sensor):
    """(E, 4) float32: metres ahead and left of the start, heading from it in radians, seconds.

    With ``pose_noise`` it is off by errors that add up along the way, as in dead reckoning.
    """

    def __init__(self, rig: Rig):
        super().__init__(rig)
        self._error = np.zeros((len(rig.state), 3))
        self._space = self.space()

    def space(self) -> spaces.Box:
        """Return float32 (4,)."""
        high = np.array([_FAR, _FAR, np.pi, _LATE], np.float32)
        return spaces.Box(np.array([-_FAR, -_FAR, -high[2], 0], np.float32), high)

    def begin(self, rows: NDArray[np.int64]) -> None:
        """Forget the errors."""
        self._error[rows] = 0

    def advance(self, rows: NDArray[np.int64]) -> None:
        """Let the errors grow."""
        noise, state = self.rig.settings.pose_noise, self.rig.state
        if noise is not None:
            for row in rows.tolist():
                step = int(state.steps[row])
                self._error[row] += pose_error(noise, int(state.seed[row]), step)

    def observe(self, out: NDArray) -> None:
        """Write the poses."""
        space, state = self._space, self.rig.state
        pose = state.pose() + self._error
        out[:, :2], out[:, 2], out[:, 3] = pose[:, :2], frames.wrap_angle(pose[:, 2]), state.time
        np.clip(out, space.low, space.high, out=out)
