"""From triangles to pixels: the light on each triangle, and the pictures that sensors see."""

import numpy as np
from numpy.typing import NDArray

from avenv.vision.kernels import kernel

MAX_DEPTH = np.float32(10.0)
"""Farthest depth that a depth sensor tells, metres."""

AMBIENT = 0.35
SKY = 0.30
SUN = 0.35
SUN_DIRECTION = np.array([0.48, 0.64, 0.60])
"""Shares of even light, of light from above, and of a soft lamp in one direction; they add to 1."""

TONES = 4096
"""Steps of linear light from 0 to 1 that are told apart."""


def triangle_light(color: NDArray[np.float32], normals: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the light (T, 3) that triangles of these reflectances and normals (T, 3) send out.

    Both the sky and the lamp wrap round the surface (hemisphere lighting), so no side of a thing is
    black and walls of different directions differ.
    """
    sky = 0.5 + 0.5 * normals[:, 2]
    sun = (0.5 + 0.5 * normals @ SUN_DIRECTION) ** 2
    return (color * (AMBIENT + SKY * sky + SUN * sun)[:, None]).astype(np.float32)


def _srgb_table() -> NDArray[np.uint8]:
    linear = np.linspace(0, 1, TONES)
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(255 * curve).astype(np.uint8)


SRGB = _srgb_table()
"""sRGB code (TONES,) of a linear light in 0..1 (IEC 61966-2-1)."""


# Layout: light (T, 3), triangle (H', W') with -1 for nothing, rgb (H, W, 3).
@kernel
def shade(light, triangle, rgb):
    """Write the colour of every pixel; black where nothing is hit."""
    scale = np.float32(TONES - 1)
    for row in range(rgb.shape[0]):
        for column in range(rgb.shape[1]):
            t = triangle[row, column]
            for channel in range(3):
                if t < 0:
                    rgb[row, column, channel] = 0
                else:
                    tone = min(light[t, channel], np.float32(1)) * scale
                    rgb[row, column, channel] = SRGB[int(tone + np.float32(0.5))]


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
