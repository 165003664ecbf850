"""What is heard on a walk: one continuous recording, without an environment."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.acoustics import (
    AcousticSettings,
    MicrophoneArray,
    ResponseBatch,
    Stream,
    find_backend,
)
from avenv.core.errors import SceneError, SoundError
from avenv.core.frames import check_radians
from avenv.core.records import as_record, check_types
from avenv.simulation.emitters import Emitter
from avenv.simulation.loading import load_scene
from avenv.simulation.source import TracedSource
from avenv.simulation.warmup import warm_up

STEP = 0.01
"""Seconds from one pose at which responses are computed to the next.

Half-way through a fade, a wave whose phase differs by φ between them has cos(φ / 2) of its
amplitude: of one who walks at 1 m/s 0.9 at 5 kHz, and in steps of 50 ms a tenth at 3.2 kHz.
"""

MOST_SECONDS = 3600
_LEVEL = 0.5  # metres that ears may move up and down within one layer of the late field
_POSES = 16  # at which it is asked how long sound decays

Array = NDArray[np.float32]


def render_audio(
    scene: Any,
    emitters: Emitter | Sequence[Emitter],
    positions: ArrayLike,
    headings: ArrayLike,
    times: ArrayLike,
    layout: str | MicrophoneArray = "binaural",
    sample_rate: int = 16000,
    settings: AcousticSettings | Mapping[str, Any] | None = None,
    hrtf: str | PathLike[str] | None = None,
    acoustics: str = "native",
    step_time: float = STEP,
) -> Array:
    """Return what a listener hears who walks from pose to pose, as one continuous recording.

    It stands and turns evenly between two poses, by the shorter way. Responses are computed every
    ``step_time``, with cross-fades in between, so that nothing clicks. At the beginning what
    sounds is heard as if the listener had always stood there; rooms ring on as they do.

    Args:
        scene: as ``load_scene`` takes it; load it once if you ask more than once.
        emitters: what sounds: one or many, at rest or along a ``Trajectory``. Their times and
            those of the walk are of one clock.
        positions: (T, 3) of the centre of the head, world metres.
        headings: (T,) radians, or one for the whole walk.
        times: (T,) seconds at which the listener has these poses, ascending.
        layout: as of ``impulse_response``.
        sample_rate: Hz, that of the emitters' sounds.
        settings: of the propagation; by default those of ``impulse_response``.
        hrtf: SOFA file of the head that listens, instead of KEMAR.
        acoustics: the backend, as of ``impulse_response``.
        step_time: seconds between two responses, 0.005 to 1; longer ones are faster, and dull what
            moves.

    Returns:
        (channels, N) float32, N being what passes from the first time to the last. Full scale is 1,
        but nothing is cut off: close to a source it may be exceeded.

    Raises:
        SceneError: the scene cannot be loaded, or a source or, on its way, the listener is inside
            something or outside the scene.
        SoundError: a sound has another sample rate, or is not finite.
        ValueError: another argument is out of range; the message names it.
    """
    check_types(render_audio, {
        "layout": layout, "sample_rate": sample_rate, "hrtf": hrtf, "acoustics": acoustics,
        "step_time": step_time,
    })  # fmt: skip
    if not 0.005 <= step_time <= 1:
        raise ValueError(f"step_time is {step_time!r}; accepted: 0.005 to 1 s")
    record = None if settings is None else as_record("settings is", settings, AcousticSettings)
    some = _as_emitters(emitters)
    walk = _Walk.of(positions, headings, times)
    warm_up()
    backend = find_backend(acoustics)
    prepared = load_scene(scene).acoustics_for(acoustics)
    record = record or backend.QUESTION_SETTINGS
    if np.ptp(walk.positions[:, 2]) > _LEVEL:
        record = replace(record, all_heights=True)
    engine = backend.Engine(sample_rate, layout, settings=record, hrtf=hrtf)
    _check_sounds(some, sample_rate)
    step = round(step_time * sample_rate)
    first, last = (round(time * sample_rate) for time in (walk.times[0], walk.times[-1]))
    number = -(-(last - first) // step)
    clock = (first + step * np.arange(number + 1)) / sample_rate
    heads = walk.at(clock)
    for time, place in zip(clock.tolist(), heads.positions, strict=True):
        try:
            prepared.check_position(place, "listener")
        except SceneError as error:
            raise SceneError(f"{error} (at {time:.2f} s of the walk)") from None
    height = float(np.median(walk.positions[:, 2]))
    sources = [TracedSource(e, prepared, engine, height, float(walk.times[0])) for e in some]
    length = _decay_length(engine, sources, heads, clock)
    engine = backend.Engine(sample_rate, layout, length, record, hrtf)
    blocks = list(_blocks(engine, sources, heads, clock, first, step))
    return np.concatenate(blocks, axis=1)[:, : last - first]


class _Walk(NamedTuple):
    """Poses: positions (T, 3), headings (T,) without jumps, and times (T,)."""

    positions: NDArray[np.float64]
    headings: NDArray[np.float64]
    times: NDArray[np.float64]

    @classmethod
    def of(cls, positions: ArrayLike, headings: ArrayLike, times: ArrayLike) -> "_Walk":
        """Check what a user has given."""
        places, angles, moments = (
            _numbers(name, given)
            for name, given in (
                ("positions", positions), ("headings", headings), ("times", times)
            )
        )  # fmt: skip
        if places.ndim != 2 or places.shape[1] != 3 or len(places) < 2:
            raise ValueError(
                f"positions have shape {places.shape}; accepted: (T, 3), two or more poses"
            )
        if angles.shape not in ((), places.shape[:1]):
            raise ValueError(
                f"headings have shape {angles.shape}; accepted: one, or ({len(places)},)"
            )
        check_radians("headings", angles)
        if moments.shape != places.shape[:1]:
            raise ValueError(f"times have shape {moments.shape}; accepted: ({len(places)},)")
        if (np.diff(moments) <= 0).any():
            raise ValueError("times do not ascend; accepted: seconds, each later than the last")
        if moments[-1] - moments[0] > MOST_SECONDS or np.abs(moments).max() > 1e7:
            raise ValueError(
                f"times are {moments[0]:g} to {moments[-1]:g} s; accepted: {MOST_SECONDS} s or less"
            )
        return cls(places, np.unwrap(np.broadcast_to(angles, moments.shape)), moments)

    def at(self, times: NDArray[np.float64]) -> "_Walk":
        """Return the poses at other times."""
        places = [np.interp(times, self.times, axis) for axis in self.positions.T]
        return _Walk(np.stack(places, axis=-1), np.interp(times, self.times, self.headings), times)


def _numbers(name: str, given: ArrayLike) -> NDArray[np.float64]:
    try:
        numbers = np.array(given, np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} are {given!r}; accepted: numbers") from None
    if numbers.size == 0 or not np.isfinite(numbers).all():
        raise ValueError(f"{name} are empty or not finite; accepted: finite numbers")
    return numbers


def _as_emitters(given: Any) -> list[Emitter]:
    some = list(given) if isinstance(given, Sequence) else [given]
    if not some or not all(isinstance(emitter, Emitter) for emitter in some):
        raise ValueError(f"emitters is {given!r:.80}; accepted: an Emitter, or a list of some")
    return some


def _check_sounds(emitters: Sequence[Emitter], sample_rate: int) -> None:
    for emitter in emitters:
        sound = emitter.sound
        if sound.sample_rate != sample_rate:
            raise SoundError(
                f"sound {sound.name!r} is at {sound.sample_rate} Hz; it must be at {sample_rate} Hz"
            )
        if not np.isfinite(sound.signal).all():
            raise SoundError(f"sound {sound.name!r} has NaN or infinite samples")


def _decay_length(
    engine: Any, sources: Sequence[TracedSource], heads: _Walk, clock: NDArray[np.float64]
) -> int:
    """Return the samples after which all sound on the way has decayed by 60 dB."""
    some = np.unique(np.linspace(0, len(clock) - 1, _POSES).astype(int)).tolist()
    return max(
        engine.decay_length(_batch(sources, range(len(sources)), heads, k, float(clock[k])))
        for k in some
    )


def _batch(
    sources: Sequence[TracedSource], which: Sequence[int], heads: _Walk, k: int, time: float
) -> ResponseBatch:
    """Return what to ask an engine about some of the sources, as heard at pose ``k``."""
    emitters = [sources[s].emitter for s in which]
    return ResponseBatch(
        [sources[s].field(time) for s in which],
        np.arange(len(which)),
        np.repeat(heads.positions[k : k + 1], len(which), axis=0),
        float(heads.headings[k]),
        [emitter.directivity for emitter in emitters],
        np.array([emitter.facing for emitter in emitters], np.float64),
    )


def _blocks(
    engine: Any,
    sources: Sequence[TracedSource],
    heads: _Walk,
    clock: NDArray[np.float64],
    first: int,
    step: int,
) -> Iterator[Array]:
    """Yield what is heard from pose to pose, (channels, step) each."""
    stream = Stream(1, engine.channels, step, step, engine.length)
    row, everyone = np.zeros(1, np.int64), range(len(sources))
    past = [source.emitter.samples(first - stream.past, stream.past) for source in sources]
    began = _responses(engine, sources, everyone, heads, 0, float(clock[0]))
    stream.reset(0, np.array(past, np.float32), began)
    for k, time in enumerate(clock[1:].tolist(), 1):
        start = first + (k - 1) * step
        dry = np.stack([source.emitter.samples(start, step) for source in sources])[None]
        which = np.flatnonzero(stream.audible(row, dry)[0]).tolist()
        heard = stream.push(row, dry, _responses(engine, sources, which, heads, k, time))[0]
        if not np.isfinite(heard).all():
            names = ", ".join(repr(sources[s].emitter.sound.name) for s in which)
            raise SoundError(f"what is heard of {names} at {time:.2f} s is not finite")
        yield heard.copy()


def _responses(
    engine: Any,
    sources: Sequence[TracedSource],
    which: Sequence[int],
    heads: _Walk,
    k: int,
    time: float,
) -> Array:
    return engine.responses(_batch(sources, which, heads, k, time))
