"""Things to keep things in."""

from avenv.scene.furniture.fittings import (
    HANDLE,
    books,
    case,
    cells,
    doors,
    drawers,
    legs,
    swung_open,
)
from avenv.scene.primitives import Mesh, Parts, along_y, box, cylinder


def nightstand(x: float, y: float, z: float) -> Parts:
    """Make a bedside cabinet with two drawers."""
    return _chest(x, y, z, rows=2, columns=1, foot=0.12)


def chest_of_drawers(x: float, y: float, z: float) -> Parts:
    """Make a chest with rows of two drawers, as many as fit."""
    return _chest(x, y, z, rows=max(2, round((z - 0.1) / 0.22)), columns=2, foot=0.08)


def tv_stand(x: float, y: float, z: float) -> Parts:
    """Make a low, wide board with drawers."""
    return _chest(x, y, z, rows=1, columns=3, foot=0.12)


def wardrobe(x: float, y: float, z: float) -> Parts:
    """Make a wardrobe with doors down to the plinth."""
    X, Y = x / 2, y / 2
    face = X - HANDLE - 0.015
    body = [
        box((-X, face), (-Y + 0.008, Y - 0.008), (0.06, z - 0.03)),
        box((-X + 0.01, X - HANDLE - 0.001), (-Y, Y), (z - 0.035, z)),
        box((-X + 0.02, face - 0.03), (-Y + 0.03, Y - 0.03), (0, 0.07)),
    ]
    count = max(2, round(y / 0.5))
    span, rise = (-Y + 0.015, Y - 0.015), (0.075, z - 0.04)
    panels, bars = doors(X, span, rise, count, 0.5 * z)
    return {"body": body, "fronts": panels, "handles": bars}


def open_wardrobe(x: float, y: float, z: float) -> Parts:
    """Make a wardrobe with its doors open: a rail under a shelf."""
    X, Y = x / 2, y / 2
    face = X - HANDLE - 0.015
    parts = wardrobe(x, y, z)
    _, lid, plinth = parts["body"]
    inside = case((-X, face), (-Y + 0.008, Y - 0.008), (0.06, z - 0.03), 0.02)
    shelf = box((-X + 0.01, face - 0.05), (-Y + 0.02, Y - 0.02), (0.83 * z, 0.83 * z + 0.018))
    rail = along_y(cylinder((0.77 * z, 0.0), 0.015, (-Y + 0.02, Y - 0.02), 8))
    panels, bars = swung_open(parts["fronts"], parts["handles"], 1.9)
    return {"body": [*inside, lid, plinth, shelf], "fronts": panels, "handles": [*bars, rail]}


def cabinet(x: float, y: float, z: float) -> Parts:
    """Make a sideboard with doors below a row of drawers."""
    X, Y, foot = x / 2, y / 2, 0.1
    split = z - 0.22
    body, feet = _carcass(x, y, z, foot)
    span, count = (-Y + 0.02, Y - 0.02), max(2, round(y / 0.5))
    panels, bars = doors(X, span, (foot + 0.015, split), count, split - 0.12)
    more_panels, more_bars = drawers(X, span, (split + 0.012, z - 0.04), 1, count)
    return {
        "body": body,
        "fronts": panels + more_panels,
        "handles": bars + more_bars,
        "feet": feet,
    }


def bookshelf(x: float, y: float, z: float) -> Parts:
    """Make an open bookcase filled with books."""
    X, Y, t = x / 2, y / 2, 0.022
    levels = max(2, round(z / 0.36))
    rows = cells((0.06, z - t), levels, t)
    frame = [
        box((-X, X), (-Y, -Y + t), (0, z)),
        box((-X, X), (Y - t, Y), (0, z)),
        box((-X + 0.002, -X + 0.012), (-Y + 0.01, Y - 0.01), (0.02, z - 0.004)),
        box((-X + 0.006, X - 0.012), (-Y + 0.011, Y - 0.011), (0.01, 0.05)),
    ]
    frame += [
        box((-X + 0.004, X - 0.004), (-Y + 0.012, Y - 0.012), (low - t, low)) for low, _ in rows
    ]
    frame.append(box((-X + 0.004, X - 0.004), (-Y + 0.012, Y - 0.012), (z - t, z - 0.002)))
    stacks: Parts = {"books_a": [], "books_b": [], "books_c": []}
    for k, (low, high) in enumerate(rows):
        cell = ((-X + 0.01, X - 0.03), (-Y + t + 0.003, Y - t - 0.01), (low - 0.002, high - 0.03))
        for stack, bound in zip(stacks.values(), books(*cell, 14, seed=k), strict=True):
            stack += bound
    return {"frame": frame, **stacks}


def shelf(x: float, y: float, z: float) -> Parts:
    """Make a board on the wall with a few books."""
    X, Y, t = x / 2, y / 2, 0.025
    frame = [box((-X, X), (-Y, Y), (0, t))]
    cell = ((-X + 0.02, X - 0.03), (-Y + 0.05, Y - 0.12 * y), (t - 0.002, t + (z - t) * 1.0))
    stacks = books(*cell, 11)
    end = box((-X + 0.015, X - 0.05), (Y - 0.12 * y, Y - 0.12 * y + 0.02), (t - 0.003, z))
    return {
        "frame": [*frame, end],
        "books_a": stacks[0],
        "books_b": stacks[1],
        "books_c": stacks[2],
    }


def kitchen_cabinet(x: float, y: float, z: float) -> Parts:
    """Make a wall unit with doors."""
    X, Y = x / 2, y / 2
    body = box((-X, X - HANDLE - 0.015), (-Y, Y), (0, z))
    count = max(1, round(y / 0.45))
    panels, bars = doors(X, (-Y + 0.006, Y - 0.006), (0.006, z - 0.006), count, 0.14)
    return {"body": [body], "fronts": panels, "handles": bars}


def open_kitchen_cabinet(x: float, y: float, z: float) -> Parts:
    """Make a wall unit with its doors open."""
    X, Y = x / 2, y / 2
    parts = kitchen_cabinet(x, y, z)
    panels, bars = swung_open(parts["fronts"], parts["handles"], 1.7)
    body = case((-X, X - HANDLE - 0.015), (-Y, Y), (0, z), 0.018, shelves=1)
    return {"body": body, "fronts": panels, "handles": bars}


def _chest(x: float, y: float, z: float, rows: int, columns: int, foot: float) -> Parts:
    X, Y = x / 2, y / 2
    body, feet = _carcass(x, y, z, foot)
    panels, bars = drawers(X, (-Y + 0.02, Y - 0.02), (foot + 0.015, z - 0.04), rows, columns)
    return {"body": body, "fronts": panels, "handles": bars, "feet": feet}


def _carcass(x: float, y: float, z: float, foot: float) -> tuple[list[Mesh], list[Mesh]]:
    X, Y = x / 2, y / 2
    face = X - HANDLE - 0.015
    body = [
        box((-X + 0.005, face), (-Y + 0.008, Y - 0.008), (foot, z - 0.02)),
        box((-X, X - 0.012), (-Y, Y), (z - 0.028, z)),
    ]
    feet = legs((-X + 0.03, face - 0.02), (-Y + 0.03, Y - 0.03), (0, foot + 0.01), 0.04)
    return body, feet


BUILDERS = (
    nightstand, chest_of_drawers, tv_stand, wardrobe, cabinet, bookshelf, shelf, kitchen_cabinet,
)  # fmt: skip

SHAPES = {
    ("wardrobe", "open"): open_wardrobe,
    ("kitchen_cabinet", "open"): open_kitchen_cabinet,
}
