"""Drawing a cluster's triangles into the visibility buffer.

Scan conversion by edge crossings: on each row of pixel centres a triangle covers the centres
between the crossings of its two edges there, the left one included. An edge is always walked from
its upper to its lower end in the same fixed-point steps, so neighbours agree about it to the last
bit: no pixel on a shared edge is missed, however long or thin the triangles are.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core.kernels import inlined
from avenv.geometry.lanes import prefetch
from avenv.vision.camera.projection import NEAR, eye
from avenv.vision.raster.buffer import HIDDEN, TILE, TILE_BITS
from avenv.vision.raster.coordinates import along_row, nearness_plane, plane_of
from avenv.vision.raster.hierarchy import CLUSTER_SIZE, LANES
from avenv.vision.raster.mipmaps import OPAQUE

AHEAD, LEFT, UP, COLUMN, ROW, NEARNESS = range(6)
"""Rows of ``Workbench.seen``: camera coordinates (m), place in the picture (pixels), nearness."""

SEEN_ROWS = 6

CORNERS = 3 * CLUSTER_SIZE
"""Most corners of a cluster; two more come from the near plane."""

TWO_SIDED, CUT_OUT = 1, 2
"""Bits of ``RasterArrays.kind``: drawn from behind too; with holes where the texture has some."""

_BITS = 24  # of fractions of a pixel
_ONE = np.float64(1 << _BITS)
_CENTRE = (1 << (_BITS - 1)) - 1  # added to a place, its whole part is the first centre not before
_STEEPEST = np.float64(1 << 30)  # pixels along per row; an edge so flat crosses one row at most


class Workbench(NamedTuple):
    """What drawing a cluster needs room for.

    Attributes:
        seen: (SEEN_ROWS, CORNERS + 2) float32 the corners as the camera sees them.
        pixel: (2, CORNERS + 2) int32 the first row and column whose centre is not before a corner.
        height: (CLUSTER_SIZE,) float32 of the eye above each triangle.
        facing: (CLUSTER_SIZE + 1,) int32 the triangles that face the camera.
        polygon: (4,) int32 corners of a clipped triangle.
    """

    seen: NDArray[np.float32]
    pixel: NDArray[np.int32]
    height: NDArray[np.float32]
    facing: NDArray[np.int32]
    polygon: NDArray[np.int32]


@inlined
def fetch_cluster(scene, cluster):
    """Let what ``draw_cluster`` reads come into the cache, while another cluster is drawn."""
    cluster, size = np.uint64(cluster), np.uint64(CLUSTER_SIZE)
    for vector in range(scene.first_vector[cluster], scene.first_vector[cluster + np.uint64(1)]):
        for axis in range(3):
            prefetch(scene.vertices, np.uint64(LANES * (3 * vector + axis)))
    for n in range(0, 4 * CLUSTER_SIZE, LANES):
        prefetch(scene.planes, np.uint64(4) * size * cluster + np.uint64(n))
    for n in range(3):
        prefetch(scene.corners, size * (np.uint64(3) * cluster + np.uint64(n)))
    prefetch(scene.kind, size * cluster)


@inlined
def draw_cluster(scene, camera, cluster, clips, shift, size, work, nearness, triangle):
    """Draw the triangles of one cluster that face the camera.

    ``clips``: the cluster may reach through the near plane. Triangle t is written as ``t + shift``
    into the visibility buffer ``nearness`` and ``triangle``; ``size`` is the (height, width) drawn.
    """
    _project(scene, camera, cluster, size, work)
    first, corners = cluster * np.uint64(CLUSTER_SIZE), scene.corners
    seen, polygon = work.seen, work.polygon
    for n in range(_find_facing(scene, camera, cluster, work)):
        local = np.uint64(work.facing[n])
        i = np.uint64(corners[cluster, 0, local])
        j = np.uint64(corners[cluster, 1, local])
        k = np.uint64(corners[cluster, 2, local])
        ends = 3
        if clips and min(seen[AHEAD, i], seen[AHEAD, j], seen[AHEAD, k]) < NEAR:
            ends = _clip(work, camera, (i, j, k), size)
        elif _misses_centres(work.pixel, 0, i, j, k) or _misses_centres(work.pixel, 1, i, j, k):
            continue
        else:
            polygon[0], polygon[1], polygon[2] = i, j, k
        t, height = first + local, work.height[local]
        for e in range(2, ends):
            ends_of = (np.uint64(polygon[0]), np.uint64(polygon[e - 1]), np.uint64(polygon[e]))
            _fill(scene, camera, t, height, ends_of, shift, size, work, nearness, triangle)


@inlined
def _misses_centres(pixel, axis, i, j, k):
    """Tell whether three corners have no pixel's centre between them along an axis."""
    a, b, c = pixel[axis, i], pixel[axis, j], pixel[axis, k]
    return min(a, b, c) >= max(a, b, c)


@inlined
def _find_facing(scene, camera, cluster, work):
    """Write the eye's height above a cluster's triangles, list those it sees, and count them."""
    first, planes = cluster * np.uint64(CLUSTER_SIZE), scene.planes
    x, y, z, w = eye(camera)
    for k in range(CLUSTER_SIZE):
        n = np.uint64(k)
        work.height[n] = (planes[cluster, 0, n] * x + planes[cluster, 1, n] * y
                          + planes[cluster, 2, n] * z + planes[cluster, 3, n] * w)  # fmt: skip
    found = np.uint64(0)
    for k in range(CLUSTER_SIZE):
        n = np.uint64(k)
        height, two_sided = work.height[n], (scene.kind[first + n] & TWO_SIDED) != 0
        work.facing[found] = n
        found += np.uint64((height > 0) | ((height < 0) & two_sided))
    return found


@inlined
def _project(scene, camera, cluster, size, work):
    """Write a cluster's corners as the camera sees them."""
    vertices, seen = scene.vertices, work.seen
    start, end = np.uint64(scene.first_vector[cluster]), np.uint64(scene.first_vector[cluster + 1])
    count = (end - start) * np.uint64(LANES)
    first = start * np.uint64(3 * LANES)
    for k in range(count):
        v = first + np.uint64(k)
        x, y, z = vertices[v], vertices[v + count], vertices[v + count + count]
        x, y, z = x - camera.x, y - camera.y, z - camera.z
        ahead = camera.ahead_x * x + camera.ahead_y * y + camera.ahead_z * z
        seen[AHEAD, k] = ahead
        seen[LEFT, k] = camera.left_x * x + camera.left_y * y + camera.left_z * z
        seen[UP, k] = camera.up_x * x + camera.up_y * y + camera.up_z * z
        _place(work, camera, k, size)


@inlined
def _place(work, camera, k, size):
    """Write where in the picture corner k lies, from its place before the camera."""
    seen, ahead = work.seen, work.seen[AHEAD, k]
    near = np.float32(1) / max(ahead, NEAR)
    scale = camera.focal * near if camera.converging else camera.focal
    column = camera.centre_x - seen[LEFT, k] * scale
    row = camera.centre_y - seen[UP, k] * scale
    seen[COLUMN, k], seen[ROW, k] = column, row
    seen[NEARNESS, k] = near if camera.converging else -ahead
    work.pixel[0, k] = _first_centre(row, size[0])
    work.pixel[1, k] = _first_centre(column, size[1])


@inlined
def _first_centre(position, count):
    """Return the first of ``count`` rows or columns whose centre is not before ``position``."""
    half = np.float32(0.5)
    return np.int32(np.ceil(min(max(position, half), np.float32(count) + half) - half))


@inlined
def _clip(work, camera, corners, size):
    """Cut a triangle at the near plane; write its polygon's corners and return their number.

    An edge is cut starting from its inner end whichever triangle asks, so neighbours agree.
    """
    seen, polygon = work.seen, work.polygon
    count, extra = 0, np.uint64(CORNERS)
    for k in range(3):
        a, b = corners[k], corners[(k + 1) % 3]
        if seen[AHEAD, a] >= NEAR:
            polygon[count] = a
            count += 1
        if (seen[AHEAD, a] >= NEAR) != (seen[AHEAD, b] >= NEAR):
            if seen[AHEAD, a] < NEAR:
                a, b = b, a
            s = (seen[AHEAD, a] - NEAR) / (seen[AHEAD, a] - seen[AHEAD, b])
            seen[AHEAD, extra] = NEAR
            seen[LEFT, extra] = seen[LEFT, a] + s * (seen[LEFT, b] - seen[LEFT, a])
            seen[UP, extra] = seen[UP, a] + s * (seen[UP, b] - seen[UP, a])
            _place(work, camera, extra, size)
            polygon[count] = extra
            count += 1
            extra += np.uint64(1)
    return count


@inlined
def _fill(scene, camera, t, height, ends, shift, size, work, nearness, triangle):
    """Draw the triangle between three corners where it is the nearest so far."""
    seen, pixel, (a, b, c) = work.seen, work.pixel, ends
    if seen[ROW, b] < seen[ROW, a]:
        a, b = b, a
    if seen[ROW, c] < seen[ROW, a]:
        a, c = c, a
    if seen[ROW, c] < seen[ROW, b]:
        b, c = c, b
    p, q, r = nearness_plane(plane_of(scene, t), height, camera)
    # The plane of a triangle seen nearly edge-on is ill-conditioned: keep to its corners.
    low = min(seen[NEARNESS, a], seen[NEARNESS, b], seen[NEARNESS, c])
    high = max(seen[NEARNESS, a], seen[NEARNESS, b], seen[NEARNESS, c])
    name = np.int32(np.int64(t) + shift)
    cut = (scene.kind[t] & CUT_OUT) != 0
    long_x, long_step = _edge(seen, a, c, pixel[0, a])
    for part in range(2):
        start, stop = (a, b) if part == 0 else (b, c)
        first, end = pixel[0, start], pixel[0, stop]
        if first >= end:
            continue
        x, step = _edge(seen, start, stop, first)
        for row in range(first, end):
            left = max(min(x, long_x) >> _BITS, 0)
            right = min(max(x, long_x) >> _BITS, size[1])
            x += step
            long_x += long_step
            if left < right:
                span, near = (row, left, right), (r + q * np.float32(row), p, low, high)
                if cut:
                    _fill_cut_span(scene, camera, t, name, span, near, nearness, triangle)
                else:
                    _fill_span(name, span, near, nearness, triangle)


@inlined
def _edge(seen, upper, lower, row):
    """Return where an edge crosses the centres of ``row``, and its step from row to row.

    Both in 2^-24 pixels, as the first column whose centre is not to the left. Found in float64:
    near the eye, corners may fall far outside the picture.
    """
    x, y = np.float64(seen[COLUMN, upper]), np.float64(seen[ROW, upper])
    slope = (np.float64(seen[COLUMN, lower]) - x) / (np.float64(seen[ROW, lower]) - y)
    slope = min(max(slope, -_STEEPEST), _STEEPEST)
    here = x + (np.float64(row) + 0.5 - y) * slope
    return np.int64(here * _ONE) + _CENTRE, np.int64(slope * _ONE)


# Layout: span (row, first column, end column), near (start, slope, lowest, highest) along the row.
@inlined
def _fill_span(name, span, near, nearness, triangle):
    """Draw a span where it is the nearest so far, whole tiles at a time: vectors without a rest."""
    (row, left, right), (start, slope, low, high) = span, near
    y, first, end = np.uint64(row), np.float32(left), np.float32(right)
    tile = left >> TILE_BITS
    origin = np.float32(tile << TILE_BITS)
    for n in range((((right + TILE - 1) >> TILE_BITS) - tile) << TILE_BITS):
        x = np.uint64((tile << TILE_BITS) + n)
        column = origin + np.float32(np.int32(n))
        here = min(max(start + slope * column, low), high)
        here = here if (column >= first) & (column < end) else -HIDDEN
        before, named = nearness[y, x], triangle[y, x]
        nearness[y, x] = here if here > before else before
        triangle[y, x] = name if here > before else named


@inlined
def _fill_cut_span(scene, camera, t, name, span, near, nearness, triangle):
    """Draw a span where it is the nearest so far, but for the holes in the texture."""
    (row, left, right), (start, slope, low, high) = span, near
    y, chart = np.uint64(row), np.uint64(scene.chart[t])
    texture = np.uint64(scene.chart_table[chart, 3])
    first, wide = np.uint64(scene.first_texel[texture, 0]), scene.log_size[texture, 0]
    last_i, last_j = (1 << wide) - 1, (1 << scene.log_size[texture, 1]) - 1
    u0, u1 = along_row(scene.chart_frame, chart, 0, (start, slope), np.float32(row), camera)
    v0, v1 = along_row(scene.chart_frame, chart, 4, (start, slope), np.float32(row), camera)
    texels_u, texels_v = scene.texels_per_unit[texture, 0], scene.texels_per_unit[texture, 1]
    for column in range(left, right):
        x, distance = np.uint64(column), np.float32(column)
        here = min(max(start + slope * distance, low), high)
        if here > nearness[y, x]:
            scale = np.float32(1) / here if camera.converging else np.float32(1)
            i = np.int64(np.floor((u0 + u1 * distance) * scale * texels_u)) & last_i
            j = np.int64(np.floor((v0 + v1 * distance) * scale * texels_v)) & last_j
            if scene.texels[first + np.uint64((j << wide) + i)] & OPAQUE:
                nearness[y, x] = here
                triangle[y, x] = name
