"""Polygons in the plan: insets, shared walls and triangles. Pure functions, metres."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from shapely import Polygon, is_valid_reason

from avenv.core.vectors import norm, plane_cross

Points = NDArray[np.float64]

SNAP = 1e-3
"""Two walls this close (m) are one wall; overlaps thinner than this are not overlaps."""

_EARS = 256  # that are judged at a time: each against all corners


@dataclass(frozen=True, eq=False)
class Segment:
    """A straight piece of wall from ``start`` to ``end``, both (2,)."""

    start: Points
    end: Points

    @cached_property
    def length(self) -> float:
        """Metres from start to end."""
        x, y = (self.end - self.start).tolist()
        return norm(x, y)

    @cached_property
    def direction(self) -> Points:
        """Unit vector (2,) from start to end."""
        return (self.end - self.start) / self.length

    @cached_property
    def inward(self) -> Points:
        """Unit normal (2,) to the left, which is into a counter-clockwise polygon."""
        x, y = self.direction.tolist()
        return np.array([-y, x])

    def along(self, point: ArrayLike) -> float:
        """Metres from the start to the foot of a point (2,) on this line."""
        x, y = np.asarray(point, float).tolist()
        return self.seen(x, y)[0]

    def seen(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point is: metres from the start along this line, and to its left."""
        x0, y0, c, s = self._frame
        x, y = x - x0, y - y0
        return x * c + y * s, y * c - x * s

    @cached_property
    def _frame(self) -> tuple[float, float, float, float]:
        x, y = self.start.tolist()
        c, s = self.direction.tolist()
        return x, y, c, s

    def distance(self, point: ArrayLike) -> float:
        """Metres from a point (2,) to the nearest point of the segment."""
        along = min(max(self.along(point), 0.0), self.length)
        return norm(*(np.asarray(point, float) - self.at(along)).tolist())

    def at(self, along: float) -> Points:
        """Return the point (2,) that lies this far (m) from the start."""
        return self.start + along * self.direction


def sides(polygon: Points) -> list[Segment]:
    """Return the sides of a polygon (N, 2), side k from corner k to the next."""
    return [Segment(a, b) for a, b in zip(polygon, [*polygon[1:], polygon[0]], strict=True)]


def counter_clockwise(polygon: ArrayLike) -> Points:
    """Return the polygon (N, 2) counter-clockwise and without corners of 180 degrees.

    Raises:
        ValueError: it is not simple: it crosses or touches itself, or has no area.
    """
    points = np.asarray(polygon, np.float64)
    points = points[np.hypot(*(points - np.roll(points, 1, axis=0)).T) > SNAP]
    if len(points) < 3:
        raise ValueError("it has fewer than three different corners")
    shape = Polygon(points)
    if not shape.is_valid or shape.area < SNAP:
        raise ValueError(is_valid_reason(shape) if not shape.is_valid else "it has no area")
    if not shape.exterior.is_ccw:
        points = points[::-1]
    before = points - np.roll(points, 1, axis=0)
    after = np.roll(points, -1, axis=0) - points
    turn = plane_cross(before, after) / np.hypot(*before.T) / np.hypot(*after.T)
    return points[np.abs(turn) > 1e-6]


def inset(polygon: Points, distance: float) -> Points:
    """Return a counter-clockwise polygon (N, 2) with every side moved inwards, mitred.

    With unit normals n of the sides that meet in a corner, the corner moves by
    ``distance * (n1 + n2) / (1 + n1 . n2)``, which is ``distance`` along both normals.

    Raises:
        ValueError: the polygon is too narrow for this inset.
    """
    normal = np.array([side.inward for side in sides(polygon)])
    previous = np.roll(normal, 1, axis=0)
    scale = distance / (1 + np.sum(normal * previous, axis=1, keepdims=True))
    moved = polygon + scale * (normal + previous)
    along = np.sum((np.roll(moved, -1, axis=0) - moved) * _directions(polygon), axis=1)
    if np.any(along < SNAP) or not Polygon(moved).is_valid:
        raise ValueError(f"it is too narrow for walls {2 * distance:g} m thick")
    return moved


def shared(a: Segment, b: Segment) -> Segment | None:
    """Return the part of ``a`` that runs back along ``b``, or None if they share no wall."""
    (_, _, u, v), (x, y, c, s) = a._frame, b._frame
    if u * c + v * s > -1 + 1e-6:
        return None
    (end, one), (start, other) = a.seen(x, y), a.seen(*b.end.tolist())
    start, end = max(start, 0.0), min(end, a.length)
    if abs(one) + abs(other) > 2 * SNAP or end - start < SNAP:
        return None
    return Segment(a.at(start), a.at(end))


def free_stretches(side: Segment, others: Iterable[Segment]) -> list[Segment]:
    """Return the parts of a side that none of the others runs back along."""
    taken = sorted(
        (side.along(piece.start), side.along(piece.end))
        for other in others
        if (piece := shared(side, other)) is not None
    )
    free, start = [], 0.0
    for low, high in [*taken, (side.length, side.length)]:
        if low - start > SNAP:
            free.append(Segment(side.at(start), side.at(low)))
        start = max(start, high)
    return free


def footprint(centre: Sequence[float], heading: float, length: float, width: float) -> Points:
    """Return the corners (4, 2), counter-clockwise, of a rectangle turned by ``heading`` (rad)."""
    (x, y), c, s = centre, math.cos(heading), math.sin(heading)
    u, v = (c * length / 2, s * length / 2), (-s * width / 2, c * width / 2)
    ends = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return np.array([(i * u[0] + j * v[0] + x, i * u[1] + j * v[1] + y) for i, j in ends])


def triangulate(polygon: Points) -> NDArray[np.int64]:
    """Cut a counter-clockwise polygon (N, 2) into N - 2 triangles (N - 2, 3) of its corners.

    Every corner is used, also one of 180 degrees, so that neighbours which share an edge share
    all of its points and no crack opens between them. Ears are clipped (Meisters 1975) best first:
    the ear whose smallest height is largest.

    Raises:
        ValueError: the polygon is not simple.
    """
    left = np.arange(len(polygon))
    quality, blocker = _judge_ears(polygon, left, left)
    triangles = []
    while len(left) > 3:
        best, size = int(np.argmax(quality)), len(left) - 1
        triangles.append(left[[best - 1, best, (best + 1) % len(left)]])
        gone = left[best]
        left, quality = np.delete(left, best), np.delete(quality, best)
        blocker = np.delete(blocker, best)
        # Only the two beside it are other ears now, and those that its corner was in the way of.
        stale = np.union1d([(best - 1) % size, best % size], np.flatnonzero(blocker == gone))
        quality[stale], blocker[stale] = _judge_ears(polygon, left, stale)
    triangles.append(left)
    cut = np.array(triangles)
    a, b, c = (polygon[cut[:, k]] for k in range(3))
    if np.any(plane_cross(b - a, c - a) <= 0):
        raise ValueError("the polygon crosses itself")
    return cut


def _judge_ears(
    polygon: Points, left: NDArray[np.int64], which: NDArray[np.int64]
) -> tuple[Points, NDArray[np.int64]]:
    """Return the smallest height (E,) of some ears, -inf where one must not be cut; and why.

    Args:
        polygon: (N, 2).
        left: the corners that are left.
        which: (E,) of them whose ears are meant.

    Returns:
        the heights, and for each ear a corner that is in its way, -1 where there is none.
    """
    height, blocker = np.empty(len(which)), np.full(len(which), -1)
    for start in range(0, len(which), _EARS):
        part = slice(start, start + _EARS)
        tips = which[part]
        ears = left[np.stack([tips - 1, tips, (tips + 1) % len(left)], axis=1)]
        corners = polygon[ears]
        edges = np.roll(corners, -1, axis=1) - corners
        lengths = np.hypot(edges[..., 0], edges[..., 1])
        height[part] = plane_cross(edges[:, 0], edges[:, 1]) / lengths.max(axis=1)
        # A point on the rim of an ear blocks it as well, or a later triangle would lose its area.
        offset = polygon[left][None, :, None] - corners[:, None]
        inside = np.all(plane_cross(edges[:, None], offset) / lengths[:, None] > -1e-9, axis=2)
        inside &= ~(ears[:, None] == left[None, :, None]).any(axis=2)
        blocker[part] = np.where(inside.any(axis=1), left[inside.argmax(axis=1)], -1)
    return np.where((blocker >= 0) | (height < 1e-9), -np.inf, height), blocker


def _directions(polygon: Points) -> Points:
    return np.array([side.direction for side in sides(polygon)])
