"""Ray queries against a BVH: watertight on the edges that triangles share.

The triangle test is that of Woop, Benthin and Wald, "Watertight ray/triangle intersection", Journal
of Computer Graphics Techniques 2(1), 2013: the ray is sheared onto the z axis, so that the two
triangles of an edge compute the very same number with opposite signs and one of them is hit. For
this the kernels must not be compiled with a ``fastmath`` that reorders sums or contracts products.
"""

import numpy as np
from numba import float32, float64, int32, uint64
from numpy.typing import ArrayLike, NDArray

from avenv.core import parallel
from avenv.core.finite import are_finite
from avenv.core.kernels import borrowing, inlined, inner
from avenv.geometry.bvh import BVH, MAX_DEPTH
from avenv.geometry.lanes import (
    BOXES,
    TRIANGLES,
    cross_triangles,
    enter_boxes,
    local_array,
    lowest_bit,
)

CONTACT = 1e-4
"""Metres at either end of a line of sight within which a surface does not block it."""

_RAYS_PER_JOB = 4096
_FAR = 1e30
_FURTHER = np.float32(1 + 2.0**-20)  # so that rounding t to float32 does not bring it nearer
_STACK = MAX_DEPTH * (BOXES - 1) + 1


@inner
def closest_hit(bvh, ox, oy, oz, dx, dy, dz, t_max):
    """Return the first hit with 0 < t < t_max of the ray o + t d, and its triangle.

    ``t`` is in units of the length of d, the triangle a row of the list the tree was built from, -1
    if there is none (then t is ``t_max``). Both faces are hit. A ray that starts on a surface may
    hit it: start a little beside it. All scalars float64.

    Walks the tree, near child first. Indices are unsigned, for Numba checks signed ones for
    counting from the end.
    """
    start, inverse, signs = _to_boxes(ox, oy, oz, dx, dy, dz)
    axes, sheared, shear = _to_triangles(ox, oy, oz, dx, dy, dz)
    waiting, entry = local_array(int32, _STACK), local_array(float32, _STACK)
    near, crossing = local_array(float32, BOXES), local_array(float64, TRIANGLES)
    best, hit = t_max, -1
    number, pending = np.int32(0), uint64(0)
    while True:
        if number >= 0:
            node = uint64(number)
            far = np.float32(best) * _FURTHER
            met = enter_boxes(bvh.boxes, node, signs, start, inverse, far, near)
            if met and not met & (met - uint64(1)):  # one child, as most often: straight on
                k = lowest_bit(met)
                if near[k] <= best:
                    number = bvh.child[node, k]
                    continue
                met = uint64(0)
            first = pending
            while met:
                k = lowest_bit(met)
                met &= met - uint64(1)
                place = pending
                while place > first and entry[place - uint64(1)] < near[k]:
                    waiting[place] = waiting[place - uint64(1)]
                    entry[place] = entry[place - uint64(1)]
                    place -= uint64(1)
                waiting[place], entry[place] = bvh.child[node, k], near[k]
                pending += uint64(1)
        else:
            leaf = uint64(-1 - number)
            met = cross_triangles(bvh.corners, leaf, axes, sheared, shear, crossing)
            while met:
                k = lowest_bit(met)
                met &= met - uint64(1)
                if 0.0 < crossing[k] < best:
                    best, hit = crossing[k], bvh.triangle[leaf, k]
        while pending and entry[pending - uint64(1)] > best:
            pending -= uint64(1)
        if not pending:
            return best, hit
        pending -= uint64(1)
        number = waiting[pending]


@inner
def segment_is_clear(bvh, ax, ay, az, bx, by, bz):
    """Say whether nothing lies between a and b; what touches an end (``CONTACT``) is not between.

    All scalars float64. What is in the way may be met in any order.
    """
    dx, dy, dz = bx - ax, by - ay, bz - az
    length = np.sqrt(dx * dx + dy * dy + dz * dz)
    if length <= 2 * CONTACT:
        return True
    contact = CONTACT / length
    end = 1.0 - contact
    start, inverse, signs = _to_boxes(ax, ay, az, dx, dy, dz)
    axes, sheared, shear = _to_triangles(ax, ay, az, dx, dy, dz)
    waiting, near = local_array(int32, _STACK), local_array(float32, BOXES)
    crossing, far = local_array(float64, TRIANGLES), np.float32(end) * _FURTHER
    number, pending = np.int32(0), uint64(0)
    while True:
        if number >= 0:
            node = uint64(number)
            met = enter_boxes(bvh.boxes, node, signs, start, inverse, far, near)
            while met:
                waiting[pending] = bvh.child[node, lowest_bit(met)]
                met &= met - uint64(1)
                pending += uint64(1)
        else:
            leaf = uint64(-1 - number)
            met = cross_triangles(bvh.corners, leaf, axes, sheared, shear, crossing)
            while met:
                if contact < crossing[lowest_bit(met)] < end:
                    return False
                met &= met - uint64(1)
        if not pending:
            return True
        pending -= uint64(1)
        number = waiting[pending]


@inlined
def _to_boxes(ox, oy, oz, dx, dy, dz):
    """Return what ``enter_boxes`` needs of a ray: its start, inverse direction and signs."""
    inverse = _inverse(dx), _inverse(dy), _inverse(dz)
    start = np.float32(ox), np.float32(oy), np.float32(oz)
    return start, inverse, (_sign(inverse[0]), _sign(inverse[1]), _sign(inverse[2]))


@inlined
def _to_triangles(ox, oy, oz, dx, dy, dz):
    """Return what ``cross_triangles`` needs of a ray: axes, its start along them, and shear."""
    axes = _axes(dx, dy, dz)
    along, origin = (dx, dy, dz), (ox, oy, oz)
    depth = along[axes[2]]
    shear = along[axes[0]] / depth, along[axes[1]] / depth, 1.0 / depth
    return axes, (origin[axes[0]], origin[axes[1]], origin[axes[2]]), shear


@inlined
def _inverse(d):
    # Not infinite: 0 * inf is not a number, where a ray runs in the plane of a box's face.
    return np.float32(1.0 / d if abs(d) > 1.0 / _FAR else np.copysign(_FAR, d))


@inlined
def _sign(inverse):
    return uint64(3) if inverse < 0 else uint64(0)


@inlined
def _axes(dx, dy, dz):
    """Return the axes (x, y, z) of the sheared frame, z the largest component of the direction."""
    x, y, z = uint64(0), uint64(1), uint64(2)
    if abs(dx) >= abs(dy) and abs(dx) >= abs(dz):
        return y, z, x
    if abs(dy) >= abs(dz):
        return z, x, y
    return x, y, z


def cast_rays(
    bvh: BVH, origins: ArrayLike, directions: ArrayLike, max_distance: float = np.inf
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Shoot R rays and return how far each flies and what it hits.

    Args:
        bvh: the tree.
        origins: (R, 3) metres.
        directions: (R, 3), of any length but zero.
        max_distance: metres beyond which nothing is hit.

    Returns:
        distance (R,) in metres, infinite where nothing is hit, and triangle (R,), -1 there.

    Raises:
        ValueError: shapes do not fit, a number is not finite, or a direction is zero.
    """
    origin, direction = _point_pairs(origins, directions, "origins", "directions")
    length = np.linalg.norm(direction, axis=1, keepdims=True)
    if np.any(length == 0):
        raise ValueError(f"directions[{int(np.argmin(length))}] is zero; it must point somewhere")
    if np.isnan(max_distance):
        raise ValueError("max_distance is not a number")
    direction = direction / length
    distance = np.empty(len(origin))
    triangle = np.empty(len(origin), np.int32)
    parallel.run(
        _cast,
        (
            (bvh, origin[s], direction[s], float(max_distance), distance[s], triangle[s])
            for s in _slices(len(origin))
        ),
    )
    return distance, triangle


def lines_of_sight(bvh: BVH, starts: ArrayLike, ends: ArrayLike) -> NDArray[np.bool_]:
    """Say for R pairs of points (R, 3) whether nothing lies between them, (R,).

    Raises:
        ValueError: shapes do not fit, or a number is not finite.
    """
    start, end = _point_pairs(starts, ends, "starts", "ends")
    clear = np.empty(len(start), np.bool_)
    parallel.run(_look, ((bvh, start[s], end[s], clear[s]) for s in _slices(len(start))))
    return clear


@borrowing
def _cast(bvh, origins, directions, max_distance, distance, triangle):
    for r in range(len(origins)):
        o, d = origins[r], directions[r]
        distance[r], triangle[r] = closest_hit(
            bvh, o[0], o[1], o[2], d[0], d[1], d[2], max_distance
        )
        if triangle[r] < 0:
            distance[r] = np.inf


@borrowing
def _look(bvh, starts, ends, clear):
    for r in range(len(starts)):
        a, b = starts[r], ends[r]
        clear[r] = segment_is_clear(bvh, a[0], a[1], a[2], b[0], b[1], b[2])


def _slices(length: int) -> list[slice]:
    return [slice(s, s + _RAYS_PER_JOB) for s in range(0, length, _RAYS_PER_JOB)]


def _point_pairs(
    first: ArrayLike, second: ArrayLike, first_name: str, second_name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    a, b = np.ascontiguousarray(first, np.float64), np.ascontiguousarray(second, np.float64)
    if a.ndim != 2 or a.shape[1] != 3 or a.shape != b.shape:
        raise ValueError(f"{first_name} {a.shape} and {second_name} {b.shape}: both must be (R, 3)")
    for name, points in ((first_name, a), (second_name, b)):
        if not are_finite(points):
            finite = np.isfinite(points).all(axis=1)
            raise ValueError(
                f"{name}[{int(np.argmin(finite))}] is not finite: {points[~finite][0]}"
            )
    return a, b
