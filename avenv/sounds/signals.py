"""Things that call for attention: phone, alarms, doorbell, beacon."""

import numpy as np

from avenv.sounds.loop import Loop, Signal, harmonics, modes, odd, window
from avenv.sounds.tunes import TUNES, semitones

_GONG = ((1.0, 2.76, 5.40, 8.93), (1.0, 0.6, 0.35, 0.15), (0.9, 0.5, 0.25, 0.12))
_MARIMBA = ((1.0, 3.93, 9.5), (1.0, 0.25, 0.06), (0.25, 0.08, 0.03))
_TUBE = ((1.0, 2.0, 3.0, 4.24, 5.4), (1.0, 0.5, 0.25, 0.2, 0.08), (1.3, 0.9, 0.6, 0.35, 0.2))
"""Bodies: ratios of the modes to the first, amplitudes, decay times in seconds.

A thin gong rings near the ratios of a free bar, a marimba bar is cut so that its second mode lies
two octaves up, tubular chimes are near-harmonic (Fletcher & Rossing, The Physics of Musical
Instruments, 1998, chapters 2, 19 and 20).
"""

_CADENCES = {
    "american": ((0.0, 2.0),),
    "british": ((0.0, 0.4), (0.6, 0.4), (3.0, 0.4), (3.6, 0.4)),
    "german": ((0.0, 1.0),),
    "brisk": ((0.0, 1.0), (2.0, 1.0), (4.0, 1.0)),
}
"""Ringing patterns of a six-second loop: (start, seconds) of each ring."""

_CHIMES = {
    "ding_dong": ((0.0, 4), (0.7, 0)),
    "four_notes": ((0.0, 4), (0.6, 0), (1.2, 2), (1.8, -5)),
    "three_notes": ((0.0, 0), (0.5, 4), (1.0, 7)),
}
"""Tunes of a doorbell: (start in seconds, semitones above the root)."""


def struck(t: Signal, body: tuple, frequency: float) -> Signal:
    """Return the sound of one stroke on a body whose first mode is at ``frequency`` Hz."""
    ratios, amplitudes, decays = body
    return modes(t, frequency * np.asarray(ratios), amplitudes, decays)


def beep(t: Signal, seconds: float, frequency: float, amplitudes: Signal) -> Signal:
    """Return one electronic beep of these harmonics with soft edges."""
    tone = harmonics(2 * np.pi * frequency * t, amplitudes, frequency, 1 / (t[1] - t[0]))
    return tone * window(t, seconds, 0.006)


def warble(t: Signal, seconds: float, low: float, high: float, rate: float) -> Signal:
    """Return a tone that jumps between two pitches ``rate`` times a second."""
    step = t[1] - t[0]
    pitch = (low + high) / 2 + (high - low) / 2 * np.tanh(3 * np.sin(2 * np.pi * rate * t))
    phase = 2 * np.pi * np.cumsum(pitch) * step
    return harmonics(phase, odd(7, 1.5), high, 1 / step) * window(t, seconds)


def sweep(t: Signal, seconds: float, low: float, high: float) -> Signal:
    """Return a tone that rises evenly in octaves from ``low`` to ``high``."""
    octaves = np.log2(high / low)
    phase = 2 * np.pi * low * seconds / (octaves * np.log(2)) * (2 ** (octaves * t / seconds) - 1)
    return harmonics(phase, (1.0, 0.0, 0.15), high, 1 / (t[1] - t[0])) * window(t, seconds)


def phone(
    loop: Loop, *, style: str, cadence: str, tuning: float, rate: float, interval: float
) -> Signal:
    """Ring: a mechanical bell, an electronic warble, or notes or a tune on a marimba."""
    rings = _CADENCES[cadence]
    if style == "bell":
        strokes = np.concatenate([start + np.arange(0, d, 1 / (1.3 * rate)) for start, d in rings])
        return hammered(loop, strokes, 1100 * tuning, interval)
    out = loop.silence()
    if style == "warble":
        low = 950 * tuning
        for start, seconds in rings:
            loop.add(out, start, seconds, warble, seconds, low, 1.1 * interval * low, rate)
        return out
    step = 2.1 / rate
    riff = _GRAND_WALTZ if style == "waltz" else loop.rng.choice([0, 2, 4, 7, 9, 12], 4)
    for start, seconds in rings:
        for k in range(int(seconds / step)):
            pitch = 620 * tuning * semitones(riff[k % len(riff)])
            loop.add(out, start + k * step, 0.9, struck, _MARIMBA, pitch)
    return out


_GRAND_WALTZ = (12, 10, 2, 4, 9, 7, -2, 0)
"""The runs of Tarrega's Gran Vals (1902), in semitones."""


def hammered(loop: Loop, strokes: Signal, pitch: float, interval: float) -> Signal:
    """Return strokes that fall by turns on two gongs, tuned ``interval`` apart."""
    levels = loop.rng.uniform(0.8, 1.0, len(strokes))
    first = loop.repeat(strokes[::2], levels[::2], 2.5, struck, _GONG, pitch)
    second = loop.repeat(strokes[1::2], levels[1::2], 2.5, struck, _GONG, pitch * interval)
    return first + second


def alarm_clock(loop: Loop, *, style: str, tuning: float, beeps: int, interval: float) -> Signal:
    """Beep in groups, hammer two bells, or climb a chord once a second."""
    if style == "bells":
        strokes = np.arange(0, 0.8 * loop.seconds, 1 / (10 + 1.3 * beeps))
        return hammered(loop, strokes, 1800 * tuning, interval)
    seconds, pitch = 0.3 / beeps, 2100 * tuning
    second = np.arange(round(loop.seconds))
    if style == "climbing":
        notes = (loop.repeat(second + 0.2 * k, np.ones(len(second)), 0.17, beep, 0.17,
                             pitch / 2 * semitones(s), odd(5, 2.0))
                 for k, s in enumerate((0, 4, 7, 12)))  # fmt: skip
        return np.sum(list(notes), axis=0)
    starts = (second[:, None] + 0.5 / beeps * np.arange(beeps)).ravel()
    return loop.repeat(starts, np.ones(len(starts)), seconds, beep, seconds, pitch, odd(9))


def smoke_alarm(loop: Loop, *, style: str, tuning: float) -> Signal:
    """Sound the temporal-three pattern of ISO 8201: three half-second pulses, then a pause.

    The pitch is that of a piezo disc near 3.1 kHz, or the 520 Hz square wave that wakes sleepers
    better (NFPA 72).
    """
    pitch, tone = (520 * tuning, odd(13)) if style == "sounder" else (3100 * tuning, _PIEZO)
    return loop.repeat((0.0, 1.0, 2.0), np.ones(3), 0.5, beep, 0.5, pitch, tone)


def gas_alarm(loop: Loop, *, pitch: float, pause: float) -> Signal:
    """Sound the temporal-four pattern of carbon-monoxide alarms: four tenths of a second, a pause.

    (UL 2034: 0.1 s on and 0.1 s off four times, then 5 s of silence, shorter as an early warning.)
    """
    groups = max(1, round(loop.seconds / (0.7 + pause)))
    starts = np.arange(groups)[:, None] * loop.seconds / groups + 0.2 * np.arange(4)
    return loop.repeat(starts.ravel(), np.ones(4 * groups), 0.1, beep, 0.1, pitch, _PIEZO)


_PIEZO = np.array([1.0, 0.15, 0.1])


def doorbell(loop: Loop, *, style: str, tuning: float, resonance: float) -> Signal:
    """Chime two, three or four notes on tubes, or buzz."""
    if style == "buzzer":
        return _buzzer(loop, 110 * tuning, resonance)
    out = loop.silence()
    for start, semitone in _CHIMES[style]:
        loop.add(out, start, 3.2, struck, _TUBE, 580 * tuning * semitones(semitone))
    return out


def _buzzer(loop: Loop, mains: float, resonance: float) -> Signal:
    """Rattle an armature at the mains' rate: every harmonic, strongest near its own resonance."""
    k = np.arange(1, 40)
    amplitudes = 1 / (1 + ((k * mains - resonance) / 500) ** 2) + 0.4 / k
    return loop.repeat((0.0, 1.2), np.ones(2), 0.8, beep, 0.8, mains, amplitudes)


def beacon(loop: Loop, *, style: str, low: float, octaves: float, rate: float) -> Signal:
    """Guide someone: rising sweeps, or pings like a ship's sonar."""
    count = round(rate * loop.seconds)
    starts = np.arange(count) * loop.seconds / count
    if style == "sweep":
        high, seconds = low * 2**octaves, 0.45 / rate
        return loop.repeat(starts, np.ones(count), seconds, sweep, seconds, low, high)
    return loop.repeat(starts, np.ones(count), 1.2, modes, 2 * low, 1.0, 0.25, 4e-3)


def chirp(loop: Loop, *, low: float, octaves: float) -> Signal:
    """Sweep once through all that echoes well, in 50 ms: what a robot sounds a room out with."""
    out = loop.silence()
    loop.add(out, 0.0, 0.05, sweep, 0.05, low, low * 2**octaves)
    return out


def toy(loop: Loop, *, tune: str, tuning: float, pace: float) -> Signal:
    """Play a tune of bare square waves, as cheap electronic toys do."""
    notes = TUNES[tune]
    beat = loop.seconds / sum(length for _, length in notes) / pace
    out, start = loop.silence(), 0.0
    for semitone, length in notes:
        if semitone is not None:
            seconds = 0.85 * length * beat
            pitch = 880 * tuning * semitones(semitone)
            loop.add(out, start, seconds, beep, seconds, pitch, odd(9, 1.2))
        start += length * beat
    return out
