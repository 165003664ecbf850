"""Colours between sRGB, linear light and CIELAB."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

_TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)  # IEC 61966-2-1


def linear(srgb: ArrayLike) -> NDArray[np.float64]:
    """Return the linear light of sRGB values in 0..1 (IEC 61966-2-1)."""
    srgb = np.asarray(srgb, np.float64)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def encoded(light: ArrayLike) -> NDArray[np.float64]:
    """Return the sRGB values in 0..1 of linear light, cut off there; the inverse of ``linear``."""
    light = np.clip(np.asarray(light, np.float64), 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def lab(light: ArrayLike) -> NDArray[np.float64]:
    """Return CIELAB (..., 3) of linear light (..., 3): equal distances look equally different."""
    xyz = np.asarray(light, np.float64) @ _TO_XYZ.T / _TO_XYZ.sum(axis=1)
    cube = (6 / 29) ** 3
    f = np.where(xyz > cube, np.cbrt(np.maximum(xyz, cube)), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
