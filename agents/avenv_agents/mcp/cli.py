"""The command line for clients of the Model Context Protocol: `avenv mcp`."""

from typing import Any

import click

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@click.command("mcp")
@click.option("--task", default="AudioGoal", show_default=True, help="See `avenv tasks list`.")
@click.option("--scene", "scenes", multiple=True, default=("apartment",), show_default=True)
@click.option("--sounds", help="A set of sounds, a folder or a file; default: the task's own.")
@click.option(
    "--transport", type=click.Choice(["stdio", "http"]), default="stdio", show_default=True
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Of http.")
@click.option("--port", type=click.IntRange(1, 65535), default=8124, show_default=True)
@click.option(
    "--size", type=click.IntRange(16, 1024), default=256, show_default=True, help="Of pictures."
)
@click.option("--walks", type=click.IntRange(1, 64), default=8, show_default=True,
              help="Open at once.")  # fmt: skip
@click.option("--episodes", type=click.IntRange(1), default=1000, show_default=True,
              help="Of all clients together.")  # fmt: skip
@click.option("--steps", type=click.IntRange(1), default=500, show_default=True,
              help="Of an episode.")  # fmt: skip
def mcp(
    task: str, scenes: tuple[str, ...], sounds: str | None, transport: str, host: str, port: int,
    size: int, walks: int, episodes: int, steps: int,
) -> None:  # fmt: skip
    """Let any client of the Model Context Protocol walk through a home.

    Its tools are reset, step, look, listen and state. Over stdio the client starts this command;
    over http it is found at http://127.0.0.1:8124/mcp, on this machine alone unless --host says
    otherwise: whoever can reach it can use it.
    """
    from avenv.envs import Env
    from avenv.simulation.worlds import load_worlds

    try:
        from avenv_agents.mcp.server import make_server
    except ImportError as error:
        raise ImportError(f'{error}; clients are served with: pip install "avenv[mcp]"') from error
    from avenv_agents.mcp.walks import SENSORS, Limits, Walks

    worlds = load_worlds(list(scenes))
    options: dict[str, Any] = {"sounds": sounds} if sounds else {}

    def make() -> Env:
        return Env(
            task, scenes=worlds, sensors=SENSORS, image_size=(size, size),
            max_episode_steps=steps, **options,
        )  # fmt: skip

    make().close()  # what is wrong is said now, and not to the first client
    limits = Limits(walks=walks, episodes=episodes, steps=steps)
    server = make_server(open_walks := Walks(make, limits))
    try:
        if transport == "stdio":
            server.run("stdio")
            return
        if host not in LOOPBACK:
            click.echo(f"anybody who reaches {host} can use this server", err=True)
        click.echo(f"a home answers at http://{host}:{port}/mcp", err=True)
        server.run("streamable-http", host=host, port=port)
    finally:
        open_walks.close()
