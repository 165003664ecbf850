"""The command line for data to learn from: `avenv data`."""

from pathlib import Path

import click

from avenv_agents.poses import MOTIONS, PoseSettings, make_poses


@click.group()
def data() -> None:
    """Make data to learn from."""


@data.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--homes", default=PoseSettings.homes, show_default=True, help="Homes of one set.")
@click.option("--sounds", default=PoseSettings.sounds, show_default=True, help="A set of sounds.")
@click.option(
    "--places", default=PoseSettings.places, show_default=True, help="Bodies in each home."
)
@click.option(
    "--sources",
    default=PoseSettings.sources,
    show_default=True,
    help="Places of sources in each home; each takes half a second of CPU.",
)
@click.option(
    "--motion",
    type=click.Choice(list(MOTIONS)),
    default=PoseSettings.motion,
    show_default=True,
    help="Turn 75 degrees in place, or walk ten steps to the source.",
)
@click.option("--seed", default=PoseSettings.seed, show_default=True)
@click.option(
    "--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes to share."
)
def poses(
    folder: Path,
    homes: str,
    sounds: str,
    places: int,
    sources: int,
    motion: str,
    seed: int,
    workers: int,
) -> None:
    """Draw independent poses in homes, with what is heard there and the truth, into FOLDER.

    An interrupted run goes on where it stopped.
    """
    settings = PoseSettings(homes, sounds, places, sources, motion, seed)
    made = make_poses(settings, folder, workers)
    click.echo(f"{made} homes made, the others were there: {folder}")
