"""Drawing a cluster's triangles into the visibility buffer.

Scan conversion by edge crossings: on each row of pixel centres a triangle covers the centres between
the crossings of its two edges there, the left one included. An edge is always walked from its upper
to its lower end in the same arithmetic, so neighbours agree about it to the last bit: no pixel on a
shared edge is missed, however long or thin the triangles are.
"""

import math

import numba as nb
import numpy as np
from numpy.typing import NDArray

from avenv.vision.camera import KERNEL, NEAR, Camera
from avenv.vision.clusters import RasterScene

AHEAD, LEFT, UP, COLUMN, ROW, NEARNESS = range(6)
"""Rows of a view: camera coordinates in metres, place in the picture in pixels, 1 / depth."""

VIEW_ROWS = 6


@nb.njit(**KERNEL)
def draw_cluster(
    scene: RasterScene,
    camera: Camera,
    cluster: int,
    clips: bool,
    view: NDArray[np.float32],
    polygon: NDArray[np.float32],
    nearness: NDArray[np.float32],
    triangle: NDArray[np.int32],
) -> None:
    """Draw the triangles of one cluster that face the camera.

    ``clips``: the cluster may reach through the near plane. ``view`` (6, 96) and ``polygon`` (3, 4)
    are scratch; ``nearness`` and ``triangle`` are the visibility buffer of one camera.
    """
    project(scene, camera, cluster, view)
    planes = scene.planes
    for t in range(scene.first_triangle[cluster], scene.first_triangle[cluster + 1]):
        nx, ny, nz = planes[t, 0], planes[t, 1], planes[t, 2]
        height = nx * camera.x + ny * camera.y + nz * camera.z - planes[t, 3]
        if height == 0 or (height < 0 and not scene.double_sided[t]):
            continue
        a, b, c = scene.corners[t, 0], scene.corners[t, 1], scene.corners[t, 2]
        if clips and min(view[AHEAD, a], view[AHEAD, b], view[AHEAD, c]) < NEAR:
            ends = clip(view, camera, (a, b, c), polygon)
            for k in range(2, ends):
                fill(scene, camera, t, height, polygon, (0, k - 1, k), nearness, triangle)
        else:
            fill(scene, camera, t, height, view[COLUMN:], (a, b, c), nearness, triangle)


@nb.njit(**KERNEL)
def project(scene: RasterScene, camera: Camera, cluster: int, view: NDArray[np.float32]) -> None:
    """Write a cluster's corners, as the camera sees them, into ``view`` (6, corners)."""
    first = scene.first_vertex[cluster]
    vertices = scene.vertices
    for k in range(scene.first_vertex[cluster + 1] - first):
        x = vertices[0, first + k] - camera.x
        y = vertices[1, first + k] - camera.y
        z = vertices[2, first + k] - camera.z
        ahead = camera.ahead_x * x + camera.ahead_y * y + camera.ahead_z * z
        left = camera.left_x * x + camera.left_y * y + camera.left_z * z
        up = camera.up_x * x + camera.up_y * y + camera.up_z * z
        near = np.float32(1) / max(ahead, NEAR)
        view[AHEAD, k] = ahead
        view[LEFT, k] = left
        view[UP, k] = up
        view[COLUMN, k] = camera.centre_x - left * camera.focal * near
        view[ROW, k] = camera.centre_y - up * camera.focal * near
        view[NEARNESS, k] = near


@nb.njit(**KERNEL)
def clip(
    view: NDArray[np.float32],
    camera: Camera,
    corners: tuple[int, int, int],
    polygon: NDArray[np.float32],
) -> int:
    """Cut a triangle at the near plane into ``polygon`` (3, 4); return its number of corners.

    An edge is cut starting from its inner end whichever triangle asks, so neighbours agree.
    """
    count = 0
    for k in range(3):
        a, b = corners[k], corners[(k + 1) % 3]
        if view[AHEAD, a] >= NEAR:
            polygon[:, count] = view[COLUMN:, a]
            count += 1
        if (view[AHEAD, a] >= NEAR) != (view[AHEAD, b] >= NEAR):
            if view[AHEAD, a] < NEAR:
                a, b = b, a
            s = (view[AHEAD, a] - NEAR) / (view[AHEAD, a] - view[AHEAD, b])
            left = view[LEFT, a] + s * (view[LEFT, b] - view[LEFT, a])
            up = view[UP, a] + s * (view[UP, b] - view[UP, a])
            polygon[0, count] = camera.centre_x - left * camera.focal / NEAR
            polygon[1, count] = camera.centre_y - up * camera.focal / NEAR
            polygon[2, count] = np.float32(1) / NEAR
            count += 1
    return count


# Layout: points (3, .) holds columns, rows and nearness; ends picks three of them.
@nb.njit(**KERNEL)
def fill(
    scene: RasterScene,
    camera: Camera,
    t: int,
    height: float,
    points: NDArray[np.float32],
    ends: tuple[int, int, int],
    nearness: NDArray[np.float32],
    triangle: NDArray[np.int32],
) -> None:
    """Draw triangle t, whose plane the camera is ``height`` metres above, where it is nearest."""
    a, b, c = ends
    ya, yb, yc = points[1, a], points[1, b], points[1, c]
    end_row = min(_first_centre(max(ya, yb, yc)), np.int64(2 * camera.centre_y))
    if max(_first_centre(min(ya, yb, yc)), 0) >= end_row:
        return
    xa, xb, xc = points[0, a], points[0, b], points[0, c]
    end_column = min(_first_centre(max(xa, xb, xc)), np.int64(2 * camera.centre_x))
    if max(_first_centre(min(xa, xb, xc)), 0) >= end_column:
        return
    if yb < ya:
        a, b = b, a
    if points[1, c] < points[1, a]:
        a, c = c, a
    if points[1, c] < points[1, b]:
        b, c = c, b
    plane = _nearness_plane(scene, camera, t, height)
    za, zb, zc = points[2, a], points[2, b], points[2, c]
    limits = (min(za, zb, zc), max(za, zb, zc))
    top = (np.float64(points[0, a]), np.float64(points[1, a]))
    middle = (np.float64(points[0, b]), np.float64(points[1, b]))
    bottom = (np.float64(points[0, c]), np.float64(points[1, c]))
    size = (end_row, end_column)
    _fill_rows(top, middle, top, bottom, size, plane, limits, t, nearness, triangle)
    _fill_rows(middle, bottom, top, bottom, size, plane, limits, t, nearness, triangle)


@nb.njit(**KERNEL)
def _first_centre(position: float) -> int:
    """Return the first row (or column) whose centre does not lie before ``position``."""
    return np.int64(math.ceil(np.float64(position) - 0.5))


@nb.njit(**KERNEL)
def _nearness_plane(
    scene: RasterScene, camera: Camera, t: int, height: float
) -> tuple[float, float, float]:
    """Return (p, q, r): in the picture, triangle t is 1 / depth = p * column + q * row + r.

    A point at depth d on the ray of a pixel is camera + d (ahead + left (cx - column) / focal + ...);
    put into the plane's equation, 1 / d is linear in column and row.
    """
    nx, ny, nz = scene.planes[t, 0], scene.planes[t, 1], scene.planes[t, 2]
    ahead = nx * camera.ahead_x + ny * camera.ahead_y + nz * camera.ahead_z
    left = nx * camera.left_x + ny * camera.left_y + nz * camera.left_z
    up = nx * camera.up_x + ny * camera.up_y + nz * camera.up_z
    p = left / (camera.focal * height)
    q = up / (camera.focal * height)
    half = np.float32(0.5)
    r = -ahead / height - p * (camera.centre_x - half) - q * (camera.centre_y - half)
    return p, q, r


# Layout: each end of an edge is (column, row) in pixels, float64, the upper end first.
@nb.njit(**KERNEL)
def _fill_rows(
    short_a: tuple[float, float],
    short_b: tuple[float, float],
    long_a: tuple[float, float],
    long_b: tuple[float, float],
    size: tuple[int, int],
    plane: tuple[float, float, float],
    limits: tuple[float, float],
    t: int,
    nearness: NDArray[np.float32],
    triangle: NDArray[np.int32],
) -> None:
    """Fill the rows of the short edge, between it and the long edge."""
    first, end = max(_first_centre(short_a[1]), 0), min(_first_centre(short_b[1]), size[0])
    if first >= end:
        return
    short_slope = (short_b[0] - short_a[0]) / (short_b[1] - short_a[1])
    long_slope = (long_b[0] - long_a[0]) / (long_b[1] - long_a[1])
    p, q, r = plane
    low, high = limits
    for row in range(first, end):
        y = row + 0.5
        u = short_a[0] + (y - short_a[1]) * short_slope
        v = long_a[0] + (y - long_a[1]) * long_slope
        column = max(_first_centre(min(u, v)), 0)
        end_column = min(_first_centre(max(u, v)), size[1])
        base = r + q * np.float32(row)
        for x in range(column, end_column):
            # The plane of a triangle seen nearly edge-on is ill-conditioned: keep to its corners.
            near = min(max(base + p * np.float32(x), low), high)
            nearer = near > nearness[row, x]
            nearness[row, x] = near if nearer else nearness[row, x]
            triangle[row, x] = t if nearer else triangle[row, x]
