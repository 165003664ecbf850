"""What rounds of trainers cost, in turns, in CPU seconds."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from avenv.simulation.cluster import Cluster
from avenv_agents.cluster_workers import ClusterWorkers
from avenv_agents.config import TrainingConfig
from avenv_agents.factories import TrainingEnvs
from avenv_agents.policy import Policy, PolicyConfig
from avenv_agents.ppo import OneLearner, PpoConfig, Update
from avenv_agents.rollout import Rollout
from avenv_agents.workers import Crew, Workers, weights_of
from scale.simulated import Measured

WARM = 2
"""Rounds that are not measured."""


class Trainer:
    """A crew and a policy that learns from it."""

    def __init__(self, crew: Crew, policy: Policy, numbers: PpoConfig, device: str = "cpu"):
        self.crew, self.policy, self._numbers = crew, policy.to(device), numbers
        optimizer = torch.optim.Adam(policy.parameters(), lr=1e-5)
        self._learner = OneLearner(numbers, policy, optimizer, device)
        self.own: list[float] = []  # CPU seconds of this process, a round
        self.learning: list[float] = []

    def round(self) -> Rollout:
        """Play and learn."""
        began = time.process_time()
        self.crew.start(self.policy, self._numbers.rollout_steps)
        rollout = self.crew.finish()
        self.learning.append(self.learn(rollout))
        self.own.append(time.process_time() - began)
        return rollout

    def learn(self, rollout: Rollout) -> float:
        """Return the CPU seconds that an update takes."""
        began = time.process_time()
        self._learner.learn(rollout, Update((0, len(self.learning))))
        return time.process_time() - began


@dataclass(frozen=True)
class Point:
    """What so many workers of a cluster do.

    Attributes:
        played: (workers, rounds) CPU seconds.
        own: (rounds,) CPU seconds of the learner's process, learning among them.
        learning: (rounds,) of these.
    """

    played: NDArray[np.float64]
    own: NDArray[np.float64]
    learning: NDArray[np.float64]

    @property
    def rounds(self) -> NDArray[np.float64]:
        """Seconds of each round, were every process on a core of its own."""
        return self.played.max(axis=0) + self.own


def measure(
    cluster: Cluster, run: TrainingConfig, rows: int, numbers: PpoConfig, rounds: int,
    counts: tuple[int, ...],
) -> tuple[Measured, NDArray[np.float64], Mapping[int, Point]]:  # fmt: skip
    """Return what one worker tells, rounds of the plain trainer, and those of some workers.

    Args:
        cluster: that has been entered.
        run: what is trained.
        rows: of each worker.
        numbers: of PPO.
        rounds: that are measured.
        counts: of workers, 1 among them.
    """
    parts = PolicyConfig(**run.policy)
    crews: dict[int, Crew] = {0: Workers(TrainingEnvs(run.env, rows, 1), 1, 0, parts)}
    for count in counts:
        crews[count] = ClusterWorkers(cluster, TrainingEnvs(run.env, rows, count), count, 0, parts)
    policy = Policy(*crews[0].spaces, parts)
    trainers = {count: Trainer(crew, policy, numbers) for count, crew in crews.items()}
    half = []
    for _ in range(WARM + rounds):
        for count, trainer in trainers.items():
            rollout = trainer.round()
            if count == 1:
                last, few = rollout, some(rollout, rows // 2)
                half.append(trainer.learn(few))
    points = {}
    for count in counts:
        crew, trainer = crews[count], trainers[count]
        assert isinstance(crew, ClusterWorkers)
        played = np.array(crew.busy())[:, -rounds:]
        points[count] = Point(
            played, np.array(trainer.own[-rounds:]), np.array(trainer.learning[-rounds:])
        )
    for crew in crews.values():
        crew.close()
    measured = fitted(last, policy, numbers, points[1], np.array(half[-rounds:]))
    return measured, np.array(trainers[0].own[-rounds:]), points


def fitted(
    rollout: Rollout, policy: Policy, numbers: PpoConfig, one: Point, half: NDArray[np.float64]
) -> Measured:
    """Return what one worker tells, and updates from half of its rows."""
    rows = rollout.begun.shape[1]
    whole = float(np.median(one.learning))
    # Of pairs of updates, one after the other, for a machine is not as fast at all times.
    ratio = float(np.median(half / one.learning))
    per_row = max(0.0, whole * (1 - ratio) / (rows - rows // 2))
    arrays = [*rollout.observation.values()]
    arrays += [v for n, v in rollout._asdict().items() if n not in ("observation", "episodes")]
    return Measured(
        rollouts=one.played[0],
        steps=rollout.steps,
        rows=rows,
        learning=whole - per_row * rows,
        learning_row=per_row,
        handling=float(np.median(one.own - one.learning)),
        rollout_bytes=sum(array.nbytes for array in arrays),
        weights_bytes=sum(array.nbytes for array in weights_of(policy).values()),
        exchanges=numbers.epochs * numbers.minibatches,
    )


def some(rollout: Rollout, rows: int) -> Rollout:
    """Return the first rows of a rollout."""
    cut = {
        name: array[:rows] if name in ("memory", "next_value") else array[:, :rows]
        for name, array in rollout._asdict().items()
        if name not in ("observation", "episodes")
    }
    seen = {name: array[:, :rows] for name, array in rollout.observation.items()}
    return Rollout(observation=seen, episodes=rollout.episodes, **cut)
