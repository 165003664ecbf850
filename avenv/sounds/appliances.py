"""Machines that work in strokes: washing machine, dishwasher, coffee machine, printer, keyboard."""

import numpy as np

from avenv.sounds.loop import Loop, Signal, band, formants, geometric, modes, window
from avenv.sounds.machines import hum
from avenv.sounds.water import bubbles


def washing_machine(
    loop: Loop, *, mains: str, turn: float, drum: float, whine: float, water: float
) -> Signal:
    """Tumble: water slaps and laundry thuds once a turn, over a humming motor."""
    turn = loop.whole(turn)
    slap = np.maximum(0, np.sin(2 * np.pi * turn * loop.t)) ** 3
    slosh = loop.noise(band(200, water, 1)) * (0.25 + 1.1 * slap)
    motor = hum(loop, 2 * float(mains), (0.35, 0.2, 0.1, 0.12, 0.05), 0.3)
    belt = hum(loop, whine, geometric(0.22, 0.55, 6), 2.0)
    starts = (np.arange(round(turn * loop.seconds)) + 0.35) / turn
    starts = starts + loop.rng.uniform(-0.05, 0.05, len(starts))
    levels = loop.rng.uniform(0.6, 1.2, len(starts))
    tones, decays = drum * np.array([1.0, 2.1, 3.7]), (0.12, 0.07, 0.04)
    thuds = loop.repeat(starts, levels, 0.6, modes, tones, (2.0, 1.0, 0.5), decays, 4e-3)
    return slosh + motor + belt + thuds


def dishwasher(loop: Loop, *, arm: float, spray: float, pump: float) -> Signal:
    """Spray: jets sweep past the door once a turn of the arm, in a humming steel box."""
    arm = loop.whole(arm)
    passing = 0.5 + 0.5 * np.sin(2 * np.pi * arm * loop.t)
    jets = loop.noise(band(spray / 3, 2.5 * spray, 1)) * (0.25 + passing**3)
    walls = loop.noise(formants([(spray / 2, 90, 1.0), (spray / 3.1, 60, 1.0)])) * (0.4 + passing)
    clinks = loop.silence()
    count = round(2 * arm * loop.seconds)
    for start in (np.arange(count) + loop.rng.uniform(0, 0.4, count)) * loop.seconds / count:
        china = loop.uniform(1900, 3600) * np.array([1.0, 1.73, 2.33])
        loop.add(clinks, start, 0.3, modes, china, (0.5, 0.3, 0.2), (0.05, 0.03, 0.02))
    motor = hum(loop, pump, (0.5, 0.3, 0.2, 0.1, 0.12), 0.6)
    return jets + 0.8 * walls + 0.5 * motor + 0.5 * clinks


def coffee_machine(loop: Loop, *, pump: float, steam: float, gurgle: float) -> Signal:
    """Buzz with the pump, then hiss with the steam, then drip into the cup."""
    pumping, steaming = 0.45 * loop.seconds, 0.3 * loop.seconds
    k = np.arange(1, 25)
    buzz = hum(loop, pump, 1 / (1 + ((k * pump - 900) / 600) ** 2) + 0.5 / k, 0.4)
    first = window(loop.t, pumping, 0.12) * (buzz + 0.6 * loop.noise(band(200, 2500, 1)))
    hiss = loop.noise(formants([(steam, 2500, 1.0), (1100, 400, 0.5)])) * (1 + 0.3 * loop.wander(9))
    second = window(loop.t - pumping - 0.2, steaming, 0.25) * hiss
    last = window(loop.t - 0.72 * loop.seconds, 0.26 * loop.seconds, 0.05)
    return first + 0.8 * second + 4 * last * bubbles(loop, 50 * gurgle, 1.2e-3, 4e-3)


def printer(loop: Loop, *, passes: int, motor: float, feed: float) -> Signal:
    """Print: the carriage whirrs to and fro, and the paper is fed between two lines."""
    period = loop.seconds / passes
    out, paper = loop.silence(), loop.silence()
    steps = 2 * np.pi * motor * loop.t
    for k in range(passes):
        local = (loop.t - k * period) % loop.seconds
        run = window(local, 0.6 * period, 0.04)
        pitch = 1.0 if k % 2 else 1.06
        out += run * sum(a * np.sin(n * pitch * steps) for n, a in ((1, 0.5), (2, 0.35), (5, 0.2)))
        paper += window(local - 0.64 * period, 0.3 * period, 0.03)
        clack = loop.uniform(700, 900) * np.array([1.0, 2.3, 3.9])
        loop.add(out, k * period, 0.2, modes, clack, (0.9, 0.7, 0.4), (0.012, 0.008, 0.005))
    rub = loop.noise(band(1200, 6500)) * (1 + 0.7 * np.sin(loop.phase(feed)))
    return out + 0.3 * loop.noise(band(500, 3000)) * (1 - paper) + 0.7 * paper * rub


def keyboard(loop: Loop, *, rate: float, cap: float, travel: float) -> Signal:
    """Type in words: each key clicks down and, softer, up; the space bar is duller."""
    out, now = loop.silence(), 0.1
    while now < loop.seconds - 0.6:
        letters = int(loop.rng.integers(2, 8))
        for k in range(letters + 1):
            pitch = cap * loop.uniform(0.85, 1.15) * (0.6 if k == letters else 1.0)
            tones = pitch * np.array([0.28, 1.0, 1.9, 3.1])
            decays = (0.015, 0.007, 0.005, 0.003)
            for delay, level in ((0.0, loop.uniform(0.7, 1.0)), (travel, loop.uniform(0.2, 0.35))):
                levels = level * np.array([0.8, 1.0, 0.7, 0.4])
                loop.add(out, now + delay, 0.1, modes, tones, levels, decays, 4e-4)
            now += loop.uniform(0.7, 1.5) / rate
        now += loop.uniform(0.05, 0.5)
    return out
