"""Cut polygons into triangles, whatever their number of corners and whether they are convex.

A fan from one corner is kept where it covers the polygon, as it does for all convex ones. Others
are cut by ear-clipping (Meisters 1975, "Polygons have ears") in their own plane.
"""

from typing import NamedTuple

import mapbox_earcut as earcut
import numpy as np
from numpy.typing import NDArray

from avenv.core.vectors import plane_cross

Points = NDArray[np.float64]
Index = NDArray[np.int64]

_UNEVEN = 0.01  # of a polygon's size: farther from its plane it counts as not planar
_THIN = 1e-9  # of a polygon's squared size: an area that is none


class Cut(NamedTuple):
    """Polygons cut into triangles.

    Attributes:
        corners: (T, 3) rows of the corners, in the order of the polygons.
        polygon: (T,) which polygon each triangle is of.
        uneven: how many of the polygons are not planar.
        crossing: how many cross themselves, so that no cut is right.
    """

    corners: Index
    polygon: Index
    uneven: int
    crossing: int

    def notes(self) -> list[str]:
        """Return what to say about the polygons that have no right cut."""
        told = (
            (self.uneven, "not planar: cut as seen along the mean normal"),
            (self.crossing, "crossing themselves: cut as well as can be"),
        )
        return [f"{n:,} polygon{'s' * (n > 1)} {what}" for n, what in told if n]


def cut_polygons(points: Points, sizes: Index) -> Cut:
    """Cut polygons into triangles that keep their sense of rotation.

    Args:
        points: (K, 3) the corners of all polygons, one after another.
        sizes: (P,) how many corners each has; those with fewer than three are left out.
    """
    start = np.cumsum(sizes) - sizes
    triangles, polygon, uneven, crossing = [], [], 0, 0
    for size in np.unique(sizes[sizes >= 3]).tolist():
        which = np.flatnonzero(sizes == size)
        rows = start[which, None] + np.arange(size)
        if size == 3:
            triangles.append(rows)
            polygon.append(which)
            continue
        local, owner, bent, crossed = _cut_alike(points[rows])
        triangles.append(rows[owner[:, None], local])
        polygon.append(which[owner])
        uneven, crossing = uneven + bent, crossing + crossed
    if not triangles:
        return Cut(np.zeros((0, 3), np.int64), np.zeros(0, np.int64), 0, 0)
    owner = np.concatenate(polygon)
    order = np.argsort(owner, kind="stable")
    return Cut(np.concatenate(triangles)[order], owner[order], uneven, crossing)


def _cut_alike(polygons: Points) -> tuple[Index, Index, int, int]:
    """Cut polygons (P, n, 3) of n corners each.

    Returns the corners (T, 3) of the triangles, the polygon (T,) of each, and how many polygons are
    not planar and how many cross themselves.
    """
    flat, away, size = _flattened(polygons)
    n = polygons.shape[1]
    whole = _is_fan(flat, size)
    owner = [np.repeat(np.flatnonzero(whole), n - 2)]
    local = [np.tile(fan_triangles(n), (int(whole.sum()), 1))]
    crossing = 0
    for k in np.flatnonzero(~whole).tolist():
        rows, crossed = _clipped(flat[k], float(size[k]))
        crossing += crossed
        owner.append(np.full(len(rows), k))
        local.append(rows)
    bent = (away > _UNEVEN * size) & (size > 0)
    return np.concatenate(local), np.concatenate(owner), int(bent.sum()), crossing


def _flattened(polygons: Points) -> tuple[Points, Points, Points]:
    """Return polygons (P, n, 3) in their own planes (P, n, 2), counter-clockwise.

    The normal is Newell's: of length twice the area. Also returns how far (P,) each strays from its
    plane, and its size (P,), the distance of its farthest corner from the middle.
    """
    centred = polygons - polygons.mean(axis=1, keepdims=True)
    normal = np.cross(centred, np.roll(centred, -1, axis=1)).sum(axis=1)
    size = np.linalg.norm(centred, axis=2).max(axis=1)
    for k in np.flatnonzero(np.linalg.norm(normal, axis=1) <= _THIN * size**2).tolist():
        normal[k] = np.linalg.svd(centred[k])[2][2]  # a bow tie: the plane it lies in all the same
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-300)
    least = np.eye(3)[np.abs(normal).argmin(axis=1)]
    right = np.cross(least, normal)
    right /= np.maximum(np.linalg.norm(right, axis=1, keepdims=True), 1e-300)
    up = np.cross(normal, right)
    axes = np.stack([right, up, normal], axis=2)
    local = centred @ axes
    return local[..., :2], np.abs(local[..., 2]).max(axis=1), size


def _is_fan(flat: Points, size: Points) -> NDArray[np.bool_]:
    """Say (P,) which polygons are covered by a fan from their first corner, without folds."""
    spokes = flat[:, 1:] - flat[:, :1]
    cross = plane_cross(spokes[:, :-1], spokes[:, 1:])
    angle = np.arctan2(cross, (spokes[:, :-1] * spokes[:, 1:]).sum(axis=2))
    return (cross > _THIN * size[:, None] ** 2).all(axis=1) & (angle.sum(axis=1) < 2 * np.pi - 1e-6)


def _clipped(flat: Points, size: float) -> tuple[Index, bool]:
    """Cut one polygon (n, 2) by its ears; return its triangles, and whether it crosses itself."""
    n, thin = len(flat), _THIN * size**2
    rows = earcut.triangulate_float64(flat, np.array([n], np.uint32)).reshape(-1, 3).astype(int)
    area = plane_cross(flat, np.roll(flat, -1, axis=0)).sum()
    twice = _areas(flat, rows)
    rows = np.where((twice < 0)[:, None], rows[:, ::-1], rows)[np.abs(twice) > 0]
    crossed = bool(abs(np.abs(twice).sum() - area) > 1e-6 * size**2 or area <= thin < size)
    return _with_all_corners(flat, rows, size), crossed


def _with_all_corners(flat: Points, rows: Index, size: float) -> Index:
    """Divide triangles at corners of 180 degrees, which ear-clipping leaves out.

    A neighbour that shares the side has a corner there, and no crack may open between them.
    """
    triangles = rows.tolist()
    for k in np.setdiff1d(np.arange(len(flat)), rows).tolist():
        for t, (a, b, c) in enumerate(triangles):
            for p, q, r in ((a, b, c), (b, c, a), (c, a, b)):
                way, off = flat[q] - flat[p], flat[k] - flat[p]
                along = float(way @ off) / max(float(way @ way), 1e-300)
                if 0 < along < 1 and abs(plane_cross(way, off)) <= _THIN * size**2:
                    triangles[t] = [p, k, r]
                    triangles.append([k, q, r])
                    break
            else:
                continue
            break
    return np.array(triangles, np.int64).reshape(-1, 3)


def _areas(flat: Points, rows: Index) -> Points:
    a, b, c = (flat[rows[:, k]] for k in range(3))
    return plane_cross(b - a, c - a)


def strip_triangles(count: int) -> Index:
    """Return the triangles (count - 2, 3) of a strip of so many corners, all facing one way."""
    k = np.arange(max(count - 2, 0))
    return np.stack([k, k + 1 + k % 2, k + 2 - k % 2], axis=1)


def fan_triangles(count: int) -> Index:
    """Return the triangles (count - 2, 3) of a fan of so many corners."""
    k = np.arange(1, max(count - 1, 1))
    return np.stack([np.zeros_like(k), k, k + 1], axis=1)
