"""Flat pictures of a batch of cameras."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.core import parallel
from avenv.core.kernels import inner, kernel
from avenv.core.pinned import opened
from avenv.vision.camera.checks import finite
from avenv.vision.camera.pictures import Pictures
from avenv.vision.camera.projection import NEAR, Intrinsics, pose_rows, posed_at
from avenv.vision.raster.buffer import HIDDEN, TILE, VisibilityBuffer
from avenv.vision.raster.hierarchy import CLUSTER_SIZE
from avenv.vision.raster.instances import camera_poses, placed
from avenv.vision.raster.scene import RasterScene
from avenv.vision.raster.shading import DrawList, label, measure, orient, shade
from avenv.vision.raster.strip import ROOM, Strip
from avenv.vision.raster.triangles import CORNERS, SEEN_ROWS, Workbench, draw_cluster, fetch_cluster
from avenv.vision.raster.visibility import (
    BUCKETS,
    Search,
    Tiles,
    begin,
    is_hidden,
    look_ahead,
    look_into,
    mark_stale,
)
from avenv.vision.renderer import Instances

CAMERAS_PER_JOB = 2
"""Few enough to share a small batch among cores, enough to hide what a call costs."""


def render(
    scenes: Sequence[RasterScene],
    scene_of: ArrayLike,
    positions: ArrayLike,
    rotations: ArrayLike,
    lens: Intrinsics,
    pictures: Pictures,
    buffer: VisibilityBuffer,
    instances: Instances | None = None,
    cameras: ArrayLike | None = None,
) -> None:
    """Draw what n cameras see.

    Args:
        scenes: the distinct scenes.
        scene_of: (n,) which of them each camera is in.
        positions: (n, 3) metres.
        rotations: (n, 3, 3), columns forward, left and up as ``core.frames.body_rotation`` gives.
        lens: what they share.
        pictures: of n cameras, to draw into.
        buffer: of n cameras, scratch.
        instances: where the scenes' movable parts are; by default, where they were compiled.
        cameras: (m,) numbers of those to draw; by default all n.

    Raises:
        ValueError: a shape does not fit, a pose is not finite, or a part is not there.
    """
    n = len(buffer.nearness)
    scene_of = np.asarray(scene_of, np.int64)
    positions = finite("positions", positions, (n, 3))
    rotations = finite("rotations", rotations, (n, 3, 3))
    numbers = scene_of.tolist()
    if scene_of.shape != (n,) or min(numbers) < 0 or max(numbers) >= len(scenes):
        raise ValueError(
            f"scene_of is {scene_of}; an index below {len(scenes)} per camera ({n}) is needed"
        )
    instances = placed(instances, scenes, scene_of)
    things = instances.part, instances.light
    poses = pose_rows(*camera_poses(instances, positions, rotations))
    drawn = np.arange(n) if cameras is None else np.asarray(cameras, np.int64)
    parallel.run(
        draw_cameras,
        (
            (scenes[key].pinned, drawn[members], poses, things, lens, pictures, buffer)
            for key, members in parallel.runs_by_key(scene_of[drawn], CAMERAS_PER_JOB)
        ),
    )


class _Scratch(NamedTuple):
    """Arrays that drawing pictures needs, made once per job: I boxes, K instances."""

    search: Search
    tiles: Tiles
    work: Workbench
    drawn: DrawList
    part: NDArray[np.int32]  # (1 + K,) part that each thing drawn is, -1 for none
    strip: Strip


@kernel
def draw_cameras(scene, cameras, poses, things, lens, pictures, buffer):
    """Draw the pictures of some cameras, all in one scene.

    All of them share the scratch of the first, which no other job touches: it stays in the cache.
    ``poses`` (n, 1 + K, 12) are those of all cameras and their instances; ``things`` are the part
    of each instance (n, K), and by how many light samples its light lies further on (n, K).
    """
    scene = opened(scene)
    height, width = pictures.rgb.shape[1], pictures.rgb.shape[2]
    nearness, triangle = buffer.nearness[cameras[0]], buffer.triangle[cameras[0]]
    grid = (nearness.shape[0] // TILE, nearness.shape[1] // TILE)
    boxes, count = len(scene.planes) + len(scene.boxes), poses.shape[1]
    scratch = _Scratch(
        Search(
            np.empty(BUCKETS, np.int32),
            np.empty(boxes, np.int32),
            np.empty(boxes, np.float32),
            np.empty((4, boxes), np.int32),
        ),
        Tiles(np.empty(grid, np.float32), np.empty(grid, np.bool_)),
        Workbench(
            np.empty((SEEN_ROWS, CORNERS + 2), np.float32),
            np.empty((2, CORNERS + 2), np.int32),
            np.empty(CLUSTER_SIZE, np.float32),
            np.empty(CLUSTER_SIZE + 1, np.int32),
            np.empty(4, np.int32),
        ),
        DrawList(
            np.empty(count, np.int32),
            np.empty(count, np.int32),
            np.empty((count, 12), np.float32),
            np.empty(count, np.int32),
        ),
        np.empty(count, np.int32),
        Strip(np.empty(8 * ROOM, np.int32), np.empty(ROOM, np.uint64)),
    )
    for i in cameras:
        _list_things(scene, poses, things, i, scratch)
        _clear(width, height, nearness, triangle, scratch.tiles)
        _draw(scene, lens, scratch, height, width, nearness, triangle)
        _resolve(scene, lens, i, nearness, triangle, scratch, pictures)


@inner
def _list_things(scene, poses, things, i, scratch):
    """Number the triangles of the scene and of camera i's instances, one after the other."""
    parts, lights = things
    drawn, first = scratch.drawn, 0
    for k in range(poses.shape[1]):
        part = 0 if k == 0 else 1 + parts[i, k - 1]
        scratch.part[k] = part if k == 0 or part > 0 else -1
        drawn.first[k] = first
        drawn.shift[k] = first - scene.part_start[part]
        drawn.light[k] = 0 if k == 0 else lights[i, k - 1]
        for axis in range(12):
            drawn.pose[k, axis] = poses[i, k, axis]
        if scratch.part[k] >= 0:
            first += scene.part_start[part + 1] - scene.part_start[part]


@inner
def _draw(scene, lens, scratch, height, width, nearness, triangle):
    """Fill the visibility buffer, thing by thing, each from near to far."""
    search, tiles, size = scratch.search, scratch.tiles, (height, width)
    clusters = np.uint64(len(scene.planes))
    for thing in range(len(scratch.part)):
        if scratch.part[thing] < 0:
            continue
        camera = posed_at(scratch.drawn.pose, thing, lens)
        begin(search, clusters + np.uint64(scene.root[scratch.part[thing]]), tiles)
        for bucket in range(BUCKETS):
            while search.head[bucket] >= 0:
                k = np.uint64(search.head[bucket])
                search.head[bucket] = search.next[k]
                if is_hidden(search, k, lens.converging, nearness, tiles):
                    continue
                if k >= clusters:
                    look_into(scene, camera, k - clusters, bucket, tiles, search)
                    continue
                following = look_ahead(search, bucket)
                if following >= 0 and np.uint64(following) < clusters:
                    fetch_cluster(scene, following)
                clips = search.nearest[k] < NEAR
                draw_cluster(
                    scene, camera, k, clips, scratch.drawn.shift[thing], size, scratch.work,
                    nearness, triangle,
                )  # fmt: skip
                mark_stale(search, k, tiles)


@inner
def _clear(width, height, nearness, triangle, tiles):
    # Pixels that only fill up the last tiles count as hidden, so that they never hold a tile open.
    nearness[:height, :width] = -HIDDEN
    nearness[height:] = HIDDEN
    nearness[:, width:] = HIDDEN
    triangle[:] = -1
    tiles.farthest[:] = -HIDDEN
    tiles.stale[:] = False


@inner
def _resolve(scene, lens, i, nearness, triangle, scratch, pictures):
    drawn = scratch.drawn
    if len(pictures.rgb):
        shade(scene, lens, drawn, triangle, scratch.strip, pictures.rgb[i])
    if len(pictures.depth):
        measure(lens.converging, nearness, triangle, pictures.depth[i])
    if len(pictures.semantic):
        label(scene.category, 0, drawn, triangle, pictures.semantic[i])
    if len(pictures.instance):
        label(scene.object, 1, drawn, triangle, pictures.instance[i])
    if len(pictures.normal):
        orient(scene, lens, drawn, triangle, pictures.normal[i])
