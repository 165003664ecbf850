"""Which clusters can be seen: the view frustum, and what nearer clusters hide.

A tree of boxes is searched from near to far, and clusters are drawn as they turn up. A coarse image
of tiles keeps the farthest surface drawn in each 8 x 8 pixels; a box that lies behind it in all the
tiles it touches is skipped with all that it holds (hierarchical z-buffer, Greene, Kass & Miller
1993, with a single level of tiles).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core.kernels import inlined
from avenv.vision.camera.projection import NEAR
from avenv.vision.raster.buffer import HIDDEN, TILE, TILE_BITS
from avenv.vision.raster.hierarchy import WIDTH

BUCKETS = 256
"""Steps of depth that the drawing order tells apart."""

BUCKETS_PER_METRE = np.float32(16.0)


class Tiles(NamedTuple):
    """The coarse image, one entry per tile of 8 x 8 pixels.

    Attributes:
        farthest: (rows, columns) float32, a lower bound of the nearness within.
        stale: (rows, columns) bool, drawn to since ``farthest`` was found.
    """

    farthest: NDArray[np.float32]
    stale: NDArray[np.bool_]


class Search(NamedTuple):
    """What is still to be looked at; I boxes, those of clusters first, then those of nodes.

    Attributes:
        head: (BUCKETS,) int32 first box in each bucket of depth, -1 for none.
        next: (I,) int32 the box after it.
        nearest: (I,) float32 nearest depth of the box, HIDDEN where it is out of the picture.
        span: (4, I) int32 first row, end row, first column, end column of the tiles it may touch.
    """

    head: NDArray[np.int32]
    next: NDArray[np.int32]
    nearest: NDArray[np.float32]
    span: NDArray[np.int32]


@inlined
def begin(search, root, tiles):
    """Empty the queue but for one box, which counts as seen all over the picture."""
    search.head[:] = -1
    search.head[0], search.next[root] = root, -1
    search.nearest[root] = 0
    search.span[0, root] = search.span[2, root] = 0
    search.span[1, root], search.span[3, root] = tiles.farthest.shape


@inlined
def look_into(scene, camera, node, bucket, tiles, search):
    """Queue the children of a node that are in the picture; none comes before ``bucket``."""
    first = np.uint64(scene.first_child[node])
    _measure_boxes(scene.boxes, camera, np.uint64(node), first, tiles, search)
    for lane in range(WIDTH):
        k = first + np.uint64(lane)
        nearest = search.nearest[k]
        if nearest < HIDDEN:
            b = max(int(min(max(nearest, np.float32(0)) * BUCKETS_PER_METRE,
                            np.float32(BUCKETS - 1))), bucket)  # fmt: skip
            search.next[k] = search.head[b]
            search.head[b] = k


@inlined
def look_ahead(search, bucket):
    """Return the box that is nearest of those waiting from ``bucket`` on, -1 if there is none."""
    while bucket < BUCKETS - 1 and search.head[bucket] < 0:
        bucket += 1
    return search.head[bucket]


# Layout: boxes (G, 6, 8), centre and half size of a node's eight children.
@inlined
def _measure_boxes(boxes, camera, node, first, tiles, search):
    """Write the nearest depth and the tiles of a node's children, eight at a time."""
    rows, columns = np.float32(tiles.farthest.shape[0]), np.float32(tiles.farthest.shape[1])
    one, zero = np.float32(1), np.float32(0)
    lean = one if camera.converging else zero
    wide, high = camera.centre_x / camera.focal, camera.centre_y / camera.focal
    ax, ay, az = camera.ahead_x, camera.ahead_y, camera.ahead_z
    lx, ly, lz = camera.left_x, camera.left_y, camera.left_z
    ux, uy, uz = camera.up_x, camera.up_y, camera.up_z
    # The planes through the picture's sides have the inward normals side * ahead +- left (or up).
    sx, sy, sz = lean * wide * ax, lean * wide * ay, lean * wide * az
    tx, ty, tz = lean * high * ax, lean * high * ay, lean * high * az
    for lane in range(WIDTH):
        k = first + np.uint64(lane)
        x, y, z = boxes[node, 0, lane], boxes[node, 1, lane], boxes[node, 2, lane]
        x, y, z = x - camera.x, y - camera.y, z - camera.z
        ex, ey, ez = boxes[node, 3, lane], boxes[node, 4, lane], boxes[node, 5, lane]
        ahead = ax * x + ay * y + az * z
        left = lx * x + ly * y + lz * z
        up = ux * x + uy * y + uz * z
        deep = abs(ax) * ex + abs(ay) * ey + abs(az) * ez
        far_left = abs(sx - lx) * ex + abs(sy - ly) * ey + abs(sz - lz) * ez
        far_right = abs(sx + lx) * ex + abs(sy + ly) * ey + abs(sz + lz) * ez
        far_up = abs(tx - ux) * ex + abs(ty - uy) * ey + abs(tz - uz) * ez
        far_down = abs(tx + ux) * ex + abs(ty + uy) * ey + abs(tz + uz) * ez
        half_width = wide * (lean * ahead + (one - lean))
        half_height = high * (lean * ahead + (one - lean))
        seen = (ahead + deep >= NEAR) & (half_width - left + far_left >= 0)
        seen &= (half_width + left + far_right >= 0) & (half_height - up + far_up >= 0)
        seen &= half_height + up + far_down >= 0
        nearest = ahead - deep
        search.nearest[k] = nearest if seen else HIDDEN
        near = camera.focal / max(nearest, NEAR) if camera.converging else camera.focal
        far = camera.focal / max(ahead + deep, NEAR) if camera.converging else camera.focal
        aside = abs(lx) * ex + abs(ly) * ey + abs(lz) * ez
        above = abs(ux) * ex + abs(uy) * ey + abs(uz) * ez
        whole = nearest < NEAR
        low, end = _tile_span(up, above, near, far, camera.centre_y, rows)
        search.span[0, k] = np.int32(0 if whole else low)
        search.span[1, k] = np.int32(rows if whole else end)
        low, end = _tile_span(left, aside, near, far, camera.centre_x, columns)
        search.span[2, k] = np.int32(0 if whole else low)
        search.span[3, k] = np.int32(columns if whole else end)


@inlined
def _tile_span(offset, reach, near, far, centre, count):
    # Image axes run against left and up. Each end is scaled by the depth that puts it farthest out.
    tiles_per_pixel = np.float32(1 / TILE)
    low, high = -offset - reach, -offset + reach
    low = (centre + low * (near if low < 0 else far)) * tiles_per_pixel
    high = (centre + high * (near if high > 0 else far)) * tiles_per_pixel + np.float32(1)
    return min(max(low, np.float32(0)), count), min(max(high, np.float32(0)), count)


@inlined
def is_hidden(search, k, converging, nearness, tiles):
    """Tell whether all that lies in box k is hidden."""
    nearest = search.nearest[k]
    if nearest < NEAR:
        return False
    limit = np.float32(1) / nearest if converging else -nearest
    for row in range(search.span[0, k], search.span[1, k]):
        for column in range(search.span[2, k], search.span[3, k]):
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
    y, x = np.uint64(row << TILE_BITS), np.uint64(column << TILE_BITS)
    for down in range(TILE):
        for right in range(TILE):
            least = min(least, nearness[y + np.uint64(down), x + np.uint64(right)])
    return least


@inlined
def mark_stale(search, k, tiles):
    """Note that something was drawn within the tiles of box k."""
    for row in range(search.span[0, k], search.span[1, k]):
        for column in range(search.span[2, k], search.span[3, k]):
            tiles.stale[row, column] = True
