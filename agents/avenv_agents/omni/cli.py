"""The command line for foundation models: `avenv omni`."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from avenv_agents.omni.options import server_options

REFERENCE = "reference"
"""The model that comes with the package, and its view."""


@click.group("omni")
def omni_group() -> None:
    """Try the agent `omni` without a model: its reference server and its views."""


@omni_group.command("serve-reference")
@click.option("--port", type=click.IntRange(0, 65535), default=8123, show_default=True)
@click.option("--hfov", default=90.0, show_default=True, help="Degrees that the pictures are wide.")
@click.option("--step-time", default=0.25, show_default=True, help="Seconds of an action.")
def serve_reference(port: int, hfov: float, step_time: float) -> None:
    """Serve the reference model on this machine, until Ctrl-C.

    It reads no words: it hears the sound and sees the depth picture that `--view reference` sends,
    and needs neither a key nor a network.
    """
    from avenv_agents.omni.reference import Reference
    from avenv_agents.omni.reference_server import answer_of, make_server

    server = make_server(answer_of(Reference(hfov, step_time)), port)
    click.echo(f"the reference model answers at http://127.0.0.1:{server.server_port}/v1")
    try:
        server.serve_forever()
    finally:
        server.server_close()


@omni_group.command("score")
@click.option("--model", default=REFERENCE, show_default=True,
              help="Without --base-url the reference is served by this command.")  # fmt: skip
@click.option("--view", help="What it is shown; default: reference or default, as the model is.")
@click.option(
    "--set", "sets", multiple=True,
    help="May be repeated; default: audiogoal-v1, answer-door-v1, false-alarm-v1.",
)  # fmt: skip
@click.option("--split", default="mini", show_default=True)
@click.option("--episodes", type=click.IntRange(1), help="Of each set; default: all of the split.")
@click.option("--num-envs", type=click.IntRange(1), default=8, show_default=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path),
              help="Folder for the results; default: results/MODEL.")  # fmt: skip
@server_options
def score_sets(
    model: str, view: str | None, sets: tuple[str, ...], split: str, episodes: int | None,
    num_envs: int, out: Path | None, server: dict[str, Any],
) -> None:  # fmt: skip
    """Score a model on several episode sets, in one table with intervals and costs.

    Stopped, the same command goes on and asks nothing twice. What may be spent is meant for each
    set.
    """
    from avenv_agents.omni.agent import Omni
    from avenv_agents.omni.scoring import SETS, reference_served, score, table

    is_own = model == REFERENCE and "base_url" not in server
    with reference_served() if is_own else nullcontext(server.get("base_url", "")) as url:
        view = view or (REFERENCE if is_own else "default")
        omni = Omni().configured({**server, "model": model, "base_url": url, "view": view})
        folder = out or Path("results") / model.replace("/", "-")
        results = score(omni, sets or SETS, split, folder, episodes, num_envs)
    click.echo(table(results))
    click.echo(f"wrote {folder}")


@omni_group.command("views")
def views() -> None:
    """List the views that come with the package, and what each needs of a model."""
    from avenv.benchmark import config_names
    from avenv_agents.omni.view import read_view

    for name in config_names("omni"):
        view = read_view(name)
        needs = {
            "pictures": bool(view.frames or view.depth or view.spectrogram),
            f"sound ({view.sound})": view.sound != "none",
            "tools": view.reply == "tools",
        }
        click.echo(f"{name:<12} {', '.join(what for what, needed in needs.items() if needed)}")
