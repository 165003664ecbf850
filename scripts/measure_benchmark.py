"""What an evaluation costs beside bare stepping, and whether it survives being killed.

python scripts/measure_benchmark.py               # cost: mini, three rounds, interleaved
python scripts/measure_benchmark.py --kills 10    # killed ten times: the same files?
"""

import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np

from avenv.benchmark import EpisodeSet, Results, evaluate_set, find_agent, load_set
from avenv.benchmark.evaluate import trials_of
from avenv.benchmark.player import in_turn
from avenv.benchmark.results import EPISODES, SESSIONS
from avenv.envs.batch import Batch

SENSORS = ("depth", "audio")

EPISODES_IN_TIME, MINUTES, RATIO = 500, 6.0, 1.3
"""Goals: so many episodes of a cheap agent in so many minutes on two cores, and so much more CPU
than bare stepping at most."""


class SeeingOracle:
    """The oracle, which looks and listens, too: a cheap agent with the senses of a dear one."""

    sensors = SENSORS
    rows = None
    privilege = "all"

    def __init__(self, envs: Any):
        self._oracle = find_agent("oracle")(envs)

    def reset(self, row: int, seed: int) -> None:
        """Nothing to forget."""

    def act(self, observation: Any, info: Any) -> Any:
        """Return the oracle's actions."""
        return self._oracle.act(observation, info)


def bare(results: Results, chosen: EpisodeSet, split: str, num_envs: int) -> None:
    """Play the actions of results in a batch, home by home, and look at every step."""
    trials = in_turn(trials_of(chosen.split(split), 0))
    actions = {record["number"]: record["actions"] for record in results.episodes}
    batch = Batch(
        chosen.task, num_envs, scenes=trials[0].place, sensors=SENSORS, **dict(chosen.rules)
    )
    waiting = list(reversed(trials))
    left: list[list[int]] = [[] for _ in range(num_envs)]
    while waiting or any(left):
        begun = {}
        for row in range(num_envs):
            if not left[row] and waiting:
                trial = waiting.pop()
                begun[row], left[row] = trial.begin(batch), list(actions[trial.number])
        if begun:
            batch.reset(list(begun), begun)
        batch.observe()
        active = np.array([bool(rest) for rest in left])
        batch.step(np.array([rest.pop(0) if rest else 0 for rest in left]), active)


def cpu(work: Callable[[], object]) -> float:
    """Return the seconds of CPU that something takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def measure(set_name: str, split: str, rounds: int, num_envs: int) -> None:
    """Print what evaluating the seeing oracle costs beside bare stepping, and the goals."""
    chosen = load_set(set_name)

    def evaluated() -> Results:
        return evaluate_set(
            SeeingOracle, "oracle", chosen, split, num_envs=num_envs, progress=False
        )

    results = evaluated()  # which fills the caches
    count, steps = len(results.episodes), sum(len(r["actions"]) for r in results.episodes)
    ratios, costs, walls = [], [], []
    for _ in range(rounds):
        began = time.perf_counter()
        costs.append(cpu(evaluated))
        walls.append(time.perf_counter() - began)
        floor = cpu(lambda: bare(results, chosen, split, num_envs))
        ratios.append(costs[-1] / floor)
        print(f"evaluation {costs[-1]:.1f} s, bare stepping {floor:.1f} s of CPU, {steps} steps")
    cost, wall = (np.median(x) / count * EPISODES_IN_TIME / 60 for x in (costs, walls))
    print(f"ratio {np.median(ratios):.2f} (goal: at most {RATIO})")
    print(
        f"{EPISODES_IN_TIME} episodes: {cost:.1f} min of CPU, which two cores do in {cost / 2:.1f} "
        f"min at best; {wall:.1f} min here and now (goal: {MINUTES:g} min on two cores)"
    )


def survive(agent: str, set_name: str, split: str, kills: int, num_envs: int) -> None:
    """Evaluate at once, and again in another batch killed on its way; print what differs.

    Raises:
        SystemExit: the files differ, or it was over before it was killed so often.
    """
    with tempfile.TemporaryDirectory() as made:
        whole, torn = Path(made) / "whole", Path(made) / "torn"
        subprocess.run(_command(agent, set_name, split, whole, num_envs), check=True)
        done = 0
        while done < kills and _killed(_command(agent, set_name, split, torn, 3), torn, done):
            done += 1
            print(f"killed {done} times, {_lines(torn) - 1} episodes are there", flush=True)
        subprocess.run(_command(agent, set_name, split, torn, 3), check=True)
        differ = [
            path.name
            for path in sorted(whole.iterdir())
            if path.name != SESSIONS and path.read_bytes() != (torn / path.name).read_bytes()
        ]
        print(
            f"{num_envs} environments at once, and 3 killed {done} times: "
            f"{', '.join(differ) + ' differ' if differ else 'all files are the same'} but for "
            f"{SESSIONS}"
        )
        if differ or done < kills:
            raise SystemExit(1)


def _command(agent: str, set_name: str, split: str, out: Path, num_envs: int) -> list[str]:
    run = [sys.executable, "-c", "from avenv.cli import main; main()", "evaluate"]
    what = ["--agent", agent, "--set", set_name, "--split", split, "--out", str(out)]
    return [*run, *what, "--num-envs", str(num_envs)]


def _lines(folder: Path) -> int:
    log = folder / EPISODES
    return log.read_bytes().count(b"\n") if log.exists() else 0


def _killed(command: list[str], folder: Path, number: int) -> bool:
    """Run a command and kill it a moment after it has finished an episode more.

    Returns:
        whether it was killed before it was over.
    """
    before, moment = max(_lines(folder), 1), random.Random(number).uniform(0, 0.3)
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while run.poll() is None:
        if _lines(folder) > before:
            time.sleep(moment)
            run.send_signal(signal.SIGKILL)
            break
        time.sleep(0.01)
    return run.wait() == -signal.SIGKILL


@click.command()
@click.option("--set", "set_name", default="audiogoal-v1", show_default=True)
@click.option("--split", default="mini", show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--num-envs", type=click.IntRange(1), default=8, show_default=True)
@click.option("--kills", type=click.IntRange(1), help="Kill an evaluation so often instead.")
@click.option("--agent", default="follower", show_default=True, help="That is killed.")
def main(
    set_name: str, split: str, rounds: int, num_envs: int, kills: int | None, agent: str
) -> None:
    """Measure."""
    if kills is None:
        measure(set_name, split, rounds, num_envs)
    else:
        survive(agent, set_name, split, kills, num_envs)


if __name__ == "__main__":
    main()
