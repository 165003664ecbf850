"""Things that tick: clock, cuckoo clock, kitchen timer."""

import numpy as np

from avenv.sounds.loop import Loop, Signal, band, modes, window
from avenv.sounds.signals import hammered


def ticks(loop: Loop, beats: int, case: float, gear: float, tock: float, drop: float) -> Signal:
    """Return ``beats`` strokes of an escapement: two clicks each, every other one lower."""
    starts = np.arange(beats) * loop.seconds / beats
    frequencies = np.array([case, 2.3 * case, gear, 1.7 * gear, 2.6 * gear])
    amplitudes, decays = (0.6, 0.4, 1.0, 0.7, 0.4), (0.02, 0.012, 0.006, 0.004, 0.003)
    out = loop.silence()
    for k, f in enumerate((frequencies, tock * frequencies)):
        clicks = np.concatenate([starts[k::2], starts[k::2] + drop])
        levels = np.repeat([0.5, 1.0], beats // 2)
        out += loop.repeat(clicks, levels, 0.15, modes, f, amplitudes, decays, 3e-4)
    return out


def clock(loop: Loop, *, rate: float, case: float, gear: float, tock: float, drop: float) -> Signal:
    """Tick and tock: each stroke of the escapement is two clicks in a small wooden case."""
    return ticks(loop, 2 * round(rate * loop.seconds / 2), case, gear, tock, drop)


def cuckoo(t: Signal, pitch: float) -> Signal:
    """Return one note of a stopped pipe: an octave and a fifth above its pitch, nothing between."""
    swell = window(t, 0.42, 0.06)
    return swell * (np.sin(2 * np.pi * pitch * t) + 0.12 * np.sin(6 * np.pi * pitch * t))


def cuckoo_clock(loop: Loop, *, pitch: float, third: float, calls: int, case: float) -> Signal:
    """Call a falling third a few times, with the bellows' breath, over the ticking."""
    starts = 0.4 + 1.5 * np.arange(calls)
    out, breath = loop.silence(), loop.silence()
    for start in starts:
        for delay, note in ((0.0, pitch), (0.5, pitch / third)):
            loop.add(out, start + delay, 0.42, cuckoo, note)
            loop.add(breath, start + delay, 0.42, window, 0.42, 0.06)
    out += 0.1 * breath * loop.noise(band(0.8 * pitch, 4 * pitch))
    return out + 0.5 * ticks(loop, 2 * round(1.2 * loop.seconds), case, 2100, 0.85, 0.01)


def kitchen_timer(loop: Loop, *, rate: float, bell: float, ring: float) -> Signal:
    """Tick fast, then ring a small bell until the spring is spent."""
    until = loop.seconds - 2.2
    out = ticks(loop, 2 * round(rate * loop.seconds / 2), 900, 3100, 0.95, 0.004)
    out *= window(loop.t, until, 0.02)
    strokes = until + np.cumsum(np.linspace(1, 1.7, round(1.3 * ring)) / ring)
    return 0.5 * out + hammered(loop, strokes, bell, 1.01)


def metronome(loop: Loop, *, beats: int, bar: int, case: float) -> Signal:
    """Click evenly, with a bell on the first beat of every bar."""
    whole = bar * round(beats / bar)
    starts = np.arange(whole) * loop.seconds / whole
    wood = case * np.array([1.0, 1.7, 2.6, 4.1])
    out = loop.repeat(
        starts, np.ones(whole), 0.2, modes, wood, (1.0, 0.8, 0.5, 0.3), (0.03, 0.02, 0.012, 0.008)
    )
    tones = 2.4 * case * np.array([1.0, 2.76])
    accents = starts[::bar]
    return out + loop.repeat(
        accents, np.ones(len(accents)), 1.0, modes, tones, (0.5, 0.2), (0.3, 0.12)
    )
