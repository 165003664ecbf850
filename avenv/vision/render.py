"""Perspective pictures of a batch of cameras."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv import parallel
from avenv.kernels import borrowing, kernel
from avenv.vision.camera import NEAR, camera_at, focal_length
from avenv.vision.clusters import CLUSTER_SIZE, RasterScene
from avenv.vision.images import TILE, Frames
from avenv.vision.shading import label, measure, orient, shade
from avenv.vision.triangles import VIEW_ROWS, draw_cluster
from avenv.vision.visibility import (
    BUCKETS,
    HIDDEN,
    Tiles,
    front_to_back,
    is_hidden,
    mark_stale,
    nearest_depths,
    tiles_of_cluster,
)

CAMERAS_PER_JOB = 2
"""Few enough to share a small batch among cores, enough to hide what a call costs."""


def render(
    scenes: Sequence[RasterScene],
    scene_of: ArrayLike,
    positions: ArrayLike,
    rotations: ArrayLike,
    hfov: float,
    frames: Frames,
    rows: ArrayLike | None = None,
) -> None:
    """Draw what n cameras see into ``frames``.

    Args:
        scenes: the distinct scenes.
        scene_of: (n,) which of them each camera is in.
        positions: (n, 3) metres.
        rotations: (n, 3, 3), columns forward, left and up as ``avenv.frames.body_rotation`` gives.
        hfov: horizontal field of view in radians; pixels are square.
        frames: n pictures to draw into.
        rows: the cameras to draw, all by default; the pictures of the others are left alone.

    Raises:
        ValueError: a shape does not fit, a pose is not finite, or hfov is not within (0, pi).
    """
    n = frames.cameras
    focal = focal_length(frames.width, hfov)
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
    parallel.run(
        draw_cameras,
        (
            (scenes[key].arrays, wanted[members], positions, rotations, focal, frames)
            for key, members in parallel.runs_by_key(scene_of[wanted], CAMERAS_PER_JOB)
        ),
    )


def finite(name: str, values: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return a copy as float64 in C order.

    Raises:
        ValueError: it has another shape or a number that is not finite; the message says ``name``.
    """
    # A copy, so that the kernel never sees a read-only or strided array and compiles once.
    array = np.array(values, np.float64, order="C")
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}; {shape} is needed")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} is {array.tolist()}; finite numbers are needed")
    return array


class _Scratch(NamedTuple):
    """Arrays that drawing one picture needs: C clusters, W columns."""

    depths: NDArray[np.float32]  # (C,)
    order: NDArray[np.int32]  # (C,)
    starts: NDArray[np.int32]  # (BUCKETS + 1,)
    corners: NDArray[np.float32]  # (VIEW_ROWS, most corners of a cluster)
    polygon: NDArray[np.float32]  # (3, 4)
    left: NDArray[np.float32]  # (W,)
    depth: NDArray[np.float32]  # (W,)
    albedo: NDArray[np.uint64]  # (W,)


@kernel
def draw_cameras(scene, cameras, positions, rotations, focal, frames):
    """Draw the pictures of some cameras, all in one scene.

    All of them share the scratch of the first, which no other job touches: it stays in the cache.
    """
    height, width = frames.rgb.shape[1], frames.rgb.shape[2]
    nearness, triangle = frames.nearness[cameras[0]], frames.triangle[cameras[0]]
    clusters = scene.box_centre.shape[1]
    grid = (nearness.shape[0] // TILE, nearness.shape[1] // TILE)
    tiles = Tiles(np.empty(grid, np.float32), np.empty(grid, np.bool_))
    scratch = _Scratch(
        np.empty(clusters, np.float32),
        np.empty(clusters, np.int32),
        np.empty(BUCKETS + 1, np.int32),
        np.empty((VIEW_ROWS, 3 * CLUSTER_SIZE), np.float32),
        np.empty((3, 4), np.float32),
        np.empty(width, np.float32),
        np.empty(width, np.float32),
        np.empty(width, np.uint64),
    )
    for i in cameras:
        camera = camera_at(positions[i], rotations[i], focal, width, height)
        _clear(width, height, nearness, triangle, tiles)
        _draw(scene, camera, scratch, tiles, nearness, triangle)
        _resolve(scene, camera, i, nearness, triangle, scratch, frames)


@borrowing
def _draw(scene, camera, scratch, tiles, nearness, triangle):
    """Fill the visibility buffer, from near to far."""
    depths, order = scratch.depths, scratch.order
    nearest_depths(scene, camera, depths)
    visible = front_to_back(depths, scratch.starts, order)
    for n in range(visible):
        k = order[n]
        span = tiles_of_cluster(scene, camera, k, depths[k], tiles)
        if not is_hidden(span, depths[k], nearness, tiles):
            clips = depths[k] < NEAR
            draw_cluster(
                scene, camera, k, clips, scratch.corners, scratch.polygon, nearness, triangle
            )
            mark_stale(span, tiles)


@borrowing
def _clear(width, height, nearness, triangle, tiles):
    # Pixels that only fill up the last tiles count as hidden, so that they never hold a tile open.
    nearness[:height, :width] = 0
    nearness[height:] = HIDDEN
    nearness[:, width:] = HIDDEN
    triangle[:] = -1
    tiles.farthest[:] = 0
    tiles.stale[:] = False


@borrowing
def _resolve(scene, camera, i, nearness, triangle, scratch, frames):
    if len(frames.rgb):
        left, depth, albedo = scratch.left, scratch.depth, scratch.albedo
        shade(scene, camera, nearness, triangle, left, depth, albedo, frames.rgb[i])
    if len(frames.depth):
        measure(nearness, frames.depth[i])
    if len(frames.semantic):
        label(scene.category, 0, triangle, frames.semantic[i])
    if len(frames.instance):
        label(scene.object, 1, triangle, frames.instance[i])
    if len(frames.normal):
        orient(scene, camera, triangle, frames.normal[i])
