"""What tasks share in which a body must act on what it hears: verbs, judgement, metrics, experts.

A task says what an episode is (``sample``), what an act was worth (``verdict``), and what is still
to be done (``errands``). Acts that are right bring an episode on; one that is wrong, premature or
that a sound misled to ends it, so that trying everything does not pay. Rewards are shaped by a
potential, the distance still to walk (Ng, Harada & Russell 1999, "Policy Invariance under Reward
Transformations"), so that neither dithering nor turning on the spot brings anything.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.core import frames
from avenv.core.errors import SceneError
from avenv.geometry import lines_of_sight
from avenv.navigation import follower
from avenv.simulation.hands import Act
from avenv.simulation.simulator import Commands, Simulator
from avenv.simulation.world import SOURCE_HEIGHT, World
from avenv.tasks.actions import MOTIONS, DiscreteMotion
from avenv.tasks.declared import scene_events
from avenv.tasks.doors import inner_doors
from avenv.tasks.episode import Episode, Point
from avenv.tasks.experts import Errand, Planner, standing_places
from avenv.tasks.task import Judgement, Task, Whereabouts, renewed

TRIES = 200
"""Starts that are drawn until one is far enough from what is to be done."""


class Verdict(StrEnum):
    """What an act was worth."""

    NOTHING = "nothing"
    RIGHT = "right"
    WRONG = "wrong"
    PREMATURE = "premature"
    MISLED = "misled"


_ENDING = (Verdict.WRONG, Verdict.PREMATURE, Verdict.MISLED)


@dataclass(frozen=True)
class InteractionOptions:
    """The numbers of a task in which a body acts.

    Attributes:
        success_reward: added when all is done.
        wrong_penalty: subtracted at an act that ends the episode.
        step_penalty: subtracted at every action.
        forward_step: metres of a forward action.
        turn_angle: degrees of a turn action.
        min_distance: metres; the least geodesic distance from the start to what is to be done.
        sounds: ``"heard"``, or ``"unheard"``: variants of the same sounds that are kept back.
    """

    success_reward: float = 10.0
    wrong_penalty: float = 5.0
    step_penalty: float = 0.01
    forward_step: float = 0.25
    turn_angle: float = 15.0
    min_distance: float = 2.0
    sounds: str = "heard"

    def __post_init__(self) -> None:
        for name in ("forward_step", "turn_angle", "min_distance"):
            value = getattr(self, name)
            if not (isinstance(value, int | float) and 0 < value < np.inf):
                raise ValueError(f"{name} is {value!r}; accepted: more than 0")
        for name in ("success_reward", "wrong_penalty", "step_penalty"):
            value = getattr(self, name)
            if not (isinstance(value, int | float) and np.isfinite(value)):
                raise ValueError(f"{name} is {value!r}; accepted: a finite number")
        if self.turn_angle > 180:
            raise ValueError(f"turn_angle is {self.turn_angle!r}; accepted: up to 180 degrees")
        if self.sounds not in ("heard", "unheard"):
            raise ValueError(f"sounds is {self.sounds!r}; accepted: 'heard' or 'unheard'")


class InteractionTask(Task):
    """Do what is to be done to the right things at the right time, for a batch of E environments.

    Attributes:
        verbs: what a body can do besides walking, names in ``hands.VERBS``.
    """

    Options = InteractionOptions
    headline = ("success", "efficiency", "wrong_acts", "premature_acts", "misled_acts")
    options: InteractionOptions
    verbs: tuple[str, ...] = ("interact", "wait")

    def __init__(self, simulator: Simulator, options: InteractionOptions):
        super().__init__(simulator, options)
        count, turn = simulator.num_envs, np.deg2rad(options.turn_angle)
        self.actions = DiscreteMotion(options.forward_step, turn, self.verbs)
        self.planner = Planner(simulator, options.forward_step, turn)
        self.last_act: list[Act | None] = [None] * count
        self._verdict = [Verdict.NOTHING] * count
        self._counts = {verdict: np.zeros(count) for verdict in Verdict}
        self._failed, self._success = np.zeros(count), np.zeros(count)
        self._steps, self._collisions = np.zeros(count), np.zeros(count)
        self._walked, self._way = np.zeros(count), np.ones(count)
        self._distance, self._position = np.zeros(count), np.zeros((count, 2))
        self._aim: list[Any] = [None] * count
        self._stops, self._over = np.zeros(count, bool), np.zeros(count, bool)
        self._metrics: dict[str, NDArray[np.float64]] = {}
        self._truth: dict[str, NDArray] = {}

    # -- what a task says --------------------------------------------------------------------------

    @abstractmethod
    def errands(self, row: int) -> list[Errand]:
        """Return what is still to be done in a row, in any order; empty when there is nothing."""

    @abstractmethod
    def verdict(self, row: int, act: Act) -> Verdict:
        """Return what an act that has come about was worth."""

    def guess(self, row: int) -> Errand | str:
        """Return what somebody would do next who knows the home, and hears nothing.

        An errand, or the name of an action.

        Raises:
            NotImplementedError: the task has no such guess.
        """
        raise NotImplementedError(f"{self.name} has no guess")

    def is_solved(self, row: int) -> bool:
        """Return whether all is done, so that the episode ends in success."""
        return not self.errands(row)

    def idle(self, row: int) -> str:
        """Return the action, by name, of somebody who knows that nothing is to be done."""
        return "stop"

    def is_too_late(self, row: int) -> bool:
        """Return whether it can no longer be done, so that the episode ends."""
        return False

    def is_right_to_stop(self, row: int) -> bool:
        """Return whether to stop now is what was asked for."""
        return False

    def foreseen(self, episode: Episode) -> Sequence[Mapping[str, str]]:
        """Return the changes of things that are prepared before an episode, one after another."""
        return [event.states for event in episode.events]

    # -- episodes ----------------------------------------------------------------------------------

    def episode(
        self,
        rng: np.random.Generator,
        world: World,
        errands: Sequence[Errand],
        unseen: Point | None = None,
        known: World | None = None,
        others: Sequence[Errand] = (),
        **more: Any,
    ) -> Episode:
        """Return an episode that starts at least ``min_distance`` from what is to be done.

        Args:
            rng: to draw from.
            world: the scene, as it is loaded.
            errands: what is to be done first, in any order.
            unseen: a place that cannot be seen from the start.
            known: the world in which the errands are run, by default that in which it begins.
            others: what somebody might take for an errand: the start is as far from these.
            **more: further fields of ``Episode``; ``states`` are those that it begins in.

        Raises:
            SceneError: no place to start from is far enough.
        """
        here = world.with_states(more.get("states", {}))
        then = known or here
        starts = here.walkable_for(self.simulator.body).sample(rng, TRIES)
        near = [self.planner.field(then, errand).at(starts) for errand in (*errands, *others)]
        distances = np.min(near, axis=0)
        fits = np.isfinite(distances) & (distances >= self.options.min_distance)
        if unseen is not None:
            eye = here.level_for(self.simulator.body) + self.simulator.body.eye_height
            eyes = np.column_stack([starts, np.full(len(starts), eye)])
            fits &= ~lines_of_sight(here.compiled.bvh, eyes, np.tile(unseen, (len(eyes), 1)))
        allowed = np.flatnonzero(fits)
        if len(allowed) == 0:
            raise SceneError(
                f"{world.name}: no place to start from is {self.options.min_distance} m or more on "
                f"foot from {[e.thing for e in errands]}; accepted: a larger scene or a smaller "
                "min_distance"
            )
        start = starts[allowed[0]]
        return Episode(
            task=self.name,
            scene=self.reference(world),
            start=(float(start[0]), float(start[1])),
            heading=float(rng.uniform(-np.pi, np.pi)),
            events=(*scene_events(world), *more.pop("events", ())),
            geodesic_distance=self.way(then, start, errands),
            **more,
        )

    def way(self, world: World, start: NDArray[np.float64], errands: Sequence[Errand]) -> float:
        """Return how far one walks who runs some errands, always the nearest next, metres."""
        here, total, left = np.array(start, np.float64)[None], 0.0, list(errands)
        while left:
            fields = [self.planner.field(world, errand) for errand in left]
            away = [float(field.at(here)[0]) for field in fields]
            nearest = int(np.argmin(away))
            total += away[nearest]
            goals = fields[nearest].goals
            here = goals[np.argmin(np.linalg.norm(goals - here, axis=1))][None]
            left.pop(nearest)
        return total

    def seconds_to(self, way: float) -> float:
        """Return seconds in which anybody walks so many metres in a home, with turns and doubts."""
        options = self.options
        actions = 2 * way / options.forward_step + 2 * 180 / options.turn_angle
        return actions * self.simulator.settings.step_time

    def candidates(self, world: World, verb: str, names: Sequence[str]) -> list[str]:
        """Return those of some things that a body can get at with a verb."""
        body = self.simulator.body
        return [n for n in names if len(standing_places(world, body, Errand(verb, n)))]

    def variant(self, rng: np.random.Generator, kind: str) -> str:
        """Return the name of one of the eight variants of a kind of sound."""
        kept_back = "/unheard" if self.options.sounds == "unheard" else ""
        return f"{kind}{kept_back}/{rng.integers(8)}"

    def begin(self, episodes: Mapping[int, Episode]) -> None:
        """Begin episodes in some rows; nothing changes if one of them cannot begin."""
        super().begin({row: self._checked(episode) for row, episode in episodes.items()})
        rows = np.zeros(self.simulator.num_envs, bool)
        rows[list(episodes)] = True
        state = self.simulator.state
        for row in episodes:
            self.simulator.foresee(row, self.foreseen(self.episodes[row]))
            self.last_act[row], self._verdict[row] = None, Verdict.NOTHING
            for counts in (*self._counts.values(), self._failed, self._success, self._steps,
                           self._collisions, self._walked):  # fmt: skip
                counts[row] = 0
            self._over[row] = False
            self._aim[row], self._position[row] = self._aims(row), state.position[row]
            self._distance[row] = self._distance_left(row, state.position[row])
            said = self.episodes[row].geodesic_distance
            self._way[row] = self._distance[row] if said is None else said
        self._take_stock(rows)

    def _checked(self, episode: Episode) -> Episode:
        """Return an episode if it fits the task.

        Raises:
            ValueError: it does not.
        """
        world = self.world(episode)
        if not world.walkable_for(self.simulator.body).is_walkable([episode.start])[0]:
            raise ValueError(
                f"episode.start is {episode.start}; accepted: a place on the floor of {world.name} "
                "where a body can stand"
            )
        names = {thing.name for thing in world.compiled.objects}
        for goal in episode.goals:
            if goal.object not in names and (goal.source is None or goal.object is not None):
                raise ValueError(
                    f"episode.goals has the object {goal.object!r}; accepted: one of {world.name}"
                )
        if not episode.goals:
            raise ValueError(f"episode.goals is empty; accepted: a goal for {self.name}")
        return episode if episode.instruction else replace(episode, instruction=self.instruction)

    # -- a step ------------------------------------------------------------------------------------

    def act(self, actions: NDArray, active: NDArray[np.bool_]) -> Commands:
        """Return what the actions of the active rows mean."""
        motion = self.actions.motion(actions)
        self._stops = active & motion.stop
        acting = np.flatnonzero(active & (actions >= len(MOTIONS))).tolist()
        acts = {row: self.actions.names[actions[row]] for row in acting}
        return Commands(motion.distance * active, motion.turn * active, acts=acts)

    def judge(
        self,
        active: NDArray[np.bool_],
        last: NDArray[np.bool_],
        moved: NDArray[np.float64],
        collided: NDArray[np.bool_],
    ) -> Judgement:
        """Judge a step: nearer to what is to be done is better, and all done is best.

        What acts and events do to the distance is nobody's merit.
        """
        self._steps += active
        self._walked += moved * active
        self._collisions += collided & active
        reward, terminated = np.zeros(len(active)), np.zeros(len(active), bool)
        for row in np.flatnonzero(active).tolist():
            act = self.simulator.acts.get(row)
            self.last_act[row], self._verdict[row] = act, Verdict.NOTHING
            if act is not None and act.failed:
                self._failed[row] += 1
            elif act is not None and act.verb != "wait" and not self._is_passage(row, act):
                self._verdict[row] = self.verdict(row, act)
                self._counts[self._verdict[row]][row] += 1
            reward[row], terminated[row] = self._judged(row, bool(moved[row]))
        self._over |= terminated | (last & active)
        self._take_stock(active)
        return Judgement(reward, terminated)

    def _judged(self, row: int, moved: bool) -> tuple[float, bool]:
        """Return reward of a row's step, and whether its episode is over."""
        options, verdict = self.options, self._verdict[row]
        reward, before = -options.step_penalty, float(self._distance[row])
        if verdict in _ENDING:
            return reward - options.wrong_penalty, True
        if self._stops[row]:
            self._success[row] = self.is_right_to_stop(row)
            return reward + options.success_reward * self._success[row], True
        if verdict == Verdict.RIGHT and self.is_solved(row):
            self._success[row] = 1
            return reward + options.success_reward, True
        if self.is_too_late(row):
            return reward, True
        here, aim = self.simulator.state.position[row].copy(), self._aims(row)
        if aim != self._aim[row]:
            before = self._distance_left(row, self._position[row])
        self._distance[row] = self._distance_left(row, here)
        self._aim[row], self._position[row] = aim, here
        if moved and np.isfinite(before) and np.isfinite(self._distance[row]):
            reward += before - self._distance[row]
        return reward, False

    def _aims(self, row: int) -> tuple[World, frozenset[str]]:
        """Return what a row's distance is measured in, and to."""
        return self.simulator.state.here[row], frozenset(e.thing for e in self.errands(row))

    def _is_passage(self, row: int, act: Act) -> bool:
        """Return whether a body has only opened or shut a door within the home."""
        if act.verb != "interact":
            return False
        return act.thing in inner_doors(self.simulator.state.here[row])

    def _distance_left(self, row: int, position: NDArray[np.float64]) -> float:
        """Return the geodesic distance to the nearest of what is to be done; 0: nothing is."""
        here, world = position[None], self.simulator.state.here[row]
        try:
            away = [self.planner.field(world, e).at(here)[0] for e in self.errands(row)]
        except SceneError:  # it cannot be got at for the time being
            return np.inf
        return float(min(away, default=0.0))

    # -- what came of it ---------------------------------------------------------------------------

    def metrics(self) -> dict[str, NDArray[np.float64]]:
        """Return the metrics of the episodes so far, (E,) each."""
        return dict(self._metrics)

    def truth(self) -> dict[str, NDArray]:
        """Return where the next thing is that something is to be done to, (E,) each.

        Angles in radians in the body frame, distances in metres; ``act_failed``: whether the last
        act could not be done.
        """
        return dict(self._truth)

    def _take_stock(self, rows: NDArray[np.bool_]) -> None:
        """Renew metrics and truth of some rows (E,); those of the others stay."""
        self._metrics = renewed(self._metrics, self._current_metrics(), rows)
        self._truth = renewed(self._truth, self._current_truth(), rows)

    def _current_metrics(self) -> dict[str, NDArray[np.float64]]:
        way = np.maximum(self._way, 1.0)  # nobody stands still to the centimetre
        counts = {f"{v}_acts": self._counts[v].copy() for v in Verdict if v != Verdict.NOTHING}
        return {
            "success": self._success.copy(),
            "efficiency": self._success * way / np.maximum(way, self._walked),
            **counts,
            "failed_acts": self._failed.copy(),
            "num_actions": self._steps.copy(),
            "path_length": self._walked.copy(),
            "collisions": self._collisions.copy(),
        }

    def _current_truth(self) -> dict[str, NDArray]:
        state = self.simulator.state
        rows = range(self.simulator.num_envs)
        places = np.array([self._place_next(row) for row in rows], np.float64)
        offset = places - state.ears()
        azimuth, elevation = frames.azimuth_elevation(frames.to_body(offset, state.heading))
        return {
            "source_azimuth": azimuth,
            "source_elevation": elevation,
            "source_distance": np.linalg.norm(offset, axis=1),
            "geodesic_distance": self._distance.copy(),
            "source_visible": self.simulator.is_in_view(places),
            "source_audible": np.array([self._is_audible(row) for row in rows]),
            "act_failed": np.array([bool(act and act.failed) for act in self.last_act]),
        }

    def _place_next(self, row: int) -> Point:
        """Return where the next thing is, just above it; ahead of the ears where there is none."""
        state = self.simulator.state
        errands = self.errands(row) if row in self.episodes else []
        if not errands:
            x, y = state.position[row] + frames.forward(state.heading[row])
            return float(x), float(y), float(state.ears()[row, 2])
        x, y, z, height = self._spot(row, errands[0])
        return x, y, z + height + 0.02

    def _spot(self, row: int, errand: Errand) -> tuple[float, float, float, float]:
        """Return where an errand is to be done: x, y, z and the height of what is there, metres."""
        if errand.place is not None:
            return *errand.place, float(self.simulator.state.level[row]), SOURCE_HEIGHT
        compiled = self.simulator.state.here[row].compiled
        thing = compiled.objects[compiled.row_of[errand.thing]]
        return *thing.position, thing.size[2]

    def _is_audible(self, row: int) -> bool:
        if row not in self.episodes:
            return False
        state = self.simulator.state
        wanted = {errand.thing for errand in self.errands(row)}
        cues = {goal.source for goal in self.episodes[row].goals}
        clock = int(state.clock[row])
        return any(
            (k in cues or emitter.object in wanted) and emitter.is_sounding(clock)
            for k, emitter in enumerate(state.emitters(row))
        )

    # -- experts -----------------------------------------------------------------------------------

    def oracle_action(self, row: int) -> int:
        """Return the next action of somebody who knows everything: the nearest errand first."""
        errands = [] if self._over[row] else self.errands(row)
        if not errands:
            return follower.STOP if self._over[row] else self._number(row, self.idle(row))
        return self._number(row, self.nearest(row, errands))

    def nearest(self, row: int, errands: Sequence[Errand]) -> Errand:
        """Return that of some errands which is nearest on foot to a body."""
        world, here = self.simulator.state.here[row], self.simulator.state.position[row][None]
        away = [float(self.planner.field(world, errand).at(here)[0]) for errand in errands]
        return errands[int(np.argmin(away))]

    def whereabouts(self, row: int) -> Whereabouts | None:
        """Return where the nearest errand is, and whether it can be run at once."""
        errands = self.errands(row)
        if not errands:
            return None
        world, errand = self.simulator.state.here[row], self.nearest(row, errands)
        kinds = {thing.name: thing.kind for thing in world.compiled.objects}
        what = kinds.get(errand.thing, errand.thing).replace("_", " ")
        place = np.array(self._spot(row, errand)[:2])
        return Whereabouts(f"The {what}", place, self.planner.field(world, errand), errand.ready)

    def deaf_action(self, row: int) -> int:
        """Return the next action of somebody who knows the home, and hears nothing."""
        return follower.STOP if self._over[row] else self._number(row, self.guess(row))

    def _number(self, row: int, wish: Errand | str) -> int:
        action: int | str
        try:
            action = self.planner.next_action(row, wish) if isinstance(wish, Errand) else wish
        except SceneError:  # shut off from it, as by a leaf that has swung; it may swing back
            action = "wait"
        return self.actions.names.index(action) if isinstance(action, str) else action

    # -- for people --------------------------------------------------------------------------------

    def caption(self, row: int) -> list[str]:
        """Return what was asked for, and what the body did last."""
        return [self.simulator.state.instruction[row], self._did(row)]

    def _did(self, row: int) -> str:
        act = self.last_act[row]
        if act is None:
            return f"{self._steps[row]:.0f} actions, {self._walked[row]:.1f} m walked"
        if act.failed:
            return f"{act.verb}: {act.problem}"
        what = " ".join(word for word in (act.verb, act.thing) if word)
        change = f": {act.was} to {act.state}" if act.was != act.state else ""
        change = f" on {act.on}" if act.on else change
        worth = "" if self._verdict[row] == Verdict.NOTHING else f" ({self._verdict[row]})"
        return f"{what}{change}{worth}"

    def marks(self, row: int) -> list[NDArray[np.float64]]:
        """Return where what is still to be done is (2,)."""
        return [np.array(self._spot(row, errand)[:2]) for errand in self.errands(row)]
