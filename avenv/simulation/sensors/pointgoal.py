"""``pointgoal`` and ``pointgoal_with_gps_compass``: where a body is told that its goal is.

The names are Habitat's (Savva et al. 2019, "Habitat: A Platform for Embodied AI Research").
"""

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from avenv.core import frames
from avenv.simulation.sensors.sensor import Sensor
from avenv.simulation.state import Start

_FAR = np.float32(1000.0)  # metres, as far as scenes reach


class PointGoal(Sensor):
    """(E, 2) float32: metres from the start to the goal, and radians to the left of the heading.

    Both are those at the start, all the episode long; together with ``pose`` they say where the
    goal is now.
    """

    def space(self) -> spaces.Box:
        """Return float32 (2,)."""
        high = np.array([_FAR, np.pi], np.float32)
        return spaces.Box(np.array([0, -high[1]], np.float32), high)

    def check(self, start: Start) -> None:
        """Raise ``ValueError`` if nobody tells the body where its goal is."""
        if start.told is None:
            raise ValueError(
                "sensors has one of 'pointgoal', and nothing tells where the goal is; accepted: a "
                "task that does, as PointGoal and AudioPointGoal"
            )

    def observe(self, out: NDArray) -> None:
        """Write where the goals are."""
        out[:] = _polar(self.rig.state.told)


class PointGoalNow(PointGoal):
    """(E, 2) float32: metres from the body to the goal, and radians to the left of its heading."""

    def observe(self, out: NDArray) -> None:
        """Write where the goals are from here."""
        pose = self.rig.state.pose()
        way = np.column_stack([self.rig.state.told - pose[:, :2], np.zeros(len(pose))])
        out[:] = _polar(frames.to_body(way, pose[:, 2])[:, :2])


def _polar(way: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return distances and azimuths (E, 2) of ways ahead and to the left (E, 2)."""
    ahead, left = way.T
    return np.column_stack([np.minimum(np.hypot(ahead, left), _FAR), np.arctan2(left, ahead)])
