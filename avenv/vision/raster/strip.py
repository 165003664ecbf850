"""A strip of pixels, whose texels are found before they are mixed.

What a pixel shows lies where nobody has looked lately. So the texels of many pixels are found
first, and are on their way into the cache while those of the next are found.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core.kernels import inlined, inner
from avenv.geometry.lanes import prefetch
from avenv.vision.light.codes import CODE_BITS, HIGHEST, LANE_BITS
from avenv.vision.light.lighting import TONE
from avenv.vision.raster.buffer import TILE, TILE_BITS
from avenv.vision.raster.coordinates import divisor

PIECE = 32
"""Most pixels that share a mip level."""

ROOM = 128 + PIECE
"""Most pixels of a row that are mixed at a time."""

STEP_BITS = LANE_BITS - CODE_BITS
"""Bits of a lane of packed codes that are left for weights."""

_HALF = np.float32(0.5)
_STEPS = np.float32(1 << STEP_BITS)  # places that are told apart within a texel
_LANE_0, _LANE_1, _LANE_2 = (np.uint64(LANE_BITS * k + LANE_BITS - CODE_BITS) for k in range(3))
_CODE_BITS = np.uint64(CODE_BITS)
_CODE = np.uint64(HIGHEST)
_ROW_1, _ROW_2, _ROW_3, _ROW_4, _ROW_5, _ROW_6, _ROW_7 = (np.uint64(ROOM * k) for k in range(1, 8))


class Strip(NamedTuple):
    """What the next pixels of a row are mixed from; room for ``ROOM`` of them.

    Attributes:
        places: (8 * ROOM,) int32 the four texels that show through each, then 256 times their
            shares.
        light: (ROOM,) uint64 packed light on each, times ``STRIDE``.
    """

    places: NDArray[np.int32]
    light: NDArray[np.uint64]


@inlined
def find_texels(texture, along_u, along_v, near, start, stop, places, place):
    """Write which four texels show through the pixels of a piece, and 256 times their shares, from
    ``place`` on.

    All is kept to 32 bits, the width of a vector's lanes, and whole vectors are written.
    """
    i32, half = np.int32, _HALF * _STEPS
    first, wide, tall, per_u, per_v = texture
    first, width = i32(first), i32(1 << wide)
    last_i, last_j = i32((1 << wide) - 1), i32((1 << tall) - 1)
    u0, u1 = along_u[0] * per_u * _STEPS, along_u[1] * per_u * _STEPS
    v0, v1 = along_v[0] * per_v * _STEPS, along_v[1] * per_v * _STEPS
    for n in range(((stop - start + TILE - 1) >> TILE_BITS) << TILE_BITS):
        k, column = np.uint64(place + n), np.float32(i32(start + n))
        scale = divisor(near, column)
        u = i32((u0 + u1 * column) * scale - half)
        v = i32((v0 + v1 * column) * scale - half)
        i, j = i32(u >> STEP_BITS), i32(v >> STEP_BITS)
        a, b = i32(i & last_i), i32(i32(i + 1) & last_i)
        upper = i32(first + i32(i32(j & last_j) * width))
        lower = i32(first + i32(i32(i32(j + 1) & last_j) * width))
        u, v = i32(u & 255), i32(v & 255)
        both = i32(i32(u * v) >> STEP_BITS)
        places[k], places[k + _ROW_1] = upper + a, upper + b
        places[k + _ROW_2], places[k + _ROW_3] = lower + a, lower + b
        places[k + _ROW_4], places[k + _ROW_5] = 256 - u - v + both, u - both
        places[k + _ROW_6], places[k + _ROW_7] = v - both, both


@inlined
def fetch_texels(texels, places, start, end):
    """Let the texels of some pixels of the strip come into the cache: of every second pixel two
    across from each other, on whose lines most of the others are."""
    for n in range(start, end, 2):
        k = np.uint64(n)
        prefetch(texels, np.uint64(places[k]))
        prefetch(texels, np.uint64(places[k + _ROW_3]))


@inlined
def find_nothing(strip, n):
    """Put a pixel that shows nothing on the strip: any texels, without light."""
    k, places = np.uint64(n), strip.places
    places[k] = places[k + _ROW_1] = places[k + _ROW_2] = places[k + _ROW_3] = 0
    strip.light[k] = 0


@inlined
def make_room(texels, strip, begin, end, rgb, row):
    """Mix what the strip has, from pixel ``begin`` to ``end`` of a row, if it cannot take another
    piece; return where it begins."""
    if end - begin <= ROOM - PIECE:
        return begin
    mix(texels, strip, begin, end, rgb, row)
    return end


@inner
def mix(texels, strip, begin, end, rgb, row):
    """Write the colours of the strip's pixels: the mean of four texels, times the light."""
    y, places = np.uint64(row), strip.places
    for n in range(end - begin):
        k, x = np.uint64(n), np.uint64(begin + n)
        albedo = texels[np.uint64(places[k])] * np.uint64(places[k + _ROW_4])
        albedo += texels[np.uint64(places[k + _ROW_1])] * np.uint64(places[k + _ROW_5])
        albedo += texels[np.uint64(places[k + _ROW_2])] * np.uint64(places[k + _ROW_6])
        albedo += texels[np.uint64(places[k + _ROW_3])] * np.uint64(places[k + _ROW_7])
        lit = strip.light[k]
        rgb[y, x, 0] = TONE[_product(albedo, lit, _LANE_0)]
        rgb[y, x, 1] = TONE[_product(albedo, lit, _LANE_1)]
        rgb[y, x, 2] = TONE[_product(albedo, lit, _LANE_2)]


@inlined
def _product(albedo, lit, lane):
    """Return the code of reflectance times light in one lane of filtered texels."""
    return (((albedo >> lane) & _CODE) * ((lit >> lane) & _CODE)) >> _CODE_BITS
