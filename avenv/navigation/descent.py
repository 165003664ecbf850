"""Kernels over a geodesic field: the distance at a point and the way down to the goal."""

from math import hypot, inf
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from avenv.navigation.clearance import clearance_at, line_is_free


class Distance(NamedTuple):
    """Geodesic distances as kernels take them.

    ``values`` (ny, nx) float32 metres at the cell centres of the clearance field, inf where no body
    can be; within ``direct`` metres of one of the ``goals`` (K, 2) the way is a straight line.
    """

    values: NDArray[np.float32]
    goals: NDArray[np.float64]
    direct: float


@njit(cache=True, nogil=True)
def nearest_goal(distance, x, y):
    """Return the index of the nearest goal and its distance as the crow flies, metres."""
    best, index = inf, 0
    for k in range(len(distance.goals)):
        d = hypot(distance.goals[k, 0] - x, distance.goals[k, 1] - y)
        if d < best:
            best, index = d, k
    return index, best


@njit(cache=True, nogil=True)
def distance_at(field, distance, x, y):
    """Return the metres to walk from a point; inf where no body can stand or none can come from.

    Exact near the goals, elsewhere bilinear over those of the four cells around that have a value.
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
            value = float(distance.values[jy, jx])
            weight = (1 - abs(u - jx)) * (1 - abs(v - jy))
            if value < inf and weight > 0:
                total += weight * value
                weights += weight
    return total / weights if weights > 0 else inf


@njit(cache=True, nogil=True)
def first_cell(field, distance, x, y):
    """Return the cell (iy, ix) around a point from which the way to the goal is shortest."""
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


@njit(cache=True, nogil=True)
def next_cell(values, iy, ix):
    """Return the neighbour (iy, ix) of steepest descent, the cell itself where none is lower.

    Fast marching derives every value from a lower edge neighbour, so only a goal has none. Diagonal
    steps need both cells beside them, so that the whole way is walkable.
    """
    best, by, bx = 0.0, iy, ix
    here = float(values[iy, ix])
    for dy in range(-1, 2):
        for dx in range(-1, 2):
            side, ahead = values[iy, ix + dx], values[iy + dy, ix]
            if not (side < inf and ahead < inf):
                continue
            drop = (here - float(values[iy + dy, ix + dx])) / max(1.0, hypot(dx, dy))
            if drop > best:
                best, by, bx = drop, iy + dy, ix + dx
    return by, bx


@njit(cache=True, nogil=True)
def look_ahead(field, distance, x, y, reach, limit):
    """Return the farthest point of the way to the goal in free line of sight of (x, y).

    Follows the cells of steepest descent for ``reach`` metres at most and stops at the first that
    cannot be seen with a clearance of ``limit``. At least the first cell is returned, and from
    the centre of a cell the next.
    """
    iy, ix = first_cell(field, distance, x, y)
    seen_x, seen_y = field.x0 + ix * field.cell, field.y0 + iy * field.cell
    walked = 0.0
    while walked < reach:
        jy, jx = next_cell(distance.values, iy, ix)
        if jy == iy and jx == ix:
            k, _ = nearest_goal(distance, seen_x, seen_y)
            goal_x, goal_y = distance.goals[k]
            arrived = seen_x == x and seen_y == y
            if arrived or line_is_free(field, x, y, goal_x, goal_y, limit):
                return goal_x, goal_y
            break
        walked += field.cell * hypot(jx - ix, jy - iy)
        iy, ix = jy, jx
        next_x, next_y = field.x0 + ix * field.cell, field.y0 + iy * field.cell
        if not line_is_free(field, x, y, next_x, next_y, limit):
            break
        seen_x, seen_y = next_x, next_y
    return seen_x, seen_y
