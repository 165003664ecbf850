"""The pinhole camera: where a point of the world falls in the picture."""

from typing import NamedTuple

import numpy as np

from avenv.kernels import kernel

NEAR = np.float32(0.02)
"""Nearest depth that is drawn, metres."""


class Camera(NamedTuple):
    """One camera: position, three unit axes in the world, and the picture.

    A point at (ahead, left, up) metres falls on column ``centre_x - focal * left / ahead`` and row
    ``centre_y - focal * up / ahead``; the centre of pixel (0, 0) lies at (0.5, 0.5).
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


def focal_length(width: int, hfov: float) -> float:
    """Return the focal length in pixels of a picture ``width`` wide that spans ``hfov`` radians.

    Raises:
        ValueError: hfov does not lie between 0 and pi, both excluded.
    """
    if not 0 < hfov < np.pi:
        raise ValueError(
            f"hfov is {np.degrees(hfov):g} degrees; more than 0 and less than 180 is needed"
        )
    return float(width / 2 / np.tan(hfov / 2))


@kernel
def camera_at(position, rotation, focal, width, height):
    """Return the camera at ``position`` (3,) whose axes are the columns of ``rotation`` (3, 3)."""
    f = np.float32
    return Camera(
        f(position[0]), f(position[1]), f(position[2]),
        f(rotation[0, 0]), f(rotation[1, 0]), f(rotation[2, 0]),
        f(rotation[0, 1]), f(rotation[1, 1]), f(rotation[2, 1]),
        f(rotation[0, 2]), f(rotation[1, 2]), f(rotation[2, 2]),
        f(focal), f(0.5 * width), f(0.5 * height),
    )  # fmt: skip
