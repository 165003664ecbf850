"""What a step of training costs, and who pays: `python scripts/measure_learning.py`.

One process, one thread, CPU time: environment, acting and learning take turns, so that whatever
else the machine does falls on all alike. The rate on more cores follows, because workers play while
the learner learns. What counts is the share of the learner's own rate, had it environments that
cost nothing.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import numpy as np
import torch

from avenv.core import parallel
from avenv_agents.config import TrainingConfig
from avenv_agents.factories import TrainingEnvs
from avenv_agents.policy import Policy, PolicyConfig
from avenv_agents.ppo import PpoConfig, batch_of, ppo_losses
from avenv_agents.rollout import Collector

SMALL = TrainingConfig(
    env={"scenes": "apartment", "sensors": ["depth", "binaural", "pose"], "image_size": [64, 64]},
    method="ppo",
    policy={
        "encoders": {"eyes": {}, "binaural_ears": {}, "pose": {}, "previous_action": {}},
        "memory_options": {"features": 256},
    },
)
"""Depth of 64 x 64, the binaural vector, and a GRU of 256."""


class Clock:
    """Adds up CPU seconds of this process, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Count what is done within."""
        began = time.process_time()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - began


@click.command()
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Of a training, whose environment and policy count; default: depth 64 x 64, binaural, GRU "
    "256, in the apartment.",
)
@click.option("--rows", default=16, show_default=True, help="Environments.")
@click.option("--steps", default=64, show_default=True, help="Of each in a rollout.")
@click.option("--epochs", default=4, show_default=True, help="Times that each is learned from.")
@click.option("--rollouts", default=8, show_default=True, help="That are measured.")
@click.option("--cores", default=2, show_default=True, help="Of the machine that is spoken of.")
@click.option("--bf16", is_flag=True, help="Learn in bfloat16 where that is safe.")
def main(
    config: Path | None, rows: int, steps: int, epochs: int, rollouts: int, cores: int, bf16: bool
) -> None:
    """Print CPU microseconds of a step: environment, acting and learning by PPO."""
    torch.set_num_threads(1)
    parallel.set_num_threads(1)
    torch.manual_seed(0)
    run = TrainingConfig.from_yaml(config) if config else SMALL
    envs = TrainingEnvs(run.env, rows, 1)(0)
    policy = Policy(
        envs.single_observation_space, envs.single_action_space, PolicyConfig(**run.policy)
    )
    numbers = PpoConfig(epochs=epochs, rollout_steps=steps, bf16=bf16)
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-4)
    collector, clock = Collector(envs, policy, seed=0), Clock()
    step = envs.step

    def timed_step(actions: np.ndarray) -> tuple:
        with clock("environment"):
            return step(actions)

    envs.step = timed_step  # type: ignore[method-assign]
    collector.collect(steps)  # warm up: kernels, the light, the first places of sources
    for measured in (False, *(True,) * rollouts):
        clock.seconds = clock.seconds if measured else {}
        with clock("playing"):
            rollout = collector.collect(steps)
        with clock("learning"):
            batch = batch_of(numbers, rollout, "cpu")
            for _ in range(epochs):
                losses = ppo_losses(numbers, policy, batch, 0.1, values_only=False)
                optimizer.zero_grad()
                losses["loss"].backward()
                optimizer.step()
        if not measured:
            clock.seconds = {}
    share = {name: s / (rollouts * rows * steps) * 1e6 for name, s in clock.seconds.items()}
    share["acting"] = share.pop("playing") - share["environment"]
    click.echo("| | CPU µs a step |")
    click.echo("|---|---|")
    for name in ("environment", "acting", "learning"):
        click.echo(f"| {name} | {share[name]:,.0f} |")
    free = share["acting"] + share["learning"]
    total = free + share["environment"]
    click.echo(f"| all | {total:,.0f} |")
    click.echo(
        f"{cores * 1e6 / total:,.0f} steps/s on {cores} cores like this one now; "
        f"{free / total:.2f} of the learner's on environments that cost nothing"
    )


if __name__ == "__main__":
    main()
