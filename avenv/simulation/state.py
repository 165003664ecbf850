"""The state of E bodies at a moment: one row each, changed by the ``Simulator`` alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.core import frames
from avenv.simulation.body import Body
from avenv.simulation.emitters import Emitter
from avenv.simulation.events import Event
from avenv.simulation.world import World
from avenv.sounds import Sound


@dataclass(frozen=True)
class Start:
    """How one body begins.

    Attributes:
        world: where it is, as it is then.
        position: (x, y), world metres.
        heading: radians.
        emitters: what sounds about it; without ears nobody asks whether it can sound there.
        events: what will happen.
        seed: 0 to 2**64 - 1, of all noise and of the light where that is random.
        instruction: what it is asked to do, in words.
        told: metres ahead and to the left of the start at which it is told that its goal is; None:
            it is told nothing.
        knocks: what knocks on things sound like, by the things' names; by default, as their stuff.
    """

    world: World
    position: tuple[float, float]
    heading: float
    emitters: tuple[Emitter, ...] = ()
    events: tuple[Event, ...] = ()
    seed: int = 0
    instruction: str = ""
    told: tuple[float, float] | None = None
    knocks: Mapping[str, Sound] = field(default_factory=dict)


@dataclass(eq=False)
class State:
    """E bodies, each in a world, among sources, at a time of its own.

    Attributes:
        body: what all of them are like.
        sample_rate: Hz, of ``clock``.
        step_samples: samples that pass in a step.
        position: (E, 2) float64, world metres.
        heading: (E,) float64, radians.
        level: (E,) float64, of the floors that they walk on, metres.
        clock: (E,) int64, samples since the episode began.
        collided: (E,) bool, whether something was in the way in the last step.
        origin: (E, 3) float64, x, y and heading at the start.
        seed: (E,) uint64.
        here: E worlds, one around each body.
        sources: for each body what sounds about it: ``Source``, an emitter and its sound field.
        events: for each body what is still to happen, by time.
        instruction: for each body what it is asked to do, in words.
        told: (E, 2) float64, metres ahead and to the left of the start at which it is told that its
            goal is; 0 where it is told nothing.
        knocks: for each body what knocks on things sound like where it is not by their stuff.
        answer: for each body what it was told in the latest step, in words.
    """

    body: Body
    sample_rate: int
    step_samples: int
    position: NDArray[np.float64]
    heading: NDArray[np.float64]
    level: NDArray[np.float64]
    clock: NDArray[np.int64]
    collided: NDArray[np.bool_]
    origin: NDArray[np.float64]
    seed: NDArray[np.uint64]
    here: list[World]
    told: NDArray[np.float64]
    sources: list[tuple[Any, ...]] = field(default_factory=list)
    events: list[list[Event]] = field(default_factory=list)
    instruction: list[str] = field(default_factory=list)
    knocks: list[Mapping[str, Sound]] = field(default_factory=list)
    answer: list[str] = field(default_factory=list)

    @classmethod
    def at_rest(cls, count: int, world: World, body: Body, rate: int, step: int) -> "State":
        """Return E bodies that have not begun, somewhere in a world."""
        return cls(
            body,
            rate,
            step,
            np.zeros((count, 2)),
            np.zeros(count),
            np.zeros(count),
            np.zeros(count, np.int64),
            np.zeros(count, bool),
            np.zeros((count, 3)),
            np.zeros(count, np.uint64),
            [world] * count,
            np.zeros((count, 2)),
            [()] * count,
            [[] for _ in range(count)],
            [""] * count,
            [{}] * count,
            [""] * count,
        )

    def __len__(self) -> int:
        return len(self.heading)

    @property
    def time(self) -> NDArray[np.float64]:
        """Seconds (E,) since the episodes began."""
        return self.clock / self.sample_rate

    @property
    def steps(self) -> NDArray[np.int64]:
        """Steps (E,) since the episodes began."""
        return self.clock // self.step_samples

    def emitters(self, row: int) -> tuple[Emitter, ...]:
        """Return what sounds about one body; what has ended stays in its place."""
        return tuple(source.emitter for source in self.sources[row])

    def eyes(self) -> NDArray[np.float64]:
        """Return where each body looks from, (E, 3) world metres."""
        return self._above(self.body.eye_height)

    def ears(self) -> NDArray[np.float64]:
        """Return the centre of each head, (E, 3) world metres."""
        return self._above(self.body.ear_height)

    def _above(self, height: float) -> NDArray[np.float64]:
        """Return the places (E, 3) so many metres above where each body stands."""
        places = np.empty((len(self), 3))
        places[:, :2] = self.position
        np.add(self.level, height, out=places[:, 2])
        return places

    def by_world(self, rows: NDArray[np.int64]) -> list[tuple[World, NDArray[np.int64]]]:
        """Return the distinct worlds around some bodies (R,), each with those that are in it."""
        members: dict[World, list[int]] = {}
        for row in rows.tolist():
            members.setdefault(self.here[row], []).append(row)
        return [(world, np.array(some, np.int64)) for world, some in members.items()]

    def pose(self) -> NDArray[np.float64]:
        """Return x, y and heading (E, 3) of each body in the frame of its start."""
        turn = frames.wrap_angle(self.heading - self.origin[:, 2])
        way = np.column_stack([self.position - self.origin[:, :2], np.zeros(len(self))])
        return np.column_stack([frames.to_body(way, self.origin[:, 2])[:, :2], turn])


def distinct(things: Sequence[Any]) -> tuple[list[Any], NDArray[np.int64]]:
    """Return the different ones among some things, and which of them (E,) each is."""
    number = {thing: k for k, thing in enumerate(dict.fromkeys(things))}
    return list(number), np.array([number[thing] for thing in things], np.int64)
