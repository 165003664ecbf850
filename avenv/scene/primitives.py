"""Closed parametric solids as triangle soups, and the few moves that compose them.

Every function returns a ``Mesh``: float64 triangles (N, 3, 3) in metres, counter-clockwise seen
from outside. Except for ``sheet`` they are watertight: edges meet in equal corners.
"""

import math
from collections.abc import Sequence
from functools import cache

import mapbox_earcut
import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.core.vectors import cross

Mesh = NDArray[np.float64]
Parts = dict[str, list[Mesh]]
"""The solids of each part of an object, by the part's name."""
Interval = tuple[float, float]
Point = Sequence[float]


def box(x: Interval, y: Interval, z: Interval) -> Mesh:
    """Make a box that fills three intervals."""
    return np.array([*x, *y, *z], np.float64)[_CUBE]


def soft_box(x: Interval, y: Interval, z: Interval, bevel: float = 0.03) -> Mesh:
    """Make a box with bevelled edges, for cushions and casings."""
    bevel = min(bevel, *(0.45 * (b - a) for a, b in (x, y, z)))
    full = rounded(x, y, bevel, 2)
    inset = rounded((x[0] + bevel, x[1] - bevel), (y[0] + bevel, y[1] - bevel), 0.0, 2)
    heights = (z[0], z[0] + bevel, z[1] - bevel, z[1])
    return loft(_at_heights([inset, full, full, inset], heights))


def prism(outline: ArrayLike, z: Interval) -> Mesh:
    """Extrude a simple polygon (N, 2), counter-clockwise and possibly concave, along z."""
    ring = np.asarray(outline, np.float64)
    cap = mapbox_earcut.triangulate_float64(ring, np.array([len(ring)], np.uint32)).reshape(-1, 3)
    corners = ring[cap]
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    turn = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    cap[turn < 0] = cap[turn < 0, ::-1]
    ends = _at_heights([ring, ring], z)
    return np.concatenate([_walls(ends), ends[0][cap[:, ::-1]], ends[1][cap]])


def lathe(profile: Sequence[Point], sides: int = 12, center: Point = (0.0, 0.0)) -> Mesh:
    """Turn a profile of (radius, z) round the vertical through ``center`` (x, y).

    The profile runs so that the solid lies on its left: up the outside, and down again inside a
    hollow. A radius of zero makes a point. Extents are exact when ``sides`` is a multiple of four.
    """
    radius, height = np.array(profile, np.float64).T
    return loft(_at_heights(radius[:, None, None] * _circle(sides) + np.asarray(center), height))


def cylinder(center: Point, radius: float, z: Interval, sides: int = 12) -> Mesh:
    """Make an upright cylinder round ``center`` (x, y)."""
    return lathe([(radius, z[0]), (radius, z[1])], sides, center)


def ball(center: Point, radii: float | Point, sides: int = 12, rings: int = 6) -> Mesh:
    """Make an ellipsoid with these radii (one, or along x, y, z) round ``center`` (x, y, z)."""
    return _unit_ball(sides, rings) * np.asarray(radii) + np.asarray(center)


@cache
def _unit_ball(sides: int, rings: int) -> Mesh:
    tilt = np.pi * (np.arange(rings + 1) / rings - 0.5)
    profile = [(max(0.0, np.cos(t)) if 0 < k < rings else 0.0, np.sin(t))
               for k, t in enumerate(tilt)]  # fmt: skip
    return lathe(profile, sides)


def tube(path: Sequence[Point], radius: float | Sequence[float], sides: int = 6) -> Mesh:
    """Make a round bar along a path (P, 3), of one radius or one per point."""
    points = np.asarray(path, np.float64)
    tangent = np.empty_like(points)
    tangent[0], tangent[-1] = points[1] - points[0], points[-1] - points[-2]
    tangent[1:-1] = (points[2:] - points[:-2]) / 2
    tangent /= np.sqrt((tangent * tangent).sum(axis=1, keepdims=True))
    u = cross(np.eye(3)[np.argmin(np.abs(tangent[0]))], tangent[0])
    across = np.empty_like(points)
    for k, t in enumerate(tangent):
        u = u - (u @ t) * t  # carried along the path without twisting
        u /= math.sqrt(u @ u)
        across[k] = u
    c, s = _circle(sides).T[:, :, None]
    around = c * across[:, None] + s * cross(tangent, across)[:, None]
    return loft(points[:, None] + np.reshape(radius, (-1, 1, 1)) * around)


def hoop(radius: float, thickness: float, sides: int = 20) -> Mesh:
    """Make a level ring of round bar (a torus with square section) round the origin."""
    angle = 2 * np.pi * np.arange(sides + 1) / sides
    angle[-1] = 0.0  # the last ring is the first: no ends to close
    out = np.stack([np.cos(angle), np.sin(angle), np.zeros(sides + 1)], axis=1)[:, None]
    section = 0.5 * thickness * np.array([(1, 0), (0, -1), (-1, 0), (0, 1)])
    up = np.array([0.0, 0.0, 1.0])
    return _walls((radius + section[:, :1]) * out + section[:, 1:] * up)


def loft(rings: ArrayLike | Sequence[ArrayLike]) -> Mesh:
    """Join rings (R, N, 3) of equal length by walls, and close both ends.

    Rings run counter-clockwise seen against the direction of travel; the first and the last are
    convex. Where corners coincide (a tip, a sharp corner) the empty triangles are left out.
    """
    stack = np.asarray(rings, np.float64)
    mesh = stack.reshape(-1, 3)[_loft_faces(*stack.shape[:2])]
    apart = np.abs(mesh - mesh[:, [2, 0, 1]]) > 1e-9
    return mesh[(apart[..., 0] | apart[..., 1] | apart[..., 2]).all(axis=1)]


def rounded(x: Interval, y: Interval, radius: float, steps: int = 4) -> NDArray[np.float64]:
    """Return a rectangle (4 * steps, 2) with rounded corners, ``steps`` points on each."""
    west, east = x[0] + radius, x[1] - radius
    south, north = y[0] + radius, y[1] - radius
    centers = np.array([(east, north), (west, north), (west, south), (east, south)])
    return (centers[:, None] + radius * _quarters(steps)).reshape(-1, 2)


def vessel(levels: Sequence[tuple[Interval, Interval, float, float]], steps: int = 4) -> Mesh:
    """Loft rounded rectangles (x, y, corner radius, z): basins, tubs, bowls."""
    outlines = [rounded(x, y, radius, steps) for x, y, radius, _ in levels]
    return loft(_at_heights(outlines, [level[3] for level in levels]))


def sheet(corners: ArrayLike) -> Mesh:
    """Make a strip of open quads between two polylines (2, N, 3): curtains, leaves."""
    first, second = np.asarray(corners, np.float64)
    a, b, c, d = first[:-1], first[1:], second[1:], second[:-1]
    return np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])


def along_x(mesh: Mesh) -> Mesh:
    """Lay what stands along z down along x: (x, y, z) become (y, z, x)."""
    return mesh[..., [2, 0, 1]]


def along_y(mesh: Mesh) -> Mesh:
    """Lay what stands along z down along y: (x, y, z) become (z, x, y)."""
    return mesh[..., [1, 2, 0]]


def move(mesh: Mesh, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Mesh:
    """Shift a mesh."""
    return mesh + np.array([x, y, z])


def turn(mesh: Mesh, angle: float, axis: int = 2) -> Mesh:
    """Turn a mesh by ``angle`` radians, right-handed, about the axis 0 (x), 1 (y) or 2 (z)."""
    i, j = ((1, 2), (2, 0), (0, 1))[axis]
    turned = mesh.copy()
    turned[..., i] = np.cos(angle) * mesh[..., i] - np.sin(angle) * mesh[..., j]
    turned[..., j] = np.sin(angle) * mesh[..., i] + np.cos(angle) * mesh[..., j]
    return turned


def fitted(parts: Parts, x: float, y: float, z: float) -> Parts:
    """Stretch the parts of an object together until they fill x, y, z above the origin.

    For shapes that are easier to draw at their natural size than to derive from their extents.
    """
    corners = np.concatenate([m.reshape(-1, 3) for meshes in parts.values() for m in meshes])
    low, high = corners.min(axis=0), corners.max(axis=0)
    scale, start = np.array([x, y, z]) / (high - low), np.array([-x / 2, -y / 2, 0.0])
    return {name: [(m - low) * scale + start for m in meshes] for name, meshes in parts.items()}


def surface_uv(mesh: Mesh) -> NDArray[np.float64]:
    """Return texture coordinates (N, 3, 2) in metres: each face is projected onto its own plane.

    On walls u runs horizontally and v upwards; on level faces u is x and v is y. Coplanar faces
    continue each other.
    """
    x, y, z = np.ascontiguousarray(mesh.transpose(2, 1, 0))  # of all first corners, and so on
    (dx, ex), (dy, ey), (dz, ez) = (axis[1:] - axis[0] for axis in (x, y, z))
    east, north, up = dy * ez - dz * ey, dz * ex - dx * ez, dx * ey - dy * ex  # the normal
    length = np.sqrt(east * east + north * north + up * up)
    east, north, up = east / length, north / length, up / length
    level = np.hypot(east, north) < 1e-6
    across = np.where(level, 1.0, np.sqrt(north * north + east * east))
    ux, uy = np.where(level, 1.0, -north / across), np.where(level, 0.0, east / across)
    uz = np.zeros_like(ux)
    vx, vy, vz = north * uz - up * uy, up * ux - east * uz, east * uy - north * ux
    vx, vy, vz = (np.where(level, flat, v) for flat, v in ((0.0, vx), (1.0, vy), (0.0, vz)))
    uv = np.empty((len(mesh), 3, 2))
    uv[..., 0] = (x * ux + z * uz + y * uy).T
    uv[..., 1] = (x * vx + z * vz + y * vy).T
    return uv


def _at_heights(outlines: ArrayLike, heights: ArrayLike) -> NDArray[np.float64]:
    """Return level rings (R, N, 3) of outlines (R, N, 2) at so many heights."""
    flat = np.asarray(outlines, np.float64)
    rings = np.empty((*flat.shape[:2], 3))
    rings[..., :2], rings[..., 2] = flat, np.asarray(heights, np.float64)[:, None]
    return rings


def _walls(rings: NDArray[np.float64]) -> Mesh:
    return rings.reshape(-1, 3)[_wall_faces(*rings.shape[:2])]


# All furniture is made of few numbers of rings and sides. What hangs on these alone is kept.


@cache
def _wall_faces(rings: int, sides: int) -> NDArray[np.intp]:
    """Return which points of rings, one after another, the triangles (N, 3) between them join."""
    here = np.arange(rings * sides).reshape(rings, sides)
    after = np.roll(here, -1, axis=1)
    a, b, c, d = (p.ravel() for p in (here[:-1], after[:-1], after[1:], here[1:]))
    return np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])


@cache
def _loft_faces(rings: int, sides: int) -> NDArray[np.intp]:
    """Return the same of walls and both ends."""
    after = np.arange(1, sides - 1)
    fan = np.stack([np.zeros_like(after), after, after + 1], axis=1)
    return np.concatenate([_wall_faces(rings, sides), fan[:, ::-1], (rings - 1) * sides + fan])


@cache
def _circle(sides: int) -> NDArray[np.float64]:
    angle = 2 * np.pi * np.arange(sides) / sides
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


@cache
def _quarters(steps: int) -> NDArray[np.float64]:
    """Return the quarters (4, steps, 2) of a circle of radius 1, one after another."""
    arc = np.linspace(0, np.pi / 2, steps)
    c, s = np.cos(arc), np.sin(arc)
    return np.stack([np.stack(way, axis=1) for way in ((c, s), (-s, c), (-c, -s), (s, -c))])


_CUBE = np.where(prism([(0, 0), (1, 0), (1, 1), (0, 1)], (0, 1)) > 0, (1, 3, 5), (0, 2, 4))
"""Which of a box's bounds (x, x, y, y, z, z) the coordinates of its triangles are."""
