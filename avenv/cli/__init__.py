"""The command line: `avenv demo`, `evaluate`, `tasks`, `scene`, and what other packages add."""

import click

from avenv.cli.check import check
from avenv.cli.commands import PLACE, Commands, cluster_of, cluster_option, trust_option
from avenv.cli.compare import compare, report
from avenv.cli.evaluate import evaluate
from avenv.cli.habitat import habitat_group
from avenv.cli.play import play
from avenv.cli.results import results_group
from avenv.cli.scene import scene_group
from avenv.cli.sets import sets_group
from avenv.cli.tasks import tasks_group
from avenv.cli.watch import watch

MOST_TO_BAKE = 10_000
"""Scenes that one run of `avenv bake` takes on."""


@click.group(cls=Commands)
@click.version_option(package_name="avenv")
def main() -> None:
    """Audio-visual environments for embodied agents."""


main.add_command(check)
main.add_command(compare)
main.add_command(evaluate)
main.add_command(habitat_group)
main.add_command(play)
main.add_command(report)
main.add_command(results_group)
main.add_command(scene_group)
main.add_command(tasks_group)
main.add_command(sets_group)
main.add_command(watch)


@main.command()
@click.option("--task", default="AudioGoal", show_default=True, help="See `avenv tasks list`.")
@click.option("--scene", help="A scene file or name; default: the task's, mostly apartment.")
@click.option("--sound", help="A sound file or built-in kind; default: what the scene plays.")
@click.option(
    "--agent",
    default="oracle",
    show_default=True,
    help="oracle, follower, random, apartment, homes, module:class, or a trained policy's folder.",
)
@click.option("--out", default="demo.mp4", show_default=True, help="The video to write.")
@click.option("--seed", type=int, default=0, show_default=True, help="Where the robot starts.")
@click.option(
    "--steps",
    type=click.IntRange(1),
    default=500,
    show_default=True,
    help="Actions after which the film ends, whether or not the robot is there.",
)
@trust_option
def demo(
    task: str, scene: str | None, sound: str | None, agent: str, out: str, seed: int, steps: int,
    trust: bool,
) -> None:  # fmt: skip
    """Film a robot at a task: what it sees, where it is, what it hears.

    By default it is on its way to a ringing phone.
    """
    from avenv.benchmark import options_of
    from avenv.cli.agents import find_agent_here
    from avenv.recording.film import record_episode

    factory = find_agent_here(agent, trust)
    settled = ("scenes", "sounds", "goals", "task")  # by the film's scene, sound and task
    options = {k: v for k, v in options_of(factory).items() if k not in settled}
    options["sensors"] = tuple(dict.fromkeys((*options["sensors"], "audio")))  # films have sound
    options["max_episode_steps"] = steps
    metrics = record_episode(factory, out, scene, sound, seed, task=task, **options)
    click.echo("  ".join(f"{name} {value:.3g}" for name, value in metrics.items()))
    click.echo(f"wrote {out}")


@main.command()
@click.argument("scenes", nargs=-1, required=True)
@click.option("--sound/--no-sound", default=True, show_default=True, help="Trace sound fields.")
@click.option("--light/--no-light", default=True, show_default=True, help="Bake light, for rgb.")
@click.option("--workers", type=click.IntRange(1), help="Processes to share; default: one a core.")
@cluster_option
@click.option(
    "--store",
    type=PLACE,
    envvar="AVENV_STORE",
    help="A folder or URL (docs/scale.md) that receives it as well, for machines whose cache "
    "folders are their own; default: AVENV_STORE.",
)
def bake(
    scenes: tuple[str, ...], sound: bool, light: bool, workers: int | None, cluster: str | None,
    store: str | None,
) -> None:  # fmt: skip
    """Make SCENES (files, names, homes:val, homes:train/0-999) ready in the cache folder.

    Homes, what is derived of them, their light, and the sound of all source places. An interrupted
    run goes on where it stopped. On a cluster, all machines have to share the folder, or reach a
    store. A home takes some 40 MiB, 2 without its sound and light. The folder holds 4 GiB, or
    AVENV_CACHE_GIB; AVENV_CACHE says where it is.
    """
    from avenv.core.cache import cache_folder, folder_size
    from avenv.simulation.bake import bake as bake_scenes
    from avenv.simulation.worlds import load_worlds

    worlds = load_worlds(scenes)
    if len(worlds) > MOST_TO_BAKE:
        raise click.ClickException("homes:train has no end; accepted: some of it, homes:train/0-99")
    made = bake_scenes(worlds, sound, light, workers, cluster_of(cluster, workers), store)
    click.echo(f"{made} places traced, the others were there")
    if folder := cache_folder():
        click.echo(f"{folder} holds {folder_size(folder) / 2**20:,.0f} MiB")


@main.command("warm-up")
def warm_up_kernels() -> None:
    """Compile the kernels, once a machine, so that nothing else has to wait for it."""
    from avenv.simulation.warmup import warm_up

    click.echo("compiled" if warm_up() else "compiled already")


@main.command()
@click.argument("scene")
@click.option("--out", default="view.png", show_default=True, help="The picture to write.")
@click.option("--light", default="full", show_default=True, help="full, day, evening, night.")
def view(scene: str, out: str, light: str) -> None:
    """Show SCENE (a file or a name) in one picture: its plan, and a view of every room."""
    from avenv.drawing.contact_sheet import save_contact_sheet
    from avenv.simulation.loading import load_scene

    save_contact_sheet(load_scene(scene), out, light)
    click.echo(f"wrote {out}")


if __name__ == "__main__":
    main()
