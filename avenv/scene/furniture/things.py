"""Small things that people carry about, boxes of several stuffs, and places for pets and post."""

import math

from avenv.scene.furniture.fittings import disc
from avenv.scene.primitives import (
    Mesh,
    Parts,
    along_y,
    box,
    cylinder,
    fitted,
    hoop,
    lathe,
    move,
    soft_box,
    tube,
    turn,
    vessel,
)
from avenv.scene.primitives import (
    ball as sphere,
)


def wooden_box(x: float, y: float, z: float) -> Parts:
    """Make a box of wood; all boxes have one shape, so that their stuff is seen by nothing else."""
    return _lidded(x, y, z)


def metal_box(x: float, y: float, z: float) -> Parts:
    """Make a box of sheet metal."""
    return _lidded(x, y, z)


def cardboard_box(x: float, y: float, z: float) -> Parts:
    """Make a box of cardboard."""
    return _lidded(x, y, z)


def plastic_box(x: float, y: float, z: float) -> Parts:
    """Make a box of plastic."""
    return _lidded(x, y, z)


def bottle(x: float, y: float, z: float) -> Parts:
    """Make a bottle with a cap and a label."""
    r = 0.5
    body = lathe([(0.46, 0), (r, 0.06), (r, 1.6), (0.42, 1.85), (0.17, 2.2), (0.16, 2.7)], 12)
    cap = cylinder((0, 0), 0.19, (2.62, 2.85), 8)
    label = cylinder((0, 0), 0.507, (0.5, 1.2), 12)
    return fitted({"glass": [body], "cap": [cap], "label": [label]}, x, y, z)


def cup(x: float, y: float, z: float) -> Parts:
    """Make a cup with a handle at its left."""
    bowl = lathe([(0.38, 0), (0.5, 0.35), (0.5, 1.0), (0.46, 1.0), (0.45, 0.35), (0.3, 0.08)], 12)
    arc = [math.pi * k / 6 for k in range(7)]
    handle = tube([(0, 0.45 + 0.28 * math.sin(a), 0.5 - 0.27 * math.cos(a)) for a in arc], 0.055, 5)
    return fitted({"cup": [bowl, handle]}, x, y, z)


def toy(x: float, y: float, z: float) -> Parts:
    """Make a toy lorry."""
    X, Y = x / 2, y / 2
    r = 0.2 * z
    cab = soft_box((0.3 * X, X), (-0.92 * Y, 0.92 * Y), (0.25 * z, z), 0.1 * z)
    load = box((-X, 0.25 * X), (-0.86 * Y, 0.86 * Y), (0.42 * z, 0.85 * z))
    bed = box((-0.97 * X, 0.9 * X), (-0.7 * Y, 0.7 * Y), (0.2 * z, 0.45 * z))
    wheels = [
        move(along_y(cylinder((0, 0), r, (a, b), 10)), x=at, z=r)
        for at in (-0.6 * X, 0.6 * X)
        for a, b in ((-Y, -0.6 * Y), (0.6 * Y, Y))
    ]
    return {"cab": [cab], "load": [load], "bed": [bed], "wheels": wheels}


def keys(x: float, y: float, z: float) -> Parts:
    """Make a ring with two keys and a fob."""
    ring = move(hoop(0.3, 0.07, 12), x=-0.7, z=0.06)
    blades: list[Mesh] = []
    for angle, low in ((0.25, 0.02), (-0.35, 0.045)):
        bow = cylinder((0.32, 0), 0.17, (low, low + 0.035), 8)
        blade = box((0.42, 0.95), (-0.05, 0.05), (low + 0.004, low + 0.031))
        blades += [move(turn(m, angle), x=-0.62) for m in (bow, blade)]
    fob = move(turn(box((0.3, 0.75), (-0.14, 0.14), (0.01, 0.1)), 2.4), x=-0.7)
    return fitted({"ring": [ring], "keys": blades, "fob": [fob]}, x, y, z)


def ball(x: float, y: float, z: float) -> Parts:
    """Make a ball with a stripe round it."""
    stripe = lathe([(0.475, -0.09), (0.503, 0.0), (0.475, 0.09)], 16)
    parts = {"rubber": [sphere((0, 0, 0), 0.5, 16, 8)], "stripe": [stripe]}
    return fitted(parts, x, y, z)


def remote(x: float, y: float, z: float) -> Parts:
    """Make a remote control, its keys in two rows."""
    X, Y = x / 2, y / 2
    case = soft_box((-X, X), (-Y, Y), (0, 0.85 * z), 0.3 * z)
    pads = [
        box((a - 0.06 * x, a + 0.06 * x), (b - 0.13 * y, b + 0.13 * y), (0.8 * z, z))
        for a in (-0.27 * x, -0.08 * x, 0.11 * x)
        for b in (-0.2 * y, 0.2 * y)
    ]
    power = cylinder((0.36 * x, 0), 0.1 * y, (0.8 * z, 0.97 * z), 8)
    return {"case": [case], "keys": pads, "power": [power]}


def pet_bed(x: float, y: float, z: float) -> Parts:
    """Make a padded basket for a dog or a cat, its rim lower in front."""
    X, Y = x / 2, y / 2

    def level(share: float, height: float) -> tuple:
        a, b = share * X, share * Y
        return (-a, a), (-b, b), 0.7 * min(a, b), height * z

    rim = vessel([level(s, h) for s, h in (
        (0.92, 0.0), (1.0, 0.45), (0.96, 0.92), (0.9, 1.0), (0.8, 0.9), (0.74, 0.35))])  # fmt: skip
    pad = vessel([level(s, h) for s, h in ((0.75, 0.2), (0.785, 0.45), (0.6, 0.56))])
    return {"rim": [rim], "pad": [pad]}


def letter_box(x: float, y: float, z: float) -> Parts:
    """Make a box for letters that hangs on a wall, with a flap and a lock."""
    X, Y = x / 2, y / 2
    body = box((-X, 0.75 * X), (-Y, Y), (0, z))
    flap = box((0.65 * X, X), (-0.8 * Y, 0.8 * Y), (0.72 * z, 0.9 * z))
    slit = box((0.6 * X, 0.8 * X), (-0.84 * Y, 0.84 * Y), (0.69 * z, 0.93 * z))
    lock = disc((0.0, 0.25 * z), 0.06 * min(y, z), (0.7 * X, 0.9 * X), 8)
    return {"body": [body], "flap": [flap], "slit": [slit], "lock": [lock]}


def _lidded(x: float, y: float, z: float) -> Parts:
    """Make a closed box with a lid that overlaps it a little."""
    X, Y, rim = x / 2, y / 2, 0.006
    body = box((rim - X, X - rim), (rim - Y, Y - rim), (0, 0.9 * z))
    return {"body": [body], "lid": [box((-X, X), (-Y, Y), (0.78 * z, z))]}


BUILDERS = (
    wooden_box, metal_box, cardboard_box, plastic_box, bottle, cup, toy, keys, ball, remote,
    pet_bed, letter_box,
)  # fmt: skip
