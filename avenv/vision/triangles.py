"""Drawing a cluster's triangles into the visibility buffer.

Scan conversion by edge crossings: on each row of pixel centres a triangle covers the centres
between the crossings of its two edges there, the left one included. An edge is always walked from
its upper to its lower end in the same arithmetic, so neighbours agree about it to the last bit: no
pixel on a shared edge is missed, however long or thin the triangles are.
"""

import math

import numpy as np

from avenv.kernels import inlined
from avenv.vision.camera import NEAR

AHEAD, LEFT, UP, COLUMN, ROW, NEARNESS = range(6)
"""Rows of a view: camera coordinates in metres, place in the picture in pixels, 1 / depth."""

VIEW_ROWS = 6


@inlined
def draw_cluster(scene, camera, cluster, clips, view, polygon, nearness, triangle):
    """Draw the triangles of one cluster that face the camera.

    ``clips``: the cluster may reach through the near plane. ``view`` (6, 96) and ``polygon`` (3, 4)
    are scratch; ``nearness`` and ``triangle`` are the visibility buffer of one camera.
    """
    project(scene, camera, cluster, view)
    planes, corners, double_sided = scene.planes, scene.corners, scene.double_sided
    for t in range(scene.first_triangle[cluster], scene.first_triangle[cluster + 1]):
        nx, ny, nz = planes[t, 0], planes[t, 1], planes[t, 2]
        height = nx * camera.x + ny * camera.y + nz * camera.z - planes[t, 3]
        if height == 0 or (height < 0 and not double_sided[t]):
            continue
        plane = (nx, ny, nz, height)
        i, j, k = corners[t, 0], corners[t, 1], corners[t, 2]
        ends = 3
        if clips and min(view[AHEAD, i], view[AHEAD, j], view[AHEAD, k]) < NEAR:
            ends = clip(view, camera, (i, j, k), polygon)
        else:
            for row in range(3):
                polygon[row, 0] = view[COLUMN + row, i]
                polygon[row, 1] = view[COLUMN + row, j]
                polygon[row, 2] = view[COLUMN + row, k]
        for e in range(2, ends):
            fill(polygon, e, plane, camera, t, nearness, triangle)


@inlined
def project(scene, camera, cluster, view):
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


@inlined
def clip(view, camera, corners, polygon):
    """Cut a triangle at the near plane into ``polygon`` (3, 4); return its number of corners.

    An edge is cut starting from its inner end whichever triangle asks, so neighbours agree.
    """
    count = 0
    for k in range(3):
        a, b = corners[k], corners[(k + 1) % 3]
        if view[AHEAD, a] >= NEAR:
            polygon[0, count] = view[COLUMN, a]
            polygon[1, count] = view[ROW, a]
            polygon[2, count] = view[NEARNESS, a]
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


# Layout: polygon (3, 4) holds columns, rows and nearness of its corners.
@inlined
def fill(polygon, e, plane, camera, t, nearness, triangle):
    """Draw the part (0, e - 1, e) of triangle t's polygon where it is the nearest so far.

    ``plane`` is the triangle's unit normal and the height of the camera above it.
    """
    a = (polygon[0, 0], polygon[1, 0], polygon[2, 0])
    b = (polygon[0, e - 1], polygon[1, e - 1], polygon[2, e - 1])
    c = (polygon[0, e], polygon[1, e], polygon[2, e])
    end_row = min(_first_centre(max(a[1], b[1], c[1])), np.int64(2 * camera.centre_y))
    if max(_first_centre(min(a[1], b[1], c[1])), 0) >= end_row:
        return
    end_column = min(_first_centre(max(a[0], b[0], c[0])), np.int64(2 * camera.centre_x))
    if max(_first_centre(min(a[0], b[0], c[0])), 0) >= end_column:
        return
    if b[1] < a[1]:
        a, b = b, a
    if c[1] < a[1]:
        a, c = c, a
    if c[1] < b[1]:
        b, c = c, b
    size = (end_row, end_column)
    slopes = _nearness_plane(plane, camera)
    limits = (min(a[2], b[2], c[2]), max(a[2], b[2], c[2]))
    for upper in (True, False):
        start, stop = (a, b) if upper else (b, c)
        _fill_rows(start, stop, a, c, size, slopes, limits, t, nearness, triangle)


@inlined
def _first_centre(position):
    """Return the first row (or column) whose centre does not lie before ``position``."""
    return np.int64(math.ceil(np.float64(position) - 0.5))


@inlined
def _nearness_plane(plane, camera):
    """Return (p, q, r): 1 / depth of the plane is p * column + q * row + r in the picture.

    A point at depth d on a pixel's ray is camera + d (ahead + left (centre_x - column) / focal
    + up (centre_y - row) / focal); put into the plane's equation, 1 / d is linear in the pixel.
    """
    nx, ny, nz, height = plane
    ahead = nx * camera.ahead_x + ny * camera.ahead_y + nz * camera.ahead_z
    left = nx * camera.left_x + ny * camera.left_y + nz * camera.left_z
    up = nx * camera.up_x + ny * camera.up_y + nz * camera.up_z
    p = left / (camera.focal * height)
    q = up / (camera.focal * height)
    half = np.float32(0.5)
    r = -ahead / height - p * (camera.centre_x - half) - q * (camera.centre_y - half)
    return p, q, r


# Layout: the ends of an edge are corners, the upper one first.
@inlined
def _fill_rows(short_a, short_b, long_a, long_b, size, slopes, limits, t, nearness, triangle):
    """Fill the rows of the short edge, between it and the long edge."""
    first, end = max(_first_centre(short_a[1]), 0), min(_first_centre(short_b[1]), size[0])
    if first >= end:
        return
    # Crossings are found in float64: near the eye, corners may fall far outside the picture.
    x0, y0 = np.float64(short_a[0]), np.float64(short_a[1])
    x1, y1 = np.float64(long_a[0]), np.float64(long_a[1])
    slope0 = (short_b[0] - x0) / (short_b[1] - y0)
    slope1 = (long_b[0] - x1) / (long_b[1] - y1)
    p, q, r = slopes
    low, high = limits
    for row in range(first, end):
        y = row + 0.5
        u = x0 + (y - y0) * slope0
        v = x1 + (y - y1) * slope1
        column = max(_first_centre(min(u, v)), 0)
        end_column = min(_first_centre(max(u, v)), size[1])
        base = r + q * np.float32(row)
        for x in range(column, end_column):
            # The plane of a triangle seen nearly edge-on is ill-conditioned: keep to its corners.
            near = min(max(base + p * np.float32(x), low), high)
            nearer = near > nearness[row, x]
            nearness[row, x] = near if nearer else nearness[row, x]
            triangle[row, x] = t if nearer else triangle[row, x]
