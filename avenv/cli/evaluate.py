"""The command line for the benchmark: `avenv evaluate`."""

from pathlib import Path
from typing import Any

import click

from avenv.cli.commands import trust_option


@click.command()
@click.option(
    "--agent",
    required=True,
    help="oracle, follower, random, module:class, or a trained policy's folder.",
)
@click.option(
    "--config",
    help="Options of the environment: a YAML file, or the name of a training configuration, whose "
    "environment counts; default: those that the agent asks for.",
)
@click.option("--scene", "scenes", multiple=True, help="A scene file or name; may be repeated.")
@click.option("--sounds", help="A set of sounds, a folder or a file.")
@click.option("--episodes", type=click.IntRange(1), default=100, show_default=True)
@click.option(
    "--num-envs",
    type=click.IntRange(1),
    default=8,
    show_default=True,
    help="Environments stepped at once.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the first episode.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, writable=True),
    help="Write the metrics of every episode to this JSON file.",
)
@click.option(
    "--impaired", help="What the agent lacks: deaf, mono (both ears hear the same), swapped, blind."
)
@click.option("--fresh", is_flag=True, help="Play again what has been played before.")
@trust_option
def evaluate(
    agent: str,
    config: str | None,
    scenes: tuple[str, ...],
    sounds: str | None,
    episodes: int,
    num_envs: int,
    seed: int,
    out: str | None,
    impaired: str | None,
    fresh: bool,
    trust: bool,
) -> None:
    """Run an agent over fixed episodes and print its metrics with confidence intervals.

    Finished episodes are written down at once, beside OUT or in the cache folder. Whatever stops an
    evaluation, the same command goes on with it.
    """
    from avenv.benchmark import Impaired, evaluate, options_of
    from avenv.benchmark.journal import default_path, heading
    from avenv.cli.agents import find_agent_here

    if out and not Path(out).absolute().parent.is_dir():
        raise click.ClickException(f"out is {out!r}; there is no folder of that name")
    factory = find_agent_here(agent, trust)
    if impaired is not None:
        factory, agent = Impaired(factory, impaired), f"{agent}, {impaired}"
    options = options_of(factory) if config is None else _read_options(config)
    if scenes:
        options["scenes"] = list(scenes)
    if sounds:
        options["sounds"] = sounds
    about = heading(factory, agent, {"task": "AudioGoal", "seed": seed, **options})
    journal = Path(f"{out}.jsonl") if out else default_path(about)
    if journal is not None and journal.exists():
        if fresh:
            journal.unlink()
        else:
            click.echo(f"going on from the finished episodes in {journal}", err=True)
    try:
        report = evaluate(factory, agent, episodes, seed, num_envs, journal=journal, **options)
    except Exception:
        if journal is not None and journal.exists():
            click.echo(f"{journal} has the finished episodes; the same command goes on", err=True)
        raise
    click.echo(report.table())
    if out:
        report.save(out)
        click.echo(f"wrote {out}")
    if journal is not None:
        journal.unlink(missing_ok=True)


def _read_options(config: str) -> dict[str, Any]:
    """Return the environment's options in a configuration of it or of a training."""
    from avenv.benchmark import find_config, read_config

    path = find_config("train", config)
    data = read_config(path)
    options = data.get("env", data)
    if not isinstance(options, dict):
        raise ValueError(f"{path}: env is {options!r}; accepted: a mapping of options")
    if own := sorted({"num_envs", "seed"} & set(options)):
        raise ValueError(f"{path}: {own[0]} is an option of this command, not of an environment")
    return dict(options)
