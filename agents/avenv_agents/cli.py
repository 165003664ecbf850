"""The command line for training: `avenv train`."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("config")
@click.option(
    "--out",
    type=click.Path(file_okay=False),
    help="Folder for the policy, its configuration and the log; default: runs/NAME, as CONFIG's.",
)
@click.option(
    "--steps",
    type=click.IntRange(1),
    help="Environment steps, in place of the configuration's; rounded up to whole rollouts.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="Processes that play, in place of the configuration's.",
)
@click.option(
    "--minutes", type=click.FloatRange(0, min_open=True), help="After which the run ends, too."
)
@click.option(
    "--control",
    help="Learn without a sense, or with the truth in place of sound: deaf, blind, perfect_ear.",
)
@click.option("--resume", is_flag=True, help="Go on from the policy in the folder.")
@click.option("--overwrite", is_flag=True, help="Replace the run in the folder.")
def train(
    config: str,
    out: str | None,
    steps: int | None,
    workers: int | None,
    minutes: float | None,
    control: str | None,
    resume: bool,
    overwrite: bool,
) -> None:
    """Train a policy as CONFIG says: a name (apartment) or a YAML file.

    What has been learned is also kept when training is interrupted.
    """
    from avenv.benchmark import find_config
    from avenv_agents.config import TrainingConfig

    file = find_config("train", config)
    run = TrainingConfig.from_yaml(file)
    given: dict[str, Any] = {
        "total_steps": steps, "workers": workers, "minutes": minutes, "control": control
    }  # fmt: skip
    run = replace(run, **{name: value for name, value in given.items() if value is not None})
    folder = Path(out) if out else Path("runs") / "-".join(filter(None, (file.stem, run.control)))

    # These bring torch, for which the above need not wait.
    if run.method == "sb3":
        from avenv_agents.training import train

        train(run, folder, resume=resume, overwrite=overwrite)
    else:
        from avenv_agents.learning import train as learn

        learn(run, folder, resume=resume, overwrite=overwrite)
    click.echo(f"saved {folder}; watch it with: tensorboard --logdir {folder}")
    click.echo(f"and evaluate it with: avenv evaluate --agent {folder}")
