"""The command line for episode sets: `avenv sets`."""

from pathlib import Path

import click


@click.group("sets")
def sets_group() -> None:
    """Episode sets: what there is, and how it is made."""


@sets_group.command("list")
def list_sets() -> None:
    """List the sets that come with the package."""
    from avenv.benchmark.sets import load_set, set_names

    for name in set_names():
        found = load_set(name)
        counts = ", ".join(f"{split} {len(x)}" for split, x in found.splits.items())
        click.echo(f"{name}: {found.task}; {counts}; {found.hash[:16]}")


@sets_group.command()
@click.argument("name")
@click.option(
    "--out",
    type=click.Path(dir_okay=False),
    help="The file to write; default: where the package keeps its own, which pins it anew.",
)
@click.option(
    "--work",
    type=click.Path(file_okay=False),
    help="Folder for what is finished; default: in the cache folder.",
)
@click.option("--split", "splits", multiple=True, help="Make only this split; may be repeated.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True)
def make(
    name: str, out: str | None, work: str | None, splits: tuple[str, ...], workers: int
) -> None:
    """Make the set NAME as its recipe says; stopped, the same command goes on.

    The same recipe makes the same file.
    """
    from avenv.benchmark.making import find_recipe, make_set
    from avenv.benchmark.sets import ENDING, FOLDER, pin, save_set
    from avenv.core.cache import cache_folder

    recipe = find_recipe(name)
    folder = Path(work) if work else (cache_folder() or Path()) / "sets"
    command = " ".join([f"avenv sets make {name}", *(f"--split {split}" for split in splits)])
    made = make_set(recipe, folder, command, workers, only=splits)
    path = Path(out) if out else FOLDER / f"{name}{ENDING}"
    digest = save_set(path, made)
    if out is None:
        pin(name, digest)
    click.echo(f"wrote {path}: {path.stat().st_size / 1000:.0f} kB, {digest[:16]}")


@sets_group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--scenes", required=True, type=click.Path(exists=True, file_okay=False))
@click.option("--sounds", required=True, type=click.Path(exists=True, file_okay=False))
@click.option("--out", required=True, type=click.Path(dir_okay=False), help="NAME.json.gz")
@click.option("--rules", default="soundspaces-v1", show_default=True, help="A preset of options.")
def import_set(file: str, scenes: str, sounds: str, out: str, rules: str) -> None:
    """Make a set of FILE, episodes of SoundSpaces or SAVi, of the scenes that are here.

    Its only split is called `all`. Where SAVi's sounds end after a time, so do these.
    """
    from avenv.benchmark import EpisodeSet, SetEpisode, find_config, read_config
    from avenv.benchmark.evaluate import SENSES
    from avenv.benchmark.sets import ENDING, episode_id, save_set
    from avenv.habitat import read_episodes

    path = Path(out)
    if not path.name.endswith(ENDING) or path.exists():
        raise click.ClickException(f"out is {out!r}; accepted: a new file, *{ENDING}")
    options = read_config(find_config("env", rules))
    played = {name: value for name, value in options.items() if name not in SENSES}
    episodes, missing = read_episodes(file, scenes, sounds)
    split = tuple(
        SetEpisode(episode_id("all", k), episode, {}) for k, episode in enumerate(episodes)
    )
    name = path.name.removesuffix(ENDING)
    command = f"avenv sets import {Path(file).name} --rules {rules}"
    save_set(path, EpisodeSet(name, "AudioGoal", played, {"all": split}, command))
    click.echo(f"wrote {out}: {len(episodes)} episodes")
    if missing:
        click.echo(f"{len(missing)} scenes are not here: {', '.join(missing[:5])}", err=True)
