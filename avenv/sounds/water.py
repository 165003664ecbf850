"""Water: kettle, tap and shower."""

import numpy as np

from avenv.sounds.loop import Loop, Signal, band, formants, harmonics


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


def kettle(loop: Loop) -> Signal:
    """Whistle over the rumble of boiling water."""
    pitch, interval = loop.uniform(1900, 2900), loop.uniform(1.12, 1.3)
    flutter = loop.wander(5.0)
    low = loop.phase(pitch) + 1.5 * flutter
    high = loop.phase(pitch * interval) - flutter
    tone = harmonics(low, (1.0, 0.18, 0.05), pitch, loop.sample_rate)
    tone += harmonics(high, (0.35,), pitch * interval, loop.sample_rate)
    steam = loop.noise(formants([(pitch, 400, 1.0)])) + 0.3 * loop.noise(band(2500, 7000))
    boil = loop.noise(band(90, 500, 1)) * (1 + 0.4 * loop.wander(7.0))
    return (tone + 0.35 * steam) * (1 + 0.2 * loop.wander(1.0)) + 0.5 * boil


def tap(loop: Loop) -> Signal:
    """Drip into the basin or run, by turns."""
    if loop.variant % 2:
        stream = loop.noise(band(400, loop.uniform(2500, 5000), 1)) * (1 + 0.15 * loop.wander(9.0))
        return stream + 1.5 * bubbles(loop, 80, 0.8e-3, 4e-3)
    drops = round(loop.seconds * loop.uniform(1.2, 2.5))
    starts = (np.arange(drops) + loop.rng.uniform(-0.08, 0.08, drops)) * loop.seconds / drops
    out = loop.silence()
    for start in starts:
        radius = loop.uniform(1.6e-3, 3.5e-3)
        # The drop's impact first, then the bubble that it drags under.
        loop.add(out, start, 0.1, bubble, radius / 2.5, 0.0, level=0.25)
        loop.add(out, start + loop.uniform(0.015, 0.04), 0.3, bubble, radius, 0.3)
    return out


def shower(loop: Loop) -> Signal:
    """Hiss with a hundred jets, and patter on the tray."""
    jets = loop.noise(band(900, loop.uniform(4500, 7500), 1)) * (1 + 0.08 * loop.wander(8.0))
    tray = loop.noise(formants([(loop.uniform(250, 500), 300, 1.0)]))
    return jets + 0.35 * tray + bubbles(loop, 90, 0.7e-3, 2.5e-3)
