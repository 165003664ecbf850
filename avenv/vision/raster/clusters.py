"""The scene as the rasteriser wants it: triangles in small, compact clusters under trees of boxes.

A cluster is the unit of culling: one bounding box decides about up to 32 triangles, and the corners
that they share are transformed once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.scene.compiled import CompiledScene
from avenv.vision.light.charts import Charts, make_charts, moved_frames
from avenv.vision.light.lighting import Lighting, find_lighting, packed
from avenv.vision.raster.hierarchy import build_tree, split
from avenv.vision.raster.mipmaps import Atlas, build_atlas
from avenv.vision.raster.triangles import CUT_OUT, TWO_SIDED


class RasterArrays(NamedTuple):
    """What the kernels read of one scene: T triangles in C contiguous clusters, V corners.

    The fixed scene and each of its M movable parts have a tree of their own; 1 + M parts in all.

    Attributes:
        boxes: (G, 6, 8) float32 nodes of the trees: centre (rows 0 to 2) and half size (3 to 5) of
            the axis-aligned boxes of their eight children, metres.
        first_child: (G,) int32 first child: a cluster, or C plus a node.
        root: (1 + M,) int32 each part's topmost node.
        part_start: (2 + M,) int32 where each part's triangles start.
        first_triangle: (C + 1,) int32 where each cluster's triangles start.
        first_vertex: (C + 1,) int32 where each cluster's corners start.
        vertices: (3, V) float32 corners, metres; shared within a cluster, repeated between them.
        corners: (3, T) uint8 corners of each triangle, counted from its cluster's first vertex.
        planes: (4, T) float32 unit normal n and -n·p of a point p on the triangle.
        kind: (T,) uint8 bits ``TWO_SIDED`` and ``CUT_OUT``.
        chart: (T,) int32 chart of each triangle.
        chart_frame: (C', 16) float32 one line of the processor's cache for each chart:
            ``Charts.frame`` (8), ``Charts.place`` (4), texels of level 0 on a square metre.
        chart_table: (C', 4) int32 first light sample, samples in a row, rows, texture.
        light: (L,) uint64 packed light on each sample; a margin at the end lets the filter read on
            past the last one.
        texels, first_texel, log_size, texels_per_unit: the atlas of textures, as in ``Atlas``.
        category: (T,) int32 semantic id.
        object: (T,) int32 row of the compiled scene's objects.
    """

    boxes: NDArray[np.float32]
    first_child: NDArray[np.int32]
    root: NDArray[np.int32]
    part_start: NDArray[np.int32]
    first_triangle: NDArray[np.int32]
    first_vertex: NDArray[np.int32]
    vertices: NDArray[np.float32]
    corners: NDArray[np.uint8]
    planes: NDArray[np.float32]
    kind: NDArray[np.uint8]
    chart: NDArray[np.int32]
    chart_frame: NDArray[np.float32]
    chart_table: NDArray[np.int32]
    light: NDArray[np.uint64]
    texels: NDArray[np.uint64]
    first_texel: NDArray[np.int32]
    log_size: NDArray[np.int32]
    texels_per_unit: NDArray[np.float32]
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

    @property
    def parts(self) -> int:
        """Number M of parts that ``Instances`` move; those of held objects are the last."""
        return len(self.arrays.root) - 1

    @property
    def standing(self) -> int:
        """Number of parts that are in their places when nothing is said of them: all but held."""
        return self.parts - len(self.compiled.held)


def prepare(
    compiled: CompiledScene, like: RasterScene | None = None, movable: Sequence[int] = ()
) -> RasterScene:
    """Cut a compiled scene into clusters; triangles without area are left out.

    Light is baked as the scene was compiled, with everything on that can glow. What moves keeps the
    light that it had; lamps shine as their states say.

    Args:
        compiled: the scene.
        like: the same scene in other states, whose charts and light serve this one too.
        movable: rows of its objects that are parts of their own, which ``Instances`` move. Objects
            that are held are further parts, drawn only where ``Instances`` says.

    Raises:
        ValueError: movable names an object twice, or one that is not there.
    """
    scene, compiled = compiled, compiled.in_place
    parts = _parts(compiled, [*movable, *scene.held])
    centroids = compiled.triangles.mean(axis=1)
    trees = [split(members, centroids) for members in parts]
    clusters = [cluster for tree in trees for cluster in tree]
    order, sizes = np.concatenate(clusters), np.array([len(c) for c in clusters], np.int64)
    triangles, normals = compiled.triangles[order], compiled.normals[order]
    owner = np.repeat(np.arange(len(sizes)), sizes)
    vertices, corners, first_vertex = _share_corners(triangles, owner, len(sizes))
    boxes, first_child, root = _forest([len(tree) for tree in trees], *_boxes(triangles, sizes))
    rest = compiled.rest or compiled
    charts = like.charts if like else make_charts(rest.lit.whole)
    lighting = like.lighting if like else find_lighting(rest.lit, charts, rest.lamps)
    atlas = build_atlas(compiled.surfaces, compiled.images)
    margin = int(charts.width.max(initial=0)) + 2
    offset = np.einsum("td,td->t", normals.astype(np.float64), triangles[:, 0].astype(np.float64))
    kind = TWO_SIDED * compiled.double_sided[order] + CUT_OUT * atlas.cut[compiled.surface[order]]
    frames = moved_frames(charts, rest.whole, compiled)
    frame, table = _chart_rows(charts, frames, compiled.surface[charts.leader], atlas)
    arrays = RasterArrays(
        boxes=boxes,
        first_child=first_child,
        root=root,
        part_start=np.cumsum([0, *map(len, parts)]).astype(np.int32),
        first_triangle=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32),
        first_vertex=first_vertex,
        vertices=vertices,
        corners=corners,
        planes=np.ascontiguousarray(np.vstack([normals.T, -offset]), np.float32),
        kind=kind.astype(np.uint8),
        chart=charts.of_triangle[order],
        chart_frame=frame,
        chart_table=table,
        light=np.zeros(len(charts.position) + margin, np.uint64),
        texels=atlas.texels,
        first_texel=atlas.first,
        log_size=atlas.log_size,
        texels_per_unit=atlas.per_unit,
        category=compiled.category[order],
        object=compiled.object[order],
    )
    return relight(RasterScene(scene, arrays, charts, lighting))


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


def _parts(compiled: CompiledScene, movable: Sequence[int]) -> list[NDArray[np.int64]]:
    """Return the triangles with area of the fixed scene and of each movable object."""
    wanted = [int(row) for row in movable]
    if len(set(wanted)) < len(wanted) or any(not 0 <= r < len(compiled.objects) for r in wanted):
        raise ValueError(
            f"movable is {wanted}; different rows of the {len(compiled.objects)} objects are needed"
        )
    drawable = np.any(compiled.normals, axis=1)
    fixed = drawable & ~np.isin(compiled.object, wanted)
    return [np.flatnonzero(fixed),
            *(np.flatnonzero(drawable & (compiled.object == row)) for row in wanted)]  # fmt: skip


def _forest(
    sizes: list[int], low: NDArray[np.float32], high: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.int32]]:
    """Return boxes, first_child and root of trees over so many clusters each."""
    boxes: list[NDArray[np.float32]] = []
    children: list[NDArray[np.int64]] = []
    roots, clusters, cluster, node = [], sum(sizes), 0, 0
    for size in sizes:
        some = slice(cluster, cluster + size)
        made, first, root = build_tree(low[some], high[some], cluster, clusters + node)
        boxes += made
        children += first
        roots.append(root - clusters)
        cluster += size
        node += sum(map(len, made))
    return (
        np.concatenate(boxes),
        np.concatenate(children).astype(np.int32),
        np.array(roots, np.int32),
    )


def _chart_rows(
    charts: Charts, frames: NDArray[np.floating], surface: NDArray[np.int32], atlas: Atlas
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Return chart_frame and chart_table of charts with these frames (C', 2, 4) and surfaces."""
    u, v = frames[:, 0, :3], frames[:, 1, :3]
    area = np.linalg.norm(np.cross(u.astype(np.float64), v), axis=1)  # of uv per square metre
    texels = area * atlas.per_unit[surface].prod(axis=1)
    frame = np.column_stack([frames.reshape(-1, 8), charts.place, texels])
    return (
        np.pad(frame, ((0, 0), (0, 3))).astype(np.float32),
        np.column_stack([charts.first, charts.width, charts.height, surface]).astype(np.int32),
    )


def _share_corners(
    triangles: NDArray[np.float32], cluster: NDArray[np.int64], clusters: int
) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.int32]]:
    """Return vertices (3, V), corners (3, T) and first_vertex (C + 1,) of clustered triangles."""
    points, point = np.unique(triangles.reshape(-1, 3), axis=0, return_inverse=True)
    owner = np.repeat(cluster, 3)
    keys, vertex = np.unique(owner * len(points) + point.ravel(), return_inverse=True)
    first = np.searchsorted(keys, np.arange(clusters + 1) * len(points))
    corners = (vertex.ravel() - first[owner]).astype(np.uint8).reshape(-1, 3)
    vertices = np.ascontiguousarray(points[keys % max(len(points), 1)].T)
    return vertices, np.ascontiguousarray(corners.T), first.astype(np.int32)


def _boxes(
    triangles: NDArray[np.float32], sizes: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the corners low and high (C, 3) of clusters of so many triangles; inf if empty."""
    low = np.full((len(sizes), 3), np.inf, np.float32)
    high = -low
    some = np.flatnonzero(sizes)
    if len(some):
        starts = np.cumsum(sizes)[some] - sizes[some]
        low[some] = np.minimum.reduceat(triangles.min(axis=1), starts, axis=0)
        high[some] = np.maximum.reduceat(triangles.max(axis=1), starts, axis=0)
    return low, high
