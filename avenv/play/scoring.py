"""Which episode a person plays, and where its results go."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from avenv.benchmark import EpisodeSet, evaluate, evaluate_set, load_set
from avenv.benchmark.evaluate import trials_of
from avenv.benchmark.player import in_turn
from avenv.benchmark.results import SUMMARY, Results, merge
from avenv.benchmark.sets import set_names
from avenv.play.human import SENSES, Game
from avenv.play.rivals import rivals_at_set, rivals_at_task

NAME = "human"
"""Of the agent, in results."""


def task_game(
    task: str, scene: str | None, seed: int, out: Path, beside: Sequence[str] = ()
) -> Game:
    """Return the episode of a task that a seed begins; its results go to a folder.

    What was played to its end is not played again, only shown; what was left begins anew.

    Args:
        task: its name.
        scene: where, if not where it usually is.
        seed: of the episode.
        out: the folder.
        beside: agents, or folders of results, whose scores are shown at the end.

    Raises:
        ValueError: there is no such agent.
    """
    options: dict[str, Any] = {"scenes": [scene]} if scene else {}

    def play(human: Callable) -> Results:
        return evaluate(
            human, NAME, 1, seed, 1, task, progress=False, out=out, **SENSES, **options
        )  # fmt: skip

    return Game(play, rivals_at_task(beside, task, scene, seed))


def set_game(
    name: str, split: str, number: int, out: Path, count: int | None = None,
    beside: Sequence[str] = (),
) -> Game:  # fmt: skip
    """Return an episode of a set by its number in a split; its result is a share of a folder's.

    The shares become the folder's results, as any agent's, when the last has been played.

    Args:
        name: of the set, or its file.
        split: of the set.
        number: of the episode.
        out: the folder.
        count: how many episodes, the first ones, make results; by default all of the split.
        beside: agents, or folders of results, whose scores are shown at the end.

    Raises:
        ValueError: there is no such set, split, episode or agent.
    """
    episodes = check_episode(name, split, number, count)
    chosen = episodes.split(split)[:count]
    order = [trial.number for trial in in_turn(trials_of(chosen, 0))]
    shard = order.index(number) + 1, len(chosen)
    file = None if name in set_names() else name

    def play(human: Callable) -> Results:
        results = evaluate_set(
            human, NAME, episodes, split, out, len(chosen), 1, shard=shard, file=file,
            progress=False,
        )  # fmt: skip
        shares = [out / f"shard-{k + 1}-of-{len(chosen)}" for k in range(len(chosen))]
        if not (out / SUMMARY).exists() and all((share / SUMMARY).exists() for share in shares):
            merge(shares, out)
        return results

    return Game(play, rivals_at_set(beside, episodes, split, len(chosen), shard))


def check_episode(name: str, split: str, number: int, count: int | None = None) -> EpisodeSet:
    """Return a set that has an episode, among the first ``count`` of a split.

    Raises:
        ValueError: there is no such set, split or episode.
    """
    episodes = load_set(name)
    there = len(episodes.split(split)[:count])
    if number >= there:
        raise ValueError(f"episode is {number}; {name} has 0 to {there - 1} in {split}")
    return episodes
