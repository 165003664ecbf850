"""What a body can touch: the thing before it that is nearest to its hands.

A thing is in reach if a point of its surface lies within ``REACH`` metres of the body's axis, which
is a vertical line, and within ``SIDE`` of straight ahead, and nothing stands between that point and
the body's eyes. Of several such things it is the one whose point is nearest to the hands.
"""

from collections.abc import Collection
from math import cos, hypot, inf, sin, sqrt
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.core import parallel
from avenv.core.kernels import inner, kernel
from avenv.geometry.queries import segment_is_clear
from avenv.scene import CompiledScene
from avenv.simulation.body import Body
from avenv.simulation.world import World

REACH = 1.0
"""Metres from the axis of a body to what it can touch, at most."""

SIDE = np.deg2rad(30)
"""Radians to either side of straight ahead within which a body can touch things."""

_FINEST = 0.25
"""Metres: triangles with longer sides are cut up, of whose pieces one may be in sight alone."""

_BUILT = ("floor", "ceiling", "wall", "window", "frame", "skirting", "sky")
"""Kinds of objects that are no things."""


_known: "WeakKeyDictionary[CompiledScene, dict]" = WeakKeyDictionary()


class Touch(NamedTuple):
    """What N bodies would touch.

    Attributes:
        thing: (N,) int64 rows of their scenes' objects, -1 where nothing is in reach.
        point: (N, 3) float64 where on it, world metres; the bodies' places where nothing is.
    """

    thing: NDArray[np.int64]
    point: NDArray[np.float64]


class _Surfaces(NamedTuple):
    """The things of a scene as the kernel takes them: thing k has triangles first[k]:first[k + 1].

    ``row`` (K,) is its row of the scene's objects, ``low`` and ``high`` (K, 2) its extents.
    """

    row: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    first: NDArray[np.int64]
    triangles: NDArray[np.float64]


def in_reach(
    world: World,
    body: Body,
    positions: ArrayLike,
    headings: ArrayLike,
    things: Collection[str] | None = None,
) -> Touch:
    """Return what bodies would touch that stand somewhere in a world.

    Args:
        world: where they all are.
        body: what they are like.
        positions: (N, 2) world metres.
        headings: (N,) radians.
        things: names of what they are after; by default all but what the place is built of. What
            somebody holds is never in reach.
    """
    place = np.ascontiguousarray(positions, np.float64).reshape(-1, 2)
    heading = np.ascontiguousarray(headings, np.float64).reshape(-1)
    wanted = None if things is None else tuple(sorted(things))
    surfaces = _surfaces(world.compiled, wanted)
    touch = Touch(np.empty(len(place), np.int64), np.empty((len(place), 3)))
    level = world.level_for(body)
    eye, hands = level + body.eye_height, np.add(body.hands, (0.0, 0.0, level))
    jobs = [
        (world.compiled.bvh, surfaces, place[s], heading[s], eye, hands, *(x[s] for x in touch))
        for s in (slice(k, k + 64) for k in range(0, len(place), 64))
    ]
    parallel.run(_touch, jobs)
    return touch


def _surfaces(compiled: CompiledScene, things: tuple[str, ...] | None) -> _Surfaces:
    known = _known.setdefault(compiled, {})
    if things not in known:
        known[things] = _cut_up(compiled, things)
    return known[things]


def _cut_up(compiled: CompiledScene, things: tuple[str, ...] | None) -> _Surfaces:
    gone = set(compiled.held)
    rows = [
        k
        for k, thing in enumerate(compiled.objects)
        if k not in gone and (thing.kind not in _BUILT if things is None else thing.name in things)
    ]
    solid = np.flatnonzero(compiled.has_area & np.isin(compiled.object, rows))
    order = solid[np.argsort(compiled.object[solid], kind="stable")]
    pieces, owner = _cut(compiled.triangles[order].astype(np.float64), compiled.object[order])
    row, first = np.unique(owner, return_index=True)
    low, high = np.zeros((2, 0, 2))
    if len(row):
        low = np.minimum.reduceat(pieces[:, :, :2].min(axis=1), first)
        high = np.maximum.reduceat(pieces[:, :, :2].max(axis=1), first)
    first = np.append(first, len(pieces)).astype(np.int64)
    return _Surfaces(row.astype(np.int64), low, high, first, pieces)


def _cut(
    triangles: NDArray[np.float64], owner: NDArray[np.integer]
) -> tuple[NDArray[np.float64], NDArray[np.integer]]:
    """Halve the longest sides of triangles until none is longer than ``_FINEST``."""
    while True:
        sides = np.linalg.norm(triangles - np.roll(triangles, -1, axis=1), axis=2)
        long = sides.max(axis=1, initial=0) > _FINEST
        if not long.any():
            order = np.argsort(owner, kind="stable")
            return triangles[order], owner[order]
        turn = sides[long].argmax(axis=1)[:, None] + np.arange(3)
        a, b, c = np.moveaxis(triangles[long][np.arange(len(turn))[:, None], turn % 3], 1, 0)
        middle = (a + b) / 2
        halves = np.stack([np.stack([a, middle, c], 1), np.stack([middle, b, c], 1)], 1)
        triangles = np.concatenate([triangles[~long], halves.reshape(-1, 3, 3)])
        owner = np.concatenate([owner[~long], np.repeat(owner[long], 2)])


@kernel
def _touch(bvh, surfaces, positions, headings, eye, hands, thing, point):
    for n in range(len(positions)):
        x, y, ahead = positions[n, 0], positions[n, 1], headings[n]
        c, s = cos(ahead), sin(ahead)
        hx, hy = x + hands[0] * c - hands[1] * s, y + hands[0] * s + hands[1] * c
        best, thing[n] = inf, -1
        point[n, 0], point[n, 1], point[n, 2] = x, y, hands[2]
        for k in range(len(surfaces.row)):
            low, high = surfaces.low[k], surfaces.high[k]
            dx = max(low[0] - x, 0.0, x - high[0])
            dy = max(low[1] - y, 0.0, y - high[1])
            if hypot(dx, dy) > REACH:
                continue
            for t in range(surfaces.first[k], surfaces.first[k + 1]):
                px, py, pz = _nearest(surfaces.triangles[t], hx, hy, hands[2])
                away = sqrt((px - hx) ** 2 + (py - hy) ** 2 + (pz - hands[2]) ** 2)
                if away >= best or not _is_before(px - x, py - y, c, s):
                    continue
                if segment_is_clear(bvh, x, y, eye, px, py, pz):
                    best, thing[n] = away, surfaces.row[k]
                    point[n, 0], point[n, 1], point[n, 2] = px, py, pz


@inner
def _is_before(dx, dy, c, s):
    # Within reach of the axis, and to the sides no more than ``SIDE``.
    away = hypot(dx, dy)
    return away <= REACH and dx * c + dy * s >= cos(SIDE) * away


@inner
def _nearest(triangle, x, y, z):
    """Return the point of a triangle (3, 3) that is nearest to another.

    By the region of the triangle's plane that the point lies above (Ericson, Real-Time Collision
    Detection, 2005, section 5.1.5).
    """
    ax, ay, az = triangle[0, 0], triangle[0, 1], triangle[0, 2]
    ux, uy, uz = triangle[1, 0] - ax, triangle[1, 1] - ay, triangle[1, 2] - az
    vx, vy, vz = triangle[2, 0] - ax, triangle[2, 1] - ay, triangle[2, 2] - az
    px, py, pz = x - ax, y - ay, z - az
    d1, d2 = ux * px + uy * py + uz * pz, vx * px + vy * py + vz * pz
    uu, uv, vv = (
        ux * ux + uy * uy + uz * uz,
        ux * vx + uy * vy + uz * vz,
        vx * vx + vy * vy + vz * vz,
    )
    d3, d4 = d1 - uu, d2 - uv  # the same of the second corner
    d5, d6 = d1 - uv, d2 - vv  # and of the third
    va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
    if d1 <= 0 and d2 <= 0:
        v, w = 0.0, 0.0
    elif d3 >= 0 and d4 <= d3:
        v, w = 1.0, 0.0
    elif vc <= 0 and d1 >= 0 and d3 <= 0:
        v, w = d1 / (d1 - d3), 0.0
    elif d6 >= 0 and d5 <= d6:
        v, w = 0.0, 1.0
    elif vb <= 0 and d2 >= 0 and d6 <= 0:
        v, w = 0.0, d2 / (d2 - d6)
    elif va <= 0 and d4 - d3 >= 0 and d5 - d6 >= 0:
        w = (d4 - d3) / ((d4 - d3) + (d5 - d6))
        v = 1.0 - w
    else:
        v, w = vb / (va + vb + vc), vc / (va + vb + vc)
    return ax + v * ux + w * vx, ay + v * uy + w * vy, az + v * uz + w * vz
