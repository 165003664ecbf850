"""From triangles to pixels: the light on each triangle, and the pictures that sensors see."""

import numpy as np
from numpy.typing import NDArray

from avenv.vision.kernels import kernel

MAX_DEPTH = np.float32(10.0)
"""Farthest depth that a depth sensor tells, metres."""

AMBIENT = 0.35
SKY = 0.30
LAMP = 0.35
"""Shares of even light, of light from above and of a far lamp; they add to 1."""

LAMP_DIRECTION = np.array([0.48, 0.64, 0.60])
"""Unit vector towards the lamp."""


def triangle_rgb(color: NDArray[np.float32], normals: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return sRGB codes (T, 3) of lit triangles of these linear reflectances and normals (T, 3).

    Sky and lamp wrap round the surface (hemisphere lighting), so no side of a thing is black and
    walls of different directions differ.
    """
    sky = 0.5 + 0.5 * normals[:, 2]
    lamp = (0.5 + 0.5 * normals @ LAMP_DIRECTION) ** 2
    return srgb(color * (AMBIENT + SKY * sky + LAMP * lamp)[:, None])


def srgb(linear: NDArray) -> NDArray[np.uint8]:
    """Return the sRGB codes of linear light, cut off at 0 and 1 (IEC 61966-2-1)."""
    linear = np.clip(linear, 0, 1)
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(255 * curve).astype(np.uint8)


# Layout: colors (T, 3) sRGB, triangle (H', W') with -1 for nothing, rgb (H, W, 3).
@kernel
def shade(colors, triangle, rgb):
    """Write the colour of every pixel's triangle; black where nothing is hit."""
    for row in range(rgb.shape[0]):
        for column in range(rgb.shape[1]):
            t = triangle[row, column]
            if t >= 0:
                rgb[row, column, 0] = colors[t, 0]
                rgb[row, column, 1] = colors[t, 1]
                rgb[row, column, 2] = colors[t, 2]
            else:
                rgb[row, column, 0] = rgb[row, column, 1] = rgb[row, column, 2] = 0


# Layout: nearness (H', W') in 1 / metre, 0 for nothing; depth (H, W, 1).
@kernel
def measure(nearness, depth):
    """Write the depth of every pixel in metres; 0 where nothing is hit."""
    least = np.float32(1) / MAX_DEPTH
    for row in range(depth.shape[0]):
        for column in range(depth.shape[1]):
            near = nearness[row, column]
            metres = np.float32(1) / max(near, least)
            depth[row, column, 0] = metres if near > 0 else np.float32(0)


# Layout: labels (T,), triangle (H', W') with -1 for nothing, picture (H, W, 1).
@kernel
def label(labels, triangle, picture):
    """Write the label of every pixel's triangle; 0 where nothing is hit."""
    for row in range(picture.shape[0]):
        for column in range(picture.shape[1]):
            t = triangle[row, column]
            picture[row, column, 0] = labels[t] if t >= 0 else 0
