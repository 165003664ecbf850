"""Vectors in space and in the plane, many at a time."""

import math

import numpy as np
from numpy.typing import NDArray


def norm(x: float, y: float) -> float:
    """Return the length of a vector in the plane: everywhere the same bits.

    ``math.hypot`` and ``math.dist`` round otherwise from one release of Python to the next, and
    ``numpy.hypot`` from one C library to another; square roots do not.
    """
    return math.sqrt(x * x + y * y)


def cross(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the cross products (..., 3) of vectors of the same shape; the bits of ``numpy.cross``.

    That takes several times as long for the few vectors of a piece of furniture.
    """
    out = np.empty(a.shape, np.result_type(a, b))
    x, y, z = a[..., 0], a[..., 1], a[..., 2]
    u, v, w = b[..., 0], b[..., 1], b[..., 2]
    out[..., 0], out[..., 1], out[..., 2] = y * w - z * v, z * u - x * w, x * v - y * u
    return out


def plane_cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return twice the signed areas (...) that vectors (..., 2) of the plane span with others.

    It is positive where b points to the left of a.
    """
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
