"""Say how long things that happen in an episode hold up a batch of 16, in steps' time.

What a task foresees is prepared when an episode begins; so its events should cost no more than two
steps. What nobody foresaw costs one trace of each sound, at most. Both are measured in CPU time,
against the median of the steps about them.

    python scripts/measure_events.py --scene homes:val/1
"""

import time
from collections.abc import Callable
from statistics import median

import click
import numpy as np

from avenv.envs.vector import BatchEnv

ENVS = 16
SETTINGS = {"sensors": ("rgb", "depth", "audio"), "image_size": (64, 64)}
FORESEEN = {
    "SilenceIt": lambda task: {str(goal.object): "off" for goal in task.episodes[0].goals},
    "AnswerDoor": lambda task: {task.goal(0): "open"},
    "FindFallen": lambda task: {task.thing(0): "fallen"},
}
"""What is done to things in one row, by the task that foresees it."""

OPEN = {"front door": "open"}


def measure(task: str, states: Callable, scene: str) -> tuple[float, float]:
    """Return the CPU seconds of a usual step, and of the one in which things change."""
    envs = BatchEnv(task, ENVS, scenes=scene, **SETTINGS)
    envs.reset(seed=0)
    simulator, everybody = envs.batch.simulator, np.ones(ENVS, bool)

    def step() -> None:
        simulator.wait(everybody)
        simulator.observe()

    def change() -> None:
        simulator.set_states(0, states(envs.batch.task))
        step()

    usual = [_timed(step) for _ in range(8)]
    return median(usual[2:]), _timed(change)


def _timed(function: Callable[[], None]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


@click.command()
@click.option("--scene", default="homes:val/1", show_default=True, help="Where.")
def main(scene: str) -> None:
    """Say how long things that happen in an episode hold up a batch of 16, in steps' time."""
    print(f"{'what happens':<40} {'usual step':>10} {'that step':>10} {'steps':>6}")
    for task, states in FORESEEN.items():
        usual, eventful = measure(task, states, scene)
        print(
            f"{task + ', foreseen':<40} {usual:>9.3f}s {eventful:>9.3f}s {eventful / usual:>6.1f}"
        )
    usual, eventful = measure("SilenceIt", lambda task: OPEN, scene)
    row = "SilenceIt, a door that nobody foresaw"
    print(f"{row:<40} {usual:>9.3f}s {eventful:>9.3f}s {eventful / usual:>6.1f}")


if __name__ == "__main__":
    main()
