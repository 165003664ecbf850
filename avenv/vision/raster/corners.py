"""The corners that triangles of a cluster share, and the boxes around clusters."""

import numpy as np
from numba import uint8
from numpy.typing import NDArray

from avenv.core.kernels import borrowing, inlined
from avenv.geometry import local_array
from avenv.vision.raster.hierarchy import CLUSTER_SIZE, LANES

Numbers = NDArray[np.float32]

_MOST = 3 * CLUSTER_SIZE


def share_corners(
    triangles: Numbers, sizes: NDArray[np.int64]
) -> tuple[Numbers, NDArray[np.uint8], NDArray[np.int32], Numbers, Numbers]:
    """Tell apart the corners of triangles (T, 3, 3) in clusters of so many each.

    Returns:
        vertices (3 * V,), sorted within each of the C clusters, corners (3, T) and first_vector
        (C + 1,) as in ``RasterArrays``, but for triangles that fill up clusters; the boxes around
        clusters, low and high (C, 3), from infinity to minus infinity around none.
    """
    first = np.concatenate([[0], np.cumsum(sizes)])
    points = np.empty((3 * len(triangles), 3), np.float32)
    corners = np.empty((3, len(triangles)), np.uint8)
    first_vertex = np.zeros(len(first), np.int32)
    low = np.full((len(sizes), 3), np.inf, np.float32)
    high = -low
    _share(triangles, first, points, corners, first_vertex, low, high)
    count = np.diff(first_vertex)
    first_vector = np.cumsum(np.append(0, -(-count // LANES)), dtype=np.int32)
    # Where x of each corner goes; y is as far on as its cluster is wide, and z as far again.
    place = np.arange(first_vertex[-1]) + np.repeat(
        3 * LANES * first_vector[:-1] - first_vertex[:-1], count
    )
    width = np.repeat(LANES * np.diff(first_vector), count)
    vertices = np.zeros(3 * LANES * first_vector[-1], np.float32)
    for axis in range(3):
        vertices[place + axis * width] = points[: first_vertex[-1], axis]
    return vertices, corners, first_vector, low, high


@borrowing
def _share(triangles, first, points, corners, first_vertex, low, high):
    """Sort the corners of each cluster into points (3 T, 3), each of them once."""
    kept, rank = local_array(uint8, _MOST), local_array(uint8, _MOST)  # in order of appearance
    for c in range(len(low)):
        found, number = points[first_vertex[c] :], 0
        for t in range(first[c], first[c + 1]):
            for k in range(3):
                point = triangles[t, k]
                place = _place(found, number, point)
                if place == number or _is_before(point, found[place]):
                    for n in range(number, place, -1):
                        kept[n] = kept[n - 1]
                        for a in range(3):
                            found[n, a] = found[n - 1, a]
                    kept[place] = number
                    for a in range(3):
                        found[place, a] = point[a]
                    number += 1
                corners[k, t] = kept[place]
        for n in range(number):
            rank[kept[n]] = n
            for a in range(3):
                low[c, a], high[c, a] = min(low[c, a], found[n, a]), max(high[c, a], found[n, a])
        for t in range(first[c], first[c + 1]):
            for k in range(3):
                corners[k, t] = rank[corners[k, t]]
        first_vertex[c + 1] = first_vertex[c] + number


@inlined
def _place(found, number, point):
    """Return how many of the sorted points found (N, 3) come before a point."""
    start, end = 0, number
    while start < end:
        middle = (start + end) // 2
        if _is_before(found[middle], point):
            start = middle + 1
        else:
            end = middle
    return start


@inlined
def _is_before(a, b):
    """Say whether a point comes before another: by x, then y, then z."""
    if a[0] != b[0]:
        return a[0] < b[0]
    if a[1] != b[1]:
        return a[1] < b[1]
    return a[2] < b[2]
