"""Spherical harmonics, the channels of ambisonics."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray


def spherical_harmonics(order: int, directions: ArrayLike) -> NDArray[np.float64]:
    """Return the real spherical harmonics (..., (order + 1)²) of unit vectors (..., 3).

    Channels are in ACN order, l² + l + m for degree l and index m, normalised as SN3D
    (Daniel 2001; Nachbar et al., "ambiX", 2011): the first is 1, the next three are y, z and x,
    and the mean square of any over the sphere is 1 / (2 l + 1). There is no Condon-Shortley phase.
    """
    vectors = np.asarray(directions, np.float64)
    z = vectors[..., 2]
    turning = vectors[..., 0] + 1j * vectors[..., 1]  # cos(elevation) exp(i azimuth)
    harmonics = np.empty((*z.shape, (order + 1) ** 2))
    for m in range(order + 1):
        around = turning**m
        before, legendre = np.zeros_like(z), np.full_like(z, math.prod(range(1, 2 * m, 2)))
        for degree in range(m, order + 1):
            if degree > m:  # Legendre's recurrence, cos(elevation)^m taken out
                rise = (2 * degree - 1) * z * legendre - (degree + m - 1) * before
                before, legendre = legendre, rise / (degree - m)
            norm = math.sqrt((2 - (m == 0)) * math.factorial(degree - m)
                             / math.factorial(degree + m))  # fmt: skip
            middle = degree * degree + degree
            harmonics[..., middle - m] = norm * legendre * around.imag
            harmonics[..., middle + m] = norm * legendre * around.real
    return harmonics


def degrees(order: int) -> NDArray[np.int64]:
    """Return the degree l ((order + 1)²,) of each channel."""
    return np.repeat(np.arange(order + 1), 2 * np.arange(order + 1) + 1)
