"""Say how long things that happen in an episode hold up a batch of 16, in steps' time.

What a task foresees is prepared when an episode begins; so its events should hold up the batch by
no more than two steps' time. What nobody foresaw costs one trace of each sound that is heard, at
most. All is measured in CPU time, against the median of the steps about it, without the files of
the cache, which would hide what a trace costs.

    python scripts/measure_events.py --scene homes:val/1
"""

import os

os.environ["AVENV_CACHE"] = ""  # before anything looks it up

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import click
import numpy as np

from avenv.envs.vector import BatchEnv
from avenv.simulation.simulator import Simulator

ENVS = 16
SETTINGS = {"sensors": ("rgb", "depth", "audio"), "image_size": (64, 64)}
STALL = 2.0
"""Steps' time by which what was foreseen may hold up a batch."""
TRACES = 5
"""Sounds of which it is measured what a trace costs."""

FORESEEN = {
    "SilenceIt": lambda task: {str(goal.object): "off" for goal in task.episodes[0].goals},
    "AnswerDoor": lambda task: {task.goal(0): "open"},
    "FindFallen": lambda task: {task.thing(0): "fallen"},
}
"""What is done to things in one row, by the task that foresees it."""


class Measured:
    """A batch in which something happens in the first row, in CPU seconds.

    Args:
        task: whose episodes are under way.
        scene: where.
    """

    def __init__(self, task: str, scene: str):
        self.batch = BatchEnv(task, ENVS, scenes=scene, **SETTINGS).batch
        self.batch.reset(range(ENVS), dict.fromkeys(range(ENVS), self.batch.episode_of(0)))
        self._everybody = np.ones(ENVS, bool)

    @property
    def simulator(self) -> Simulator:
        """What the bodies are in."""
        return self.batch.simulator

    def usual(self) -> float:
        """Return what a step costs in which nothing happens."""
        return median([_timed(self._step) for _ in range(8)][2:])

    def change(self, states: dict[str, str]) -> float:
        """Return what a step costs in which things get into other states."""

        def step() -> None:
            self.simulator.set_states(0, states)
            self._step()

        return _timed(step)

    def trace(self) -> float:
        """Return what it costs to trace one more sound in the world as it is now."""
        state = self.simulator.state
        emitter, world = state.emitters(0)[0], state.here[0]
        places = world.source_places[: TRACES * 3 : 3]
        more = [replace(emitter, position=tuple(place), object=None) for place in places]
        return median([_timed(lambda e=e: self.simulator.sound(0, e)) for e in more])

    def sounds(self) -> int:
        """Return how many sounds are heard in the first row."""
        state = self.simulator.state
        return sum(emitter.ends > state.time[0] for emitter in state.emitters(0))

    def _step(self) -> None:
        self.simulator.wait(self._everybody)
        self.simulator.observe()


def _timed(function: Callable[[], None]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


def _tell(what: str, usual: float, that: float, allowed: float) -> bool:
    met = that - usual <= allowed
    print(
        f"{what:<36} {usual:>9.3f}s {that:>9.3f}s {(that - usual) / usual:>7.1f} "
        f"{allowed / usual:>8.1f}  {'met' if met else 'not met'}",
        flush=True,
    )
    return met


@click.command(help=__doc__)
@click.option("--scene", default="homes:val/1", show_default=True, help="Where.")
def main(scene: str) -> None:
    print(f"{'what happens':<36} {'a step':>10} {'that step':>10} {'stall':>7} {'allowed':>8}")
    met = []
    for task, states in FORESEEN.items():
        measured = Measured(task, scene)
        usual = measured.usual()
        that = measured.change(states(measured.batch.task))
        met.append(_tell(f"{task}, foreseen", usual, that, STALL * usual))
    measured = Measured("SilenceIt", scene)
    world, usual = measured.simulator.state.here[0], measured.usual()
    doors = [door.name for door in world.spec.doors if door.name in world.compiled.states]
    for door in doors[:2]:
        now = measured.simulator.state.here[0].compiled.states[door]
        count = measured.sounds()
        that = measured.change({door: "open" if now == "closed" else "closed"})
        allowed = count * measured.trace()
        met.append(_tell(f"{door}, unforeseen, {count} sounds", usual, that, allowed))
    print(f"stalls are in steps' time of a batch of {ENVS}; {sum(met)} of {len(met)} met")
    if not all(met):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
