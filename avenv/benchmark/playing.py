"""Playing the episodes of an evaluation, here or on a cluster: the records are the same.

A cluster's workers take runs of neighbouring episodes, so that those of a scene stay together, and
send each record as its episode ends.
"""

from collections.abc import Container, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from threadpoolctl import threadpool_limits

from avenv.benchmark.agent import AgentFactory
from avenv.benchmark.impaired import Impaired
from avenv.benchmark.mirror import Mirror
from avenv.benchmark.player import Trial, play
from avenv.core.store import Folder, Objects, Store
from avenv.envs.vector import BatchEnv
from avenv.simulation.cluster import Cluster

ROUNDS = 4
"""Episodes of each row that a worker of a cluster takes on at once, at most."""

Record = dict[str, Any]


@dataclass(frozen=True)
class Playing:
    """What is to be known to play episodes, wherever that is.

    Attributes:
        agent: makes the agent.
        task: name of the task.
        options: of the environments; all but the ``scenes``, if these depend on the episodes.
        num_envs: episodes played at once, by each worker.
        on_error, previous_reward: as ``player.play``.
        folder: likewise, or the store that receives what is written there.
    """

    agent: AgentFactory
    task: str
    options: dict[str, Any]
    num_envs: int
    on_error: str
    previous_reward: bool
    folder: Path | Store | None

    def __call__(self, trials: Sequence[Trial]) -> Generator[tuple[int, Record], None, None]:
        """Yield the number of each trial with its record, as it ends."""
        if isinstance(self.folder, Folder | Objects):
            with (
                Mirror(self.folder, fetch=False) as mirror,
                closing(replace(self, folder=mirror.folder)(trials)) as played,
            ):
                for one in played:
                    mirror.keep()  # before it is taken for done, should this worker die
                    yield one
            return
        changed = self.agent.rules if isinstance(self.agent, Impaired) else {}
        envs = BatchEnv(
            self.task,
            min(self.num_envs, len(trials)),
            autoreset_mode=AutoresetMode.DISABLED,
            **{"scenes": trials[0].place, **self.options, **changed},
        )
        own = self.on_error, self.previous_reward, self.folder
        try:
            # Sums of matrix products differ by the number of threads; and over products as small as
            # these, threads wait for each other: on a busy machine ten times as long as one takes.
            with threadpool_limits(1):
                for trial, episode, result in play(envs, self.agent, trials, *own):
                    about = trial.about or {"episode": episode.to_dict()}
                    yield trial.number, {"scene": episode.scene.name, **about, **result}
        finally:
            envs.close()

    def over(
        self, cluster: Cluster, trials: Sequence[Trial], played: Container[int]
    ) -> Generator[tuple[int, Record], None, None]:
        """Yield the same from the workers of a cluster.

        Args:
            cluster: that has been entered.
            trials: in the order in which one worker would play them.
            played: numbers of those that have been yielded, which grows with them; only what is not
                among them is played again when a worker has died.

        Raises:
            ValueError: the agent's limits cannot be divided among so many.
        """
        workers = min(cluster.workers, len(trials))
        folder = self.folder.resolve() if isinstance(self.folder, Path) else self.folder
        shared = replace(self, agent=divided(self.agent, workers), folder=folder)
        shares = max(workers, -(-len(trials) // (ROUNDS * self.num_envs)))
        cuts = np.linspace(0, len(trials), min(shares, len(trials)) + 1).astype(int)
        jobs = [trials[a:b] for a, b in pairwise(cuts)]
        for number, record in cluster.stream(
            shared, jobs, lambda job: [one for one in job if one.number not in played]
        ):
            if number not in played:
                yield number, record


def divided(agent: AgentFactory, workers: int) -> AgentFactory:
    """Return what makes an agent in each of some workers, who keep its limits together.

    Raises:
        ValueError: they cannot be divided among so many.
    """
    if isinstance(agent, Impaired):
        return Impaired(divided(agent.agent, workers), agent.how)
    share = getattr(agent, "divided", None)
    return agent if share is None else share(workers)
