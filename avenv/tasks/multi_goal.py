"""What tasks share in which a body goes to several goals and says ``found`` at each.

Metrics of Wani et al. 2020, "MultiON: Benchmarking Semantic Map Memory using Multi-Object
Navigation": ``progress`` is the share of the goals that was found; ``ppl`` is progress · L / max(L,
p), L the shortest way through those that were found and p the path walked until the last of them
was (as in the authors' code, saimwani/multiON, ``nav.py``).
"""

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SceneError
from avenv.navigation import GeodesicField, follower
from avenv.simulation.simulator import Commands, Simulator
from avenv.simulation.world import World
from avenv.tasks import metrics
from avenv.tasks.actions import MOTIONS, STOP
from avenv.tasks.aims import ORACLE_LIMIT, Aim
from avenv.tasks.episode import Episode, Goal
from avenv.tasks.navigation import NavigationTask
from avenv.tasks.options import NavigationOptions
from avenv.tasks.tour import Tour

FOUND = len(MOTIONS)


class MultiGoalTask(NavigationTask):
    """Go to all goals and say at each that it is found; a wrong ``found`` ends the episode.

    The distance to the goal is that of the shortest way through all that is still to be found, and
    the reward is its fall.

    Args:
        simulator: the bodies that act.
        options: of the task.
        ordered: whether the goals are to be found in their order.
    """

    headline: tuple[str, ...] = ("success", "spl", "progress", "ppl")
    more = ("found",)

    def __init__(self, simulator: Simulator, options: NavigationOptions, ordered: bool = False):
        super().__init__(simulator, options)
        self._ordered = ordered
        self._tours: dict[int, Tour] = {}
        self._left: dict[int, tuple[int, ...]] = {}  # in their order
        self._next: dict[int, int] = {}
        self._walked_to_last = np.zeros(simulator.num_envs)

    # -- plans -------------------------------------------------------------------------------------

    def measure(self, episode: Episode, world: World, field: GeodesicField) -> tuple[float, int]:
        """Return how long the shortest way to all goals is, and how many actions it takes."""
        tour, position, heading = self._tour(episode, world), episode.start, episode.heading
        length, order = tour.best(position, range(len(episode.goals)))
        grid, actions = world.walkable_for(self.simulator.body), 0
        for k in order:
            taken, position, heading = follower.walk(
                grid, tour.fields[k], position, heading, *self._oracle_settings, ORACLE_LIMIT
            )
            actions += taken
        return length, actions

    def begun(self, row: int) -> None:
        """Plan the way to all goals."""
        here, episode = self.simulator.state.here[row], self.episodes[row]
        self._tours[row] = self._tour(episode, here)
        self._left[row] = tuple(range(len(episode.goals)))
        self._walked_to_last[row] = 0
        self._aim_at_next(row)

    def _tour(self, episode: Episode, world: World) -> Tour:
        places = [self.goal_at(episode, world, k) for k in range(len(episode.goals))]
        return Tour([self.field(world, place) for place in places], self._ordered)

    def _aim_at_next(self, row: int) -> None:
        """Aim at the goal that it is best to find next."""
        tour, state = self._tours[row], self.simulator.state
        _, order = tour.best(state.position[row], self._left[row])
        self._next[row] = order[0] if order else self._next[row]
        place = self.goal_at(self.episodes[row], state.here[row], self._next[row])
        self._aims[row] = Aim(state.here[row], place, tour.fields[self._next[row]])

    def _renew_aim(self, row: int, exactly: bool) -> bool:
        """Plan anew if the world has changed; where a goal is shut in, the old plan stays."""
        here = self.simulator.state.here[row]
        if here is self._aims[row].world:
            return False
        try:
            self._tours[row] = self._tour(self.episodes[row], here)
        except SceneError:
            return False
        self._aim_at_next(row)
        return True

    def _distance_from(self, row: int, position: NDArray[np.float64]) -> float:
        return self._tours[row].best(position, self._left[row])[0]

    def goal_of(self, row: int) -> Goal:
        """Return the goal that it is best to find next."""
        return self.episodes[row].goals[self._next.get(row, 0)]

    # -- a step ------------------------------------------------------------------------------------

    def act(self, actions: NDArray, active: NDArray[np.bool_]) -> Commands:
        """Return the motion that actions mean; what is found falls silent."""
        commands = super().act(actions, active)
        for row in np.flatnonzero(active & (actions == FOUND)).tolist():
            number = self._beside(row)
            if number is None:
                self._stops[row] = True
                continue
            self._left[row] = tuple(k for k in self._left[row] if k != number)
            self._walked_to_last[row] = self._path_length[row]
            if (source := self.episodes[row].goals[number].source) is not None:
                self.simulator.silence(row, source)
            self._stops[row] = not self._left[row]
            self._walked[row] = True  # the distance is another
            self._aim_at_next(row)
        return commands

    def _beside(self, row: int) -> int | None:
        """Return the goal that one body would find now, if there is one."""
        position = self.simulator.state.position[row : row + 1]
        for number in self._left[row][:1] if self._ordered else self._left[row]:
            if self._tours[row].fields[number].at(position)[0] <= self.options.success_radius:
                return number
        return None

    def succeeded(self) -> NDArray[np.bool_]:
        """Return whether all goals have been found, (E,)."""
        return np.array([self._left.get(row) == () for row in range(len(self._stopped))])

    def _current_metrics(self) -> dict[str, NDArray[np.float64]]:
        progress, way = np.zeros(len(self._stopped)), np.ones(len(self._stopped))
        for row, left in self._left.items():
            goals = range(len(self.episodes[row].goals))
            if found := [k for k in goals if k not in left]:
                progress[row] = len(found) / len(goals)
                way[row] = max(self._tours[row].best(self.episodes[row].start, found)[0], 1e-9)
        ppl = metrics.ppl(progress, way, self._walked_to_last)
        return super()._current_metrics() | {"progress": progress, "ppl": ppl}

    def oracle_action(self, row: int) -> int:
        """Return the next action on the shortest way; at a goal, ``found``."""
        action = super().oracle_action(row)
        known = np.isfinite(self._distance[row]) and self._left[row]
        return FOUND if action == STOP and known else action

    def chance(self, row: int) -> float:
        """Return the chance that places drawn from the floor are beside the goals in turn."""
        radius = self.options.success_radius
        free = [f.distance[np.isfinite(f.distance)] for f in self._tours[row].fields]
        return float(np.prod([np.mean(distances <= radius) for distances in free]))

    # -- for people --------------------------------------------------------------------------------

    def caption(self, row: int) -> list[str]:
        """Return what is to be found next, and how many have been found."""
        goals = len(self.episodes[row].goals)
        found = f"{goals - len(self._left[row])} of {goals} found"
        return [*super().caption(row)[:2], f"{found}, {self._actions[row]} actions"]

    def marks(self, row: int) -> list[NDArray[np.float64]]:
        """Return where the goals are that are still to be found, (2,) each."""
        episode, here = self.episodes[row], self.simulator.state.here[row]
        return [np.array(self.goal_at(episode, here, k)[:2]) for k in self._left[row]]
