"""Trees of boxes over clusters, eight children to a node, for culling.

The triangles of a tree are halved at the median again and again; the halves are whole blocks of
8^k clusters, so that eight clusters in a row always make a node, eight nodes in a row one of the
next level, and the boxes of eight siblings lie side by side for the processor's vectors.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

CLUSTER_SIZE = 32
"""Most triangles in a cluster."""

WIDTH = 8
"""Children of a node."""

EMPTY = np.float32(-1e38)
"""Half the size of a box that holds nothing: it is in no picture."""


def split(members: NDArray[np.int64], centroids: NDArray[np.float32]) -> list[NDArray[np.int64]]:
    """Return triangles ``members`` in clusters, all but the last full, a multiple of 8 of them."""
    clusters = list(_halve(members, centroids))
    padding = -len(clusters) % WIDTH if clusters else WIDTH
    return clusters + [np.empty(0, np.int64)] * padding


def _halve(
    members: NDArray[np.int64], centroids: NDArray[np.float32]
) -> Iterator[NDArray[np.int64]]:
    if len(members) <= CLUSTER_SIZE:
        if len(members):
            yield members
        return
    block = CLUSTER_SIZE
    while block * WIDTH < len(members):
        block *= WIDTH
    points = centroids[members]
    axis = np.argmax(points.max(axis=0) - points.min(axis=0))
    left = -(-len(members) // (2 * block)) * block
    ordered = members[np.argsort(points[:, axis], kind="stable")]
    yield from _halve(ordered[:left], centroids)
    yield from _halve(ordered[left:], centroids)


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
