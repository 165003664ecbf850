"""The command line for comparisons: `avenv compare` and `avenv report`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from avenv.benchmark.compare import Method


@click.command()
@click.argument("results", nargs=-1, required=True)
@click.option("--where", multiple=True, help="Strata that count: homes=unseen; may be repeated.")
@click.option("--all-measures", is_flag=True, help="Tell more than what counts most.")
def compare(results: tuple[str, ...], where: tuple[str, ...], all_measures: bool) -> None:
    """Compare agents on the same episodes: RESULTS are folders, the first what others are held to.

    NAME=DIR gives an agent another name, NAME=DIR,DIR,DIR makes one row of several trainings.
    Differences are taken episode by episode, with intervals that know of homes; p is of the exact
    McNemar test of success.
    """
    from avenv.benchmark.compare import PRIVILEGED, markdown
    from avenv.benchmark.compare import compare as rows_of

    methods = [read_method(one) for one in results]
    chosen = methods[0].runs[0].measures if all_measures else None
    click.echo(markdown(rows_of(methods, chosen, read_where(where))))
    for method in methods:
        if method.privilege:
            click.echo(f"{PRIVILEGED} {method.name} is told {method.privilege}")


def read_method(text: str) -> "Method":
    """Return the method that ``"DIR"``, ``"NAME=DIR"`` or ``"NAME=DIR,DIR"`` means."""
    from avenv.benchmark import read_results
    from avenv.benchmark.compare import Method

    name, equals, folders = text.partition("=")
    if not equals or Path(text).is_dir():
        name, folders = "", text
    runs = tuple(read_results(folder) for folder in folders.split(","))
    return Method(name or runs[0].name, runs)


def read_where(where: tuple[str, ...]) -> dict[str, str]:
    """Return strata as they are named on the command line."""
    read = dict(part.partition("=")[::2] for part in where)
    if not all(read.values()):
        raise click.ClickException(f"where is {', '.join(where)}; accepted: KIND=GROUP")
    return read
