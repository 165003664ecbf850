"""Several learners on a cluster that make each update of PPO together.

Rollouts go from the machine where they were played to the learner that learns from them, and to
nobody else (Wijmans et al. 2020, "DD-PPO"). Whoever trains keeps the policy and the optimizer as
they are after each update, so that a learner that dies in the midst of one loses nothing: the
others make it again from there.
"""

import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np
import torch
from gymnasium import spaces
from torch import distributed

from avenv.simulation.cluster import Cluster, address, wait_for_place
from avenv_agents.allocation import keep_memory
from avenv_agents.cluster_workers import RETURN, ClusterWorkers, Haul
from avenv_agents.policy import Policy, PolicyConfig
from avenv_agents.ppo import PpoConfig, Update, batch_of, learn_from
from avenv_agents.rollout import Rollout, joined
from avenv_agents.team import PATIENCE, Team
from avenv_agents.workers import Weights, weights_of

_PAUSE = 0.5  # seconds between two questions whether somebody is there again


class State(NamedTuple):
    """All that learners have in common.

    Attributes:
        weights: of the policy.
        frozen: names of those that do not learn.
        optimizer: its state.
    """

    weights: Weights
    frozen: frozenset[str]
    optimizer: dict[str, Any]


class Member:
    """One learner.

    Args:
        config: the numbers.
        given: spaces of the environments.
        parts: of the policy.
        device: that it learns on.
        number: of the learner.
        is_new: whether nobody has learned in its place before; it does not matter.
    """

    def __init__(
        self, config: PpoConfig, given: tuple[spaces.Dict, spaces.Space], parts: PolicyConfig,
        device: str, number: int, is_new: bool,
    ):  # fmt: skip
        keep_memory()
        self._config, self._device = config, device
        self._policy = Policy(*given, parts).to(device)
        self._optimizer = torch.optim.Adam(self._policy.parameters())
        self._store: distributed.TCPStore | None = None
        self._team: Team | None = None
        self._batch: dict[str, torch.Tensor] = {}
        self._name = uuid4().hex

    def ready(self) -> str:
        """Return who it is: another if it was made anew."""
        return self._name

    def invite(self) -> tuple[str, int]:
        """Return where the others find it."""
        self._store = distributed.TCPStore(
            address(), 0, is_master=True, wait_for_workers=False, timeout=PATIENCE
        )
        return self._store.host, self._store.port

    def join(self, place: tuple[str, int], rank: int, size: int, state: State) -> None:
        """Belong to a team, which begins with the same policy and optimizer."""
        if self._team is not None:
            self._team.part()
        store = self._store if rank == 0 else distributed.TCPStore(*place, timeout=PATIENCE)
        assert store is not None
        self._team = Team(store, rank, size, self._device)
        load(self._policy, self._optimizer, state)

    def receive(self, has_rows: bool, *rollouts: Rollout) -> None:
        """Take what it is to learn from next, or, of what others learn from, no rows."""
        batch = batch_of(self._config, joined(rollouts), self._device)
        self._batch = batch if has_rows else {name: x[:, :0] for name, x in batch.items()}

    def learn(self, update: Update, tells: bool) -> tuple[dict[str, float], State | None]:
        """Learn from what it has received; return its part of the losses, and what came of it."""
        assert self._team is not None
        losses = learn_from(
            self._config, self._policy, self._optimizer, self._batch, update, self._team
        )
        return losses, state_of(self._policy, self._optimizer) if tells else None


class Learners:
    """A ``ppo.Learner`` of several members of a cluster.

    One that dies is missing until Ray has made it anew; the others then learn from its rows too.
    What they come to is, but for the rounding of sums, what one learner would from all rows.

    Args:
        cluster: that has been entered.
        count: of learners.
        config: the numbers.
        policy: that is changed as they learn; on the CPU.
        optimizer: of the policy.
        given: spaces of the environments.
        device: that they learn on; "auto": a GPU each, where the cluster has as many.

    Raises:
        ChildProcessError: not all have found a place on the cluster; or, when they are to learn,
            all are dead, and none has returned in ``RETURN`` seconds.
    """

    def __init__(
        self, cluster: Cluster, count: int, config: PpoConfig, policy: Policy,
        optimizer: torch.optim.Optimizer, given: tuple[spaces.Dict, spaces.Space],
        device: str = "auto",
    ):  # fmt: skip
        if device == "auto":
            device = "cuda" if cluster.gpus >= count else "cpu"
        self._cluster, self._policy, self._optimizer = cluster, policy, optimizer
        make = partial(Member, config, given, policy.config, device)
        self._members = cluster.members(make, count, gpus=int(device == "cuda"))
        self._team: dict[int, str] = {}  # who belongs to it, in the order of their ranks
        wait_for_place(cluster, [member.call.remote("ready") for member in self._members])

    def finish(self, workers: ClusterWorkers) -> Haul:
        """Return what workers have collected, which stays where it is."""
        return workers.finish_there()

    def learn(self, rollout: Haul, update: Update) -> dict[str, float]:
        """Learn from it, and return the means of the losses by name; none if it is lost."""
        gives_up = time.monotonic() + RETURN
        while rollout.parts:
            try:
                if self._gather():
                    return self._learn(rollout, update)
            except self._cluster.absence as error:
                self._lost(error)
            except self._cluster.death:  # of the machine that had a part of the rollout
                rollout = self._what_is_left(rollout)
                continue
            except RuntimeError as error:  # of those whom a dead one has left waiting, or their own
                if self._there() == self._team:
                    raise
                self._lost(error)
            if time.monotonic() > gives_up:
                raise ChildProcessError(
                    f"all {len(self._members)} learners have died, and none is there again after "
                    f"{RETURN:g} s; is there too little memory?"
                )
            time.sleep(_PAUSE)
        return {}

    def close(self) -> None:
        """End them."""
        self._cluster.end(self._members)

    def _gather(self) -> bool:
        """Let those who are there be a team, and say whether there are any."""
        there = self._there()
        if there and there != self._team:
            self._team = {}
            first = self._members[next(iter(there))]
            place = self._cluster.got(first.call.remote("invite"))
            state = self._cluster.share(state_of(self._policy, self._optimizer))
            size = len(there)
            self._all([*there], [("join", place, rank, size, state) for rank in range(size)])
            self._team = there
        return bool(there)

    def _there(self) -> dict[int, str]:
        """Return the names of those who are there."""
        asked = [member.call.remote("ready") for member in self._members]
        there = {}
        for number, call in enumerate(asked):
            with suppress(self._cluster.death):
                there[number] = self._cluster.got(call)
        return there

    def _learn(self, rollout: Haul, update: Update) -> dict[str, float]:
        team, references = [*self._team], [reference for _, reference in rollout.parts]
        shares = np.array_split(np.arange(len(references)), len(team))
        given = [
            ("receive", bool(len(share)), *(references[k] for k in (share if len(share) else [0])))
            for share in shares
        ]
        self._all(team, given)
        told = self._all(team, [("learn", update, rank == 0) for rank in range(len(team))])
        load(self._policy, self._optimizer, told[0][1])
        losses: dict[str, float] = {}
        for own, _ in told:
            for name, value in own.items():
                losses[name] = losses.get(name, 0.0) + value
        return losses

    def _what_is_left(self, rollout: Haul) -> Haul:
        """Return the parts of a rollout that some learner can still read."""
        if not self._team:
            return rollout
        reader, left = self._members[next(iter(self._team))], []
        for tally, reference in rollout.parts:
            try:
                self._cluster.got(reader.call.remote("receive", False, reference))
            except self._cluster.absence:
                return rollout
            except self._cluster.death:
                continue
            left.append((tally, reference))
        return Haul(left)

    def _all(self, numbers: Sequence[int], questions: Sequence[tuple]) -> list[Any]:
        """Return what some answer, each to a question; raise once all have answered or failed."""
        calls = [
            self._members[number].call.remote(*question)
            for number, question in zip(numbers, questions, strict=True)
        ]
        answers, errors = [], []
        for call in calls:
            try:
                answers.append(self._cluster.got(call))
            except (self._cluster.death, RuntimeError) as error:
                errors.append(error)
        if errors:
            raise next((e for e in errors if isinstance(e, self._cluster.absence)), errors[0])
        return answers

    def _lost(self, error: Exception) -> None:
        self._team = {}
        said = str(error).strip().partition("\n")[0]
        warnings.warn(
            f"a learner has died, the others make the update again: {said}", RuntimeWarning, 3
        )


def state_of(policy: Policy, optimizer: torch.optim.Optimizer) -> State:
    """Return what learners have in common, on the CPU."""
    held = optimizer.state_dict()
    kept = {
        number: {name: x.cpu() if isinstance(x, torch.Tensor) else x for name, x in own.items()}
        for number, own in held["state"].items()
    }
    frozen = frozenset(name for name, p in policy.named_parameters() if not p.requires_grad)
    return State(weights_of(policy), frozen, {**held, "state": kept})


def load(policy: Policy, optimizer: torch.optim.Optimizer, state: State) -> None:
    """Give a policy and its optimizer what learners have in common."""
    policy.load_state_dict({name: torch.tensor(w) for name, w in state.weights.items()})
    for name, parameter in policy.named_parameters():
        parameter.requires_grad_(name not in state.frozen)
    optimizer.load_state_dict(state.optimizer)
