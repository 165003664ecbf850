"""Textures as the shading kernel reads them: mip pyramids of packed texels in one array.

Colours are kept as ``linear ** (1 / GAMMA)``, so that the product of two codes is the code of the
product of two linear colours: texture times light needs no decoding. A texel holds three codes of
13 bits in lanes of 21, which leaves each lane 8 bits for a weight: one multiplication weighs all
three.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.scene.compiled import SurfaceTable
from avenv.vision.textures import TEXTURES, reflectance

GAMMA = 2.2
CODE_BITS = 13
LANE_BITS = 21
HIGHEST = (1 << CODE_BITS) - 1
"""Code of linear light 1."""

LEVELS = 9
"""Mip levels of the largest texture, 256 texels wide."""


class Atlas(NamedTuple):
    """K square textures with all their mip levels.

    Attributes:
        texels: (M,) uint64 packed.
        first: (K, LEVELS) int32 first texel of each level; the last one, 1 x 1, is repeated.
        log_side: (K,) int32 log2 of the side of level 0 in texels.
    """

    texels: NDArray[np.uint64]
    first: NDArray[np.int32]
    log_side: NDArray[np.int32]


def pack(linear: NDArray[np.floating]) -> NDArray[np.uint64]:
    """Return packed codes (...) of linear colours (..., 3), cut off at 0 and 1."""
    codes = np.round(HIGHEST * np.clip(linear, 0, 1) ** (1 / GAMMA)).astype(np.uint64)
    return codes[..., 0] | codes[..., 1] << LANE_BITS | codes[..., 2] << (2 * LANE_BITS)


def unpack(texels: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return the linear colours (..., 3) of packed texels (...)."""
    shifts = np.arange(3, dtype=np.uint64) * np.uint64(LANE_BITS)
    codes = texels[..., None] >> shifts & np.uint64(HIGHEST)
    return (codes / HIGHEST) ** GAMMA


def build_atlas(surfaces: SurfaceTable) -> Atlas:
    """Draw the texture of every surface (K = S), with its mip levels."""
    names = surfaces.texture or ("plain",) * len(surfaces.names)
    pyramids = [
        _pyramid(color.reshape(1, 1, 3) if name == "plain" else reflectance(name, color))
        for name, color in zip(names, surfaces.color.astype(np.float64), strict=True)
    ]
    first = np.empty((len(pyramids), LEVELS), np.int32)
    start = 0
    for row, levels in zip(first, pyramids, strict=True):
        ends = np.cumsum([level.size for level in levels])
        row[: len(levels)] = start + ends - [level.size for level in levels]
        row[len(levels) :] = row[len(levels) - 1]
        start += ends[-1]
    return Atlas(
        texels=np.concatenate([level.ravel() for levels in pyramids for level in levels]),
        first=first,
        log_side=np.array([len(levels) - 1 for levels in pyramids], np.int32),
    )


def texels_per_metre(surfaces: SurfaceTable) -> NDArray[np.float32]:
    """Return the texels (S,) of level 0 that span a metre of each surface; 0 where it is plain."""
    names = surfaces.texture or ("plain",) * len(surfaces.names)
    used = [TEXTURES.get(name) for name in names]
    return np.array([t.texels / t.metres if t else 0.0 for t in used], np.float32)


def _pyramid(linear: NDArray[np.float64]) -> list[NDArray[np.uint64]]:
    # Averaged before they are encoded: a distant wall is as bright as a near one.
    levels = [pack(linear)]
    while len(linear) > 1:
        half = len(linear) // 2
        linear = linear.reshape(half, 2, half, 2, 3).mean(axis=(1, 3))
        levels.append(pack(linear))
    return levels
