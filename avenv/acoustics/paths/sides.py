"""The sides of triangles, and the straight lines that they lie on."""

from typing import NamedTuple

import numpy as np
from numba import float64
from numpy.typing import NDArray

from avenv.core.kernels import borrowing, inlined
from avenv.geometry import local_array

TURNED = 1.7e-3
"""Radians between lines that count as one."""
APART = 2e-4
"""Metres between parallel lines that count as one."""
LONG = 0.5
"""Metres from which on a side may pass for the diagonal of a narrow face."""

_SLIVER = 0.02  # metres; the diagonal of a face no wider may pass for one of its sides
_MIX = np.array([0x1F123BB5, 0x3C6EF35F, 0x5851F42D, 0x2545F491, 0x27D4EB2F, 0x165667B1])


class Sides(NamedTuple):
    """The N sides of triangles, three of each.

    Attributes:
        along: (N, 3) float64 unit vector along the line that a side lies on.
        foot: (N, 3) float64 where that is nearest to the origin, metres.
        inward: (N, 3) float64 from the side to the opposite corner, square to it, metres.
        width: (N,) float64 how far that is.
        low, high: (N,) float64 where along the line the side begins and ends.
        key: (N,) int64 the same for all sides on one line; 0 for those that are no sides of a
            face: diagonals, and sides of triangles without area.
        narrow: (N,) bool, whether it may be a diagonal of a narrow face.
    """

    along: NDArray[np.float64]
    foot: NDArray[np.float64]
    inward: NDArray[np.float64]
    width: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    key: NDArray[np.int64]
    narrow: NDArray[np.bool_]


def measure_sides(triangles: NDArray[np.float32]) -> Sides:
    """Return the sides of triangles (T, 3, 3), those from corner k to the next at 3 t + k."""
    number = 3 * len(triangles)
    along, foot, inward = (np.empty((number, 3)) for _ in range(3))
    width, low, high = (np.empty(number) for _ in range(3))
    key, narrow = np.empty(number, np.int64), np.empty(number, np.bool_)
    sides = Sides(along, foot, inward, width, low, high, key, narrow)
    _measure(triangles, sides)
    key[(width < 1e-9) | _diagonals(triangles, sides)] = 0
    return sides


@borrowing
def _measure(triangles, sides):
    """Fill the sides of triangles (T, 3, 3)."""
    begin, end, apex = local_array(float64, 3), local_array(float64, 3), local_array(float64, 3)
    for n in range(len(sides.key)):
        corners, k = triangles[n // 3], n % 3
        for a in range(3):
            begin[a] = corners[k, a]
            end[a] = corners[(k + 1) % 3, a]
            apex[a] = corners[(k + 2) % 3, a]
        along, foot, inward = sides.along[n], sides.foot[n], sides.inward[n]
        for a in range(3):
            along[a], inward[a] = end[a] - begin[a], apex[a] - begin[a]
        length = _length(along)
        leading = -1
        for a in range(3):
            along[a] = along[a] / length if length > 0 else 0.0
            if leading < 0 and abs(along[a]) > 0.01:
                leading = a
        sign = -1.0 if along[max(leading, 0)] < 0 else 1.0
        for a in range(3):
            along[a] *= sign
        start, aside = _product(begin, along), _product(inward, along)
        key = np.int64(0)
        for a in range(3):
            foot[a] = begin[a] - along[a] * start
            inward[a] -= along[a] * aside
            key += np.int64(np.rint(along[a] / TURNED)) * _MIX[a]
            key += np.int64(np.rint(foot[a] / APART)) * _MIX[3 + a]
        stop = _product(end, along)
        sides.width[n], sides.key[n] = _length(inward), key
        sides.low[n], sides.high[n] = min(start, stop), max(start, stop)
        sides.narrow[n] = sides.width[n] < _SLIVER and length > LONG


@inlined
def _length(v):
    return np.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])


@inlined
def _product(a, b):
    return a[0] * b[0] + a[2] * b[2] + a[1] * b[1]  # in the order of NumPy's einsum


def _diagonals(triangles: NDArray[np.float32], sides: Sides) -> NDArray[np.bool_]:
    """Say which sides (N,) part two triangles of one narrow flat face, and are no edge."""
    narrow = np.flatnonzero(sides.narrow)
    triangle, corner = np.divmod(narrow, 3)
    points = (triangles[triangle, (corner + k) % 3].astype(np.float64) for k in range(2))
    ends = np.sort([np.round(p / APART).astype(np.int64) @ _MIX[:3] for p in points], axis=0)
    order = np.lexsort(ends)
    same = (np.diff(ends[:, order], axis=1) == 0).all(axis=0)
    a, b = narrow[order[:-1][same]], narrow[order[1:][same]]
    beside = np.einsum("nk,nk->n", sides.inward[a], sides.inward[b])
    flat = beside < -0.999 * sides.width[a] * sides.width[b]
    found = np.zeros(len(sides.key), np.bool_)
    found[a[flat]] = found[b[flat]] = True
    return found
