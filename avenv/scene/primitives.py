"""Closed parametric solids as triangle soups, and the few moves that compose them.

Every function returns a ``Mesh``: float64 triangles (N, 3, 3) in metres, counter-clockwise seen
from outside. Except for ``sheet`` they are watertight: edges meet in equal corners.
"""

from collections.abc import Sequence

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
    low, high = np.array([x, y, z], np.float64).T
    return np.where(_UNIT_CUBE, high, low)


def soft_box(x: Interval, y: Interval, z: Interval, bevel: float = 0.03) -> Mesh:
    """Make a box with bevelled edges, for cushions and casings."""
    bevel = min(bevel, *(0.45 * (b - a) for a, b in (x, y, z)))
    full = rounded(x, y, bevel, 2)
    inset = rounded((x[0] + bevel, x[1] - bevel), (y[0] + bevel, y[1] - bevel), 0.0, 2)
    heights = (z[0], z[0] + bevel, z[1] - bevel, z[1])
    return loft(
        [_at_height(r, h) for r, h in zip((inset, full, full, inset), heights, strict=True)]
    )


def prism(outline: ArrayLike, z: Interval) -> Mesh:
    """Extrude a simple polygon (N, 2), counter-clockwise and possibly concave, along z."""
    ring = np.asarray(outline, np.float64)
    cap = mapbox_earcut.triangulate_float64(ring, np.array([len(ring)], np.uint32)).reshape(-1, 3)
    corners = ring[cap]
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    turn = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    cap[turn < 0] = cap[turn < 0, ::-1]
    low, high = _at_height(ring, z[0]), _at_height(ring, z[1])
    return np.concatenate([_walls(np.stack([low, high])), low[cap[:, ::-1]], high[cap]])


def lathe(profile: Sequence[Point], sides: int = 12, center: Point = (0.0, 0.0)) -> Mesh:
    """Turn a profile of (radius, z) round the vertical through ``center`` (x, y).

    The profile runs so that the solid lies on its left: up the outside, and down again inside a
    hollow. A radius of zero makes a point. Extents are exact when ``sides`` is a multiple of four.
    """
    angle = 2 * np.pi * np.arange(sides) / sides
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return loft([_at_height(r * circle + np.asarray(center), h) for r, h in profile])


def cylinder(center: Point, radius: float, z: Interval, sides: int = 12) -> Mesh:
    """Make an upright cylinder round ``center`` (x, y)."""
    return lathe([(radius, z[0]), (radius, z[1])], sides, center)


def ball(center: Point, radii: float | Point, sides: int = 12, rings: int = 6) -> Mesh:
    """Make an ellipsoid with these radii (one, or along x, y, z) round ``center`` (x, y, z)."""
    tilt = np.pi * (np.arange(rings + 1) / rings - 0.5)
    profile = [(max(0.0, np.cos(t)) if 0 < k < rings else 0.0, np.sin(t))
               for k, t in enumerate(tilt)]  # fmt: skip
    return lathe(profile, sides) * np.asarray(radii) + np.asarray(center)


def tube(path: Sequence[Point], radius: float | Sequence[float], sides: int = 6) -> Mesh:
    """Make a round bar along a path (P, 3), of one radius or one per point."""
    points = np.asarray(path, np.float64)
    tangent = np.gradient(points, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    u = np.cross(np.eye(3)[np.argmin(np.abs(tangent[0]))], tangent[0])
    angle = 2 * np.pi * np.arange(sides)[:, None] / sides
    rings = []
    for p, t, r in zip(points, tangent, np.broadcast_to(radius, len(points)), strict=True):
        u = u - (u @ t) * t  # carried along the path without twisting
        u /= np.linalg.norm(u)
        rings.append(p + r * (np.cos(angle) * u + np.sin(angle) * np.cross(t, u)))
    return loft(rings)


def hoop(radius: float, thickness: float, sides: int = 20) -> Mesh:
    """Make a level ring of round bar (a torus with square section) round the origin."""
    angle = 2 * np.pi * np.arange(sides + 1) / sides
    angle[-1] = 0.0  # the last ring is the first: no ends to close
    out = np.stack([np.cos(angle), np.sin(angle), np.zeros(sides + 1)], axis=1)[:, None]
    section = 0.5 * thickness * np.array([(1, 0), (0, -1), (-1, 0), (0, 1)])
    up = np.array([0.0, 0.0, 1.0])
    return _walls((radius + section[:, :1]) * out + section[:, 1:] * up)


def loft(rings: Sequence[ArrayLike]) -> Mesh:
    """Join rings (R, N, 3) of equal length by walls, and close both ends.

    Rings run counter-clockwise seen against the direction of travel; the first and the last are
    convex. Where corners coincide (a tip, a sharp corner) the empty triangles are left out.
    """
    stack = np.asarray(rings, np.float64)
    count = stack.shape[1]
    fan = np.stack([np.zeros(count - 2, int), np.arange(1, count - 1), np.arange(2, count)], axis=1)
    mesh = np.concatenate([_walls(stack), stack[0][fan[:, ::-1]], stack[-1][fan]])
    edges = np.abs(mesh - np.roll(mesh, 1, axis=1)).max(axis=2)
    return mesh[(edges > 1e-9).all(axis=1)]


def rounded(x: Interval, y: Interval, radius: float, steps: int = 4) -> NDArray[np.float64]:
    """Return a rectangle (4 * steps, 2) with rounded corners, ``steps`` points on each."""
    arc = np.linspace(0, np.pi / 2, steps)
    corner = radius * np.stack([np.cos(arc), np.sin(arc)], axis=1)
    outline = []
    for k, (cx, cy) in enumerate([(1, 1), (0, 1), (0, 0), (1, 0)]):
        center = (x[cx] + radius * (1 - 2 * cx), y[cy] + radius * (1 - 2 * cy))
        c, s = ((1, 0), (0, 1), (-1, 0), (0, -1))[k]
        outline.append(center + corner @ np.array([[c, s], [-s, c]], np.float64))
    return np.concatenate(outline)


def vessel(levels: Sequence[tuple[Interval, Interval, float, float]], steps: int = 4) -> Mesh:
    """Loft rounded rectangles (x, y, corner radius, z): basins, tubs, bowls."""
    return loft([_at_height(rounded(x, y, r, steps), z) for x, y, r, z in levels])


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
    a, b, c = mesh[:, 0], mesh[:, 1], mesh[:, 2]
    normal = cross(b - a, c - a)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    level = np.hypot(normal[:, 0], normal[:, 1]) < 1e-6
    u = np.stack([-normal[:, 1], normal[:, 0], np.zeros(len(mesh))], axis=1)
    u[level] = (1.0, 0.0, 0.0)
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    v = cross(normal, u)
    v[level] = (0.0, 1.0, 0.0)
    return np.stack([np.einsum("nkd,nd->nk", mesh, u), np.einsum("nkd,nd->nk", mesh, v)], axis=-1)


def _at_height(ring: NDArray[np.float64], z: float) -> NDArray[np.float64]:
    return np.column_stack([ring, np.full(len(ring), z)])


def _walls(rings: NDArray[np.float64]) -> Mesh:
    here, after = rings, np.roll(rings, -1, axis=1)
    a, b, c, d = (p.reshape(-1, 3) for p in (here[:-1], after[:-1], after[1:], here[1:]))
    return np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])


_UNIT_CUBE = prism([(0, 0), (1, 0), (1, 1), (0, 1)], (0, 1)) > 0
