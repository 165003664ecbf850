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


@click.command()
@click.argument("results", nargs=-1, required=True)
@click.option("--out", default="report.html", show_default=True, help="The HTML file to write.")
@click.option("--maps", type=click.IntRange(0), default=12, show_default=True, help="Ways drawn.")
@click.option("--films", type=click.IntRange(0), default=2, show_default=True, help="Films within.")
@click.option(
    "--curves",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False),
    help="A training's progress.csv; may be repeated.",
)
def report(
    results: tuple[str, ...], out: str, maps: int, films: int, curves: tuple[str, ...]
) -> None:
    """Tell of RESULTS, as `avenv compare` takes them, in one HTML file that needs nothing else.

    It has the table, success by kind of episode, maps of ways, a list of all episodes, and films of
    the first agent with what both ears heard.
    """
    from avenv.benchmark.report import chosen_episodes, write_report
    from avenv.cli.films import film_of

    folder = Path(out).absolute().parent
    if not folder.is_dir():
        raise click.ClickException(f"out is {out!r}; there is no folder of that name")
    methods = [read_method(one) for one in results]
    first = methods[0].runs[0]
    shown = dict(film_of(first, number) for number in chosen_episodes(first, films))
    folders = [Path(f) for one in results for f in one.rpartition("=")[2].split(",")]
    write_report(out, methods, maps, shown, [Path(log) for log in curves], folders)
    click.echo(f"wrote {out}: {Path(out).stat().st_size / 1e6:.1f} MB")
