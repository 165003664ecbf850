"""Things that sound: where they are, what they play, and when.

Ambient noise is nothing special: a fan or the rain at a window is an emitter that has always
sounded.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.acoustics import DIRECTIVITIES
from avenv.core.records import check_types
from avenv.sounds import Sound

RAMP = 0.005
"""Seconds over which a sound comes and goes, so that nothing clicks."""

Position = tuple[float, float, float]


class Trajectory:
    """A way along straight lines, corner to corner, at an even speed between two corners.

    Before its first and after its last time it rests at the first and last corner.

    Parameters
    ----------
    corners : (N, 3) world metres.
    times : (N,) seconds at which it is there, ascending.

    Raises ``ValueError`` where they are not.
    """

    def __init__(self, corners: ArrayLike, times: ArrayLike):
        self.corners = np.array(corners, np.float64)
        self.times = np.array(times, np.float64)
        if self.corners.ndim != 2 or self.corners.shape[1] != 3 or len(self.corners) == 0:
            raise ValueError(f"corners have shape {self.corners.shape}; accepted: (N, 3)")
        if self.times.shape != self.corners.shape[:1]:
            raise ValueError(
                f"times have shape {self.times.shape}; accepted: one for each of the "
                f"{len(self.corners)} corners"
            )
        if not (np.isfinite(self.corners).all() and np.isfinite(self.times).all()):
            raise ValueError("corners and times of a trajectory must be finite")
        if (np.diff(self.times) <= 0).any():
            raise ValueError(f"times are {self.times.tolist()}; accepted: ascending seconds")

    @classmethod
    def at_speed(cls, corners: ArrayLike, speed: float, start: float = 0.0) -> "Trajectory":
        """Return the way along corners (N, 3) at ``speed`` m/s that begins at ``start`` seconds."""
        if not (np.isfinite(speed) and speed > 0):
            raise ValueError(f"speed is {speed!r}; accepted: more than 0 m/s")
        points = np.array(corners, np.float64)
        legs = np.linalg.norm(np.diff(points, axis=0), axis=-1)
        return cls(points, start + np.concatenate([[0.0], np.cumsum(legs) / speed]))

    def at(self, time: float) -> Position:
        """Return where it is at a time in seconds."""
        x, y, z = (float(np.interp(time, self.times, axis)) for axis in self.corners.T)
        return x, y, z

    def after(self, time: float) -> "Trajectory":
        """Return what is left of the way at a time in seconds: from where it is then on."""
        ahead = self.times > time
        if ahead.all():
            return self
        corners = np.concatenate([[self.at(time)], self.corners[ahead]])
        return Trajectory(corners, np.concatenate([[time], self.times[ahead]]))

    def places(self, spacing: float) -> NDArray[np.float64]:
        """Return points (P, 3) on the way: its corners, and between them one every ``spacing`` m.

        The legs are divided evenly, so that neighbours are ``spacing`` metres apart or less.
        """
        points = [self.corners[:1]]
        for a, b in zip(self.corners[:-1], self.corners[1:], strict=True):
            parts = max(1, int(np.ceil(np.linalg.norm(b - a) / spacing)))
            points.append(a + (b - a) * np.arange(1, parts + 1)[:, None] / parts)
        return np.concatenate(points)


@dataclass(frozen=True, eq=False)
class Emitter:
    """A source of sound. Times are in seconds since the episode began; before it they are negative.

    Attributes:
        position: (x, y, z), world metres, or the ``Trajectory`` that it moves along.
        sound: what it plays, in a loop.
        level: dB on the sound.
        offset: sample of the sound that is emitted at the onset.
        onset: when it begins; ``None``: it has always sounded, and ``offset`` is for time 0.
        duration: how long it sounds; ``None``: without end.
        period: from one onset to the next, each of which begins at ``offset``; ``None``: it sounds
            once. With no ``onset`` it has always repeated, and one repetition begins at time 0.
        directivity: how it sends its sound, a name in ``avenv.acoustics.DIRECTIVITIES``.
        facing: heading of the way it faces, radians.
        end: seconds at which it falls silent for good; ``None``: never.
        object: name of the thing in the scene that sounds; ``None``: no thing in particular.

    Raises:
        ValueError: a value is of another type or out of range; the message names it.
    """

    position: Position | Trajectory
    sound: Sound
    level: float = 0.0
    offset: int = 0
    onset: float | None = None
    duration: float | None = None
    period: float | None = None
    directivity: str = "omni"
    facing: float = 0.0
    end: float | None = None
    object: str | None = None

    def __post_init__(self) -> None:
        check_types(Emitter, vars(self))
        rate = self.sound.sample_rate
        if self.directivity not in DIRECTIVITIES:
            raise ValueError(
                f"directivity is {self.directivity!r}; accepted: {tuple(DIRECTIVITIES)}"
            )
        if self.duration is not None and self.duration * rate < 1:
            raise ValueError(f"duration is {self.duration!r}; accepted: a sample or more, or None")
        if self.period is not None and (self.duration is None or self.period < self.duration):
            raise ValueError(
                f"period is {self.period!r} and duration {self.duration!r}; accepted: a duration "
                "and a period that is no shorter"
            )

    @property
    def ends(self) -> float:
        """Seconds from which on it is silent for good; inf: never."""
        last = np.inf if self.end is None else self.end
        if self.duration is None or self.period is not None:
            return last
        return min(last, (self.onset or 0.0) + self.duration)

    def at(self, time: float) -> Position:
        """Return where it is at a time in seconds."""
        if isinstance(self.position, Trajectory):
            return self.position.at(time)
        return self.position

    def is_sounding(self, sample: int) -> bool:
        """Return whether it sounds at a time in samples, rather than between onsets or over."""
        over = self.end is not None and sample >= self._samples(self.end)
        return not over and bool(self._first <= self._elapsed(sample) < self._last)

    def samples(self, start: int, count: int) -> NDArray[np.float32]:
        """Return what it emits (count,) float32 from time ``start`` on, in samples."""
        times = np.arange(start, start + count)
        elapsed = self._elapsed(times)
        signal = self.sound.signal
        gain = 10 ** (self.level / 20) * self._envelope(elapsed)
        if self.end is not None:
            ramp = RAMP * self.sound.sample_rate
            gain = gain * _rise((self._samples(self.end) - times) / ramp)
        emitted = signal[(elapsed + self.offset) % len(signal)] * gain
        return emitted.astype(np.float32, copy=False)

    def _elapsed(self, times: Any) -> Any:
        """Return the samples since the latest onset; negative before the first."""
        since = times - self._samples(self.onset or 0.0)
        if self.period is None:
            return since
        again = since % self._samples(self.period)
        return again if self.onset is None else np.where(since < 0, since, again)

    def _envelope(self, elapsed: NDArray[np.int64]) -> NDArray[np.floating] | float:
        """Return 1 while it sounds, 0 while it does not, and raised cosines in between."""
        ramp = min(RAMP * self.sound.sample_rate, self._last / 2)
        coming = 1.0 if self._first < 0 else _rise(elapsed / ramp)
        going = 1.0 if self._last == np.inf else _rise((self._last - elapsed) / ramp)
        return coming * going

    @property
    def _first(self) -> float:
        """The value of ``_elapsed`` from which on it sounds."""
        return -np.inf if self.onset is None and self.period is None else 0.0

    @property
    def _last(self) -> float:
        return np.inf if self.duration is None else float(self._samples(self.duration))

    def _samples(self, seconds: float) -> int:
        return round(seconds * self.sound.sample_rate)


def _rise(position: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return half a cosine, from 0 at positions up to 0 to 1 at positions from 1 on."""
    return np.sin(np.pi / 2 * np.clip(position, 0, 1)) ** 2
