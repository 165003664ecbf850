"""How much CPU an evaluation takes beside bare stepping of the same episodes by the same actions.

python scripts/measure_benchmark.py            # mini, three rounds, interleaved
"""

import time
from collections.abc import Callable

import click
import numpy as np

from avenv.benchmark import Results, evaluate_set, find_agent, load_set
from avenv.benchmark.evaluate import trials_of
from avenv.benchmark.player import in_turn
from avenv.envs.batch import Batch

SENSORS = ("depth", "audio")


def bare(results: Results, set_name: str, split: str, num_envs: int) -> None:
    """Play the actions of results in a batch, home by home, and look at every step."""
    chosen = load_set(set_name)
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


@click.command()
@click.option("--set", "set_name", default="audiogoal-v1", show_default=True)
@click.option("--split", default="mini", show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--num-envs", type=click.IntRange(1), default=8, show_default=True)
def main(set_name: str, split: str, rounds: int, num_envs: int) -> None:
    """Measure."""
    oracle = find_agent("oracle")

    def seeing(envs: object) -> object:
        return oracle(envs)  # type: ignore[arg-type]

    seeing.sensors, seeing.rows, seeing.privilege = SENSORS, None, "all"  # type: ignore[attr-defined]
    chosen = load_set(set_name)

    def evaluated() -> Results:
        return evaluate_set(seeing, "oracle", chosen, split, num_envs=num_envs, progress=False)  # type: ignore[arg-type]

    results = evaluated()  # which fills the caches
    steps = sum(len(record["actions"]) for record in results.episodes)
    ratios = []
    for _ in range(rounds):
        mine, floor = cpu(evaluated), cpu(lambda: bare(results, set_name, split, num_envs))
        ratios.append(mine / floor)
        print(f"evaluation {mine:.1f} s, bare stepping {floor:.1f} s of CPU, {steps} steps")
    print(f"ratio {np.median(ratios):.2f}; {mine / len(results.episodes):.2f} s an episode")


if __name__ == "__main__":
    main()
