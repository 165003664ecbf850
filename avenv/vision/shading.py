"""From triangles to pixels: the pictures that sensors see."""

import numpy as np

from avenv.kernels import borrowing, contracted, inlined
from avenv.vision.light import TONE
from avenv.vision.mipmaps import CODE_BITS, HIGHEST, LANE_BITS

MAX_DEPTH = np.float32(10.0)
"""Farthest depth that a depth sensor tells, metres."""

RUN = 32
"""Most pixels that share a mip level."""

_HALF = np.float32(0.5)
_FAINT = np.float32(1e-6)
_STEP_BITS = LANE_BITS - CODE_BITS  # bits of a lane that are left for weights
_STEPS = np.float32(1 << _STEP_BITS)  # places that are told apart within a texel
_LANE_0, _LANE_1, _LANE_2 = (np.uint64(LANE_BITS * k + LANE_BITS - CODE_BITS) for k in range(3))
_CODE_BITS = np.uint64(CODE_BITS)
_CODE = np.uint64(HIGHEST)


# Layout: nearness (H', W') in 1 / metre, triangle (H', W') with -1 for nothing, rgb (H, W, 3).
@contracted
def shade(scene, camera, nearness, triangle, left, depth, albedo, rgb):
    """Write the colour of every pixel: texture times light; black where nothing is hit.

    Each row is cut into runs of pixels that show the same chart: what they share is found once.
    ``left``, ``depth`` and ``albedo`` (W,) are scratch.
    """
    width = rgb.shape[1]
    per_pixel = np.float32(1) / camera.focal
    for column in range(width):
        left[column] = (camera.centre_x - np.float32(column) - _HALF) * per_pixel
    for row in range(rgb.shape[0]):
        up = (camera.centre_y - np.float32(row) - _HALF) * per_pixel
        for column in range(width):
            depth[column] = np.float32(1) / max(nearness[row, column], _FAINT)
        start = 0
        while start < width:
            t = triangle[row, start]
            if t < 0:
                rgb[row, start, 0] = rgb[row, start, 1] = rgb[row, start, 2] = 0
                start += 1
                continue
            stop = _end_of_run(scene, triangle, row, start, width)
            chart = np.uint64(scene.chart[t])
            middle = depth[(start + stop) >> 1]
            along_u = _along_row(scene.chart_record, chart, 0, camera, up)
            along_v = _along_row(scene.chart_record, chart, 4, camera, up)
            _look_up_texture(
                scene, camera, t, chart, middle, along_u, along_v, left, depth, start, stop, albedo
            )
            _light_up(scene, chart, along_u, along_v, left, depth, start, stop, albedo, rgb, row)
            start = stop


@inlined
def _end_of_run(scene, triangle, row, start, width):
    """Return where the run of pixels that show one chart ends, RUN pixels on at the most."""
    chart = scene.chart[triangle[row, start]]
    stop, limit = start + 1, min(start + RUN, width)
    while stop < limit and triangle[row, stop] >= 0:
        if scene.chart[np.uint64(triangle[row, stop])] != chart:
            break
        stop += 1
    return stop


@inlined
def _along_row(record, chart, first, camera, up):
    """Return (a, b, c): a chart's u (first = 0) or v (4) is a + depth (b + left c) along a row."""
    x, y, z = record[chart, first], record[chart, first + 1], record[chart, first + 2]
    a = x * camera.x + y * camera.y + z * camera.z + record[chart, first + 3]
    b = x * camera.ahead_x + y * camera.ahead_y + z * camera.ahead_z
    b += up * (x * camera.up_x + y * camera.up_y + z * camera.up_z)
    c = x * camera.left_x + y * camera.left_y + z * camera.left_z
    return a, b, c


@inlined
def _scaled(along, scale, shift):
    return along[0] * scale + shift, along[1] * scale, along[2] * scale


@inlined
def _within(value, low, high):
    return min(max(value, low), high)


@inlined
def _look_up_texture(
    scene, camera, t, chart, middle, along_u, along_v, left, depth, start, stop, albedo
):
    """Write the filtered packed reflectance of a run of pixels; ``middle`` is a depth within."""
    k = np.uint64(scene.chart_record[chart, 15])
    side = np.int64(scene.log_side[k])
    texels = scene.texels
    if side == 0:
        color = texels[np.uint64(scene.first_texel[k, 0])] << np.uint64(_STEP_BITS)
        for column in range(start, stop):
            albedo[column] = color
        return
    planes, density = scene.planes, scene.texels_per_metre[k]
    height = (planes[t, 0] * camera.x + planes[t, 1] * camera.y
              + planes[t, 2] * camera.z - planes[t, 3])  # fmt: skip
    level = min(_mip_level(density / camera.focal * middle, middle, height), side)
    first, bits = np.int64(scene.first_texel[k, np.uint64(level)]), side - level
    mask = (1 << bits) - 1
    scale = density / np.float32(1 << level) * _STEPS
    u0, u1, u2 = _scaled(along_u, scale, -_HALF * _STEPS)
    v0, v1, v2 = _scaled(along_v, scale, -_HALF * _STEPS)
    for column in range(start, stop):
        u = np.int64(u0 + depth[column] * (u1 + left[column] * u2))
        v = np.int64(v0 + depth[column] * (v1 + left[column] * v2))
        i, j = u >> _STEP_BITS, v >> _STEP_BITS
        here, below = first + ((j & mask) << bits), first + (((j + 1) & mask) << bits)
        a, b = i & mask, (i + 1) & mask
        albedo[column] = _filter(
            texels[np.uint64(here + a)], texels[np.uint64(here + b)],
            texels[np.uint64(below + a)], texels[np.uint64(below + b)], u, v,
        )  # fmt: skip


@inlined
def _light_up(scene, chart, along_u, along_v, left, depth, start, stop, albedo, rgb, row):
    """Write the colours of a run of pixels from their filtered reflectance."""
    record, light = scene.chart_record, scene.light
    u0, u1, u2 = _scaled(along_u, record[chart, 8] * _STEPS, record[chart, 9] * _STEPS)
    v0, v1, v2 = _scaled(along_v, record[chart, 10] * _STEPS, record[chart, 11] * _STEPS)
    first, width = np.int64(record[chart, 12]), np.int64(record[chart, 13])
    last_u, last_v = (width - 1) << _STEP_BITS, (np.int64(record[chart, 14]) - 1) << _STEP_BITS
    for column in range(start, stop):
        u = _within(np.int64(u0 + depth[column] * (u1 + left[column] * u2)), 0, last_u)
        v = _within(np.int64(v0 + depth[column] * (v1 + left[column] * v2)), 0, last_v)
        here = np.uint64(first + (v >> _STEP_BITS) * width + (u >> _STEP_BITS))
        below = here + np.uint64(width)
        lit = _filter(light[here], light[here + np.uint64(1)],
                      light[below], light[below + np.uint64(1)], u, v)  # fmt: skip
        rgb[row, column, 0] = TONE[_product(albedo[column], lit, _LANE_0)]
        rgb[row, column, 1] = TONE[_product(albedo[column], lit, _LANE_1)]
        rgb[row, column, 2] = TONE[_product(albedo[column], lit, _LANE_2)]


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
def _filter(a, b, c, d, u, v):
    """Return 256 times the packed codes between four texels: a and b above c and d.

    ``u`` and ``v`` are places in steps, 256 to a texel; those within the texel count.
    """
    i, j = u & 255, v & 255
    both = (i * j) >> _STEP_BITS
    return (a * np.uint64(256 - i - j + both) + b * np.uint64(i - both)
            + c * np.uint64(j - both) + d * np.uint64(both))  # fmt: skip


@inlined
def _product(albedo, lit, lane):
    """Return the code of reflectance times light in one lane of filtered texels."""
    return (((albedo >> lane) & _CODE) * ((lit >> lane) & _CODE)) >> _CODE_BITS


# Layout: nearness (H', W') in 1 / metre, 0 for nothing; depth (H, W, 1).
@borrowing
def measure(nearness, depth):
    """Write the depth of every pixel in metres; 0 where nothing is hit."""
    least = np.float32(1) / MAX_DEPTH
    for row in range(depth.shape[0]):
        for column in range(depth.shape[1]):
            near = nearness[row, column]
            metres = np.float32(1) / max(near, least)
            depth[row, column, 0] = metres if near > 0 else np.float32(0)


# Layout: labels (T,), triangle (H', W') with -1 for nothing, picture (H, W, 1).
@borrowing
def label(labels, base, triangle, picture):
    """Write ``base`` plus the label of every pixel's triangle; 0 where nothing is hit."""
    for row in range(picture.shape[0]):
        for column in range(picture.shape[1]):
            t = triangle[row, column]
            picture[row, column, 0] = base + labels[t] if t >= 0 else 0


# Layout: triangle (H', W') with -1 for nothing, picture (H, W, 3).
@borrowing
def orient(scene, camera, triangle, picture):
    """Write the unit normal of every pixel's triangle, on the camera's side, in its own axes."""
    planes, one = scene.planes, np.float32(1)
    for row in range(picture.shape[0]):
        for column in range(picture.shape[1]):
            t = triangle[row, column]
            if t < 0:
                picture[row, column] = 0
                continue
            x, y, z = planes[t, 0], planes[t, 1], planes[t, 2]
            height = x * camera.x + y * camera.y + z * camera.z - planes[t, 3]
            side = one if height > 0 else -one
            ahead = x * camera.ahead_x + y * camera.ahead_y + z * camera.ahead_z
            left = x * camera.left_x + y * camera.left_y + z * camera.left_z
            up = x * camera.up_x + y * camera.up_y + z * camera.up_z
            # Rounding may make a part a little longer than the whole.
            picture[row, column, 0] = min(max(side * ahead, -one), one)
            picture[row, column, 1] = min(max(side * left, -one), one)
            picture[row, column, 2] = min(max(side * up, -one), one)
