"""Where a pixel lies: on its triangle's plane, and on its chart's texture and light map."""

import numpy as np

from avenv.core.kernels import inlined
from avenv.vision.camera.projection import across, affine_at, eye, pivot
from avenv.vision.raster.hierarchy import CLUSTER_SIZE

_HALF = np.float32(0.5)
_FAINT = np.float32(1e-6)
_SIZE = np.uint64(CLUSTER_SIZE)


@inlined
def plane_of(scene, t):
    """Return (n_x, n_y, n_z, d), which tell the height above the plane of triangle t (uint64)."""
    planes, c, n = scene.planes, t // _SIZE, t % _SIZE
    return planes[c, 0, n], planes[c, 1, n], planes[c, 2, n], planes[c, 3, n]


@inlined
def nearness_plane(plane, height, camera):
    """Return (p, q, r): nearness is p * column + q * row + r all over a plane's picture.

    ``plane`` (n_x, n_y, n_z, d) tells the height above it, ``height`` that of the eye.
    """
    left, up = across(plane, camera)
    steep = np.float32(1) / height
    p = left * steep / camera.focal
    q = up * steep / camera.focal
    r = -affine_at(plane, pivot(camera)) * steep
    return p, q, r - p * (camera.centre_x - _HALF) - q * (camera.centre_y - _HALF)


@inlined
def along_row(frames, chart, first, near, row, camera):
    """Return (a, b): a chart's u (first = 0) or v (4) is (a + b * column) / (nearness or 1).

    ``near`` (start, slope): nearness is start + slope * column along the row; it divides in
    perspective only.
    """
    f = (
        frames[chart, first],
        frames[chart, first + 1],
        frames[chart, first + 2],
        frames[chart, first + 3],
    )
    left, up = across(f, camera)
    at_eye = affine_at(f, eye(camera))
    per_pixel = np.float32(1) / camera.focal
    a = at_eye * near[0] + affine_at(f, pivot(camera))
    a += per_pixel * (up * (camera.centre_y - _HALF - row) + left * (camera.centre_x - _HALF))
    return a, at_eye * near[1] - per_pixel * left


@inlined
def divisor(near, column):
    """Return what u and v along a row are multiplied by at a column."""
    return np.float32(1) / max(near[0] + near[1] * np.float32(column), _FAINT)
