"""Counters and machines of a kitchen."""

import math

from avenv.scene.furniture.fittings import case, cells, disc, doors, drawers, swing, tap
from avenv.scene.primitives import (
    Parts,
    along_x,
    ball,
    box,
    cylinder,
    fitted,
    lathe,
    move,
    soft_box,
    tube,
    vessel,
)


def kitchen_counter(x: float, y: float, z: float) -> Parts:
    """Make base units under a worktop."""
    X, Y = x / 2, y / 2
    body = [
        box((-X + 0.004, X - 0.06), (-Y + 0.003, Y - 0.003), (0.1, z - 0.03)),
        box((-X + 0.01, X - 0.1), (-Y + 0.01, Y - 0.01), (0, 0.11)),
    ]
    count = max(1, round(y / 0.55))
    span, front, split = (-Y + 0.008, Y - 0.008), X - 0.02, z - 0.2
    panels, bars = doors(front, span, (0.105, split), count, split - 0.12)
    more_panels, more_bars = drawers(front, span, (split + 0.01, z - 0.045), 1, count)
    return {
        "top": [box((-X, X), (-Y, Y), (z - 0.04, z))],
        "body": body,
        "fronts": panels + more_panels,
        "handles": bars + more_bars,
    }


def sink(x: float, y: float, z: float) -> Parts:
    """Make a base unit with a steel basin and a tap; the tap's arch is the highest point."""
    X, Y, top = x / 2, y / 2, z - 0.26
    basin_x, basin_y = (-X + 0.13, X - 0.09), (-0.72 * Y, 0.1 * Y)
    inner_x, inner_y = (-X + 0.15, X - 0.11), (-0.72 * Y + 0.02, 0.1 * Y - 0.02)
    plate = vessel([
        (basin_x, basin_y, 0.05, top - 0.2),
        (basin_x, basin_y, 0.05, top - 0.035),
        ((-X, X), (-Y, Y), 0.01, top - 0.035),
        ((-X, X), (-Y, Y), 0.01, top),
        (inner_x, inner_y, 0.05, top),
        (inner_x, inner_y, 0.05, top - 0.18),
    ])  # fmt: skip
    drainer = [
        box((-X + 0.16, X - 0.12), span, (top - 0.004, top + 0.004))
        for span in cells((0.25 * Y, 0.9 * Y), 6, 0.02)
    ]
    body = [
        box((-X + 0.01, X - 0.1), (-Y + 0.01, Y - 0.01), (0, 0.11)),
        box((-X + 0.006, X - 0.06), (-Y + 0.018, Y - 0.018), (0.1, top - 0.21)),
        box((-X + 0.004, X - 0.055), (-Y + 0.003, -Y + 0.02), (0.104, top - 0.03)),
        box((-X + 0.004, X - 0.055), (Y - 0.02, Y - 0.003), (0.104, top - 0.03)),
        box((-X + 0.005, -X + 0.02), (-Y + 0.01, Y - 0.01), (top - 0.25, top - 0.031)),
    ]
    front = X - 0.02
    panels, bars = doors(front, (-Y + 0.008, Y - 0.008), (0.105, top - 0.042), 2, top - 0.2)
    return {
        "top": [plate, *drainer],
        "tap": tap((-X + 0.06, -0.3 * Y), top, z - top, 0.2),
        "body": body,
        "fronts": panels,
        "handles": bars,
    }


def fridge(x: float, y: float, z: float) -> Parts:
    """Make a fridge over a freezer, hinged on the left."""
    X, Y, split = x / 2, y / 2, 0.38 * z
    body = [
        box((-X, X - 0.1), (-Y, Y), (0.03, z)),
        box((-X + 0.02, X - 0.12), (-Y + 0.03, Y - 0.03), (0, 0.04)),
    ]
    leaves, bars = [], []
    for low, high, near in (
        (0.05, split - 0.006, split - 0.3),
        (split + 0.006, z - 0.005, split + 0.08),
    ):
        leaves.append(soft_box((X - 0.105, X - 0.035), (-Y + 0.003, Y - 0.003), (low, high), 0.015))
        w = -Y + 0.06
        bars.append(box((X - 0.018, X), (w - 0.01, w + 0.01), (near, near + 0.22)))
        bars += [
            box((X - 0.045, X - 0.01), (w - 0.007, w + 0.007), (k - 0.01, k + 0.01))
            for k in (near + 0.02, near + 0.2)
        ]
    return {"body": body, "doors": leaves, "handles": bars}


def open_fridge(x: float, y: float, z: float) -> Parts:
    """Make a fridge with both of its doors open."""
    X, Y, split = x / 2, y / 2, 0.38 * z
    parts = fridge(x, y, z)
    inside = [
        *case((-X, X - 0.1), (-Y, Y), (0.03, split), 0.04, shelves=2),
        *case((-X + 0.001, X - 0.101), (-Y + 0.001, Y - 0.001), (split + 0.001, z), 0.04, 4),
        parts["body"][1],
    ]
    hinge = (X - 0.07, Y - 0.003)
    return {
        "body": inside,
        "doors": swing(parts["doors"], hinge, 1.75),
        "handles": swing(parts["handles"], hinge, 1.75),
    }


def stove(x: float, y: float, z: float) -> Parts:
    """Make a free-standing cooker: hob with four plates, knobs, an oven with a window."""
    X, Y = x / 2, y / 2
    face = X - 0.05
    body = [
        box((-X, face), (-Y, Y), (0.05, z - 0.03)),
        box((-X + 0.03, face - 0.04), (-Y + 0.03, Y - 0.03), (0, 0.06)),
        box((face - 0.01, face + 0.02), (-Y + 0.01, Y - 0.01), (0.22, z - 0.18)),
        box((face - 0.01, face + 0.018), (-Y + 0.012, Y - 0.012), (0.06, 0.2)),
    ]
    glass = [
        box((-X + 0.004, face + 0.02), (-Y + 0.004, Y - 0.004), (z - 0.04, z - 0.008)),
        box((face, face + 0.024), (-0.7 * Y, 0.7 * Y), (0.3, z - 0.28)),
    ]
    plates = [
        cylinder((cx, cy), r, (z - 0.012, z), 16)
        for cx, cy, r in (
            (-0.42 * X, -0.45 * Y, 0.075), (-0.42 * X, 0.45 * Y, 0.09),
            (0.32 * X, -0.45 * Y, 0.09), (0.32 * X, 0.45 * Y, 0.075),
        )
    ]  # fmt: skip
    knobs = [disc((k, z - 0.1), 0.02, (face - 0.01, face + 0.035), 10)
             for k in (-0.7 * Y, -0.42 * Y, 0.42 * Y, 0.7 * Y)]  # fmt: skip
    rail = [box((X - 0.016, X), (-0.8 * Y, 0.8 * Y), (z - 0.235, z - 0.215))]
    rail += [
        box((face, X - 0.005), (w - 0.01, w + 0.01), (z - 0.232, z - 0.218))
        for w in (-0.7 * Y, 0.7 * Y)
    ]
    return {"body": body, "glass": glass, "plates": plates, "knobs": knobs, "handles": rail}


def washing_machine(x: float, y: float, z: float) -> Parts:
    """Make a front loader with a round door."""
    X, Y = x / 2, y / 2
    face, middle, r = X - 0.05, 0.47 * z, 0.38 * y
    body = [
        box((-X, face), (-Y, Y), (0.02, z)),
        box((-X + 0.03, face - 0.03), (-Y + 0.03, Y - 0.03), (0, 0.03)),
        box((face - 0.01, face + 0.01), (-Y + 0.02, -Y + 0.38 * y), (z - 0.14, z - 0.02)),
    ]
    ring = lathe([(r, 0), (r - 0.01, 0.03), (0.76 * r, 0.04), (0.7 * r, 0.015)], 20)
    bulge = lathe([(0.72 * r, 0), (0.68 * r, 0.03), (0.45 * r, 0.05), (0.0, 0.058)], 20)
    return {
        "body": body,
        "ring": [move(along_x(ring), face - 0.005, z=middle)],
        "door": [move(along_x(bulge), face - 0.008, z=middle)],
        "knobs": [
            disc((0.5 * Y, z - 0.08), 0.035, (face - 0.01, face + 0.03), 12),
            box((face - 0.01, face + 0.006), (-0.1 * Y, 0.2 * Y), (z - 0.11, z - 0.05)),
        ],
    }


def open_washing_machine(x: float, y: float, z: float) -> Parts:
    """Make a front loader with its round door open, the dark drum behind it."""
    face, middle, r = x / 2 - 0.05, 0.47 * z, 0.38 * y
    parts = washing_machine(x, y, z)
    drum = disc((0.0, middle), 0.72 * r, (face - 0.01, face + 0.004), 20)
    parts["door"] = [drum, *swing(parts["door"], (face + 0.045, -0.75 * r), -1.9)]
    return parts


def dishwasher(x: float, y: float, z: float) -> Parts:
    """Make a dishwasher with a bar across its door."""
    X, Y = x / 2, y / 2
    face = X - 0.06
    body = [
        box((-X, face), (-Y, Y), (0.06, z)),
        box((-X + 0.03, face - 0.04), (-Y + 0.02, Y - 0.02), (0, 0.07)),
    ]
    door = [box((face - 0.01, face + 0.02), (-Y + 0.005, Y - 0.005), (0.1, z - 0.14))]
    panel = [box((face - 0.01, face + 0.018), (-Y + 0.005, Y - 0.005), (z - 0.134, z - 0.01))]
    bar = [box((X - 0.016, X), (-0.85 * Y, 0.85 * Y), (z - 0.2, z - 0.18))]
    bar += [
        box((face, X - 0.006), (w - 0.01, w + 0.01), (z - 0.197, z - 0.183))
        for w in (-0.75 * Y, 0.75 * Y)
    ]
    keys = [disc((w * Y, z - 0.07), 0.012, (face, face + 0.024), 8) for w in (0.4, 0.55, 0.7)]
    return {"body": body, "door": door, "panel": panel, "handles": bar + keys}


def open_dishwasher(x: float, y: float, z: float) -> Parts:
    """Make a dishwasher with its door folded down."""
    X, Y = x / 2, y / 2
    face = X - 0.06
    parts = dishwasher(x, y, z)
    inside = case((-X, face), (-Y, Y), (0.06, z), 0.03, shelves=1)
    hinge = (0.1, face + 0.005)
    moved = {name: swing(parts[name], hinge, 1.5, axis=1) for name in ("door", "panel", "handles")}
    return {"body": [*inside, parts["body"][1]], **moved}


def microwave(x: float, y: float, z: float) -> Parts:
    """Make a microwave oven: dark window, keypad on the right of whoever uses it."""
    X, Y = x / 2, y / 2
    face, split = X - 0.035, 0.4 * Y
    body = [box((-X, face), (-Y, Y), (0.012, z))]
    body += [box((-0.8 * X, 0.7 * X), (w - 0.02, w + 0.02), (0, 0.02)) for w in (-0.8 * Y, 0.8 * Y)]
    door = [box((face - 0.01, face + 0.015), (-Y + 0.006, split - 0.004), (0.02, z - 0.01))]
    window = [
        box((face, face + 0.019), (-0.85 * Y, split - 0.07), (0.06, z - 0.05)),
        box((face - 0.01, face + 0.013), (split + 0.004, Y - 0.006), (0.02, z - 0.01)),
    ]
    keys = [
        box((face, face + 0.018), span, rise)
        for span in cells((split + 0.025, Y - 0.025), 3, 0.008)
        for rise in cells((0.04, 0.6 * z), 4, 0.008)
    ]
    keys.append(box((face, face + 0.017), (split + 0.025, Y - 0.025), (0.7 * z, 0.85 * z)))
    bar = [
        box((face, X), (split - 0.045, split - 0.025), rise)
        for rise in ((0.2 * z, 0.24 * z), (0.76 * z, 0.8 * z))
    ]
    bar.append(box((X - 0.012, X - 0.002), (split - 0.048, split - 0.022), (0.15 * z, 0.85 * z)))
    return {"body": body, "door": door, "window": window, "keys": keys, "handles": bar}


def open_microwave(x: float, y: float, z: float) -> Parts:
    """Make a microwave oven with its door open."""
    X, Y = x / 2, y / 2
    face, split = X - 0.035, 0.4 * Y
    parts = microwave(x, y, z)
    hinge = (face + 0.002, -Y + 0.006)
    pane, keypad = parts["window"]
    return {
        "body": [
            *case((-X, face), (-Y, split), (0.012, z), 0.02),
            box((-X, face), (split - 0.001, Y), (0.0125, z - 0.0005)),
            *parts["body"][1:],
        ],
        "door": swing(parts["door"], hinge, -1.8),
        "window": [*swing([pane], hinge, -1.8), keypad],
        "keys": parts["keys"],
        "handles": swing(parts["handles"], hinge, -1.8),
    }


def kettle(x: float, y: float, z: float) -> Parts:
    """Make a kettle: round body, spout to the right, handle over the top."""
    body = lathe([(0.085, 0.02), (0.1, 0.03), (0.095, 0.1), (0.07, 0.17), (0.06, 0.18)], 16)
    spout = tube([(0, -0.06, 0.08), (0, -0.12, 0.13), (0, -0.14, 0.17)], (0.026, 0.018, 0.013), 8)
    arch = [(0, 0.09 * math.cos(a), 0.15 + 0.11 * math.sin(a))
            for a in (math.pi * k / 8 for k in range(9))]  # fmt: skip
    lid = lathe([(0.055, 0.175), (0.05, 0.19), (0.0, 0.197)], 12)
    parts: Parts = {
        "body": [body, spout, lid],
        "handle": [tube(arch, 0.011, 8), ball((0, 0, 0.205), 0.014, 8, 4),
                   cylinder((0, 0), 0.1, (0, 0.022), 16)],
    }  # fmt: skip
    return fitted(parts, x, y, z)


def toaster(x: float, y: float, z: float) -> Parts:
    """Make a toaster with two slices in it."""
    X, Y = x / 2, y / 2
    body = soft_box((-X + 0.012, X - 0.012), (-Y, Y - 0.02), (0.01, 0.86 * z), 0.025)
    slices = [
        box((w - 0.012, w + 0.012), (-0.7 * Y, 0.6 * Y), (0.5 * z, z))
        for w in (-0.35 * X, 0.35 * X)
    ]
    trim = [box((-X, X), (-0.9 * Y, 0.8 * Y), (0, 0.1 * z)),
            box((-0.02, 0.02), (Y - 0.03, Y), (0.55 * z, 0.62 * z))]  # fmt: skip
    return {"body": [body], "bread": slices, "trim": trim}


BUILDERS = (
    kitchen_counter, sink, fridge, stove, washing_machine, dishwasher, microwave, kettle, toaster,
)  # fmt: skip

SHAPES = {
    ("fridge", "open"): open_fridge,
    ("washing_machine", "open"): open_washing_machine,
    ("dishwasher", "open"): open_dishwasher,
    ("microwave", "open"): open_microwave,
}
