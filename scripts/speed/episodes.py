"""Episodes played by processes of their own, in turns: only one of them runs at a time."""

import ctypes
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from multiprocessing.connection import Connection
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from avenv.acoustics import limit_memory
from avenv.envs import BatchEnv
from avenv.simulation.loading import limit_homes
from avenv.sounds import load_sounds
from speed.resident import growth, resident

POLICIES = {
    "walking": (0.0, 0.6, 0.2, 0.2),
    "random": (0.25, 0.25, 0.25, 0.25),
    "stopping": (0.5, 0.3, 0.1, 0.1),
}
"""Chances of stop, forward, left and right."""

_GRACE = 5.0  # seconds in which a process that has nothing to do ends by itself
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)

LOOK = 20
"""Steps of a batch from one look at the memory to the next."""


@dataclass(frozen=True)
class Course:
    """Episodes of a policy, in a row.

    Attributes:
        scenes: that they are in: episodes of one after those of another.
        policy: a name in ``POLICIES``.
        episodes: in each of ``scenes``.
        per_scene: episodes that a row has in one of many homes before it draws another.
        limit: steps of an episode at most.
        batch: rows.
    """

    scenes: tuple[str, ...]
    policy: str
    episodes: int
    per_scene: int = 10
    limit: int = 500
    batch: int = 16

    def steps(self) -> Iterator[int]:
        """Play; yield after each step of the batch how many episodes have begun in it."""
        return chain.from_iterable(map(self._steps_in, self.scenes))

    def _steps_in(self, scenes: str) -> Iterator[int]:
        rng, chances = np.random.default_rng(0), POLICIES[self.policy]
        envs = BatchEnv(
            num_envs=self.batch, scenes=scenes, sensors=("depth", "binaural"), image_size=(64, 64),
            max_episode_steps=self.limit, episodes_per_scene=self.per_scene,
        )  # fmt: skip
        envs.reset(seed=0)
        begun = new = self.batch
        while begun < self.episodes:
            _, _, terminated, truncated, _ = envs.step(rng.choice(4, self.batch, p=chances))
            yield new
            new = int((terminated | truncated).sum())
            begun += new
        envs.close()


@dataclass
class Played:
    """What was played, and what it took: of all threads, and of the time that passed."""

    episodes: int = 0
    steps: int = 0
    cpu: float = 0.0
    wall: float = 0.0
    memory: list[float] = field(default_factory=list)

    def add(self, other: "Played") -> None:
        """Count what was played after this."""
        self.episodes, self.steps = self.episodes + other.episodes, self.steps + other.steps
        self.cpu, self.wall = self.cpu + other.cpu, self.wall + other.wall
        self.memory += other.memory

    def row(self, name: str) -> dict[str, Any]:
        """Return a row of a table."""
        return {"name": name, "episodes": self.episodes, "steps": self.steps,
                "cpu_s": self.cpu, "wall_s": self.wall,
                "steps_per_cpu_s": self.steps / self.cpu, "steps_per_s": self.steps / self.wall,
                "resident_mib": self.memory[-1], "grown": growth(self.memory)}  # fmt: skip


class Player:
    """A process that plays a course piece by piece, and does nothing in between.

    It is stopped then, the threads that it has in the background as well: whoever has the next turn
    has the machine.

    Args:
        course: what it plays.
        limits: bytes that sound fields and homes may take in its memory; None: as usual. With them
            it has all sounds from the start, which are made as they are asked for, and kept.
        knows_all: whether it has begun all of the episodes before, so that nothing is new to it.
    """

    def __init__(
        self, course: Course, limits: tuple[int, int] | None = None, knows_all: bool = False
    ):
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(
            target=_play, args=(theirs, course, limits, knows_all), daemon=True
        )
        self._process.start()
        theirs.close()
        self._pipe.recv()  # it is ready, and has nothing more to do until its first turn

    def play(self, steps: int | None = None) -> Played:
        """Return what it has played: so many steps of its batch, or all that are left."""
        self._signal(signal.SIGCONT)
        try:
            self._pipe.send(steps)
            played: Played = self._pipe.recv()
        finally:
            self._signal(signal.SIGSTOP)
        return played

    def close(self) -> None:
        """End it: at once, if it has a turn."""
        self._signal(signal.SIGCONT)
        self._pipe.close()
        self._process.join(_GRACE)
        self._process.kill()
        self._process.join()

    def _signal(self, number: int) -> None:
        if self._process.pid:
            os.kill(self._process.pid, number)


def take_turns(players: Sequence[Player], steps: Sequence[int | None]) -> list[list[Played]]:
    """Return what some players have played, turn by turn, until the last has come to its end.

    Args:
        players: who play in turns; they are closed then.
        steps: of its batch that each has in a turn; None: all.
    """
    played: list[list[Played]] = [[] for _ in players]
    with ExitStack() as stack:
        for player in players:
            stack.callback(player.close)
        while not played[-1] or played[-1][-1].steps:
            for player, turns, count in zip(players, played, steps, strict=True):
                turns.append(player.play(count))
    return [[turn for turn in turns if turn.steps] for turns in played]


def total(turns: Iterable[Played]) -> Played:
    """Return what was played in some turns."""
    whole = Played()
    for turn in turns:
        whole.add(turn)
    return whole


@contextmanager
def own_cache() -> Iterator[None]:
    """Let nothing be on disk at first."""
    before = os.environ.get("AVENV_CACHE")
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["AVENV_CACHE"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["AVENV_CACHE"]
            else:
                os.environ["AVENV_CACHE"] = before


def _play(
    pipe: Connection, course: Course, limits: tuple[int, int] | None, knows_all: bool
) -> None:
    """Play a course as a player's process: so many steps whenever it is told to."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)  # also while it is stopped
    if limits:
        limit_memory(limits[0])
        limit_homes(limits[1])
        deque(load_sounds("builtin:heard"), 0)  # those of the task
    # Kernels are read, and what is made once in a process is made.
    deque(Course(("apartment",), course.policy, 2 * course.batch, limit=2).steps(), 0)
    if knows_all:
        # Who never stops begins as many episodes in every row, however long they are.
        stops = POLICIES[course.policy][0] > 0
        deque((course if stops else replace(course, limit=1)).steps(), 0)
    game, taken = course.steps(), 0
    pipe.send(None)
    spent = time.process_time()
    while True:
        try:
            most, begin = pipe.recv(), time.perf_counter()
        except EOFError:  # nobody wants any more
            return
        part = Played()
        for new in islice(game, most):
            part.episodes, part.steps = part.episodes + new, part.steps + course.batch
            taken += 1
            if taken % LOOK == 1:  # the first as well
                part.memory.append(resident())
        part.wall, before, spent = time.perf_counter() - begin, spent, time.process_time()
        part.cpu = spent - before
        pipe.send(part)
