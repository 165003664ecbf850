"""Who plays for a learner on the machines of a cluster.

The crew may shrink and grow: a worker that dies is missing from rollouts until Ray has made it
anew, here or elsewhere. With ``patience`` below 1 a rollout ends when that share of the workers is
done, and what the others have until then is taken as it is (Wijmans et al. 2020, "DD-PPO: Learning
near-perfect PointGoal navigators from 2.5 billion frames", section 3, who take 0.6).
"""

import math
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from avenv.simulation.cluster import Cluster, wait_for_place
from avenv_agents.policy import Policy, PolicyConfig
from avenv_agents.rollout import Guide, Rollout, joined
from avenv_agents.workers import MakeEnvs, Player, Validate, weights_of

RETURN = 120.0
"""Seconds in which one of the workers has to be there again when all have died."""

_PAUSE = 0.5  # seconds between two questions whether somebody is there again


class Tally(NamedTuple):
    """What is to be known of a rollout without having it: steps, rows, and ended episodes."""

    steps: int
    rows: int
    episodes: list[dict[str, float]]


class Haul(NamedTuple):
    """A rollout that is still where it was played, in parts of some rows each.

    Attributes:
        parts: what each is, and a reference to the ``Rollout``.
    """

    parts: list[tuple[Tally, Any]]

    @property
    def steps(self) -> int:
        """Steps that were taken."""
        return sum(tally.steps for tally, _ in self.parts)

    @property
    def episodes(self) -> list[dict[str, float]]:
        """Metrics of the episodes that ended."""
        return [metrics for tally, _ in self.parts for metrics in tally.episodes]


class Member:
    """A player that may take the place of one that has died, and may be told to come to an end.

    Args:
        player: makes the player, given its number.
        seed: with which it begins.
        number: of the player.
        is_new: whether nobody has played in its place before.
    """

    def __init__(self, player: Callable[[int, int], Player], seed: int, number: int, is_new: bool):
        self._player = player(number, seed)
        self._seed = seed if is_new else None
        self._has_begun = is_new  # with episodes that nobody has played yet
        self._enough: tuple[int, int] | None = None
        self._busy: list[float] = []

    def spaces(self) -> tuple:
        """Return the spaces of the environments."""
        return self._player.spaces

    def collect(
        self, seed: int, turn: int, weights: Any, steps: int, guide: Guide
    ) -> tuple[Tally, Rollout]:
        """Return a rollout, the turn-th since all began with a seed, from 1, and what it is."""
        if turn == 1:
            if not self._has_begun or self._seed != seed:
                self._player.begin(seed)
        elif self._seed != seed:
            # Who comes later must not play again what has been played in its place.
            self._player.begin(int(np.random.SeedSequence((seed, turn)).generate_state(1)[0]))
        self._seed, self._has_begun = seed, False
        call, busy = (seed, turn), time.process_time()
        rollout = self._player.collect(
            weights, steps, guide, is_enough=lambda: self._enough == call
        )
        self._busy.append(time.process_time() - busy)
        return Tally(rollout.steps, rollout.begun.shape[1], rollout.episodes), rollout

    def busy(self) -> list[float]:
        """Return the CPU seconds that each rollout has taken, of all threads."""
        return self._busy

    def hurry(self, seed: int, turn: int) -> None:
        """Let a rollout end before the next step."""
        self._enough = seed, turn

    def validate(self, weights: Any, share: int) -> list[dict[str, float]]:
        """Return the metrics of a share of the validation's episodes."""
        return self._player.validate(weights, share)


class ClusterWorkers:
    """A ``Crew`` of actors, each a native batch of environments with a copy of the policy.

    With ``patience`` 1 and nobody dead, what they play is what ``Workers`` play, bit for bit on
    machines with the same vector instructions.

    Args:
        cluster: that has been entered.
        make_envs, count, seed, config, validate: as of ``Workers``.
        patience: share of the workers, above 0, at whose end a rollout ends for all; it may change
            between two.

    Raises:
        ValueError: what the environments or the policy are to be cannot be; or ``patience`` is out
            of range.
        ChildProcessError: not all workers have found a place on the cluster; or, later, all
            are dead, and none has returned in ``RETURN`` seconds.
    """

    def __init__(
        self, cluster: Cluster, make_envs: MakeEnvs, count: int, seed: int, config: PolicyConfig,
        validate: Validate | None = None, patience: float = 1.0,
    ):  # fmt: skip
        if not 0 < patience <= 1:
            raise ValueError(f"patience is {patience!r}; accepted: more than 0, up to 1")
        self._cluster, self.patience = cluster, patience
        player = partial(_player, make_envs, config, validate)
        self._members = cluster.members(partial(Member, player, seed), count)
        self._seed, self._turn = seed, 0
        self._calls: dict[Any, tuple[int, Any]] = {}
        self._how: tuple = ()
        self._missing: set[int] = set()
        self.spaces = self._first_answer("spaces")

    def start(self, policy: Policy, steps: int, guide: Guide = Guide()) -> None:  # noqa: B008
        """Let all workers collect with the weights as they are now."""
        self._turn += 1
        self._how = self._cluster.share(weights_of(policy)), steps, guide
        self._call()

    def finish(self) -> Rollout:
        """Return what they have collected, the rows of those who are there side by side."""
        while True:
            found = []
            for number, (_, reference) in self._finished():
                try:
                    found.append(self._cluster.got(reference))
                except self._cluster.death as error:  # its machine, since
                    self._lost(number, error)
            if found:
                return joined(found)
            self._call()

    def finish_there(self) -> Haul:
        """Return what they have collected, and leave it where it is."""
        return Haul([part for _, part in self._finished()])

    def _finished(self) -> list[tuple[int, tuple[Tally, Any]]]:
        """Return what each worker has collected that lives, one at least."""
        gives_up = time.monotonic() + RETURN
        while not (found := self._collected()):
            if time.monotonic() > gives_up:
                raise ChildProcessError(
                    f"all {len(self._members)} workers have died, and none is there again after "
                    f"{RETURN:g} s; is there too little memory?"
                )
            time.sleep(_PAUSE)
            self._call()
        return sorted(found.items(), key=lambda item: item[0])

    def begin(self, seed: int) -> None:
        """Begin new episodes everywhere with the next rollout, as if nothing had been before."""
        self._seed, self._turn = seed, 0

    def validate(self, policy: Policy) -> list[dict[str, float]]:
        """Return the metrics of the validation's episodes; the dead's share others play."""
        weights = self._cluster.share(weights_of(policy))
        found: dict[int, list[dict[str, float]]] = {}
        gives_up = time.monotonic() + RETURN
        while todo := [k for k in range(len(self._members)) if k not in found]:
            there = [k for k in range(len(self._members)) if k not in self._missing] or todo
            calls = {
                self._members[there[i % len(there)]].call.remote("validate", weights, share): share
                for i, share in enumerate(todo)
            }
            before = len(found)
            for call, share in calls.items():
                try:
                    found[share] = self._cluster.got(call)
                except self._cluster.death:
                    self._missing.add(there[todo.index(share) % len(there)])
            if len(found) > before:
                gives_up = time.monotonic() + RETURN
            elif time.monotonic() > gives_up:
                raise ChildProcessError("all workers have died over the validation")
            elif len(found) == before:
                time.sleep(_PAUSE)
        return [metrics for share in sorted(found) for metrics in found[share]]

    def busy(self) -> list[list[float]]:
        """Return for each worker the CPU seconds of its rollouts."""
        calls = [member.call.remote("busy") for member in self._members]
        return [self._cluster.got(call) for call in calls]

    def close(self) -> None:
        """End the workers."""
        self._cluster.end(self._members)

    def _call(self) -> None:
        """Ask everybody, the dead too: they may be there again."""
        question = "collect", self._seed, self._turn, *self._how
        self._calls = {}
        for number, member in enumerate(self._members):
            tally, rollout = member.call.options(num_returns=2).remote(*question)
            self._calls[tally] = number, rollout

    def _collected(self) -> dict[int, tuple[Tally, Any]]:
        """Return what each worker has collected that lives."""
        found: dict[int, tuple[Tally, Any]] = {}
        calls, self._calls = self._calls, {}
        hurried = False
        while calls:
            (call, *_), _ = self._cluster.first(list(calls))
            number, rollout = calls.pop(call)
            try:
                found[number] = self._cluster.got(call), rollout
                self._missing.discard(number)
            except self._cluster.death as error:
                self._lost(number, error)
            living = len(found) + len(calls)
            if found and not hurried and len(found) >= math.ceil(self.patience * living):
                hurried = True
                for slow, _ in calls.values():
                    self._members[slow].call.remote("hurry", self._seed, self._turn)
        return found

    def _lost(self, number: int, error: Exception) -> None:
        if number not in self._missing:
            said = str(error).strip().partition("\n")[0]
            warnings.warn(
                f"worker {number} has died, the others go on: {said}", RuntimeWarning, stacklevel=4
            )
        self._missing.add(number)

    def _first_answer(self, verb: str) -> Any:
        """Return what the first worker says, once all are there or have refused."""
        asked = [member.call.remote(verb) for member in self._members]
        wait_for_place(self._cluster, asked)
        try:
            answers = [self._cluster.got(call) for call in asked]  # all, for one may refuse
        except self._cluster.death as error:
            self.close()
            raise RuntimeError(f"a worker has failed at the beginning: {error}") from error
        return answers[0]


def _player(
    make_envs: MakeEnvs, config: PolicyConfig, validate: Validate | None, number: int, seed: int
) -> Player:
    return Player(make_envs, number, config, seed, validate)
