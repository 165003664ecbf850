"""The command line for data to learn from: `avenv data`."""

from pathlib import Path
from typing import Any

import click


@click.group()
def data() -> None:
    """Make data to learn from."""


@data.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--homes", help="Homes of one set, as homes:train/0-99.")
@click.option("--sounds", help="A set of sounds; default: builtin:heard.")
@click.option("--places", type=int, help="Bodies in each home; default: 40.")
@click.option(
    "--sources",
    type=int,
    help="Places of sources in each home, each of which takes half a second of CPU; default: 8.",
)
@click.option(
    "--motion",
    type=click.Choice(["turn", "approach"]),
    help="Turn 75 degrees in place, the default, or walk ten steps to the source.",
)
@click.option("--seed", type=int)
@click.option(
    "--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes to share."
)
def poses(folder: Path, workers: int, **settings: Any) -> None:
    """Draw independent poses in homes, with what is heard there and the truth, into FOLDER.

    An interrupted run goes on where it stopped.
    """
    from avenv_agents.poses import PoseSettings, make_poses  # which bring the simulator

    given = {name: value for name, value in settings.items() if value is not None}
    made = make_poses(PoseSettings(**given), folder, workers)
    click.echo(f"{made} homes made, the others were there: {folder}")
