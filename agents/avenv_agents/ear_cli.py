"""The command line for ears: `avenv ear train` and `avenv ear report`."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from avenv.cli.commands import PLACE

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group()
def ear() -> None:
    """Train an ear, and say what it is worth."""


@ear.command()
@click.argument("folder", type=FOLDER)
@click.option("--poses", multiple=True, required=True, type=PLACE, help="To learn from.")
@click.option(
    "--validation", multiple=True, required=True, type=PLACE, help="Poses in homes held back."
)
@click.option(
    "--set",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help="An option of the training, as seed=1 or turn_epochs=10; see docs/agents.md.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda.")
@click.option("--resume", is_flag=True, help="Go on with the run in the folder.")
@click.option("--overwrite", is_flag=True, help="Replace the run in the folder.")
def train(
    folder: Path,
    poses: tuple[str, ...],
    validation: tuple[str, ...],
    options: tuple[str, ...],
    device: str,
    resume: bool,
    overwrite: bool,
) -> None:
    """Train an ear on poses of `avenv data poses` and write it to FOLDER.

    A run that was interrupted goes on with --resume, on the same curve.
    """
    from avenv_agents.ear_training import EarTraining, train_ear  # brings torch

    config = EarTraining(**_values(options, EarTraining))
    file = train_ear(config, folder, poses, validation, resume, overwrite, device)
    click.echo(f"saved {file}; see what it is worth with: avenv ear report {folder} POSES")


@ear.command()
@click.argument("ear")
@click.argument("poses", nargs=-1, required=True, type=PLACE)
def report(ear: str, poses: tuple[str, ...]) -> None:
    """Print how well EAR hears in each folder of POSES.

    EAR is a file, a training's folder, or homes, the one that comes with the package.
    """
    from avenv_agents.ear_report import report  # brings torch

    click.echo(report(ear, poses))


def _values(options: tuple[str, ...], kind: Any) -> dict[str, Any]:
    """Return NAME=VALUE as the fields of a dataclass; ``ValueError`` where they are none."""
    from avenv.core.suggest import accepted

    types = {field.name: field.type for field in fields(kind)}
    values = {}
    for option in options:
        name, _, value = option.partition("=")
        if name not in types:
            raise ValueError(f"--set {option}: {accepted(name, types)}")
        try:
            values[name] = types[name](value)  # type: ignore[operator]
        except ValueError:
            raise ValueError(f"--set {option}: {value!r} is no number") from None
    return values
