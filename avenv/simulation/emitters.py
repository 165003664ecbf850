"""Things that sound: where they are, what they play, and when.

Ambient noise is nothing special: a fan or the rain at a window is an emitter that has always
sounded.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.acoustics import DIRECTIVITIES
from avenv.core.kernels import borrowing, inlined
from avenv.core.records import check_types
from avenv.scene.catalogue import kind_names, suggest_kind
from avenv.sounds import Sound

RAMP = 0.005
"""Seconds over which a sound comes and goes, so that nothing clicks."""

_FOREVER = 2**60  # samples

Position = tuple[float, float, float]


def check_look(look: str | None) -> None:
    """Raise ``ValueError`` if nothing looks so: it is no kind of the catalogue."""
    if look is not None and look not in kind_names():
        raise ValueError(f"look is {look!r}, no kind of the catalogue{suggest_kind(str(look))}")


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

    def walked(self, time: float) -> float:
        """Return how far it has come at a time in seconds, metres along its way."""
        return float(np.interp(time, self.times, self._lengths))

    def is_moving(self, time: float) -> bool:
        """Return whether it is on its way at a time in seconds, rather than resting."""
        leg = int(np.searchsorted(self.times, time, side="right")) - 1
        on = 0 <= leg < len(self.times) - 1
        return on and bool(self._lengths[leg + 1] > self._lengths[leg])

    def heading(self, time: float) -> float:
        """Return which way it goes at a time in seconds, radians.

        While it rests, or goes straight up, that is the way that it went last; before its first,
        the way that it will go. One that never moves faces along x.
        """
        steps = np.diff(self.corners[:, :2], axis=0)
        legs = np.flatnonzero(steps.any(axis=1))
        if len(legs) == 0:
            return 0.0
        begun = int(np.searchsorted(self.times[legs], time, side="right")) - 1
        x, y = steps[legs[max(begun, 0)]]
        return float(np.arctan2(y, x))

    @cached_property
    def _lengths(self) -> NDArray[np.float64]:
        legs = np.linalg.norm(np.diff(self.corners, axis=0), axis=1)
        return np.concatenate([[0.0], np.cumsum(legs)])

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
        look: what is seen of it, a kind of the catalogue that stands on the floor below it and
            faces the way that it goes; ``None``: nothing.

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
    look: str | None = None

    def __post_init__(self) -> None:
        check_types(Emitter, vars(self))
        check_look(self.look)
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
        timing, elapsed = self._timing, self._elapsed(sample)
        begun = elapsed >= 0 or not timing.fades_in
        return sample < timing.end and begun and elapsed < timing.lasts

    def samples(
        self, start: int, count: int, out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return what it emits (count,) float32 from time ``start`` on, in samples.

        Into ``out`` (count,) if that is given.
        """
        if out is None:
            out = np.empty(count, np.float32)
        _emit(self.sound.signal, self._timing, start, out)
        return out

    def _elapsed(self, time: int) -> int:
        """Return the samples since the latest onset; negative before the first."""
        since = time - self._timing.onset
        if self.period is None or (self.onset is not None and since < 0):
            return since
        return since % self._timing.period

    @cached_property
    def _timing(self) -> "_Timing":
        rate = self.sound.sample_rate
        always = self.onset is None and self.period is None
        return _Timing(
            gain=np.float32(10 ** (self.level / 20)),
            offset=int(self.offset) % len(self.sound.signal),
            onset=self._samples(self.onset or 0.0),
            fades_in=not always,
            lasts=_FOREVER if self.duration is None else self._samples(self.duration),
            period=0 if self.period is None else self._samples(self.period),
            repeats_before=self.onset is None,
            end=_FOREVER if self.end is None else self._samples(self.end),
            ramp=RAMP * rate,
        )

    def _samples(self, seconds: float) -> int:
        return round(seconds * self.sound.sample_rate)


class _Timing(NamedTuple):
    """What an emitter plays when, in samples: the latest onset is ``onset`` + n ``period``.

    Attributes:
        gain: on the sound.
        offset: sample of the sound that is emitted at an onset.
        onset: the first.
        fades_in: whether it does; else it has always sounded.
        lasts: from an onset on.
        period: from onset to onset; 0: there is one.
        repeats_before: whether there were others before ``onset``.
        end: when it falls silent for good.
        ramp: over which it comes and goes.
    """

    gain: np.float32
    offset: int
    onset: int
    fades_in: bool
    lasts: int
    period: int
    repeats_before: bool
    end: int
    ramp: float


@borrowing
def _emit(signal, timing, start, out):
    """Set out (n,) to what is emitted of a signal (m,) from time ``start`` on."""
    n, number, size = 0, len(out), len(signal)
    ramp = min(timing.ramp, timing.lasts / 2)
    while n < number:
        time = start + n
        elapsed, left = time - timing.onset, number - n
        if timing.period > 0 and (timing.repeats_before or elapsed >= 0):
            elapsed %= timing.period
            left = min(left, timing.period - elapsed)  # then all begins anew
        place = (elapsed + timing.offset) % size
        coming = elapsed / ramp if timing.fades_in else 1.0
        going, ending = (timing.lasts - elapsed) / ramp, (timing.end - time) / timing.ramp
        if min(coming, going, ending) <= 0:
            run = min(left, -elapsed) if coming < 0 else 1 if coming == 0 else left
            out[n : n + run] = 0
        elif min(coming, going, ending) < 1:
            run = 1
            share = _rise(coming) * _rise(going) * _rise(ending)
            out[n] = signal[place] * np.float32(timing.gain * share)
        else:
            steady = min(timing.lasts - elapsed - ramp, timing.end - time - timing.ramp)
            run = max(1, min(left, size - place, np.int64(steady)))
            source, target = signal[place : place + run], out[n : n + run]
            for k in range(run):  # from 0 on, so that LLVM need not ask whether an index is below
                target[k] = source[k] * timing.gain
        n += run


@inlined
def _rise(position):
    """Return half a cosine, from 0 at positions up to 0 to 1 at positions from 1 on."""
    return np.sin(np.pi / 2 * min(max(position, 0.0), 1.0)) ** 2
