"""Motors, fans and transformers: fan, washing machine, vacuum cleaner, microwave, fridge."""

import numpy as np
from numpy.typing import ArrayLike

from avenv.sounds.loop import Loop, Signal, band, formants, geometric, harmonics, modes, window
from avenv.sounds.signals import beep


def hum(loop: Loop, frequency: float, amplitudes: ArrayLike, wobble: float = 0.0) -> Signal:
    """Return a steady harmonic tone; ``wobble`` is its slow phase drift in radians."""
    phase = loop.phase(frequency)
    if wobble:
        phase = phase + wobble * loop.wander(2.0)
    return harmonics(phase, amplitudes, frequency, loop.sample_rate)


def mains(loop: Loop) -> float:
    """Draw the rate in Hz at which iron hums: twice the mains frequency of the country."""
    return 2 * (50.0, 60.0)[int(loop.rng.integers(2))]


def fan(loop: Loop) -> Signal:
    """Whirr: wind noise that swells with each passing blade, over the blades' own tone."""
    blades = loop.uniform(55, 120)  # passing blades a second
    wind = loop.noise(band(80, loop.uniform(500, 1300), 1))
    beat = 1 + 0.35 * np.sin(loop.phase(blades)) + 0.15 * loop.wander(1.5)
    return wind * beat + hum(loop, blades, geometric(0.3, 0.6, 8), 0.4)


def washing_machine(loop: Loop) -> Signal:
    """Tumble: water slaps and laundry thuds once a turn, over a humming motor."""
    turn = loop.whole(loop.uniform(0.6, 1.1))
    slap = np.maximum(0, np.sin(2 * np.pi * turn * loop.t)) ** 3
    water = loop.noise(band(200, loop.uniform(1200, 2200), 1)) * (0.25 + 1.1 * slap)
    motor = hum(loop, mains(loop), (0.35, 0.2, 0.1, 0.12, 0.05), 0.3)
    whine = hum(loop, loop.uniform(380, 760), geometric(0.22, 0.55, 6), 2.0)
    starts = (np.arange(round(turn * loop.seconds)) + 0.35) / turn
    starts = starts + loop.rng.uniform(-0.05, 0.05, len(starts))
    drum = loop.uniform(55, 90) * np.array([1.0, 2.1, 3.7])
    levels = loop.rng.uniform(0.6, 1.2, len(starts))
    decays = (0.12, 0.07, 0.04)
    thuds = loop.repeat(starts, levels, 0.6, modes, drum, (2.0, 1.0, 0.5), decays, 4e-3)
    return water + motor + whine + thuds


def vacuum_cleaner(loop: Loop) -> Signal:
    """Roar: broad air noise and the whine of a fast commutator motor."""
    whine = loop.uniform(420, 720)
    air = loop.noise(band(250, loop.uniform(2500, 5000), 1))
    nozzle = loop.noise(formants([(loop.uniform(600, 1100), 350, 1.0)]))
    tone = hum(loop, whine, (0.45, 0.3, 0.12, 0.18, 0.06, 0.08, 0.04), 1.5)
    brush = 1 + 0.2 * np.sin(loop.phase(loop.uniform(28, 45)))
    return air * brush + 0.6 * nozzle + tone


def microwave(loop: Loop) -> Signal:
    """Hum with the transformer and the fan for most of the loop, then beep that it is done."""
    done = 0.65 * loop.seconds
    cooking = window(loop.t - 0.1, done, 0.15)
    transformer = hum(loop, mains(loop), (0.8, 0.45, 0.25, 0.12, 0.1, 0.05))
    out = (transformer + 0.5 * loop.noise(band(120, 900, 1))) * cooking
    pitch, count = loop.uniform(1900, 2500), int(loop.rng.integers(3, 5))
    starts = done + 0.4 + 0.55 * np.arange(count)
    beeps = loop.repeat(starts, np.ones(count), 0.3, beep, 0.3, pitch, np.array([1.0, 0.0, 0.2]))
    return out + beeps


def fridge(loop: Loop) -> Signal:
    """Drone: a compressor's slightly unsteady hum, a rattling shelf and a trickle of coolant."""
    rate = mains(loop)
    compressor = hum(
        loop, rate / 2 * loop.uniform(0.95, 0.99), (0.7, 1.0, 0.4, 0.35, 0.2, 0.12), 0.5
    )
    iron = hum(loop, rate, (0.5, 0.3, 0.1))
    rattle = loop.noise(formants([(loop.uniform(350, 800), 150, 1.0), (1500, 600, 0.3)]))
    beat = np.maximum(0, np.sin(loop.phase(rate / 2))) ** 4
    coolant = loop.noise(formants([(loop.uniform(700, 1200), 300, 1.0)])) * 0.05
    return compressor + iron + rattle * beat * 0.5 + coolant * (1 + 0.5 * loop.wander(6.0))
