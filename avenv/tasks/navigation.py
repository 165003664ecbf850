"""What all navigation tasks share: four actions, a goal, reward, metrics and ground truth.

A task says how an episode is built (``sample``); where its goal is, the episode says. What the
metrics mean is in ``avenv.tasks.metrics``.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SceneError
from avenv.simulation.events import Event
from avenv.simulation.simulator import Commands, Simulator
from avenv.simulation.world import World
from avenv.tasks import metrics
from avenv.tasks.actions import find_actions
from avenv.tasks.aims import Aim, GoalTask
from avenv.tasks.declared import scene_events
from avenv.tasks.episode import Episode, Goal
from avenv.tasks.options import NavigationOptions
from avenv.tasks.task import Judgement, renewed

TRIES = 1000
"""Starts that are drawn until one is far enough from the goal."""

_AT_ONCE = 50  # whose distances are looked up together; mostly one of the first is far enough


class NavigationTask(GoalTask):
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
        near, far = self.options.min_distance, min(farthest, np.finfo(float).max)
        for begin in range(0, TRIES, _AT_ONCE):
            distances = field.at(some := starts[begin : begin + _AT_ONCE])
            if len(allowed := np.flatnonzero((distances >= near) & (distances <= far))):
                break
        else:
            raise SceneError(
                f"{world.name}: no place to start from is {self.options.min_distance} m or more on "
                f"foot from the goal at ({place[0]:.2f}, {place[1]:.2f}); accepted: a larger scene "
                "or a smaller min_distance"
            )
        start, distance = some[allowed[0]], float(distances[allowed[0]])
        heading = float(rng.uniform(-np.pi, np.pi))
        return Episode(
            task=self.name,
            scene=self.reference(world),
            start=(float(start[0]), float(start[1])),
            heading=heading,
            events=(*scene_events(world), *events),
            goals=(goal,),
            geodesic_distance=distance,
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
        if (said, count) != (episode.geodesic_distance, episode.oracle_actions):
            episode = replace(episode, geodesic_distance=said, oracle_actions=count)
        return episode, Aim(world, goal, field)

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
        np.copyto(self._position, self.simulator.state.position, where=active[:, None])
        self.notice(active)
        options = self.options
        solved = self._stopped & active & self.succeeded()
        nearer, known = np.zeros(len(before)), np.isfinite(before) & np.isfinite(self._distance)
        np.subtract(self.cost(before), self.cost(self._distance), out=nearer, where=known)
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
        Transformations"), so that no detour pays. Distances are inf where there is no way; what is
        returned for them counts for nothing.
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
        bearings = self.simulator.bearings(self.goal_positions())
        audible = [self._is_audible(row) for row in range(self.simulator.num_envs)]
        return {
            "source_azimuth": bearings.azimuth,
            "source_elevation": bearings.elevation,
            "source_distance": bearings.distance,
            "geodesic_distance": self._distance.copy(),
            "source_visible": bearings.visible,
            "source_audible": np.array(audible),
        }

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
