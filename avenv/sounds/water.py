"""Water: kettle, tap, shower, toilet, rain; and fire, which crackles as rain patters."""

import numpy as np

from avenv.sounds.loop import Loop, Signal, band, formants, harmonics, modes, window


def damping(radius: float) -> float:
    """Return the damping in 1/s of an air bubble of this radius in metres (van den Doel 2005)."""
    return 0.13 / radius + 0.0072 * radius**-1.5


def bubble(t: Signal, radius: float, rise: float) -> Signal:
    """Return the ring of an air bubble of this radius in metres, closed by its drop at t = 0.

    Minnaert's frequency 3.26 Hz m / r (1933); damping and a pitch that rises, the more so the
    greater ``rise``, as in van den Doel, Physically based models for liquid sounds (2005).
    """
    decay = damping(radius)
    phase = 2 * np.pi * 3.26 / radius * (t + 0.5 * rise * decay * t**2)
    return np.exp(-decay * t) * np.sin(phase)


def bubbles(loop: Loop, rate: float, smallest: float, largest: float) -> Signal:
    """Return ``rate`` bubbles a second of random radii in metres, the larger the louder."""
    count = round(rate * loop.seconds)
    starts = loop.rng.uniform(0, loop.seconds, count)
    radii = np.exp(loop.rng.uniform(np.log(smallest), np.log(largest), count))
    levels = loop.rng.exponential(radii / largest)
    out = loop.silence()
    for start, radius, level in zip(starts, radii, levels, strict=True):
        if 3.26 / radius < 0.4 * loop.sample_rate:
            loop.add(out, start, 5 / damping(radius), bubble, radius, 0.1, level=level)
    return out


def kettle(loop: Loop, *, pitch: float, interval: float, boil: float) -> Signal:
    """Whistle over the rumble of boiling water."""
    flutter = loop.wander(5.0)
    low = loop.phase(pitch) + 1.5 * flutter
    high = loop.phase(pitch * interval) - flutter
    tone = harmonics(low, (1.0, 0.18, 0.05), pitch, loop.sample_rate)
    tone += harmonics(high, (0.35,), pitch * interval, loop.sample_rate)
    steam = loop.noise(formants([(pitch, 400, 1.0)])) + 0.3 * loop.noise(band(2500, 7000))
    rumble = loop.noise(band(90, boil, 1)) * (1 + 0.4 * loop.wander(7.0))
    return (tone + 0.35 * steam) * (1 + 0.2 * loop.wander(1.0)) + 0.5 * rumble


def tap(loop: Loop, *, style: str, rate: float, size: float, splash: float) -> Signal:
    """Drip into the basin or run; ``size`` is that of the largest bubbles in millimetres."""
    if style == "runs":
        stream = loop.noise(band(400, splash, 1)) * (1 + 0.15 * loop.wander(9.0))
        return stream + 1.5 * bubbles(loop, 40 * rate, 0.25e-3 * size, 1.1e-3 * size)
    drops = round(loop.seconds * rate)
    starts = (np.arange(drops) + loop.rng.uniform(-0.08, 0.08, drops)) * loop.seconds / drops
    out = loop.silence()
    for start in starts:
        radius = 1e-3 * size * loop.uniform(0.5, 1.0)
        # The drop's impact first, then the bubble that it drags under.
        loop.add(out, start, 0.1, bubble, radius / 2.5, 0.0, level=0.25)
        loop.add(out, start + loop.uniform(0.015, 0.04), 0.3, bubble, radius, 0.3)
    return out


def shower(loop: Loop, *, spray: float, tray: float, patter: float) -> Signal:
    """Hiss with a hundred jets, and patter on the tray."""
    jets = loop.noise(band(900, spray, 1)) * (1 + 0.08 * loop.wander(8.0))
    floor = loop.noise(formants([(tray, 300, 1.0)]))
    return jets + 0.35 * floor + bubbles(loop, patter, 0.7e-3, 2.5e-3)


def toilet(loop: Loop, *, rush: float, gurgle: float, refill: float) -> Signal:
    """Flush: a rush that swells and ebbs, a gurgle as the bowl empties, the hiss of the cistern."""
    t = loop.t
    flush = np.minimum(t / 0.25, 1) * np.exp(-np.maximum(t - 1.2, 0) / 0.7)
    water = loop.noise(band(150, rush, 1)) * (1 + 0.25 * loop.wander(12.0)) * flush
    drain = window(t - 1.6, 1.8, 0.6) * np.maximum(0, np.sin(loop.phase(gurgle))) ** 2
    bowl = loop.noise(formants([(320, 120, 1.0), (750, 200, 0.6)])) * drain
    cistern = loop.noise(formants([(refill, 900, 1.0), (0.4 * refill, 300, 0.4)]))
    filling = window(t - 1.0, loop.seconds - 1.2, 1.0)
    return water + 0.9 * bowl + 0.12 * cistern * filling + 2 * flush * bubbles(loop, 80, 1e-3, 5e-3)


def rain(loop: Loop, *, density: float, pane: float, hiss: float) -> Signal:
    """Fall on a window: single drops knock at the pane over the hiss of the many."""
    count = round(density * loop.seconds)
    starts = loop.rng.uniform(0, loop.seconds, count)
    levels = np.minimum(loop.rng.exponential(1.0, count), 3.5)
    out = 0.5 * loop.noise(band(1200, hiss, 1)) * (1 + 0.1 * loop.wander(2.0))
    for k in range(3):  # three places of the pane, each with its own ring
        tones = pane * (0.8 + 0.35 * k) * np.array([1.0, 2.2, 3.9])
        out += loop.repeat(
            starts[k::3], levels[k::3], 0.08, modes, tones, (1.0, 0.7, 0.4), (8e-3, 5e-3, 3e-3)
        )
    return out


def fireplace(loop: Loop, *, crackle: float, snap: float, roar: float) -> Signal:
    """Crackle: wood snaps at random, in flurries, over the flames' soft roar."""
    count = round(crackle * loop.seconds)
    flurry = loop.rng.uniform(0, loop.seconds, 1 + count // 6)
    starts = loop.rng.choice(flurry, count) + loop.rng.exponential(0.12, count)
    levels = np.minimum(loop.rng.pareto(1.6, count) + 0.1, 1.2)
    flames = loop.noise(band(60, roar, 1)) * (1 + 0.35 * loop.wander(5.0))
    out = 0.13 * flames
    for k in range(4):
        tones = snap * (0.6 + 0.3 * k) * np.array([1.0, 1.8, 3.1])
        decays = np.array([5e-3, 3e-3, 2e-3])
        out += loop.repeat(
            starts[k::4], levels[k::4], 0.04, modes, tones, (1.0, 0.9, 0.8), decays, 2e-4
        )
    return out


def frying_pan(loop: Loop, *, sizzle: float, spit: float) -> Signal:
    """Sizzle: steam hisses out of countless small bursts, and fat spits."""
    count = round(90 * spit * loop.seconds)
    pops = loop.repeat(
        loop.rng.uniform(0, loop.seconds, count), loop.rng.exponential(1.0, count) + 0.2,
        0.02, modes, sizzle * np.array([0.6, 1.0, 1.4]), (0.5, 1.0, 0.6), 1.2e-3, 2e-4,
    )  # fmt: skip
    hiss = loop.noise(formants([(sizzle, 4500, 1.0)])) * (1 + 0.25 * loop.wander(18.0))
    return hiss * (1 + 0.2 * loop.wander(0.8)) + 0.35 * pops
