"""What several pieces of furniture have in common: legs, drawers, doors, knobs, taps, books."""

import math
from collections.abc import Iterable

from avenv.scene.primitives import Interval, Mesh, along_x, box, cylinder, move, tube, turn

HANDLE = 0.025
"""How far handles stand out from a front, metres."""


def legs(x: Interval, y: Interval, z: Interval, thickness: float) -> list[Mesh]:
    """Make four square posts in the corners of a rectangle."""
    return [
        box(px, py, z)
        for px in ((x[0], x[0] + thickness), (x[1] - thickness, x[1]))
        for py in ((y[0], y[0] + thickness), (y[1] - thickness, y[1]))
    ]


def cells(span: Interval, count: int, gap: float) -> list[Interval]:
    """Divide an interval into ``count`` equal ones with a gap between neighbours."""
    pitch = (span[1] - span[0] + gap) / count
    return [(span[0] + k * pitch, span[0] + (k + 1) * pitch - gap) for k in range(count)]


def drawers(
    front: float, y: Interval, z: Interval, rows: int, columns: int = 1
) -> tuple[list[Mesh], list[Mesh]]:
    """Make drawer panels and their bars on a body whose front lies ``HANDLE + 0.015`` behind."""
    panels, bars = [], []
    for low, high in cells(z, rows, 0.012):
        for right, left in cells(y, columns, 0.012):
            panels.append(_panel(front, (right, left), (low, high)))
            half = min(0.08, 0.3 * (left - right))
            middle, height = (right + left) / 2, high - min(0.05, 0.4 * (high - low))
            bars.append(
                box(
                    (front - HANDLE - 0.003, front),
                    (middle - half, middle + half),
                    (height - 0.008, height + 0.008),
                )
            )
    return panels, bars


def doors(
    front: float, y: Interval, z: Interval, count: int, height: float
) -> tuple[list[Mesh], list[Mesh]]:
    """Make door panels and their upright bars, centred at ``height``; doors open in pairs."""
    panels, bars = [], []
    for k, (right, left) in enumerate(cells(y, count, 0.008)):
        panels.append(_panel(front, (right, left), z))
        edge = left - 0.05 if k % 2 == 0 and k + 1 < count else right + 0.05
        half = min(0.08, 0.3 * (z[1] - z[0]))
        bars.append(
            box(
                (front - HANDLE - 0.003, front),
                (edge - 0.008, edge + 0.008),
                (height - half, height + half),
            )
        )
    return panels, bars


def swing(
    meshes: Iterable[Mesh], hinge: tuple[float, float], angle: float, axis: int = 2
) -> list[Mesh]:
    """Turn meshes about an upright hinge at (x, y), or about a level one (axis 1) at (z, x)."""
    a, b = hinge
    x, y, z = (a, b, 0.0) if axis == 2 else (b, 0.0, a)
    return [move(turn(move(m, -x, -y, -z), angle, axis), x, y, z) for m in meshes]


def swung_open(
    panels: Iterable[Mesh], bars: Iterable[Mesh], angle: float
) -> tuple[list[Mesh], list[Mesh]]:
    """Open the ``doors``: each turns on the side away from its bar."""
    leaves, grips = [], []
    for panel, bar in zip(panels, bars, strict=True):
        low, high = panel.reshape(-1, 3).min(axis=0), panel.reshape(-1, 3).max(axis=0)
        on_left = bar[..., 1].mean() > (low[1] + high[1]) / 2
        hinge = (float(low[0]), float(low[1] if on_left else high[1]))
        turned = swing((panel, bar), hinge, -angle if on_left else angle)
        leaves.append(turned[0])
        grips.append(turned[1])
    return leaves, grips


def case(x: Interval, y: Interval, z: Interval, board: float, shelves: int = 0) -> list[Mesh]:
    """Make a box that is open in front, of boards of that thickness, with shelves."""
    (back, front), (right, left), (low, high) = x, y, z
    inner = (right + 0.6 * board, left - 0.6 * board)
    boards = [
        box(x, (right, right + board), z),
        box(x, (left - board, left), z),
        box((back + 0.002, front - 0.002), inner, (low + 0.002, low + board)),
        box((back + 0.002, front - 0.002), inner, (high - board, high - 0.002)),
        box((back + 0.001, back + board), inner, (low + 0.6 * board, high - 0.6 * board)),
    ]
    step = (high - low) / (shelves + 1)
    boards += [
        box((back + 0.6 * board, front - 0.04), inner, (level, level + 0.5 * board))
        for level in (low + step * (k + 1) for k in range(shelves))
    ]
    return boards


def books(x: Interval, y: Interval, z: Interval, count: int, seed: int = 0) -> list[list[Mesh]]:
    """Stand about ``count`` books in a shelf's cell; returns three lists, for three bindings."""
    bindings: list[list[Mesh]] = [[], [], []]
    width, depth, height = (y[1] - y[0]) / count, x[1] - x[0], z[1] - z[0]
    right = y[0]
    for k in range(count):
        # The golden ratio's multiples scatter evenly: varied, and the same every time.
        chance = (0.618034 * (k + 7 * seed + 1)) % 1.0
        left = right + width * (0.65 + 0.5 * chance)
        if left > y[1]:
            break
        if (k + 3 * seed) % 9 != 8:  # now and then a gap
            reach = x[1] - depth * (0.05 + 0.25 * ((chance * 7) % 1.0))
            top = z[0] + height * (0.68 + 0.27 * ((chance * 5) % 1.0))
            bindings[int(chance * 31) % 3].append(box((x[0], reach), (right, left), (z[0], top)))
        right = left + 0.002
    return bindings


def disc(center: tuple[float, float], radius: float, x: Interval, sides: int = 12) -> Mesh:
    """Make a cylinder that faces forward, round ``center`` (y, z): knobs, dials, lenses."""
    return along_x(cylinder(center, radius, x, sides))


def tap(at: tuple[float, float], base: float, height: float, reach: float) -> list[Mesh]:
    """Make a mixer tap that stands at (x, y) and reaches towards +x; its top is exact."""
    (x, y), r, bend = at, 0.011, 0.5 * reach
    stem = base + height - r - bend
    arch = [(x + bend - bend * math.cos(a), y, stem + bend * math.sin(a))
            for a in (math.pi * k / 8 for k in range(9))]  # fmt: skip
    spout = tube([(x, y, base - 0.005), *arch, (x + reach, y, stem - 0.04)], r, 8)
    lever = tube([(x, y + 0.015, base + 0.07), (x + 0.01, y + 0.075, base + 0.1)], 0.007)
    return [spout, cylinder((x, y), 0.024, (base - 0.006, base + 0.05), 8), lever]


def _panel(front: float, y: Interval, z: Interval) -> Mesh:
    return box((front - HANDLE - 0.02, front - HANDLE), y, z)
