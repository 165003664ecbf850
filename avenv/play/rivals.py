"""What agents score in the episode that a person has played."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from avenv.benchmark import evaluate, evaluate_set, find_agent, options_of
from avenv.benchmark.agent import AgentFactory
from avenv.benchmark.evaluate import SENSES
from avenv.benchmark.results import EPISODES, Results, read_results
from avenv.benchmark.sets import EpisodeSet

Rival = Callable[[], Results]
"""Returns an agent's results, of one episode or of many."""


@dataclass(frozen=True)
class Score:
    """What an agent scores.

    Attributes:
        name: of the agent.
        metrics: by name; empty where it has none.
        problem: why it has none.
    """

    name: str
    metrics: Mapping[str, float]
    problem: str = ""


def score(name: str, rival: Rival, own: Results) -> Score:
    """Return what a rival scores in the one episode of a person's results."""
    try:
        theirs = rival()
        for what in ("task", "set"):
            if _told(theirs.heading.get(what)) != _told(own.heading.get(what)):
                raise ValueError(f"its results are of another {what}")
        record = _same(theirs, own.episodes[-1])
    except Exception as error:  # an agent of anybody's
        return Score(name, {}, str(error) or type(error).__name__)
    return Score(name, dict(record["metrics"]))


def rivals_at_task(
    names: Sequence[str], task: str, scene: str | None, seed: int
) -> dict[str, Rival]:
    """Return who is compared at the episode of a task that a seed begins.

    Args:
        names: of agents, or folders of their results.
        task: the task.
        scene: where, if not where it usually is.
        seed: of the episode.

    Raises:
        ValueError: there is no such agent.
    """

    def play(name: str, agent: AgentFactory) -> Results:
        options: dict[str, Any] = {k: v for k, v in options_of(agent).items() if k in SENSES}
        if scene:
            options["scenes"] = [scene]
        return evaluate(agent, name, 1, seed, 1, task, progress=False, **options)

    return _rivals(names, play)


def rivals_at_set(
    names: Sequence[str], episodes: EpisodeSet, split: str, count: int, shard: tuple[int, int]
) -> dict[str, Rival]:
    """Return who is compared at the one episode in a share of a set's first ``count``.

    Raises:
        ValueError: there is no such agent.
    """

    def play(name: str, agent: AgentFactory) -> Results:
        return evaluate_set(
            agent, name, episodes, split, None, count, 1, shard=shard, progress=False
        )

    return _rivals(names, play)


def _rivals(names: Sequence[str], play: Callable[[str, AgentFactory], Results]) -> dict[str, Rival]:
    """Return agents that play when they are asked, and those whose results are in a folder."""
    rivals: dict[str, Rival] = {}
    for name in names:
        if (Path(name) / EPISODES).is_file():
            rivals[name] = partial(read_results, name)
        else:
            rivals[name] = partial(play, name, find_agent(name))
    return rivals


def check_beside(names: Sequence[str]) -> None:
    """Check that these are agents, or folders of results.

    Raises:
        ValueError: one is neither.
    """
    _rivals(names, lambda name, agent: read_results(name))


def _told(about: Any) -> Any:
    """Return what makes a task or set the same one."""
    return about.get("hash") if isinstance(about, Mapping) else about


def _same(theirs: Results, record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the record of the same episode.

    Raises:
        ValueError: there is none.
    """
    for one in theirs.episodes:
        if _begins(one) == _begins(record):
            return one
    raise ValueError("it has not played this episode")


def _begins(record: Mapping[str, Any]) -> Any:
    """Return what tells an episode from others: its name in a set, or how it begins."""
    return record.get("id") or json.dumps(record.get("episode"), sort_keys=True)
