"""Throats: dog, cat, baby and the talking of a television.

Source and filter (Fant 1960): the folds give harmonics of a gliding pitch, the vocal tract gives
each harmonic the gain of its moving formants at that harmonic's frequency.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from avenv.sounds.loop import Loop, Signal, band, window

_FRAME = 0.01  # seconds between the points at which the formants are evaluated

Formants = tuple[tuple[int, int, int], ...]

_BARK: Formants = ((450, 1200, 2400), (900, 1500, 2700), (800, 1400, 2600), (500, 1100, 2400))
_MIAOW: Formants = (
    (500, 2300, 3600),
    (900, 2600, 4000),
    (1500, 2500, 4300),
    (1400, 2200, 4000),
    (950, 1500, 3500),
    (600, 1100, 3200),
)
_CRY: Formants = ((800, 2600, 4500), (1200, 3300, 5500), (1250, 3200, 5600), (1000, 2800, 5000))
_VOWELS: Formants = (
    (270, 2290, 3010),
    (530, 1840, 2480),
    (660, 1720, 2410),
    (730, 1090, 2440),
    (570, 840, 2410),
    (440, 1020, 2240),
    (300, 870, 2240),
    (640, 1190, 2390),
)
"""Formants in Hz. Vowels of men: Peterson & Barney, J. Acoust. Soc. Am. 24, 175 (1952)."""

_SPEAKERS = ((115.0, 1.0), (205.0, 1.17))
"""Pitch in Hz, and formants relative to a man's."""


@dataclass(frozen=True)
class Call:
    """One utterance; the tracks have points at equal steps of its length.

    Attributes:
        seconds: length.
        pitch: (P,) Hz.
        formants: (Q, F) Hz.
        loudness: (L,) amplitude.
        bandwidth: of every formant, Hz.
        tilt: the folds' spectrum falls as k**-tilt.
    """

    seconds: float
    pitch: ArrayLike
    formants: ArrayLike
    loudness: ArrayLike
    bandwidth: float
    tilt: float


def track(points: ArrayLike, at: Signal) -> Signal:
    """Return points (P,) or (P, F), equally spaced over 0..1, interpolated at (C,): (C, 1 or F)."""
    table = np.asarray(points, float)
    table = table.reshape(len(table), -1)
    grid = np.linspace(0, 1, len(table))
    return np.stack([np.interp(at, grid, column) for column in table.T], axis=-1)


def utter(t: Signal, call: Call) -> Signal:
    """Return the sound (N,) of a call that begins at t = 0."""
    step = t[1] - t[0]
    hop = round(_FRAME / step)
    ramp = np.arange(hop) / hop
    frames = np.clip((t[0] + step * hop * np.arange(len(t) // hop + 2)) / call.seconds, 0, 1)
    pitch, centres = track(call.pitch, frames), track(call.formants, frames)  # (C, 1), (C, F)
    tract = np.arange(1, centres.shape[1] + 1.0) ** -0.7  # higher formants are weaker

    def between(values: Signal) -> Signal:  # (C,) at the frames -> (N,) at the samples
        return (values[:-1, None] + np.diff(values)[:, None] * ramp).ravel()[: len(t)]

    phase = 2 * np.pi * np.cumsum(between(pitch[:, 0])) * step
    twice_cos, previous, current = 2 * np.cos(phase), np.zeros_like(t), np.sin(phase)
    out = np.zeros_like(t)
    highest = min(1.5 * centres.max(), 0.47 / step)  # a throat gives little above its formants
    for k in range(1, int(highest / pitch.max()) + 1):
        detuning = (k * pitch - centres) / (call.bandwidth / 2)
        gain = (tract / np.sqrt(1 + detuning**2)).sum(axis=1) * k**-call.tilt
        out += between(gain) * current
        previous, current = current, twice_cos * current - previous
    edges = window(t, call.seconds, min(0.03, call.seconds / 4))
    return out * between(track(call.loudness, frames)[:, 0]) * edges


def dog(loop: Loop) -> Signal:
    """Bark in groups: the pitch leaps and falls, the throat opens and shuts, breath roughens it."""
    size = loop.uniform(0.75, 1.5)  # of the pitch: a small dog is higher
    gap = loop.uniform(0.34, 0.5)
    starts = [start + k * gap for start in (0.1, 2.9) for k in range(loop.rng.integers(2, 5))]
    barks, breath = loop.silence(), loop.silence()
    for start in starts:
        low, seconds = size * loop.uniform(240, 320), loop.uniform(0.16, 0.26)
        pitch = low * np.array([1.0, 2.0, 2.2, 1.5, 0.9])
        loudness = (0.3, 1.0, 1.0, 0.6, 0.1)
        call = Call(seconds, pitch, size * np.array(_BARK), loudness, bandwidth=250.0, tilt=0.5)
        loop.add(barks, start, seconds, utter, call)
        loop.add(breath, start, seconds, window, seconds, 0.05)
    rough = 1 + 0.3 * loop.wander(60.0)
    return barks * rough + 0.25 * breath * loop.noise(band(400 * size, 2600 * size))


def cat(loop: Loop) -> Signal:
    """Say miaow: mouth shut, open, rounded, on an arched pitch."""
    size = loop.uniform(0.85, 1.25)
    out = loop.silence()
    for start in (0.2, loop.uniform(2.3, 2.8)):
        base, seconds = size * loop.uniform(430, 560), loop.uniform(0.7, 1.2)
        pitch = base * np.array([1.0, 1.3, 1.45, 1.35, 1.1, 0.95])
        loudness = (0.2, 0.7, 1.0, 0.9, 0.6, 0.2)
        call = Call(seconds, pitch, _MIAOW, loudness, bandwidth=300.0, tilt=0.4)
        loop.add(out, start, seconds, utter, call)
    return out * (1 + 0.1 * loop.wander(30.0))


def baby(loop: Loop) -> Signal:
    """Cry about once a second, each cry an arch of pitch, with a breath drawn between."""
    base = loop.uniform(370, 480)
    cries = round(loop.seconds * loop.uniform(0.7, 0.95))
    period = loop.seconds / cries
    out, breath = loop.silence(), loop.silence()
    for start in np.arange(cries) * period:
        top, seconds = base * loop.uniform(1.1, 1.35), period * loop.uniform(0.62, 0.75)
        pitch = (base, top, 1.03 * top, top, 0.97 * top, 0.8 * base)
        loudness = (0.4, 0.9, 1.0, 0.9, 0.8, 0.3)
        call = Call(seconds, pitch, _CRY, loudness, bandwidth=350.0, tilt=0.25)
        loop.add(out, start, seconds, utter, call)
        gasp = period - seconds - 0.08
        loop.add(breath, start + seconds + 0.05, gasp, window, gasp, gasp / 2.2)
    rough = 1 + 0.2 * loop.wander(60.0)
    return out * rough + 0.15 * breath * loop.noise(band(1200, 4500))


def tv(loop: Loop) -> Signal:
    """Talk: two speakers take turns in syllables of vowels and hisses that mean nothing."""
    talk, hiss = loop.silence(), loop.silence()
    first, turns = loop.rng.integers(2), int(loop.rng.integers(3, 5))
    turn = loop.seconds / turns
    for k in range(turns):
        pitch, tract = _SPEAKERS[(first + k) % 2]
        seconds = turn * loop.uniform(0.82, 0.92)
        syllables = round(seconds * loop.uniform(4.0, 5.5))
        melody = pitch * np.linspace(1.15, 0.85, 2 * syllables)
        melody *= loop.rng.uniform(0.92, 1.1, 2 * syllables)
        # Each vowel is held before it glides into the next.
        vowels = tract * np.repeat(loop.rng.choice(_VOWELS, syllables), 3, axis=0)
        stress = np.outer(loop.rng.uniform(0.6, 1.0, syllables), (0.1, 1.0, 1.0, 0.5)).ravel()
        call = Call(seconds, melody, vowels, stress, bandwidth=110.0, tilt=1.0)
        loop.add(talk, k * turn, seconds, utter, call)
        for syllable in np.flatnonzero(loop.rng.random(syllables) < 0.5):
            length = loop.uniform(0.05, 0.11)
            start = k * turn + seconds * syllable / syllables - length / 2
            loop.add(hiss, start, length, window, length, length / 3)
    return talk + 0.06 * hiss * loop.noise(band(2800, 6500)) + 0.01 * loop.noise(band(100, 5000, 1))
