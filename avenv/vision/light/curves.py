"""Curved surfaces: facets whose light is found at their corners, and interpolated between them.

A ball of flat facets looks round when neighbours agree about the light at the corners they share
(Gouraud, "Continuous shading of curved surfaces", IEEE Transactions on Computers 1971). Light at a
corner is that on a surface with the mean normal of the facets that meet there at blunt angles.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core.kernels import inner, kernel

BLUNT = np.cos(np.radians(50.0))
"""Cosine of the turn between two facets up to which they are one curved surface."""

LARGEST = 0.6
"""Metres: a longer facet has samples of its own."""

MOST = 200_000
"""Facets of a scene beyond which all are left flat: they are small then, and memory is dear."""

_FLAT = 0.9995  # cosine of the turn below which facets are no curve
_INSET = 0.01  # m that a corner is moved towards its facets, out of what it may stand on
_WEAK = 0.1  # determinant below which corners do not span the square: no extrapolating then


class Curves(NamedTuple):
    """M charts of three or four corners, with 2 x 2 light samples.

    Attributes:
        chart: (M,) int64 which charts.
        mix: (M, 4, 4) float32 the 2 x 2 samples of the light map, row by row, from the corners.
    """

    chart: NDArray[np.int64]
    mix: NDArray[np.float32]


class Corners(NamedTuple):
    """Where the light of M such charts is sampled.

    Attributes:
        position: (M, 4, 3) float64 metres (a fourth may repeat one).
        normal: (M, 4, 3) float64 the unit normals there.
    """

    position: NDArray[np.float64]
    normal: NDArray[np.float64]


NO_CURVES = Curves(np.empty(0, np.int64), np.empty((0, 4, 4), np.float32))


def find_curves(
    body: NDArray[np.int64],
    chart: NDArray[np.int64],
    triangles: NDArray[np.float64],
    square: NDArray[np.float64],
    normals: NDArray[np.float64],
    metres: NDArray[np.float64],
) -> tuple[Curves, Corners]:
    """Find the charts that are facets of something curved, and their corners.

    Args:
        body: (T,) which triangles may belong to one curved surface: those of one number.
        chart: (T,) chart of each.
        triangles: (T, 3, 3) metres.
        square: (T, 3, 2) the corners in their chart's light map, 0 to 1.
        normals: (C, 3) of the charts.
        metres: (C, 2) length and width of the charts.
    """
    count = len(normals)
    if count > MOST:
        return NO_CURVES, Corners(np.empty((0, 4, 3)), np.empty((0, 4, 3)))
    corners = triangles.reshape(-1, 3)
    places = np.column_stack([np.repeat(body, 3), np.round(corners * 5000)]).astype(np.int64)
    node = number_rows(places)
    keys, example = np.unique(node * count + np.repeat(chart, 3), return_index=True)
    owner = keys % count
    per_chart = np.bincount(owner, minlength=count)
    total = np.column_stack([np.bincount(owner, corners[example, k], count) for k in range(3)])
    middle = total / np.maximum(per_chart, 1)[:, None]
    normal, offset, bends = _meet(keys // count, owner, normals, middle, corners[example])
    is_curved = np.isin(per_chart, (3, 4)) & (metres.max(axis=1, initial=0) < LARGEST)
    is_curved &= np.bincount(owner, bends, count) > 0
    order = np.argsort(owner, kind="stable")
    first = np.searchsorted(owner[order], np.flatnonzero(is_curved))
    number = per_chart[is_curved]
    picked = order[first[:, None] + np.minimum(np.arange(4), number[:, None] - 1)]
    mix = _mixes(square.reshape(-1, 2)[example[picked]], number).astype(np.float32)
    found = Corners(corners[example[picked]] + offset[picked], normal[picked])
    return Curves(np.flatnonzero(is_curved), mix), found


def number_rows(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a number (N,) for each row (N, K) of integers: the same for the same row.

    Rows are told apart by a hash of 64 bits: sorting those is many times faster than sorting rows.
    """
    factors = np.random.default_rng(0).integers(1, 2**63, rows.shape[1], np.uint64) * 2 + 1
    _, number = np.unique((rows.view(np.uint64) * factors).sum(axis=1), return_inverse=True)
    return number.ravel().astype(np.int64)


def interpolate(curves: Curves, first: NDArray[np.int32], light: NDArray[np.float32]) -> None:
    """Turn the light at corners into light maps, in place; light (L, ...), first as in Charts."""
    slots = first[curves.chart][:, None] + np.arange(4)
    flat = light.reshape(len(light), -1)
    flat[slots] = np.maximum(curves.mix @ flat[slots], 0)


def _mixes(square: NDArray[np.float64], number: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the matrices (M, 4, 4) for charts with 3 or 4 corners at (s, t) (M, 4, 2)."""
    s, t = square[..., 0], square[..., 1]
    bilinear = np.stack([(1 - s) * (1 - t), s * (1 - t), (1 - s) * t, s * t], axis=2)
    plane = np.stack([np.ones_like(s), s, t], axis=2)
    ends = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1]], float)
    mix = np.zeros((len(s), 4, 4))
    three = number == 3
    mix[three, :, :3] = 1 / 3
    mix[~three] = 1 / 4
    det = np.linalg.det(plane[:, :3]) if len(s) else np.empty(0)
    span = three & (np.abs(det) > _WEAK)
    mix[span, :, :3] = ends @ np.linalg.inv(plane[span, :3])
    det = np.linalg.det(bilinear) if len(s) else np.empty(0)
    whole = ~three & (np.abs(det) > _WEAK)
    mix[whole] = np.linalg.inv(bilinear[whole])
    return mix


# Layout: P pairs of a node and a chart that has it, sorted by node; normals, middles (C, 3).
@kernel
def _meet(node, chart, normals, middles, corners):
    """Return the mean normal (P, 3) about each corner of a chart, its inset (P, 3), and whether
    the surface bends there."""
    normal, offset = np.zeros((len(node), 3)), np.zeros((len(node), 3))
    bends = np.zeros(len(node), np.bool_)
    start = 0
    while start < len(node):
        stop = start + 1
        while stop < len(node) and node[stop] == node[start]:
            stop += 1
        for p in range(start, stop):
            own = normals[chart[p]]
            met = 0
            for q in range(start, stop):
                other = normals[chart[q]]
                cosine = own[0] * other[0] + own[1] * other[1] + own[2] * other[2]
                if cosine > BLUNT:
                    met += 1
                    bends[p] |= cosine < _FLAT
                    for a in range(3):
                        normal[p, a] += other[a]
                        offset[p, a] += middles[chart[q], a]
            _settle(normal[p], offset[p], corners[p], met)
        start = stop
    return normal, offset, bends


@inner
def _settle(normal, offset, corner, met):
    """Norm a sum of normals; turn a sum of middles into a step along the surface towards them."""
    length = np.sqrt(normal[0] ** 2 + normal[1] ** 2 + normal[2] ** 2)
    along = 0.0
    for a in range(3):
        normal[a] /= length
        offset[a] = offset[a] / met - corner[a]
        along += offset[a] * normal[a]
    step = 0.0
    for a in range(3):
        offset[a] -= along * normal[a]
        step += offset[a] ** 2
    step = np.sqrt(step)
    scale = min(0.25, _INSET / max(step, 1e-9))
    for a in range(3):
        offset[a] *= scale
