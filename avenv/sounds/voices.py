"""Throats: dog, cat, baby, bird, a sleeper, and the talking of a television.

Source and filter (Fant 1960): the folds give harmonics of a gliding pitch, the vocal tract gives
each harmonic the gain of its moving formants at that harmonic's frequency.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from avenv.sounds.loop import Loop, Signal, band, formants, harmonics, window

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

_MAN, _OLD_MAN, _WOMAN, _CHILD = (115.0, 1.0), (98.0, 0.96), (205.0, 1.17), (290.0, 1.35)
_CASTS = {
    "news": (_MAN,),
    "interview": (_MAN, _WOMAN),
    "family": (_WOMAN, _CHILD),
    "debate": (_OLD_MAN, _WOMAN, _MAN),
}
"""Who speaks: pitch in Hz, and formants relative to a man's."""


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


def dog(loop: Loop, *, size: float, barks: int, gap: float, rasp: float) -> Signal:
    """Bark in groups: the pitch leaps and falls, the throat opens and shuts, breath roughens it.

    ``size`` multiplies all pitches: a small dog is higher.
    """
    out, breath = loop.silence(), loop.silence()
    for start in (0.1 + k * gap + turn for turn in (0.0, loop.seconds / 2) for k in range(barks)):
        low, seconds = size * loop.uniform(250, 300), loop.uniform(0.16, 0.24)
        pitch = low * np.array([0.9, 2.0, 2.2, 1.5, 0.8])
        loudness = (0.25, 1.0, 1.0, 0.55, 0.08)
        call = Call(
            seconds, pitch, size**0.7 * np.array(_BARK), loudness, bandwidth=300.0, tilt=0.6
        )
        loop.add(out, start, seconds, utter, call)
        loop.add(breath, start, seconds, window, seconds, 0.05)
    # The folds of a barking dog beat irregularly: roughness, and noise between the harmonics.
    rough = 1 + rasp * loop.noise(band(40, 110))
    throat = loop.noise(formants([(900 * size, 500, 1.0), (1700 * size, 700, 0.6)]))
    return out * rough + (0.2 + 0.5 * rasp) * breath * throat


def cat(loop: Loop, *, size: float, length: float, rise: float, purr: float) -> Signal:
    """Say miaow: mouth shut, open, rounded, on an arched pitch; then purr a little."""
    out = loop.silence()
    for start in (0.2, loop.seconds / 2 + loop.uniform(-0.2, 0.3)):
        base, seconds = size * loop.uniform(470, 530), length * loop.uniform(0.85, 1.1)
        pitch = base * np.array([1.0, 1 + 0.7 * rise, 1 + rise, 1 + 0.8 * rise, 1.1, 0.92])
        loudness = (0.2, 0.7, 1.0, 0.9, 0.6, 0.2)
        call = Call(
            seconds, pitch, size**0.5 * np.array(_MIAOW), loudness, bandwidth=300.0, tilt=0.6
        )
        loop.add(out, start, seconds, utter, call)
    beat = np.maximum(0, np.sin(loop.phase(25.0))) ** 3
    breathing = 0.6 + 0.4 * np.sin(loop.phase(0.6))
    purring = purr * beat * breathing * loop.noise(band(60, 450))
    return out * (1 + 0.1 * loop.wander(30.0)) + purring


def baby(loop: Loop, *, base: float, rate: float, arch: float, rasp: float) -> Signal:
    """Cry about once a second, each cry an arch of pitch, with a breath drawn between."""
    cries = round(loop.seconds * rate)
    period = loop.seconds / cries
    out, breath = loop.silence(), loop.silence()
    for start in np.arange(cries) * period:
        top, seconds = base * arch * loop.uniform(0.95, 1.08), period * loop.uniform(0.62, 0.75)
        pitch = (base, top, 1.03 * top, top, 0.97 * top, 0.8 * base)
        loudness = (0.4, 0.9, 1.0, 0.9, 0.8, 0.3)
        call = Call(seconds, pitch, _CRY, loudness, bandwidth=350.0, tilt=0.4)
        loop.add(out, start, seconds, utter, call)
        gasp = period - seconds - 0.08
        loop.add(breath, start + seconds + 0.05, gasp, window, gasp, gasp / 2.2)
    rough = 1 + rasp * loop.wander(60.0)
    return out * rough + 0.12 * breath * loop.noise(band(1200, 4500))


def tv(loop: Loop, *, cast: str, pace: float, music: float, applause: float) -> Signal:
    """Talk: speakers take turns in syllables of vowels and hisses that mean nothing."""
    talk, hiss = loop.silence(), loop.silence()
    speakers = _CASTS[cast]
    turns = 2 * len(speakers)
    turn = loop.seconds / turns
    for k in range(turns):
        pitch, tract = speakers[k % len(speakers)]
        seconds = turn * loop.uniform(0.82, 0.92)
        syllables = round(seconds * pace)
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
    score = loop.silence()
    for chord, tones in enumerate(((0, 4, 7), (-3, 0, 4))):  # a pad under the talk
        for tone in tones:
            pitch, half = 220 * 2 ** (tone / 12), loop.seconds / 2
            loop.add(score, chord * half, half, _pad, pitch, half, level=music)
    clapping = window(loop.t - 0.7 * loop.seconds, 0.28 * loop.seconds, 0.4) * applause
    out = talk + 0.06 * hiss * loop.noise(band(2800, 6500)) + 0.01 * loop.noise(band(100, 5000, 1))
    out += score + clapping * loop.noise(band(700, 4000)) * (1 + 0.4 * loop.noise(band(10, 40)))
    return loop.filter(out, band(150, 7000))


def _pad(t: Signal, pitch: float, seconds: float) -> Signal:
    return window(t, seconds, 0.5) * (
        np.sin(2 * np.pi * pitch * t) + 0.3 * np.sin(4 * np.pi * pitch * t)
    )


def bird(loop: Loop, *, pitch: float, trill: float, notes: int, sweep: float) -> Signal:
    """Sing: phrases of whistled notes that sweep, and a trill at the end of each."""
    out = loop.silence()
    phrases = 3
    for k in range(phrases):
        now = k * loop.seconds / phrases + 0.1
        for _ in range(notes):
            seconds, centre = loop.uniform(0.07, 0.16), pitch * loop.uniform(0.8, 1.25)
            way = sweep * loop.uniform(-1.0, 1.0)
            loop.add(out, now, seconds, _whistle, seconds, centre, way, 0.0)
            now += seconds + loop.uniform(0.03, 0.08)
        seconds = loop.uniform(0.35, 0.55)
        loop.add(out, now, seconds, _whistle, seconds, pitch, -0.3 * sweep, trill)
    return out


def _whistle(t: Signal, seconds: float, pitch: float, sweep: float, trill: float) -> Signal:
    """Return a note that glides by ``sweep`` octaves, shaken ``trill`` times a second."""
    step = t[1] - t[0]
    shake = 0.12 * np.sin(2 * np.pi * trill * t)
    track = pitch * 2 ** (sweep * (t / seconds - 0.5) + shake)
    tone = harmonics(2 * np.pi * np.cumsum(track) * step, (1.0, 0.08), track.max(), 1 / step)
    pulse = 0.65 - 0.35 * np.cos(2 * np.pi * trill * t) if trill else 1.0
    return tone * window(t, seconds, min(0.03, seconds / 3)) * pulse


def snoring(loop: Loop, *, flutter: float, throat: float, breath: float) -> Signal:
    """Snore: the palate flutters on the breath drawn in, the breath let out only rustles."""
    period = loop.seconds / 2
    drawn, let = loop.silence(), loop.silence()
    for k in range(2):
        loop.add(drawn, k * period + 0.1, 0.45 * period, window, 0.45 * period, 0.35)
        loop.add(let, (k + 0.58) * period, 0.36 * period, window, 0.36 * period, 0.4)
    phase = loop.phase(flutter) + 0.8 * loop.wander(3.0)
    partials = np.arange(1.0, round(3000 / flutter), dtype=np.float64) * flutter
    tract = formants([(throat, 120, 1.0), (2.6 * throat, 250, 0.5), (5.5 * throat, 500, 0.25)])
    snore = harmonics(phase, tract(partials), flutter, loop.sample_rate)
    air = loop.noise(formants([(2.6 * throat, 500, 1.0), (2500, 1500, 0.5)]))
    return drawn * (snore + 0.5 * breath * air * (1 + np.sin(phase))) + 0.5 * breath * let * air
