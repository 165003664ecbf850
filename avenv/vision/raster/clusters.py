"""The scene as the rasteriser wants it: triangles in small, compact clusters under trees of boxes.

A cluster is the unit of culling: one bounding box decides about up to 32 triangles, and the corners
that they share are transformed once.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from avenv.core import cache
from avenv.scene.compiled import CompiledScene
from avenv.vision.light.charts import Charts, make_charts, moved_frames, no_charts
from avenv.vision.light.lighting import find_lighting
from avenv.vision.raster.corners import share_corners
from avenv.vision.raster.hierarchy import CLUSTER_SIZE, build_tree, split
from avenv.vision.raster.mipmaps import Atlas, build_atlas, no_atlas
from avenv.vision.raster.scene import RasterArrays, RasterScene, relight
from avenv.vision.raster.triangles import CUT_OUT, TWO_SIDED

_COARSE = 1.5  # times the usual distance of light samples
_MAKERS = ("vision/raster/clusters.py",)


def prepare(
    compiled: CompiledScene,
    like: RasterScene | None = None,
    movable: Sequence[int] = (),
    coarse: bool = False,
) -> RasterScene:
    """Cut a compiled scene into clusters; triangles without area are left out.

    Light is baked as the scene was compiled, with everything on that can glow. What moves keeps the
    light that it had; lamps shine as their states say.

    Args:
        compiled: the scene.
        like: the same scene in other states, whose charts and light serve this one too.
        movable: rows of its objects that are parts of their own, which ``Instances`` move. Objects
            that are held are further parts, drawn only where ``Instances`` says.
        coarse: with light for pictures of up to ``vision.COARSE_UP_TO`` pixels.

    Raises:
        ValueError: movable names an object twice, or one that is not there.
    """
    rest = compiled.in_place.rest or compiled.in_place
    charts = like.charts if like else _charts(rest, _COARSE if coarse else 1.0)
    dark = _prepare(compiled, charts, movable, like)
    lighting = like.lighting if like else None
    if lighting is None:
        lighting = find_lighting(rest.lit, dark.charts, rest.lamps, coarse)
    return relight(replace(dark, lighting=lighting))


def _charts(rest: CompiledScene, grain: float) -> Charts:
    """Return the charts of a scene as it was compiled; those of a large one are kept on disk."""

    def make() -> Charts:
        return make_charts(rest.lit.whole, grain)

    if len(rest.triangles) < cache.WORTH_KEEPING:
        return make()
    code = cache.code_digest("vision/light/charts.py")
    key = f"charts-{code}-{rest.content_hash}-{rest.fingerprint}-{grain}"
    return cache.recall(key, Charts, make)


def prepare_coarse(compiled: CompiledScene, like: RasterScene | None = None) -> RasterScene:
    """Cut a compiled scene into clusters, with light for pictures of up to ``vision.COARSE_UP_TO``
    pixels, which takes half as long to bake, or less, and half as much to keep.

    Samples are 12 cm apart on floors and 24 cm elsewhere, which is some two pixels at 3 m.
    """
    return prepare(compiled, like, coarse=True)


def prepare_unlit(
    compiled: CompiledScene, like: RasterScene | None = None, movable: Sequence[int] = ()
) -> RasterScene:
    """Cut a compiled scene into clusters for cameras that make no rgb: no light is baked.

    Arguments and errors are those of ``prepare``; depth and all else that is no colour are the same
    bits.
    """
    rest = compiled.in_place.rest or compiled.in_place
    if like:
        charts = like.charts
    elif rest.images:  # what is cut out of them is found by the charts
        charts = make_charts(rest.lit.whole)
    else:
        charts = no_charts(len(rest.triangles))
        if compiled is rest and not movable and len(rest.triangles) >= cache.WORTH_KEEPING:
            key = f"raster-{cache.code_digest(*_MAKERS)}-{compiled.fingerprint}"
            arrays = cache.recall(
                key, RasterArrays, lambda: _prepare(compiled, charts, movable).arrays
            )
            return RasterScene(compiled, arrays, charts, None, no_atlas(compiled.surfaces))
    return _prepare(compiled, charts, movable, like)


def _prepare(
    compiled: CompiledScene,
    charts: Charts,
    movable: Sequence[int],
    like: RasterScene | None = None,
) -> RasterScene:
    """Return a scene without light; it shares the textures of one that is like it."""
    scene, compiled = compiled, compiled.in_place
    parts = _parts(compiled, [*movable, *scene.held])
    frames = moved_frames(charts, (compiled.rest or compiled).whole, compiled)
    if like and like.compiled.surfaces is compiled.surfaces:
        atlas = like.atlas
    elif len(charts.first) == 0:
        atlas = no_atlas(compiled.surfaces)
    else:
        atlas = build_atlas(compiled.surfaces, compiled.images)
    return RasterScene(scene, _arrays(compiled, parts, charts, frames, atlas), charts, None, atlas)


def _arrays(
    compiled: CompiledScene,
    parts: list[NDArray[np.int64]],
    charts: Charts,
    frames: NDArray[np.float32],
    atlas: Atlas,
) -> RasterArrays:
    """Return a scene's arrays, still dark, its ``parts`` lists of triangles.

    ``frames`` (C', 2, 4) are those of the charts where things are now.
    """
    a, b, c = np.moveaxis(compiled.triangles, 1, 0)
    centroids = (a + b + c) / np.float32(3)
    orders, trees = zip(*(split(members, centroids) for members in parts), strict=True)
    order, sizes = np.concatenate(orders), np.concatenate(trees)
    triangles, normals = compiled.triangles[order], compiled.normals[order]
    vertices, corners, first_vector, low, high = share_corners(triangles, sizes)
    boxes, first_child, root = _forest([len(tree) for tree in trees], low, high)
    margin = int(charts.width.max(initial=0)) + 2
    offset = np.einsum("td,td->t", normals.astype(np.float64), triangles[:, 0].astype(np.float64))
    kind = TWO_SIDED * compiled.double_sided[order] + CUT_OUT * atlas.cut[compiled.surface[order]]
    frame, table = _chart_rows(charts, frames, compiled.surface[charts.leader], atlas)

    def filled(values: NDArray) -> NDArray:
        return _in_clusters(values, sizes)

    return RasterArrays(
        boxes=boxes,
        first_child=first_child,
        root=root,
        part_start=CLUSTER_SIZE * np.cumsum([0, *map(len, trees)], dtype=np.int32),
        first_vector=first_vector,
        vertices=vertices,
        corners=_by_cluster(filled(corners.T)),
        planes=_by_cluster(filled(np.column_stack([normals, -offset]).astype(np.float32))),
        kind=filled(kind.astype(np.uint8)),
        chart=filled(charts.of_triangle[order]),
        chart_frame=frame,
        chart_table=table,
        light=np.zeros(len(charts.position) + margin, np.uint64),
        texels=atlas.texels,
        first_texel=atlas.first,
        log_size=atlas.log_size,
        texels_per_unit=atlas.per_unit,
        category=filled(compiled.category[order]),
        object=filled(compiled.object[order]),
    )


def _in_clusters(values: NDArray, sizes: NDArray[np.int64]) -> NDArray:
    """Return rows (N, ...) of clusters of so many triangles each, filled up with zeros (T, ...)."""
    filled = np.zeros((len(sizes), CLUSTER_SIZE, *values.shape[1:]), values.dtype)
    filled[np.arange(CLUSTER_SIZE) < sizes[:, None]] = values
    return filled.reshape(-1, *values.shape[1:])


def _by_cluster(rows: NDArray) -> NDArray:
    """Return rows (T, K) of triangles as (C, K, CLUSTER_SIZE)."""
    clusters = rows.reshape(-1, CLUSTER_SIZE, rows.shape[1])
    return np.ascontiguousarray(clusters.swapaxes(1, 2))


def _parts(compiled: CompiledScene, movable: Sequence[int]) -> list[NDArray[np.int64]]:
    """Return the triangles with area of the fixed scene and of each movable object."""
    wanted = [int(row) for row in movable]
    if len(set(wanted)) < len(wanted) or any(not 0 <= r < len(compiled.objects) for r in wanted):
        raise ValueError(
            f"movable is {wanted}; different rows of the {len(compiled.objects)} objects are needed"
        )
    drawable = compiled.has_area
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
