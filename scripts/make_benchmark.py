"""Make the tables of docs/benchmark.md: evaluate the baselines and controls on an episode set.

    python scripts/make_benchmark.py                         # audiogoal-v1, val and test
    python scripts/make_benchmark.py --per-cell 25           # a share, and what all would take
    python scripts/make_benchmark.py --row follower --row homes --split val --no-page
    python scripts/make_benchmark.py --policy runs/homes/best.pt

A row is a folder of results in --out: what is finished stays, and the same command goes on with it.
Several of these commands may fill one --out at once, each with rows of its own.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from avenv.benchmark import EpisodeSet, Impaired, Results, evaluate_set, find_agent, load_set
from avenv.benchmark.compare import PRIVILEGED, Method, compare, markdown
from avenv.benchmark.impaired import IMPAIRMENTS
from avenv.benchmark.results import EPISODES, read_results
from avenv.benchmark.sets import set_names
from avenv.core.files import draft_of

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/benchmark.md"

BASELINES = ("search", "oracle", "follower", "random", "idle")
"""Of each there is an agent by this name. The others are compared with the first."""


@dataclass(frozen=True)
class Row:
    """A row of the table: an agent, whole or without something."""

    name: str
    agent: str
    impaired: str | None = None

    @property
    def folder(self) -> str:
        """The name of its folder of results."""
        return f"{self.name}-{self.impaired}" if self.impaired else self.name


@dataclass(frozen=True)
class Part:
    """What of a set is played: the first episodes of each cell of sounds and homes, or all."""

    episodes: EpisodeSet
    split: str
    per_cell: int | None
    file: str | None = None

    @property
    def count(self) -> int:
        """How many episodes that are.

        Raises:
            ValueError: a cell has fewer, or the beginning of the split has not as many of each.
        """
        split = self.episodes.split(self.split)
        if self.per_cell is None:
            return len(split)
        cells = Counter((x.strata.get("sounds"), x.strata.get("homes")) for x in split)
        count = self.per_cell * len(cells)
        beginning = split[:count]
        found = Counter((x.strata.get("sounds"), x.strata.get("homes")) for x in beginning)
        if set(found.values()) != {self.per_cell} or len(found) < len(cells):
            raise ValueError(
                f"per-cell is {self.per_cell}; {self.split} has {min(cells.values())} episodes in "
                "its smallest cell"
            )
        return count

    @property
    def folder(self) -> str:
        """The name of the folder of its rows."""
        share = f"-{self.per_cell}-per-cell" if self.per_cell else ""
        return f"{self.episodes.name}-{self.split}{share}"

    @property
    def title(self) -> str:
        """What the table is of, in words."""
        whole = len(self.episodes.split(self.split))
        share = (
            f"the first {self.per_cell} of each cell of sounds and homes, {self.count} of {whole} "
            "episodes"
        )
        return f"**{self.episodes.name}, {self.split}**, " + (
            share if self.per_cell else f"all {whole} episodes"
        )


def rows_of(policy: str) -> list[Row]:
    """Return all rows: the baselines, the policy, and the policy without a sense."""
    name = policy if policy == "homes" else "policy"
    rows = [Row(baseline, baseline) for baseline in BASELINES]
    return [*rows, Row(name, policy), *(Row(name, policy, how) for how in IMPAIRMENTS)]


def fill(part: Part, row: Row, out: Path, num_envs: int) -> None:
    """Play what is lacking of a row, and say what it took."""
    agent = find_agent(row.agent)
    chosen = Impaired(agent, row.impaired) if row.impaired else agent
    folder = out / part.folder / row.folder
    before = len(read_results(folder).episodes) if (folder / EPISODES).exists() else 0
    began, wall = time.process_time(), time.perf_counter()
    results = evaluate_set(
        chosen, row.name, part.episodes, part.split, folder,
        count=part.count, num_envs=num_envs, file=part.file,
    )  # fmt: skip
    cost, wall = time.process_time() - began, time.perf_counter() - wall
    click.echo(results.table())
    if played := len(results.episodes) - before:
        whole = len(part.episodes.split(part.split))
        click.echo(
            f"  {cost / played:.2f} s of CPU an episode, {wall / played:.2f} s in all: for the "
            f"{whole} of {part.split} {cost / played * whole / 60:.0f} min of CPU"
        )


def finished(part: Part, rows: Sequence[Row], out: Path) -> list[Results]:
    """Return those rows of a part that are there and whole."""
    folders = [out / part.folder / row.folder for row in rows]
    found = [read_results(folder) for folder in folders if (folder / EPISODES).exists()]
    return [results for results in found if results.is_whole]


def table(part: Part, found: Sequence[Results]) -> str:
    """Return results as a table in Markdown, with what it is of."""
    methods = [Method(one.name, (one,)) for one in found]
    told = [f"{PRIVILEGED} {m.name} is told {m.privilege}." for m in methods if m.privilege]
    words = [f"{part.title}.", *told, f"Δ: difference from {methods[0].name}."]
    return f"{' '.join(words)}\n\n{markdown(compare(methods))}\n"


def write_page(tables: Sequence[str]) -> None:
    """Put tables into the documentation, in place of those that stand there."""
    before, begin, rest = PAGE.read_text(encoding="utf-8").partition("<!-- table -->\n")
    _, end, after = rest.partition("<!-- end of table -->")
    with draft_of(PAGE) as draft:
        text = "".join((before, begin, "\n".join(tables), end, after))
        draft.write_text(text, encoding="utf-8")
    click.echo(f"wrote {PAGE}")


@click.command()
@click.option("--set", "set_name", default="audiogoal-v1", show_default=True)
@click.option("--split", "splits", multiple=True, default=("val", "test"), show_default=True)
@click.option(
    "--per-cell", type=click.IntRange(1), help="Only the first so many of each cell of a split."
)
@click.option("--row", "chosen", multiple=True, help="Only this one: oracle, homes-deaf, ...")
@click.option("--policy", default="homes", show_default=True, help="A name, or where it is.")
@click.option("--out", default=ROOT / "results", type=click.Path(path_type=Path))
@click.option("--num-envs", type=click.IntRange(1), default=8, show_default=True)
@click.option("--play/--no-play", default=True, help="Play what is lacking; else only write.")
@click.option("--page/--no-page", default=True, help="Write the tables into docs/benchmark.md.")
def main(
    set_name: str,
    splits: tuple[str, ...],
    per_cell: int | None,
    chosen: tuple[str, ...],
    policy: str,
    out: Path,
    num_envs: int,
    play: bool,
    page: bool,
) -> None:
    """Evaluate row by row, and write tables of all rows that are finished."""
    episodes, rows = load_set(set_name), rows_of(policy)
    if unknown := sorted(set(chosen) - {row.folder for row in rows}):
        names = ", ".join(row.folder for row in rows)
        raise click.ClickException(f"row is {unknown[0]!r}; accepted: {names}")
    file = None if set_name in set_names() else set_name
    parts = [Part(episodes, split, per_cell, file) for split in splits]
    try:
        click.echo(f"{sum(part.count for part in parts)} episodes a row")
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    todo = [(part, row) for part in parts for row in rows if not chosen or row.folder in chosen]
    failed = []
    for k, (part, row) in enumerate(todo if play else []):
        click.echo(f"[{k + 1}/{len(todo)}] {part.folder}/{row.folder}")
        try:
            fill(part, row, out, num_envs)
        except ValueError as error:  # the other rows do not suffer
            failed.append(f"{part.folder}/{row.folder}")
            click.echo(f"  not evaluated: {error}", err=True)
    found = [(part, finished(part, rows, out)) for part in parts]
    tables = [table(part, results) for part, results in found if results]
    click.echo("\n" + "\n".join(tables))
    if page and tables:
        write_page(tables)
    if failed:
        raise click.ClickException(f"not evaluated: {', '.join(failed)}")


if __name__ == "__main__":
    main()
