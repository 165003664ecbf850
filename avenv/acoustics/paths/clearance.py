"""Mirrored paths fade where an edge comes into their Fresnel zone, and so never end at once.

Of a path that just clears an edge, a door jamb or the end of its mirror, the first Fresnel zone is
partly cut away, and its sound is the weaker, the longer the wave. A path that an edge is about to
cut has faded to nothing before. The exception is the end of a single mirror: there the source's own
sound bends round the edge, and that makes up for it (``wedge_gain``).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.acoustics.air import SPEED_OF_SOUND
from avenv.acoustics.paths.edges import Edges
from avenv.acoustics.paths.wedges import angle_round, beside, distance, ease, share_apart
from avenv.core.bands import OCTAVE_CENTRES
from avenv.core.kernels import borrowing, inlined, inner
from avenv.geometry import segment_is_clear

REACH = 0.25
"""Metres from an edge within which paths fade, at most."""
MAX_NEAR = 16
"""Edges that one path fades at: the first along its way."""

_ZONE = 0.5  # of the radius of the first Fresnel zone: a path that clears it is whole
_CELL = 0.5  # metres
_MOST_CELLS = 2**20
_IN_PLANE = 1e-3  # metres
_NO_EDGES = np.zeros(0, np.int32)
_FREE = 0.1  # radians by which two sheets that meet at an edge are not one
_TIE = 1e-9  # metres from a mirror within which a place is on it
_WAVELENGTHS = tuple(SPEED_OF_SOUND / f for f in OCTAVE_CENTRES)
# Columns of the scratch table of edges that a path is near to: metres of the air between, those of
# the thing that the edge is of, the square of a Fresnel zone's radius over the wavelength, and, if
# the path is mirrored in the narrow face of a thin solid, the metres between its edges, else 0.
_CLEAR, _WIDTH, _ZONE_SQUARED, _THIN, NEAR_COLUMNS = range(5)


class EdgeGrid(NamedTuple):
    """Cubes of space, and the edges within ``REACH`` of each.

    Attributes:
        low: (3,) float64 the lowest corner, metres.
        width: (1,) float64 of a cube, metres.
        shape: (3,) int64 cubes along x, y and z.
        first: (C + 1,) int64 where the edges of a cube begin in the list.
        edge: (N,) int32 the list.
        edges: all that are listed, E of them.
        lines: (E, 8) float64, one by one, what most of them are judged by: ``start``, ``along``,
            ``length``, and ``width`` or ``REACH``, the lesser.
        bends: (E,) int32 their numbers among the edges that bend sound, -1 if they are narrow.
    """

    low: NDArray[np.float64]
    width: NDArray[np.float64]
    shape: NDArray[np.int64]
    first: NDArray[np.int64]
    edge: NDArray[np.int32]
    edges: Edges
    lines: NDArray[np.float64]
    bends: NDArray[np.int32]


def grid_edges(edges: Edges, bending: NDArray[np.int64]) -> EdgeGrid:
    """Return the cubes that edges are near to; those numbered ``bending`` bend sound."""
    ends = np.concatenate([edges.start, edges.start + edges.along * edges.length[:, None]])
    low = ends.min(axis=0) - REACH if len(ends) else np.zeros(3)
    size = ends.max(axis=0) + REACH - low if len(ends) else np.zeros(3)
    width = max(_CELL, float(np.cbrt(np.prod(size) / _MOST_CELLS)))
    shape = np.floor(size / width).astype(np.int64) + 1
    cubes = int(shape.prod())
    number, latest = np.zeros(cubes + 1, np.int64), np.full(cubes, -1, np.int32)
    _list_near(edges, low, width, shape, number[1:], latest, np.zeros(0, np.int64), _NO_EDGES)
    first = np.cumsum(number)
    listed = np.empty(first[-1], np.int32)
    number[:], latest[:] = 0, -1
    _list_near(edges, low, width, shape, number[1:], latest, first, listed)
    bends = np.full(len(edges.length), -1, np.int32)
    bends[bending] = np.arange(len(bending), dtype=np.int32)
    lines = [edges.start, edges.along, edges.length, np.minimum(edges.width, REACH)]
    return EdgeGrid(
        low, np.array([width]), shape, first, listed, edges, np.column_stack(lines), bends
    )


@borrowing
def _list_near(edges, low, width, shape, number, latest, first, listed):
    """Count the edges that cubes are near to: number (C,); list them from ``first`` (C + 1,) on.

    Nothing is listed where ``listed`` is empty. ``latest`` (C,) is the last edge of each, -1.
    """
    reach = (REACH + width / 8) ** 2
    for e in range(len(edges.length)):
        # places on the edge, a quarter of a cube apart, and the cubes round them
        places = max(int(np.ceil(4 * edges.length[e] / width)), 1)
        for place in range(places):
            along = edges.length[e] * (place + 0.5) / places
            x = edges.start[e, 0] + edges.along[e, 0] * along - low[0]
            y = edges.start[e, 1] + edges.along[e, 1] * along - low[1]
            z = edges.start[e, 2] + edges.along[e, 2] * along - low[2]
            for i in _beside(x, width, shape[0]):
                for j in _beside(y, width, shape[1]):
                    for k in _beside(z, width, shape[2]):
                        u, v, w = _beyond(x, i, width), _beyond(y, j, width), _beyond(z, k, width)
                        cube = (i * shape[1] + j) * shape[2] + k
                        if latest[cube] == e or u * u + v * v + w * w > reach:
                            continue
                        if len(listed):
                            listed[first[cube] + number[cube]] = e
                        number[cube] += 1
                        latest[cube] = e


@inlined
def _beside(x, width, cubes):
    """Return the range of the cubes along an axis that are next to a place, or hold it."""
    here = int(np.floor(x / width))
    return range(max(here - 1, 0), min(here + 2, cubes))


@inlined
def _beyond(x, cube, width):
    """Return how far a place is from a cube, along an axis."""
    return max(cube * width - x, x - (cube + 1) * width, 0.0)


@inner
def fade_past_edges(scene, tree, image, points, length, near, which, passed, gain):
    """Weaken the octave gains (B,) of an image's path for the edges in its way's Fresnel zones.

    ``points`` are those of the path, from the listener, and ``length`` its metres. Scratch:
    ``near`` (MAX_NEAR, NEAR_COLUMNS), ``which`` (MAX_NEAR,) int32, and ``passed`` (E,) int64, zeros
    for the first of a listener's paths.
    """
    number, way, n, before = np.int64(0), 0.0, 0, np.int64(-1)
    order = tree.order[image]
    leg = image * (order + 1)  # no other path's legs have this number, or one of those after it
    while True:
        after = tree.mirror[image] if image > 0 else np.int64(-1)
        leg += 1
        number = _gather(
            scene, points[n], points[n + 1], before, after, order, way, length, near, which,
            passed, leg, number,
        )  # fmt: skip
        if image == 0:
            break
        way += distance(points[n], points[n + 1])
        n, before, image = n + 1, after, tree.parent[image]
    for i in range(number):
        for b in range(len(gain)):
            if near[i, _THIN] > 0:
                gain[b] *= share_apart(2 * np.pi / _WAVELENGTHS[b] * near[i, _THIN])
            else:
                zone = _ZONE * np.sqrt(_WAVELENGTHS[b] * near[i, _ZONE_SQUARED])
                gain[b] *= ease(near[i, _CLEAR] / max(min(zone, near[i, _WIDTH]), 1e-9))


@inner
def _gather(
    scene, a, b, before, after, order, way, length, near, which, passed, leg, number
):  # fmt: skip
    """Note the edges near the leg from a to b, between two mirrors (-1: none); return how many.

    ``way`` is how far along the path a is. An edge that is near several legs is noted once; one
    that is near several cubes of the same is looked at once: ``passed`` says at which leg it was.
    """
    grid = scene.near_edges
    width = grid.width[0]
    nx, ny, nz = grid.shape[0], grid.shape[1], grid.shape[2]
    x, y, z = (
        (a[0] - grid.low[0]) / width,
        (a[1] - grid.low[1]) / width,
        (a[2] - grid.low[2]) / width,
    )
    u, v, w = (b[0] - a[0]) / width, (b[1] - a[1]) / width, (b[2] - a[2]) / width
    i, j, k = np.int64(np.floor(x)), np.int64(np.floor(y)), np.int64(np.floor(z))
    # the shares of the leg at which it next crosses into another cube, and from cube to cube
    next_x, each_x = _crossings(x, u)
    next_y, each_y = _crossings(y, v)
    next_z, each_z = _crossings(z, w)
    while True:
        if 0 <= i < nx and 0 <= j < ny and 0 <= k < nz:
            cube = (i * ny + j) * nz + k
            for place in range(grid.first[cube], grid.first[cube + 1]):
                e = grid.edge[place]
                if passed[e] == leg:
                    continue
                passed[e] = leg
                line = grid.lines[e]
                if _lines_are_apart(line, a, b):
                    continue
                s, t, clear = _closest(line, a, b)
                if clear >= line[7]:
                    continue
                along = way + s * distance(a, b)
                zone_squared = max(along * (length - along) / length, 0.0)
                # most edges end here: to hand a whole scene on to a function takes longer
                if clear < _ZONE * np.sqrt(_WAVELENGTHS[0] * zone_squared):
                    number = _note(
                        scene, e, a, b, before, after, order, s, t, clear, zone_squared, near,
                        which, number,
                    )  # fmt: skip
        if min(next_x, next_y, next_z) >= 1:
            return number
        if next_x <= next_y and next_x <= next_z:
            i += 1 if u > 0 else -1
            next_x += each_x
        elif next_y <= next_z:
            j += 1 if v > 0 else -1
            next_y += each_y
        else:
            k += 1 if w > 0 else -1
            next_z += each_z


@inner
def _crossings(x, u):
    """Return when x + t u first is a whole number, and the time from one to the next."""
    if abs(u) < 1e-12:
        return 2.0, 2.0
    ahead = np.floor(x) + 1 - x if u > 0 else x - np.floor(x)
    return ahead / abs(u), 1 / abs(u)


@inner
def _note(
    scene, e, a, b, before, after, order, s, t, clear, zone_squared, near, which, number
):  # fmt: skip
    """Note an edge that the leg from a to b may pass; return how many there are then.

    They are closest ``s`` of the leg from a and ``t`` metres along the edge, ``clear`` metres
    apart.
    """
    edges = scene.near_edges.edges
    slot = number
    for i in range(number):
        if which[i] == e:
            if near[i, _CLEAR] <= clear:
                return number
            slot = i
    if slot == MAX_NEAR:
        return number
    if scene.sheet[edges.triangle[e, 0]] and _is_behind(scene, e, a, b, s, clear, before, after):
        return number
    x, y, z = beside(edges, e, t)
    height = min(_height(scene, before, b, x, y, z), _height(scene, after, a, x, y, z))
    if height < -_IN_PLANE:  # behind a mirror
        return number
    thin = 0.0
    bend = scene.near_edges.bends[e]
    if order == 1 and height < _IN_PLANE and bend >= 0 and _ends(scene, bend, max(before, after)):
        # the source's own sound, bent round this edge, ends the mirror; but a strip is no mirror
        twin = scene.twins.edge[bend]
        narrow = edges.triangle[e, scene.twins.face[bend]]
        if twin < bend or scene.mirror[narrow] != max(before, after):
            return number
        thin = scene.twins.thickness[bend]
    else:
        place = _along(a, b, s)
        if not segment_is_clear(scene.bvh, place[0], place[1], place[2], x, y, z):
            return number
    which[slot] = e
    near[slot, _CLEAR], near[slot, _WIDTH] = clear, scene.near_edges.lines[e, 7]
    near[slot, _ZONE_SQUARED], near[slot, _THIN] = zone_squared, thin
    return max(number, slot + 1)


@inner
def _is_behind(scene, e, a, b, s, clear, before, after):
    """Say whether a leg passes through the corner behind an edge of sheets, where it is no edge.

    In a mirror that a sheet is in, its other end tells; elsewhere a place beside the nearest does.
    """
    edges = scene.near_edges.edges
    opening = np.pi * edges.opening[e]
    if opening > 2 * np.pi - _FREE:
        return False
    for k in range(2):
        mirror = scene.mirror[edges.triangle[e, k]]
        if mirror < 0 or before != mirror != after:
            continue
        end, plane, above = b if mirror == before else a, scene.planes[mirror], 0.0
        for c in range(3):
            into_air = edges.normal[e, c]
            if k == 1:
                into_air = np.sin(opening) * edges.face[e, c] - np.cos(opening) * into_air
            above += into_air * plane[c]
        height = end[0] * plane[0] + end[1] * plane[1] + end[2] * plane[2] - plane[3]
        return height * above < _TIE
    aside = min(max(0.1 * clear, _IN_PLANE) / distance(a, b), 0.5)
    return angle_round(edges, e, _along(a, b, s + aside if s < 0.5 else s - aside)) < 0


@inlined
def _along(a, b, share):
    """Return the point (x, y, z) at a share of the way from a to b."""
    return (
        a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]), a[2] + share * (b[2] - a[2])
    )  # fmt: skip


@inner
def _ends(scene, bend, mirror):
    """Say whether a face of an edge that bends sound lies in a mirror."""
    first, second = scene.edges.triangle[bend, 0], scene.edges.triangle[bend, 1]
    return scene.mirror[first] == mirror or scene.mirror[second] == mirror


@inner
def _height(scene, mirror, inside, x, y, z):
    """Return how far a point is off a mirror, on the side where ``inside`` is; 1 if -1."""
    if mirror < 0:
        return 1.0
    plane = scene.planes[mirror]
    side = inside[0] * plane[0] + inside[1] * plane[1] + inside[2] * plane[2] - plane[3]
    height = x * plane[0] + y * plane[1] + z * plane[2] - plane[3]
    return height if side > 0 else -height


@inlined
def _lines_are_apart(line, a, b):
    """Say whether the lines that a leg and an edge are on are too far apart, which is soon seen."""
    x, y, z = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    n0, n1, n2 = y * line[5] - z * line[4], z * line[3] - x * line[5], x * line[4] - y * line[3]
    height = (a[0] - line[0]) * n0 + (a[1] - line[1]) * n1 + (a[2] - line[2]) * n2
    return height * height > line[7] * line[7] * (n0 * n0 + n1 * n1 + n2 * n2)


@inlined
def _closest(line, a, b):
    """Return where a leg and an edge are closest: share of the leg, metres of the edge, and apart.

    ``line`` is a row of ``EdgeGrid.lines``. Ericson, "Real-Time Collision Detection" (2005), 5.1.9.
    """
    length = line[6]
    uu, uv, uw, vw = 0.0, 0.0, 0.0, 0.0
    for c in range(3):
        d, v, w = b[c] - a[c], line[3 + c], a[c] - line[c]
        uu += d * d
        uv += d * v
        uw += d * w
        vw += v * w
    apart = uu - uv * uv
    s = min(max((uv * vw - uw) / apart, 0.0), 1.0) if apart > 1e-12 else 0.5
    t = s * uv + vw
    if t < 0 or t > length:
        t = min(max(t, 0.0), length)
        s = min(max((t * uv - uw) / max(uu, 1e-12), 0.0), 1.0)
    square = 0.0
    for c in range(3):
        d = a[c] + s * (b[c] - a[c]) - line[c] - t * line[3 + c]
        square += d * d
    return s, t, np.sqrt(square)
