"""The command line for data to learn from: `avenv data`."""

from pathlib import Path
from typing import Any

import click

from avenv.cli.commands import PLACE, cluster_of, cluster_option


@click.group()
def data() -> None:
    """Make data to learn from."""


@data.command()
@click.argument("folder", type=PLACE)
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
    "--workers",
    type=click.IntRange(1),
    help="Processes to share; default: 1, or all of the cluster.",
)
@cluster_option
def poses(folder: str, workers: int | None, cluster: str | None, **settings: Any) -> None:
    """Draw independent poses in homes, with what is heard there and the truth, into FOLDER.

    An interrupted run goes on where it stopped. FOLDER may be a URL (docs/scale.md). The
    machines of a cluster have to share it.
    """
    from avenv_agents.poses import PoseSettings, make_poses  # which bring the simulator

    given = {name: value for name, value in settings.items() if value is not None}
    made = make_poses(
        PoseSettings(**given), folder, workers or 1, cluster=cluster_of(cluster, workers)
    )
    click.echo(f"{made} homes made, the others were there: {folder}")


@data.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--agent",
    default="oracle",
    show_default=True,
    help="oracle, follower, random, module:class, or a trained policy's folder.",
)
@click.option(
    "--config",
    help="A training configuration, a name or a YAML file, whose environment counts; default: what "
    "the agent asks for.",
)
@click.option("--task", default="AudioGoal", show_default=True)
@click.option("--scene", "scenes", multiple=True, help="A scene file or name; may be repeated.")
@click.option("--sounds", help="A set of sounds, a folder or a file.")
@click.option("--episodes", type=click.IntRange(1), default=100, show_default=True)
@click.option("--num-envs", type=click.IntRange(1), default=8, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def episodes(
    folder: Path,
    agent: str,
    config: str | None,
    task: str,
    scenes: tuple[str, ...],
    sounds: str | None,
    **numbers: Any,
) -> None:
    """Play episodes with an agent, as demonstrations in Minari's format: FOLDER/data.

    The last part of FOLDER is the data set's name, such as oracle-v0. An interrupted run goes on
    where it stopped.
    """
    from avenv.benchmark import find_agent, find_config, options_of
    from avenv_agents.config import TrainingConfig
    from avenv_agents.demonstrations import make_demonstrations

    factory = find_agent(agent)
    options = options_of(factory)
    if config is not None:
        options = dict(TrainingConfig.from_yaml(find_config("train", config)).env)
        task = options.pop("task", task)
    if scenes:
        options["scenes"] = list(scenes)
    if sounds:
        options["sounds"] = sounds
    made = make_demonstrations(factory, agent, folder, task=task, **numbers, **options)
    click.echo(f"wrote {made}; in Python: minari.MinariDataset({str(made)!r})")
