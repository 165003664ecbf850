"""Things to put things on."""

from avenv.scene.furniture.fittings import drawers, legs
from avenv.scene.primitives import Parts, box, cylinder, lathe, prism, rounded


def table(x: float, y: float, z: float) -> Parts:
    """Make a dining table with an apron."""
    X, Y, t = x / 2, y / 2, 0.035
    apron = [
        box((-X + 0.09, X - 0.09), (w - 0.01, w + 0.01), (z - t - 0.08, z - t + 0.01))
        for w in (-Y + 0.07, Y - 0.07)
    ] + [
        box((w - 0.01, w + 0.01), (-Y + 0.09, Y - 0.09), (z - t - 0.085, z - t + 0.012))
        for w in (-X + 0.07, X - 0.07)
    ]
    feet = legs((-X + 0.04, X - 0.04), (-Y + 0.04, Y - 0.04), (0, z - t + 0.005), 0.065)
    return {"top": [box((-X, X), (-Y, Y), (z - t, z))], "legs": feet + apron}


def round_table(x: float, y: float, z: float) -> Parts:
    """Make a round table on one turned foot."""
    r, t, stretch = x / 2, 0.03, [1, y / x, 1]
    top = lathe([(r - 0.01, z - t), (r, z - t + 0.01), (r, z)], 24) * stretch
    foot = lathe(
        [(0.55 * r, 0), (0.53 * r, 0.02), (0.1 * r, 0.06), (0.06 * r, 0.15), (0.06 * r, z - 0.12),
         (0.2 * r, z - t + 0.005)], 16
    )  # fmt: skip
    return {"top": [top], "legs": [foot * stretch]}


def coffee_table(x: float, y: float, z: float) -> Parts:
    """Make a low table with rounded corners and a shelf below."""
    X, Y, t = x / 2, y / 2, 0.03
    top = prism(rounded((-X, X), (-Y, Y), 0.08, 4), (z - t, z))
    shelf = box((-X + 0.07, X - 0.07), (-Y + 0.07, Y - 0.07), (0.3 * z, 0.3 * z + 0.02))
    feet = legs((-X + 0.06, X - 0.06), (-Y + 0.06, Y - 0.06), (0, z - t + 0.005), 0.045)
    return {"top": [top], "legs": [shelf, *feet]}


def desk(x: float, y: float, z: float) -> Parts:
    """Make a desk with a stack of drawers on the left of whoever sits at it."""
    X, Y, t = x / 2, y / 2, 0.03
    right = -Y + 0.02
    chest = min(0.4, 0.35 * y)
    body = [
        box((-X + 0.02, X - 0.06), (right, right + chest), (0.04, z - t + 0.005)),
        box((-X + 0.03, X - 0.07), (Y - 0.05, Y - 0.02), (0, z - t + 0.006)),
        box((-X + 0.035, -X + 0.05), (right + 0.1, Y - 0.03), (0.3 * z, z - t + 0.007)),
        box((-X + 0.04, X - 0.08), (right + 0.02, right + chest - 0.02), (0, 0.05)),
    ]
    span = (right + 0.01, right + chest - 0.01)
    panels, bars = drawers(X - 0.02, span, (0.06, z - t - 0.01), 3)
    top = box((-X, X), (-Y, Y), (z - t, z))
    return {"top": [top], "body": body, "fronts": panels, "handles": bars}


def side_table(x: float, y: float, z: float) -> Parts:
    """Make a small round table on three levels: foot, stem, top."""
    r, stretch = x / 2, [1, y / x, 1]
    top = lathe([(r, z - 0.025), (r, z), (r - 0.012, z), (r - 0.012, z - 0.01)], 20) * stretch
    stem = cylinder((0, 0), 0.018, (0.01, z - 0.015), 8)
    foot = lathe([(0.6 * r, 0), (0.6 * r, 0.015), (0.03, 0.03)], 16) * stretch
    return {"top": [top], "legs": [stem, foot]}


BUILDERS = (table, round_table, coffee_table, desk, side_table)
