"""Habitat's axes and ours: the one place that knows both.

Habitat's world has x to the right, y up and z towards the viewer; an agent without rotation looks
along -z. Ours has z up, and a heading of 0 looks along +x (``avenv.core.frames``). So Habitat's
(x, y, z) is our (x, -z, y), and a heading is Habitat's turn about y plus a quarter turn.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.core import frames


def from_habitat(points: ArrayLike) -> NDArray[np.float64]:
    """Return points (..., 3) of Habitat's world in ours."""
    return frames.from_y_up(np.asarray(points, np.float64))


def to_habitat(points: ArrayLike) -> NDArray[np.float64]:
    """Return points (..., 3) of our world in Habitat's."""
    return frames.to_y_up(np.asarray(points, np.float64))


def heading_of(quaternion: ArrayLike) -> float:
    """Return the heading, radians, of whoever is turned by a quaternion (w, x, y, z).

    Of a head that is tilted too, it is that of where it looks.

    Raises:
        ValueError: it is no rotation, or looks straight up or down.
    """
    ahead = rotation_of(quaternion) @ (0.0, 0.0, -1.0)
    x, y, _ = from_habitat(ahead)
    if np.hypot(x, y) < 1e-6:
        raise ValueError(
            f"rotation is {np.asarray(quaternion).tolist()}: it looks straight up or down; "
            "accepted: one that has a heading"
        )
    return float(np.arctan2(y, x))


def quaternion_of(heading: float) -> NDArray[np.float64]:
    """Return Habitat's rotation (w, x, y, z) of who has a heading in radians and stands upright."""
    half = (heading - np.pi / 2) / 2
    return np.array([np.cos(half), 0.0, np.sin(half), 0.0])


def rotation_of(quaternion: ArrayLike) -> NDArray[np.float64]:
    """Return the matrix (3, 3) of a quaternion (w, x, y, z), of whatever length.

    Raises:
        ValueError: it is not four finite numbers, or zero.
    """
    q = np.asarray(quaternion, np.float64)
    length = np.linalg.norm(q) if q.shape == (4,) else np.nan
    if not (np.isfinite(length) and length > 1e-9):
        raise ValueError(f"rotation is {q.tolist()}; accepted: a quaternion (w, x, y, z)")
    w, x, y, z = q / length
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
