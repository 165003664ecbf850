"""The edges of a scene that sound bends round: convex corners of solids, free edges of sheets.

They come out of the triangles alone, so door jambs, wall ends, table tops and imported meshes are
all treated alike. The sides of triangles that lie on one straight line are laid over each other, so
it does not matter how surfaces are cut into triangles.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.acoustics.paths.sides import LONG, TURNED, measure_sides
from avenv.core.kernels import borrowing, inner
from avenv.geometry import BVH, segment_is_clear

SHORTEST = LONG
"""Metres below which an edge is too short to be worth following."""
NARROWEST = 0.25
"""Metres that the wider face of an edge needs to bend sound; long waves pass narrower things as if
not there."""
SLIMMEST = 0.03
"""Metres that the wider face of an edge needs to be listed: it may cut mirrored paths off."""

_SHARPEST = np.radians(30)  # a smaller bend of a surface is part of a curve
_SWING = 0.02  # metres from an edge at which the air must be free all round it
_STATION = 0.1  # metres between the places along an edge where that is tested
_LEAST = SHORTEST - 1e-6  # metres, of what is as long as it is rounded
_CHORDS = 6  # of the swing from face to face


class Edges(NamedTuple):
    """E straight edges of wedges whose air opens by more than half a turn.

    Angles round an edge count from face 0 through the air to face 1.

    Attributes:
        start: (E, 3) float64 one end, metres.
        along: (E, 3) float64 unit vector to the other end.
        length: (E,) float64 metres.
        face: (E, 3) float64 unit vector within face 0, square to the edge, away from it.
        normal: (E, 3) float64 unit normal of face 0, into the air.
        opening: (E,) float64 angle of the air over pi: 1.5 at a square corner, 2 for a sheet.
        triangle: (E, 2) int32 a triangle of either face.
        width: (E,) float64 metres of the wider face, or of its triangle.
    """

    start: NDArray[np.float64]
    along: NDArray[np.float64]
    length: NDArray[np.float64]
    face: NDArray[np.float64]
    normal: NDArray[np.float64]
    opening: NDArray[np.float64]
    triangle: NDArray[np.int32]
    width: NDArray[np.float64]


def find_edges(
    triangles: NDArray[np.float32],
    normals: NDArray[np.float32],
    sheet: NDArray[np.bool_],
    bvh: BVH,
) -> Edges:
    """Return the edges of triangles (T, 3, 3) that sound meets; ``bending`` are those it bends at.

    Args:
        triangles: corners, metres.
        normals: (T, 3) unit front normals.
        sheet: (T,) not part of a closed solid.
        bvh: over the triangles.
    """
    sides = measure_sides(triangles)
    along, foot, width = sides.along, sides.foot, sides.width
    order = np.argsort(sides.key, kind="stable")
    key = sides.key[order]
    first = np.flatnonzero(np.diff(key, prepend=key[:1] - 1))
    low, high = sides.low[order], sides.high[order]
    if len(order) == 0:
        return _edges(np.zeros((0, 8)), foot, along, foot)
    length = np.maximum.reduceat(high, first) - np.minimum.reduceat(low, first)
    reach = np.maximum.reduceat(width[order], first)
    # of most lines, nothing is long and wide enough for an edge
    number = np.diff(first, append=len(order))
    lines = (length >= SHORTEST) & (reach >= SLIMMEST)
    kept = np.repeat(lines, number)
    axis, base = along[order[first[lines]]], foot[order[first[lines]]]
    order, number = order[kept], number[lines]
    span = np.column_stack([low[kept], high[kept]])
    across = _unit(np.cross(axis, np.eye(3)[np.abs(axis).argmin(axis=1)]))
    third = np.cross(axis, across)

    which = np.repeat(np.arange(len(number)), number)
    inward, side = sides.inward[order], order // 3
    angle = np.arctan2(_dot(inward, third[which]), _dot(inward, across[which])) % (2 * np.pi)
    facing = np.sign(_dot(np.cross(axis[which], inward), normals[side].astype(np.float64)))
    facing = np.where(sheet[side], 0, facing).astype(np.int64)
    last = np.cumsum(number)
    pieces = np.empty((2 * len(order), 8))
    cuts = span.ravel()[np.lexsort((span.ravel(), np.repeat(which, 2)))]
    bounds = np.column_stack([last - number, last])
    found = _overlay(bounds, cuts, span, angle, facing, width[order], side, pieces)
    return _free(bvh, _edges(pieces[:found], axis, across, base))


def _unit(v: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.linalg.norm(v, axis=1, keepdims=True)
    return np.divide(v, length, out=np.zeros_like(v), where=length > 0)


def _dot(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.einsum("nk,nk->n", a, b)


@borrowing
def _overlay(bounds, cuts, span, angle, facing, width, triangle, pieces):
    """Cut lines where a side begins or ends, and keep the pieces that are edges; return how many.

    ``bounds`` (L, 2) are the sides of each line, and ``cuts`` (2 N,) the ends of all sides, in
    order along each line. A piece (8,) is its line, its ends along it, the angles of its faces, a
    triangle of either and the width of the wider.
    """
    number = 0
    for k in range(len(bounds)):
        first, last = bounds[k]
        for c in range(2 * first, 2 * last - 1):
            if cuts[c + 1] - cuts[c] < 1e-6:
                continue
            middle = (cuts[c] + cuts[c + 1]) / 2
            low, high = _widest_gap(first, last, middle, span, angle, facing)
            if low < 0 or max(width[low], width[high]) < SLIMMEST:
                continue
            before = pieces[number - 1]
            if (
                number > 0 and before[0] == k and cuts[c] - before[2] < 1e-3
                and abs(before[3] - angle[low]) + abs(before[4] - angle[high]) < TURNED
            ):  # fmt: skip
                before[2] = cuts[c + 1]
                before[7] = max(before[7], width[low], width[high])
                continue
            if number == len(pieces):
                break
            piece = pieces[number]
            piece[0], piece[1], piece[2] = k, cuts[c], cuts[c + 1]
            piece[3], piece[4], piece[5], piece[6], piece[7] = (
                angle[low], angle[high], triangle[low], triangle[high],
                max(width[low], width[high]),
            )  # fmt: skip
            number += 1
    return number


@inner
def _widest_gap(first, last, middle, span, angle, facing):
    """Return the sides on which the air round a place opens and ends; -1, -1 if it is no edge."""
    for low in range(first, last):
        if facing[low] < 0 or span[low, 0] > middle or span[low, 1] < middle:
            continue
        gap, high = 2 * np.pi, low
        for other in range(first, last):
            if span[other, 0] <= middle <= span[other, 1]:
                ahead = (angle[other] - angle[low]) % (2 * np.pi)
                if other != low and ahead < gap:
                    gap, high = ahead, other
        ends = facing[high] == 0 if high == low else facing[high] <= 0
        if ends and gap > np.pi + _SHARPEST:
            return low, high
    return -1, -1


def _edges(
    pieces: NDArray[np.float64],
    axis: NDArray[np.float64],
    across: NDArray[np.float64],
    base: NDArray[np.float64],
) -> Edges:
    line = pieces[:, 0].astype(np.int64)
    u, a = axis[line], across[line]
    b = np.cross(u, a)
    cos, sin = np.cos(pieces[:, 3])[:, None], np.sin(pieces[:, 3])[:, None]
    gap = (pieces[:, 4] - pieces[:, 3]) % (2 * np.pi)
    return Edges(
        start=base[line] + u * pieces[:, 1:2],
        along=u,
        length=pieces[:, 2] - pieces[:, 1],
        face=cos * a + sin * b,
        normal=cos * b - sin * a,
        opening=np.where(gap < _SHARPEST, 2 * np.pi, gap) / np.pi,
        triangle=pieces[:, 5:7].astype(np.int32),
        width=pieces[:, 7].copy(),
    )


def _free(bvh: BVH, edges: Edges) -> Edges:
    """Return the runs of edges round which the air is free: nothing leans or stands on them."""
    edges = select(edges, np.flatnonzero(edges.length >= _LEAST))
    stations = np.maximum(np.ceil(edges.length / _STATION).astype(np.int64), 1)
    free = np.zeros((len(stations), int(stations.max(initial=1)) + 2), np.int8)
    _swing(bvh, edges, stations, free[:, 1:])
    change = np.diff(free, axis=1)
    row, first = np.nonzero(change > 0)
    _, last = np.nonzero(change < 0)
    step = edges.length[row] / stations[row]
    long = (last - first) * step >= _LEAST
    some, begin = select(edges, row[long]), (first * step)[long]
    return some._replace(
        start=some.start + some.along * begin[:, None], length=(last * step)[long] - begin
    )


def bending(edges: Edges, number: int) -> NDArray[np.int64]:
    """Return which edges bend sound, in their order: so many of the longest wide ones."""
    wide = np.flatnonzero(edges.width >= NARROWEST)
    return np.sort(wide[np.argsort(-edges.length[wide], kind="stable")[:number]])


def select(edges: Edges, which: NDArray[np.int64]) -> Edges:
    """Return some of the edges."""
    return Edges._make(column[which] for column in edges)


@borrowing
def _swing(bvh, edges, stations, free):
    """Set free (E, S) at the stations along edges where an arc from face to face meets nothing.

    Where so few in a row are free that they do not make up ``SHORTEST``, they may be left out.
    """
    for e in range(len(stations)):
        few = max(int(_LEAST * stations[e] / edges.length[e]), 1)
        for middle in range(few - 1, stations[e], few):
            if free[e, middle] or not _is_free(bvh, edges, e, middle, stations[e]):
                continue
            free[e, middle] = 1
            for way in (-1, 1):
                s = middle + way
                while 0 <= s < stations[e] and not free[e, s]:
                    if not _is_free(bvh, edges, e, s, stations[e]):
                        break
                    free[e, s] = 1
                    s += way


@inner
def _is_free(bvh, edges, e, station, stations):
    """Say whether an arc round an edge, from face to face, meets nothing at a station."""
    along = edges.length[e] * (station + 0.5) / stations
    x, y, z = _swung(edges, e, along, 0.02)
    for c in range(_CHORDS):
        u, v, w = _swung(edges, e, along, 0.02 + 0.96 * (c + 1) / _CHORDS)
        if not segment_is_clear(bvh, x, y, z, u, v, w):
            return False
        x, y, z = u, v, w
    return True


@inner
def _swung(edges, e, along, share):
    """Return the point (x, y, z) near an edge, a share of the way from face to face."""
    angle = np.pi * edges.opening[e] * share
    cos, sin = _SWING * np.cos(angle), _SWING * np.sin(angle)
    start, ahead, face, normal = edges.start[e], edges.along[e], edges.face[e], edges.normal[e]
    return (
        start[0] + along * ahead[0] + cos * face[0] + sin * normal[0],
        start[1] + along * ahead[1] + cos * face[1] + sin * normal[1],
        start[2] + along * ahead[2] + cos * face[2] + sin * normal[2],
    )
