"""Music: music box, piano and radio."""

import numpy as np

from avenv.sounds.loop import Loop, Signal, band, modes

_PENTATONIC = (0, 2, 4, 7, 9)
_PROGRESSIONS = (
    ((0, 4, 7), (-3, 0, 4), (-7, -3, 0), (-5, -1, 2)),
    ((0, 3, 7), (-4, 0, 3), (3, 7, 10), (-2, 2, 5)),
    ((0, 4, 7), (-5, -1, 2), (-3, 0, 4), (-7, -3, 0)),
)
"""Four chords each, in semitones from the root."""


def pitch_of(root: float, semitones: float) -> float:
    """Return the equal-tempered pitch in Hz this many semitones above ``root``."""
    return float(root * 2 ** (semitones / 12))


def string(t: Signal, frequency: float) -> Signal:
    """Return a struck piano string: two unison strings a little apart, so that it beats.

    Partials k f sqrt(1 + B k^2) with stiffness B (Fletcher 1964), weak where the hammer, at 0.12
    of the length, is near a node, and dying sooner the higher they are.
    """
    k = np.arange(1, 13)
    partials = k * frequency * np.sqrt(1 + 4e-4 * k**2)
    levels = np.abs(np.sin(np.pi * k * 0.12)) * k**-1.1
    decays = 1.2 / (1 + partials / 700)
    pair = np.concatenate([partials, 1.0009 * partials])
    return modes(t, pair, np.tile(levels, 2), np.tile(decays, 2), 2e-3)


def tine(t: Signal, frequency: float) -> Signal:
    """Return a plucked comb tooth: the modes of a bar clamped at one end."""
    ratios = np.array([1.0, 6.27, 17.55])
    return modes(t, frequency * ratios, (1.0, 0.12, 0.03), (0.8, 0.08, 0.02), 1e-3)


def plucked(t: Signal, frequency: float, decay: float) -> Signal:
    """Return a short pluck of ten harmonics, the higher the sooner gone."""
    k = np.arange(1, 11)
    return modes(t, k * frequency, 0.7**k, decay / np.sqrt(k), 3e-3)


def drum(t: Signal) -> Signal:
    """Return a bass drum: a pitch that falls to 70 Hz."""
    return np.exp(-t / 0.08) * np.sin(2 * np.pi * (70 * t - 6 * np.exp(-t / 0.02)))


def burst(t: Signal, decay: float) -> Signal:
    """Return the envelope of a hit."""
    return np.minimum(t / 1e-3, 1.0) * np.exp(-t / decay)


def music_box(loop: Loop) -> Signal:
    """Pluck a wandering pentatonic tune over a slow bass."""
    root, steps = loop.uniform(700, 1000), 4 * round(loop.seconds)
    scale = [12 * octave + s for octave in range(2) for s in _PENTATONIC]
    walk = np.cumsum(loop.rng.integers(-3, 4, steps))
    degree = np.minimum(walk % 18, -walk % 18)  # reflected at both ends of the scale
    tune = [pitch_of(root, scale[d]) for d in degree]
    out = loop.silence()
    for k in np.flatnonzero(loop.rng.random(steps) < 0.85):
        loop.add(out, k / 4, 2.0, tine, tune[k])
    for bar in range(0, steps, 4):
        bass = pitch_of(root / 2, scale[degree[bar] // 2])
        loop.add(out, bar / 4, 2.5, tine, bass, level=0.7)
    return out


def piano(loop: Loop) -> Signal:
    """Play broken chords, up and down."""
    root = loop.uniform(180, 290)
    chords = _PROGRESSIONS[int(loop.rng.integers(len(_PROGRESSIONS)))]
    bar = loop.seconds / len(chords)
    out = loop.silence()
    for k, (low, middle, high) in enumerate(chords):
        loop.add(out, k * bar, 2.0, string, pitch_of(root / 2, low))
        tones = (low, middle, high, low + 12, middle + 12, low + 12, high, middle)
        for j, tone in enumerate(tones):
            start, level = (k + j / len(tones)) * bar, loop.uniform(0.7, 1.0)
            loop.add(out, start, 1.6, string, pitch_of(root, tone), level=level)
    return out


def radio(loop: Loop) -> Signal:
    """Play a beat, a bass and chords through a small loudspeaker."""
    beats = 2 * round(loop.seconds * loop.uniform(0.8, 1.1))
    beat = loop.seconds / beats
    at = np.arange(beats) * beat
    quavers = np.concatenate([at, at + beat / 2])
    snare = loop.repeat(at[1::2], np.ones(beats // 2), 0.3, burst, 0.05)
    hat = loop.repeat(quavers, np.ones(2 * beats), 0.1, burst, 0.015)
    out = loop.repeat(at[::2], np.full(beats // 2, 1.2), 0.4, drum)
    out += 0.6 * snare * loop.noise(band(250, 5000, 1))
    out += 0.5 * hat * loop.noise(band(5000, 9000))
    chords = _PROGRESSIONS[int(loop.rng.integers(len(_PROGRESSIONS)))]
    root = loop.uniform(200, 300)
    for k, start in enumerate(at):
        chord = chords[k * len(chords) // beats]
        loop.add(out, start, 0.9, plucked, pitch_of(root / 2, chord[0]), 0.25, level=0.9)
        for tone in chord:
            loop.add(out, start + beat / 2, 0.7, plucked, pitch_of(root, tone), 0.15, level=0.8)
    return loop.filter(out, band(180, 5500))
