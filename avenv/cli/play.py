"""The command line for the browser: `avenv play`."""

import webbrowser
from pathlib import Path

import click


@click.command()
@click.argument("scene", default="apartment")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="To listen on; default: a free one."
)
@click.option("--open/--no-open", "opens", default=True, show_default=True, help="Open a browser.")
@click.option(
    "--sample-rate",
    type=click.IntRange(8000, 48000),
    default=24000,
    show_default=True,
    help="Of the sound, Hz; less is less to compute.",
)
@click.option("--watch", "watches", is_flag=True, help="Load the file anew when it is saved.")
def play(scene: str, port: int, opens: bool, sample_rate: int, watches: bool) -> None:
    """Walk through SCENE (a file or a name; default: apartment) in the browser, and hear it.

    The server answers this machine alone, and only who knows the address that is printed. Each page
    that is open has a scene of its own. Ctrl-C ends it.

    With --watch a scene can be written while you stand in it: saved, it shows, and what is wrong
    with it is said, in the page and here.
    """
    try:
        from avenv.play.server import Server, serve
        from avenv.play.watching import Unwatched, Watch
    except ImportError as error:
        raise ImportError('avenv play needs aiohttp: pip install "avenv[play]"') from error
    from avenv.play.session import Session
    from avenv.simulation.warmup import warm_up
    from avenv.simulation.world import load_scene

    if watches and not Path(scene).is_file():
        raise click.ClickException(f"{scene!r} is no file; accepted with --watch: a scene's file")
    server = Server(lambda: Session(shown.world, sample_rate), port)
    warm_up()
    shown = Watch(scene) if watches else Unwatched(load_scene(scene))
    _ = shown.world.walkable, shown.world.raster  # before anybody waits at a page

    def ready(url: str) -> None:
        click.echo(f"{shown.world.name}: {url}")
        if opens:
            webbrowser.open(url)

    serve(server, ready, lambda: shown.follow(server, lambda said: click.echo(said or "loaded")))
