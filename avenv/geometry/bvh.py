"""A bounding volume hierarchy over triangles: a tree whose nodes have eight children each.

A binary tree is built by the binned surface area heuristic (Wald, "On fast construction of
SAH-based bounding volume hierarchies", IEEE Symposium on Interactive Ray Tracing 2007), and then
some three of its levels become one (Wald, Benthin & Boulos, "Getting rid of packets", ibid. 2008),
so that a ray can be tested against all children of a node at once.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.core.kernels import inner, kernel
from avenv.core.vectors import cross
from avenv.geometry.lanes import BOXES, TRIANGLES

BINS = 16
MAX_DEPTH = 64
"""Levels that a tree has at most."""

# Below this depth a node is halved, whatever the heuristic says: 2**24 triangles then end above
# MAX_DEPTH even where the heuristic would peel them off one by one.
_HALVING_DEPTH = 40


class BVH(NamedTuple):
    """A tree of N nodes and L leaves over T triangles; node 0 is the root.

    Attributes:
        boxes: (N, 6, BOXES) float32 lower and upper corners of the boxes of a node's children, a
            hair too large, so that no rounding lets a ray slip past a flat box. Where there is no
            child they are +inf and -inf.
        child: (N, BOXES) int32 the node in a box; of a leaf, -1 minus its number.
        corners: (L, 3, 3, TRIANGLES) float32 the triangles of a leaf, corner by axis. Triangles
            without area are left out; places that are left over hold zeros.
        triangle: (L, TRIANGLES) int32 their rows in the list that the tree was built from, or -1.
    """

    boxes: NDArray[np.float32]
    child: NDArray[np.int32]
    corners: NDArray[np.float32]
    triangle: NDArray[np.int32]


def build_bvh(triangles: ArrayLike) -> BVH:
    """Build the hierarchy over triangles (T, 3, 3).

    Triangles without area are never hit; a list of none gives a tree that nothing hits.

    Raises:
        ValueError: the shape is not (T, 3, 3), or a coordinate is not finite.
    """
    triangles = np.ascontiguousarray(triangles, np.float32)
    if triangles.ndim != 3 or triangles.shape[1:] != (3, 3):
        raise ValueError(f"triangles have the shape {triangles.shape}; (T, 3, 3) is needed")
    if not np.isfinite(triangles).all():
        finite = np.isfinite(triangles).all(axis=(1, 2))
        raise ValueError(f"triangle {int(np.argmin(finite))} has a coordinate that is not finite")
    order = np.flatnonzero(_areas(triangles) > 0).astype(np.int32)
    if len(order) == 0:
        return _allocate(1, 0)
    a, b, c = np.moveaxis(triangles, 1, 0)
    low, high = np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c)
    boxes = np.concatenate([low, high], axis=1)
    bounds = np.empty((2 * len(order), 6), np.float32)
    first = np.empty(2 * len(order), np.int32)
    number = np.empty(2 * len(order), np.int32)
    nodes = _build(boxes, order, bounds, first, number)
    margin = np.float32(4 * np.finfo(np.float32).eps * np.abs(boxes[order]).max())
    bounds = bounds[:nodes] + np.repeat(np.array([-margin, margin], np.float32), 3)
    tree = _allocate(max(1, nodes - 1), int((number[:nodes] > 0).sum()))
    wide = _widen(bounds, first, number, order, triangles, tree)
    return tree._replace(boxes=tree.boxes[:wide].copy(), child=tree.child[:wide].copy())


def _allocate(nodes: int, leaves: int) -> BVH:
    """Return a tree of nodes without children."""
    boxes = np.full((nodes, 6, BOXES), np.inf, np.float32)
    boxes[:, 3:] = -np.inf
    return BVH(
        boxes,
        np.zeros((nodes, BOXES), np.int32),
        np.zeros((leaves, 3, 3, TRIANGLES), np.float32),
        np.full((leaves, TRIANGLES), -1, np.int32),
    )


def _areas(triangles: NDArray[np.float32]) -> NDArray[np.float64]:
    a, b, c = (triangles[:, k].astype(np.float64) for k in range(3))
    return np.linalg.norm(cross(b - a, c - a), axis=1) / 2


@kernel
def _build(boxes, order, bounds, first, number):
    """Sort order (K,) into leaves and fill bounds (N, 6), first (N,), number (N,); return N."""
    stack = np.empty((MAX_DEPTH, 4), np.int32)  # node, start, end, depth
    bins = np.empty((3, BINS, 7), np.float32)  # box and number of triangles
    right = np.empty(BINS, np.float32)
    span, box = np.empty(6, np.float32), np.empty(6, np.float32)
    pending = _push(stack, 0, 0, 0, len(order), 0)
    nodes = 1
    while pending:
        pending -= 1
        node, depth = stack[pending, 0], stack[pending, 3]
        start, end = stack[pending, 1], stack[pending, 2]
        _fit(boxes, order, start, end, bounds[node], span)
        if end - start <= TRIANGLES:
            first[node], number[node] = start, end - start
            continue
        middle = start
        if depth < _HALVING_DEPTH:
            _fill_bins(boxes, order, start, end, span, bins)
            axis, last = _cheapest_split(bins, right, box)
            if axis >= 0:
                middle = _partition(boxes, order, start, end, span, axis, last)
        if middle == start:  # all centres in one place, or too deep
            middle = (start + end) // 2
        first[node], number[node] = nodes, 0
        pending = _push(stack, pending, nodes + 1, middle, end, depth + 1)
        pending = _push(stack, pending, nodes, start, middle, depth + 1)
        nodes += 2
    return nodes


@inner
def _push(stack, pending, node, start, end, depth):
    row = stack[pending]
    row[0], row[1], row[2], row[3] = node, start, end, depth
    return pending + 1


@inner
def _fit(boxes, order, start, end, bound, span):
    """Write the box of order[start:end] to bound (6,), that of its doubled centres to span (6,)."""
    _clear(bound)
    _clear(span)
    for k in range(start, end):
        box = boxes[order[k]]
        for a in range(3):
            centre = box[a] + box[a + 3]
            bound[a] = min(bound[a], box[a])
            bound[a + 3] = max(bound[a + 3], box[a + 3])
            span[a] = min(span[a], centre)
            span[a + 3] = max(span[a + 3], centre)


@inner
def _bin(box, span, axis):
    """Return the bin of a triangle's centre along an axis; 0 where the centres do not spread."""
    width = span[axis + 3] - span[axis]
    if width <= 0:
        return 0
    share = (box[axis] + box[axis + 3] - span[axis]) / width
    return min(BINS - 1, int(share * BINS))


@inner
def _fill_bins(boxes, order, start, end, span, bins):
    """Write the box and the number of triangles of every bin (3, BINS, 7); of none, no box."""
    bins[:, :, 6] = 0
    for k in range(start, end):
        box = boxes[order[k]]
        for axis in range(3):
            cell = bins[axis, _bin(box, span, axis)]
            if cell[6] == 0:
                for a in range(6):
                    cell[a] = box[a]
            else:
                _grow(cell, box)
            cell[6] += 1


@inner
def _clear(box):
    for a in range(3):
        box[a], box[a + 3] = np.inf, -np.inf


@inner
def _grow(box, other):
    for a in range(3):
        box[a] = min(box[a], other[a])
        box[a + 3] = max(box[a + 3], other[a + 3])


@inner
def _half_area(box):
    x, y, z = box[3] - box[0], box[4] - box[1], box[5] - box[2]
    return x * y + y * z + z * x


@inner
def _cheapest_split(bins, right, box):
    """Return the axis and the last bin on the left of the cheapest split; axis -1 if none.

    Scratch: ``right`` (BINS,) and ``box`` (6,).
    """
    best, best_axis, best_last = np.inf, -1, -1
    for axis in range(3):
        _clear(box)
        number, cost = 0.0, np.inf
        for k in range(BINS - 1, 0, -1):
            if bins[axis, k, 6]:
                _grow(box, bins[axis, k])
                number += bins[axis, k, 6]
                cost = _half_area(box) * number
            right[k] = cost
        _clear(box)
        number = 0.0
        for k in range(BINS - 1):  # the cheapest one ends with a bin that is not empty
            if bins[axis, k, 6]:
                _grow(box, bins[axis, k])
                number += bins[axis, k, 6]
                cost = _half_area(box) * number + right[k + 1]
                if cost < best:
                    best, best_axis, best_last = cost, axis, k
    return best_axis, best_last


@inner
def _partition(boxes, order, start, end, span, axis, last):
    """Move what lies in the bins up to ``last`` to the front; return where the rest begins."""
    left, right = start, end - 1
    while left <= right:
        if _bin(boxes[order[left]], span, axis) <= last:
            left += 1
        else:
            order[left], order[right] = order[right], order[left]
            right -= 1
    return left


@kernel
def _widen(bounds, first, number, order, triangles, tree):
    """Fill a tree with the nodes of a binary one; return how many it needs.

    A node takes in its children's children, the largest child first, as long as it has room.
    """
    pending = np.empty((len(first), 2), np.int32)  # binary node, wide node
    children = np.empty(BOXES, np.int32)
    pending[0] = 0
    waiting, nodes, leaves = 1, 1, 0
    while waiting:
        waiting -= 1
        children[0], wide = pending[waiting]
        count = 1
        while count < BOXES:
            largest, widest = np.float32(-1), -1
            for k in range(count):
                if number[children[k]] == 0 and _half_area(bounds[children[k]]) > largest:
                    largest, widest = _half_area(bounds[children[k]]), k
            if widest < 0:
                break
            left = first[children[widest]]
            children[widest], children[count] = left, left + 1
            count += 1
        for k in range(count):
            child = children[k]
            for side in range(6):
                tree.boxes[wide, side, k] = bounds[child, side]
            if number[child] > 0:
                tree.child[wide, k] = -1 - leaves
                _fill_leaf(
                    order[first[child] : first[child] + number[child]], triangles, leaves, tree
                )
                leaves += 1
            else:
                tree.child[wide, k] = nodes
                pending[waiting, 0], pending[waiting, 1] = child, nodes
                waiting += 1
                nodes += 1
    return nodes


@inner
def _fill_leaf(rows, triangles, leaf, tree):
    for k in range(len(rows)):
        tree.triangle[leaf, k] = rows[k]
        for corner in range(3):
            for axis in range(3):
                tree.corners[leaf, corner, axis, k] = triangles[rows[k], corner, axis]
