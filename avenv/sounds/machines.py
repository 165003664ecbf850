"""Motors, fans and transformers: what hums, whirrs and roars steadily."""

import numpy as np
from numpy.typing import ArrayLike

from avenv.sounds.loop import Loop, Signal, band, formants, geometric, harmonics, window
from avenv.sounds.signals import beep


def hum(loop: Loop, frequency: float, amplitudes: ArrayLike, wobble: float = 0.0) -> Signal:
    """Return a steady harmonic tone; ``wobble`` is its slow phase drift in radians."""
    phase = loop.phase(frequency)
    if wobble:
        phase = phase + wobble * loop.wander(2.0)
    return harmonics(phase, amplitudes, frequency, loop.sample_rate)


def fan(loop: Loop, *, blades: float, wind: float) -> Signal:
    """Whirr: wind noise that swells with each passing blade, over the blades' own tone."""
    air = loop.noise(band(80, wind, 1))
    beat = 1 + 0.35 * np.sin(loop.phase(blades)) + 0.15 * loop.wander(1.5)
    return air * beat + hum(loop, blades, geometric(0.3, 0.6, 8), 0.4)


def air_conditioner(loop: Loop, *, mains: str, wind: float, rattle: float) -> Signal:
    """Blow evenly over a compressor's hum, with a grille that rattles."""
    iron = hum(loop, 2 * float(mains), (0.5, 0.35, 0.12, 0.08), 0.2)
    air = loop.noise(band(120, wind, 1)) * (1 + 0.06 * loop.wander(1.0))
    beat = np.maximum(0, np.sin(loop.phase(float(mains)))) ** 6
    grille = loop.noise(formants([(rattle, 120, 1.0), (2.4 * rattle, 300, 0.5)])) * beat
    return air + 0.6 * iron + 0.35 * grille * (1 + 0.6 * loop.wander(0.7))


def vacuum_cleaner(loop: Loop, *, motor: float, air: float, nozzle: float, brush: float) -> Signal:
    """Roar: broad air noise and the whine of a fast commutator motor, pushed to and fro."""
    stroke = 0.5 * loop.wander(0.8)  # the motor slows where the carpet holds the nozzle
    phase = loop.phase(motor) + 25 * stroke
    whine = harmonics(phase, (0.8, 0.5, 0.2, 0.3, 0.1, 0.15, 0.08), motor, loop.sample_rate)
    roar = loop.noise(band(250, air, 1))
    hiss = loop.noise(formants([(nozzle, 350, 1.0)])) * (1 + stroke)
    return roar * (1 + 0.25 * np.sin(loop.phase(brush))) + 0.6 * hiss + whine


def hair_dryer(loop: Loop, *, motor: float, jet: float, wave: float) -> Signal:
    """Blow a hissing jet that is waved about, over a high motor."""
    sweep = 1 + 0.4 * np.sin(loop.phase(wave)) + 0.1 * loop.wander(2.0)
    air = loop.noise(formants([(jet, 1800, 1.0), (2.6 * jet, 3000, 0.5), (500, 500, 0.4)]))
    return air * sweep + hum(loop, motor, (0.35, 0.12, 0.25, 0.05, 0.1), 1.0)


def blender(loop: Loop, *, motor: float, load: float, knocks: float) -> Signal:
    """Howl in bursts of a commutator motor whose pitch sags under its load, with knocking ice."""
    bursts = 3
    gate, pitch = loop.silence(), np.full(loop.samples, 0.75 * motor)
    period = loop.seconds / bursts
    for k in range(bursts):
        local = (loop.t - 0.1 - k * period) % loop.seconds
        gate += window(local, 0.72 * period, 0.05)
        up = (1 - np.exp(-local / 0.12)) * (1 - load * np.exp(-local / (0.35 * period)))
        pitch = np.where(local < period, motor * (0.3 + 0.7 * up), pitch)
    phase = 2 * np.pi * np.cumsum(pitch) / loop.sample_rate
    tone = harmonics(phase, (0.9, 0.6, 0.5, 0.35, 0.3, 0.2, 0.15, 0.1), motor, loop.sample_rate)
    grind = loop.noise(band(600, 6000)) * (1 + 0.6 * np.sin(loop.phase(knocks)) * loop.wander(20))
    return gate * (tone + 0.8 * grind)


def microwave(loop: Loop, *, mains: str, pitch: float, beeps: int, gap: float) -> Signal:
    """Hum with the transformer and the fan for most of the loop, then beep that it is done."""
    done = 0.65 * loop.seconds
    cooking = window(loop.t - 0.1, done, 0.15)
    transformer = hum(loop, 2 * float(mains), (0.8, 0.45, 0.25, 0.12, 0.1, 0.05))
    out = (transformer + 0.5 * loop.noise(band(120, 900, 1))) * cooking
    starts = done + 0.4 + gap * np.arange(beeps)
    return out + loop.repeat(
        starts, np.ones(beeps), 0.3, beep, 0.3, pitch, np.array([1.0, 0.0, 0.2])
    )


def fridge(loop: Loop, *, mains: str, slip: float, rattle: float, coolant: float) -> Signal:
    """Drone: a compressor's slightly unsteady hum, a rattling shelf and a trickle of coolant."""
    rate = 2 * float(mains)
    compressor = hum(loop, rate / 2 * (1 - slip), (0.7, 1.0, 0.4, 0.35, 0.2, 0.12), 0.5)
    iron = hum(loop, rate, (0.5, 0.3, 0.1))
    shelf = loop.noise(formants([(rattle, 150, 1.0), (1500, 600, 0.3)]))
    beat = np.maximum(0, np.sin(loop.phase(rate / 2))) ** 4
    trickle = loop.noise(formants([(coolant, 300, 1.0)])) * 0.05
    return compressor + iron + shelf * beat * 0.5 + trickle * (1 + 0.5 * loop.wander(6.0))
