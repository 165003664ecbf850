"""What tasks share in which a body must act on what it hears: what acts are worth.

A task says what an episode is (``sample``), what an act was worth (``verdict``), and what is still
to be done (``errands``). Acts that are right bring an episode on; one that is wrong, premature or
that a sound misled to ends it, so that trying everything does not pay. Rewards are shaped by a
potential, the distance still to walk (Ng, Harada & Russell 1999, "Policy Invariance under Reward
Transformations"), so that neither dithering nor turning on the spot brings anything.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.simulation.hands import Act
from avenv.simulation.simulator import Commands, Simulator
from avenv.tasks.actions import MOTIONS
from avenv.tasks.doors import inner_doors
from avenv.tasks.episode import Episode
from avenv.tasks.errands import ErrandTask
from avenv.tasks.options import InteractionOptions
from avenv.tasks.task import Judgement, renewed
from avenv.tasks.verdicts import ENDING, Tally, Verdict, describe


class InteractionTask(ErrandTask):
    """Do what is to be done to the right things, at the right time, in E environments."""

    headline = ("success", "efficiency", "wrong_acts", "premature_acts", "misled_acts")

    def __init__(self, simulator: Simulator, options: InteractionOptions):
        super().__init__(simulator, options)
        count = simulator.num_envs
        self.tally = Tally(count)
        self.last_act: list[Act | None] = [None] * count
        self._verdict = [Verdict.NOTHING] * count
        self._said = [""] * count
        self._distance, self._position = np.zeros(count), np.zeros((count, 2))
        self._aim: list[Any] = [None] * count
        self._stops, self._over = np.zeros(count, bool), np.zeros(count, bool)
        self._metrics: dict[str, NDArray[np.float64]] = {}
        self._truth: dict[str, NDArray] = {}

    # -- what a task says --------------------------------------------------------------------------

    @abstractmethod
    def verdict(self, row: int, act: Act) -> Verdict:
        """Return what an act that has come about was worth."""

    def is_solved(self, row: int) -> bool:
        """Return whether all is done, so that the episode ends in success."""
        return not self.errands(row)

    def is_too_late(self, row: int) -> bool:
        """Return whether it can no longer be done, so that the episode ends."""
        return False

    def is_right_to_stop(self, row: int) -> bool:
        """Return whether to stop now is what was asked for."""
        return False

    # -- a step ------------------------------------------------------------------------------------

    def begin(self, episodes: Mapping[int, Episode]) -> None:
        """Begin episodes in some rows; nothing changes if one of them cannot begin."""
        super().begin({row: self._checked(episode) for row, episode in episodes.items()})
        rows = np.zeros(self.simulator.num_envs, bool)
        rows[list(episodes)] = True
        state = self.simulator.state
        for row in episodes:
            self.simulator.foresee(row, self.foreseen(self.episodes[row]))
            self.last_act[row], self._verdict[row] = None, Verdict.NOTHING
            self._over[row], self._said[row] = False, ""
            self._aim[row], self._position[row] = self._aims(row), state.position[row]
            self._distance[row] = self._distance_left(row, state.position[row])
            said = self.episodes[row].geodesic_distance
            self.tally.begin(row, float(self._distance[row]) if said is None else said)
        self._take_stock(rows)

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
        self.tally.move(active, moved, collided)
        reward, terminated = np.zeros(len(active)), np.zeros(len(active), bool)
        for row in np.flatnonzero(active).tolist():
            act = self.simulator.acts.get(row)
            self.last_act[row], self._verdict[row] = act, Verdict.NOTHING
            if act is not None and act.failed:
                self.tally.failed[row] += 1
            elif act is not None and act.verb != "wait" and not self._is_passage(row, act):
                self._verdict[row] = self.verdict(row, act)
                self.tally.acts[self._verdict[row]][row] += 1
            if act is not None and act.verb != "wait":
                self._said[row] = describe(act, self._verdict[row])
            reward[row], terminated[row] = self._judged(row, bool(moved[row]))
        self._over |= terminated | (last & active)
        self._take_stock(active)
        return Judgement(reward, terminated)

    def _judged(self, row: int, moved: bool) -> tuple[float, bool]:
        """Return reward of a row's step, and whether its episode is over."""
        options, verdict = self.options, self._verdict[row]
        reward, before = -options.step_penalty, float(self._distance[row])
        if verdict in ENDING:
            return reward - options.wrong_penalty, True
        if self._stops[row]:
            right = self.is_right_to_stop(row)
            self.tally.success[row] = right
            return reward + options.success_reward * right, True
        if verdict == Verdict.RIGHT and self.is_solved(row):
            self.tally.success[row] = 1
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

    def _is_passage(self, row: int, act: Act) -> bool:
        """Return whether a body has only opened or shut a door within the home."""
        if act.verb != "interact":
            return False
        return act.thing in inner_doors(self.simulator.state.here[row])

    def is_over(self, row: int) -> bool:
        """Return whether a row's episode is over."""
        return bool(self._over[row])

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
        self._metrics = renewed(self._metrics, self.tally.metrics(), rows)
        self._truth = renewed(self._truth, self._current_truth(), rows)

    def _current_truth(self) -> dict[str, NDArray]:
        rows = range(self.simulator.num_envs)
        places = np.array([self._place_next(row) for row in rows], np.float64)
        bearings = self.simulator.bearings(places)
        return {
            "source_azimuth": bearings.azimuth,
            "source_elevation": bearings.elevation,
            "source_distance": bearings.distance,
            "geodesic_distance": self._distance.copy(),
            "source_visible": bearings.visible,
            "source_audible": np.array([self._is_audible(row) for row in rows]),
            "act_failed": np.array([bool(act and act.failed) for act in self.last_act]),
        }

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

    def caption(self, row: int) -> list[str]:
        """Return what was asked for, and what the body did last."""
        tally, said = self.tally, self._said[row]
        walked = f"{tally.steps[row]:.0f} actions, {tally.walked[row]:.1f} m walked"
        return [self.simulator.state.instruction[row], *([said] if said else []), walked]
