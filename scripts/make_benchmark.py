"""Make the table of docs/benchmark.md: evaluate the baselines and controls on an episode set.

    python scripts/make_benchmark.py                       # audiogoal-v1, val and test
    python scripts/make_benchmark.py --split mini

Whatever is finished is kept in the folder of results; the same command goes on with it.
"""

from pathlib import Path

import click

from avenv.benchmark import Impaired, Results, evaluate_set, find_agent, load_set
from avenv.benchmark.compare import PRIVILEGED, Method, compare, markdown
from avenv.core.files import draft_of

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/benchmark.md"
POLICY = ROOT / "agents/policies/homes"

BASELINES = {
    "oracle": "avenv_agents.baselines:OracleAgent",
    "search": "avenv_agents.controls:SearchAgent",
    "follower": "avenv_agents.baselines:DirectionFollower",
    "random": "avenv_agents.baselines:RandomAgent",
    "idle": "avenv_agents.baselines:IdleAgent",
    "policy": str(POLICY),
}
CONTROLS = ("deaf", "blind", "swapped", "anechoic")
"""Of the policy."""


def evaluated(
    set_name: str, split: str, folder: Path, count: int | None, only: tuple[str, ...] = ()
) -> list[Results]:
    """Return the results of all rows of the table, or of those of some names."""
    rows: list[tuple[str, str, str | None]] = [(name, x, None) for name, x in BASELINES.items()]
    rows += [("policy", BASELINES["policy"], how) for how in CONTROLS]
    episodes, results = load_set(set_name), []
    for name, agent, how in rows:
        if only and (how or name) not in only:
            continue
        factory = find_agent(agent)
        out = folder / "-".join(filter(None, (episodes.name, split, name, how)))
        chosen = Impaired(factory, how) if how else factory
        results.append(evaluate_set(chosen, name, episodes, split, out, count=count))
    return results


def table(results: list[Results], title: str) -> str:
    """Return results as a table in Markdown, with what it is of."""
    methods = [Method(one.name, (one,)) for one in results]
    told = [f"{PRIVILEGED} {m.name} is told {m.privilege}." for m in methods if m.privilege]
    episodes = len(results[0].episodes)
    return f"**{title}**, {episodes} episodes. {' '.join(told)}\n\n{markdown(compare(methods))}\n"


@click.command()
@click.option("--set", "set_name", default="audiogoal-v1", show_default=True)
@click.option("--split", "splits", multiple=True, default=("val", "test"), show_default=True)
@click.option("--episodes", type=click.IntRange(1), help="Only the first ones of each split.")
@click.option("--only", multiple=True, help="Only this row: oracle, deaf, ...; may be repeated.")
@click.option("--results", default=ROOT / "results", type=click.Path(path_type=Path))
def main(
    set_name: str,
    splits: tuple[str, ...],
    episodes: int | None,
    only: tuple[str, ...],
    results: Path,
) -> None:
    """Evaluate, and write the table."""
    name = load_set(set_name).name
    tables = [
        table(evaluated(set_name, split, results, episodes, only), f"{name}, {split}")
        for split in splits
    ]
    before, begin, rest = PAGE.read_text(encoding="utf-8").partition("<!-- table -->\n")
    _, end, after = rest.partition("<!-- end of table -->")
    with draft_of(PAGE) as draft:
        text = "".join((before, begin, "\n".join(tables), end, after))
        draft.write_text(text, encoding="utf-8")
    print("\n".join(tables))


if __name__ == "__main__":
    main()
