"""The command line for the browser: `avenv play`."""

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from avenv.play.server import Server
    from avenv.play.watching import Watch
    from avenv.simulation.world import World


@click.command()
@click.argument("scene", required=False)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="To listen on; default: a free one."
)
@click.option("--open/--no-open", "opens", default=True, show_default=True, help="Open a browser.")
@click.option(
    "--sample-rate",
    type=click.IntRange(8000, 48000),
    default=24000,
    show_default=True,
    help="Of the sound, Hz, where there is no task; less is less to compute.",
)
@click.option(
    "--with",
    "others",
    multiple=True,
    metavar="SCENE",
    help="Another scene, to compare by ear at the same place; may be given often.",
)
@click.option(
    "--hrtf",
    "heads",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False),
    help="A head (SOFA) to compare by ear; may be given often.",
)
@click.option("--watch", "watches", is_flag=True, help="Load the file anew when it is saved.")
@click.option("--task", help="Play an episode of a task, see `avenv tasks list`.")
@click.option("--set", "set_name", help="Play an episode of a set (audiogoal-v1), or of its file.")
@click.option("--split", default="val", show_default=True, help="Of the set.")
@click.option(
    "--episode", type=click.IntRange(0), help="Number in the split, or seed of the task's."
)
@click.option(
    "--episodes",
    type=click.IntRange(1),
    help="Of the set, how many, the first ones, make your results; default: all of the split.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False),
    help="Folder for your results; default: results/human/TASK-EPISODE or SET-SPLIT.",
)
@click.option(
    "--beside", multiple=True, metavar="AGENT", default=("oracle", "follower", "random"),
    show_default=True,
    help="Whose score at the same episode is shown at its end; a name, or a folder of results.",
)  # fmt: skip
def play(
    scene: str | None, port: int, opens: bool, sample_rate: int, others: tuple[str, ...],
    heads: tuple[str, ...], watches: bool, task: str | None, set_name: str | None, split: str,
    episode: int | None, episodes: int | None, out: str | None, beside: tuple[str, ...],
) -> None:  # fmt: skip
    """Walk through SCENE (a file or a name; default: apartment) in the browser, and hear it.

    SCENE may be a Python script that builds one, which is run.

    The server answers this machine alone, and only who knows the address that is printed. Each page
    that is open has a scene of its own. Ctrl-C ends it.

    With --watch a scene can be written while you stand in it: saved, it shows, and what is wrong
    with it is said, in the page and here.

    With --task or --set you are given what agents are, and act as they do, a step at a time; your
    results are written as theirs, and `avenv results check` takes them.
    """
    try:
        import aiohttp  # noqa: F401
    except ImportError as error:
        raise ImportError('avenv play needs aiohttp: pip install "avenv[play]"') from error
    if task and set_name:
        raise click.UsageError("a set has its own task; accepted: --task or --set, one of them")
    if task or set_name:
        if watches:
            raise click.UsageError("--watch is for scenes without a task")
        if others or heads:
            raise click.UsageError("--with and --hrtf are for scenes without a task")
        for name in ("split", "episodes"):
            if task and _is_given(name):
                raise click.UsageError(f"--{name} is for sets; accepted: with --set")
        if set_name and scene:
            raise click.UsageError(f"a set has its own scenes, and {scene!r} is given besides")
        name = f"{task}-{episode or 0}" if task else f"{Path(str(set_name)).name}-{split}"
        folder = Path(out) if out else Path("results") / "human" / name
        _play_episode(
            scene, port, opens, task, set_name, split, episode or 0, episodes, folder, beside
        )
    else:
        for name in ("split", "episode", "episodes", "out", "beside"):
            if _is_given(name):
                raise click.UsageError(f"--{name} is for tasks; accepted: with --task or --set")
        _play_scene(scene or "apartment", port, opens, sample_rate, watches, others, heads)


def _is_given(name: str) -> bool:
    """Say whether an option stands in the command line."""
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.COMMANDLINE


def _play_scene(
    scene: str, port: int, opens: bool, sample_rate: int, watches: bool, others: tuple[str, ...],
    heads: tuple[str, ...],
) -> None:  # fmt: skip
    from avenv.acoustics.ears.hrtf import load_hrtf
    from avenv.play.comparing import Choices
    from avenv.play.scripts import run_script
    from avenv.play.server import Server
    from avenv.play.session import Session
    from avenv.play.visit import Visit
    from avenv.play.watching import Watch
    from avenv.simulation.loading import load_scene
    from avenv.simulation.warmup import warm_up

    if watches and not Path(scene).is_file():
        raise click.ClickException(f"{scene!r} is no file; accepted with --watch: a scene's file")
    server = Server(
        lambda: Session(watch.world if watch else world, sample_rate, choices=choices), port,
        visit=lambda session, beside: Visit(session, beside, watch.notice if watch else None),
    )  # fmt: skip
    for head in heads:
        load_hrtf(head)  # or a message, while nobody waits at a page
    warm_up()
    watch = Watch(scene) if watches else None

    def load(name: str) -> "World":
        return load_scene(run_script(name) if Path(name).suffix == ".py" else name)

    world = watch.world if watch else load(scene)
    choices = Choices({name: load(name) for name in others}, {head: head for head in heads})
    _ = world.walkable, world.raster, world.spec  # before anybody waits at a page
    serve_until_interrupted(server, watch, world.name, opens)


def _play_episode(
    scene: str | None, port: int, opens: bool, task: str | None, set_name: str | None, split: str,
    episode: int, episodes: int | None, folder: Path, beside: tuple[str, ...],
) -> None:  # fmt: skip
    from avenv.play.human import Game
    from avenv.play.rivals import check_beside
    from avenv.play.scoring import check_episode, set_game, task_game
    from avenv.play.server import Server
    from avenv.play.turns import TurnVisit
    from avenv.simulation.warmup import warm_up
    from avenv.tasks import find_task

    def game() -> Game:
        if task:
            return task_game(task, scene, episode, folder, beside)
        return set_game(str(set_name), split, episode, folder, episodes, beside)

    check_beside(beside)
    if task:
        find_task(task)
    else:
        check_episode(str(set_name), split, episode, episodes)
    server = Server(game, port, most=1, visit=TurnVisit)
    warm_up()
    what = f"{task or set_name}, episode {episode}, into {folder}"
    serve_until_interrupted(server, None, what, opens)


def serve_until_interrupted(
    server: "Server", watch: "Watch | None", what: str, opens: bool
) -> None:
    """Run a server, and what watches a file for it, until Ctrl-C."""
    from avenv.play.server import serve

    def ready(url: str) -> None:
        click.echo(f"{what}: {url}")
        if opens:
            webbrowser.open(url)

    def say(report: str) -> None:
        click.echo(report or "loaded")

    serve(server, ready, None if watch is None else lambda: watch.follow(server, say))
