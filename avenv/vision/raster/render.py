"""Perspective pictures of a batch of cameras."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.core import parallel
from avenv.core.kernels import inner, kernel
from avenv.vision.camera.pictures import HIDDEN, TILE, Frames
from avenv.vision.camera.projection import NEAR, Lens, View, camera_at, perspective, pose_rows
from avenv.vision.raster.clusters import RasterScene
from avenv.vision.raster.hierarchy import CLUSTER_SIZE
from avenv.vision.raster.instances import Instances, camera_poses, placed
from avenv.vision.raster.shading import PIECE, Layers, label, measure, orient, shade
from avenv.vision.raster.triangles import CORNERS, VIEW_ROWS, Workbench, draw_cluster
from avenv.vision.raster.visibility import (
    BUCKETS,
    Search,
    Tiles,
    begin,
    is_hidden,
    look_into,
    mark_stale,
)

CAMERAS_PER_JOB = 2
"""Few enough to share a small batch among cores, enough to hide what a call costs."""


def render(
    scenes: Sequence[RasterScene],
    scene_of: ArrayLike,
    positions: ArrayLike,
    rotations: ArrayLike,
    lens: float | Lens,
    frames: Frames,
    rows: ArrayLike | None = None,
    instances: Instances | None = None,
) -> None:
    """Draw what n cameras see into ``frames``.

    Args:
        scenes: the distinct scenes.
        scene_of: (n,) which of them each camera is in.
        positions: (n, 3) metres.
        rotations: (n, 3, 3), columns forward, left and up as ``core.frames.body_rotation`` gives.
        lens: ``perspective(hfov)`` or ``orthographic(metres)``; a number is an hfov, the horizontal
            field of view in radians. Pixels are square.
        frames: n pictures to draw into.
        rows: the cameras to draw, all by default; the pictures of the others are left alone.
        instances: where the scenes' movable parts are; by default, where they were compiled.

    Raises:
        ValueError: a shape does not fit, a pose is not finite, or the lens or a part is not there.
    """
    n = frames.cameras
    lens = lens if isinstance(lens, Lens) else perspective(lens)
    scene_of = np.asarray(scene_of, np.int64)
    positions = finite("positions", positions, (n, 3))
    rotations = finite("rotations", rotations, (n, 3, 3))
    if scene_of.shape != (n,) or scene_of.min() < 0 or scene_of.max() >= len(scenes):
        raise ValueError(
            f"scene_of is {scene_of}; an index below {len(scenes)} per camera ({n}) is needed"
        )
    wanted = np.arange(n) if rows is None else np.unique(np.asarray(rows, np.int64))
    if len(wanted) and (wanted[0] < 0 or wanted[-1] >= n):
        raise ValueError(f"rows is {wanted}; indices of {n} cameras are needed")
    parts, standing = np.array([(scene.parts, scene.standing) for scene in scenes])[scene_of].T
    instances = placed(instances, parts, standing)
    poses = pose_rows(*camera_poses(instances, positions, rotations))
    view = View(
        np.float32(lens.focal(frames.width)),
        np.float32(frames.width / 2),
        np.float32(frames.height / 2),
        np.bool_(lens.converging),
    )
    parallel.run(
        draw_cameras,
        (
            (scenes[key].arrays, wanted[members], poses, instances.part, view, frames)
            for key, members in parallel.runs_by_key(scene_of[wanted], CAMERAS_PER_JOB)
        ),
    )


def finite(name: str, values: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return a copy as float64 in C order.

    Raises:
        ValueError: it has another shape or a number that is not finite; the message says ``name``.
    """
    # A copy, so that the kernel never sees a read-only or strided array and compiles once.
    try:
        array = np.array(values, np.float64, order="C")
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {values!r}; numbers are needed") from None
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}; {shape} is needed")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} is {array.tolist()}; finite numbers are needed")
    return array


class _Room(NamedTuple):
    """Arrays that drawing pictures needs, made once per job: I boxes, K instances."""

    search: Search
    tiles: Tiles
    work: Workbench
    layers: Layers
    part: NDArray[np.int32]  # (1 + K,) part that a layer shows
    places: NDArray[np.int32]  # (8 * PIECE,)


@kernel
def draw_cameras(scene, cameras, poses, parts, view, frames):
    """Draw the pictures of some cameras, all in one scene.

    All of them share the scratch of the first, which no other job touches: it stays in the cache.
    ``poses`` (n, 1 + K, 12) and ``parts`` (n, K) are those of all cameras and their instances.
    """
    height, width = frames.rgb.shape[1], frames.rgb.shape[2]
    nearness, triangle = frames.nearness[cameras[0]], frames.triangle[cameras[0]]
    grid = (nearness.shape[0] // TILE, nearness.shape[1] // TILE)
    boxes, layers = len(scene.first_triangle) - 1 + len(scene.boxes), poses.shape[1]
    room = _Room(
        Search(
            np.empty(BUCKETS, np.int32),
            np.empty(boxes, np.int32),
            np.empty(boxes, np.float32),
            np.empty((4, boxes), np.int32),
        ),
        Tiles(np.empty(grid, np.float32), np.empty(grid, np.bool_)),
        Workbench(
            np.empty((VIEW_ROWS, CORNERS + 2), np.float32),
            np.empty((2, CORNERS + 2), np.int32),
            np.empty(CLUSTER_SIZE, np.float32),
            np.empty(CLUSTER_SIZE + 1, np.int32),
            np.empty(4, np.int32),
        ),
        Layers(
            np.empty(layers, np.int32),
            np.empty(layers, np.int32),
            np.empty((layers, 12), np.float32),
        ),
        np.empty(layers, np.int32),
        np.empty(8 * PIECE, np.int32),
    )
    for i in cameras:
        _stack_layers(scene, poses, parts, i, room)
        _clear(width, height, nearness, triangle, room.tiles)
        _draw(scene, view, room, height, width, nearness, triangle)
        _resolve(scene, view, i, nearness, triangle, room, frames)


@inner
def _stack_layers(scene, poses, parts, i, room):
    """Number the triangles of the scene and of camera i's instances, one after the other."""
    layers, first = room.layers, 0
    for k in range(poses.shape[1]):
        part = 0 if k == 0 else 1 + parts[i, k - 1]
        room.part[k] = part if k == 0 or part > 0 else -1
        layers.first[k] = first
        layers.shift[k] = first - scene.part_start[part]
        for axis in range(12):
            layers.pose[k, axis] = poses[i, k, axis]
        if room.part[k] >= 0:
            first += scene.part_start[part + 1] - scene.part_start[part]


@inner
def _draw(scene, view, room, height, width, nearness, triangle):
    """Fill the visibility buffer, layer by layer, each from near to far."""
    search, tiles, size = room.search, room.tiles, (height, width)
    clusters = len(scene.first_triangle) - 1
    for layer in range(len(room.part)):
        if room.part[layer] < 0:
            continue
        camera = camera_at(room.layers.pose, layer, view)
        begin(search, clusters + scene.root[room.part[layer]], tiles)
        for bucket in range(BUCKETS):
            while search.head[bucket] >= 0:
                k = np.uint64(search.head[bucket])
                search.head[bucket] = search.next[k]
                if is_hidden(search, k, view.converging, nearness, tiles):
                    continue
                if k >= clusters:
                    look_into(scene, camera, k - np.uint64(clusters), bucket, tiles, search)
                    continue
                clips = search.nearest[k] < NEAR
                draw_cluster(
                    scene, camera, k, clips, room.layers.shift[layer], size, room.work,
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
def _resolve(scene, view, i, nearness, triangle, room, frames):
    layers = room.layers
    if len(frames.rgb):
        shade(scene, view, layers, triangle, room.places, frames.rgb[i])
    if len(frames.depth):
        measure(view.converging, nearness, triangle, frames.depth[i])
    if len(frames.semantic):
        label(scene.category, 0, layers, triangle, frames.semantic[i])
    if len(frames.instance):
        label(scene.object, 1, layers, triangle, frames.instance[i])
    if len(frames.normal):
        orient(scene, view, layers, triangle, frames.normal[i])
