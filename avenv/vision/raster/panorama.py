"""Pictures of everything around a camera: six faces of a cube, resampled.

The faces are a little wider than the cube's, so that what lies between two faces is filtered from
one picture alone and no border shows.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from avenv.core import parallel
from avenv.core.frames import body_rotation
from avenv.core.kernels import borrowing, inlined
from avenv.vision.camera.optics import Optics
from avenv.vision.camera.pictures import MAX_DEPTH, Pictures, as_names
from avenv.vision.camera.projection import intrinsics
from avenv.vision.raster.buffer import TILE, VisibilityBuffer
from avenv.vision.raster.render import render
from avenv.vision.raster.scene import RasterScene
from avenv.vision.renderer import Instances

_RIGHT_ANGLE = np.pi / 2
_TURNS = np.array([0, 1, 2, -1, 0, 0]) * _RIGHT_ANGLE
_TILTS = np.array([0, 0, 0, 0, 1, -1]) * _RIGHT_ANGLE
FACES = np.rint(body_rotation(_TURNS, _TILTS)).astype(np.float32)
"""(6, 3, 3) the axes (columns forward, left, up) of the faces: ahead, left, behind, right, up, down
of the camera."""

_MARGIN = 1
"""Pixels that a face is wider than the cube's on every side."""

ROWS_PER_JOB = 64

_STRAIGHTEN = np.float32(0.75)
"""Least share of its own distance that a face's pixel may be moved along its surface."""


class PanoramaRenderer:
    """Equirectangular pictures of n cameras.

    Args:
        n: cameras.
        optics: of all of them.
        sensors: the pictures wanted, of ``SENSORS``.

    Attributes:
        pictures: (n, H, W, C) by sensor, filled by ``draw``. ``depth`` is the distance from the
            camera, along the ray of each pixel's centre; ``normal`` is in the camera's axes.
    """

    def __init__(self, n: int, optics: Optics, sensors: Iterable[str]):
        width, height = optics.size
        wanted = as_names(sensors)
        self._panorama = Pictures.allocate(n, optics.size, wanted)
        self.pictures = self._panorama.sensors
        # A cube's face is coarsest in its middle; there it is as fine as the panorama.
        inner = max(width / np.pi, 2 * height / np.pi)
        side = int(np.ceil((inner + 2 * _MARGIN) / TILE)) * TILE
        self._lens = intrinsics((side, side), side / 2 - _MARGIN, converging=True)
        self._buffer = VisibilityBuffer.allocate(6 * n, (side, side))
        # Where a face's pixel lies beside the panorama's, its surface tells the way from it.
        self._faces = Pictures.allocate(
            6 * n, (side, side), (*wanted, "normal") if "depth" in wanted else wanted
        )
        azimuth = np.pi - 2 * np.pi * (np.arange(width) + 0.5) / width
        elevation = np.pi / 2 - np.pi * (np.arange(height) + 0.5) / height
        self._columns = np.stack([np.cos(azimuth), np.sin(azimuth)]).astype(np.float32)
        self._rows = np.stack([np.cos(elevation), np.sin(elevation)]).astype(np.float32)

    def draw(
        self,
        scenes: Sequence[RasterScene],
        scene_of: ArrayLike,
        positions: ArrayLike,
        rotations: ArrayLike,
        instances: Instances | None = None,
        cameras: ArrayLike | None = None,
    ) -> None:
        """Fill the pictures; arguments as for ``render``."""
        positions, rotations = np.asarray(positions), np.asarray(rotations)
        drawn = np.arange(len(positions)) if cameras is None else np.asarray(cameras, np.int64)
        render(
            scenes,
            np.repeat(scene_of, 6),
            np.repeat(positions, 6, axis=0),
            (rotations[:, None] @ FACES).reshape(-1, 3, 3),
            self._lens,
            self._faces,
            self._buffer,
            instances and _for_all_faces(instances),
            (6 * drawn[:, None] + np.arange(6)).ravel(),
        )
        tables = self._faces, self._panorama, self._columns, self._rows, self._lens.focal
        parallel.run(
            _unroll,
            (
                (i, first, min(first + ROWS_PER_JOB, self._rows.shape[1]), *tables)
                for i in drawn.tolist()
                for first in range(0, self._rows.shape[1], ROWS_PER_JOB)
            ),
        )


def _for_all_faces(instances: Instances) -> Instances:
    part, rotation, translation, light = instances
    return Instances(
        np.repeat(part, 6, axis=0),
        np.repeat(rotation, 6, axis=0),
        np.repeat(translation, 6, axis=0),
        np.repeat(np.broadcast_to(light, part.shape), 6, axis=0),
    )


# Layout: faces hold rows 6 i to 6 i + 5 for the i-th panorama; columns (2, W) and rows (2, H) are
# cosines and sines of azimuth and elevation.
@borrowing
def _unroll(i, first, end, faces, panorama, columns, rows, focal):
    """Fill the rows ``first`` to ``end`` of one panorama from its faces."""
    centre = np.float32(0.5) * np.float32(faces.rgb.shape[2])
    half = np.float32(0.5)
    for row in range(first, end):
        for column in range(columns.shape[1]):
            ahead = rows[0, row] * columns[0, column]
            left = rows[0, row] * columns[1, column]
            up = rows[1, row]
            face = _face(ahead, left, up)
            axes = FACES[face]
            k = 6 * i + face
            # The pixel's ray in the axes of the face, and where on the face it falls.
            a = ahead * axes[0, 0] + left * axes[1, 0] + up * axes[2, 0]
            b = ahead * axes[0, 1] + left * axes[1, 1] + up * axes[2, 1]
            c = ahead * axes[0, 2] + left * axes[1, 2] + up * axes[2, 2]
            x, y = centre - focal * b / a, centre - focal * c / a
            p, q = int(x), int(y)
            if len(panorama.rgb):
                _blend(faces.rgb[k], x - half, y - half, panorama.rgb[i, row, column])
            if len(panorama.depth):
                near = (np.float32(1), (centre - p - half) / focal, (centre - q - half) / focal)
                panorama.depth[i, row, column, 0] = _distance(
                    faces.depth[k, q, p, 0], faces.normal[k, q, p], near, (a, b, c)
                )
            if len(panorama.semantic):
                panorama.semantic[i, row, column, 0] = faces.semantic[k, q, p, 0]
            if len(panorama.instance):
                panorama.instance[i, row, column, 0] = faces.instance[k, q, p, 0]
            if len(panorama.normal):
                n = faces.normal[k, q, p]
                for d in range(3):
                    panorama.normal[i, row, column, d] = (
                        axes[d, 0] * n[0] + axes[d, 1] * n[1] + axes[d, 2] * n[2]
                    )


@inlined
def _face(ahead, left, up):
    """Return the face of ``FACES`` that a ray leaves through."""
    if abs(up) > max(abs(ahead), abs(left)):
        return 4 if up > 0 else 5
    if abs(left) > abs(ahead):
        return 1 if left > 0 else 3
    return 0 if ahead > 0 else 2


@inlined
def _blend(picture, x, y, color):
    """Write the bilinear mean of the four pixels around column x and row y."""
    p, q = int(x), int(y)
    u, v = x - np.float32(p), y - np.float32(q)
    for d in range(3):
        upper = picture[q, p, d] + u * (np.float32(picture[q, p + 1, d]) - picture[q, p, d])
        lower = picture[q + 1, p, d] + u * (
            np.float32(picture[q + 1, p + 1, d]) - picture[q + 1, p, d]
        )
        color[d] = np.uint8(upper + v * (lower - upper) + np.float32(0.5))


@inlined
def _distance(depth, normal, near, ray):
    """Return how far along a unit ray the surface is that a neighbouring pixel of a face shows.

    ``near`` is that pixel's ray, 1 long along the axis, ``depth`` the depth along it and
    ``normal`` that of the surface, all in the face's axes. On a plane, n·p is the same everywhere.
    """
    if depth <= 0 or depth >= MAX_DEPTH:
        return depth
    length = np.sqrt(near[0] * near[0] + near[1] * near[1] + near[2] * near[2])
    there = normal[0] * near[0] + normal[1] * near[1] + normal[2] * near[2]
    here = normal[0] * ray[0] + normal[1] * ray[1] + normal[2] * ray[2]
    if here == 0:
        here = there / length
    longer = min(max(there / here / length, _STRAIGHTEN), np.float32(1) / _STRAIGHTEN)
    return min(depth * length * longer, MAX_DEPTH)
