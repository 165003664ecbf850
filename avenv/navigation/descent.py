"""Kernels over a geodesic field: the distance at a point and the way down to the goal."""

from math import hypot, inf, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core.kernels import borrowing, inner, kernel
from avenv.navigation.clearance import clearance_at, line_is_free

DIAGONAL = sqrt(2.0)


class Distance(NamedTuple):
    """Geodesic distances as kernels take them.

    ``values`` (ny, nx) float32 metres at the cell centres of the clearance field, inf where no body
    can be; ``extended`` the same with ``extend``'s rim around it; within ``direct`` metres of one
    of the ``goals`` (K, 2) the way is a straight line.
    """

    values: NDArray[np.float32]
    extended: NDArray[np.float32]
    goals: NDArray[np.float64]
    direct: float


@inner
def nearest_goal(distance, x, y):
    """Return the index of the nearest goal and its distance as the crow flies, metres."""
    best, index = inf, 0
    for k in range(len(distance.goals)):
        d = hypot(distance.goals[k, 0] - x, distance.goals[k, 1] - y)
        if d < best:
            best, index = d, k
    return index, best


@borrowing
def distance_at(field, distance, x, y):
    """Return the metres to walk from a point; inf where no body can stand or none can come from.

    Exact near the goals, elsewhere bilinear. A walkable point may have cells around it that are
    not walkable; the rim gives them values.
    """
    if clearance_at(field, x, y) < field.limit:
        return inf
    _, straight = nearest_goal(distance, x, y)
    if straight <= distance.direct:
        return straight
    ny, nx = distance.values.shape
    u, v = (x - field.x0) / field.cell, (y - field.y0) / field.cell
    ix, iy = min(int(u), nx - 2), min(int(v), ny - 2)
    total, weights = 0.0, 0.0
    for jy in range(iy, iy + 2):
        for jx in range(ix, ix + 2):
            value = float(distance.extended[jy, jx])
            weight = (1 - abs(u - jx)) * (1 - abs(v - jy))
            if value < inf and weight > 0:
                total += weight * value
                weights += weight
    return total / weights if weights > 0 else inf


@kernel
def extend(values):
    """Return distances (ny, nx) with a rim of one cell around them, extrapolated linearly.

    The value of a rim cell is the mean of what the lines through its edge neighbours say, or, where
    it has none, those through its corner neighbours.
    """
    ny, nx = values.shape
    out = values.copy()
    for iy in range(2, ny - 2):
        for ix in range(2, nx - 2):
            if values[iy, ix] < inf:
                continue
            for corners in range(2):
                total, count = 0.0, 0
                for dy in range(-1, 2):
                    for dx in range(-1, 2):
                        near = float(values[iy + dy, ix + dx])
                        if abs(dx) + abs(dy) == 1 + corners and near < inf:
                            beyond = float(values[iy + 2 * dy, ix + 2 * dx])
                            total += 2 * near - beyond if beyond < inf else near
                            count += 1
                if count > 0:
                    out[iy, ix] = total / count
                    break
    return out


@kernel
def way_down(field, distance, x, y, reach):
    """Return the points (n, 2) of the way from (x, y) to the goal, its first ``reach`` metres.

    They are the centres of the cells of steepest descent, beginning with one around (x, y), and
    the goal itself where it is near enough.
    """
    iy, ix = _first_cell(field, distance, x, y)
    way = np.empty((int(reach / field.cell) + 3, 2))
    n, walked = 0, 0.0
    while True:
        way[n, 0], way[n, 1] = field.x0 + ix * field.cell, field.y0 + iy * field.cell
        n += 1
        jy, jx = _next_cell(distance.values, iy, ix)
        if jy == iy and jx == ix:
            goal, _ = nearest_goal(distance, way[n - 1, 0], way[n - 1, 1])
            way[n, 0], way[n, 1] = distance.goals[goal, 0], distance.goals[goal, 1]
            return way[: n + 1]
        walked += field.cell * (DIAGONAL if jy != iy and jx != ix else 1.0)
        if walked > reach:
            return way[:n]
        iy, ix = jy, jx


@inner
def last_visible(field, way, first, x, y, limit):
    """Return the last index of a way's points that is in free line of sight of (x, y).

    The sight has a clearance of at least ``limit``. By bisection, since along a shortest way what
    has gone out of sight hardly returns; ``first`` is taken to be visible.
    """
    last = len(way) - 1
    if line_is_free(field, x, y, way[last, 0], way[last, 1], limit):
        return last
    while last - first > 1:
        middle = (first + last) // 2
        if line_is_free(field, x, y, way[middle, 0], way[middle, 1], limit):
            first = middle
        else:
            last = middle
    return first


@inner
def _first_cell(field, distance, x, y):
    # The cell around a point from which the way to the goal is shortest.
    ny, nx = distance.values.shape
    u, v = (x - field.x0) / field.cell, (y - field.y0) / field.cell
    ix, iy = min(max(int(u), 0), nx - 2), min(max(int(v), 0), ny - 2)
    best, by, bx = inf, iy, ix
    for jy in range(iy, iy + 2):
        for jx in range(ix, ix + 2):
            d = float(distance.values[jy, jx]) + field.cell * hypot(u - jx, v - jy)
            if d < best:
                best, by, bx = d, jy, jx
    return by, bx


@inner
def _next_cell(values, iy, ix):
    # The neighbour of steepest descent, the cell itself where none is lower. Fast marching derives
    # every value from a lower edge neighbour, so only a goal has none. Diagonal steps need both
    # cells beside them, so that the whole way is walkable.
    best, by, bx = 0.0, iy, ix
    here = float(values[iy, ix])
    for dy in range(-1, 2):
        for dx in range(-1, 2):
            drop = here - float(values[iy + dy, ix + dx])
            if dx != 0 and dy != 0:
                if not (values[iy, ix + dx] < inf and values[iy + dy, ix] < inf):
                    continue
                drop /= DIAGONAL
            if drop > best:
                best, by, bx = drop, iy + dy, ix + dx
    return by, bx
