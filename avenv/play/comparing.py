"""Two clips of what sounds, as heard at one place in two ways, equally loud: to compare by ear.

The ways are scenes, heads and acoustic engines. A clip is what has always sounded, played in a loop
without a seam: sounds convolved, round the loop, with the responses that ``avenv.impulse_response``
returns.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from avenv.acoustics.backends import BACKENDS
from avenv.core.errors import SceneError
from avenv.simulation.emitters import RAMP, Emitter, Position
from avenv.simulation.questions import impulse_response
from avenv.simulation.world import World
from avenv.sounds import loudness

NOW, BEFORE = "as it is now", "as it was before"
"""Names of the scene that the visitor is in, and of what it was before its latest change."""

KEMAR, MONO = "KEMAR", "one microphone"
"""Names of the head that listens by default, and of a microphone in its middle."""

ENGINES = tuple(BACKENDS)

LONGEST = 8.0
"""Seconds of the longest clip: the longest of the built-in sounds' loops."""

_PEAK = 0.9  # of full scale, which the louder clip may reach

Clip = NDArray[np.float32]


@dataclass(frozen=True)
class Choices:
    """What there is to compare besides what a session has itself.

    Attributes:
        scenes: others, by their names.
        heads: SOFA files, by their names.
    """

    scenes: Mapping[str, World] = field(default_factory=dict)
    heads: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Way:
    """One way of hearing.

    Attributes:
        world: where.
        head: ``KEMAR``, ``MONO`` or the path of a SOFA file.
        engine: one of ``ENGINES``.
    """

    world: World
    head: str = KEMAR
    engine: str = "native"


def find_way(name: tuple[str, str, str], worlds: Mapping[str, World], choices: Choices) -> Way:
    """Return a way by the names of its scene, its head and its engine.

    Raises:
        ValueError: one of them is not there.
    """
    heads = {KEMAR: KEMAR, MONO: MONO, **choices.heads}
    for what, one, known in zip(
        ("scene", "head", "engine"), name, (worlds, heads, ENGINES), strict=True
    ):
        if one not in known:
            raise ValueError(f"{what} is {one!r}; accepted: {', '.join(known)}")
    scene, head, engine = name
    return Way(worlds[scene], heads[head], engine)


@dataclass(frozen=True)
class Pair:
    """Two clips (2, N), equally loud, that have the same sounds at the same samples.

    Attributes:
        clips: the two.
        gain: dB by which the second was made louder, to be as loud as the first.
    """

    clips: tuple[Clip, Clip]
    gain: float


def compare(
    ways: tuple[Way, Way], emitters: Sequence[Emitter], ear: Position, heading: float, rate: int
) -> Pair:
    """Return what is heard at a place in two ways, at one loudness.

    It is that of ITU-R BS.1770, of both ears together, see ``avenv.sounds.loudness``.

    Args:
        ways: the two.
        emitters: what sounds, where it is at time 0.
        ear: (3,) the middle of the head, world metres.
        heading: of the head, radians.
        rate: samples a second.

    Raises:
        SceneError: nobody can be there, a source cannot, or nothing is heard.
        ValueError: an engine does not have such a head.
    """
    if not emitters:
        raise SceneError("nothing sounds that could be compared")
    size = min(max(len(e.sound.signal) for e in emitters), round(LONGEST * rate))
    first, second = (_heard(way, emitters, ear, heading, size, rate) for way in ways)
    for name, clip in (("A", first), ("B", second)):
        if not clip.any():
            raise SceneError(f"nothing is heard here of {name}; accepted: where both are heard")
    gain = _loudness(first, rate) - _loudness(second, rate)
    second = second * 10 ** (gain / 20)
    scale = _PEAK / max(np.abs(first).max(), np.abs(second).max(), _PEAK)
    clips = (first * scale).astype(np.float32), (second * scale).astype(np.float32)
    return Pair(clips, round(float(gain), 2))


def _heard(
    way: Way, emitters: Sequence[Emitter], ear: Position, heading: float, size: int, rate: int
) -> NDArray[np.float64]:
    """Return what both ears (2, size) hear in one round of the loop."""
    layout = "mono" if way.head == MONO else "binaural"
    hrtf = None if way.head in (KEMAR, MONO) else way.head
    heard = np.zeros((2, size))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that no sound arrives is told by who asks
        for emitter in emitters:
            response = impulse_response(
                way.world, emitter.at(0.0), ear, heading, layout, rate, hrtf=hrtf,
                directivity=emitter.directivity, facing=emitter.facing, acoustics=way.engine,
            )  # fmt: skip
            heard += _round(_loop(emitter, size, rate), response.astype(np.float64))
    return heard


def _loop(emitter: Emitter, size: int, rate: int) -> NDArray[np.float64]:
    """Return what is emitted (size,) in one round; what does not fit in whole begins and ends."""
    signal = emitter.sound.signal.astype(np.float64) * 10 ** (emitter.level / 20)
    loop = np.resize(signal, size)
    if size % len(signal):
        edge = np.linspace(0, 1, round(RAMP * rate))
        loop[: len(edge)] *= edge
        loop[-len(edge) :] *= edge[::-1]
    return loop


def _round(loop: NDArray[np.float64], response: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convolve a loop (N,) with a response (C, L) round and round: (C, N)."""
    size = len(loop)
    padded = np.pad(response, ((0, 0), (0, -response.shape[1] % size)))
    folded = padded.reshape(len(response), -1, size).sum(axis=1)
    return np.fft.irfft(np.fft.rfft(loop) * np.fft.rfft(folded), size)


def _loudness(clip: NDArray[np.float64], rate: int) -> float:
    """Return the loudness (dB) of two ears together: their powers add."""
    return float(10 * np.log10(sum(10 ** (loudness(ear, rate) / 10) for ear in clip if ear.any())))
