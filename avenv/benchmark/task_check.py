"""Is a task what it should be: an expert solves it, and guessing does not?

All who try play the same episodes, side by side in one batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from avenv.benchmark.agent import find_agent, options_of
from avenv.benchmark.evaluate import evaluate
from avenv.core.files import draft_of
from avenv.envs.vector import BatchEnv
from avenv.tasks.registry import TASKS, find_registered

EXPERT = 0.98
"""What an expert must reach, at least."""

MARGIN = 0.05
"""By how much those who guess may be better than chance."""

GUESSING = ("deaf", "random", "nothing")
"""Those who must not be better than chance."""

COLUMNS = ("expert", "classical", *GUESSING)

_AGENTS = {
    "random": "avenv_agents.baselines:RandomAgent",
    "nothing": "avenv_agents.baselines:IdleAgent",
}
_MARKS = "<!-- check -->", "<!-- end -->"
_TITLES = ("task", "episodes", "score", "chance", *COLUMNS, "what chance is")


@dataclass(frozen=True)
class Trial:
    """What those who tried a task have reached, on average over its episodes.

    Attributes:
        task: its name.
        episodes: how many there were.
        metric: that is compared: the first of the task's headline.
        chance: what mere guessing brings, as ``Task.chance`` computes it.
        scores: of each of ``COLUMNS`` that there is.
    """

    task: str
    episodes: int
    metric: str
    chance: float
    scores: dict[str, float]

    @property
    def problems(self) -> list[str]:
        """What is not as it should be, a line each."""
        scores, most = self.scores, self.chance + MARGIN
        found = []
        if scores["expert"] < EXPERT:
            found.append(f"{self.task}: the expert reaches {scores['expert']:.3f}, below {EXPERT}")
        for name in GUESSING:
            if scores.get(name, 0.0) > most:
                found.append(
                    f"{self.task}: {name} reaches {scores[name]:.3f}, above {most:.3f}, chance and "
                    f"{MARGIN}"
                )
        if "classical" in scores and not most < scores["classical"] <= scores["expert"]:
            found.append(
                f"{self.task}: the classical agent reaches {scores['classical']:.3f}, which is not "
                f"between {most:.3f} and {scores['expert']:.3f}"
            )
        return found

    def row(self) -> str:
        """Return its row of the table in Markdown."""
        scores = [f"{self.scores[name]:.2f}" if name in self.scores else "–" for name in COLUMNS]
        words = find_registered(self.task).check.chance or "0: nobody stumbles upon it"
        numbers = str(self.episodes), f"`{self.metric}`", f"{self.chance:.2f}"
        cells = [self.task, *numbers, *scores, words]
        return f"| {' | '.join(cells)} |"


def check_task(name: str, episodes: int = 100, seed: int = 0, progress: bool = True) -> Trial:
    """Let the expert, those who guess and, where there is one, the classical agent try a task.

    Args:
        name: of the task.
        episodes: how many; they begin with the seeds ``seed`` and up.
        seed: of the first.
        progress: show a progress bar.

    Raises:
        ValueError: there is no such task, or it cannot be played.
    """
    check = find_registered(name).check
    agents = _AGENTS | ({"deaf": check.deaf} if check.deaf else {})
    options = {"scenes": check.scenes, **check.options}
    count = 1 + len(agents)  # the expert in row 0, then the others
    envs = BatchEnv(name, count, sensors=("pose",), **options)
    batch, metric = envs.batch, envs.batch.task.headline[0]
    actors = [find_agent(agent)(envs) for agent in agents.values()]
    chances, scores = [], []
    # Episodes of one home follow each other, so that it is made once.
    homes = len(batch.simulator.worlds)
    seeds = sorted(range(seed, seed + episodes), key=lambda number: (number % homes, number))
    for number in tqdm(seeds, name, unit="episode", disable=not progress):
        batch.reset(range(count), dict.fromkeys(range(count), batch.episode_of(number)))
        for row, actor in enumerate(actors, 1):
            actor.reset(row, number)
        chances.append(batch.task.chance(0))
        active = np.ones(count, bool)
        while active.any():
            observation, info = batch.observe(), batch.info()
            acts = [
                actor.act(observation, info)[row] if active[row] else 0
                for row, actor in enumerate(actors, 1)
            ]
            expert = batch.task.oracle_action(0) if active[0] else 0
            outcome = batch.step(np.array([expert, *acts]), active)
            active &= ~(outcome.terminated | outcome.truncated)
        scores.append(batch.task.metrics()[metric])
    means = dict(zip(("expert", *agents), np.mean(scores, axis=0).tolist(), strict=True))
    if check.classical:
        agent = find_agent(check.classical)
        own = options_of(agent) | options
        report = evaluate(agent, "classical", episodes, seed, task=name, progress=progress, **own)
        means["classical"] = report.interval(metric)[0]
    return Trial(name, episodes, metric, float(np.mean(chances)), means)


def check_tasks(
    names: Sequence[str] = (), episodes: int = 100, seed: int = 0, progress: bool = True
) -> Iterator[Trial]:
    """Check some tasks, by default all, and yield what came of each as soon as it is through.

    Raises:
        ValueError: there is no task of a name.
    """
    for name in names or TASKS:
        yield check_task(name, episodes, seed, progress)


def write_table(path: str | Path, trials: Sequence[Trial]) -> None:
    """Put the rows of some tasks into the table of a Markdown file; the other rows stay.

    Raises:
        ValueError: the file has no place for it, between the marks ``<!-- check -->`` and
            ``<!-- end -->``.
    """
    path = Path(path)
    text = path.read_text(encoding="utf-8")
    before, mark, rest = text.partition(_MARKS[0])
    table, end, after = rest.partition(_MARKS[1])
    if not (mark and end):
        raise ValueError(f"{path} has no table; accepted: a file with {' and '.join(_MARKS)}")
    rows = {line.split("|")[1].strip(): line for line in table.splitlines() if "|" in line}
    rows |= {trial.task: trial.row() for trial in trials}
    lines = [heading(), *(rows[name] for name in TASKS if name in rows)]
    with draft_of(path) as draft:
        draft.write_text(f"{before}{mark}\n{chr(10).join(lines)}\n{end}{after}", encoding="utf-8")


def heading() -> str:
    """Return the two lines that a table of trials begins with, in Markdown."""
    return f"| {' | '.join(_TITLES)} |\n|{'---|' * len(_TITLES)}"
