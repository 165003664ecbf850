"""The light on surfaces, and how bright it makes a pixel."""

import numpy as np
from numpy.typing import NDArray

from avenv.vision.mipmaps import GAMMA, HIGHEST

LIGHT_RANGE = 4.0
"""Brightest light that is stored; 1 shows a surface in its own colour."""

SHOULDER = 0.6
"""Linear brightness up to which tone mapping changes nothing."""

AMBIENT, SKY, LAMP = 0.35, 0.30, 0.35
"""Shares of even light, of light from above and of a far lamp; they add to 1."""

LAMP_DIRECTION = np.array([0.48, 0.64, 0.60])
"""Unit vector towards the far lamp."""


def plain_light(normals: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the light (T, 3) on surfaces of these normals (T, 3), for scenes without lamps.

    Sky and lamp wrap round the surface (hemisphere lighting), so no side of a thing is black and
    walls of different directions differ.
    """
    sky = 0.5 + 0.5 * normals[:, 2]
    lamp = (0.5 + 0.5 * normals @ LAMP_DIRECTION) ** 2
    return np.repeat((AMBIENT + SKY * sky + LAMP * lamp)[:, None], 3, axis=1)


def tone(linear: NDArray) -> NDArray:
    """Return brightness in 0..1 of linear light: the same up to SHOULDER, then ever flatter."""
    bright = SHOULDER + (1 - SHOULDER) * np.tanh((linear - SHOULDER) / (1 - SHOULDER))
    return np.where(linear <= SHOULDER, linear, bright)


def srgb(linear: NDArray) -> NDArray[np.uint8]:
    """Return the sRGB codes of linear light, cut off at 0 and 1 (IEC 61966-2-1)."""
    linear = np.clip(linear, 0, 1)
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(255 * curve).astype(np.uint8)


TONE = srgb(tone(LIGHT_RANGE * (np.arange(HIGHEST + 1) / HIGHEST) ** GAMMA))
"""The sRGB code that a pixel shows, by its code of reflectance times light."""
