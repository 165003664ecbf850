"""The scene as the rasteriser wants it: triangles in small, compact clusters.

A cluster is the unit of culling: one bounding box decides about up to 32 triangles, and the corners
that they share are transformed once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.scene.compiled import CompiledScene
from avenv.vision.charts import Charts, make_charts, moved_frames
from avenv.vision.light import Lighting, find_lighting, packed
from avenv.vision.mipmaps import build_atlas, texels_per_metre

CLUSTER_SIZE = 32
"""Most triangles in a cluster."""


class RasterArrays(NamedTuple):
    """What the kernels read of one scene: T triangles in C contiguous clusters, V corners.

    Attributes:
        box_centre: (3, C) float32 centre of each cluster's axis-aligned box, metres.
        box_extent: (3, C) float32 half its size.
        first_triangle: (C + 1,) int32 where each cluster's triangles start.
        first_vertex: (C + 1,) int32 where each cluster's corners start.
        vertices: (3, V) float32 corners, metres; shared within a cluster, repeated between them.
        corners: (T, 3) uint8 corners of each triangle, counted from its cluster's first vertex.
        planes: (T, 4) float32 unit normal n and offset n·p of a point p on the triangle.
        double_sided: (T,) bool, drawn from behind too.
        chart: (T,) int32 chart of each triangle.
        chart_record: (C', 16) float32 all about a chart, in one line of the processor's cache:
            ``Charts.frame`` (8), ``Charts.place`` (4), first light sample, samples in a row, rows,
            texture; the last four are whole numbers.
        light: (L,) uint64 packed light on each sample; a margin at the end lets the filter read on
            past the last one.
        texels, first_texel, log_side: the atlas of textures, as in ``Atlas``.
        texels_per_metre: (K,) float32 of each texture's level 0.
        category: (T,) int32 semantic id.
        object: (T,) int32 row of the compiled scene's objects.
    """

    box_centre: NDArray[np.float32]
    box_extent: NDArray[np.float32]
    first_triangle: NDArray[np.int32]
    first_vertex: NDArray[np.int32]
    vertices: NDArray[np.float32]
    corners: NDArray[np.uint8]
    planes: NDArray[np.float32]
    double_sided: NDArray[np.bool_]
    chart: NDArray[np.int32]
    chart_record: NDArray[np.float32]
    light: NDArray[np.uint64]
    texels: NDArray[np.uint64]
    first_texel: NDArray[np.int32]
    log_side: NDArray[np.int32]
    texels_per_metre: NDArray[np.float32]
    category: NDArray[np.int32]
    object: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class RasterScene:
    """A scene ready to be drawn.

    Attributes:
        compiled: what it was made of.
        arrays: what the kernels read, under the light that shines now.
        charts: of all triangles that the scene has in any of its states.
        lighting: the light of each lamp and of the day, from which ``relight`` mixes another.
    """

    compiled: CompiledScene
    arrays: RasterArrays
    charts: Charts
    lighting: Lighting

    @property
    def lamps(self) -> tuple[str, ...]:
        """Names of the objects that ``relight`` can switch on and off."""
        return self.lighting.lamps


def prepare(compiled: CompiledScene, like: RasterScene | None = None) -> RasterScene:
    """Cut a compiled scene into clusters; triangles without area are left out.

    Light is baked as the scene was compiled, with everything on that can glow. What moves keeps the
    light that it had; lamps shine as their states say.

    Args:
        compiled: the scene.
        like: the same scene in other states, whose charts and light serve this one too.
    """
    drawable = np.flatnonzero(np.any(compiled.normals, axis=1))
    clusters = list(_split(drawable, compiled.triangles.mean(axis=1)))
    order = np.concatenate([*clusters, np.empty(0, np.int64)])
    sizes = np.array([len(c) for c in clusters], np.int64)
    triangles, normals = compiled.triangles[order], compiled.normals[order]
    vertices, corners, first_vertex = _share_corners(
        triangles, np.repeat(np.arange(len(sizes)), sizes)
    )
    first_triangle = np.concatenate([[0], np.cumsum(sizes)])
    low, high = _boxes(triangles, first_triangle)
    rest = compiled.rest or compiled
    charts = like.charts if like else make_charts(rest.lit.whole)
    lighting = like.lighting if like else find_lighting(rest.lit, charts)
    atlas = build_atlas(compiled.surfaces)
    margin = int(charts.width.max(initial=0)) + 2
    offset = np.einsum("td,td->t", normals.astype(np.float64), triangles[:, 0].astype(np.float64))
    arrays = RasterArrays(
        box_centre=np.ascontiguousarray((high + low).T / 2),
        box_extent=np.ascontiguousarray((high - low).T / 2),
        first_triangle=first_triangle.astype(np.int32),
        first_vertex=first_vertex,
        vertices=vertices,
        corners=corners,
        planes=np.column_stack([normals, offset]).astype(np.float32),
        double_sided=compiled.double_sided[order],
        chart=charts.of_triangle[order],
        chart_record=np.column_stack(
            [
                moved_frames(charts, rest.whole, compiled).reshape(-1, 8),
                charts.place,
                charts.first,
                charts.width,
                charts.height,
                compiled.surface[charts.leader],
            ]
        ).astype(np.float32),
        light=np.zeros(len(charts.position) + margin, np.uint64),
        texels=atlas.texels,
        first_texel=atlas.first,
        log_side=atlas.log_side,
        texels_per_metre=texels_per_metre(compiled.surfaces),
        category=compiled.category[order],
        object=compiled.object[order],
    )
    return relight(RasterScene(compiled, arrays, charts, lighting))


def relight(
    scene: RasterScene, lamps: float | Mapping[str, float] = 1.0, daylight: float = 1.0
) -> RasterScene:
    """Return the scene with its lamps and the day shining so brightly, 0 to 1; by default both.

    Nothing is traced again: the light of each was stored apart when the scene was prepared.

    Args:
        scene: what ``prepare`` made.
        lamps: share of their light that all lamps give which are on, or levels by the names in
            ``scene.lamps``, the others as they are.
        daylight: 0 at night, 1 at noon.

    Raises:
        ValueError: a level is not within 0..1, or there is no such lamp.
    """
    levels = scene.lighting.levels(lamps, scene.compiled.lamps)
    mixed = packed(scene.lighting.mixed(levels, daylight))
    light = scene.arrays.light.copy()
    light[: len(mixed)] = mixed
    return replace(scene, arrays=scene.arrays._replace(light=light))


def _split(
    members: NDArray[np.int64], centroids: NDArray[np.float32]
) -> Iterator[NDArray[np.int64]]:
    # Halve at the median of the longest side until a cluster is small enough; the left half is a
    # whole number of full clusters, so only the very last one is not full.
    if len(members) <= CLUSTER_SIZE:
        if len(members):
            yield members
        return
    points = centroids[members]
    axis = np.argmax(np.ptp(points, axis=0))
    left = -(-len(members) // (2 * CLUSTER_SIZE)) * CLUSTER_SIZE
    ordered = members[np.argsort(points[:, axis], kind="stable")]
    yield from _split(ordered[:left], centroids)
    yield from _split(ordered[left:], centroids)


def _share_corners(
    triangles: NDArray[np.float32], cluster: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.int32]]:
    """Return vertices (3, V), corners (T, 3) and first_vertex (C + 1,) of clustered triangles."""
    points, point = np.unique(triangles.reshape(-1, 3), axis=0, return_inverse=True)
    owner = np.repeat(cluster, 3)
    keys, vertex = np.unique(owner * len(points) + point.ravel(), return_inverse=True)
    first = np.searchsorted(keys, np.arange(cluster.max(initial=-1) + 2) * len(points))
    corners = (vertex.ravel() - first[owner]).astype(np.uint8).reshape(-1, 3)
    vertices = np.ascontiguousarray(points[keys % max(len(points), 1)].T)
    return vertices, corners, first.astype(np.int32)


def _boxes(
    triangles: NDArray[np.float32], first: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    low = np.minimum.reduceat(triangles.min(axis=1), first[:-1], axis=0)
    high = np.maximum.reduceat(triangles.max(axis=1), first[:-1], axis=0)
    return low, high
