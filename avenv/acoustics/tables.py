"""A compiled scene as kernels of sound need it: what each triangle does, the mirrors, the edges."""

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.acoustics.paths.clearance import EdgeGrid, grid_edges
from avenv.acoustics.paths.edges import NARROWEST, Edges, bending, find_edges, select
from avenv.acoustics.paths.twins import Twins, find_twins
from avenv.core.kernels import borrowing
from avenv.core.rows import distinct_rows
from avenv.core.vectors import cross
from avenv.geometry import BVH, closest_hit
from avenv.scene.compiled import CompiledScene

MIRROR_AREA = 0.3
"""Square metres that a plane of a scene needs to count as a mirror: below, at the wavelengths that
carry speech, it scatters rather than reflects."""

MAX_EDGES = 2048
"""Edges of a scene that bend sound, at most: the longest. The search for ways round them takes some
0.1 ms for each of them and each source."""

_PLANE_TOLERANCE = 1e-3  # metres, and length of the difference of unit normals


class AcousticTables(NamedTuple):
    """T triangles, S surfaces, M mirrors, 7 octave bands.

    Attributes:
        bvh: over the triangles.
        surface: (T,) int32 row of the surface tables.
        sheet: (T,) bool: not part of a closed solid, sound meets it from both sides.
        normals: (T, 3) float32 unit front normals.
        mirror: (T,) int32 the plane a triangle lies in, -1 if that is too small to reflect.
        absorption: (S, 7) float32 share of the energy that does not come back.
        scattering: (S, 7) float32 share of the reflected energy that leaves diffusely.
        transmission: (S, 7) float32 share of the energy that passes through.
        planes: (M, 4) float64 unit normal n and offset d of a mirror, n . x = d.
        extents: (M, 6) float64 lower and upper corner of the box around a mirror's triangles.
        bounds: (6,) float64 the box around everything, zeros if there is nothing.
        edges: what sound bends round, E of them.
        twins: which edges are the two sides of a thin solid.
        near_edges: the edges near any place, those too that are too narrow to bend sound.
        reflectance: (E, 2, 7) float32 pressure that the faces of an edge reflect as mirrors do; the
            narrow face between twins, along which sound creeps, all that it does not absorb.
    """

    bvh: BVH
    surface: NDArray[np.int32]
    sheet: NDArray[np.bool_]
    normals: NDArray[np.float32]
    mirror: NDArray[np.int32]
    absorption: NDArray[np.float32]
    scattering: NDArray[np.float32]
    transmission: NDArray[np.float32]
    planes: NDArray[np.float64]
    extents: NDArray[np.float64]
    bounds: NDArray[np.float64]
    edges: Edges
    twins: Twins
    near_edges: EdgeGrid
    reflectance: NDArray[np.float32]


def tabulate(compiled: CompiledScene) -> AcousticTables:
    """Derive the tables of a scene; one without triangles is the free field."""
    mirror, planes, extents = _mirrors(compiled)
    table = compiled.surfaces
    every = find_edges(compiled.triangles, compiled.normals, compiled.double_sided, compiled.bvh)
    which = bending(every, MAX_EDGES)
    wide = int((every.width >= NARROWEST).sum())
    if wide > MAX_EDGES:
        warnings.warn(
            f"{compiled.name}: {wide} edges could bend sound; only the {MAX_EDGES} longest do",
            stacklevel=2,
        )
    edges = select(every, which)
    twins = find_twins(edges)
    specular = np.sqrt((1 - table.absorption) * (1 - table.scattering))
    reflectance = specular[compiled.surface[edges.triangle]]
    reflectance[mirror[edges.triangle] < 0] = 0
    thin = np.flatnonzero(twins.edge >= 0)
    narrow = edges.triangle[thin, twins.face[thin]]
    reflectance[thin, twins.face[thin]] = np.sqrt(1 - table.absorption)[compiled.surface[narrow]]
    return AcousticTables(
        bvh=compiled.bvh,
        surface=np.ascontiguousarray(compiled.surface, np.int32),
        sheet=np.ascontiguousarray(compiled.double_sided),
        normals=np.ascontiguousarray(compiled.normals),
        mirror=mirror,
        absorption=np.ascontiguousarray(table.absorption, np.float32),
        scattering=np.ascontiguousarray(table.scattering, np.float32),
        transmission=np.ascontiguousarray(table.transmission, np.float32),
        planes=planes,
        extents=extents,
        bounds=compiled.bounds.ravel() if len(compiled.triangles) else np.zeros(6),
        edges=edges,
        twins=twins,
        near_edges=grid_edges(every, which),
        reflectance=reflectance.astype(np.float32),
    )


def _mirrors(
    compiled: CompiledScene,
) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
    """Merge triangles that face the same way in one plane; return mirror (T,), planes, extents.

    Surfaces of different materials share a mirror: the material is looked up where a path hits.
    """
    corners = compiled.triangles.astype(np.float64)
    a, b, c = np.moveaxis(corners, 1, 0)
    area = np.linalg.norm(cross(b - a, c - a), axis=1) / 2
    middle = (a + b + c) / 3
    normal = compiled.normals.astype(np.float64)
    offset = np.einsum("tk,tk->t", normal, middle)
    rounded = np.round(np.column_stack([normal, offset]) / _PLANE_TOLERANCE).astype(np.int64)
    _, group = distinct_rows(rounded)
    total = np.bincount(group, area)
    large = np.flatnonzero(total >= MIRROR_AREA)
    number = np.full(len(total), -1, np.int32)
    number[large] = np.arange(len(large), dtype=np.int32)
    mirror = number[group]

    n = np.column_stack([np.bincount(group, area * normal[:, k])[large] for k in range(3)])
    n = n / np.linalg.norm(n, axis=1, keepdims=True)
    extents = np.tile([np.inf] * 3 + [-np.inf] * 3, (len(large), 1))
    kept = mirror >= 0
    a, b, c = (corner[kept] for corner in (a, b, c))
    np.minimum.at(extents[:, :3], mirror[kept], np.minimum(np.minimum(a, b), c))
    np.maximum.at(extents[:, 3:], mirror[kept], np.maximum(np.maximum(a, b), c))
    centre = np.column_stack([np.bincount(group, area * middle[:, k])[large] for k in range(3)])
    d = np.einsum("mk,mk->m", n, centre / total[large][:, None])
    return mirror, np.column_stack([n, d]), extents


# Directions that no wall, grid or diagonal of a scene is likely to follow.
_PROBES = np.array(
    [[0.83, 0.41, 0.37], [-0.52, 0.77, 0.36], [-0.71, -0.63, 0.31], [0.44, -0.81, 0.39],
     [0.29, 0.23, 0.93], [-0.31, 0.19, -0.93], [0.62, 0.58, -0.53], [-0.49, -0.68, -0.54]]
)  # fmt: skip


@borrowing
def is_inside_solid(scene, x, y, z):
    """Say whether a point is inside a solid: it sees more back faces of solids than front faces.

    Behind the walls of a closed room counts as inside; sheets hide what is behind them. The
    majority decides, for where a solid stands on a floor the two share a face.
    """
    votes = 0
    for k in range(len(_PROBES)):
        dx, dy, dz = _PROBES[k, 0], _PROBES[k, 1], _PROBES[k, 2]
        _, triangle = closest_hit(scene.bvh, x, y, z, dx, dy, dz, 1e9)
        if triangle >= 0 and not scene.sheet[triangle]:
            n = scene.normals[triangle]
            votes += 1 if dx * n[0] + dy * n[1] + dz * n[2] > 0 else -1
    return votes > 0
