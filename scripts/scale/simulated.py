"""A simulated cluster: what training would do on more machines than there are.

Round for round, as `avenv_agents.cluster_workers` works: all workers play, a rollout ends when
enough of them are done, what they have played is sent, one learner learns from all of it, or each
of several from its share, and the weights are sent back. How long a worker plays is drawn from what
was measured of one.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST = 0.25
"""Share of a rollout that is played in any case; as `avenv_agents.rollout.LEAST`."""


@dataclass(frozen=True)
class Measured:
    """What was measured of one worker and one learner.

    Attributes:
        rollouts: (N,) seconds of the rollouts of one worker.
        steps: that a rollout has, of all rows of the worker.
        rows: of the worker.
        learning: seconds of an update that do not depend on the rows.
        learning_row: seconds of an update for each row.
        handling: seconds of a learner's process for what a worker brings.
        rollout_bytes: of all rows of a worker.
        weights_bytes: of the policy.
        exchanges: times in an update that several learners add their gradients up.
    """

    rollouts: NDArray[np.float64]
    steps: int
    rows: int
    learning: float
    learning_row: float
    handling: float
    rollout_bytes: int
    weights_bytes: int
    exchanges: int = 4


@dataclass(frozen=True)
class Conditions:
    """A cluster.

    Attributes:
        workers: that play.
        patience: share of them at whose end a rollout ends for all.
        slow: share of them that are slower, in each round other ones.
        slowness: by how much.
        lifetime: hours after which a worker dies, on average; 0: none does.
        absence: seconds until it plays again.
        bandwidth: bytes in a second into each learner, and out of it.
        machines: that weights are sent to, each once.
        learners: that share an update, each with the rows of its share of the workers. Several
            add gradients up in a ring (Patarasuk & Yuan 2009, "Bandwidth optimal all-reduce
            algorithms"), and the state of one, weights and Adam's two moments, goes to whoever
            trains, from where the weights go out.
    """

    workers: int
    patience: float = 1.0
    slow: float = 0.0
    slowness: float = 2.0
    lifetime: float = 0.0
    absence: float = 60.0
    bandwidth: float = 10e9 / 8
    machines: int = 1
    learners: int = 1


@dataclass(frozen=True)
class Outcome:
    """Means over rounds, in seconds; the rate in environment steps a second."""

    rate: float
    playing: float
    sending: float
    learning: float

    @property
    def bound(self) -> str:
        """What takes most of a round."""
        parts = {"playing": self.playing, "network": self.sending, "learner": self.learning}
        return max(parts, key=lambda name: parts[name])


def simulate(measured: Measured, on: Conditions, rounds: int = 200, seed: int = 0) -> Outcome:
    """Return how fast training would be on a cluster."""
    random = np.random.default_rng(seed)
    absent_until = np.zeros(on.workers)
    now, taken, parts = 0.0, 0.0, np.zeros(3)
    for _ in range(rounds):
        here = np.flatnonzero(absent_until <= now)
        if not len(here):
            now = float(absent_until.min())
            continue
        seconds = random.choice(measured.rollouts, len(here))
        seconds = np.where(random.random(len(here)) < on.slow, on.slowness * seconds, seconds)
        if on.lifetime:
            dies = random.random(len(here)) < 1 - np.exp(-seconds / (3600 * on.lifetime))
            absent_until[here[dies]] = now + on.absence
            seconds = seconds[~dies]
            if not len(seconds):
                continue
        enough = np.sort(seconds)[math.ceil(on.patience * len(seconds)) - 1]
        ends = np.minimum(seconds, np.maximum(enough, LEAST * seconds))
        played = ends / seconds
        share = len(seconds) / on.learners
        around = 2 * measured.exchanges * (1 - 1 / on.learners) + 3 * (on.learners > 1)
        sending = (
            measured.rollout_bytes * played.sum() / on.learners
            + measured.weights_bytes * (on.machines + around)
        ) / on.bandwidth
        learning = (
            measured.learning
            + measured.learning_row * measured.rows * share
            + measured.handling * share
        )
        taken += measured.steps * played.sum()
        parts += ends.max(), sending, learning
        now += float(ends.max() + sending + learning)
    return Outcome(taken / now, *(parts / rounds).tolist())
