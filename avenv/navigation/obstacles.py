"""How far each cell of a lattice is from the triangles that a walking body would bump into.

Triangles are cut by two horizontal planes and seen from above: what is left is a convex polygon of
up to five corners, which collapses to a segment for a vertical wall. A cell is *touched* when the
polygon comes within ``reach`` of its centre; half a cell's diagonal makes the test conservative, so
that no wall is too thin to be noticed. Distances are to the polygons themselves, not to cells: a
wall at any angle and offset has a smooth, exact distance field.
"""

from math import ceil, floor, hypot, inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core.kernels import borrowing, inlined, inner, kernel

NOTHING = -1
"""Marks a cell that no triangle touches."""
VOID = -2
"""Marks a cell that is an obstacle in itself: there is no floor below it."""
MAX_CORNERS = 6
"""A sliced triangle has five corners; one may be written twice where it lies on a plane."""


class Lattice(NamedTuple):
    """ny x nx cell centres at (x0 + ix * cell, y0 + iy * cell), metres."""

    x0: float
    y0: float
    cell: float
    ny: int
    nx: int


class Slices(NamedTuple):
    """What is left of T triangles between two heights, seen from above.

    Attributes:
        corner: (T, MAX_CORNERS, 2) float64 metres.
        number: (T,) int64 corners of each; 0 where nothing is left.
    """

    corner: NDArray[np.float64]
    number: NDArray[np.int64]


def slice_up(triangles: NDArray[np.float32], low: float, high: float) -> Slices:
    """Return what is left of triangles (T, 3, 3) between the heights low and high, metres."""
    slices = Slices(np.empty((len(triangles), MAX_CORNERS, 2)), np.empty(len(triangles), np.int64))
    _slice_all(triangles, low, high, slices)
    return slices


@kernel
def touch(slices, lattice, reach):
    """Return which slice is nearest to each cell that any of them touches.

    Parameters
    ----------
    slices : Slices
    lattice : Lattice
    reach : float
        How near to a cell's centre a slice must come, metres.

    Returns
    -------
    (ny, nx) int32
        Index of the nearest one, ``NOTHING`` for untouched cells.
    """
    x0, y0, cell, ny, nx = lattice
    nearest = np.full((ny, nx), NOTHING, np.int32)
    best = np.full((ny, nx), reach * (1 + 1e-9))
    for t in range(len(slices.number)):
        polygon, n = slices.corner[t], slices.number[t]
        if n == 0:
            continue
        left, right, bottom, top = inf, -inf, inf, -inf
        for k in range(n):
            left, right = min(left, polygon[k, 0]), max(right, polygon[k, 0])
            bottom, top = min(bottom, polygon[k, 1]), max(top, polygon[k, 1])
        first = max(0, ceil((left - reach - x0) / cell))
        last = min(nx - 1, floor((right + reach - x0) / cell))
        lowest = max(0, ceil((bottom - reach - y0) / cell))
        highest = min(ny - 1, floor((top + reach - y0) / cell))
        for iy in range(lowest, highest + 1):
            for ix in range(first, last + 1):
                if best[iy, ix] > 0:
                    d = _polygon_distance(polygon, n, x0 + ix * cell, y0 + iy * cell)
                    if d < best[iy, ix]:
                        best[iy, ix] = d
                        nearest[iy, ix] = t
    return nearest


@kernel
def distances(slices, lattice, nearest, seeds):
    """Return the distance (ny, nx) float32 in metres of every cell centre to the nearest obstacle.

    ``seeds`` (2, ny, nx) int32 names for every cell the nearest touched cell, as a Euclidean
    distance transform finds it. The obstacle nearest to *that* cell, or to the one found by a
    neighbour, is the obstacle nearest to this one, up to a small part of a cell; its distance is
    then exact. This is a closest-feature transform (compare Mauch 2003) on top of the cell one.
    """
    x0, y0, cell, ny, nx = lattice
    out = np.empty((ny, nx), np.float32)
    tried = np.empty(9, np.int32)
    for iy in range(ny):
        for ix in range(nx):
            x, y = x0 + ix * cell, y0 + iy * cell
            best, number = inf, 0
            for jy in range(max(0, iy - 1), min(ny, iy + 2)):
                for jx in range(max(0, ix - 1), min(nx, ix + 2)):
                    sy, sx = seeds[0, jy, jx], seeds[1, jy, jx]
                    t = nearest[sy, sx]
                    if t == VOID:
                        # The floor ends about where the cell begins.
                        d = max(0.0, cell * (hypot(sx - ix, sy - iy) - 0.5))
                        best = min(best, d)
                        continue
                    known = False
                    for k in range(number):
                        known = known or tried[k] == t
                    if not known:
                        d = _polygon_distance(slices.corner[t], slices.number[t], x, y)
                        best = min(best, d)
                        tried[number] = t
                        number += 1
            out[iy, ix] = best
    return out


@borrowing
def _slice_all(triangles, low, high, slices):
    for t in range(len(triangles)):
        slices.number[t] = _slice(triangles[t], low, high, slices.corner[t])


@inner
def _slice(triangle, low, high, polygon):
    # Sutherland & Hodgman (1974) against z > low and z < high at once: walk the outline, keep
    # corners inside the slab and add the points where an edge enters or leaves it.
    bottom = min(triangle[0, 2], triangle[1, 2], triangle[2, 2])
    top = max(triangle[0, 2], triangle[1, 2], triangle[2, 2])
    if top <= low or bottom >= high:
        return 0
    n = 0
    for k in range(3):
        ax, ay, az = float(triangle[k, 0]), float(triangle[k, 1]), float(triangle[k, 2])
        b = triangle[(k + 1) % 3]
        bx, by, bz = float(b[0]), float(b[1]), float(b[2])
        enter, leave = 0.0, 1.0
        if az != bz:
            at_low, at_high = (low - az) / (bz - az), (high - az) / (bz - az)
            enter, leave = max(0.0, min(at_low, at_high)), min(1.0, max(at_low, at_high))
        elif az < low or az > high:
            continue
        if enter > leave:
            continue
        # The edge's end is the start of the next one, unless it lies outside.
        polygon[n, 0], polygon[n, 1] = ax + enter * (bx - ax), ay + enter * (by - ay)
        n += 1
        if leave < 1.0:
            polygon[n, 0], polygon[n, 1] = ax + leave * (bx - ax), ay + leave * (by - ay)
            n += 1
    return n


@inner
def _polygon_distance(polygon, n, x, y):
    # Zero strictly inside; a collapsed polygon has no inside, only edges. Squares tell which edges
    # may be the nearest; only their distances are taken exactly.
    positive, negative = True, True
    least = inf
    for k in range(n):
        px, py, side = _from_edge(polygon, n, k, x, y)
        positive = positive and side > 0
        negative = negative and side < 0
        least = min(least, px * px + py * py)
    if positive or negative:
        return 0.0
    best = inf
    for k in range(n):
        px, py, _ = _from_edge(polygon, n, k, x, y)
        if px * px + py * py <= least * (1 + 1e-9):
            best = min(best, hypot(px, py))
    return best


@inlined
def _from_edge(polygon, n, k, x, y):
    """Return the way from the nearest point of an edge to a point, and on which side that is."""
    ax, ay = polygon[k, 0], polygon[k, 1]
    j = k + 1 if k + 1 < n else 0
    ex, ey = polygon[j, 0] - ax, polygon[j, 1] - ay
    px, py = x - ax, y - ay
    side = ex * py - ey * px
    square = ex * ex + ey * ey
    t = min(1.0, max(0.0, (px * ex + py * ey) / square)) if square > 0 else 0.0
    return px - t * ex, py - t * ey, side
