"""An agent that others are held to: what one can do who knows the map and does not hear."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.envs.vector import BatchEnv
from avenv.navigation import GeodesicField, follower, geodesic_field
from avenv.simulation.world import World
from avenv.tasks.navigation import NavigationTask


class SearchAgent:
    """An expert who does not hear: knows the map and searches it, the nearest place first.

    It goes to the nearest place where it has not been yet, of places a metre apart, until it is
    told that it has arrived. What hearing is worth is what an agent is better than this by.

    Raises:
        ValueError: the task is no walk to a goal, or its actions are not discrete.
    """

    sensors = ()
    rows = None
    privilege = "the map, and when it has arrived"

    def __init__(self, envs: BatchEnv):
        task, self._simulator = envs.batch.task, envs.batch.simulator
        if not isinstance(task, NavigationTask) or envs.single_action_space.shape:
            raise ValueError(
                f"the task is {task.name} with actions {envs.action_names}; accepted: a walk "
                "to a goal by discrete actions"
            )
        self._task, options = task, task.options
        self._sizes = options.forward_step, np.deg2rad(options.turn_angle)
        self._reach = options.success_radius
        self._ways: dict[World, list[GeodesicField]] = {}
        count = envs.num_envs
        self._searched: list[NDArray[np.bool_]] = [np.zeros(0, bool)] * count
        self._target = [-1] * count

    def reset(self, row: int, seed: int) -> None:
        """Begin to search anew in one row."""
        self._searched[row] = np.zeros(len(self._fields(row)), bool)
        self._target[row] = -1

    def act(self, observation: dict[str, NDArray], info: dict[str, Any]) -> NDArray[np.int64]:
        """Return the next action of the search for each row (E,)."""
        arrived = self._task.succeeded()
        return np.array(
            [
                self._act(row) if active and not arrived[row] else follower.STOP
                for row, active in enumerate(info["active"].tolist())
            ]
        )

    def _act(self, row: int) -> int:
        fields, state = self._fields(row), self._simulator.state
        here = state.position[row : row + 1]
        far = np.array([field.at(here)[0] for field in fields])
        self._searched[row] |= far <= self._reach
        left = np.flatnonzero(~self._searched[row] & np.isfinite(far))
        if len(left) == 0:
            return follower.STOP
        if self._target[row] not in left:
            self._target[row] = int(left[np.argmin(far[left])])
        field, heading = fields[self._target[row]], float(state.heading[row])
        # It turns towards places that are as near as can be, too.
        return follower.next_action(
            field.grid, field, here[0], heading, *self._sizes, stop_distance=0.9 * self._reach
        )

    def _fields(self, row: int) -> list[GeodesicField]:
        """Return the walking distances to all places of the world around a row."""
        around = [here.rest or here for here in self._simulator.state.here]
        world = around[row]
        if world not in self._ways:  # episodes come home by home: what nobody is in, is over
            self._ways = {kept: ways for kept, ways in self._ways.items() if kept in around}
            grid = world.walkable_for(self._simulator.body)
            places = world.places_for(self._simulator.body)
            self._ways[world] = [geodesic_field(grid, place) for place in places]
        return self._ways[world]
