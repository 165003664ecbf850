"""Compare agents on the same episodes: what they differ by, and how surely.

Agents meet the very same episodes, so that differences are taken episode by episode: most of what
makes results vary, easy and hard episodes, is then gone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avenv.benchmark.journal import differences
from avenv.benchmark.metrics import Estimate, Measure, bootstrap, exact_mcnemar
from avenv.benchmark.results import Results, short

PRIVILEGED = "†"
"""Marks agents that are told more than they see and hear."""

COSTS = {"questions": "asked", "tokens_in": "tokens in", "tokens_out": "tokens out", "cost": "$"}
"""What tables tell of what an episode cost an agent, by its name in ledgers."""


@dataclass(frozen=True)
class Method:
    """One row of a table: an agent, or several trainings of one that differ by their seed."""

    name: str
    runs: tuple[Results, ...]

    @property
    def privilege(self) -> str:
        """What it is told besides what it sees and hears; empty: nothing."""
        return self.runs[0].heading["agent"]["privilege"]


@dataclass(frozen=True)
class Row:
    """What is said of a method.

    Attributes:
        method: which.
        estimates: by the titles of the measures; of several runs the mean of their means, with an
            interval for other episodes of the same kind.
        spread: standard deviation of the runs' means, by title; empty for one run.
        differences: from the first method, episode by episode; empty for the first one.
        p: of the exact McNemar test of success against the first; None where either has several
            runs, which are no independent trials.
        costs: of an episode, on average, by their names in ledgers; empty where none are kept.
    """

    method: Method
    estimates: Mapping[str, Estimate]
    spread: Mapping[str, float]
    differences: Mapping[str, Estimate]
    p: float | None
    costs: Mapping[str, float]


def compare(
    methods: Sequence[Method],
    measures: Sequence[Measure] | None = None,
    where: Mapping[str, str] | None = None,
) -> list[Row]:
    """Return a row for each method, with its differences from the first.

    Args:
        methods: two or more to compare; of one there is just its row.
        measures: by default what the task says counts most.
        where: strata that count; by default all.

    Raises:
        ValueError: they are of other episodes or rules, some are not finished, or there is none in
            these strata.
    """
    _check_comparable(methods)
    first = methods[0].runs[0]
    chosen = list(measures or first.headline)
    where = where or {}
    if not first.within(where):
        raise ValueError(f"no episode is of {dict(where)}; there are {first.strata()}")
    rows = []
    for k, method in enumerate(methods):
        rows.append(
            Row(
                method,
                {m.title: _estimate(method, m, where) for m in chosen},
                _spread(method, chosen, where),
                {m.title: _difference(method, methods[0], m, where) for m in chosen} if k else {},
                _mcnemar(method, methods[0], where) if k else None,
                _costs(method, where),
            )
        )
    return rows


def _check_comparable(methods: Sequence[Method]) -> None:
    if not methods:
        raise ValueError("there is nothing to compare")
    every = [(method, run) for method in methods for run in method.runs]
    first = every[0][1]
    for method, run in every:
        if not run.is_whole:
            raise ValueError(
                f"{method.name} has {len(run.episodes)} of {run.heading['episodes']} episodes; "
                "accepted: evaluations that are finished"
            )
        if differ := differences(_played(first), _played(run)):
            raise ValueError(
                f"{method.name} was not evaluated as {methods[0].name} was, which differs in "
                f"{', '.join(differ)}; accepted: the same episodes by the same rules"
            )


def _played(results: Results) -> dict[str, object]:
    """Return what two evaluations must have in common."""
    heading = results.heading
    common = {name: heading[name] for name in ("set", "task", "rules", "episodes")}
    if heading["set"] is None:  # then seeds say which episodes
        return common | {"seed": heading["agent"]["seed"]}
    return common | {"set": {k: heading["set"][k] for k in ("name", "hash", "split")}}


def _estimate(method: Method, measure: Measure, where: Mapping[str, str]) -> Estimate:
    if len(method.runs) == 1:
        return method.runs[0].estimate(measure, where)
    values, weights = _means(method, measure, where)
    return bootstrap(values, weights, _homes(method, where))


def _spread(
    method: Method, measures: Sequence[Measure], where: Mapping[str, str]
) -> dict[str, float]:
    if len(method.runs) == 1:
        return {}
    return {
        m.title: float(np.std([run.estimate(m, where).mean for run in method.runs], ddof=1))
        for m in measures
    }


def _difference(one: Method, other: Method, measure: Measure, where: Mapping[str, str]) -> Estimate:
    (mine, weights), (its, others) = (_means(m, measure, where) for m in (one, other))
    if measure.per is not None:  # of sums over sums there is no difference by episodes
        mine, its = mine / np.maximum(weights, 1e-9), its / np.maximum(others, 1e-9)
    with np.errstate(invalid="ignore"):
        return bootstrap(mine - its, clusters=_homes(one, where))


def _means(
    method: Method, measure: Measure, where: Mapping[str, str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what each episode brought (N,), and its weight (N,), on average over the runs."""
    values, weights = (
        np.mean(
            [[1.0 if of is None else record["metrics"][of] for record in run.within(where)]
             for run in method.runs],
            axis=0,
        )
        for of in (measure.metric, measure.per)
    )  # fmt: skip
    return values, weights


def _costs(method: Method, where: Mapping[str, str]) -> dict[str, float]:
    kept = [record.get("ledger") for run in method.runs for record in run.within(where)]
    ledgers = [one for one in kept if one is not None]
    if not ledgers:
        return {}
    return {name: sum(one.get(name, 0) for one in ledgers) / len(kept) for name in COSTS}


def _homes(method: Method, where: Mapping[str, str]) -> list[str]:
    return [record["scene"] for record in method.runs[0].within(where)]


def _mcnemar(one: Method, other: Method, where: Mapping[str, str]) -> float | None:
    if len(one.runs) > 1 or len(other.runs) > 1:
        return None
    success = (
        [record["metrics"].get("success", 0) for record in method.runs[0].within(where)]
        for method in (one, other)
    )
    return exact_mcnemar(*success)


def cells_of(rows: Sequence[Row]) -> list[list[str]]:
    """Return rows as a table: the names of its columns, then a line for each agent.

    Of several agents it has the differences from the first, too; where agents keep accounts, what
    an episode cost.
    """
    titles = list(rows[0].estimates)
    lines = [["agent", *titles]]
    if len(rows) > 1:
        lines[0] += [f"Δ {titles[0]}", "p", *(f"Δ {title}" for title in titles[1:2])]
    charged = [name for name in COSTS if any(row.costs.get(name) for row in rows)]
    lines[0] += [COSTS[name] for name in charged]
    for row in rows:
        cells = [_name(row), *(_cell(row, title) for title in titles)]
        if len(rows) > 1:
            told = [f"{row.differences[t]:+}" if row.differences else "" for t in titles[:2]]
            cells += [told[0], "" if row.p is None else _probability(row.p), *told[1:]]
        cells += [short(row.costs[name]) if row.costs else "" for name in charged]
        lines.append(cells)
    return lines


def markdown(rows: Sequence[Row]) -> str:
    """Return rows as a table in Markdown, which can be read as it is."""
    head, *body = cells_of(rows)
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    rule = ["-" * width for width in widths]
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))} |"
        for cells in (head, rule, *body)
    )


def _name(row: Row) -> str:
    count = len(row.method.runs)
    mark = PRIVILEGED if row.method.privilege else ""
    return f"{row.method.name}{mark}" + (f" ({count} runs)" if count > 1 else "")


def _cell(row: Row, title: str) -> str:
    spread = f" ±{row.spread[title]:.2f}" if row.spread else ""
    return f"{row.estimates[title]}{spread}"


def _probability(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
