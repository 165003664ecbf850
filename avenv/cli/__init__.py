"""The command line: `avenv demo`, `avenv bake`, `avenv scene`."""

import os
import sys

import click

from avenv.cli.scene import scene_group

MOST_TO_BAKE = 10_000
"""Scenes that one run of `avenv bake` takes on."""


@click.group()
@click.version_option(package_name="avenv")
def main() -> None:
    """Audio-visual environments for embodied agents."""


main.add_command(scene_group)


@main.command()
@click.option("--scene", default="apartment", show_default=True, help="A scene file or name.")
@click.option("--sound", help="A sound file or built-in kind; default: what the scene plays.")
@click.option(
    "--agent", default="oracle", show_default=True, help="oracle, follower, random, module:class."
)
@click.option("--out", default="demo.mp4", show_default=True, help="The video to write.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Where the robot starts."
)
def demo(scene: str, sound: str | None, agent: str, out: str, seed: int) -> None:
    """Film a robot on its way to a ringing phone: what it sees, where it is, what it hears."""
    from avenv.benchmark import find_agent
    from avenv.recording.film import record_episode

    sys.path.insert(0, os.getcwd())  # a console script does not look for module:class here
    try:
        metrics = record_episode(find_agent(agent), out, scene=scene, sound=sound, seed=seed)
    except (ValueError, ImportError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo("  ".join(f"{name} {value:.3g}" for name, value in metrics.items()))
    click.echo(f"wrote {out}")


@main.command()
@click.argument("scenes", nargs=-1, required=True)
def bake(scenes: tuple[str, ...]) -> None:
    """Trace the sound of all source places of SCENES (files, names, homes:val) into the cache.

    An interrupted run goes on where it stopped. The cache folder holds 2 GiB, about 1,500 places
    of an apartment; AVENV_CACHE says where it is.
    """
    from avenv.simulation.bake import bake as bake_places
    from avenv.simulation.world import load_worlds

    try:
        worlds = load_worlds(scenes)
        if len(worlds) > MOST_TO_BAKE:
            raise ValueError("homes:train has no end; accepted: some of it, homes:train/0-99")
        made = bake_places(worlds)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{made} places traced, the others were there")


@main.command()
@click.argument("scene")
@click.option("--out", default="view.png", show_default=True, help="The picture to write.")
@click.option("--light", default="full", show_default=True, help="full, day, evening, night.")
def view(scene: str, out: str, light: str) -> None:
    """Show SCENE (a file or a name) in one picture: its plan, and a view of every room."""
    from avenv.drawing.contact_sheet import save_contact_sheet
    from avenv.simulation.world import load_scene

    try:
        save_contact_sheet(load_scene(scene), out, light)
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"wrote {out}")


if __name__ == "__main__":
    main()
