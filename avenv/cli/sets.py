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
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True)
def make(name: str, out: str | None, work: str | None, workers: int) -> None:
    """Make the set NAME as its recipe says; stopped, the same command goes on.

    The same recipe makes the same file.
    """
    from avenv.benchmark.making import find_recipe, make_set
    from avenv.benchmark.sets import ENDING, FOLDER, pin, save_set
    from avenv.core.cache import cache_folder

    recipe = find_recipe(name)
    folder = Path(work) if work else (cache_folder() or Path()) / "sets"
    made = make_set(recipe, folder, f"avenv sets make {name}", workers)
    path = Path(out) if out else FOLDER / f"{name}{ENDING}"
    digest = save_set(path, made)
    if out is None:
        pin(name, digest)
    click.echo(f"wrote {path}: {path.stat().st_size / 1000:.0f} kB, {digest[:16]}")
