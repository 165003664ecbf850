"""Music: music box, piano, guitar, flute, wind chime and radio."""

import numpy as np

from avenv.sounds.bodies import bar
from avenv.sounds.loop import Loop, Signal, band, formants, harmonics, modes, window
from avenv.sounds.tunes import PROGRESSIONS, TUNES, semitones

_TINE = np.array([1.0, 6.267, 17.55])
"""Modes of a bar clamped at one end, relative to the first."""


def string(t: Signal, frequency: float, hammer: float = 0.12) -> Signal:
    """Return a struck piano string: two unison strings a little apart, so that it beats.

    Partials k f sqrt(1 + B k^2) with stiffness B (Fletcher 1964), weak where the hammer, at this
    part of the length, is near a node, and dying sooner the higher they are. The bass has less
    fundamental and a knock of the sound board goes with each note.
    """
    k = np.arange(1, 15)
    partials = k * frequency * np.sqrt(1 + 4e-4 * k**2)
    body = 1 / (1 + (120 / partials) ** 2)  # the sound board radiates little below 120 Hz
    levels = np.abs(np.sin(np.pi * k * hammer)) * k**-0.9 * body
    decays = 1.6 / (1 + partials / 600)
    pair = np.concatenate([partials, 1.0009 * partials])
    note = modes(t, pair, np.tile(levels, 2), np.tile(decays, 2), 2e-3)
    return note + modes(t, (110, 180, 320), (0.25, 0.2, 0.12), (0.05, 0.035, 0.02), 3e-3)


def tine(t: Signal, frequency: float) -> Signal:
    """Return a plucked comb tooth: the modes of a bar clamped at one end."""
    return modes(t, frequency * _TINE, (1.0, 0.12, 0.03), (0.8, 0.08, 0.02), 1e-3)


def plucked(t: Signal, frequency: float, decay: float, place: float = 0.22) -> Signal:
    """Return a string plucked at this part of its length, the higher harmonics the sooner gone."""
    k = np.arange(1, 17)
    levels = np.abs(np.sin(np.pi * k * place)) / k
    return modes(t, k * frequency, levels, decay / k**0.7, 2e-3)


def drum(t: Signal) -> Signal:
    """Return a bass drum: a pitch that falls to 70 Hz."""
    return np.exp(-t / 0.08) * np.sin(2 * np.pi * (70 * t - 6 * np.exp(-t / 0.02)))


def burst(t: Signal, decay: float) -> Signal:
    """Return the envelope of a hit."""
    return np.minimum(t / 1e-3, 1.0) * np.exp(-t / decay)


def music_box(loop: Loop, *, tune: str, root: float, pace: float, uneven: float) -> Signal:
    """Pluck a tune in two voices, as evenly as the spring lets it."""
    notes = TUNES[tune]
    beat = loop.seconds / sum(length for _, length in notes) / pace
    out, at = loop.silence(), 0.0
    for k, (note, length) in enumerate(notes):
        if note is not None:
            start = at * beat + loop.uniform(0, uneven)
            loop.add(out, start, 2.0, tine, root * semitones(note))
            if k % 2 == 0:
                loop.add(out, start, 2.5, tine, root / 2 * semitones(note - 5), level=0.5)
        at += length
    return out


def piano(loop: Loop, *, style: str, tune: str, harmony: str, root: float) -> Signal:
    """Play broken chords up and down, or a tune with a bass."""
    out = loop.silence()
    if style == "tune":
        notes = TUNES[tune]
        beat, at = loop.seconds / sum(length for _, length in notes), 0.0
        for k, (note, length) in enumerate(notes):
            if note is not None:
                level = loop.uniform(0.75, 1.0)
                seconds = max(0.6, 1.5 * length * beat)
                loop.add(
                    out, at * beat, seconds, _damped, root * semitones(note), seconds, level=level
                )
                if k % 4 == 0:
                    low = root / 4 * semitones(note)
                    loop.add(out, at * beat, 1.8, _damped, low, 1.8, level=0.8)
            at += length
        return out
    chords = PROGRESSIONS[harmony]
    bar_length = loop.seconds / len(chords)
    for k, (low, middle, high) in enumerate(chords):
        bass = root / 2 * semitones(low)
        loop.add(out, k * bar_length, 2.0, _damped, bass, 2.0, level=0.9)
        tones = (low, middle, high, low + 12, middle + 12, low + 12, high, middle)
        for j, tone in enumerate(tones):
            start, level = (k + j / len(tones)) * bar_length, loop.uniform(0.7, 1.0)
            loop.add(out, start, 1.6, _damped, root * semitones(tone), 1.6, level=level)
    return out


def _damped(t: Signal, frequency: float, seconds: float) -> Signal:
    """Return a piano note that the damper ends."""
    return string(t, frequency) * np.clip((seconds - t) / 0.12, 0.0, 1.0)


def guitar(loop: Loop, *, style: str, harmony: str, root: float, place: float) -> Signal:
    """Strum chords down and up, or pick them note by note, on a wooden box."""
    chords = PROGRESSIONS[harmony]
    length = loop.seconds / len(chords)
    strokes = (0, 2, 3, 5, 6, 7) if style == "strummed" else range(8)
    out = loop.silence()
    for k, chord in enumerate(chords):
        strings = [chord[0] - 12, *chord, chord[0] + 12, chord[1] + 12]
        for j, stroke in enumerate(strokes):
            start = (k + stroke / 8) * length
            picked = strings if style == "strummed" else [strings[(0, 2, 3, 4, 5, 4, 3, 2)[stroke]]]
            order = picked if stroke % 2 == 0 else picked[::-1]
            for n, tone in enumerate(order):
                level = loop.uniform(0.7, 1.0) * (1.0 if j == 0 else 0.75)
                pitch = root * semitones(tone)
                loop.add(out, start + 0.012 * n, 1.4, plucked, pitch, 0.9, place, level=level)
    box = loop.filter(out, formants([(105, 50, 0.4), (210, 80, 0.3)]))
    return loop.filter(out, band(120, 5000, 1)) + box


def flute(loop: Loop, *, tune: str, root: float, breath: float, vibrato: float) -> Signal:
    """Blow a tune: few harmonics, a breath of noise, and vibrato on the long notes."""
    notes = TUNES[tune]
    beat, at = loop.seconds / sum(length for _, length in notes), 0.0
    out, air = loop.silence(), loop.silence()
    for note, length in notes:
        if note is not None:
            seconds = 0.92 * length * beat
            loop.add(out, at * beat, seconds, _blown, root * semitones(note), seconds, vibrato)
            loop.add(air, at * beat, seconds, window, seconds, 0.05)
        at += length
    return out + breath * air * loop.noise(band(root, 6 * root, 1))


def _blown(t: Signal, pitch: float, seconds: float, vibrato: float) -> Signal:
    swing = np.clip((t - 0.2) / 0.3, 0, 1) * np.sin(2 * np.pi * vibrato * t)
    phase = 2 * np.pi * pitch * t + 0.004 * pitch / vibrato * swing
    tone = harmonics(phase, (1.0, 0.35, 0.12, 0.04), pitch, 1 / (t[1] - t[0]))
    return tone * window(t, seconds, 0.05) * (1 + 0.12 * swing)


def wind_chime(loop: Loop, *, style: str, root: float, wind: float) -> Signal:
    """Sway: a clapper strikes one or another of five hanging tubes, in gusts."""
    count = round(wind * loop.seconds)
    gusts = loop.rng.uniform(0, loop.seconds, 3)
    starts = loop.rng.choice(gusts, count) + loop.rng.normal(0, 0.5, count)
    ratios = bar(1.0, 1.0, 1.0, 5)
    ratios = ratios / ratios[0]
    # Bamboo is dead after a tenth of a second, brass rings for two.
    lasting = (0.09 if style == "bamboo" else 2.2) / np.sqrt(ratios)
    levels = np.array([1.0, 0.6, 0.3, 0.12, 0.05])
    forces, tubes = loop.rng.uniform(0.2, 1.0, count), loop.rng.integers(0, 5, count)
    out = loop.silence()
    for k, step in enumerate((0, 2, 4, 7, 9)):
        tones = root * semitones(step) * ratios
        struck = tubes == k
        out += loop.repeat(
            starts[struck], forces[struck], 4 * lasting[0], modes, tones, levels, lasting, 5e-4
        )
    return out


def radio(loop: Loop, *, harmony: str, root: float, tempo: float, treble: float) -> Signal:
    """Play a beat, a bass and chords through a small loudspeaker."""
    beats = 2 * round(loop.seconds * tempo / 2)
    beat = loop.seconds / beats
    at = np.arange(beats) * beat
    quavers = np.concatenate([at, at + beat / 2])
    snare = loop.repeat(at[1::2], np.ones(beats // 2), 0.3, burst, 0.05)
    hat = loop.repeat(quavers, np.ones(2 * beats), 0.1, burst, 0.015)
    out = loop.repeat(at[::2], np.full(beats // 2, 1.2), 0.4, drum)
    out += 0.6 * snare * loop.noise(band(250, 5000, 1))
    out += 0.5 * hat * loop.noise(band(5000, 9000))
    chords = PROGRESSIONS[harmony]
    for k, start in enumerate(at):
        chord = chords[k * len(chords) // beats]
        bass = root / 2 * semitones(chord[0])
        loop.add(out, start, 0.9, plucked, bass, 0.3, level=0.9)
        for tone in chord:
            pitch = root * semitones(tone)
            loop.add(out, start + beat / 2, 0.7, plucked, pitch, 0.25, level=0.7)
    return loop.filter(out, band(180, treble))
