"""Which cells of a late field see each other, found once for all sources of a scene."""

import weakref
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.acoustics.late.cells import Cells, lay_cells
from avenv.acoustics.settings import AcousticSettings
from avenv.acoustics.tables import AcousticTables
from avenv.core.kernels import borrowing, inner
from avenv.core.memo import Memo
from avenv.geometry import BVH, segment_is_clear

_SCENES = 16  # of which it is remembered

_lately = Memo()


class Neighbours(NamedTuple):
    """The cells whose anchors each of C cells' anchors sees nearby, itself included.

    Attributes:
        first: (C + 1,) int64 those of cell c are entries first[c]..first[c + 1] of the others.
        near: (P,) int32 cells.
        distance: (P,) float32 metres.
    """

    first: NDArray[np.int64]
    near: NDArray[np.int32]
    distance: NDArray[np.float32]


def cells_for(
    scene: AcousticTables, ear_height: float, settings: AcousticSettings, reach: float
) -> tuple[Cells, Neighbours]:
    """Return the cells of a scene, and their neighbours within ``reach`` metres."""
    cell = settings.cell, settings.slab, settings.all_heights
    tree = scene.bvh.boxes  # of these triangles alone, and it lives as long as they do
    key = id(tree), ear_height, *cell, reach
    of: Any
    of, laid = _lately.get(key, (None, None))
    if of is None or of() is not tree:
        cells = lay_cells(scene, ear_height, *cell)
        laid = cells, _find(cells, scene.bvh, reach)
        _lately.pop(key, None)
        _lately[key] = weakref.ref(tree), laid
        for oldest in list(_lately)[:-_SCENES]:
            _lately.pop(oldest, None)
    return laid


def _find(cells: Cells, bvh: BVH, reach: float) -> Neighbours:
    wide, high = (int(reach / cells.size[k]) for k in (0, 2))
    beside = (2 * wide + 1) ** 2 * min(2 * high + 1, len(cells.row))
    room = len(cells.anchor) * beside
    first = np.zeros(len(cells.anchor) + 1, np.int64)
    near, distance = np.empty(room, np.int32), np.empty(room, np.float32)
    _find_neighbours(cells, bvh, float(reach), wide, high, first, near, distance)
    number = first[-1]
    return Neighbours(first, near[:number].copy(), distance[:number].copy())


@borrowing
def _find_neighbours(cells, bvh, reach, wide, high, first, near, distance):
    count = 0
    layers, columns, rows = cells.row.shape
    for layer in range(layers):
        for i in range(columns):
            for j in range(rows):
                row = cells.row[layer, i, j]
                if row < 0:
                    continue
                for c in range(max(0, layer - high), min(layers, layer + high + 1)):
                    for a in range(max(0, i - wide), min(columns, i + wide + 1)):
                        for b in range(max(0, j - wide), min(rows, j + wide + 1)):
                            other = cells.row[c, a, b]
                            if other < 0:
                                continue
                            d = _sight(bvh, cells.anchor[row], cells.anchor[other], reach)
                            if d >= 0:
                                near[count], distance[count] = other, d
                                count += 1
                first[row + 1] = count


@inner
def _sight(bvh, p, q, reach):
    """Return how far apart two points (3,) are if that is within reach and free, else -1."""
    d = np.sqrt((q[0] - p[0]) ** 2 + (q[1] - p[1]) ** 2 + (q[2] - p[2]) ** 2)
    if d < reach and segment_is_clear(bvh, p[0], p[1], p[2], q[0], q[1], q[2]):
        return d
    return -1.0
