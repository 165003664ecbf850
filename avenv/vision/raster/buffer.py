"""The visibility buffer: for each pixel the nearest triangle, and how near it is."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

TILE_BITS = 3
TILE = 1 << TILE_BITS
"""Side in pixels of the tiles that occlusion is tested on; a multiple of the SIMD width."""

HIDDEN = np.float32(3e38)
"""A depth or nearness that no visible thing has."""


class VisibilityBuffer(NamedTuple):
    """What the pictures of n cameras are shaded from, in whole tiles: H' x W' pixels.

    Attributes:
        nearness: (n, H', W') float32: nearness of the nearest triangle.
        triangle: (n, H', W') int32: that triangle's number, -1 for nothing.
    """

    nearness: NDArray[np.float32]
    triangle: NDArray[np.int32]

    @classmethod
    def allocate(cls, n: int, size: tuple[int, int]) -> "VisibilityBuffer":
        """Make room for n cameras with pictures of (width, height) pixels."""
        width, height = size
        tiled = (n, -(-height // TILE) * TILE, -(-width // TILE) * TILE)
        return cls(np.empty(tiled, np.float32), np.empty(tiled, np.int32))
