"""Things with a plug or a battery, most of which make a sound."""

import math

import numpy as np

from avenv.scene.furniture.fittings import cells, disc, swing
from avenv.scene.primitives import (
    Mesh,
    Parts,
    along_x,
    along_y,
    ball,
    box,
    cylinder,
    fitted,
    hoop,
    lathe,
    move,
    prism,
    soft_box,
    tube,
    turn,
)


def tv(x: float, y: float, z: float) -> Parts:
    """Make a flat television on a foot."""
    X, Y, low = x / 2, y / 2, 0.07
    casing = [
        box((-0.02, 0.02), (-Y, Y), (low, z)),
        box((-0.045, -0.015), (-0.5 * Y, 0.5 * Y), (low + 0.1 * z, 0.7 * z)),
        box((-0.035, -0.016), (-0.06, 0.06), (0.01, low + 0.2 * z)),
        box((-X, X), (-0.32 * Y, 0.32 * Y), (0, 0.015)),
    ]
    screen = box((0, 0.023), (-Y + 0.015, Y - 0.015), (low + 0.025, z - 0.015))
    return {"casing": casing, "screen": [screen]}


def laptop(x: float, y: float, z: float) -> Parts:
    """Make an open laptop."""
    keys = [
        box(across, along, (0.012, 0.021))
        for across in cells((-0.06, 0.06), 4, 0.006)
        for along in cells((-0.14, 0.14), 10, 0.006)
    ]
    base = box((-0.12, 0.12), (-0.16, 0.16), (0, 0.018))
    pad = box((0.07, 0.11), (-0.045, 0.045), (0.01, 0.0185))
    lid = box((-0.006, 0.006), (-0.158, 0.158), (0, 0.22))
    screen = box((0, 0.008), (-0.15, 0.15), (0.012, 0.21))
    lid, screen = (move(turn(m, -0.28, axis=1), -0.117, z=0.012) for m in (lid, screen))
    return fitted({"casing": [base, lid], "screen": [screen], "keys": [*keys, pad]}, x, y, z)


def closed_laptop(x: float, y: float, z: float) -> Parts:
    """Make a laptop with its lid down."""
    parts = laptop(x, y, z)
    base, lid = parts["casing"]
    hinge = (0.115 * z, -0.29 * x)
    angle = np.pi / 2 + 0.27
    return {
        "casing": [base, *swing([lid], hinge, angle, axis=1)],
        "screen": swing(parts["screen"], hinge, angle, axis=1),
        "keys": parts["keys"],
    }


def phone(x: float, y: float, z: float) -> Parts:
    """Make a desk telephone: wedge, keypad, handset across the back."""
    wedge = along_y(prism([(0, -0.1), (0.075, -0.1), (0.03, 0.1), (0, 0.1)], (-0.085, 0.085)))
    slope = math.atan2(0.045, 0.2)
    keys = [
        box(across, along, (-0.004, 0.008))
        for across in cells((-0.02, 0.075), 4, 0.009)
        for along in cells((-0.055, 0.055), 3, 0.011)
    ]
    rest = box((-0.09, -0.045), (-0.05, 0.05), (-0.005, 0.012))
    rest, *keys = (move(turn(m, slope, axis=1), z=0.0525) for m in (rest, *keys))
    h = 0.105
    ends = [
        soft_box((-0.095, -0.04), (w - 0.027, w + 0.027), (h - 0.022, h + 0.012), 0.01)
        for w in (-0.082, 0.082)
    ]
    bar = tube([(-0.067, -0.08, h), (-0.067, -0.04, h + 0.015), (-0.067, 0.04, h + 0.015),
                (-0.067, 0.08, h)], 0.013, 8)  # fmt: skip
    return fitted({"body": [wedge, rest], "keys": keys, "handset": [*ends, bar]}, x, y, z)


def alarm_clock(x: float, y: float, z: float) -> Parts:
    """Make an alarm clock with two bells on top."""
    drum = along_x(lathe([(0.05, -0.025), (0.055, -0.015), (0.055, 0.025), (0.048, 0.025),
                          (0.048, 0.015)], 20))  # fmt: skip
    bells = []
    for side in (-1, 1):
        bell = lathe([(0.03, 0.0), (0.028, 0.012), (0.016, 0.024), (0.0, 0.028)], 12)
        bells.append(move(turn(bell, -side * 0.55, axis=0), y=side * 0.034, z=0.054))
    hammer = tube([(0, 0, 0.05), (0, 0, 0.085)], 0.005)
    feet = [tube([(0, w, -0.04), (0, 1.25 * w, -0.068)], 0.008) for w in (-0.032, 0.032)]
    return fitted(
        {
            "case": [drum, *feet, hammer, ball((0, 0, 0.09), 0.01, 8, 4)],
            "bells": bells,
            "face": [disc((0, 0), 0.049, (0.0, 0.017), 20)],
            "hands": _hands(0.016, 0.04),
        },
        x, y, z,
    )  # fmt: skip


def wall_clock(x: float, y: float, z: float) -> Parts:
    """Make a round clock with twelve marks."""
    rim = along_x(lathe([(1, -0.06), (1, 0.06), (0.9, 0.06), (0.88, 0.02)], 24))
    marks = []
    for hour in range(12):
        mark = box((0, 0.035), (-0.025, 0.025), (0.7, 0.82))
        marks.append(turn(mark, hour * math.pi / 6, axis=0))
    face = disc((0, 0), 0.91, (-0.04, 0.03), 24)
    hands = [*marks, *_hands(0.028, 0.75)]
    return fitted({"rim": [rim], "face": [face], "hands": hands}, x, y, z)


def radio(x: float, y: float, z: float) -> Parts:
    """Make a table radio: loudspeaker, dial, two knobs, a carrying handle."""
    X, Y, top = x / 2, y / 2, 0.82 * z
    face = X - 0.02
    handle = tube([(0, -0.8 * Y, top - 0.01), (0, -0.75 * Y, z - 0.008), (0, 0.75 * Y, z - 0.008),
                   (0, 0.8 * Y, top - 0.01)], 0.008, 8)  # fmt: skip
    grille = [
        box((face - 0.01, face + 0.005), (-0.88 * Y, 0.05 * Y), rise)
        for rise in cells((0.12 * z, 0.72 * z), 7, 0.03 * z)
    ]
    dial = [
        box((face - 0.01, face + 0.004), (0.2 * Y, 0.88 * Y), (0.48 * z, 0.7 * z)),
        *(disc((w * Y, 0.25 * z), 0.1 * z, (face - 0.01, X), 12) for w in (0.35, 0.72)),
    ]
    return {
        "case": [soft_box((-X, face), (-Y, Y), (0, top), 0.015)],
        "grille": grille,
        "dial": dial,
        "handle": [move(handle, z=z - handle[..., 2].max())],
    }


def fan(x: float, y: float, z: float) -> Parts:
    """Make a pedestal fan: foot, pole, motor, three blades in a wire cage."""
    r, hub = 0.21, 1.05
    frame = [
        lathe([(0.19, 0), (0.19, 0.015), (0.03, 0.04)], 16),
        cylinder((0, 0), 0.014, (0.02, hub), 8),
        disc((0, hub), 0.05, (-0.1, 0.02), 12),
    ]
    blades = []
    for k in range(3):
        blade = soft_box((0.034, 0.042), (-0.05, 0.05), (0.03, 0.18), 0.003)
        blade = turn(blade, k * 2 * math.pi / 3, axis=0)
        blades.append(move(blade, z=hub))
    cage = [move(along_x(hoop(r, 0.006)), a, z=hub) for a in (0.0, 0.07)]
    cage += [move(along_x(hoop(f * r, 0.004)), 0.084, z=hub) for f in (0.4, 0.75)]
    for k in range(12):
        c, s = r * math.cos(k * math.pi / 6), r * math.sin(k * math.pi / 6)
        spoke = [(0.0, c, hub + s), (0.07, c, hub + s), (0.088, 0.2 * c, hub + 0.2 * s)]
        cage.append(tube(spoke, 0.003, 4))
    badge = disc((0, hub), 0.055, (0.02, 0.095), 12)
    return fitted({"frame": [*frame, badge], "blades": blades, "cage": cage}, x, y, z)


def speaker(x: float, y: float, z: float) -> Parts:
    """Make a two-way loudspeaker."""
    X, Y = x / 2, y / 2
    face = X - 0.012
    cones = []
    for height, r in ((0.33 * z, 0.75 * Y), (0.76 * z, 0.4 * Y)):
        cone = lathe([(r, -0.005), (r, 0.012), (0.85 * r, 0.012), (0.3 * r, 0.002)], 16)
        cones.append(move(along_x(cone), face, z=height))
    return {"case": [box((-X, face), (-Y, Y), (0, z))], "cones": cones}


def smoke_alarm(x: float, y: float, z: float) -> Parts:
    """Make a round smoke alarm that hangs with its grille down."""
    body = lathe([(0.55, 0.12), (0.85, 0.3), (0.95, 0.75), (1, 0.8), (1, 1)], 20)
    grille = lathe([(0.3, 0), (0.5, 0.05), (0.5, 0.2)], 16)
    lamp = ball((0.7, 0, 0.22), (0.06, 0.06, 0.12), 8, 4)
    return fitted({"body": [body], "grille": [grille], "lamp": [lamp]}, x, y, z)


def doorbell(x: float, y: float, z: float) -> Parts:
    """Make a doorbell: a box with sound slits over a round button."""
    X, Y = x / 2, y / 2
    face = X - 0.008
    slits = [
        box((face - 0.01, face + 0.003), (-0.6 * Y, 0.6 * Y), rise)
        for rise in cells((0.55 * z, 0.88 * z), 4, 0.04 * z)
    ]
    case = soft_box((-X, face), (-Y, Y), (0, z), 0.008)
    button = disc((0, 0.28 * z), 0.45 * Y, (face - 0.005, X), 16)
    return {"case": [case], "slits": slits, "button": [button]}


def vacuum_cleaner(x: float, y: float, z: float) -> Parts:
    """Make a cylinder vacuum cleaner with its hose and wand parked upright."""
    body = [
        soft_box((-0.25, 0.12), (-0.13, 0.13), (0.05, 0.26), 0.06),
        soft_box((0.0, 0.17), (-0.1, 0.1), (0.06, 0.22), 0.05),
    ]
    wheels = [
        along_y(cylinder((0.09, -0.16), 0.09, (w - 0.02, w + 0.02), 16)) for w in (-0.14, 0.14)
    ]
    hose = [
        (0.1, 0, 0.22), (0.2, 0, 0.32), (0.3, 0.0, 0.45), (0.36, 0.0, 0.6), (0.34, 0.0, 0.78),
        (0.28, 0, 0.88),
    ]  # fmt: skip
    wand = tube([(0.28, 0, 0.9), (0.22, 0, 0.6), (0.2, 0, 0.06)], 0.017, 8)
    head = soft_box((0.16, 0.3), (-0.14, 0.14), (0, 0.07), 0.02)
    return fitted(
        {"body": body, "wheels": [*wheels, head], "hose": [tube(hose, 0.022, 8)], "wand": [wand]},
        x, y, z,
    )  # fmt: skip


def _hands(x: float, length: float) -> list[Mesh]:
    """Make the hands of a clock of that length at ten past ten, in front of the plane at x."""
    depth, width = 0.2 * x, 0.05 * length
    minute = box((x - depth, x + depth), (-width, width), (-0.15 * length, length))
    hour = box(
        (x - 0.5 * depth, x + 1.6 * depth),
        (-1.6 * width, 1.6 * width),
        (-0.1 * length, 0.65 * length),
    )
    # Who looks at the front has +y on the right.
    return [turn(minute, -math.pi / 3, axis=0), turn(hour, math.pi / 3.2, axis=0)]


BUILDERS = (
    tv, laptop, phone, alarm_clock, wall_clock, radio, fan, speaker, smoke_alarm, doorbell,
    vacuum_cleaner,
)  # fmt: skip

SHAPES = {("laptop", "closed"): closed_laptop}
