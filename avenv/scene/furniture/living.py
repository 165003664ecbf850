"""Instruments, fires, exercise, clothes and toys."""

import math

from avenv.scene.furniture.fittings import cells
from avenv.scene.primitives import (
    Mesh,
    Parts,
    along_x,
    ball,
    box,
    cylinder,
    fitted,
    lathe,
    move,
    prism,
    soft_box,
    tube,
    turn,
)


def piano(x: float, y: float, z: float) -> Parts:
    """Make an upright piano with five octaves of keys."""
    X, Y, bed = x / 2, y / 2, 0.58 * z
    body = [
        box((-X, 0.05), (-Y + 0.01, Y - 0.01), (0.03, z - 0.02)),
        box((-X + 0.003, 0.07), (-Y, Y), (z - 0.03, z)),
        box((0.0, X), (-Y + 0.012, Y - 0.012), (bed - 0.07, bed - 0.01)),
        *(box((-0.01, X - 0.005), (w - 0.03, w + 0.03), (bed - 0.05, bed + 0.07))
          for w in (-Y + 0.045, Y - 0.045)),
        *(box((X - 0.1, X - 0.02), (w - 0.035, w + 0.035), (0, bed - 0.055))
          for w in (-Y + 0.065, Y - 0.065)),
        box((-X + 0.02, 0.03), (-Y + 0.02, Y - 0.02), (0, 0.05)),
    ]  # fmt: skip
    white = [
        box((0.04, X - 0.02), span, (bed - 0.02, bed + 0.015))
        for span in cells((-Y + 0.09, Y - 0.09), 36, 0.002)
    ]
    black = []
    for k, (_, left) in enumerate(cells((-Y + 0.09, Y - 0.09), 36, 0.002)):
        if k % 7 not in (2, 6) and k < 35:
            at = left + 0.001
            black.append(box((0.045, 0.6 * X), (at - 0.007, at + 0.007), (bed, bed + 0.027)))
    stand = turn(box((0, 0.015), (-0.3, 0.3), (0, 0.22)), -0.2, axis=1)
    pedals = [box((0.02, 0.16), (w - 0.02, w + 0.02), (0.06, 0.08)) for w in (-0.09, 0.0, 0.09)]
    body.append(move(stand, 0.095, z=bed + 0.06))
    return {"body": body, "white_keys": white, "black_keys": black, "pedals": pedals}


def fireplace(x: float, y: float, z: float) -> Parts:
    """Make a fireplace with a mantel, logs and embers."""
    X, Y, mantel = x / 2, y / 2, z - 0.07
    stone = [
        box((-X, X - 0.14), (-Y + 0.06, -0.52 * Y), (0.01, mantel + 0.01)),
        box((-X, X - 0.14), (0.52 * Y, Y - 0.06), (0.01, mantel + 0.01)),
        box((-X + 0.002, X - 0.145), (-0.53 * Y, 0.53 * Y), (0.68 * z, mantel + 0.008)),
        box((-X + 0.001, X - 0.06), (-Y, Y), (mantel, z)),
        box((-X + 0.003, X), (-Y + 0.02, Y - 0.02), (0, 0.04)),
    ]
    hearth = box((-X + 0.004, -X + 0.03), (-0.525 * Y, 0.525 * Y), (0.03, 0.69 * z))
    logs = [
        tube([(a, -0.3 * Y, h), (b, 0.32 * Y, h + 0.01)], 0.045, 8)
        for a, b, h in ((-0.05, 0.0, 0.1), (0.03, -0.08, 0.17), (-0.1, -0.06, 0.11))
    ]
    embers = [
        lathe(
            [(0.06, 0.03 - 0.004 * k), (0.05, 0.2 + 0.06 * k), (0.0, 0.3 + 0.05 * k)], 6, (-0.05, w)
        )
        for k, w in enumerate((-0.15 * Y, 0.12 * Y, 0.0))
    ]
    return {"stone": stone, "hearth": [hearth], "logs": logs, "fire": embers}


def treadmill(x: float, y: float, z: float) -> Parts:
    """Make a treadmill that is boarded from its front; the console is at its back."""
    X, Y = x / 2, y / 2
    belt = box((-X + 0.2, X - 0.04), (-Y + 0.12, Y - 0.12), (0.08, 0.16))
    frame = [
        box((-X + 0.1, X), (-Y, -Y + 0.13), (0.0, 0.15)),
        box((-X + 0.1, X), (Y - 0.13, Y), (0.0, 0.15)),
        soft_box((-X + 0.02, -X + 0.32), (-Y + 0.01, Y - 0.01), (0.02, 0.24), 0.04),
    ]
    for w in (-Y + 0.05, Y - 0.05):
        path = [(-X + 0.25, w, 0.12), (-X + 0.06, w, z - 0.12), (-X + 0.5, w, z - 0.2)]
        frame.append(tube(path, 0.028, 8))
    console = turn(
        soft_box((-0.03, 0.03), (-Y + 0.04, Y - 0.04), (-0.14, 0.14), 0.02), -0.5, axis=1
    )
    screen = turn(box((0.02, 0.034), (-0.5 * Y, 0.5 * Y), (-0.08, 0.09)), -0.5, axis=1)
    at = {"x": -X + 0.1, "z": z - 0.12}
    parts: Parts = {
        "frame": frame,
        "belt": [belt],
        "console": [move(console, **at)],
        "screen": [move(screen, **at)],
    }
    return fitted(parts, x, y, z)


def coat_rack(x: float, y: float, z: float) -> Parts:
    """Make a coat stand with two coats on it."""
    pole = [
        lathe([(0.2, 0), (0.2, 0.02), (0.03, 0.05)], 16),
        cylinder((0, 0), 0.018, (0.03, 1.72), 8),
        ball((0, 0, 1.75), 0.03, 8, 4),
    ]
    for k in range(4):
        c, s = math.cos(0.4 + k * math.pi / 2), math.sin(0.4 + k * math.pi / 2)
        hook = [(0.005 * c, 0.005 * s, 1.58), (0.13 * c, 0.13 * s, 1.6), (0.17 * c, 0.17 * s, 1.68)]
        pole.append(tube(hook, 0.011))
    coats = {}
    for k, name in enumerate(("coat_a", "coat_b")):
        coat = lathe([(0.15, 0.0), (0.17, 0.05), (0.13, 0.55), (0.14, 0.75), (0.03, 0.92)], 12)
        coat = coat * [1, 0.55, 1]
        sleeve = tube(
            [(0.1, 0, 0.75), (0.17, 0.01, 0.5), (0.19, 0.02, 0.25)], (0.05, 0.045, 0.04), 8
        )
        other = turn(sleeve, math.pi)
        heading = math.pi * k + 0.4
        coats[name] = [
            move(turn(m, heading + math.pi / 2), 0.15 * math.cos(heading), 0.15 * math.sin(heading),
                 0.72 - 0.08 * k)
            for m in (coat, sleeve, other)
        ]  # fmt: skip
    return fitted({"stand": pole, **coats}, x, y, z)


def music_box(x: float, y: float, z: float) -> Parts:
    """Make an open music box with a dancer on it and a crank at its side."""
    case = [
        box((-0.08, 0.08), (-0.11, 0.11), (0, 0.09)),
        move(turn(box((-0.012, 0.0), (-0.108, 0.108), (0, 0.15)), -0.25, axis=1), -0.07, z=0.085),
        box((-0.088, 0.088), (-0.118, 0.118), (0.008, 0.022)),
    ]
    dancer = [
        lathe([(0.025, 0.088), (0.025, 0.095)], 12),
        lathe([(0.008, 0.09), (0.036, 0.13), (0.01, 0.15), (0.012, 0.175), (0.0, 0.185)], 10),
        ball((0, 0, 0.195), 0.013, 8, 4),
        tube([(0, -0.04, 0.21), (0, 0, 0.17), (0, 0.04, 0.21)], 0.004),
    ]
    crank = [
        tube([(0, -0.1, 0.045), (0, -0.14, 0.045), (0, -0.141, 0.075)], 0.005),
        ball((0, -0.141, 0.08), 0.011, 8, 4),
    ]
    return fitted({"case": case, "dancer": dancer, "crank": crank}, x, y, z)


def cradle(x: float, y: float, z: float) -> Parts:
    """Make a baby's cot on rockers, with the baby under a blanket."""
    X, Y, t = x / 2, y / 2, 0.025
    frame = [
        box((-X, X), (-Y, -Y + t), (0.3 * z, 0.34 * z)),
        box((-X, X), (Y - t, Y), (0.3 * z, 0.34 * z)),
        box((-X, X), (-Y, -Y + t), (0.86 * z, 0.9 * z)),
        box((-X, X), (Y - t, Y), (0.86 * z, 0.9 * z)),
        box((-X + 0.002, X - 0.002), (-Y + 0.01, Y - 0.01), (0.31 * z, 0.335 * z)),
    ]
    for end in (-X + t / 2 + 0.003, X - t / 2 - 0.003):
        frame.append(box((end - t / 2, end + t / 2), (-Y + 0.003, Y - 0.003), (0.2 * z, z)))
        frame.append(_rocker(end, Y, 0.24 * z))
    for span in cells((-X + 0.08, X - 0.08), 9, 0.07):
        middle = (span[0] + span[1]) / 2
        for w in (-Y + t / 2, Y - t / 2):
            frame.append(cylinder((middle, w), 0.009, (0.32 * z, 0.88 * z), 6))
    mattress = soft_box((-X + 0.03, X - 0.03), (-Y + t, Y - t), (0.32 * z, 0.5 * z), 0.02)
    blanket = soft_box((-0.25 * X, X - 0.04), (-0.7 * Y, 0.7 * Y), (0.45 * z, 0.66 * z), 0.06)
    head = ball((-0.5 * X, 0, 0.56 * z), 0.075, 10, 6)
    return {"frame": frame, "mattress": [mattress], "blanket": [blanket], "baby": [head]}


def _rocker(x: float, half: float, height: float) -> Mesh:
    """Make a rocker under one end of a cradle: flat above, round below."""
    steps = [k / 4 - 1 for k in range(9)]
    arc = [(0.95 * s * half, 0.6 * height * s * s) for s in steps]
    outline = [*arc, (0.85 * half, height), (-0.85 * half, height)]
    return along_x(prism(outline, (x - 0.0105, x + 0.0105)))


BUILDERS = (
    piano, fireplace, treadmill, coat_rack, music_box, cradle,
)  # fmt: skip
