"""Things to sit and lie on."""

import math

from avenv.scene.furniture.fittings import cells, legs
from avenv.scene.primitives import (
    Mesh,
    Parts,
    ball,
    box,
    cylinder,
    lathe,
    move,
    soft_box,
    tube,
    turn,
)


def chair(x: float, y: float, z: float) -> Parts:
    """Make a dining chair: four legs, a padded seat, a back of two rails."""
    X, Y, seat, t = x / 2, y / 2, 0.5 * z, 0.04
    front = [
        box((X - t - 0.02, X - 0.02), side, (0, seat - 0.02))
        for side in ((-Y + 0.02, -Y + 0.02 + t), (Y - 0.02 - t, Y - 0.02))
    ]
    back = [
        box((-X, -X + t), side, (0, z))
        for side in ((-Y + 0.015, -Y + 0.015 + t), (Y - 0.015 - t, Y - 0.015))
    ]
    rails = [
        box((-X + 0.008, -X + t - 0.008), (-Y + 0.03, Y - 0.03), (a * z, b * z))
        for a, b in ((0.68, 0.77), (0.86, 0.98))
    ]
    apron = box((-X + 0.01, X - 0.01), (-Y + 0.006, Y - 0.006), (seat - 0.07, seat - 0.012))
    pad = soft_box((-X + t + 0.005, X), (-Y, Y), (seat - 0.02, seat + 0.03), 0.02)
    return {"frame": [*front, *back, *rails, apron], "seat": [pad]}


def armchair(x: float, y: float, z: float) -> Parts:
    """Make an upholstered chair with arms."""
    return _upholstered(x, y, z, seats=1)


def sofa(x: float, y: float, z: float) -> Parts:
    """Make a sofa with as many seats as fit, at least two."""
    return _upholstered(x, y, z, seats=max(2, round((y - 0.4) / 0.7)))


def _upholstered(x: float, y: float, z: float, seats: int) -> Parts:
    X, Y, arm, back, foot = x / 2, y / 2, 0.16, 0.2, 0.1
    seat, rest = 0.36 * z, 0.66 * z
    body = [
        soft_box((-X + 0.02, X - 0.03), (-Y + 0.02, Y - 0.02), (foot - 0.02, seat), 0.027),
        soft_box((-X, -X + back), (-Y + 0.01, Y - 0.01), (foot, z), 0.05),
        soft_box((-X + 0.03, X), (-Y, -Y + arm), (foot - 0.01, rest), 0.043),
        soft_box((-X + 0.03, X), (Y - arm, Y), (foot - 0.01, rest), 0.043),
    ]
    cushions = []
    for right, left in cells((-Y + arm - 0.01, Y - arm + 0.01), seats, 0.006):
        cushions.append(
            soft_box((-X + back - 0.02, X - 0.01), (right, left), (seat - 0.03, seat + 0.13), 0.036)
        )
        lean = soft_box((-0.08, 0.08), (right + 0.01, left - 0.01), (0, z - seat - 0.11), 0.047)
        lean = turn(lean, -0.16, axis=1)
        cushions.append(move(lean, -X + back + 0.1, z=seat + 0.07))
    feet = legs((-X + 0.06, X - 0.06), (-Y + 0.06, Y - 0.06), (0, foot + 0.01), 0.05)
    return {"body": body, "cushions": cushions, "feet": feet}


def stool(x: float, y: float, z: float) -> Parts:
    """Make a round stool on four splayed legs."""
    r = min(x, y) / 2
    seat = lathe([(0.9 * r, z - 0.05), (r, z - 0.035), (r, z - 0.01), (0.93 * r, z)], 16)
    seat = seat * [x / (2 * r), y / (2 * r), 1]
    frame = []
    for k in range(4):
        c, s = math.cos(math.pi / 4 + k * math.pi / 2), math.sin(math.pi / 4 + k * math.pi / 2)
        out, top = 0.92 * r, 0.6 * r
        frame.append(_leg((out * c, out * s), (top * c, top * s), z - 0.03))
    h = 0.35 * z
    ring = 0.8 * r
    bars = [((ring, ring), (-ring, -ring)), ((-ring, ring), (ring, -ring))]
    for k, (a, b) in enumerate(bars):
        at = [(0.7 * px, 0.7 * py, h + 0.03 * k) for px, py in (a, b)]
        frame.append(tube(at, 0.01))
    return {"seat": [seat], "frame": frame}


def office_chair(x: float, y: float, z: float) -> Parts:
    """Make a swivel chair on a five-armed foot with castors."""
    X, Y, seat = x / 2, y / 2, 0.48 * z
    base, castors = [], []
    reach = min(X, Y) - 0.03
    for k in range(5):
        angle = 2 * math.pi * k / 5
        c, s = reach * math.cos(angle), reach * math.sin(angle)
        base.append(tube([(0.0, 0.0, 0.11), (0.95 * c, 0.95 * s, 0.075)], 0.02))
        castors.append(ball((c, s, 0.03), 0.03, 8, 4))
    base.append(cylinder((0, 0), 0.03, (0.08, seat - 0.02), 8))
    base.append(tube([(-0.3 * X, 0, seat), (-X + 0.045, 0, seat), (-X + 0.045, 0, 0.75 * z)], 0.02))
    for side in (-1, 1):
        w = side * (Y - 0.025)
        rest = [(-0.1, 0.7 * w, seat), (-0.1, w, seat + 0.02), (-0.1, w, seat + 0.2)]
        base.append(tube(rest, 0.015))
        base.append(
            soft_box((-0.2, 0.12), (w - 0.025, w + 0.025), (seat + 0.19, seat + 0.22), 0.01)
        )
    pads = [
        soft_box((-X + 0.09, X), (-Y + 0.05, Y - 0.05), (seat - 0.03, seat + 0.05), 0.03),
        soft_box((-X, -X + 0.09), (-Y + 0.06, Y - 0.06), (seat + 0.14, z), 0.035),
    ]
    return {"frame": base, "castors": castors, "seat": pads}


def bench(x: float, y: float, z: float) -> Parts:
    """Make a bench of three planks."""
    X, Y, t = x / 2, y / 2, 0.035
    planks = [box(span, (-Y, Y), (z - t, z)) for span in cells((-X, X), 3, 0.012)]
    trestles = []
    for side in (-1, 1):
        w = side * (Y - 0.14)
        trestles += [
            box((-X + 0.02, X - 0.02), (w - 0.03, w + 0.03), (z - t - 0.05, z - t + 0.01)),
            box((-X + 0.03, -X + 0.08), (w - 0.025, w + 0.025), (0, z - t - 0.01)),
            box((X - 0.08, X - 0.03), (w - 0.025, w + 0.025), (0, z - t - 0.01)),
        ]
    return {"seat": planks, "frame": trestles}


def bed(x: float, y: float, z: float) -> Parts:
    """Make a bed with its head at the back: frame, mattress, duvet, one or two pillows."""
    X, Y, deck, lie = x / 2, y / 2, 0.28 * z, 0.5 * z
    frame = [
        box((-X, -X + 0.06), (-Y, Y), (0.0, z)),
        box((X - 0.05, X), (-Y + 0.005, Y - 0.005), (0.02, deck + 0.1)),
        box((-X + 0.04, X - 0.04), (-Y + 0.01, Y - 0.01), (0.1, deck)),
        *legs((-X + 0.1, X - 0.002), (-Y + 0.02, Y - 0.02), (0, 0.12), 0.06),
    ]
    mattress = soft_box((-X + 0.055, X - 0.055), (-Y + 0.03, Y - 0.03), (deck - 0.02, lie), 0.04)
    duvet = soft_box(
        (-X + 0.34 * x, X - 0.06), (-Y + 0.01, Y - 0.01), (deck + 0.06, lie + 0.06), 0.05
    )
    fold = soft_box(
        (-X + 0.31 * x, -X + 0.42 * x), (-Y + 0.02, Y - 0.02), (deck + 0.09, lie + 0.085), 0.03
    )
    pillows = [
        soft_box((-X + 0.09, -X + 0.47), span, (lie - 0.02, lie + 0.12), 0.06)
        for span in cells((-Y + 0.09, Y - 0.09), 2 if y > 1.25 else 1, 0.06)
    ]
    return {
        "frame": frame,
        "mattress": [mattress, *pillows],
        "duvet": [duvet],
        "fold": [fold],
    }


def _leg(foot: tuple[float, float], top: tuple[float, float], height: float) -> Mesh:
    """Make a splayed leg that stands flat on the floor."""
    (fx, fy), (tx, ty), r = foot, top, 0.016
    straight = lathe([(0.8 * r, 0.0), (r, height)], 8)
    lean = straight[..., 2:] / height
    straight[..., 0:1] += fx + (tx - fx) * lean
    straight[..., 1:2] += fy + (ty - fy) * lean
    return straight


BUILDERS = (chair, armchair, sofa, stool, office_chair, bench, bed)
