"""Time several things in turns: machines change their speed from minute to minute."""

import itertools
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Contender:
    """Something to be timed.

    Attributes:
        name: in tables.
        function: what is called.
        units: how many things a call does.
        before: what is called before each call, and does not count.
        repeats: calls that a turn has.
    """

    name: str
    function: Callable[[], object]
    units: int = 1
    before: Callable[[], object] | None = None
    repeats: int = 1

    def turn(self) -> tuple[float, float]:
        """Return the microseconds of CPU and of time that a unit takes."""
        cpu, wall = 0.0, 0.0
        for _ in range(self.repeats):
            if self.before:
                self.before()
            wall_then, cpu_then = time.perf_counter(), time.process_time()
            self.function()
            cpu += time.process_time() - cpu_then
            wall += time.perf_counter() - wall_then
        return 1e6 * cpu / self.units / self.repeats, 1e6 * wall / self.units / self.repeats


@dataclass(frozen=True)
class Timing:
    """What the rounds of a contender took, microseconds a unit, (N,) each.

    Attributes:
        cpu: of all threads of this process.
        wall: that passed.
    """

    cpu: NDArray[np.float64]
    wall: NDArray[np.float64]

    def row(self, name: str) -> dict[str, Any]:
        """Return medians and spreads, from the first to the last tenth, as plain data."""
        low, high = np.percentile(self.cpu, [10, 90])
        return {
            "name": name,
            "cpu_us": float(np.median(self.cpu)),
            "cpu_us_low": float(low),
            "cpu_us_high": float(high),
            "wall_us": float(np.median(self.wall)),
            "rounds": len(self.cpu),
        }


def take_turns(contenders: Iterable[Contender], rounds: int) -> dict[str, Timing]:
    """Return the timings of contenders that are called in turns, after a call to warm up each."""
    everyone = list(contenders)
    for contender in everyone:
        contender.function()
    cpu, wall = np.empty((2, rounds, len(everyone)))
    for k, (n, contender) in itertools.product(range(rounds), enumerate(everyone)):
        cpu[k, n], wall[k, n] = contender.turn()
    return {c.name: Timing(cpu[:, n], wall[:, n]) for n, c in enumerate(everyone)}


def ratio(name: str, timings: Mapping[str, Timing], slow: str, fast: str) -> dict[str, Any]:
    """Return how many times the CPU time of one is another's, round by round.

    With it come the first and the last tenth of the rounds.
    """
    ratios = timings[slow].cpu / timings[fast].cpu
    low, high = np.percentile(ratios, [10, 90])
    return {"name": name, "ratio": float(np.median(ratios)), "low": float(low), "high": float(high)}
