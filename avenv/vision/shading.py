"""From triangles to pixels: the pictures that sensors see."""

import numpy as np

from avenv.vision.kernels import contracted, inlined, kernel
from avenv.vision.light import TONE
from avenv.vision.mipmaps import CODE_BITS, HIGHEST, LANE_BITS

MAX_DEPTH = np.float32(10.0)
"""Farthest depth that a depth sensor tells, metres."""

_HALF = np.float32(0.5)
_FAINT = np.float32(1e-6)
_WEIGHT_BITS = np.uint64(LANE_BITS - CODE_BITS)
_WEIGHT = np.float32(1 << (LANE_BITS - CODE_BITS))
_LANE_0, _LANE_1, _LANE_2 = (np.uint64(LANE_BITS * k + LANE_BITS - CODE_BITS) for k in range(3))
_CODE_BITS = np.uint64(CODE_BITS)
_CODE = np.uint64(HIGHEST)


# Layout: nearness (H', W') in 1 / metre, triangle (H', W') with -1 for nothing, rgb (H, W, 3).
@contracted
def shade(scene, camera, nearness, triangle, rgb):
    """Write the colour of every pixel: texture times light; black where nothing is hit.

    Each row is walked in three short loops: a processor overlaps many turns of a short loop, but
    hardly two of a long one.
    """
    if len(scene.chart) == 0:
        rgb[:] = 0
        return
    width = rgb.shape[1]
    uv, chart = np.empty((2, width), np.float32), np.empty(width, np.int32)
    albedo = np.empty(width, np.uint64)
    for row in range(rgb.shape[0]):
        _find_uv(scene, camera, row, nearness[row], triangle[row], uv, chart)
        _look_up_textures(scene, camera, nearness[row], triangle[row], chart, uv, albedo)
        _light_up(scene, triangle[row], chart, uv, albedo, rgb[row])


@contracted
def _find_uv(scene, camera, row, nearness, triangle, uv, chart):
    """Write the chart (W,) that each pixel of a row shows, and where on it (2, W)."""
    chart_of, frame = scene.chart, scene.chart_frame
    per_pixel = np.float32(1) / camera.focal
    up = (camera.centre_y - np.float32(row) - _HALF) * per_pixel
    row_x = camera.ahead_x + up * camera.up_x
    row_y = camera.ahead_y + up * camera.up_y
    row_z = camera.ahead_z + up * camera.up_z
    for column in range(len(chart)):
        left = (camera.centre_x - np.float32(column) - _HALF) * per_pixel
        depth = np.float32(1) / max(nearness[column], _FAINT)
        x = camera.x + depth * (row_x + left * camera.left_x)
        y = camera.y + depth * (row_y + left * camera.left_y)
        z = camera.z + depth * (row_z + left * camera.left_z)
        c = np.uint64(chart_of[np.uint64(max(triangle[column], 0))])
        chart[column] = c
        uv[0, column] = frame[c, 0] * x + frame[c, 1] * y + frame[c, 2] * z + frame[c, 3]
        uv[1, column] = frame[c, 4] * x + frame[c, 5] * y + frame[c, 6] * z + frame[c, 7]


@contracted
def _look_up_textures(scene, camera, nearness, triangle, chart, uv, albedo):
    """Write the filtered packed reflectance (W,) of the pixels of a row."""
    planes, cells, texels = scene.planes, scene.chart_cells, scene.texels
    first_texel, log_side, density = scene.first_texel, scene.log_side, scene.texels_per_metre
    per_pixel = np.float32(1) / camera.focal
    for column in range(len(albedo)):
        k = np.uint64(cells[np.uint64(chart[column]), 3])
        side = log_side[k]
        if side == 0:
            albedo[column] = texels[np.uint64(first_texel[k, 0])] << _WEIGHT_BITS
            continue
        t = np.uint64(max(triangle[column], 0))
        height = (planes[t, 0] * camera.x + planes[t, 1] * camera.y
                  + planes[t, 2] * camera.z - planes[t, 3])  # fmt: skip
        depth = np.float32(1) / max(nearness[column], _FAINT)
        level = min(_mip_level(density[k] * per_pixel * depth, depth, height), side)
        u, v = uv[0, column] * density[k], uv[1, column] * density[k]
        a, b, c, d, right, down = _tiled(u, v, level, first_texel[k, np.uint64(level)], side)
        albedo[column] = _filter(texels[a], texels[b], texels[c], texels[d], right, down)


@contracted
def _light_up(scene, triangle, chart, uv, albedo, rgb):
    """Write the colours (W, 3) of a row from its filtered reflectance."""
    cells, place, light = scene.chart_cells, scene.chart_place, scene.light
    for column in range(len(albedo)):
        k = np.uint64(chart[column])
        u = place[k, 0] * uv[0, column] + place[k, 1]
        v = place[k, 2] * uv[1, column] + place[k, 3]
        a, b, c, d, right, down = _charted(u, v, cells[k, 0], cells[k, 1], cells[k, 2])
        lit = _filter(light[a], light[b], light[c], light[d], right, down)
        reflected = albedo[column] if triangle[column] >= 0 else np.uint64(0)
        rgb[column, 0] = TONE[_product(reflected, lit, _LANE_0)]
        rgb[column, 1] = TONE[_product(reflected, lit, _LANE_1)]
        rgb[column, 2] = TONE[_product(reflected, lit, _LANE_2)]


@inlined
def _mip_level(reach, depth, height):
    """Return the mip level whose texels are nearest in area to what a pixel covers.

    ``reach`` texels lie abreast in a pixel. A pixel's rays cut a patch of reach^2 / cos texels out
    of the surface, cos the incidence, which is the eye's height above the plane over the distance.
    The binary exponent of twice this area, halved, is the level.
    """
    area = reach * reach * depth / max(abs(height), np.float32(1e-6))
    exponent = (np.float32(np.float32(2) * area).view(np.int32) >> 23) - 127
    return max(exponent >> 1, 0)


@inlined
def _tiled(u, v, level, first, log_side):
    """Return the four texels round a point of a tiled texture, and the shares right and down."""
    scale = np.int32((127 - level) << 23).view(np.float32)
    u, v = u * scale - _HALF, v * scale - _HALF
    column, row = _floor(u), _floor(v)
    bits = log_side - level
    mask = (1 << bits) - 1
    above, below = first + ((row & mask) << bits), first + (((row + 1) & mask) << bits)
    left, right = column & mask, (column + 1) & mask
    return (np.uint64(above + left), np.uint64(above + right), np.uint64(below + left),
            np.uint64(below + right), u - np.float32(column), v - np.float32(row))  # fmt: skip


@inlined
def _floor(value):
    # math.floor would call a library, once per pixel and axis.
    whole = np.int64(value)
    return whole - (np.float32(whole) > value)


@inlined
def _charted(u, v, first, width, height):
    """Return the four texels round a point of a light map, and the shares right and down."""
    column = min(max(np.int64(u), 0), max(width - 2, 0))
    row = min(max(np.int64(v), 0), max(height - 2, 0))
    right = min(max(u - np.float32(column), np.float32(0)), np.float32(1))
    down = min(max(v - np.float32(row), np.float32(0)), np.float32(1))
    at = first + row * width + column
    return (np.uint64(at), np.uint64(at + 1), np.uint64(at + width), np.uint64(at + width + 1),
            right, down)  # fmt: skip


@inlined
def _filter(a, b, c, d, right, down):
    """Return 256 times the packed codes between four texels: a and b above c and d."""
    i, j = np.int64(_WEIGHT * right), np.int64(_WEIGHT * down)
    both = (i * j) >> 8
    return (a * np.uint64(256 - i - j + both) + b * np.uint64(i - both)
            + c * np.uint64(j - both) + d * np.uint64(both))  # fmt: skip


@inlined
def _product(albedo, lit, lane):
    """Return the code of reflectance times light in one lane of filtered texels."""
    return (((albedo >> lane) & _CODE) * ((lit >> lane) & _CODE)) >> _CODE_BITS


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
