"""What training on a cluster costs, and would on a larger one: `python scripts/measure_scale.py`.

A cluster of Ray's on this machine, of one worker, two and four, in turns with the trainer that has
none. All is CPU time, a thread for each process, so that it does not matter how many cores there
are nor what else the machine does: a round lasts as long as the longest rollout of its workers, and
then what the learner's process takes. A simulated cluster, fitted on one worker alone, says what
two and four would do, beside what they did, and what more would do.
"""

import json
import resource
from collections.abc import Mapping
from dataclasses import asdict

import click
import numpy as np
import ray
import torch
from measure_learning import SMALL
from numpy.typing import NDArray
from scale.measuring import Point, measure
from scale.simulated import Conditions, Measured, simulate

from avenv.core import parallel
from avenv.simulation.bake import bake_one
from avenv.simulation.cluster import Cluster
from avenv_agents.allocation import keep_memory
from avenv_agents.config import TrainingConfig
from avenv_agents.ppo import PpoConfig

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

COUNTS = (1, 2, 4)
"""Workers that are measured."""

LARGER = ((1, 1), (2, 1), (16, 1), (999, 1), (16, 16), (64, 64), (500, 500))
"""Workers and learners that are simulated."""

USUAL = {"slow": 0.05, "patience": 0.6, "lifetime": 24.0}
"""Of larger clusters: one worker in twenty takes twice as long, one dies in a day."""


@click.command()
@click.option("--rows", default=16, show_default=True, help="Environments of a worker.")
@click.option("--steps", default=32, show_default=True, help="Of each in a rollout.")
@click.option("--rounds", default=6, show_default=True, help="That are measured.")
@click.option("--quick", is_flag=True, help="Only see that it runs.")
@click.option("--json", "file", type=click.Path(dir_okay=False), help="Keep what was measured.")
def main(rows: int, steps: int, rounds: int, quick: bool, file: str | None) -> None:
    """Measure one worker, two and four, and print tables."""
    keep_memory()
    torch.set_num_threads(1)
    parallel.set_num_threads(1)
    bake_one("apartment")  # else whoever plays first traces sounds for the others
    run, counts = (TINY, (1, 2)) if quick else (SMALL, COUNTS)
    rows, steps, rounds = (2, 8, 2) if quick else (rows, steps, rounds)
    ray.init(
        num_cpus=sum(counts), include_dashboard=False, log_to_driver=False, logging_level="ERROR"
    )
    try:
        with Cluster(workers=sum(counts), memory=2**29) as cluster:
            numbers = PpoConfig(rollout_steps=steps)
            measured, plain, points = measure(cluster, run, rows, numbers, rounds, counts)
    finally:
        ray.shutdown()
    tell_of_one(measured, plain, points[1])
    tell_of_some(measured, points)
    tell_of_more(measured)
    if file:
        with open(file, "w") as out:
            kept = asdict(measured) | {"rollouts": measured.rollouts.tolist()}
            seen = {n: {k: v.tolist() for k, v in vars(p).items()} for n, p in points.items()}
            json.dump({"measured": kept, "plain": plain.tolist(), "points": seen}, out)


def tell_of_one(measured: Measured, plain: NDArray[np.float64], one: Point) -> None:
    """Print what one worker costs, and by how much more than the trainer without a cluster."""
    steps = measured.steps
    costs = {
        "playing": np.median(measured.rollouts),
        "learning": np.median(one.learning),
        "handling": measured.handling,
    }
    click.echo("| of one worker | |\n|---|---|")
    for name, seconds in costs.items():
        click.echo(f"| {name}, CPU µs a step | {seconds / steps * 1e6:,.0f} |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    click.echo(
        f"| the plain trainer, CPU µs a step | {np.median(plain) / steps * 1e6:,.0f} |\n"
        f"| one worker over it | {np.median(one.rounds / plain) - 1:+.1%} |\n"
        f"| rollout, bytes a step | {measured.rollout_bytes / steps:,.0f} |\n"
        f"| weights, bytes an update | {measured.weights_bytes:,} |\n"
        f"| memory of the learner's process | {peak:,.0f} MiB |"
    )


def tell_of_some(measured: Measured, points: Mapping[int, Point]) -> None:
    """Print what some workers did, and what the simulated cluster foretells of them."""
    click.echo("\n| workers | measured, steps/s | simulated | off by |\n|---|---|---|---|")
    for count, point in points.items():
        rate = count * measured.steps / point.rounds.mean()
        told = simulate(measured, Conditions(count, bandwidth=float("inf"))).rate
        click.echo(f"| {count} | {rate:,.0f} | {told:,.0f} | {told / rate - 1:+.0%} |")


def tell_of_more(measured: Measured) -> None:
    """Print what larger clusters would do, and what ``STEPS`` would cost there."""
    click.echo(
        "\n| workers | learners | steps/s | bound by | into a learner, Gbit/s | "
        "250 M steps, hours | core hours | dollars |\n|---|---|---|---|---|---|---|---|"
    )
    for workers, learners in LARGER:
        outcome = simulate(
            measured,
            Conditions(workers, machines=-(-workers // 32), learners=learners, **USUAL),
        )
        hours = STEPS / outcome.rate / 3600
        cores = hours * (workers + learners)
        rate = outcome.rate * measured.rollout_bytes / measured.steps / learners * 8e-9
        click.echo(
            f"| {workers:,} | {learners:,} | {outcome.rate:,.0f} | {outcome.bound} | {rate:.2f} | "
            f"{hours:,.1f} | {cores:,.0f} | {cores * CORE_HOUR:,.0f} |"
        )


if __name__ == "__main__":
    main()
