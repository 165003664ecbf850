"""Blows: things that fall and bounce, break, knock and walk."""

from collections.abc import Callable

import numpy as np

from avenv.sounds.bodies import (
    FLOORS,
    MATERIALS,
    Floor,
    Modes,
    air,
    bar,
    blow,
    board,
    cup,
    decays,
    disc,
    loaded,
)
from avenv.sounds.loop import Loop, Signal, band, modes, window

_GRAVITY = 9.81
_LOAD, _RUBBING = 3.0, 0.25
"""Mass of a filling that moves with the wall of a box, in masses of the wall, and its loss."""

_SHAPES: dict[str, Callable[[float, float, float], Modes]] = {
    "stick": lambda size, part, speed: bar(size, part * size, speed),
    "board": lambda size, part, speed: board(size, 0.62 * size, part * size, speed),
    "plate": lambda size, part, speed: disc(size / 2, part * size, speed),
    "cup": lambda size, part, speed: cup(size / 2, part * size, speed),
}
"""Modes of a body by its size in metres, its thickness as a part of that, and its material."""

_SHOES = {
    "slippers": (8e-3, 1.0),
    "trainers": (3e-3, 1.5),
    "boots": (9e-4, 3.0),
    "heels": (4e-4, 3.0),
}
"""How long a heel's blow lasts in seconds, and how loud its click is."""


def bounces(height: float, restitution: float, smallest: float = 0.03) -> tuple[Signal, Signal]:
    """Return the times (K,) of the blows of a thing that falls, and their speeds, the first 1.

    The first is at 0; a bounce at speed v lasts 2 v / g, and each is ``restitution`` times as fast
    as the one before, down to ``smallest``.
    """
    count = 1 + int(np.log(smallest) / np.log(restitution))
    speeds = restitution ** np.arange(count, dtype=float)
    flights = 2 * np.sqrt(2 * height / _GRAVITY) * speeds[1:]
    return np.concatenate([[0.0], np.cumsum(flights)]), speeds


def strike(
    loop: Loop, out: Signal, start: float, speed: float, body: tuple, floor: Floor, contact: float
) -> None:
    """Add one blow between a body (frequencies, decays) and a floor, somewhere on the body."""
    frequencies, lasting = body
    places = loop.rng.uniform(0.15, 1.0, len(frequencies))  # near or far from each mode's nodes
    levels = speed * places * blow(frequencies, contact)
    loop.add(out, start, 6 * lasting.max(), modes, frequencies, levels, lasting, contact)
    thump = 0.2 * speed * floor.level * blow(floor.modes, contact)
    loop.add(out, start, 6 * max(floor.decays), modes, floor.modes, thump, floor.decays, contact)


def impact(
    loop: Loop, *, material: str, shape: str, size: float, part: float, floor: str, height: float
) -> Signal:
    """Drop a thing twice and let it bounce to rest, each time on another side."""
    made, ground = MATERIALS[material], FLOORS[floor]
    frequencies = _SHAPES[shape](size, part, made.speed)
    body = frequencies, decays(frequencies, made.loss, support=3.0 + 2e4 * ground.contact)
    contact = made.contact + ground.contact
    out = loop.silence()
    for start in (0.05, loop.seconds * loop.uniform(0.45, 0.55)):
        times, speeds = bounces(height, ground.restitution * loop.uniform(0.85, 1.1))
        uneven = np.concatenate([[1.0], loop.rng.uniform(0.8, 1.1, len(times) - 1)])
        for time, speed in zip(times * uneven, speeds * uneven, strict=True):
            strike(loop, out, start + time, speed, body, ground, contact)
    return out


def smash(loop: Loop, *, material: str, size: float, floor: str, shards: int) -> Signal:
    """Break a vessel on the floor: a crack, then shards that ring, bounce and slide to rest."""
    made, ground = MATERIALS[material], FLOORS[floor]
    contact = made.contact + 0.5 * ground.contact
    out = loop.silence()
    whole = cup(size / 2, 0.03 * size, made.speed)
    strike(loop, out, 0.05, 1.5, (whole, decays(whole, made.loss, 60.0)), ground, contact)
    crack = loop.silence()
    loop.add(crack, 0.05, 0.12, lambda t: np.minimum(t / 1e-3, 1) * np.exp(-t / 0.025))
    out += 1.2 * crack * loop.noise(band(1500, 6000))
    for _ in range(shards):
        length = size * loop.uniform(0.2, 0.6)
        frequencies = board(length, length * loop.uniform(0.5, 1.0), 0.0025, made.speed, 4)
        piece = frequencies, decays(frequencies, made.loss, 12.0)
        start = 0.06 + loop.rng.exponential(0.1)
        times, speeds = bounces(loop.uniform(0.02, 0.4), loop.uniform(0.25, 0.5), 0.1)
        for time, speed in zip(times, 0.5 * length / size * speeds, strict=True):
            strike(loop, out, start + time, speed, piece, ground, contact)
    return out


def footsteps(loop: Loop, *, floor: str, shoe: str, pace: float, weight: float) -> Signal:
    """Walk: heel, then sole, left and right a little different, with a scuff between."""
    ground, (contact, click) = FLOORS[floor], _SHOES[shoe]
    steps = 2 * round(pace * loop.seconds / 2)
    heel = np.array([1500.0, 2300.0, 3700.0]), np.array([8e-3, 6e-3, 4e-3])
    flesh = np.array([58.0, 96.0]) / weight
    out, scuff = loop.silence(), loop.silence()
    for k in range(steps):
        start = (k + loop.uniform(-0.04, 0.04)) * loop.seconds / steps
        speed = (1.0 if k % 2 else 0.88) * loop.uniform(0.85, 1.1)
        body = heel[0] * (1.0 if k % 2 else 1.06), heel[1]
        for delay, part in ((0.0, 1.0), (loop.uniform(0.09, 0.13), 0.35)):
            strike(loop, out, start + delay, part * speed * click, body, ground, contact)
            thud = part * speed * np.array([0.35, 0.25])
            loop.add(out, start + delay, 0.3, modes, flesh, thud, (0.05, 0.03), 6e-3)
        loop.add(scuff, start + 0.04, 0.16, window, 0.16, 0.06, level=loop.uniform(0.3, 1.0))
    return out + 0.02 * scuff * loop.noise(band(700, 3500, 1))


def knock(loop: Loop, *, material: str, width: float, raps: int, pace: float) -> Signal:
    """Rap on a door with the knuckles, wait, and rap again."""
    made = MATERIALS[material]
    panel = board(2.2 * width, width, 0.035, made.speed, 24)[3:]  # the lowest do not radiate
    door = panel, decays(panel, made.loss, 35.0)
    frame = Floor(0.0, (95.0, 170.0), (0.03, 0.02), 0.4, 0.0)
    out = loop.silence()
    for group in (0.1, loop.seconds / 2 + 0.1):
        for k in range(raps):
            start, speed = group + k / pace + loop.uniform(-0.01, 0.01), loop.uniform(0.75, 1.0)
            strike(loop, out, start, speed, door, frame, 1.1e-3)
    return out


def ball(loop: Loop, *, floor: str, size: float, height: float, bounce: float) -> Signal:
    """Drop a hollow rubber ball, twice, and let it bounce till it rolls."""
    ground = FLOORS[floor]
    # The air inside rings where half a wave fits the ball, the skin at a few modes below.
    skin = np.array([34.0, 62.0, 101.0]) / size
    rubber = np.append(skin, 0.66 * 343 / size), np.array([0.02, 0.016, 0.012, 0.03])
    out = loop.silence()
    for start in (0.05, loop.seconds / 2):
        times, speeds = bounces(height, bounce, 0.06)
        for time, speed in zip(times, speeds, strict=True):
            if time < 0.45 * loop.seconds:
                strike(loop, out, start + time, speed, rubber, ground, 1.6e-3)
    return out


def letter_box(loop: Loop, *, material: str, flap: float, letters: int, stiffness: float) -> Signal:
    """Push letters through a flap, one by one: it squeaks, they rustle, it snaps shut and rattles.

    ``flap`` is its length in metres, ``stiffness`` how much of its speed it keeps as it rebounds.
    """
    made = MATERIALS[material]
    plate = board(flap, 0.05, 0.0015, made.speed, 12)
    body = plate, decays(plate, made.loss, support=55.0)  # it is held along its hinge
    case = Floor(0.0, (310.0, 520.0, 870.0), (0.04, 0.03, 0.02), 0.5, 0.0)
    out, paper = loop.silence(), loop.silence()
    pace = loop.seconds / letters
    for k in range(letters):
        start = (k + loop.uniform(0.1, 0.2)) * pace
        strike(loop, out, start, 0.12, body, case, 6e-4)
        length = loop.uniform(0.35, 0.6)
        loop.add(paper, start + 0.03, length, window, length, 0.08, level=loop.uniform(0.7, 1.2))
        times, speeds = bounces(0.06, stiffness, 0.05)
        for time, speed in zip(times, speeds, strict=True):
            strike(loop, out, start + length + time, speed, body, case, 3e-4)
        strike(loop, out, start + length + 0.25, 0.3, (np.array([240.0]), np.array([0.02])), case,
               4e-3)  # fmt: skip
    return out + 0.05 * paper * loop.noise(band(1800, 6000, 1))


def rap(loop: Loop, *, material: str, size: float, filling: str) -> Signal:
    """Knock once, with a knuckle, on a box of a material that is hollow or full.

    What is hollow rings, and the air inside with it. What is full carries its filling along, which
    lowers its modes and damps them: loose fillings reach losses of some tenths (Cremer, Heckl &
    Petersson, Structure-Borne Sound, 2005, chapter 3).
    """
    made = MATERIALS[material]
    wall = board(size, 0.75 * size, 0.03 * size, made.speed)
    contact = made.contact + 3e-4
    out = loop.silence()
    if filling == "full":
        wall = loaded(wall, _LOAD)
        body, thump = (wall, decays(wall, made.loss + _RUBBING, support=40.0)), 95.0
    else:
        inside = air(size, 0.75 * size, 0.6 * size)
        ringing = np.append(decays(wall, made.loss, support=20.0), np.full(len(inside), 0.05))
        body, thump = (np.append(wall, inside), ringing), 150.0
    strike(loop, out, 0.0, 1.0, body, Floor(0.0, (thump,), (0.02,), 0.2, 0.0), contact)
    return out
