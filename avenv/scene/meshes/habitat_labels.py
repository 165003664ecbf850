"""Divide the mesh of a stage into the things that a semantic mesh tells apart.

The two are scans of the same rooms, mostly of different triangles: a triangle of the stage is of
the thing whose semantic triangle lies on it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from shapely import MultiPoint

from avenv.core.color import encoded
from avenv.core.errors import SceneError
from avenv.geometry import build_bvh, cast_rays
from avenv.scene.meshes.habitat_semantics import Semantics
from avenv.scene.meshes.parts import MeshPart, MeshRegion
from avenv.scene.meshes.ply import read_labelled_ply
from avenv.scene.meshes.readers import read_mesh
from avenv.scene.meshes.references import References

_NEAR = 0.05  # m: how far a semantic triangle may lie before or behind the stage's
_FLOORS = ("floor", "rug", "carpet", "mat", "stairs")

Triangles = NDArray[np.float64]


def read_semantic_mesh(
    path: Path, references: References, semantics: Semantics
) -> tuple[Triangles, NDArray[np.int64]]:
    """Return the triangles (T, 3, 3) of a semantic mesh, and the id of the thing (T,) of each.

    A PLY file has an ``object_id`` of faces or corners; in others a thing is known by its colour.

    Raises:
        SceneError: it is broken, or has neither.
    """
    if path.suffix.lower() == ".ply":
        return read_labelled_ply(path, references)
    triangles, ids = [], []
    for part in read_mesh(path, references).parts:
        triangles.append(part.triangles)
        ids.append(_ids_by_color(part, semantics.colors))
    if not triangles or (np.concatenate(ids) < 0).all():
        raise SceneError(f"{path}: no colour in it is one of the {len(semantics.colors)} that its "
                         "descriptor names")  # fmt: skip
    return np.concatenate(triangles), np.concatenate(ids)


def labelled(
    parts: Sequence[MeshPart],
    mesh: Triangles,
    ids: NDArray[np.int64],
    labels: Mapping[int, str],
) -> Iterator[tuple[MeshPart, NDArray[np.int64]]]:
    """Yield the parts of a stage, divided by things, each with the ids of its triangles.

    Args:
        parts: of the stage.
        mesh: (T, 3, 3) of the semantic mesh, in the same axes and units.
        ids: (T,) of the things.
        labels: of the things.
    """
    bvh = build_bvh(np.ascontiguousarray(mesh, np.float32))
    for part in parts:
        found = _on(bvh, ids, part.triangles)
        for number in np.unique(found).tolist():
            own = found == number
            divided = replace(
                part,
                triangles=part.triangles[own],
                uv=None if part.uv is None else part.uv[own],
                shade=None if part.shade is None else part.shade[own],
            )
            if label := labels.get(number, ""):
                name = f"{label.replace(' ', '_')}_{number}"
                divided = replace(divided, owner=name, label=label)
            yield divided, found[own]


def regions_of_things(
    things: Sequence[tuple[MeshPart, int]], region_of: Mapping[int, int]
) -> tuple[MeshRegion, ...]:
    """Return regions that nothing but the things in them tell of: hulls of their floors.

    Args:
        things: parts in Habitat's world (y up), each with its id.
        region_of: numbers of regions by ids.
    """
    members: dict[int, list[MeshPart]] = {}
    for part, number in things:
        if (region := region_of.get(number, -1)) >= 0:
            members.setdefault(region, []).append(part)
    regions = []
    for region, parts in sorted(members.items()):
        floors = [p for p in parts if any(word in p.label.lower() for word in _FLOORS)]
        if not floors:
            continue
        points = np.concatenate([p.triangles.reshape(-1, 3) for p in floors])
        top = max(float(p.triangles[..., 1].max()) for p in parts)
        hull = MultiPoint(points[:, [0, 2]]).convex_hull
        if hull.geom_type != "Polygon":
            continue
        level = float(np.median(points[:, 1]))
        corners = np.array([(x, level, z) for x, z in hull.exterior.coords[:-1]])
        regions.append(MeshRegion(f"region {region}", corners, top - level))
    return tuple(regions)


def _on(bvh, ids: NDArray[np.int64], triangles: Triangles) -> NDArray[np.int64]:
    """Return the ids (N,) of the things on whose triangles some others lie; -1: on none."""
    a, b, c = (triangles[:, k] for k in range(3))
    normal = np.cross(b - a, c - a)
    length = np.linalg.norm(normal, axis=1)
    out = np.full(len(triangles), -1, np.int64)
    flat = np.flatnonzero(length > 1e-12)
    if len(flat) == 0:
        return out
    ahead = normal[flat] / length[flat, None]
    middle = triangles[flat].mean(axis=1)
    nearest = np.full(len(flat), np.inf)
    for side in (1.0, -1.0):  # from just before the surface, and from just behind it
        way = side * ahead
        start = middle - way * 1e-4
        distance, hit = cast_rays(bvh, start.astype(np.float32), way.astype(np.float32))
        better = (hit >= 0) & (distance < np.minimum(nearest, _NEAR))
        nearest[better] = distance[better]
        out[flat[better]] = ids[hit[better]]
    return out


def _ids_by_color(part: MeshPart, colors: Mapping[int, int]) -> NDArray[np.int64]:
    """Return the ids (N,) of a part's triangles by their colours; -1: of none."""
    image = part.material.image
    if image is not None and part.uv is not None:
        height, width = image.shape[:2]
        u, v = np.moveaxis(part.uv.mean(axis=1) % 1.0, -1, 0)
        x = np.minimum((u * width).astype(int), width - 1)
        y = np.minimum(((1 - v) * height).astype(int), height - 1)
        rgb = image[y, x, :3].astype(np.int64)
    elif part.shade is not None:
        rgb = np.round(255 * encoded(part.shade)).astype(np.int64)
    elif part.material.color is not None:
        one = np.round(255 * encoded(np.array(part.material.color))).astype(np.int64)
        rgb = np.tile(one, (len(part.triangles), 1))
    else:
        return np.full(len(part.triangles), -1, np.int64)
    codes = (rgb * [1 << 16, 1 << 8, 1]).sum(axis=1)
    return np.array([colors.get(int(code), -1) for code in codes], np.int64)
