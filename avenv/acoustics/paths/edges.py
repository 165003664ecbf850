"""The edges of a scene that sound bends round: convex corners of solids, free edges of sheets.

They come out of the triangles alone, so door jambs, wall ends, table tops and imported meshes are
all treated alike. The sides of triangles that lie on one straight line are laid over each other, so
it does not matter how surfaces are cut into triangles.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core.kernels import borrowing, inlined, inner
from avenv.geometry import BVH, segment_is_clear

SHORTEST = 0.5
"""Metres below which an edge is too short to be worth following."""
NARROWEST = 0.25
"""Metres that the wider face of an edge needs to bend sound; long waves pass narrower things as if
not there."""
SLIMMEST = 0.03
"""Metres that the wider face of an edge needs to be listed: it may cut mirrored paths off."""

THICKEST = 0.6
"""Metres between the two edges of a thin solid, at most, for waves to feel both at once."""

_SHARPEST = np.radians(30)  # a smaller bend of a surface is part of a curve
_TOLERANCE = 1.7e-3  # radians between lines, and between surfaces
_APART = 2e-4  # metres between parallel lines
_SLIVER = 0.02  # metres; the diagonal of a face no wider may pass for one of its sides
_SWING = 0.02  # metres from an edge at which the air must be free all round it
_STATION = 0.1  # metres between the places along an edge where that is tested
_LEAST = SHORTEST - 1e-6  # metres, of what is as long as it is rounded
_CHORDS = 6  # of the swing from face to face
_MIX = np.array([0x1F123BB5, 0x3C6EF35F, 0x5851F42D, 0x2545F491, 0x27D4EB2F, 0x165667B1])


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
    corners = triangles.astype(np.float64)
    begin, end = corners.reshape(-1, 3), np.roll(corners, -1, axis=1).reshape(-1, 3)
    apex, triangle = np.roll(corners, 1, axis=1).reshape(-1, 3), np.arange(len(begin)) // 3
    along = _unit(end - begin)
    along *= _sign(along)[:, None]
    foot = begin - along * _dot(begin, along)[:, None]
    inward = apex - begin
    inward -= along * _dot(inward, along)[:, None]
    width = np.linalg.norm(inward, axis=1)

    rounded = np.column_stack([along / _TOLERANCE, foot / _APART])
    key = np.round(rounded).astype(np.int64) @ _MIX
    key[(width < 1e-9) | _diagonals(begin, end, inward, width)] = 0  # and triangles without area
    order = np.argsort(key, kind="stable")
    first = np.flatnonzero(np.diff(key[order], prepend=key.min(initial=0) - 1))
    from_to = _dot(begin, along), _dot(end, along)
    low, high = np.minimum(*from_to)[order], np.maximum(*from_to)[order]
    if len(order) == 0:
        return _edges(np.zeros((0, 8)), foot, along, foot)
    length = np.maximum.reduceat(high, first) - np.minimum.reduceat(low, first)
    reach = np.maximum.reduceat(width[order], first)
    # of most lines, nothing is long and wide enough for an edge
    sides = np.diff(first, append=len(order))
    lines = (length >= SHORTEST) & (reach >= SLIMMEST)
    kept = np.repeat(lines, sides)
    axis, base = along[order[first[lines]]], foot[order[first[lines]]]
    order, sides = order[kept], sides[lines]
    span = np.column_stack([low[kept], high[kept]])
    across = _unit(np.cross(axis, np.eye(3)[np.abs(axis).argmin(axis=1)]))
    third = np.cross(axis, across)

    which = np.repeat(np.arange(len(sides)), sides)
    inward, side = inward[order], triangle[order]
    angle = np.arctan2(_dot(inward, third[which]), _dot(inward, across[which])) % (2 * np.pi)
    facing = np.sign(_dot(np.cross(axis[which], inward), normals[side].astype(np.float64)))
    facing = np.where(sheet[side], 0, facing).astype(np.int64)
    last = np.cumsum(sides)
    pieces = np.empty((2 * len(order), 8))
    cuts = span.ravel()[np.lexsort((span.ravel(), np.repeat(which, 2)))]
    number = _overlay(
        np.column_stack([last - sides, last]), cuts, span, angle, facing, width[order], side, pieces
    )
    return _free(bvh, _edges(pieces[:number], axis, across, base))


def _diagonals(
    begin: NDArray[np.float64],
    end: NDArray[np.float64],
    inward: NDArray[np.float64],
    width: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Say which sides (N,) part two triangles of one narrow flat face, and are no edge."""
    narrow = np.flatnonzero((width < _SLIVER) & (((end - begin) ** 2).sum(axis=1) > SHORTEST**2))
    ends = np.sort([np.round(p[narrow] / _APART).astype(np.int64) @ _MIX[:3] for p in (begin, end)],
                   axis=0)  # fmt: skip
    order = np.lexsort(ends)
    same = (np.diff(ends[:, order], axis=1) == 0).all(axis=0)
    a, b = narrow[order[:-1][same]], narrow[order[1:][same]]
    flat = _dot(inward[a], inward[b]) < -0.999 * width[a] * width[b]
    found = np.zeros(len(begin), np.bool_)
    found[a[flat]] = found[b[flat]] = True
    return found


def _unit(v: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.linalg.norm(v, axis=1, keepdims=True)
    return np.divide(v, length, out=np.zeros_like(v), where=length > 0)


def _dot(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.einsum("nk,nk->n", a, b)


def _sign(along: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the signs (N,) that make the first component that is not about zero positive."""
    clear = np.abs(along) > 0.01
    leading = np.take_along_axis(along, clear.argmax(axis=1)[:, None], axis=1)[:, 0]
    return np.where(leading < 0, -1.0, 1.0)


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
                and abs(before[3] - angle[low]) + abs(before[4] - angle[high]) < _TOLERANCE
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
        & (edges.opening + edges.opening[other] < 3 + _TOLERANCE * 10)
    )  # fmt: skip
    return Twins(
        edge=np.where(is_thin & is_thin[other], other, -1).astype(np.int32),
        face=np.where(is_thin, narrow, 0).astype(np.int8),
        thickness=np.where(is_thin, thickness, 0.0),
    )


def bending(edges: Edges, number: int) -> NDArray[np.int64]:
    """Return which edges bend sound, in their order: so many of the longest wide ones."""
    wide = np.flatnonzero(edges.width >= NARROWEST)
    return np.sort(wide[np.argsort(-edges.length[wide], kind="stable")[:number]])


def select(edges: Edges, which: NDArray[np.int64]) -> Edges:
    """Return some of the edges."""
    return Edges._make(column[which] for column in edges)


@borrowing
def _find_beside(edges, e, begin, ahead, beside, apart):
    """List edges that run beside edge e along half of it or of themselves; return how many.

    ``begin`` and ``ahead`` (E,) say where along e each begins, and how it is turned to it. To
    beside (E,) and apart (E,), metres.
    """
    number, length = 0, edges.length[e]
    for other in range(len(begin)):
        if abs(ahead[other]) <= 1 - _TOLERANCE**2:
            continue
        x, y, z = _across(edges, e, other, begin[other])
        distance = np.sqrt(x * x + y * y + z * z)
        last = begin[other] + ahead[other] * edges.length[other]
        shared = min(max(begin[other], last), length) - max(min(begin[other], last), 0.0)
        if (
            _APART < distance < 2 * THICKEST
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
        slack = 1 - 1e-4 - _APART / apart
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


@borrowing
def _swing(bvh, edges, stations, free):
    """Set free (E, S) at the stations along edges where an arc from face to face meets nothing.

    Where so few in a row are free that they do not make up ``SHORTEST``, they may be left out.
    """
    for e in range(len(stations)):
        few = max(np.int64(_LEAST * stations[e] / edges.length[e]), 1)
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
