"""What tasks share that have a goal to walk to: where it is, how far, and who knows the way."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core import frames
from avenv.core.errors import SceneError
from avenv.core.suggest import did_you_mean
from avenv.navigation import FieldCache, GeodesicField, follower
from avenv.simulation.simulator import Simulator
from avenv.simulation.world import World
from avenv.tasks.episode import Episode, Goal, Point
from avenv.tasks.goals import standing_point
from avenv.tasks.options import NavigationOptions
from avenv.tasks.task import Task, Whereabouts

ORACLE_LIMIT = 100_000
"""Actions after which the oracle would be given up; far more than any home takes."""

STRAY = 0.25
"""Metres that a goal may move before the distances to it are solved anew."""


class Aim(NamedTuple):
    """What the distances of one row are solved for."""

    world: World
    goal: Point
    field: GeodesicField | None  # None: nobody can stand there


class GoalTask(Task):
    """Know where the goals of E environments are, and the ways to them.

    Distances are solved for the world and the place of the goal as they are; each row has its aim.
    """

    options: NavigationOptions

    def __init__(self, simulator: Simulator, options: NavigationOptions):
        super().__init__(simulator, options)
        self._aims: dict[int, Aim] = {}
        self._field_cache = FieldCache()

    # -- goals -------------------------------------------------------------------------------------

    def goal_of(self, row: int) -> Goal:
        """Return the goal that one body is to walk to now."""
        return self.episodes[row].goals[0]

    def goal_at(self, episode: Episode, world: World, number: int = 0) -> Point:
        """Return where a goal of an episode, by default the first, is when it begins."""
        goal, places = episode.goals[number], {}
        if goal.object is not None:
            places = {thing.name: thing.position for thing in world.compiled.objects}
            if goal.object not in places:
                raise SceneError(
                    f"episode.goals: {world.name} has no object {goal.object!r}; accepted: one of "
                    f"its {len(places)} objects{did_you_mean(goal.object, places)}"
                )
        if goal.position is not None:
            return goal.position
        if goal.source is not None:
            return episode.sources[goal.source].position
        return places[str(goal.object)]

    def goal_positions(self) -> NDArray[np.float64]:
        """Return where the goals are now, (E, 3) world metres; 0 in rows that never began."""
        places = [self._goal_now(row) for row in range(self.simulator.num_envs)]
        return np.array(places, np.float64)

    def goal_direction(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return azimuth and elevation (E,) in radians of the goals, as the heads have them."""
        state = self.simulator.state
        offset = self.goal_positions() - state.ears()
        return frames.azimuth_elevation(frames.to_body(offset, state.heading))

    def _goal_now(self, row: int) -> Point:
        if row not in self._aims:
            return 0.0, 0.0, 0.0
        goal, state = self.goal_of(row), self.simulator.state
        if goal.source is not None:
            return state.sources[row][goal.source].emitter.at(float(state.time[row]))
        if goal.position is not None:
            return goal.position
        return self._thing_now(row, str(goal.object))

    def _thing_now(self, row: int, name: str) -> Point:
        """Return where a thing is now: in its place, or in the hands of the body."""
        state = self.simulator.state
        compiled = state.here[row].compiled
        number = [thing.name for thing in compiled.objects].index(name)
        if number in compiled.held:
            x, y = state.position[row].tolist()
            return x, y, float(state.level[row]) + self.simulator.body.hands[2]
        return compiled.objects[number].position

    def _is_audible(self, row: int) -> bool:
        if row not in self._aims:
            return False
        goal, state = self.goal_of(row), self.simulator.state
        emitters, clock = state.emitters(row), int(state.clock[row])
        if goal.source is not None:
            return emitters[goal.source].is_sounding(clock)
        return any(e.object == goal.object and e.is_sounding(clock) for e in emitters)

    def _goal_name(self, row: int) -> str:
        episode, goal = self.episodes[row], self.goal_of(row)
        if goal.source is not None:
            return episode.sources[goal.source].sound.name.partition("?")[0]
        return goal.object or goal.category or "the goal"

    def marks(self, row: int) -> list[NDArray[np.float64]]:
        """Return where the goal is (2,)."""
        return [np.array(self._goal_now(row)[:2])]

    # -- distances ---------------------------------------------------------------------------------

    def field(self, world: World, goal: Point) -> GeodesicField:
        """Return the walking distance to a goal, everywhere in a world.

        Raises:
            SceneError: nobody can stand near it.
        """
        body = self.simulator.body
        grid = world.walkable_for(body)
        eye = grid.level + body.eye_height
        return self._field_cache.get(grid, standing_point(world, grid, goal, eye))

    def _distance_from(self, row: int, position: NDArray[np.float64]) -> float:
        field = self._aims[row].field
        return np.inf if field is None else field.at_point(*position.tolist())

    def _renew_aim(self, row: int, exactly: bool) -> bool:
        """Solve the distances of one row anew if its world or its goal has moved.

        Args:
            row: which.
            exactly: whether the goal has moved if it has strayed at all, as when one stops there.

        Returns:
            whether they were solved anew.
        """
        aim, here = self._aims[row], self.simulator.state.here[row]
        goal = self._goal_now(row)
        strayed = goal != aim.goal and math.dist(goal, aim.goal) > (0 if exactly else STRAY)
        if here is aim.world and not strayed:
            return False
        body = self.simulator.body
        if not strayed and here.walkable_for(body) is aim.world.walkable_for(body):
            self._aims[row] = aim._replace(world=here)
            return False
        try:
            field = self.field(here, goal)
        except SceneError:  # shut in: the goal cannot be reached for the time being
            field = None
        self._aims[row] = Aim(here, goal, field)
        return True

    # -- the oracle --------------------------------------------------------------------------------

    def oracle_action(self, row: int) -> int:
        """Return the next action on the shortest way.

        Where there is none it turns round as long as something may still happen, else it stops.
        """
        field, state = self._aims[row].field, self.simulator.state
        if field is None or not np.isfinite(self._distance_from(row, state.position[row])):
            waits = bool(state.events[row])
            return self.actions.encode(follower.TURN_LEFT if waits else follower.STOP)
        action = follower.next_action(
            field.grid,
            field,
            state.position[row],
            float(state.heading[row]),
            *self._oracle_settings,
        )
        return self.actions.encode(action)

    def count_oracle_actions(
        self, world: World, start: NDArray[np.float64], heading: float, field: GeodesicField
    ) -> int:
        """Return how many actions the oracle needs, its stop included."""
        grid = world.walkable_for(self.simulator.body)
        return follower.count_actions(
            grid, field, start, heading, *self._oracle_settings, limit=ORACLE_LIMIT
        )

    @property
    def _oracle_settings(self) -> tuple[float, float, float]:
        options = self.options
        # A tenth inside the radius, so that rounding never decides an episode.
        return options.forward_step, np.deg2rad(options.turn_angle), 0.9 * options.success_radius

    def measure(self, episode: Episode, world: World, field: GeodesicField) -> tuple[float, int]:
        """Return how far the shortest way to success is, metres, and how many actions it takes.

        Args:
            episode: that says neither yet.
            world: that it takes place in, as it is then.
            field: of distances to its first goal.
        """
        start = np.array(episode.start)
        actions = self.count_oracle_actions(world, start, episode.heading, field)
        return float(field.at([start])[0]), actions

    def chance(self, row: int) -> float:
        """Return the share of the floor that one can walk to from which a stop would succeed."""
        field = self._aims[row].field
        return 0.0 if field is None else field.share_within(self.options.success_radius)

    def whereabouts(self, row: int) -> Whereabouts | None:
        """Return where the goal is."""
        field = self._aims[row].field
        if field is None:
            raise SceneError("the goal is shut in")
        return Whereabouts("It", np.array(self._goal_now(row)[:2]), field)
