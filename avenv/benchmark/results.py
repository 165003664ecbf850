"""The results of an evaluation: in memory, and the folder that is a submission.

A folder has ``episodes.jsonl``, one line for each episode after one that says what was evaluated;
``sessions.jsonl``, what machine and versions each run had and how long it took; and
``summary.json``. All but the sessions is the same however the episodes were played. An agent may
keep files of its own in ``agent/``.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.benchmark.journal import differences, read_journal, write_journal
from avenv.benchmark.metrics import MEASURES, Estimate, Measure, estimate, measures_of
from avenv.benchmark.provenance import origin
from avenv.benchmark.sets import EpisodeSet, load_set
from avenv.core.files import draft_of
from avenv.core.suggest import accepted

FORMAT = "avenv results"
VERSION = 1
"""Of the format; results of another are refused."""

EPISODES = "episodes.jsonl"
SESSIONS = "sessions.jsonl"
SUMMARY = "summary.json"
AGENT_FILES = "agent"
"""Folder of what an agent keeps itself, such as transcripts."""


@dataclass(frozen=True)
class Results:
    """The results of one evaluation.

    Attributes:
        heading: what was evaluated: ``agent``, ``set`` or the seed of the episodes, ``task``,
            ``rules`` and ``senses``.
        episodes: a record for each: ``number``, ``metrics``, ``actions``, ``scene`` and, where
            they are of a set, ``id`` and ``strata``.
    """

    heading: Mapping[str, Any]
    episodes: Sequence[Mapping[str, Any]]

    @property
    def name(self) -> str:
        """The agent's name, with what it lacks."""
        agent = self.heading["agent"]
        return agent["name"] + (f", {agent['impaired']}" if agent.get("impaired") else "")

    @property
    def is_whole(self) -> bool:
        """Whether all episodes that were to be played have been."""
        return len(self.episodes) == self.heading["episodes"] and not self.heading["shard"]

    def values(self, metric: str) -> NDArray[np.float64]:
        """Return one metric of every episode, (N,)."""
        return np.array([record["metrics"][metric] for record in self.episodes])

    def interval(self, metric: str) -> Estimate:
        """Return the mean of a metric with its interval at 95 % confidence."""
        return self.estimate(MEASURES.get(metric) or Measure(metric, metric, metric))

    def estimate(self, measure: Measure, strata: Mapping[str, str] | None = None) -> Estimate:
        """Return a measure of the episodes of some strata, by default of all."""
        chosen = self.within(strata or {})
        metrics = [record["metrics"] for record in chosen]
        return estimate(measure, metrics, [record["scene"] for record in chosen])

    def within(self, strata: Mapping[str, str]) -> list[Mapping[str, Any]]:
        """Return the episodes that belong to all of some strata."""
        return [
            record
            for record in self.episodes
            if all(record.get("strata", {}).get(kind) == group for kind, group in strata.items())
        ]

    def strata(self) -> dict[str, list[str]]:
        """Return the groups of each kind of strata, in the order in which they are met."""
        found: dict[str, dict[str, None]] = {}
        for record in self.episodes:
            for kind, group in record.get("strata", {}).items():
                found.setdefault(kind, {})[group] = None
        return {kind: list(groups) for kind, groups in found.items()}

    @property
    def measures(self) -> list[Measure]:
        """What is told of them."""
        return measures_of(list(self.episodes[0]["metrics"])) if self.episodes else []

    @property
    def headline(self) -> list[Measure]:
        """What counts most, as the task says, and what silence and distraction did."""
        told = self.episodes[0]["metrics"] if self.episodes else {}
        names = [*self.heading["headline"], *(name for name in ("sws", "dsr") if name in told)]
        return [MEASURES.get(name) or Measure(name, name, name) for name in dict.fromkeys(names)]

    def table(self) -> str:
        """Return what counts most as text, a line each."""
        lines = [f"{self.name}: {len(self.episodes)} episodes"]
        width = max(len(measure.metric) for measure in self.headline)
        for measure in self.headline:
            mean, low, high = self.estimate(measure)
            lines.append(f"  {measure.metric:<{width}} {mean:7.3f}   95 % [{low:.3f}, {high:.3f}]")
        if failed := sum("error" in record for record in self.episodes):
            lines.append(f"  in {failed} of them the agent failed, with an error")
        lines += [f"  {name:<16} {short(total):>12}   {short(mean)} an episode"
                  for name, (total, mean) in self.ledger().items() if total]  # fmt: skip
        return "\n".join(lines)

    def ledger(self) -> dict[str, tuple[float, float]]:
        """Return what the episodes have cost the agent, by name: in all, and on average."""
        kept = [record["ledger"] for record in self.episodes if "ledger" in record]
        names = dict.fromkeys(name for one in kept for name in one)
        totals = {name: sum(one.get(name, 0) for one in kept) for name in names}
        return {name: (total, total / len(self.episodes)) for name, total in totals.items()}

    def summary(self) -> dict[str, Any]:
        """Return every measure, of all episodes and by strata, as JSON has it."""
        groups = {kind: groups for kind, groups in self.strata().items() if len(groups) > 1}
        return {
            "agent": self.name,
            "episodes": len(self.episodes),
            "errors": sum("error" in record for record in self.episodes),
            "all": self._told({}),
            **({"ledger": {k: v[0] for k, v in self.ledger().items()}} if self.ledger() else {}),
            "strata": {
                kind: {group: self._told({kind: group}) for group in names}
                for kind, names in groups.items()
            },
        }

    def _told(self, strata: Mapping[str, str]) -> dict[str, Any]:
        told: dict[str, Any] = {"episodes": len(self.within(strata))}
        for measure in self.measures:
            found = self.estimate(measure, strata)._asdict()
            told[measure.title] = {k: v if np.isfinite(v) else None for k, v in found.items()}
        return told

    def save(self, folder: str | Path) -> None:
        """Write a folder of results, without the sessions.

        Raises:
            ValueError: the folder has results already.
        """
        folder = Path(folder)
        if (folder / EPISODES).exists():
            raise ValueError(f"{folder} has results already; accepted: another folder")
        folder.mkdir(parents=True, exist_ok=True)
        write_journal(folder / EPISODES, self.heading, self.episodes)
        self.save_summary(folder)

    def save_summary(self, folder: Path) -> None:
        """Write what can be read at a glance."""
        with draft_of(folder / SUMMARY) as draft:
            draft.write_text(json.dumps(self.summary(), indent=1), encoding="utf-8")


def read_results(folder: str | Path) -> Results:
    """Return the results in a folder, by the numbers of the episodes.

    Raises:
        ValueError: there are none, or they are of another version.
    """
    path = Path(folder) / EPISODES
    if not path.is_file():
        shards = sorted(Path(folder).glob(f"shard-*/{EPISODES}"))
        more = f"; it has {len(shards)} shards: avenv results merge {folder}" if shards else ""
        raise ValueError(f"{folder} is no folder of results: it has no {EPISODES}{more}")
    heading, records, _ = read_journal(path)
    if heading is None or heading.get("format") != FORMAT:
        raise ValueError(f"{path}: is no file of results")
    if heading.get("version") != VERSION:
        raise ValueError(
            f"{path}: is of version {heading.get('version')!r}; accepted: {VERSION}, as this "
            "release of avenv writes it"
        )
    for name in ("agent", "task", "headline", "rules", "senses", "episodes", "shard"):
        if name not in heading:
            raise ValueError(f"{path}: its heading lacks {name!r}")
    for record in records:
        if not {"number", "metrics", "actions", "scene"} <= set(record):
            raise ValueError(f"{path}: the episode {record['number']} lacks something")
    return Results(heading, sorted(records, key=lambda record: record["number"]))


def set_of(results: Results) -> EpisodeSet | None:
    """Return the set that results are of; None if their episodes were drawn by seed.

    Raises:
        ValueError: it is not here, or is another than it was.
    """
    about = results.heading.get("set")
    if about is None:
        return None
    found = load_set(about.get("file") or about["name"])
    if found.hash != about["hash"]:
        raise ValueError(
            f"the results are of the set {about['name']} with the hash {about['hash'][:16]}, and "
            f"here it has {found.hash[:16]}; accepted: the same set"
        )
    return found


def merge(folders: Iterable[Path], out: Path) -> Results:
    """Put shards together.

    Args:
        folders: of the shards.
        out: folder to write; it may be the one that the shards are in.

    Raises:
        ValueError: they are not of one evaluation, one is there twice, or one is missing.
    """
    shards = {folder: read_results(folder) for folder in folders}
    if not shards:
        raise ValueError("there are no shards to merge")
    (first, one), *others = shards.items()
    heading = {**one.heading, "shard": None}
    for folder, other in others:
        if differ := differences(heading, {**other.heading, "shard": None}):
            raise ValueError(
                f"{folder} and {first} are of different evaluations, which differ in "
                f"{', '.join(differ)}; accepted: shards of one"
            )
    records: dict[int, Mapping[str, Any]] = {}
    for folder, shard in shards.items():
        for record in shard.episodes:
            if record["number"] in records:
                raise ValueError(f"{folder}: the episode {record['number']} is in two shards")
            records[record["number"]] = record
    missing = sorted(set(range(heading["episodes"])) - set(records))
    if missing:
        raise ValueError(
            f"{len(missing)} of {heading['episodes']} episodes are missing, among them "
            f"{', '.join(map(str, missing[:5]))}; accepted: all shards, finished"
        )
    merged = Results(heading, [records[number] for number in sorted(records)])
    merged.save(out)
    lines = [
        line
        for folder in shards
        if (folder / SESSIONS).exists()
        for line in (folder / SESSIONS).read_text(encoding="utf-8").splitlines()
    ]
    with draft_of(out / SESSIONS) as draft:
        draft.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return merged


def short(number: float) -> str:
    """Return a number as people read it: whole if it is, or large."""
    return f"{number:,.0f}" if number == round(number) or number >= 1000 else f"{number:.3g}"


# -- sessions --------------------------------------------------------------------------------------


def note_session(folder: Path, **more: Any) -> None:
    """Write down that something ran, with what and when."""
    line = json.dumps({"time": datetime.now(UTC).isoformat(timespec="seconds"), **more})
    with open(folder / SESSIONS, "a", encoding="utf-8") as file:
        file.write(line + "\n")


def begin_session(folder: Path, num_envs: int) -> None:
    """Write down what a run begins with."""
    note_session(folder, event="begin", num_envs=num_envs, **origin())


def read_sessions(folder: Path) -> list[dict[str, Any]]:
    """Return what is known of the runs that made a folder."""
    path = folder / SESSIONS
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def check_shard(text: str) -> tuple[int, int]:
    """Return (i, n) of ``"i/n"``.

    Raises:
        ValueError: it is none.
    """
    part, slash, parts = text.partition("/")
    if slash and part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts):
        return int(part), int(parts)
    raise ValueError(f"shard is {text!r}; {accepted(text, ['1/16 to 16/16, of 16 or any number'])}")
