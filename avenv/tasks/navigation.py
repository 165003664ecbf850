"""What all navigation tasks share: four actions, a goal, reward, metrics and ground truth.

A task says how an episode is built (``sample``); where its goal is, the episode says. What the
metrics mean is in ``avenv.tasks.metrics``.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core import frames
from avenv.core.errors import SceneError
from avenv.core.suggest import did_you_mean
from avenv.navigation import FieldCache, GeodesicField, follower
from avenv.simulation.events import Event
from avenv.simulation.simulator import Commands, Simulator
from avenv.simulation.world import World
from avenv.tasks import metrics
from avenv.tasks.actions import find_actions
from avenv.tasks.declared import scene_events
from avenv.tasks.episode import Episode, Goal, Point
from avenv.tasks.goals import standing_point
from avenv.tasks.options import NavigationOptions
from avenv.tasks.task import Judgement, Task, Whereabouts, renewed

ORACLE_LIMIT = 100_000
"""Actions after which the oracle would be given up; far more than any home takes."""

TRIES = 1000
"""Starts that are drawn until one is far enough from the goal."""

STRAY = 0.25
"""Metres that a goal may move before the distances to it are solved anew."""


class Aim(NamedTuple):
    """What the distances of one row are solved for."""

    world: World
    goal: Point
    field: GeodesicField | None  # None: nobody can stand there


class NavigationTask(Task):
    """Walk to the first goal of the episode and stop there, for a batch of E environments.

    Attributes:
        more: names of actions of the task's own, behind the four.
        forgives: whether what doors and goals do to the distance is neither rewarded nor punished.
            A task whose goals walk about must not forgive: who follows one for ever would be paid
            for every step.
    """

    Options = NavigationOptions
    more: tuple[str, ...] = ()
    forgives = True
    headline: tuple[str, ...] = ("success", "spl", "soft_spl", "sna")
    options: NavigationOptions

    def __init__(self, simulator: Simulator, options: NavigationOptions):
        super().__init__(simulator, options)
        count = simulator.num_envs
        self.actions = self._make_actions()
        self._aims: dict[int, Aim] = {}
        self._field_cache = FieldCache()
        self._distance = np.zeros(count)
        self._position = np.zeros((count, 2))  # at the last judgement
        self._start_distance = np.ones(count)
        self._oracle_actions = np.ones(count)
        self._path_length = np.zeros(count)
        self._actions = np.zeros(count, np.int64)
        self._collisions = np.zeros(count, np.int64)
        self._stopped = np.zeros(count, bool)
        self._walked = np.zeros(count, bool)
        self._stops = np.zeros(count, bool)
        self._metrics: dict[str, NDArray[np.float64]] = {}
        self._truth: dict[str, NDArray] = {}

    def _make_actions(self) -> Any:
        options = self.options
        kind = find_actions(options.actions)
        sizes = options.forward_step, np.deg2rad(options.turn_angle)
        if not self.more:
            return kind(*sizes)
        if options.actions != "discrete":
            raise ValueError(
                f"actions is {options.actions!r}; accepted by {type(self).__name__}, which has "
                f"{', '.join(self.more)} too: 'discrete'"
            )
        return kind(*sizes, self.more)

    # -- episodes ----------------------------------------------------------------------------------

    def episode(
        self,
        rng: np.random.Generator,
        world: World,
        goal: Goal,
        events: tuple[Event, ...] = (),
        farthest: float = np.inf,
        **more: Any,
    ) -> Episode:
        """Return an episode with a start that is at least ``min_distance`` from a goal, on foot.

        Args:
            rng: to draw from.
            world: in which states it is when the episode begins.
            goal: with its position, which is where it is when the body should be there.
            events: what happens besides the scene's own events.
            farthest: metres on foot from the start to the goal, at most.
            **more: further fields of ``Episode``.

        Raises:
            SceneError: no place to start from is far enough, or nobody can stand at the goal.
        """
        place = goal.position
        if place is None:
            raise ValueError(f"goal is {goal}; accepted here: one with its position")
        field = self.field(world, place)
        starts = world.walkable_for(self.simulator.body).sample(rng, TRIES)
        distances = field.at(starts)
        near, far = self.options.min_distance, min(farthest, np.finfo(float).max)
        allowed = np.flatnonzero((distances >= near) & (distances <= far))
        if len(allowed) == 0:
            raise SceneError(
                f"{world.name}: no place to start from is {self.options.min_distance} m or more on "
                f"foot from the goal at ({place[0]:.2f}, {place[1]:.2f}); accepted: a larger scene "
                "or a smaller min_distance"
            )
        start = starts[allowed[0]]
        heading = float(rng.uniform(-np.pi, np.pi))
        return Episode(
            task=self.name,
            scene=self.reference(world),
            start=(float(start[0]), float(start[1])),
            heading=heading,
            events=(*scene_events(world), *events),
            goals=(goal,),
            geodesic_distance=float(distances[allowed[0]]),
            oracle_actions=self.count_oracle_actions(world, start, heading, field),
            **more,
        )

    def begin(self, episodes: Mapping[int, Episode]) -> None:
        """Begin episodes in some rows; nothing changes if one of them cannot begin.

        Raises:
            ValueError: an episode does not fit the task.
            SceneError, SoundError: its scene or a sound cannot be used, or is another than it was.
        """
        checked = {row: self._checked(episode) for row, episode in episodes.items()}
        super().begin({row: episode for row, (episode, _) in checked.items()})
        for row, (episode, aim) in checked.items():
            self._aims[row] = aim
            self._start_distance[row] = episode.geodesic_distance
            self._oracle_actions[row] = episode.oracle_actions
            for counts in (self._path_length, self._actions, self._collisions, self._stopped):
                counts[row] = 0
            self.begun(row)
        rows = np.zeros(self.simulator.num_envs, bool)
        rows[list(episodes)] = True
        self._position[rows] = self.simulator.state.position[rows]
        for row in episodes:
            self._distance[row] = self._distance_from(row, self._position[row])
        self._take_stock(rows)

    def begun(self, row: int) -> None:
        """Take note that an episode has begun in one row; nothing is judged yet."""

    def _checked(self, episode: Episode) -> tuple[Episode, Aim]:
        """Return an episode with its distances, and what they were solved for, if it fits."""
        if not episode.goals:
            raise ValueError(f"episode.goals is empty; accepted: a goal for {self.name}")
        world = self.world(episode)
        self.check_start(episode, world)
        goal = self.goal_at(episode, world)
        field = self.field(world, goal)
        if not np.isfinite(field.at([episode.start])[0]):
            raise ValueError(
                f"episode.start is {episode.start}; there is no way from there to the goal at "
                f"{goal} in {world.name}"
            )
        said, count = episode.geodesic_distance, episode.oracle_actions
        if said is None or count is None:
            distance, actions = self.measure(episode, world, field)
            said = max(distance, 1e-6) if said is None else said
            count = actions if count is None else count
        if not (0 < said < np.inf and count >= 1):
            raise ValueError(
                f"episode.geodesic_distance is {said} and oracle_actions {count}; accepted: more "
                "than 0 m, and 1 or more"
            )
        measured = replace(episode, geodesic_distance=said, oracle_actions=count)
        return measured, Aim(world, goal, field)

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

    def goal_at(self, episode: Episode, world: World, number: int = 0) -> Point:
        """Return where a goal of an episode, by default the first, is when it begins."""
        goal = episode.goals[number]
        places = {thing.name: thing.position for thing in world.compiled.objects}
        if goal.object is not None and goal.object not in places:
            raise SceneError(
                f"episode.goals: {world.name} has no object {goal.object!r}; accepted: one of its "
                f"{len(places)} objects{did_you_mean(goal.object, places)}"
            )
        if goal.position is not None:
            return goal.position
        if goal.source is not None:
            return episode.sources[goal.source].position
        return places[str(goal.object)]

    # -- a step ------------------------------------------------------------------------------------

    def act(self, actions: NDArray, active: NDArray[np.bool_]) -> Commands:
        """Return the motion that the actions of the active rows mean."""
        motion = self.actions.motion(actions)
        self._stops = active & motion.stop
        self._walked = active & (motion.distance != 0)
        return Commands(motion.distance * active, motion.turn * active)

    def judge(
        self,
        active: NDArray[np.bool_],
        last: NDArray[np.bool_],
        moved: NDArray[np.float64],
        collided: NDArray[np.bool_],
    ) -> Judgement:
        """Judge a step: nearer is better, and a stop near the goal is best.

        What doors and goals do to the distance is nobody's merit.
        """
        self._actions += active
        self._stopped |= self._stops
        self._path_length += moved * active
        self._collisions += collided & active
        before = self._distance.copy()
        for row in active.nonzero()[0].tolist():
            if self._renew_aim(row, exactly=bool(self._stops[row] or last[row])):
                if self.forgives:
                    before[row] = self._distance_from(row, self._position[row])
            elif not self._walked[row]:
                continue
            here = self.simulator.state.position[row]
            self._distance[row] = self._distance_from(row, here)
        self._position[active] = self.simulator.state.position[active]
        self.notice(active)
        options = self.options
        solved = self._stopped & active & self.succeeded()
        nearer = np.zeros(len(before))
        known = np.isfinite(before) & np.isfinite(self._distance)
        nearer[known] = self.cost(before[known]) - self.cost(self._distance[known])
        reward = nearer + options.success_reward * solved
        reward -= options.step_penalty
        terminated = self._stopped & active
        self._take_stock(active)
        return Judgement(np.where(active, reward, 0.0), terminated)

    def notice(self, active: NDArray[np.bool_]) -> None:
        """Take note of the step that the active rows (E,) have taken, before it is judged.

        ``_distance`` is that to the goals now; who is in ``_stopped`` has come to the end.
        """

    def cost(self, distance: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the reward of a step is the fall of, (R,): the negative potential, metres.

        What it adds up to depends on the first and the last moment of an episode only, not on the
        way between (a potential: Ng, Harada & Russell 1999, "Policy Invariance under Reward
        Transformations"), so that no detour pays.
        """
        return distance

    def succeeded(self) -> NDArray[np.bool_]:
        """Return whether each environment (E,) is where it should be, if it stops now."""
        return self._distance <= self.options.success_radius

    def metrics(self) -> dict[str, NDArray[np.float64]]:
        """Return the metrics of the episodes so far, (E,) each."""
        return dict(self._metrics)

    def truth(self) -> dict[str, NDArray]:
        """Return where the goal is, (E,) each; it is called the source, for mostly it sounds.

        Angles in radians in the body frame, distances in metres. ``source_visible``: in the field
        of view with nothing in between; ``source_audible``: it is sounding.
        """
        return dict(self._truth)

    def _take_stock(self, rows: NDArray[np.bool_]) -> None:
        """Renew metrics and truth of some rows (E,); those of the others stay."""
        self._metrics = renewed(self._metrics, self._current_metrics(), rows)
        self._truth = renewed(self._truth, self._current_truth(), rows)

    def _current_metrics(self) -> dict[str, NDArray[np.float64]]:
        success = (self._stopped & self.succeeded()).astype(np.float64)
        start, distance, walked = self._start_distance, self._distance, self._path_length
        return {
            "success": success,
            "spl": metrics.spl(success, start, walked),
            "soft_spl": metrics.soft_spl(distance, start, walked),
            "sna": metrics.sna(success, self._oracle_actions, self._actions),
            "distance_to_goal": distance.copy(),
            "normalized_distance_to_goal": metrics.normalized_distance(distance, start),
            "num_actions": self._actions.astype(np.float64),
            "path_length": walked.copy(),
            "collisions": self._collisions.astype(np.float64),
        }

    def _current_truth(self) -> dict[str, NDArray]:
        simulator, goal = self.simulator, self.goal_positions()
        offset = goal - simulator.state.ears()
        azimuth, elevation = frames.azimuth_elevation(
            frames.to_body(offset, simulator.state.heading)
        )
        audible = [self._is_audible(row) for row in range(simulator.num_envs)]
        return {
            "source_azimuth": azimuth,
            "source_elevation": elevation,
            "source_distance": np.linalg.norm(offset, axis=1),
            "geodesic_distance": self._distance.copy(),
            "source_visible": simulator.is_in_view(goal),
            "source_audible": np.array(audible),
        }

    # -- goals -------------------------------------------------------------------------------------

    def goal_of(self, row: int) -> Goal:
        """Return the goal that one body is to walk to now."""
        return self.episodes[row].goals[0]

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

    def _distance_from(self, row: int, position: NDArray[np.float64]) -> float:
        field = self._aims[row].field
        return np.inf if field is None else float(field.at(position[None])[0])

    def field(self, world: World, goal: Point) -> GeodesicField:
        """Return the walking distance to a goal, everywhere in a world.

        Raises:
            SceneError: nobody can stand near it.
        """
        body = self.simulator.body
        grid = world.walkable_for(body)
        eye = grid.level + body.eye_height
        return self._field_cache.get(grid, standing_point(world, grid, goal, eye))

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

    # -- for people --------------------------------------------------------------------------------

    def caption(self, row: int) -> list[str]:
        """Return what plays, and how far it is on which side."""
        truth = {name: values[row] for name, values in self._truth.items()}
        metrics = {name: values[row] for name, values in self._metrics.items()}
        degrees = np.rad2deg(truth["source_azimuth"])
        return [
            f"{self._goal_name(row)}, {truth['geodesic_distance']:.1f} m on foot",
            f"{abs(degrees):.0f}° to the {'left' if degrees >= 0 else 'right'}, "
            f"{'in sight' if truth['source_visible'] else 'out of sight'}",
            f"{metrics['num_actions']:.0f} actions, {metrics['path_length']:.1f} m walked",
        ]

    def _goal_name(self, row: int) -> str:
        episode, goal = self.episodes[row], self.goal_of(row)
        if goal.source is not None:
            return episode.sources[goal.source].sound.name.partition("?")[0]
        return goal.object or goal.category or "the goal"

    def marks(self, row: int) -> list[NDArray[np.float64]]:
        """Return where the goal is (2,)."""
        return [np.array(self._goal_now(row)[:2])]
