"""A reference that answers by signal processing: ears, odometry, and where pictures change.

It reads no more of a question than which template it is of, and the hours of its doors; what it
cannot work out it answers by the first letter.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avenv.core.frames import wrap_angle
from avenv_agents.hearing import (
    HEAD_RADIUS,
    SILENCE,
    SPEED_OF_SOUND,
    interaural_correlation,
)
from avenv_agents.omni.media import sound_of
from avenv_agents.questions.question import Question
from avenv_agents.questions.safety import RING
from avenv_agents.questions.synchrony import LATE

Audio = NDArray[np.float32]

EVERY = 0.125
"""Seconds between two readings of the odometry."""

AROUND = np.linspace(-np.pi, np.pi, 72, endpoint=False)
"""Angles to the left of where the camera looks at the beginning."""

LOUD = -22.0
"""dB re full scale above which nothing is between, of sounds that are equally loud 1 m away."""
_SIDES = np.linspace(-1, 1, 37)


@dataclass(frozen=True)
class Heard:
    """What is heard in a clip, and how the head turned.

    Attributes:
        audio: (2, N).
        rate: Hz.
        turns: (T,) radians to the left, every ``EVERY`` seconds.
    """

    audio: Audio
    rate: int
    turns: NDArray[np.float64]

    def around(self, late: float = 0.0, swapped: bool = False) -> NDArray[np.float64]:
        """Return how well each of ``AROUND`` agrees with all that is heard, (72,).

        Args:
            late: seconds by which the sound is taken to be later than the turns.
            swapped: whether the ears are taken to be exchanged.
        """
        readings = EVERY * np.arange(len(self.turns))
        told = [(t - late, m) for t, m in self._matches if 0 <= t - late <= readings[-1]]
        turns = np.interp([time for time, _ in told], readings, self.turns)
        sides = np.sin(AROUND - turns[:, None]) * (-1 if swapped else 1)
        match = [np.interp(s, _SIDES, m) for s, (_, m) in zip(sides, told, strict=True)]
        return np.mean(match, axis=0) if len(match) else np.zeros(len(AROUND))

    @property
    def loudest(self) -> float:
        """The level of the loudest quarter of a second, dB re full scale."""
        return float(20 * np.log10(max(self._levels)))

    @property
    def side(self) -> float:
        """Where it is on average: 1 is left, -1 is right."""
        return float(np.mean([_SIDES[m.argmax()] for _, m in self._matches] or [0.0]))

    def level(self, begin: float, end: float) -> float:
        """Return the level between two seconds, dB re full scale."""
        part = self.audio[:, round(begin * self.rate) : round(end * self.rate)]
        return float(10 * np.log10(np.mean(part**2) + 1e-12))

    @property
    def onset(self) -> float:
        """The second at which something begins to be heard."""
        step = round(0.02 * self.rate)
        count = self.audio.shape[1] // step
        power = np.mean(self.audio[:, : count * step].reshape(2, count, step) ** 2, axis=(0, 2))
        return 0.02 * int(np.argmax(power > 0.03 * power.max()))

    @cached_property
    def _parts(self) -> list[tuple[float, Audio]]:
        """(seconds, sound) of each quarter of a second, two to a quarter."""
        size, step = round(2 * EVERY * self.rate), round(EVERY * self.rate)
        begins = range(0, self.audio.shape[1] - size + 1, step)
        return [((b + size / 2) / self.rate, self.audio[:, b : b + size]) for b in begins]

    @cached_property
    def _levels(self) -> list[float]:
        """The root mean square of each."""
        return [float(np.sqrt(np.mean(x**2)) + 1e-9) for _, x in self._parts]

    @cached_property
    def _matches(self) -> list[tuple[float, NDArray[np.float64]]]:
        """(seconds, correlation by side) of each that is not silent."""
        delays = HEAD_RADIUS / SPEED_OF_SOUND * (np.arcsin(_SIDES) + _SIDES)
        return [
            (time, interaural_correlation(x, self.rate, delays))
            for (time, x), level in zip(self._parts, self._levels, strict=True)
            if level > SILENCE
        ]


def answer(question: Question, folder: Path, deaf: bool = False, blind: bool = False) -> str:
    """Return the letter that the reference gives.

    Args:
        question: as it is written down.
        folder: of the data set.
        deaf, blind: what it lacks. Who is blind has no odometry beyond what a question tells, for
            the camera's turns are among what is seen.
    """
    solve = None if deaf else SOLVERS.get(question.template)
    if solve is None or (blind and question.senses == "both"):
        return question.letters[0]  # of a group as often right as any other
    turns = np.deg2rad(np.array(question.odometry))
    heard = [Heard(*sound_of((folder / path).read_bytes()), turns) for path in question.audio]
    chosen = solve(question, heard, folder)
    options = [option.lower() for option in question.options]
    return question.letters[chosen if isinstance(chosen, int) else options.index(chosen)]


def _offset(question: Question, heard: Sequence[Heard], _: Path) -> str:
    fits = {f"the sound is {name}": heard[0].around(late).max() for name, late in LATE.items()}
    return max(fits, key=lambda name: fits[name])


def _mirrored(question: Question, heard: Sequence[Heard], _: Path) -> str:
    # What is seen is before the camera; exchanged ears hear it behind.
    turned = heard[0].turns.mean()
    ahead = np.abs(wrap_angle(AROUND - turned)) < np.pi / 2
    plain, swapped = (heard[0].around(swapped=s)[ahead].max() for s in (False, True))
    return "left and right are exchanged" if swapped > plain else "they agree"


def _side(question: Question, heard: Sequence[Heard], _: Path) -> str:
    around = heard[0].around()
    sides = {"ahead of the camera": 0.0, "to its left": np.pi / 2, "behind it": np.pi,
             "to its right": -np.pi / 2}  # fmt: skip
    best = AROUND[around.argmax()]
    return min(sides, key=lambda name: abs(float(wrap_angle(best - sides[name]))))


def _nearer(question: Question, heard: Sequence[Heard], _: Path) -> str:
    return "the first" if heard[0].level(0.2, 1.6) > heard[0].level(2.2, 3.6) else "the second"


def _motion(question: Question, heard: Sequence[Heard], _: Path) -> str:
    rises = heard[0].level(2.5, 4.0) > heard[0].level(0.0, 1.5)
    return "it comes nearer" if rises else "it gets further away"


def _sight(question: Question, heard: Sequence[Heard], _: Path) -> str:
    return "nothing is between" if heard[0].loudest > LOUD else "a wall or a door is between"


def _door(question: Question, heard: Sequence[Heard], _: Path) -> int:
    around = heard[0].around()
    hours = [int(re.findall(r"at (\d+) o'clock", option)[0]) for option in question.options]
    return int(np.argmax([_fit(around, hour) for hour in hours]))


def _room(question: Question, heard: Sequence[Heard], _: Path) -> str:
    said = r"in the (.+?)\. The door at (\d+) o'clock leads to the (.+?), the one at (\d+) o'clock"
    here, *first, hour, last = re.findall(rf"{said} to the (.+?);", question.question)[0]
    if heard[0].loudest > LOUD:
        return f"in the {here}"
    around = heard[0].around()
    fits = {name: _fit(around, int(at)) for at, name in (first, (hour, last))}
    return f"in the {max(fits, key=lambda name: fits[name])}"


def _fit(around: NDArray[np.float64], hour: int) -> float:
    """Return how well an hour of the clock agrees with what is heard around."""
    return float(np.interp(wrap_angle(-hour * np.pi / 6), AROUND, around, period=2 * np.pi))


def _louder(question: Question, heard: Sequence[Heard], _: Path) -> str:
    return "quieter" if heard[0].side > 0 else "louder"


def _changed(question: Question, heard: Sequence[Heard], _: Path) -> int:
    first, others = heard[0], heard[1:]
    differs = [float(np.mean((x.audio - first.audio) ** 2)) for x in others]
    louder = [x.level(0, 4) - first.level(0, 4) for x in others]
    same, closed, moved = (
        int(np.argmin(differs)), int(np.argmin(louder)), int(np.argmax(louder)),
    )  # fmt: skip
    if "nothing has changed" in question.question:
        return same
    if "has been closed" in question.question:
        return closed
    if "has been moved" in question.question:
        return moved
    rest = [k for k in range(len(others)) if k not in (same, closed, moved)]
    return rest[0] if rest else moved


def _premature(question: Question, heard: Sequence[Heard], folder: Path) -> str:
    since = change_in(folder / question.video[0]) - heard[0].onset
    in_time = 0 <= since <= RING
    return "it was opened while the bell rang" if in_time else "it was opened too early or too late"


def change_in(path: Path) -> float:
    """Return the second at which the pictures of a film change most."""
    pictures = frames_of(path)
    steps = np.abs(np.diff(pictures.astype(np.int16), axis=0)).mean(axis=(1, 2, 3))
    return EVERY * (int(steps.argmax()) + 1)


def frames_of(path: Path) -> NDArray[np.uint8]:
    """Return the pictures (T, H, W, 3) of a film.

    Raises:
        ImportError: PyAV is not installed.
    """
    import av

    with av.open(str(path)) as film:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)])


Solver = Callable[[Question, Sequence[Heard], Path], int | str]

SOLVERS: dict[str, Solver] = {
    "offset": _offset, "mirrored": _mirrored, "side": _side, "nearer": _nearer,
    "motion": _motion, "sight": _sight, "door": _door, "louder": _louder,
    "changed": _changed, "room": _room, "premature": _premature,
}  # fmt: skip
"""By template; for ``which`` and ``alarm`` it would have to know things by sight, for ``count`` by
ear."""
