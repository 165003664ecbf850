"""Run an agent over a fixed list of episodes and report its metrics with confidence intervals."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from scipy import stats
from tqdm import tqdm

from avenv.benchmark.agent import Agent, AgentFactory
from avenv.envs.vector import BatchEnv

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Report:
    """The results of one evaluation.

    Attributes:
        agent: name of the agent.
        settings: what the environment was made with, and the seed.
        episodes: one record per episode: ``metrics``, name of the ``scene`` and the ``episode``.
        headline: the metrics that count most, as the task says.
    """

    agent: str
    settings: dict[str, Any]
    episodes: list[dict[str, Any]]
    headline: tuple[str, ...] = ("success", "spl", "soft_spl", "sna")

    def values(self, metric: str) -> NDArray[np.float64]:
        """Return one metric of every episode, (N,)."""
        return np.array([record["metrics"][metric] for record in self.episodes])

    def interval(self, metric: str) -> tuple[float, float, float]:
        """Return mean, lower and upper bound of a metric at 95 % confidence.

        Success is a proportion: Wilson's score interval. Other metrics: percentile bootstrap.
        """
        values = self.values(metric)
        if metric == "success":
            test = stats.binomtest(int(values.sum()), len(values))
            bounds = test.proportion_ci(CONFIDENCE, method="wilson")
            return float(values.mean()), float(bounds.low), float(bounds.high)
        if len(values) < 2:
            return float(values.mean()), float("nan"), float("nan")
        result = stats.bootstrap(
            (values,),
            np.mean,
            n_resamples=2000,
            confidence_level=CONFIDENCE,
            method="percentile",
            rng=np.random.default_rng(0),
        ).confidence_interval
        return float(values.mean()), float(result.low), float(result.high)

    def table(self) -> str:
        """Return the headline metrics as text, one line each."""
        lines = [f"{self.agent}: {len(self.episodes)} episodes"]
        for metric in self.headline:
            mean, low, high = self.interval(metric)
            lines.append(f"  {metric:<9} {mean:6.3f}   95 % [{low:.3f}, {high:.3f}]")
        return "\n".join(lines)

    def save(self, path: str | Path) -> None:
        """Write everything as JSON; the file appears only when it is whole."""
        path = Path(path)
        summary = {metric: self.interval(metric) for metric in self.episodes[0]["metrics"]}
        data = {
            "agent": self.agent,
            "settings": self.settings,
            "summary": {
                name: dict(zip(("mean", "low", "high"), map(_finite, bounds), strict=True))
                for name, bounds in summary.items()
            },
            "episodes": self.episodes,
        }  # fmt: skip
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        partial.write_text(json.dumps(data, indent=1, default=str))
        partial.replace(path)


def _finite(value: float) -> float | None:
    """Return a number as JSON can hold it: null where there is none."""
    return value if np.isfinite(value) else None


def evaluate(
    agent: AgentFactory,
    name: str = "agent",
    episodes: int = 100,
    seed: int = 0,
    num_envs: int = 8,
    task: str = "AudioGoal",
    progress: bool = True,
    **options: Any,
) -> Report:
    """Run an agent over ``episodes`` episodes; episode k is the one that seed ``seed + k`` begins.

    The results do not depend on ``num_envs``.

    Args:
        agent: makes the agent, given the vector environment.
        name: of the agent, for the report.
        episodes: number of episodes.
        seed: of the first episode.
        num_envs: environments stepped at once.
        task: a name in ``avenv.tasks.TASKS``.
        progress: show a progress bar.
        **options: see ``avenv.envs.batch.Batch``.

    Raises:
        ValueError: fewer than one episode, or an option is out of range.
    """
    if episodes < 1:
        raise ValueError(f"episodes is {episodes!r}; accepted: 1 or more")
    num_envs = min(num_envs, episodes)
    envs = BatchEnv(task, num_envs, autoreset_mode=AutoresetMode.DISABLED, **options)
    actor = agent(envs)
    with tqdm(total=episodes, desc=name, unit="episode", disable=not progress) as bar:
        records = _play(envs, actor, episodes, seed, bar)
    envs.close()
    settings = {"task": task, "seed": seed, **options}
    return Report(name, settings, records, envs.batch.task.headline)


def _play(envs: BatchEnv, actor: Agent, episodes: int, seed: int, bar: tqdm) -> list[dict]:
    """Return one record per episode; a row that has finished one takes the next."""
    records: dict[int, dict[str, Any]] = {}
    running = np.arange(envs.num_envs)  # the number of the episode that each row plays
    upcoming = envs.num_envs
    observation, info = envs.reset(seed=[seed + int(k) for k in running])
    for row in range(envs.num_envs):
        actor.reset(row, seed + row)
    while True:
        actions = actor.act(observation, info)
        observation, _, terminated, truncated, info = envs.step(actions)
        done = terminated | truncated
        if not done.any():
            continue
        finished = np.flatnonzero(done).tolist()
        for row in finished:
            number = int(running[row])
            if number not in records:
                records[number] = _record(envs, info, row)
                bar.update()
            if upcoming < episodes:
                running[row] = upcoming
                upcoming += 1
            # Rows that find no episode left play their last one again, unrecorded.
        if len(records) == episodes:
            return [records[number] for number in range(episodes)]
        observation, info = envs.reset(
            seed=[seed + int(k) for k in running], options={"reset_mask": done}
        )
        for row in finished:
            actor.reset(row, seed + int(running[row]))


def _record(envs: BatchEnv, info: dict[str, Any], row: int) -> dict[str, Any]:
    metrics = envs.row_of(info, row)["metrics"]
    batch = envs.batch
    return {
        "metrics": metrics,
        "scene": batch.simulator.state.here[row].name,
        "episode": batch.task.episodes[row].to_dict(),
    }
