"""The command line: `avenv demo`."""

import click


@click.group()
@click.version_option(package_name="avenv")
def main() -> None:
    """Audio-visual environments for embodied agents."""


@main.command()
@click.option("--scene", default="apartment", show_default=True, help="A scene file or name.")
@click.option("--sound", help="A sound file or built-in kind; default: what the scene plays.")
@click.option(
    "--agent", default="oracle", show_default=True, help="oracle, follower, random, module:class."
)
@click.option("--out", default="demo.mp4", show_default=True, help="The video to write.")
@click.option("--seed", default=0, show_default=True, help="Where the robot starts.")
def demo(scene: str, sound: str | None, agent: str, out: str, seed: int) -> None:
    """Film a robot on its way to a ringing phone: what it sees, where it is, what it hears."""
    from avenv.benchmark import find_agent
    from avenv.recording.episode import record_episode

    try:
        metrics = record_episode(find_agent(agent), out, scene=scene, sound=sound, seed=seed)
    except (ValueError, ImportError) as error:
        raise click.ClickException(str(error)) from error
    click.echo("  ".join(f"{name} {value:.3g}" for name, value in metrics.items()))
    click.echo(f"wrote {out}")


if __name__ == "__main__":
    main()
