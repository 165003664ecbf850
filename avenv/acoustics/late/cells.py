"""Where the late field is collected: flat cells at the height of the listener's ear, or at all.

A cell stands for the air that its anchor sees, so that the two sides of a wall never mix: a cell is
cut into subcells, and only those in sight of the anchor collect sound and count as its volume.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.acoustics.tables import AcousticTables, is_inside_solid
from avenv.core.kernels import borrowing, inlined, inner
from avenv.geometry import segment_is_clear

SUB = 4
"""Subcells along a cell's edge."""
_NEAR, _WIDE = 2, 8
"""Subcells within which cells are heard, and those within which they are where few are in sight."""
_ENOUGH = 0.5
"""Share of the nearest subcells in sight that does without the wider surroundings."""
MOST = 2 * ((_NEAR // 2 + 1) ** 2 + (_WIDE // 2 + 1) ** 2)
"""Cells that may make up the field at a point."""
MAX_CELLS = 7000
"""A scene that would need more cells than about this gets larger ones. With the usual settings, the
late fields of 16 environments then take less than 500 MB, however large their scene is."""


class Cells(NamedTuple):
    """C cells with free air, on a grid of X by Y in Z layers.

    Attributes:
        low: (3,) float64 lowest corner of the grid, metres.
        size: (3,) float64 of a cell, metres.
        row: (Z, X, Y) int32 number of each cell, -1 where there is no free air.
        open: (Z, X * SUB, Y * SUB) bool: in sight of the anchor of its cell.
        anchor: (C, 3) float64 the point that stands for a cell, metres.
        volume: (C,) float32 of a cell's open part, cubic metres.
    """

    low: NDArray[np.float64]
    size: NDArray[np.float64]
    row: NDArray[np.int32]
    open: NDArray[np.bool_]
    anchor: NDArray[np.float64]
    volume: NDArray[np.float32]


def lay_cells(
    scene: AcousticTables, ear_height: float, cell: float, slab: float, all_heights: bool
) -> Cells:
    """Lay cells ``cell`` m wide and ``slab`` m high over a scene, centred at ``ear_height``.

    Or fill its whole height with layers of them, none higher than ``slab``.
    """
    low, high = scene.bounds[:3], scene.bounds[3:]
    extent = np.maximum(high - low, 1e-3)
    if all_heights:
        layers, bottom, top = max(1, int(np.ceil(extent[2] / slab))), low[2], low[2] + extent[2]
        heights = bottom + (np.arange(layers) + 0.5) * (top - bottom) / layers
    else:
        layers, heights = 1, np.array([ear_height])
        bottom, top = max(ear_height - slab / 2, low[2]), min(ear_height + slab / 2, high[2])
        if top <= bottom:  # the ear is above or below everything
            bottom, top = ear_height - slab / 2, ear_height + slab / 2
    cell = max(cell, float(np.sqrt(extent[:2].prod() * layers / MAX_CELLS)))
    shape = np.ceil(extent[:2] / cell).astype(int)
    corner = np.array([*((low + high)[:2] - shape * cell) / 2, bottom])
    size = np.array([cell, cell, (top - bottom) / layers])
    row = np.full((layers, *shape), -1, np.int32)
    sub_open = np.zeros((layers, *shape * SUB), np.bool_)
    anchor = np.empty((row.size, 3))
    used = _survey(scene, heights, corner, size, _nearest_first(), row, sub_open, anchor)
    volume = np.zeros(used, np.float32)
    count = sub_open.reshape(layers, shape[0], SUB, shape[1], SUB).sum(axis=(2, 4))
    volume[row[row >= 0]] = count[row >= 0] * (size.prod() / SUB**2)
    return Cells(corner, size, row, sub_open, anchor[:used].copy(), volume)


def first_reach(cells: Cells, source: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the metres (C,) from a source (3,) to the nearest point of each cell."""
    layer, i, j = np.nonzero(cells.row >= 0)
    low = cells.low + np.column_stack([i, j, layer]) * cells.size
    beyond = np.maximum(np.maximum(low - source, source - low - cells.size), 0)
    distance = np.empty(len(cells.anchor))
    distance[cells.row[layer, i, j]] = np.linalg.norm(beyond, axis=1)
    return distance


def _nearest_first() -> NDArray[np.int64]:
    """Return the subcells (SUB * SUB, 2) of a cell, those next to its centre first."""
    i, j = np.divmod(np.arange(SUB * SUB), SUB)
    centre = (SUB - 1) / 2
    order = np.argsort((i - centre) ** 2 + (j - centre) ** 2, kind="stable")
    return np.column_stack([i, j])[order]


@borrowing
def _survey(scene, heights, corner, size, offsets, row, sub_open, anchor):
    """Fill row, sub_open and anchor for layers at heights (Z,); return the cells with free air."""
    used = 0
    layers, columns, rows = row.shape
    width = size[0] / SUB
    for layer in range(layers):
        z = heights[layer]
        for i in range(columns):
            for j in range(rows):
                for k in range(len(offsets)):
                    a, b = i * SUB + offsets[k, 0], j * SUB + offsets[k, 1]
                    x, y = corner[0] + (a + 0.5) * width, corner[1] + (b + 0.5) * width
                    if row[layer, i, j] < 0:
                        if is_inside_solid(scene, x, y, z):
                            continue
                        row[layer, i, j] = used
                        anchor[used, 0], anchor[used, 1], anchor[used, 2] = x, y, z
                        used += 1
                    p = anchor[row[layer, i, j]]
                    sub_open[layer, a, b] = segment_is_clear(scene.bvh, p[0], p[1], p[2], x, y, z)
    return used


@inlined
def collect(cells, x, y, z, dx, dy, dz, leg, travelled, bin_length, weight, out):
    """Add a ray's flight from (x, y, z) over ``leg`` metres to the cells it passes.

    ``travelled`` is the way it has come before. To out (C, K, B + 3) go the metres within each cell
    times its weight (B,), and times the mean weight and the direction that it comes from.
    """
    height, last = cells.size[2], cells.row.shape[0] - 1
    here, there = (z - cells.low[2]) / height, (z + leg * dz - cells.low[2]) / height
    bottom = min(max(int(min(here, there)), 0), last)
    top = min(max(int(max(here, there)), 0), last)
    for layer in range(bottom, top + 1):
        floor = cells.low[2] + layer * height
        start, end = _clip(z, dz, floor, floor + height, 0.0, leg)
        _collect_layer(
            cells, layer, x, y, dx, dy, dz, start, end, travelled, bin_length, weight, out
        )


@inlined
def _collect_layer(cells, layer, x, y, dx, dy, dz, start, end, travelled, bin_length, weight, out):
    """Do so for the part of the flight from ``start`` to ``end`` that is in a layer."""
    width = cells.size[0] / SUB
    columns, rows = cells.open.shape[1:]
    start, end = _clip(x, dx, cells.low[0], cells.low[0] + columns * width, start, end)
    start, end = _clip(y, dy, cells.low[1], cells.low[1] + rows * width, start, end)
    if start >= end:
        return
    u, v = (x + start * dx - cells.low[0]) / width, (y + start * dy - cells.low[1]) / width
    i, j = min(max(int(u), 0), columns - 1), min(max(int(v), 0), rows - 1)
    step_i, next_i, every_i = _crossings(u, i, dx / width, start)
    step_j, next_j, every_j = _crossings(v, j, dy / width, start)
    mean = weight.sum() / len(weight)
    t, entered, seen = start, start, 0.0
    while t < end:
        until = min(next_i, next_j, end)
        if cells.open[layer, i, j]:
            seen += until - t
        t = until
        before_i, before_j = i // SUB, j // SUB
        if next_i <= next_j:
            i, next_i = i + step_i, next_i + every_i
        else:
            j, next_j = j + step_j, next_j + every_j
        inside = 0 <= i < columns and 0 <= j < rows
        if not inside or t >= end or i // SUB != before_i or j // SUB != before_j:
            k = int((travelled + (entered + t) / 2) / bin_length)
            row = cells.row[layer, before_i, before_j]
            if seen > 0 and row >= 0 and k < out.shape[1]:
                _add(out[row, k], weight, seen, -dx * seen * mean, -dy * seen * mean,
                     -dz * seen * mean)  # fmt: skip
            entered, seen = t, 0.0
        if not inside:
            return


@inlined
def _add(cell, weight, length, mx, my, mz):
    bands = len(weight)
    for b in range(bands):
        cell[b] += weight[b] * length
    cell[bands] += mx
    cell[bands + 1] += my
    cell[bands + 2] += mz


@inlined
def _clip(p, d, low, high, start, end):
    """Return the part of start..end in which low <= p + t d <= high; empty: start >= end."""
    if abs(d) < 1e-12:
        return (start, end) if low <= p <= high else (end, start)
    a, b = (low - p) / d, (high - p) / d
    return max(start, min(a, b)), min(end, max(a, b))


@inlined
def _crossings(u, i, slope, start):
    """Return the step (-1, 1) between subcells, the t of the next border and of one to the next."""
    if abs(slope) < 1e-12:
        return 0, 1e30, 1e30
    if slope > 0:
        return 1, start + (i + 1 - u) / slope, 1 / slope
    return -1, start + (i - u) / slope, -1 / slope


@inner
def blend(cells, bvh, x, y, z, rows, weights):
    """Write to rows and weights (MOST,) which cells make up the field at a point, with sum 1.

    Returns how many. Every open subcell within ``_NEAR`` that the point sees counts for its cell,
    the less the further away. The more of them are hidden, the more do those within ``_WIDE``. So
    no cell comes or goes at once. A point that sees none of all these hears the nearest anchor's.
    """
    # between layers, but not above or below the outermost
    w = min(max((z - cells.low[2]) / cells.size[2] - 0.5, 0.0), cells.row.shape[0] - 1.0)
    count, total = _weigh(cells, bvh, x, y, z, w, np.int64(_NEAR), rows, weights, np.int64(0))
    if total < _ENOUGH:
        near = count
        count, wide = _weigh(cells, bvh, x, y, z, w, np.int64(_WIDE), rows, weights, near)
        if wide == 0:
            rows[near], weights[near] = _nearest(cells, x, y, z), 1.0
            count, wide = near + 1, 1.0
        for k in range(near, count):
            weights[k] *= (_ENOUGH - total) / wide
        total = _ENOUGH
    for k in range(count):
        weights[k] /= total
    return count


@inner
def _weigh(cells, bvh, x, y, z, w, reach, rows, weights, count):
    """Append the cells of which a point sees subcells less than ``reach`` subcells away.

    ``w`` is its height in layers. Returns how many there are then, and the sum of the new weights:
    1 if all is in sight.
    """
    layers, columns, lines = cells.row.shape
    width, all_in_sight, total = cells.size[0] / SUB, reach * reach, 0.0
    u, v = (x - cells.low[0]) / width - 0.5, (y - cells.low[1]) / width - 0.5
    first_i, last_i = _span(u, reach, columns * SUB)
    first_j, last_j = _span(v, reach, lines * SUB)
    for layer in range(int(w), min(int(w) + 2, layers)):
        for a in range(first_i // SUB, last_i // SUB + 1):
            for b in range(first_j // SUB, last_j // SUB + 1):
                row, weight = cells.row[layer, a, b], 0.0
                if row < 0:
                    continue
                height = cells.anchor[row, 2]
                for i in range(max(first_i, a * SUB), min(last_i, a * SUB + SUB - 1) + 1):
                    for j in range(max(first_j, b * SUB), min(last_j, b * SUB + SUB - 1) + 1):
                        if cells.open[layer, i, j] and segment_is_clear(
                            bvh, x, y, z, cells.low[0] + (i + 0.5) * width,
                            cells.low[1] + (j + 0.5) * width, height,
                        ):  # fmt: skip
                            weight += (1 - abs(u - i) / reach) * (1 - abs(v - j) / reach)
                weight *= (1 - abs(w - layer)) / all_in_sight
                if weight > 0:
                    rows[count], weights[count] = row, weight
                    count, total = count + 1, total + weight
    return count, total


@inlined
def _span(u, reach, number):
    """Return the first and the last of ``number`` subcells within ``reach`` of u, in subcells."""
    return max(int(np.ceil(u - reach)), 0), min(int(np.floor(u + reach)), number - 1)


@inner
def _nearest(cells, x, y, z):
    """Return the row of the cell whose anchor is nearest, in sight or not."""
    best, found = np.inf, -1
    for row in range(len(cells.anchor)):
        p = cells.anchor[row]
        d = (p[0] - x) ** 2 + (p[1] - y) ** 2 + (p[2] - z) ** 2
        if d < best:
            best, found = d, row
    return found
