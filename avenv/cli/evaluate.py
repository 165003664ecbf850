"""The command line for the benchmark: `avenv evaluate`."""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from avenv.cli.commands import PLACE, cluster_of, cluster_option, trust_option
from avenv.core.store import is_url, open_store


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--agent",
    required=True,
    help="oracle, follower, random, module:class, or a trained policy's folder.",
)
@click.option("--set", "set_name", help="An episode set (audiogoal-v1), or the file of one.")
@click.option("--split", default="val", show_default=True, help="Of the set.")
@click.option(
    "--config",
    help="Without a set: options of the environment: a YAML file, a preset (soundspaces-v1), or a "
    "training configuration, whose environment counts; default: those that the agent asks for.",
)
@click.option("--task", help="Without a set: see `avenv tasks list`; default: AudioGoal.")
@click.option(
    "--scene", "scenes", multiple=True, help="Without a set: a scene file or name; may be repeated."
)
@click.option("--sounds", help="Without a set: a set of sounds, a folder or a file.")
@click.option(
    "--episodes",
    type=click.IntRange(1),
    help="How many; default: all of a split, or without a set 100.",
)
@click.option(
    "--num-envs",
    type=click.IntRange(1),
    default=8,
    show_default=True,
    help="Episodes played at once; the results do not depend on it.",
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="Of what is random about the agent; without a set, of the first episode.",
)
@click.option("--shard", help="Play only a share, 3/16; `avenv results merge` puts them together.")
@click.option(
    "--out",
    type=PLACE,
    help="Folder for the results, or a URL (docs/scale.md); default: results/AGENT/SET-SPLIT; the "
    "agent omni adds its model.",
)
@click.option(
    "--impaired",
    help="What the agent lacks: deaf, mono (both ears hear the same), swapped, blind, anechoic "
    "(it hears no echo), or untold (it is given no instruction).",
)
@click.option(
    "--argument",
    "arguments",
    multiple=True,
    help="Of the agent, NAME=VALUE: certainty=0.9; may be repeated. What an agent says it takes is "
    "an option as well: --model NAME.",
)
@click.option(
    "--on-error",
    type=click.Choice(["stop", "fail"]),
    default="stop",
    show_default=True,
    help="An agent that fails ends the evaluation, or has failed in that episode.",
)
@click.option("--fresh", is_flag=True, help="Play again what has been played before.")
@click.argument("more", nargs=-1, type=click.UNPROCESSED, metavar="[OPTION OF THE AGENT]...")
@cluster_option
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="Of the cluster, with --num-envs each; default: one a core.",
)
@trust_option
def evaluate(
    agent: str,
    set_name: str | None,
    split: str,
    config: str | None,
    task: str | None,
    scenes: tuple[str, ...],
    sounds: str | None,
    episodes: int | None,
    num_envs: int,
    seed: int,
    shard: str | None,
    out: str | None,
    impaired: str | None,
    arguments: tuple[str, ...],
    on_error: str,
    fresh: bool,
    more: tuple[str, ...],
    cluster: str | None,
    workers: int | None,
    trust: bool,
) -> None:
    """Run an agent over fixed episodes and print its metrics with confidence intervals.

    Finished episodes are written down at once. Whatever stops an evaluation, the same command goes
    on with it.
    """
    from avenv.benchmark import Impaired, evaluate, evaluate_set, load_set, options_of
    from avenv.benchmark.results import check_shard
    from avenv.benchmark.sets import set_names
    from avenv.cli.agents import find_agent_here, with_arguments

    if workers is not None and cluster is None:
        raise ValueError("workers are a cluster's; accepted: --cluster as well, local for instance")
    if set_name is not None and (config or scenes or sounds or task):
        raise click.ClickException(
            "a set says which task, scenes and sounds; accepted: --set alone"
        )
    factory = find_agent_here(agent, trust)
    own = _read_options_of_agent(more, getattr(factory, "arguments", ()))
    factory = with_arguments(factory, given := _read_arguments(arguments) | own)
    title = getattr(factory, "title", None)  # results of two models have no folder in common
    if impaired is not None:
        factory = Impaired(factory, impaired)
    what = f"{Path(set_name).name}-{split}" if set_name else "seeds"
    folder = out or str(Path("results") / _slug(agent, title, impaired) / _slug(what))
    if fresh:
        _remove(folder)
    common: dict[str, Any] = {
        "num_envs": num_envs,
        "seed": seed,
        "shard": check_shard(shard) if shard else None,
        "on_error": on_error,
        "arguments": getattr(factory, "told", given),
        "out": folder,
        "cluster": cluster_of(cluster, workers, num_envs),
    }
    if set_name is not None:
        chosen = load_set(set_name)
        file = None if set_name in set_names() else set_name
        results = evaluate_set(factory, agent, chosen, split, count=episodes, file=file, **common)
    else:
        options = options_of(factory) if config is None else _read_options(config)
        if task:
            options["task"] = task
        if scenes:
            options["scenes"] = list(scenes)
        if sounds:
            options["sounds"] = sounds
        results = evaluate(factory, agent, episodes or 100, **common, **options)
    click.echo(results.table())
    click.echo(f"wrote {folder}")


def _slug(*words: str | None) -> str:
    """Return some words as the name of a folder."""
    return re.sub(r"[^\w.-]+", "-", "-".join(filter(None, words))).strip("-.") or "agent"


def _remove(place: str) -> None:
    """Delete the results in a folder or at a URL, and nothing else."""
    from avenv.benchmark.results import AGENT_FILES, EPISODES, SESSIONS, SUMMARY

    if is_url(place):
        own = rf"(shard-\d+-of-\d+/)?({AGENT_FILES}/.*|{EPISODES}|{SESSIONS}|{SUMMARY})"
        store = open_store(place)
        for name in store.names():
            if re.fullmatch(own, name):
                store.remove(name)
        return
    folder = Path(place)
    for where in (folder, *folder.glob("shard-*-of-*")):
        shutil.rmtree(where / AGENT_FILES, ignore_errors=True)
        for name in (EPISODES, SESSIONS, SUMMARY):
            (where / name).unlink(missing_ok=True)


def _read_arguments(arguments: tuple[str, ...]) -> dict[str, Any]:
    """Return arguments of an agent as YAML reads their values."""
    from avenv.core.plain_yaml import parse_yaml

    read: dict[str, Any] = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not (equals and name.isidentifier()):
            raise click.ClickException(f"argument is {argument!r}; accepted: NAME=VALUE")
        read[name] = parse_yaml(value)
    return read


def _read_options_of_agent(more: tuple[str, ...], known: Iterable[str]) -> dict[str, Any]:
    """Return options that only the agent knows, ``("--base-url", "http://...")``, by name."""
    from avenv.core.plain_yaml import parse_yaml

    read: dict[str, Any] = {}
    words = list(more)
    while words:
        word, equals, value = words.pop(0).partition("=")
        name = word.removeprefix("--").replace("-", "_")
        if not word.startswith("--") or name not in known:
            raise click.NoSuchOption(word, possibilities=[_option(one) for one in known])
        if not (equals or words):
            raise click.BadOptionUsage(word, f"Option {word!r} requires an argument.")
        read[name] = parse_yaml(value if equals else words.pop(0))
    return read


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _read_options(config: str) -> dict[str, Any]:
    """Return the environment's options in a configuration of it or of a training."""
    from avenv.benchmark import config_names, find_config, read_config

    kind = "env" if config in config_names("env") else "train"
    path = find_config(kind, config)
    data = read_config(path)
    options = data.get("env", data)
    if not isinstance(options, dict):
        raise ValueError(f"{path}: env is {options!r}; accepted: a mapping of options")
    if own := sorted({"num_envs", "seed"} & set(options)):
        raise ValueError(f"{path}: {own[0]} is an option of this command, not of an environment")
    return dict(options)
