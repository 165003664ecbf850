"""Fixtures of a bathroom."""

import numpy as np
from numpy.typing import NDArray

from avenv.scene.furniture.fittings import swing, tap
from avenv.scene.primitives import (
    Parts,
    along_y,
    box,
    cylinder,
    fitted,
    lathe,
    loft,
    move,
    prism,
    soft_box,
    tube,
    vessel,
)


def toilet(x: float, y: float, z: float) -> Parts:
    """Make a close-coupled toilet: pedestal, bowl, seat with its lid up, cistern."""
    levels = [
        (0.1, 0.11, -0.02, 0.0), (0.11, 0.11, -0.02, 0.06), (0.14, 0.11, 0.0, 0.2),
        (0.21, 0.17, 0.08, 0.36), (0.22, 0.18, 0.08, 0.4), (0.15, 0.12, 0.09, 0.4),
        (0.08, 0.07, 0.07, 0.22),
    ]  # fmt: skip
    bowl = loft([_oval(*level) for level in levels])
    seat = loft([_oval(0.225, 0.185, 0.08, 0.395), _oval(0.225, 0.185, 0.08, 0.415),
                 _oval(0.15, 0.12, 0.09, 0.415), _oval(0.15, 0.12, 0.09, 0.397)])  # fmt: skip
    lid = soft_box((-0.165, -0.14), (-0.17, 0.17), (0.4, 0.78), 0.012)
    cistern = [
        soft_box((-0.36, -0.17), (-0.2, 0.2), (0.38, 0.76), 0.03),
        soft_box((-0.365, -0.168), (-0.21, 0.21), (0.745, 0.79), 0.012),
        box((-0.3, -0.09), (-0.09, 0.09), (0.05, 0.39)),
    ]
    button = cylinder((-0.265, 0), 0.025, (0.785, 0.796), 12)
    return fitted({"bowl": [bowl, *cistern], "seat": [seat, lid], "button": [button]}, x, y, z)


def closed_toilet(x: float, y: float, z: float) -> Parts:
    """Make a toilet with its lid down."""
    parts = toilet(x, y, z)
    seat, lid = parts["seat"]
    middle = lid.reshape(-1, 3)
    hinge = (float(middle[:, 2].min()), float(middle[:, 0].max()))
    return {**parts, "seat": [seat, *swing([lid], hinge, np.pi / 2 - 0.02, axis=1)]}


def bathtub(x: float, y: float, z: float) -> Parts:
    """Make a tub that is reached from its long side; the tap stands on its right end."""
    X, Y, rim = x / 2, y / 2, z - 0.14
    tub = vessel([
        ((-X + 0.01, X - 0.02), (-Y + 0.01, Y - 0.01), 0.03, 0.0),
        ((-X + 0.01, X - 0.02), (-Y + 0.01, Y - 0.01), 0.03, rim - 0.04),
        ((-X, X), (-Y, Y), 0.04, rim - 0.04),
        ((-X, X), (-Y, Y), 0.04, rim),
        ((-X + 0.08, X - 0.08), (-Y + 0.12, Y - 0.08), 0.14, rim),
        ((-X + 0.13, X - 0.13), (-Y + 0.2, Y - 0.2), 0.12, 0.13),
    ])  # fmt: skip
    h = z - rim
    spout = tube(
        [(0, -Y + 0.05, rim - 0.005), (0, -Y + 0.05, z - 0.012), (0, -Y + 0.2, z - 0.012)], 0.012, 8
    )
    knobs = [
        cylinder((w, -Y + 0.05), 0.022, (rim - 0.004, rim + 0.4 * h), 8) for w in (-0.09, 0.09)
    ]
    return {"tub": [tub], "tap": [spout, *knobs]}


def shower(x: float, y: float, z: float) -> Parts:
    """Make a shower in the corner at its back and right: tray, two panes, riser and rose."""
    X, Y, r = x / 2, y / 2, 0.012
    tray = vessel([
        ((-X, X), (-Y, Y), 0.01, 0.0),
        ((-X, X), (-Y, Y), 0.01, 0.06),
        ((-X + 0.06, X - 0.06), (-Y + 0.06, Y - 0.06), 0.03, 0.06),
        ((-X + 0.08, X - 0.08), (-Y + 0.08, Y - 0.08), 0.03, 0.03),
    ])  # fmt: skip
    panes = [
        box((-X + 0.02, X - 0.04), (Y - 0.035, Y - 0.025), (0.05, z - 0.03)),
        box((X - 0.035, X - 0.025), (0.0, Y - 0.05), (0.05, z - 0.03)),
    ]
    rail = [
        box((X - 0.042, X - 0.018), (-Y + 0.01, Y - 0.018), (z - 0.04, z - 0.015)),
        box((-X + 0.01, X - 0.03), (Y - 0.041, Y - 0.019), (z - 0.038, z - 0.017)),
        box((X - 0.041, X - 0.019), (-0.012, 0.012), (0.045, z - 0.025)),
    ]
    a, top = -X + 0.05, z - r
    riser = tube([(a, 0, 0.95), (a, 0, top - 0.05), (a + 0.05, 0, top), (a + 0.3, 0, top)], r, 8)
    rose = lathe([(0.1, top - 0.09), (0.1, top - 0.075), (0.02, top - 0.05), (0.015, top)], 16)
    mixer = box((-X + 0.01, -X + 0.07), (-0.1, 0.1), (0.94, 1.0))
    return {
        "tray": [tray],
        "glass": panes,
        "metal": [*rail, riser, move(rose, a + 0.3), mixer],
    }


def washbasin(x: float, y: float, z: float) -> Parts:
    """Make a basin on a pedestal, with a tap."""
    X, Y, rim = x / 2, y / 2, z - 0.13
    bowl = vessel([
        ((-0.5 * X, 0.4 * X), (-0.45 * Y, 0.45 * Y), 0.06, rim - 0.17),
        ((-X, X), (-Y, Y), 0.1, rim - 0.06),
        ((-X, X), (-Y, Y), 0.1, rim),
        ((-X + 0.12, X - 0.03), (-Y + 0.04, Y - 0.04), 0.1, rim),
        ((-0.35 * X, 0.5 * X), (-0.5 * Y, 0.5 * Y), 0.06, rim - 0.13),
    ])  # fmt: skip
    foot = vessel([
        ((-X + 0.06, 0.35 * X), (-0.33 * Y, 0.33 * Y), 0.05, 0.0),
        ((-X + 0.08, 0.1 * X), (-0.26 * Y, 0.26 * Y), 0.05, 0.1),
        ((-X + 0.08, 0.1 * X), (-0.26 * Y, 0.26 * Y), 0.05, rim - 0.15),
    ])  # fmt: skip
    return {"bowl": [bowl, foot], "tap": tap((-X + 0.06, 0.0), rim, z - rim, 0.11)}


def towel(x: float, y: float, z: float) -> Parts:
    """Make a towel over a rail on the wall."""
    X, Y, r = x / 2, y / 2, 0.01
    rod = along_y(cylinder((z - 0.03, 0.2 * X), r, (-Y, Y), 8))
    brackets = [
        box((-X, 0.2 * X), (w - 0.012, w + 0.012), (z - 0.045, z - 0.015))
        for w in (-0.92 * Y, 0.92 * Y)
    ]
    outline = [
        (0.0, X), (0.0, 0.62 * X), (z - 0.045, 0.45 * X), (z - 0.045, -0.05 * X),
        (0.18 * z, -0.2 * X), (0.18 * z, -0.55 * X), (z - 0.01, -0.4 * X), (z, 0.2 * X),
        (z - 0.01, 0.8 * X),
    ]  # fmt: skip
    cloth = along_y(prism(outline, (-0.75 * Y, 0.75 * Y)))
    return {"rail": [rod, *brackets], "cloth": [cloth]}


def laundry_basket(x: float, y: float, z: float) -> Parts:
    """Make a round basket with washing in it."""
    r = x / 2
    wall = lathe(
        [(0.8 * r, 0), (r, z - 0.06), (r, z - 0.04), (0.92 * r, z - 0.04), (0.74 * r, 0.03)], 16
    )
    heap = lathe([(0.86 * r, z - 0.2), (0.88 * r, z - 0.09), (0.6 * r, z - 0.01), (0.0, z)], 12)
    stretch = [1, y / x, 1]
    return {"basket": [wall * stretch], "washing": [heap * stretch]}


def _oval(rx: float, ry: float, x: float, z: float) -> NDArray[np.float64]:
    angle = 2 * np.pi * np.arange(16) / 16
    return np.stack([x + rx * np.cos(angle), ry * np.sin(angle), np.full(16, z)], axis=1)


BUILDERS = (toilet, bathtub, shower, washbasin, towel, laundry_basket)

SHAPES = {("toilet", "closed"): closed_toilet}
