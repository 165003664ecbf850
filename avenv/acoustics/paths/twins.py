"""Thin solids: which two edges are the sides of one narrow face, as those of a wall's end are."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.acoustics.paths.edges import Edges
from avenv.acoustics.paths.sides import APART, TURNED
from avenv.core.kernels import borrowing, inlined

THICKEST = 0.6
"""Metres between the two edges of a thin solid, at most, for waves to feel both at once."""


class Twins(NamedTuple):
    """Of E edges, which have a twin: the other side of a face so narrow that waves feel both.

    Attributes:
        edge: (E,) int32 the twin, -1 if there is none.
        face: (E,) int8 the narrow face between them, 0 or 1 of this edge.
        thickness: (E,) float64 metres between them.
    """

    edge: NDArray[np.int32]
    face: NDArray[np.int8]
    thickness: NDArray[np.float64]


def find_twins(edges: Edges) -> Twins:
    """Return which edges are the two sides of one narrow face, as those of a wall's end are.

    The wide faces beside it must open by no more than a sheet's, and each be half as wide again as
    the narrow one.
    """
    number = len(edges.length)
    turn = np.pi * edges.opening[:, None]
    # of either face: the direction in it, away from the edge, and its normal, into the air
    within = np.stack([edges.face, np.cos(turn) * edges.face + np.sin(turn) * edges.normal], 1)
    normal = np.stack([edges.normal, np.sin(turn) * edges.face - np.cos(turn) * edges.normal], 1)
    nearest, width = np.full((number, 2), -1), np.full((number, 2), np.inf)
    beside, apart = np.empty(number, np.int64), np.empty(number)
    for e in range(number):
        begin, ahead = (edges.start - edges.start[e]) @ edges.along[e], edges.along @ edges.along[e]
        some = _find_beside(edges, e, begin, ahead, beside, apart)
        order = beside[:some][np.argsort(apart[:some])]
        _find_ends(edges, e, order, begin, within, normal, nearest[e], width[e])
    each = np.arange(number)
    narrow = width.argmin(axis=1)
    other, thickness = nearest[each, narrow], width[each, narrow]
    is_thin = (
        (other >= 0) & (thickness < np.minimum(THICKEST, width[each, 1 - narrow] / 1.5))
        & (nearest[other, narrow[other]] == each)
        & (edges.opening + edges.opening[other] < 3 + TURNED * 10)
    )  # fmt: skip
    return Twins(
        edge=np.where(is_thin & is_thin[other], other, -1).astype(np.int32),
        face=np.where(is_thin, narrow, 0).astype(np.int8),
        thickness=np.where(is_thin, thickness, 0.0),
    )


@borrowing
def _find_beside(edges, e, begin, ahead, beside, apart):
    """List edges that run beside edge e along half of it or of themselves; return how many.

    ``begin`` and ``ahead`` (E,) say where along e each begins, and how it is turned to it. To
    beside (E,) and apart (E,), metres.
    """
    number, length = 0, edges.length[e]
    for other in range(len(begin)):
        if abs(ahead[other]) <= 1 - TURNED**2:
            continue
        x, y, z = _across(edges, e, other, begin[other])
        distance = np.sqrt(x * x + y * y + z * z)
        last = begin[other] + ahead[other] * edges.length[other]
        shared = min(max(begin[other], last), length) - max(min(begin[other], last), 0.0)
        if (
            APART < distance < 2 * THICKEST
            and shared > 0.5 * min(edges.length[other], length)
        ):  # fmt: skip
            beside[number], apart[number] = other, distance
            number += 1
    return number


@borrowing
def _find_ends(edges, e, beside, begin, within, normal, nearest, width):
    """Write the first edge of those beside that each face of edge e ends at, and how far it is.

    ``within`` and ``normal`` (E, 2, 3) are those of the faces. To nearest (2,) and width (2,).
    """
    for other in beside:
        x, y, z = _across(edges, e, other, begin[other])
        apart = np.sqrt(x * x + y * y + z * z)
        x, y, z = x / apart, y / apart, z / apart
        slack = 1 - 1e-4 - APART / apart
        for f in range(2):
            if nearest[f] >= 0 or _along(within[e, f], x, y, z) <= slack:
                continue
            n = normal[e, f]
            for g in range(2):
                is_back = _along(within[other, g], x, y, z) < -slack
                if is_back and _along(normal[other, g], n[0], n[1], n[2]) > 0.999:
                    nearest[f], width[f] = other, apart


@inlined
def _across(edges, e, other, begin):
    """Return the way from edge e to where another begins, square to e."""
    a, b, u = edges.start[e], edges.start[other], edges.along[e]
    return b[0] - a[0] - begin * u[0], b[1] - a[1] - begin * u[1], b[2] - a[2] - begin * u[2]


@inlined
def _along(v, x, y, z):
    return v[0] * x + v[1] * y + v[2] * z
