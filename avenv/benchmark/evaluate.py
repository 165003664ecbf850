"""Run an agent over a fixed list of episodes and report its metrics with confidence intervals."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from scipy import stats
from tqdm import tqdm

from avenv.benchmark.agent import Agent, AgentFactory
from avenv.benchmark.journal import Journal, heading
from avenv.core.files import draft_of
from avenv.core.interrupts import terminable
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
        with draft_of(path) as draft:
            draft.write_text(json.dumps(data, indent=1, default=str), encoding="utf-8")


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
    journal: str | Path | None = None,
    **options: Any,
) -> Report:
    """Run an agent over ``episodes`` episodes; episode k is the one that seed ``seed + k`` begins.

    Of several scenes each has its turn: the episode of seed s takes place in scene s, counted round
    and round, so that all are seen before one comes again. The results do not depend on
    ``num_envs``.

    Args:
        agent: makes the agent, given the vector environment. Its attribute ``fingerprint``, if it
            has one, tells it from others of its name; by default the file of its code does.
        name: of the agent, for the report.
        episodes: number of episodes.
        seed: of the first episode.
        num_envs: environments stepped at once.
        task: a name in ``avenv.tasks.TASKS``.
        progress: show a progress bar.
        journal: file to which finished episodes are written at once, a line each. If it has some of
            the same evaluation already, those are not played again; nor is it deleted in the end.
        **options: see ``avenv.envs.batch.Batch``.

    Raises:
        ValueError: fewer than one episode, an option is out of range, or the journal is of another
            evaluation.
        KeyboardInterrupt: by Ctrl-C or SIGTERM; it says what is in the journal.
    """
    for what, value, least in (("episodes", episodes, 1), ("num_envs", num_envs, 1),
                               ("seed", seed, 0)):  # fmt: skip
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
            raise ValueError(f"{what} is {value!r}; accepted: a whole number from {least}")
    settings = {"task": task, "seed": seed, **options}
    log = Journal(Path(journal) if journal else None, heading(agent, name, settings))
    missing = [number for number in range(episodes) if number not in log.records]
    envs = BatchEnv(
        task,
        max(1, min(num_envs, len(missing))),
        autoreset_mode=AutoresetMode.DISABLED,
        **options,
    )
    try:
        if missing:
            bar = tqdm(total=episodes, initial=episodes - len(missing), desc=name, unit="episode",
                       disable=not progress)  # fmt: skip
            with terminable(), log, bar:
                _play(envs, agent(envs), missing, seed, log, bar)
    except KeyboardInterrupt as stop:
        count = len(log.records)
        kept = f"{log.path} has {count} finished episodes, from which the same command goes on"
        raise type(stop)(kept if log.path else f"{count} finished episodes are lost") from stop
    finally:
        envs.close()
    records = [log.records[number] for number in range(episodes)]
    return Report(name, settings, records, envs.batch.task.headline)


def _play(
    envs: BatchEnv, actor: Agent, numbers: list[int], seed: int, log: Journal, bar: tqdm
) -> None:
    """Play the episodes of these numbers; a row that has finished one takes the next."""
    queue = iter(numbers)
    running = [next(queue) for _ in range(envs.num_envs)]
    begun = [envs.batch.episode_of(seed + number) for number in running]
    observation, info = envs.reset(options={"episodes": begun})
    for row, number in enumerate(running):
        actor.reset(row, seed + number)
    left = len(numbers)
    while True:
        actions = actor.act(observation, info)
        observation, _, terminated, truncated, info = envs.step(actions)
        done = terminated | truncated
        if not done.any():
            continue
        finished = np.flatnonzero(done).tolist()
        for row in finished:
            number = running[row]
            if number not in log.records:
                log.add(number, _record(envs, info, row))
                left -= 1
                bar.update()
            following = next(queue, None)
            # A row that finds no episode left plays its last one again, unrecorded.
            if following is not None:
                running[row] = following
                begun[row] = envs.batch.episode_of(seed + following)
        if left == 0:
            return
        observation, info = envs.reset(options={"reset_mask": done, "episodes": begun})
        for row in finished:
            actor.reset(row, seed + running[row])


def _record(envs: BatchEnv, info: dict[str, Any], row: int) -> dict[str, Any]:
    metrics = envs.row_of(info, row)["metrics"]
    batch = envs.batch
    return {
        "metrics": metrics,
        "scene": batch.simulator.state.here[row].name,
        "episode": batch.task.episodes[row].to_dict(),
    }
