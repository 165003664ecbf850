"""The command line for foundation models: `avenv omni`."""

import click


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
