"""Evaluate an agent: on a set of fixed episodes, or on such as seeds begin."""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass, is_dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from avenv.benchmark.agent import AgentFactory, options_of
from avenv.benchmark.impaired import Impaired
from avenv.benchmark.journal import Journal
from avenv.benchmark.mirror import EVERY, Mirror
from avenv.benchmark.player import AgentError, Trial, in_turn
from avenv.benchmark.playing import Playing
from avenv.benchmark.provenance import identity, origin
from avenv.benchmark.results import (
    AGENT_FILES,
    EPISODES,
    FORMAT,
    VERSION,
    Results,
    begin_session,
    note_session,
)
from avenv.benchmark.sets import EpisodeSet, SetEpisode
from avenv.core.interrupts import terminable
from avenv.core.store import Objects, Store, open_store
from avenv.envs.batch import Batch
from avenv.simulation.cluster import Cluster
from avenv.simulation.world import World
from avenv.simulation.worlds import load_worlds
from avenv.tasks import find_task
from avenv.tasks.episode import Episode
from avenv.tasks.registry import find_registered

SENSES = ("sensors", "image_size", "hfov", "cameras", "camera_noise", "sample_rate", "window",
          "layout", "hrtf", "microphone_noise", "pose_noise", "mel_bands", "max_lag")  # fmt: skip
"""Options of the environment that are an agent's own; all others are a set's."""


def evaluate_set(
    agent: AgentFactory,
    name: str,
    episodes: EpisodeSet,
    split: str,
    out: str | Path | None = None,
    count: int | None = None,
    num_envs: int = 8,
    seed: int = 0,
    shard: tuple[int, int] | None = None,
    on_error: str = "stop",
    arguments: Mapping[str, Any] | None = None,
    file: str | None = None,
    progress: bool = True,
    cluster: Cluster | None = None,
) -> Results:
    """Evaluate an agent on the episodes of a set, by its rules.

    The results do not depend on ``num_envs``, nor on where a run was stopped and went on.

    Args:
        agent: makes the agent. Of the options that it asks for, those of its senses count.
        name: of the agent.
        episodes: the set.
        split: of the set.
        out: folder for the results, or a URL (``core.store``). If it has some of the same
            evaluation already, those are not played again.
        count: of episodes, the first ones of the split; by default all.
        num_envs: episodes played at once.
        seed: of what is random about the agent.
        shard: (i, n) play only the i-th of n shares, i from 1; the results are in a folder in
            ``out``, to be merged.
        on_error: what becomes of an episode in which the agent fails: ``"stop"`` ends the
            evaluation, ``"fail"`` counts it as not solved.
        arguments: of the agent, to be written down.
        file: of the set, if it is none of the package.
        progress: show a progress bar.
        cluster: whose workers play, ``num_envs`` episodes at once each; the results are the same.

    Raises:
        ValueError: there is no such split, an argument is out of range, the agent lacks a sensor or
            fails, or ``out`` has results of another evaluation.
        OSError: ``out`` cannot be written to.
        KeyboardInterrupt: by Ctrl-C or SIGTERM; it says what has been kept.
    """
    chosen = episodes.split(split)
    _check_whole(("count", len(chosen) if count is None else count, 1), ("seed", seed, 0))
    if count is not None and count > len(chosen):
        raise ValueError(f"count is {count}; {episodes.name} has {len(chosen)} episodes in {split}")
    chosen = chosen[:count]
    rules = dict(episodes.rules)
    senses = {k: v for k, v in options_of(agent).items() if k in SENSES and k not in rules}
    references = {
        "scenes": {x.episode.scene.name: x.episode.scene.hash for x in chosen},
        "sounds": {s.sound.name: s.sound.hash for x in chosen for s in x.episode.sources},
    }
    about = {"name": episodes.name, "hash": episodes.hash, "split": split}
    heading = _heading(
        agent, name, arguments, episodes.task, rules, senses, len(chosen), seed,
        {"set": about | ({"file": file} if file else {}), **references},
    )  # fmt: skip
    trials = trials_of(chosen, seed)
    evaluation = _Evaluation(agent, heading, trials, {**rules, **senses}, episodes.previous_reward)
    return evaluation.run(out, num_envs, shard, on_error, progress, cluster)


def evaluate(
    agent: AgentFactory,
    name: str = "agent",
    episodes: int = 100,
    seed: int = 0,
    num_envs: int = 8,
    task: str = "AudioGoal",
    progress: bool = True,
    out: str | Path | None = None,
    on_error: str = "stop",
    shard: tuple[int, int] | None = None,
    arguments: Mapping[str, Any] | None = None,
    cluster: Cluster | None = None,
    **options: Any,
) -> Results:
    """Evaluate an agent on episodes of one's own; episode k is the one that ``seed + k`` begins.

    Of several scenes each has its turn: the episode of seed s takes place in scene s, counted round
    and round, so that all are seen before one comes again. Nothing keeps these episodes apart from
    those of a training; for results to compare by, see ``evaluate_set``.

    Args:
        agent: makes the agent.
        name: of the agent.
        episodes: number of episodes.
        seed: of the first episode.
        num_envs: episodes played at once.
        task: a name in ``avenv.tasks.TASKS``.
        progress: show a progress bar.
        out, on_error, shard, arguments, cluster: as ``evaluate_set``.
        **options: see ``avenv.envs.batch.Batch``; the ``sensors`` by default as the agent says.

    Raises:
        ValueError: fewer than one episode, an option is out of range, or as ``evaluate_set``.
        KeyboardInterrupt: by Ctrl-C or SIGTERM; it says what has been kept.
    """
    _check_whole(("episodes", episodes, 1), ("num_envs", num_envs, 1), ("seed", seed, 0))
    if "sensors" not in options:
        options["sensors"] = options_of(agent)["sensors"]
    senses = {k: v for k, v in options.items() if k in SENSES}
    rules = {k: v for k, v in options.items() if k not in SENSES}
    heading = _heading(
        agent, name, arguments, task, rules, senses, episodes, seed, {"set": None}
    )  # fmt: skip
    worlds = load_worlds(options.pop("scenes", find_registered(task).scenes))
    trials = drawn_trials(seed, episodes, len(worlds))
    evaluation = _Evaluation(agent, heading, trials, {**options, "scenes": worlds})
    return evaluation.run(out, num_envs, shard, on_error, progress, cluster)


def trials_of(episodes: Sequence[SetEpisode], seed: int) -> list[Trial]:
    """Return some episodes of a set, to be played by an agent of a seed."""
    return [
        Trial(
            number,
            one.episode.seed ^ seed,
            partial(_same, one.episode),
            one.episode.scene.name,
            {"id": one.id, "strata": dict(one.strata)},
        )
        for number, one in enumerate(episodes)
    ]


def drawn_trials(first: int, count: int, scenes: int) -> list[Trial]:
    """Return the episodes that seeds from ``first`` on begin, the scenes in turn."""
    seeds = range(first, first + count)
    return [Trial(k, s, partial(_drawn, s), s % scenes) for k, s in enumerate(seeds)]


def _same(episode: Episode, _: Batch) -> Episode:
    return episode


def _drawn(seed: int, batch: Batch) -> Episode:
    return batch.episode_of(seed)


def _heading(
    agent: AgentFactory,
    name: str,
    arguments: Mapping[str, Any] | None,
    task: str,
    rules: Mapping[str, Any],
    senses: Mapping[str, Any],
    episodes: int,
    seed: int,
    more: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what an evaluation is of: two with the same go on with one another."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "avenv": version("avenv"),
        **more,
        "task": task,
        "headline": list(find_task(task).headline),
        "rules": plain(rules),
        "episodes": episodes,
        "shard": None,
        "agent": {
            "name": name,
            "arguments": plain(arguments or {}),
            "code": identity(agent),
            "impaired": agent.how if isinstance(agent, Impaired) else None,
            "privilege": getattr(agent, "privilege", ""),
            "seed": seed,
        },
        "senses": plain(senses),
    }


def plain(value: Any) -> Any:
    """Return options as JSON has them; scenes and sounds by their names and hashes."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, World):
        return {"name": value.reference, "hash": value.content_hash}
    if hasattr(value, "content_hash"):
        return {"name": str(value.name), "hash": value.content_hash}
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(x) for x in value]
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, str | int | float | bool | None) else str(value)


@dataclass(frozen=True)
class _Evaluation:
    """An agent, the episodes that it is to play, and where.

    Attributes:
        agent: makes it.
        heading: says what is evaluated.
        trials: the episodes.
        options: of the environments; all but the ``scenes``, if these depend on the episodes.
        previous_reward: whether the agent is told its rewards.
    """

    agent: AgentFactory
    heading: dict[str, Any]
    trials: Sequence[Trial]
    options: dict[str, Any]
    previous_reward: bool = False

    def run(
        self,
        out: str | Path | None,
        num_envs: int,
        shard: tuple[int, int] | None,
        on_error: str,
        progress: bool,
        cluster: Cluster | None,
    ) -> Results:
        """Play what has not been played yet, writing down what is finished."""
        _check_whole(("num_envs", num_envs, 1))
        share = in_turn(self.trials, shard or (1, 1))
        if not share:
            raise ValueError(f"the shard {shard} of {len(self.trials)} episodes is empty")
        heading, store = self.heading, open_store(out) if out else None
        if shard is not None:
            heading = {**heading, "shard": "/".join(map(str, shard))}
            store = store.within(f"shard-{shard[0]}-of-{shard[1]}") if store else None
        own = heading, share, num_envs, on_error, progress, cluster
        if isinstance(store, Objects):
            with Mirror(store) as mirror:
                return self._run(mirror.folder, *own, mirror)
        return self._run(store.path if store else None, *own)

    def _run(
        self,
        folder: Path | None,
        heading: dict[str, Any],
        share: Sequence[Trial],
        num_envs: int,
        on_error: str,
        progress: bool,
        cluster: Cluster | None,
        mirror: Mirror | None = None,
    ) -> Results:
        place = f"{mirror.store}/{EPISODES}" if mirror else None
        log = Journal(folder / EPISODES if folder else None, heading, place)
        missing = [trial for trial in share if trial.number not in log.records]
        if missing:
            whole = len(share), num_envs, on_error, progress, cluster, mirror
            try:
                with terminable(), log:
                    self._play(missing, log, *whole)
            except KeyboardInterrupt as stop:
                raise type(stop)(_kept(log)) from stop
            except AgentError as error:
                raise AgentError(f"{error}; {_kept(log)}") from error
        results = Results(heading, [log.records[n] for n in sorted(t.number for t in share)])
        if folder:
            results.save_summary(folder)
        return results

    def _play(
        self,
        missing: Sequence[Trial],
        log: Journal,
        count: int,
        num_envs: int,
        on_error: str,
        progress: bool,
        cluster: Cluster | None,
        mirror: Mirror | None,
    ) -> None:
        folder = log.path.parent if log.path else None
        own: Path | Store | None = folder / AGENT_FILES if folder else None
        if cluster and mirror:  # whose workers may be elsewhere
            own = mirror.store.within(AGENT_FILES)
        playing = Playing(
            self.agent, self.heading["task"], self.options, num_envs, on_error,
            self.previous_reward, own,
        )  # fmt: skip
        bar = tqdm(total=count, initial=count - len(missing), unit="episode",
                   desc=self.heading["agent"]["name"], disable=not progress)  # fmt: skip
        solved = sum(record["metrics"].get("success", 0) for record in log.records.values())
        began = time.perf_counter()
        if folder:
            begin_session(folder, min(num_envs, len(missing)))
        with bar, cluster or nullcontext():
            if cluster and folder:
                for machine, found in cluster.everywhere(origin).items():
                    note_session(folder, event="machine", machine=machine, **found)
            records = playing.over(cluster, missing, log.records) if cluster else playing(missing)
            with closing(records):
                for number, record in records:
                    log.add(number, record)
                    if mirror:
                        mirror.keep(EVERY)
                    solved += record["metrics"].get("success", 0)
                    bar.set_postfix_str(f"SR {solved / len(log.records):.2f}", refresh=False)
                    bar.update()
        log.put_in_order()
        if folder:
            seconds = round(time.perf_counter() - began, 1)
            note_session(folder, event="end", episodes=len(missing), seconds=seconds)


def _kept(log: Journal) -> str:
    count = len(log.records)
    if log.path is None:
        return f"{count} finished episodes are lost"
    return f"{log.place} has {count} finished episodes, from which the same command goes on"


def _check_whole(*numbers: tuple[str, Any, int]) -> None:
    for what, value, least in numbers:
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
            raise ValueError(f"{what} is {value!r}; accepted: a whole number from {least}")
