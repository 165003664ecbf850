"""The one place for coordinate conventions.

World: right-handed, metres, Z up. Heading: radians, counter-clockwise seen from above, 0 = +X.
Body: x forward, y left, z up. Azimuth is positive to the left, elevation positive up. Pitch is
positive when the gaze rises. All functions broadcast over leading dimensions.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.core.kernels import inlined


def wrap_angle(angle: ArrayLike) -> NDArray[np.float64]:
    """Return the same direction as an angle in [-pi, pi), radians."""
    return (np.asarray(angle, np.float64) + np.pi) % (2 * np.pi) - np.pi


def forward(heading: ArrayLike) -> NDArray[np.float64]:
    """Return the horizontal unit vector (..., 2) that a body with this heading faces."""
    heading = np.asarray(heading, np.float64)
    ahead = np.empty((*heading.shape, 2))
    ahead[..., 0], ahead[..., 1] = np.cos(heading), np.sin(heading)
    return ahead


def body_rotation(heading: ArrayLike, pitch: ArrayLike = 0.0) -> NDArray[np.float64]:
    """Return rotations (..., 3, 3) whose columns are a body's forward, left and up in the world."""
    heading, pitch = np.asarray(heading, np.float64), np.asarray(pitch, np.float64)
    ch, sh, cp, sp = np.cos(heading), np.sin(heading), np.cos(pitch), np.sin(pitch)
    ahead = ch * cp
    rotation = np.zeros((*ahead.shape, 3, 3))
    rotation[..., 0, 0], rotation[..., 1, 0], rotation[..., 2, 0] = ahead, sh * cp, sp
    rotation[..., 0, 1], rotation[..., 1, 1] = -sh, ch
    rotation[..., 0, 2], rotation[..., 1, 2], rotation[..., 2, 2] = -ch * sp, -sh * sp, cp
    return rotation


def to_body(vector: ArrayLike, heading: ArrayLike) -> NDArray[np.float64]:
    """Return world vectors (..., 3) as seen from bodies of this heading."""
    vector, heading = np.asarray(vector, np.float64), np.asarray(heading, np.float64)
    c, s = np.cos(heading), np.sin(heading)
    x, y, z = vector[..., 0], vector[..., 1], vector[..., 2]
    ahead = c * x + s * y
    seen = np.empty((*ahead.shape, 3))
    seen[..., 0], seen[..., 1], seen[..., 2] = ahead, c * y - s * x, z
    return seen


@inlined
def ahead_and_left(x, y, heading):
    """Return the first two components of ``to_body``, in kernels: of one horizontal vector."""
    c, s = np.cos(heading), np.sin(heading)
    return c * x + s * y, c * y - s * x


def azimuth_elevation(
    vector: ArrayLike,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return azimuth and elevation (...) in radians of body-frame vectors (..., 3)."""
    v = np.asarray(vector, np.float64)
    horizontal = np.hypot(v[..., 0], v[..., 1])
    return np.arctan2(v[..., 1], v[..., 0]), np.arctan2(v[..., 2], horizontal)


def direction(azimuth: ArrayLike, elevation: ArrayLike = 0.0) -> NDArray[np.float64]:
    """Return the body-frame unit vectors (..., 3) of these angles, the inverse of the above."""
    azimuth, elevation = np.broadcast_arrays(
        np.asarray(azimuth, np.float64), np.asarray(elevation, np.float64)
    )
    c = np.cos(elevation)
    return np.stack([c * np.cos(azimuth), c * np.sin(azimuth), np.sin(elevation)], axis=-1)


def from_y_up(points: ArrayLike) -> NDArray[np.float64]:
    """Return points (..., 3) of a Y-up file (glTF) in the Z-up world: (x, y, z) -> (x, -z, y)."""
    p = np.asarray(points, np.float64)
    return np.stack([p[..., 0], -p[..., 2], p[..., 1]], axis=-1)


def to_y_up(points: ArrayLike) -> NDArray[np.float64]:
    """Return Z-up points (..., 3) as a Y-up file (glTF) wants them, the inverse of the above."""
    p = np.asarray(points, np.float64)
    return np.stack([p[..., 0], p[..., 2], -p[..., 1]], axis=-1)


def check_radians(name: str, angles: ArrayLike) -> None:
    """Raise ``ValueError`` if an angle is beyond ±2π, as one in degrees mostly is."""
    given = np.asarray(angles, np.float64)
    beyond = np.abs(given) > 2 * np.pi + 1e-9
    if beyond.any():
        worst = float(given[beyond].flat[0])
        raise ValueError(
            f"{name} is {worst:g}, more than a turn; accepted: radians from -2π to 2π "
            f"({worst:g}° are math.radians({worst:g}) = {np.radians(worst):.4g})"
        )
