"""Colours as the shading kernel reads them: packed codes, of textures and of light alike.

They are kept as ``linear ** (1 / GAMMA)``, so that the product of two codes is the code of the
product of two linear colours: texture times light needs no decoding. A word holds three codes of
13 bits in lanes of 21, which leaves each lane 8 bits for a weight: one multiplication weighs all
three.
"""

import numpy as np
from numpy.typing import NDArray

GAMMA = 2.2
CODE_BITS = 13
LANE_BITS = 21
HIGHEST = (1 << CODE_BITS) - 1
"""Code of linear light 1."""


def pack(linear: NDArray[np.floating]) -> NDArray[np.uint64]:
    """Return packed codes (...) of linear colours (..., 3), cut off at 0 and 1."""
    codes = np.round(HIGHEST * np.clip(linear, 0, 1) ** (1 / GAMMA)).astype(np.uint64)
    return codes[..., 0] | codes[..., 1] << LANE_BITS | codes[..., 2] << (2 * LANE_BITS)


def unpack(codes: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return the linear colours (..., 3) of packed codes (...)."""
    shifts = np.arange(3, dtype=np.uint64) * np.uint64(LANE_BITS)
    lanes = codes[..., None] >> shifts & np.uint64(HIGHEST)
    return (lanes / HIGHEST) ** GAMMA
