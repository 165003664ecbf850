"""Geodesic distances: how far a body has to walk to a goal, and the shortest way there."""

from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from math import hypot

import numpy as np
import skfmm
from numpy.typing import ArrayLike, NDArray

from avenv.core.kernels import borrowing, kernel
from avenv.core.locks import make_lock
from avenv.navigation.clearance import SIGHT_MARGIN, line_is_free
from avenv.navigation.descent import Distance, distance_at, extend, last_visible, way_down
from avenv.navigation.grid import Points, WalkableGrid, as_points

MAX_DIRECT = 2.0
"""Metres around a goal within which straight lines are tried before marching begins."""


@dataclass(frozen=True, eq=False)
class GeodesicField:
    """Distances in metres from everywhere to the nearest of some goals.

    Attributes:
        grid: the walkable grid.
        goals: (K, 2) float64 walkable points at which the distance is 0.
        distance: (ny, nx) float32 metres at the grid's cell centres, inf where a body cannot be or
            cannot come from.
        direct: metres around each goal within which the way is a straight line.
    """

    grid: WalkableGrid
    goals: Points
    distance: NDArray[np.float32]
    direct: float

    @cached_property
    def arrays(self) -> Distance:
        """The field as kernels take it."""
        return Distance(self.distance, extend(self.distance), self.goals, self.direct)

    def at(self, points: ArrayLike) -> NDArray[np.float64]:
        """Return the geodesic distance (N,) in metres of points (N, 2).

        It is inf where a body cannot stand or from where it cannot reach a goal.
        """
        return _distances_at(self.grid.field, self.arrays, as_points(points))

    def at_point(self, x: float, y: float) -> float:
        """Return the geodesic distance in metres of one point, as ``at`` does."""
        return distance_at(self.grid.field, self.arrays, x, y)

    def share_within(self, radius: float) -> float:
        """Return the share of the floor, from where one can come, that is so many metres away."""
        return float(np.mean(self.distance[np.isfinite(self.distance)] <= radius))


def geodesic_field(grid: WalkableGrid, goals: ArrayLike) -> GeodesicField:
    """Solve for the walking distance to the nearest of some goals.

    The eikonal equation by second-order fast marching (Sethian 1999; scikit-fmm), started from
    circles around the goals inside which everything is in sight, so that the singularity at a goal
    costs no accuracy.

    Parameters
    ----------
    grid : WalkableGrid
    goals : (2,) or (K, 2) float, metres
        A goal on which no body can stand (a phone on a table) counts as the nearest point on which
        one can.
    """
    goals = grid.nearest_walkable(as_points(np.atleast_2d(goals), "goals"))
    straight = _straight_distance(grid, goals)
    reachable = np.isin(grid.islands, grid.island_of(goals)) & (grid.islands > 0)
    direct = _direct_reach(grid.field, reachable, goals)
    inside = reachable & (straight <= direct)
    distance = np.full(grid.islands.shape, np.inf, np.float32)
    if (reachable & ~inside).any():
        front = np.ma.MaskedArray(straight - direct, ~reachable)
        marched = skfmm.distance(front, dx=grid.cell)
        distance[reachable] = marched[reachable] + direct
    distance[inside] = straight[inside]
    return GeodesicField(grid, goals, distance, direct)


def shortest_path(grid: WalkableGrid, field: GeodesicField, start: ArrayLike) -> Points:
    """Return the shortest way (M, 2) from a point to the goal, a taut polyline with both ends.

    Steepest descent on the geodesic field, then every corner that can be skipped in free line of
    sight is skipped. A start on which no body can stand counts as the nearest point on which one
    can.

    Raises
    ------
    ValueError
        If no goal can be reached from the start.
    """
    (x, y) = grid.nearest_walkable(as_points(np.atleast_2d(start), "start"))[0]
    if not np.isfinite(field.at([[x, y]])[0]):
        raise ValueError(
            f"no goal can be reached from start ({x:.2f}, {y:.2f}) in scene {grid.name!r}"
        )
    # Distances fall along the way, so no cell comes twice and it ends before all are used up.
    way = way_down(grid.field, field.arrays, x, y, 1.5 * grid.cell * grid.islands.size)
    return np.concatenate([[(x, y)], way[_corners(grid.field, way, x, y)]])


class FieldCache:
    """The most recently used geodesic fields, one per grid and set of goals.

    Fields keep their grids alive, which homes without end would make without end; so it is their
    bytes that are bounded.

    Args:
        limit: bytes that the fields and their grids may take; the latest field stays in any case.
    """

    def __init__(self, limit: int = 64 * 2**20):
        self._limit, self._used = limit, 0
        self._lock = make_lock()
        self._fields: OrderedDict[tuple[WalkableGrid, bytes], GeodesicField] = OrderedDict()

    def __reduce__(self) -> tuple:
        return FieldCache, (self._limit,)  # fields are solved again where they are needed

    def __len__(self) -> int:
        return len(self._fields)

    def get(self, grid: WalkableGrid, goals: ArrayLike) -> GeodesicField:
        """Return ``geodesic_field(grid, goals)``, solved only if it is not at hand."""
        points = as_points(np.atleast_2d(goals), "goals")
        key = grid, points.tobytes()
        with self._lock:
            if key in self._fields:
                self._fields.move_to_end(key)
                return self._fields[key]
        field = geodesic_field(grid, points)
        with self._lock:
            if key in self._fields:  # another thread was faster
                return self._fields[key]
            self._fields[key] = field
            self._used += _size(field)
            while self._used > self._limit and len(self._fields) > 1:
                _, oldest = self._fields.popitem(last=False)
                self._used -= _size(oldest)
        return field


def _size(field: GeodesicField) -> int:
    """Return the bytes of a field, of what it extends to, and of its grid."""
    grid = field.grid
    return 2 * field.distance.nbytes + grid.clearance.nbytes + grid.islands.nbytes


def _straight_distance(grid: WalkableGrid, goals: Points) -> NDArray[np.float64]:
    ny, nx = grid.islands.shape
    x = grid.field.x0 + grid.cell * np.arange(nx)
    y = grid.field.y0 + grid.cell * np.arange(ny)
    return np.min([np.hypot(x - gx, (y - gy)[:, None]) for gx, gy in goals], axis=0)


@borrowing
def _direct_reach(field, reachable, goals):
    # The largest radius, MAX_DIRECT at most, of circles around the goals in which all is in sight.
    # A goal's own four cells are, whatever the lines of sight say: no obstacle is that thin.
    ny, nx = reachable.shape
    reach = MAX_DIRECT
    for gx, gy in goals:
        first_y = max(0, int((gy - reach - field.y0) / field.cell))
        first_x = max(0, int((gx - reach - field.x0) / field.cell))
        for iy in range(first_y, min(ny, int((gy + reach - field.y0) / field.cell) + 2)):
            for ix in range(first_x, min(nx, int((gx + reach - field.x0) / field.cell) + 2)):
                x, y = field.x0 + ix * field.cell, field.y0 + iy * field.cell
                d = hypot(x - gx, y - gy)
                if not reachable[iy, ix] or d > reach + field.cell:
                    continue
                if not line_is_free(field, gx, gy, x, y, field.limit - SIGHT_MARGIN):
                    reach = min(reach, d - field.cell)
    return max(reach, 1.5 * field.cell)


@kernel
def _corners(field, way, x, y):
    # Indices of the points of a way that cannot be skipped: from each the farthest in sight.
    corners = np.empty(len(way), np.int64)
    index = corners[0] = last_visible(field, way, np.int64(0), x, y, field.limit)
    count = 1
    while index < len(way) - 1:
        x, y = way[index]
        index = max(index + 1, last_visible(field, way, index, x, y, field.limit))
        corners[count] = index
        count += 1
    return corners[:count]


@kernel
def _distances_at(field, distance, points):
    out = np.empty(len(points))
    for k in range(len(points)):
        out[k] = distance_at(field, distance, points[k, 0], points[k, 1])
    return out
