"""Projection: where a point of the world falls in the picture.

Two projections share all arithmetic. *Nearness* is what both have in common: a quantity that grows
towards the camera and is linear across the picture of a plane, 1 / depth in perspective and
-depth in an orthographic picture. An affine function of the world, f(x, y, z) = n · (x, y, z) + d,
takes on a surface of nearness N at (left, up) of the picture's middle the value

    f = (f(eye) N + f(pivot) + left f(left axis) + up f(up axis)) / (N or 1),

with N below the line in perspective and 1 in orthographic pictures, where the homogeneous points
eye and pivot are (camera, 1) and (ahead, 0) in perspective and (-ahead, 0) and (camera, 1) in
orthographic pictures. With f = 0 for a plane, this gives its nearness all over the picture.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core.kernels import inlined

NEAR = np.float32(0.02)
"""Nearest depth that is drawn, metres."""


def focal_length(width: int, hfov: float) -> float:
    """Return the focal length in pixels of a picture ``width`` wide that spans ``hfov`` radians.

    Raises:
        ValueError: hfov does not lie between 0 and pi, both excluded.
    """
    if not 0 < hfov < np.pi:
        raise ValueError(
            f"hfov is {np.degrees(hfov):g} degrees; more than 0 and less than 180 is needed"
        )
    return width / 2 / float(np.tan(hfov / 2))


class Intrinsics(NamedTuple):
    """What flat pictures of one size and projection share; ``intrinsics`` makes one.

    Attributes:
        focal: pixels that show a metre (1 m ahead in perspective).
        centre_x, centre_y: the middle of the picture, pixels.
        converging: lines of sight meet in the eye (perspective) instead of being parallel.
    """

    focal: np.float32
    centre_x: np.float32
    centre_y: np.float32
    converging: np.bool_


def intrinsics(size: tuple[int, int], focal: float, converging: bool) -> Intrinsics:
    """Return the intrinsics of pictures (width, height) whose optical axis is in their middle."""
    width, height = size
    return Intrinsics(
        np.float32(focal), np.float32(width / 2), np.float32(height / 2), np.bool_(converging)
    )


class PosedCamera(NamedTuple):
    """Intrinsics in a place: position and three unit axes in the world.

    A point at (ahead, left, up) metres falls on column ``centre_x - focal * left / ahead`` and row
    ``centre_y - focal * up / ahead``, undivided if not ``converging``; the centre of pixel (0, 0)
    lies at (0.5, 0.5).
    """

    x: np.float32
    y: np.float32
    z: np.float32
    ahead_x: np.float32
    ahead_y: np.float32
    ahead_z: np.float32
    left_x: np.float32
    left_y: np.float32
    left_z: np.float32
    up_x: np.float32
    up_y: np.float32
    up_z: np.float32
    focal: np.float32
    centre_x: np.float32
    centre_y: np.float32
    converging: np.bool_


# Layout: poses (n, 12): position, then the axes ahead, left and up.
@inlined
def posed_at(poses, k, lens):
    """Return the camera of intrinsics ``lens`` whose position and axes are row k of ``poses``."""
    p = poses
    return PosedCamera(
        p[k, 0], p[k, 1], p[k, 2], p[k, 3], p[k, 4], p[k, 5],
        p[k, 6], p[k, 7], p[k, 8], p[k, 9], p[k, 10], p[k, 11],
        lens.focal, lens.centre_x, lens.centre_y, lens.converging,
    )  # fmt: skip


@inlined
def eye(camera):
    """Return the homogeneous point (x, y, z, w) where all lines of sight meet."""
    one, zero = np.float32(1), np.float32(0)
    if camera.converging:
        return camera.x, camera.y, camera.z, one
    return -camera.ahead_x, -camera.ahead_y, -camera.ahead_z, zero


@inlined
def pivot(camera):
    """Return the homogeneous point (x, y, z, w) that stands for the middle of the picture."""
    one, zero = np.float32(1), np.float32(0)
    if camera.converging:
        return camera.ahead_x, camera.ahead_y, camera.ahead_z, zero
    return camera.x, camera.y, camera.z, one


@inlined
def affine_at(f, point):
    """Return an affine function (n_x, n_y, n_z, d) of a homogeneous point."""
    return f[0] * point[0] + f[1] * point[1] + f[2] * point[2] + f[3] * point[3]


@inlined
def across(f, camera):
    """Return an affine function's change along the camera's left and up axes, per metre."""
    left = f[0] * camera.left_x + f[1] * camera.left_y + f[2] * camera.left_z
    up = f[0] * camera.up_x + f[1] * camera.up_y + f[2] * camera.up_z
    return left, up


def pose_rows(
    positions: NDArray[np.float64], rotations: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return poses (..., 12) of positions (..., 3) and rotations (..., 3, 3) with axes as columns.

    Rows of the result hold the position, then the axes ahead, left and up.
    """
    rows = np.empty((*positions.shape[:-1], 12), np.float32)
    rows[..., :3] = positions
    for axis in range(3):
        rows[..., 3 + 3 * axis : 6 + 3 * axis] = rotations[..., axis]
    return rows
