"""Which clusters can be seen: the view frustum, and what nearer clusters hide.

Clusters are drawn from near to far. A coarse image of tiles keeps the farthest depth drawn in each
8 x 8 pixels; a cluster that lies behind it in all the tiles it touches is skipped (hierarchical
z-buffer, Greene, Kass & Miller 1993, with a single level).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.kernels import borrowing, inlined
from avenv.vision.camera import NEAR
from avenv.vision.images import TILE

BUCKETS = 256
"""Steps of depth that the drawing order tells apart."""

BUCKETS_PER_METRE = np.float32(16.0)

HIDDEN = np.float32(3e38)
"""A depth or nearness that no visible thing has."""


class Tiles(NamedTuple):
    """The coarse depth image, one entry per tile of 8 x 8 pixels.

    Attributes:
        farthest: (rows, columns) float32, a lower bound of the nearness (1 / metre) within.
        stale: (rows, columns) bool, drawn to since ``farthest`` was found.
    """

    farthest: NDArray[np.float32]
    stale: NDArray[np.bool_]


@borrowing
def nearest_depths(scene, camera, depths):
    """Write the nearest depth (C,) of each cluster's box, HIDDEN where it is out of the picture."""
    c, e = scene.box_centre, scene.box_extent
    wide, high = camera.centre_x / camera.focal, camera.centre_y / camera.focal
    ax, ay, az = camera.ahead_x, camera.ahead_y, camera.ahead_z
    # Inward normals of the four planes through the eye and the picture's sides: the right and left
    # ones are wide * ahead +- left, the lower and upper ones high * ahead +- up.
    rx, ry, rz = wide * ax + camera.left_x, wide * ay + camera.left_y, wide * az + camera.left_z
    lx, ly, lz = wide * ax - camera.left_x, wide * ay - camera.left_y, wide * az - camera.left_z
    dx, dy, dz = high * ax + camera.up_x, high * ay + camera.up_y, high * az + camera.up_z
    ux, uy, uz = high * ax - camera.up_x, high * ay - camera.up_y, high * az - camera.up_z
    for k in range(c.shape[1]):
        x, y, z = c[0, k] - camera.x, c[1, k] - camera.y, c[2, k] - camera.z
        ex, ey, ez = e[0, k], e[1, k], e[2, k]
        depth = ax * x + ay * y + az * z
        reach = abs(ax) * ex + abs(ay) * ey + abs(az) * ez
        seen = depth + reach >= NEAR
        seen &= rx * x + ry * y + rz * z + abs(rx) * ex + abs(ry) * ey + abs(rz) * ez >= 0
        seen &= lx * x + ly * y + lz * z + abs(lx) * ex + abs(ly) * ey + abs(lz) * ez >= 0
        seen &= dx * x + dy * y + dz * z + abs(dx) * ex + abs(dy) * ey + abs(dz) * ez >= 0
        seen &= ux * x + uy * y + uz * z + abs(ux) * ex + abs(uy) * ey + abs(uz) * ez >= 0
        depths[k] = depth - reach if seen else HIDDEN


@borrowing
def front_to_back(depths, starts, order):
    """Write the visible clusters into ``order`` (C,), roughly near to far; return their number.

    A counting sort into buckets of 1/16 m: the order only has to be good enough for occlusion.
    ``starts`` (BUCKETS + 1,) is scratch.
    """
    starts[:] = 0
    for k in range(depths.shape[0]):
        if depths[k] < HIDDEN:
            starts[_bucket(depths[k]) + 1] += 1
    for b in range(BUCKETS):
        starts[b + 1] += starts[b]
    visible = starts[BUCKETS]
    for k in range(depths.shape[0]):
        if depths[k] < HIDDEN:
            b = _bucket(depths[k])
            order[starts[b]] = k
            starts[b] += 1
    return visible


@inlined
def _bucket(depth):
    return int(min(max(depth, np.float32(0)) * BUCKETS_PER_METRE, np.float32(BUCKETS - 1)))


@inlined
def tiles_of_cluster(scene, camera, k, nearest, tiles):
    """Return the tiles (first row, end row, first column, end column) that cluster k may touch."""
    rows, columns = tiles.farthest.shape
    if nearest < NEAR:
        return 0, rows, 0, columns
    c, e = scene.box_centre, scene.box_extent
    x, y, z = c[0, k] - camera.x, c[1, k] - camera.y, c[2, k] - camera.z
    ex, ey, ez = e[0, k], e[1, k], e[2, k]
    left = camera.left_x * x + camera.left_y * y + camera.left_z * z
    up = camera.up_x * x + camera.up_y * y + camera.up_z * z
    wide = abs(camera.left_x) * ex + abs(camera.left_y) * ey + abs(camera.left_z) * ez
    high = abs(camera.up_x) * ex + abs(camera.up_y) * ey + abs(camera.up_z) * ez
    depth = camera.ahead_x * x + camera.ahead_y * y + camera.ahead_z * z
    near, far = camera.focal / nearest, camera.focal / (2 * depth - nearest)
    first_column, end_column = _tile_span(left, wide, near, far, camera.centre_x, columns)
    first_row, end_row = _tile_span(up, high, near, far, camera.centre_y, rows)
    return first_row, end_row, first_column, end_column


@inlined
def _tile_span(offset, reach, near, far, centre, count):
    # Image axes run against left and up. Each end is scaled by the depth that puts it farthest out.
    low, high = -offset - reach, -offset + reach
    low = centre + low * (near if low < 0 else far)
    high = centre + high * (near if high > 0 else far)
    limit = np.float32(count * TILE)
    first = int(min(max(low, np.float32(0)), limit)) // TILE
    end = int(min(max(high + np.float32(TILE), np.float32(0)), limit)) // TILE
    return first, end


@inlined
def is_hidden(span, nearest, nearness, tiles):
    """Tell whether all that lies beyond ``nearest`` metres within a span of tiles is hidden."""
    if nearest < NEAR:
        return False
    limit = np.float32(1) / nearest
    for row in range(span[0], span[1]):
        for column in range(span[2], span[3]):
            if tiles.farthest[row, column] >= limit:
                continue
            if not tiles.stale[row, column]:
                return False
            tiles.farthest[row, column] = _farthest(nearness, row, column)
            tiles.stale[row, column] = False
            if tiles.farthest[row, column] < limit:
                return False
    return True


@inlined
def _farthest(nearness, row, column):
    least = np.float32(HIDDEN)
    for y in range(row * TILE, row * TILE + TILE):
        for x in range(column * TILE, column * TILE + TILE):
            least = min(least, nearness[y, x])
    return least


@inlined
def mark_stale(span, tiles):
    """Note that something was drawn within a span of tiles."""
    tiles.stale[span[0] : span[1], span[2] : span[3]] = True
