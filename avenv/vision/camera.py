"""The pinhole camera: where a point of the world falls in the picture."""

from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

KERNEL = {"cache": True, "nogil": True, "error_model": "numpy"}
"""How the kernels are compiled. No fastmath: an edge must come out the same from both sides."""

NEAR = np.float32(0.02)
"""Nearest depth that is drawn, metres."""


class Camera(NamedTuple):
    """One camera, all float32: position, three unit axes in the world, and the picture.

    A point at (ahead, left, up) metres falls on column ``centre_x - focal * left / ahead`` and row
    ``centre_y - focal * up / ahead``; the centre of pixel (0, 0) lies at (0.5, 0.5).
    """

    x: float
    y: float
    z: float
    ahead_x: float
    ahead_y: float
    ahead_z: float
    left_x: float
    left_y: float
    left_z: float
    up_x: float
    up_y: float
    up_z: float
    focal: float
    centre_x: float
    centre_y: float


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


@nb.njit(**KERNEL)
def camera_at(
    position: NDArray[np.float64],
    rotation: NDArray[np.float64],
    focal: float,
    width: int,
    height: int,
) -> Camera:
    """Return the camera at ``position`` (3,) with the columns of ``rotation`` (3, 3) as its axes."""
    f = np.float32
    return Camera(
        f(position[0]), f(position[1]), f(position[2]),
        f(rotation[0, 0]), f(rotation[1, 0]), f(rotation[2, 0]),
        f(rotation[0, 1]), f(rotation[1, 1]), f(rotation[2, 1]),
        f(rotation[0, 2]), f(rotation[1, 2]), f(rotation[2, 2]),
        f(focal), f(0.5 * width), f(0.5 * height),
    )  # fmt: skip
