"""Things that call for attention: phone, alarm clock, smoke alarm, doorbell, clock."""

import numpy as np

from avenv.sounds.loop import Loop, Signal, harmonics, modes, odd, window

_GONG = ((1.0, 2.76, 5.40, 8.93), (1.0, 0.6, 0.35, 0.15), (0.9, 0.5, 0.25, 0.12))
_MARIMBA = ((1.0, 3.93, 9.5), (1.0, 0.25, 0.06), (0.25, 0.08, 0.03))
_TUBE = ((1.0, 2.0, 3.0, 4.24, 5.4), (1.0, 0.5, 0.25, 0.2, 0.08), (1.3, 0.9, 0.6, 0.35, 0.2))
"""Bodies: ratios of the modes to the first, amplitudes, decay times in seconds.

A thin gong rings near the ratios of a free bar, a marimba bar is cut so that its second mode lies
two octaves up, tubular chimes are near-harmonic (Fletcher & Rossing, The Physics of Musical
Instruments, 1998, chapters 2, 19 and 20).
"""

_CADENCES = (
    ((0.0, 2.0),),
    ((0.0, 0.4), (0.6, 0.4), (3.0, 0.4), (3.6, 0.4)),
    ((0.0, 1.0), (2.0, 1.0), (4.0, 1.0)),
)
"""Ringing patterns of a six-second loop: (start, seconds) of each ring."""

_CHIMES = (((0.0, 4), (0.7, 0)), ((0.0, 4), (0.6, 0), (1.2, 2), (1.8, -5)))
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


def phone(loop: Loop) -> Signal:
    """Ring: a mechanical bell, an electronic warble or a marimba ringtone, by turns."""
    styles = (_bell_phone, _warble_phone, _marimba_phone)
    cadence = _CADENCES[int(loop.rng.integers(len(_CADENCES)))]
    return styles[loop.variant % len(styles)](loop, cadence)


def _bell_phone(loop: Loop, cadence: tuple) -> Signal:
    clapper = loop.uniform(18, 26)  # strokes a second
    strokes = np.concatenate([start + np.arange(0, d, 1 / clapper) for start, d in cadence])
    return hammered(loop, strokes, loop.uniform(900, 1400), loop.uniform(1.06, 1.25))


def hammered(loop: Loop, strokes: Signal, pitch: float, interval: float) -> Signal:
    """Return strokes that fall by turns on two gongs, tuned ``interval`` apart."""
    levels = loop.rng.uniform(0.8, 1.0, len(strokes))
    first = loop.repeat(strokes[::2], levels[::2], 2.5, struck, _GONG, pitch)
    second = loop.repeat(strokes[1::2], levels[1::2], 2.5, struck, _GONG, pitch * interval)
    return first + second


def _warble_phone(loop: Loop, cadence: tuple) -> Signal:
    low = loop.uniform(700, 1300)
    high = low * loop.uniform(1.15, 1.35)
    rate = loop.uniform(11, 22)
    out = loop.silence()
    for start, seconds in cadence:
        loop.add(out, start, seconds, warble, seconds, low, high, rate)
    return out


def _marimba_phone(loop: Loop, cadence: tuple) -> Signal:
    root, step = loop.uniform(520, 700), 0.13
    riff = root * 2 ** (loop.rng.choice([0, 2, 4, 7, 9, 12], 4) / 12)
    out = loop.silence()
    for start, seconds in cadence:
        for k in range(int(seconds / step)):
            loop.add(out, start + k * step, 0.9, struck, _MARIMBA, riff[k % len(riff)])
    return out


def alarm_clock(loop: Loop) -> Signal:
    """Beep in groups of four, or hammer two bells, by turns."""
    if loop.variant % 2:
        strokes = np.arange(0, 0.8 * loop.seconds, 1 / loop.uniform(13, 18))
        return hammered(loop, strokes, loop.uniform(1500, 2100), 1.08)
    pitch, seconds = loop.uniform(1700, 2700), loop.uniform(0.06, 0.09)
    starts = (np.arange(round(loop.seconds))[:, None] + 0.125 * np.arange(4)).ravel()
    return loop.repeat(starts, np.ones(len(starts)), seconds, beep, seconds, pitch, odd(9))


def smoke_alarm(loop: Loop) -> Signal:
    """Sound the temporal-three pattern of ISO 8201: three half-second pulses, then a pause.

    The pitch is that of a piezo disc near 3.1 kHz or, by turns, the 520 Hz square wave that wakes
    sleepers better (NFPA 72).
    """
    if loop.variant % 2:
        pitch, tone = loop.uniform(500, 540), odd(13)
    else:
        pitch, tone = loop.uniform(2900, 3400), np.array([1.0, 0.15, 0.1])
    return loop.repeat((0.0, 1.0, 2.0), np.ones(3), 0.5, beep, 0.5, pitch, tone)


def doorbell(loop: Loop) -> Signal:
    """Chime ding-dong, chime four notes, or buzz, by turns."""
    style = loop.variant % 3
    if style == 2:
        return _buzzer(loop)
    root = loop.uniform(480, 700)
    out = loop.silence()
    for start, semitones in _CHIMES[style]:
        loop.add(out, start, 3.2, struck, _TUBE, root * 2 ** (semitones / 12))
    return out


def _buzzer(loop: Loop) -> Signal:
    """Rattle an armature at the mains' rate: every harmonic, strongest near its own resonance."""
    mains, resonance = loop.uniform(98, 122), loop.uniform(700, 1500)
    k = np.arange(1, 40)
    amplitudes = 1 / (1 + ((k * mains - resonance) / 500) ** 2) + 0.4 / k
    return loop.repeat((0.0, 1.2), np.ones(2), 0.8, beep, 0.8, mains, amplitudes)


def clock(loop: Loop) -> Signal:
    """Tick and tock: each stroke of the escapement is two clicks in a small wooden case."""
    beats = 2 * round(loop.seconds * loop.uniform(0.6, 2.2))
    starts = np.arange(beats) * loop.seconds / beats
    case, gear = loop.uniform(250, 700), loop.uniform(1800, 2600)
    tock, drop = loop.uniform(0.78, 0.9), loop.uniform(0.007, 0.015)
    frequencies = np.array([case, 2.3 * case, gear, 1.7 * gear, 2.6 * gear])
    amplitudes, decays = (0.6, 0.4, 1.0, 0.7, 0.4), (0.02, 0.012, 0.006, 0.004, 0.003)
    out = loop.silence()
    for k, f in enumerate((frequencies, tock * frequencies)):
        clicks = np.concatenate([starts[k::2], starts[k::2] + drop])
        levels = np.repeat([0.5, 1.0], beats // 2)
        out += loop.repeat(clicks, levels, 0.15, modes, f, amplitudes, decays, 3e-4)
    return out
