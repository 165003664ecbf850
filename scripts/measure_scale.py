"""What training on a cluster costs, and would on a larger one: `python scripts/measure_scale.py`.

A cluster of Ray's on this machine, one worker and two, in turns with the trainer that has none. All
is CPU time, a thread for each process, so that it does not matter what else the machine does: a
round lasts as long as the longest rollout of its workers, and then what the learner's process
takes. A simulated cluster, fitted on one worker alone, says what two would do, beside what two did,
and what more would do.
"""

import json
import resource
import time
from dataclasses import asdict, replace

import click
import numpy as np
import ray
import torch
from measure_learning import SMALL
from scale.simulated import Conditions, Measured, simulate

from avenv.core import parallel
from avenv.simulation.cluster import Cluster
from avenv_agents.cluster_workers import ClusterWorkers
from avenv_agents.config import TrainingConfig
from avenv_agents.factories import TrainingEnvs
from avenv_agents.policy import Policy, PolicyConfig
from avenv_agents.ppo import PpoConfig, batch_of, ppo_losses
from avenv_agents.rollout import Rollout
from avenv_agents.workers import Crew, Workers, weights_of

TINY = TrainingConfig(
    env={"scenes": "apartment", "sensors": ["pose", "contact"], "acoustics": "anechoic"},
    method="ppo",
    policy={"encoders": {"pose": {}, "previous_action": {}}, "memory_options": {"features": 8}},
)
"""For seeing that it runs."""

STEPS = 250e6
"""Of SAVN-CE's run (CVPR 2026), which took two weeks on 128 threads and four GPUs."""

CORE_HOUR = 0.085
"""Dollars: Amazon's c6i.large, two threads of one core, on demand in us-east-1 (list price)."""


class Trainer:
    """A crew and a policy that learns from it, and what a round of both takes."""

    def __init__(self, crew: Crew, policy: Policy, numbers: PpoConfig):
        self.crew, self.policy, self._numbers = crew, policy, numbers
        self._optimizer = torch.optim.Adam(policy.parameters(), lr=1e-5)
        self.own: list[float] = []  # CPU seconds of this process, a round
        self.learning: list[float] = []

    def round(self) -> Rollout:
        """Play and learn."""
        began = time.process_time()
        self.crew.start(self.policy, self._numbers.rollout_steps)
        rollout = self.crew.finish()
        self.learning.append(self.learn(rollout, rollout.begun.shape[1]))
        self.own.append(time.process_time() - began)
        return rollout

    def learn(self, rollout: Rollout, rows: int) -> float:
        """Return the CPU seconds that it takes to learn from some rows."""
        began = time.process_time()
        batch = batch_of(self._numbers, rollout, "cpu")
        some = {name: array[:, :rows] for name, array in batch.items()}
        for _ in range(self._numbers.epochs):
            losses = ppo_losses(self._numbers, self.policy, some, 0.1, values_only=False)
            self._optimizer.zero_grad()
            losses["loss"].backward()
            self._optimizer.step()
        return time.process_time() - began


@click.command()
@click.option("--rows", default=16, show_default=True, help="Environments of a worker.")
@click.option("--steps", default=64, show_default=True, help="Of each in a rollout.")
@click.option("--rounds", default=8, show_default=True, help="That are measured.")
@click.option("--quick", is_flag=True, help="Only see that it runs.")
@click.option("--json", "file", type=click.Path(dir_okay=False), help="Keep what was measured.")
def main(rows: int, steps: int, rounds: int, quick: bool, file: str | None) -> None:
    """Measure one worker and two, and print tables."""
    torch.set_num_threads(1)
    parallel.set_num_threads(1)
    run = TINY if quick else SMALL
    rows, steps, rounds = (2, 8, 2) if quick else (rows, steps, rounds)
    parts, numbers = PolicyConfig(**run.policy), PpoConfig(rollout_steps=steps)
    ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    with Cluster(workers=3) as cluster:
        crews = {
            "plain": Workers(TrainingEnvs(run.env, rows, 1), 1, 0, parts),
            "one": ClusterWorkers(cluster, TrainingEnvs(run.env, rows, 1), 1, 0, parts),
            "two": ClusterWorkers(cluster, TrainingEnvs(run.env, rows, 2), 2, 0, parts),
        }
        policy = Policy(*crews["plain"].spaces, parts)
        trainers = {name: Trainer(crew, policy, numbers) for name, crew in crews.items()}
        for number in range(2 + rounds):
            for name, trainer in trainers.items():
                rollout = trainer.round()
                if name == "one":
                    last = rollout
            if number == 1:  # all is warm
                for trainer in trainers.values():
                    trainer.own.clear(), trainer.learning.clear()
        one, two = trainers["one"], trainers["two"]
        half = [one.learn(last, rows // 2) for _ in range(rounds)]
        played = {name: np.array(crews[name].times())[:, -rounds:, 1] for name in ("one", "two")}
        for crew in crews.values():
            crew.close()
    ray.shutdown()
    measured = fitted(last, policy, played["one"][0], half, one, rows)
    tell(measured, trainers["plain"], one, two, played["two"], rows * steps)
    if file:
        with open(file, "w") as out:
            json.dump(asdict(measured) | {"rollouts": measured.rollouts.tolist()}, out)


def fitted(
    rollout: Rollout, policy: Policy, played: np.ndarray, half: list[float], one: Trainer, rows: int
) -> Measured:
    """Return what one worker and its learner tell."""
    whole, part = np.median(one.learning), np.median(half)
    per_row = float(max(0.0, (whole - part) / (rows - rows // 2)))
    arrays = [*rollout.observation.values()]
    arrays += [v for n, v in rollout._asdict().items() if n not in ("observation", "episodes")]
    return Measured(
        rollouts=played,
        steps=rollout.steps,
        rows=rows,
        learning=float(whole - per_row * rows),
        learning_row=per_row,
        handling=float(np.median(one.own) - whole),
        rollout_bytes=sum(array.nbytes for array in arrays),
        weights_bytes=sum(array.nbytes for array in weights_of(policy).values()),
    )


def tell(
    measured: Measured, plain: Trainer, one: Trainer, two: Trainer, played: np.ndarray, steps: int
) -> None:
    """Print what was measured, what it foretells, and what that costs."""
    alone = np.median(plain.own)
    together = np.median(measured.rollouts) + np.median(one.own)
    click.echo(
        f"| of one worker | |\n|---|---|\n| playing, CPU µs a step | "
        f"{np.median(measured.rollouts) / steps * 1e6:,.0f} |\n| learning, CPU µs a step | "
        f"{np.median(one.learning) / steps * 1e6:,.0f} |\n| handling, CPU µs a step | "
        f"{measured.handling / steps * 1e6:,.0f} |\n| over the plain trainer | "
        f"{together / alone - 1:+.1%} |\n| rollout, bytes a step | "
        f"{measured.rollout_bytes / steps:,.0f} |\n| weights, bytes an update | "
        f"{measured.weights_bytes:,} |\n| memory of this process | "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB |"
    )
    click.echo("\n| workers | measured, steps/s | simulated | off by |\n|---|---|---|---|")
    seconds = {
        1: measured.rollouts.mean() + np.mean(one.own),
        2: played.max(axis=0).mean() + np.mean(two.own),
    }
    nothing = replace(Conditions(1), bandwidth=float("inf"))
    for workers, length in seconds.items():
        rate = workers * steps / length
        told = simulate(measured, replace(nothing, workers=workers)).rate
        click.echo(f"| {workers} | {rate:,.0f} | {told:,.0f} | {told / rate - 1:+.0%} |")
    click.echo(
        "\n| workers | learners | steps/s | bound by | 250 M steps, hours | core hours | dollars |"
        "\n|---|---|---|---|---|---|---|"
    )
    usual = {"slow": 0.05, "patience": 0.6, "lifetime": 24.0}
    for workers, learners in ((1, 1), (2, 1), (16, 1), (64, 1), (64, 8), (1000, 1), (1000, 125)):
        cluster = Conditions(workers, machines=-(-workers // 32), learners=learners, **usual)
        outcome = simulate(measured, cluster)
        hours = STEPS / outcome.rate / 3600
        cores = hours * (workers + learners)
        click.echo(
            f"| {workers:,} | {learners} | {outcome.rate:,.0f} | {outcome.bound} | {hours:,.1f} | "
            f"{cores:,.0f} | {cores * CORE_HOUR:,.0f} |"
        )


if __name__ == "__main__":
    main()
