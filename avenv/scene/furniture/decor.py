"""Lamps, plants, textiles and what hangs on walls."""

import math

import numpy as np

from avenv.scene.furniture.fittings import disc
from avenv.scene.primitives import (
    Mesh,
    Parts,
    along_x,
    along_y,
    ball,
    box,
    cylinder,
    fitted,
    lathe,
    move,
    prism,
    rounded,
    sheet,
    tube,
    turn,
    vessel,
)

_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))


def rug(x: float, y: float, z: float) -> Parts:
    """Make a rug with a border."""
    X, Y, edge, slope = x / 2, y / 2, 0.12, 0.03
    # The field begins just inside the border, as what is buried has no light of its own, and rises
    # gently: an upright rim of a few millimetres would be a dark line, dotted where it is far.
    inner = vessel([
        ((-X + inset, X - inset), (-Y + inset, Y - inset), 0.0, height)
        for inset, height in ((edge, 0.69 * z), (edge + slope, z))
    ], steps=1)  # fmt: skip
    return {"border": [box((-X, X), (-Y, Y), (0, 0.7 * z))], "field": [inner]}


def floor_lamp(x: float, y: float, z: float) -> Parts:
    """Make a standing lamp with a paper shade."""
    r, stretch = x / 2, [1, y / x, 1]
    foot = lathe([(0.7 * r, 0), (0.7 * r, 0.015), (0.03, 0.03)], 16)
    pole = cylinder((0, 0), 0.012, (0.02, z - 0.08), 8)
    bulb = ball((0, 0, z - 0.1), 0.035, 8, 4)
    shade = _shade(0.78 * r, r, z - 0.32, z)
    return {"stand": [foot * stretch, pole], "bulb": [bulb], "shade": [shade * stretch]}


def table_lamp(x: float, y: float, z: float) -> Parts:
    """Make a table lamp: turned foot, paper shade."""
    r, stretch = x / 2, [1, y / x, 1]
    foot = lathe(
        [(0.5 * r, 0), (0.5 * r, 0.015), (0.3 * r, 0.03), (0.55 * r, 0.2 * z), (0.5 * r, 0.35 * z),
         (0.12 * r, 0.48 * z), (0.08 * r, 0.7 * z)], 12
    )  # fmt: skip
    bulb = ball((0, 0, 0.76 * z), 0.1 * z, 8, 4)
    shade = _shade(0.65 * r, r, 0.52 * z, z)
    return {"stand": [foot * stretch], "bulb": [bulb], "shade": [shade * stretch]}


def ceiling_lamp(x: float, y: float, z: float) -> Parts:
    """Make a glass globe on a cord."""
    r = x / 2
    globe = ball((0, 0, r), (r, y / 2, r), 16, 8)
    metal = [
        cylinder((0, 0), 0.006, (1.97 * r, z - 0.01), 6),
        lathe([(0.06, z - 0.03), (0.06, z)], 12),
        lathe([(0.3 * r, 1.9 * r), (0.2 * r, 2.08 * r), (0.1 * r, 2.2 * r)], 12),
    ]
    return {"globe": [globe], "metal": metal}


def plant(x: float, y: float, z: float) -> Parts:
    """Make a leafy plant in a pot."""
    crown = []
    for k in range(34):
        age = (k + 0.5) / 34  # old leaves low and flat, young ones high and steep
        crown.append(_leaf(k * _GOLDEN_ANGLE, 0.3 + 0.5 * age, 0.2 + 1.0 * age, 0.34 - 0.1 * age))
    pot = 0.28 * z
    leaves = fitted({"leaves": crown}, x, y, z - pot)["leaves"]
    r = 0.3 * min(x, y)
    stem = tube([(0, 0, 0.8 * pot), (0.02, 0.01, 0.55 * z), (0, 0, 0.75 * z)], (0.02, 0.014, 0.006))
    return {
        "pot": [_pot(r, pot)],
        "soil": [_soil(r, pot)],
        "stem": [stem],
        "leaves": [move(leaf, z=pot) for leaf in leaves],
    }


def small_plant(x: float, y: float, z: float) -> Parts:
    """Make a pot plant with a tuft of upright blades."""
    crown = [_leaf(k * _GOLDEN_ANGLE, 0.0, 1.0 + 0.4 * (k / 16), 0.3) for k in range(16)]
    pot = 0.42 * z
    leaves = fitted({"leaves": crown}, x, y, z - 0.8 * pot)["leaves"]
    r = 0.32 * min(x, y)
    return {
        "pot": [_pot(r, pot)],
        "soil": [_soil(r, pot)],
        "leaves": [move(leaf, z=0.8 * pot) for leaf in leaves],
    }


def vase(x: float, y: float, z: float) -> Parts:
    """Make a turned vase."""
    profile = [
        (0.55, 0), (0.8, 0.15), (1.0, 0.4), (0.85, 0.65), (0.42, 0.85), (0.5, 1.0), (0.42, 1.0),
        (0.34, 0.85), (0.6, 0.6),
    ]  # fmt: skip
    return fitted({"vase": [lathe(profile, 16)]}, x, y, z)


def broken_vase(x: float, y: float, z: float) -> Parts:
    """Make a vase in shards, strewn over its place."""
    shards = []
    for k in range(11):
        chance = (k + 0.5) / 11
        size = 0.3 * z * (0.5 + (3.7 * chance) % 1.0)
        corners = [
            (size * r * math.cos(a), size * r * math.sin(a))
            for r, a in ((0.9, 0.2 + k), (0.7, 2.0 + k), (1.0, 3.6 + k), (0.5, 5.1 + k))
        ]
        slab = turn(prism(corners, (0.0, 0.02 * z)), 0.25 * ((5.3 * chance) % 1.0), axis=1)
        reach, heading = 0.75 * max(x, y) * math.sqrt(chance), k * _GOLDEN_ANGLE
        out = move(slab, reach * math.cos(heading), reach * math.sin(heading))
        shards.append(move(out, z=-float(out[..., 2].min())))
    return {"vase": shards}


def picture(x: float, y: float, z: float) -> Parts:
    """Make a framed landscape: sky, sun, hills."""
    Y, Z, w = y / 2 - 0.03, z / 2 - 0.03, 0.035
    front = x / 2
    frame = [
        box((-front, front), (-y / 2, y / 2), (0, w)),
        box((-front, front), (-y / 2, y / 2), (z - w, z)),
        box((0.001 - front, front - 0.002), (0.001 - y / 2, w - y / 2), (w - 0.01, z - w + 0.01)),
        box((0.001 - front, front - 0.002), (y / 2 - w, y / 2 - 0.001), (w - 0.01, z - w + 0.01)),
    ]
    sky = box((-front + 0.0025, -0.004), (-Y, Y), (0.03, z - 0.03))
    hills = [(-0.99, 0.1), (-0.45, 0.5), (-0.1, 0.2), (0.35, 0.75), (0.99, 0.15)]
    outline = [(-0.99 * Y, 0.031), (0.99 * Y, 0.031), *((-a * Y, 0.03 + h * Z) for a, h in hills)]
    land = along_x(prism(outline, (-front + 0.0035, -0.001)))
    sun = disc((-0.5 * Y, 1.45 * Z), 0.22 * min(Y, Z), (-front + 0.0045, -0.002), 12)
    return {"frame": frame, "sky": [sky], "land": [land], "sun": [sun]}


def mirror(x: float, y: float, z: float) -> Parts:
    """Make a framed mirror."""
    X, Y = x / 2, y / 2
    frame = along_x(vessel([
        ((-Y, Y), (0, z), 0.06, -X),
        ((-Y, Y), (0, z), 0.06, X),
        ((-Y + 0.035, Y - 0.035), (0.035, z - 0.035), 0.04, X),
        ((-Y + 0.035, Y - 0.035), (0.035, z - 0.035), 0.04, 0.0),
    ]))  # fmt: skip
    pane = along_x(prism(rounded((-Y + 0.02, Y - 0.02), (0.02, z - 0.02), 0.04), (-0.003, 0.004)))
    return {"frame": [frame], "pane": [pane]}


def curtain(x: float, y: float, z: float) -> Parts:
    """Make a pair of drawn-back curtains on a rod."""
    X, Y, r = x / 2, y / 2, 0.014
    rod = along_y(cylinder((z - r, 0.0), r, (-Y, Y), 8))
    drapes = []
    for side in (-1, 1):
        across = np.linspace(0.97, 0.42, 29) * side * Y
        fold = X * np.cos(np.pi * np.arange(29) / 4)
        line = np.stack([fold, across, np.zeros(29)], axis=1)
        drapes.append(sheet([line, line * [1, 1, 0] + [0, 0, z - 2 * r]]))
    return {"cloth": drapes, "rod": [rod]}


def drawn_curtain(x: float, y: float, z: float) -> Parts:
    """Make curtains drawn over the window."""
    Y, r = y / 2, 0.014
    across = np.linspace(-0.98, 0.98, 57) * Y
    fold = x / 2 * np.cos(np.pi * np.arange(57) / 4)
    line = np.stack([fold, across, np.zeros(57)], axis=1)
    cloth = sheet([line, line * [1, 1, 0] + [0, 0, z - 2 * r]])
    return {"cloth": [cloth], "rod": curtain(x, y, z)["rod"]}


def cushion(x: float, y: float, z: float) -> Parts:
    """Make a cushion that stands on its edge."""
    X, Y = x / 2, y / 2
    levels = [
        (-X, 0.32), (-0.85 * X, 0.17), (-0.45 * X, 0.05), (0.0, 0.0), (0.45 * X, 0.05),
        (0.85 * X, 0.17), (X, 0.32),
    ]  # fmt: skip
    pad = vessel([
        ((-Y + inset * y, Y - inset * y), (inset * z, z - inset * z), 0.08 * min(y, z), h)
        for h, inset in levels
    ])  # fmt: skip
    return {"cover": [along_x(pad)]}


def book_stack(x: float, y: float, z: float) -> Parts:
    """Make three books that lie on each other."""
    X, Y = x / 2, y / 2
    names = ("books_a", "books_b", "books_c")
    sizes = ((1.0, 1.0, 0.0, 0.4), (0.85, 0.9, 0.399, 0.72), (0.75, 0.7, 0.719, 1.0))
    return {
        name: [box((-a * X, a * X), (-b * Y, b * Y), (low * z, high * z))]
        for name, (a, b, low, high) in zip(names, sizes, strict=True)
    }


def _pot(r: float, z: float) -> Mesh:
    return lathe([(0.7 * r, 0), (0.95 * r, 0.85 * z), (r, 0.85 * z), (r, z), (0.9 * r, z),
                  (0.85 * r, 0.7 * z)], 12)  # fmt: skip


def _soil(r: float, z: float) -> Mesh:
    return lathe([(0.87 * r, 0.72 * z), (0.89 * r, 0.9 * z)], 12)


def _shade(top: float, bottom: float, low: float, high: float) -> Mesh:
    angle = 2 * np.pi * np.arange(17) / 16
    circle = np.stack([np.cos(angle), np.sin(angle), np.zeros(17)], axis=1)
    return sheet([circle * bottom + [0, 0, low], circle * top + [0, 0, high]])


def _leaf(heading: float, height: float, steepness: float, width: float) -> Mesh:
    """Make a bent leaf (6 triangles) that grows from the stem at ``height`` and droops."""
    reach = np.array([0.05, 0.35, 0.75, 1.0])[:, None]
    out = np.array([math.cos(heading), math.sin(heading), 0.0]) * math.cos(0.6 * steepness)
    rise = steepness * reach - (0.4 + 0.5 * steepness) * reach**2
    middle = reach * out + [0, 0, height] + rise * [0, 0, 1]
    side = np.array([-math.sin(heading), math.cos(heading), 0.0])
    half = 0.5 * width * np.array([0.25, 1.0, 0.75, 0.06])[:, None] * side
    return sheet([middle - half, middle + half])


BUILDERS = (
    rug, floor_lamp, table_lamp, ceiling_lamp, plant, small_plant, vase, picture, mirror, curtain,
    cushion, book_stack,
)  # fmt: skip

SHAPES = {("vase", "broken"): broken_vase, ("curtain", "drawn"): drawn_curtain}
