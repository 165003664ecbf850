"""Trees of boxes over clusters, eight children to a node, for culling.

The triangles of a tree are halved at the median again and again; the halves are whole blocks of
8^k clusters, so that eight clusters in a row always make a node, eight nodes in a row one of the
next level, and the boxes of eight siblings lie side by side for the processor's vectors.
"""

import numpy as np
from numba import int64, uint32
from numpy.typing import NDArray

from avenv.core.kernels import borrowing, inlined, inner
from avenv.geometry import local_array

CLUSTER_SIZE = 32
"""Most triangles in a cluster."""

LANES = 16
"""Corners of a cluster come in so many, the rest filled up: a float32 of each of them is a vector
of the processor, and a line of its cache."""

WIDTH = 8
"""Children of a node."""

EMPTY = np.float32(-1e38)
"""Half the size of a box that holds nothing: it is in no picture."""

_FEW = 96  # numbers up to which to insert each in its place is the fastest way to sort
_WAITING = 128  # two numbers for each halving: more than the number of triangles has bits


def split(
    members: NDArray[np.int64], centroids: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return triangles ``members`` in the order of clusters, and the sizes of these.

    All clusters but the last are full; empty ones make up a multiple of 8 of them.
    """
    clusters = -(-len(members) // CLUSTER_SIZE)
    order, sizes = members.copy(), np.zeros(max(clusters + -clusters % WIDTH, WIDTH), np.int64)
    keys, spare = np.empty((2, len(members)), np.uint32)
    bits = np.ascontiguousarray(centroids).view(np.uint32)
    _halve(order, centroids, bits, keys, spare, np.empty_like(order), sizes)
    return order, sizes


@borrowing
def _halve(order, centroids, bits, keys, spare, moved, sizes):
    """Halve triangles at the median again and again, stably, and write the sizes of clusters.

    ``bits`` (T, 3) are those of centroids. Scratch, as long as ``order``: keys, spare and moved.
    """
    waiting = local_array(int64, _WAITING)
    waiting[0], waiting[1] = 0, len(order)
    pending, clusters = min(len(order), 1), 0
    while pending:
        pending -= 1
        start, end = waiting[2 * pending], waiting[2 * pending + 1]
        number = end - start
        if number <= CLUSTER_SIZE:
            sizes[clusters] = number
            clusters += 1
            continue
        block = CLUSTER_SIZE
        while block * WIDTH < number:
            block *= WIDTH
        some = order[start:end]
        axis = _longest(some, centroids)
        for k in range(number):
            keys[k] = _key(bits[some[k], axis])
        _sort(keys[:number], some, spare, moved)
        middle = start - (-number // (2 * block)) * block
        waiting[2 * pending], waiting[2 * pending + 1] = middle, end
        waiting[2 * pending + 2], waiting[2 * pending + 3] = start, middle
        pending += 2


@inner
def _longest(some, points):
    """Return the axis along which some of the points (T, 3) extend furthest."""
    best, longest = np.float32(-1), 0
    for axis in range(3):
        low, high = points[some[0], axis], points[some[0], axis]
        for row in some:
            low, high = min(low, points[row, axis]), max(high, points[row, axis])
        if high - low > best:
            best, longest = high - low, axis
    return longest


@inlined
def _key(bits):
    """Return a uint32 in the order of the float32 of these bits, the same for both zeros."""
    if bits == uint32(1 << 31):
        return bits
    return uint32(~bits) if bits >> uint32(31) else uint32(bits | uint32(1 << 31))


@inner
def _sort(keys, order, spare, moved):
    """Sort keys (K,) uint32, and order (K,) with them, stably. Scratch: spare and moved."""
    if len(keys) <= _FEW:
        for k in range(1, len(keys)):
            key, row, place = keys[k], order[k], k
            while place > 0 and keys[place - 1] > key:
                keys[place], order[place] = keys[place - 1], order[place - 1]
                place -= 1
            keys[place], order[place] = key, row
        return
    first = local_array(int64, 256)
    for shift in range(0, 32, 8):
        for digit in range(256):
            first[digit] = 0
        for key in keys:
            first[(key >> uint32(shift)) & uint32(255)] += 1
        place = 0
        for digit in range(256):
            place, first[digit] = place + first[digit], place
        for k in range(len(keys)):
            digit = (keys[k] >> uint32(shift)) & uint32(255)
            spare[first[digit]], moved[first[digit]] = keys[k], order[k]
            first[digit] += 1
        for k in range(len(keys)):
            keys[k], order[k] = spare[k], moved[k]


def build_tree(
    low: NDArray[np.float32], high: NDArray[np.float32], first: int, node: int
) -> tuple[list[NDArray[np.float32]], list[NDArray[np.int64]], int]:
    """Stack nodes on clusters ``first``, ``first + 1``, ... with boxes ``low`` to ``high`` (C, 3).

    Nodes are numbered from ``node``, a multiple of 8, on.

    Returns:
        the nodes of each level, a multiple of 8 of them: (G, 6, 8) centre and half size of their
        children's boxes; the number (G,) of each one's first child; the number of the root.
    """
    boxes, children = [], []
    while True:
        count = len(low) // WIDTH
        # Levels are padded, so that writing eight siblings never touches another family.
        padded = -(-count // WIDTH) * WIDTH
        box = np.zeros((padded, 2, 3, WIDTH), np.float32)
        box[:, 1] = EMPTY
        some = low <= high
        bottom, top = np.where(some, low, 0), np.where(some, high, 0)
        box[:count, 0] = _by_node((top + bottom) / 2)
        box[:count, 1] = _by_node(np.where(some, (top - bottom) / 2, EMPTY))
        boxes.append(box.reshape(padded, 6, WIDTH))
        children.append(first + WIDTH * np.minimum(np.arange(padded), count - 1))
        if count == 1:
            return boxes, children, node
        first, node = node, node + padded
        low, high = (f.reduceat(side, np.arange(0, len(side), WIDTH), axis=0)
                     for f, side in ((np.minimum, low), (np.maximum, high)))  # fmt: skip
        low = np.pad(low, ((0, padded - count), (0, 0)), constant_values=np.inf)
        high = np.pad(high, ((0, padded - count), (0, 0)), constant_values=-np.inf)


def _by_node(sides: NDArray[np.floating]) -> NDArray[np.floating]:
    return sides.reshape(-1, WIDTH, 3).swapaxes(1, 2)
