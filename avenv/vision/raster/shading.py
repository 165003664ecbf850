"""From triangles to pixels: the pictures that sensors see."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core.kernels import contracted, inlined, inner
from avenv.vision.camera.pictures import MAX_DEPTH
from avenv.vision.camera.projection import across, affine_at, eye, posed_at
from avenv.vision.light.codes import CODE_BITS, HIGHEST, LANE_BITS
from avenv.vision.light.lighting import TONE
from avenv.vision.raster.buffer import TILE, TILE_BITS
from avenv.vision.raster.coordinates import along_row, nearness_plane, plane_of

PIECE = 32
"""Most pixels that share a mip level."""

STRIDE_BITS = 2
STRIDE = 1 << STRIDE_BITS
"""Pixels from one look at the light map to the next: light is smooth."""

_HALF = np.float32(0.5)
_FAINT = np.float32(1e-6)
_STEP_BITS = LANE_BITS - CODE_BITS  # bits of a lane that are left for weights
_STEPS = np.float32(1 << _STEP_BITS)  # places that are told apart within a texel
_LIGHT_BITS = _STEP_BITS - STRIDE_BITS
_LIGHT_STEPS = np.float32(1 << _LIGHT_BITS)
_LANE_0, _LANE_1, _LANE_2 = (np.uint64(LANE_BITS * k + LANE_BITS - CODE_BITS) for k in range(3))
_CODE_BITS = np.uint64(CODE_BITS)
_CODE = np.uint64(HIGHEST)
_ROW_1, _ROW_2, _ROW_3, _ROW_4, _ROW_5, _ROW_6, _ROW_7 = (np.uint64(PIECE * k) for k in range(1, 8))


class DrawList(NamedTuple):
    """The things in a picture that each have coordinates of their own: the scene, then instances.

    Attributes:
        first: (1 + K,) int32 numbers in the visibility buffer from which on a thing is shown.
        shift: (1 + K,) int32 the number shown for triangle t of a thing is ``t + shift``.
        pose: (1 + K, 12) float32 where the camera is in a thing's coordinates.
        light: (1 + K,) int32 light samples by which a thing's light lies further on.
    """

    first: NDArray[np.int32]
    shift: NDArray[np.int32]
    pose: NDArray[np.float32]
    light: NDArray[np.int32]


@inlined
def thing_of(drawn, name):
    """Return the thing that a number in the visibility buffer belongs to."""
    k = len(drawn.first) - 1
    while k > 0 and name < drawn.first[k]:
        k -= 1
    return k


# Layout: triangle (H', W') with -1 for nothing, rgb (H, W, 3).
@contracted
def shade(scene, lens, drawn, triangle, places, rgb):
    """Write the colour of every pixel: texture times light; black where nothing is hit.

    Each row is cut into runs of pixels that show the same chart: what they share is found once.
    ``places`` (8 * PIECE,) is scratch.
    """
    height, width = rgb.shape[0], rgb.shape[1]
    for row in range(height):
        start = 0
        while start < width:
            y, x = np.uint64(row), np.uint64(start)
            name = triangle[y, x]
            if name < 0:
                rgb[y, x, 0] = rgb[y, x, 1] = rgb[y, x, 2] = 0
                start += 1
                continue
            thing = thing_of(drawn, name)
            stop = _end_of_run(scene, drawn, thing, triangle, row, start, width)
            camera = posed_at(drawn.pose, thing, lens)
            t = np.uint64(name - drawn.shift[thing])
            _shade_run(scene, camera, t, drawn.light[thing], row, start, stop, places, rgb)
            start = stop


@inlined
def _end_of_run(scene, drawn, thing, triangle, row, start, width):
    """Return where the run of pixels that show one chart ends."""
    y, shift = np.uint64(row), drawn.shift[thing]
    last = triangle[y, np.uint64(start)]
    chart = scene.chart[np.uint64(last - shift)]
    stop = start + 1
    while stop < width:
        name = triangle[y, np.uint64(stop)]
        if name != last:
            if name < 0 or thing_of(drawn, name) != thing:
                break
            if scene.chart[np.uint64(name - shift)] != chart:
                break
            last = name
        stop += 1
    return stop


@inlined
def _shade_run(scene, camera, t, further, row, start, stop, places, rgb):
    """Write the colours of pixels ``start`` to ``stop`` of a row, all on triangle t's chart.

    Its light lies so many samples ``further`` on than the chart says.
    """
    plane, chart = plane_of(scene, t), np.uint64(scene.chart[t])
    height = affine_at(plane, eye(camera))
    p, q, r = nearness_plane(plane, height, camera)
    near = (r + q * np.float32(row), p)
    along_u = along_row(scene.chart_frame, chart, 0, near, np.float32(row), camera)
    along_v = along_row(scene.chart_frame, chart, 4, near, np.float32(row), camera)
    if not camera.converging:
        near = (np.float32(1), np.float32(0))  # what u and v are divided by
    light_map = _light_map(scene, chart, further, along_u, along_v)
    here = _light_at(scene.light, near, light_map, start)
    for first in range(start, stop, PIECE):
        end = min(first + PIECE, stop)
        middle = _divisor(near, (first + end) >> 1)
        texture = _choose_level(scene, chart, camera.focal, middle, height)
        _find_texels(texture, along_u, along_v, near, first, end, places)
        for corner in range(first, end, STRIDE):
            there = _light_at(scene.light, near, light_map, corner + STRIDE)
            light = (here << np.uint64(STRIDE_BITS), there - here)
            _mix(scene.texels, light, places, corner - first, min(corner + STRIDE, end) - first,
                 rgb, row, first)  # fmt: skip
            here = there


@inlined
def _divisor(near, column):
    """Return what u and v along a row are multiplied by at a column."""
    return np.float32(1) / max(near[0] + near[1] * np.float32(column), _FAINT)


@inlined
def _choose_level(scene, chart, focal, divisor, height):
    """Return the first texel and the log2 of width and height of a chart's mip level, and texels
    in a unit of u and of v there."""
    k = np.uint64(scene.chart_table[chart, 3])
    wide, tall = np.int64(scene.log_size[k, 0]), np.int64(scene.log_size[k, 1])
    texels = scene.chart_frame[chart, 12] / (focal * focal)
    level = min(_mip_level(texels, divisor, height), max(wide, tall))
    shrink = np.float32(1) / np.float32(1 << level)
    per_u, per_v = scene.texels_per_unit[k, 0] * shrink, scene.texels_per_unit[k, 1] * shrink
    first = scene.first_texel[k, np.uint64(level)]
    return first, wide - min(level, wide), tall - min(level, tall), per_u, per_v


@inlined
def _find_texels(texture, along_u, along_v, near, start, stop, places):
    """Write which four texels show through the pixels of a piece, and 256 times their shares.

    All is kept to 32 bits, the width of a vector's lanes, and whole vectors are written.
    """
    i32, half = np.int32, _HALF * _STEPS
    first, wide, tall, per_u, per_v = texture
    first, width = i32(first), i32(1 << wide)
    last_i, last_j = i32((1 << wide) - 1), i32((1 << tall) - 1)
    u0, u1 = along_u[0] * per_u * _STEPS, along_u[1] * per_u * _STEPS
    v0, v1 = along_v[0] * per_v * _STEPS, along_v[1] * per_v * _STEPS
    for n in range(((stop - start + TILE - 1) >> TILE_BITS) << TILE_BITS):
        k, column = np.uint64(n), np.float32(i32(start + n))
        scale = np.float32(1) / max(near[0] + near[1] * column, _FAINT)
        u = i32((u0 + u1 * column) * scale - half)
        v = i32((v0 + v1 * column) * scale - half)
        i, j = i32(u >> _STEP_BITS), i32(v >> _STEP_BITS)
        a, b = i32(i & last_i), i32(i32(i + 1) & last_i)
        upper = i32(first + i32(i32(j & last_j) * width))
        lower = i32(first + i32(i32(i32(j + 1) & last_j) * width))
        u, v = i32(u & 255), i32(v & 255)
        both = i32(i32(u * v) >> _STEP_BITS)
        places[k], places[k + _ROW_1] = upper + a, upper + b
        places[k + _ROW_2], places[k + _ROW_3] = lower + a, lower + b
        places[k + _ROW_4], places[k + _ROW_5] = 256 - u - v + both, u - both
        places[k + _ROW_6], places[k + _ROW_7] = v - both, both


@inlined
def _mix(texels, light, places, start, stop, rgb, row, first):
    """Write the colours of some pixels of a piece: the mean of four texels, times the light."""
    y, (lit, change) = np.uint64(row), light
    for n in range(start, stop):
        k, x = np.uint64(n), np.uint64(first + n)
        albedo = texels[np.uint64(places[k])] * np.uint64(places[k + _ROW_4])
        albedo += texels[np.uint64(places[k + _ROW_1])] * np.uint64(places[k + _ROW_5])
        albedo += texels[np.uint64(places[k + _ROW_2])] * np.uint64(places[k + _ROW_6])
        albedo += texels[np.uint64(places[k + _ROW_3])] * np.uint64(places[k + _ROW_7])
        rgb[y, x, 0] = TONE[_product(albedo, lit, _LANE_0)]
        rgb[y, x, 1] = TONE[_product(albedo, lit, _LANE_1)]
        rgb[y, x, 2] = TONE[_product(albedo, lit, _LANE_2)]
        lit += change


@inlined
def _light_map(scene, chart, further, along_u, along_v):
    """Return where a row runs through a chart's light map: (a, b, c, most) for columns and rows.

    The place in steps is (a + b * column) / divisor + c, 0 to ``most``; then come the first sample
    and the samples in a row.
    """
    frame, table, steps = scene.chart_frame, scene.chart_table, _LIGHT_STEPS
    width, height = np.float32(table[chart, 1]), np.float32(table[chart, 2])
    one, scale_u, scale_v = np.float32(1), frame[chart, 8] * steps, frame[chart, 10] * steps
    u = (along_u[0] * scale_u, along_u[1] * scale_u, frame[chart, 9] * steps, (width - one) * steps)
    v = (along_v[0] * scale_v, along_v[1] * scale_v, frame[chart, 11] * steps,
         (height - one) * steps)  # fmt: skip
    return u, v, np.uint64(table[chart, 0] + further), np.uint64(table[chart, 1])


@inlined
def _light_at(light, near, light_map, column):
    """Return the packed light on a chart's plane at a column of the row."""
    (u0, u1, u2, most_u), (v0, v1, v2, most_v), first, width = light_map
    x, scale, zero = np.float32(column), _divisor(near, column), np.float32(0)
    i = np.uint64(np.int64(min(max((u0 + u1 * x) * scale + u2, zero), most_u)))
    j = np.uint64(np.int64(min(max((v0 + v1 * x) * scale + v2, zero), most_v)))
    bits = np.uint64(_LIGHT_BITS)
    upper = first + (j >> bits) * width + (i >> bits)
    lower = upper + width
    whole, one = np.uint64(1 << _LIGHT_BITS), np.uint64(1)
    i, j = i & (whole - one), j & (whole - one)
    both = (i * j) >> bits
    return (light[upper] * (whole - i - j + both) + light[upper + one] * (i - both)
            + light[lower] * (j - both) + light[lower + one] * both)  # fmt: skip


@inlined
def _mip_level(texels, divisor, height):
    """Return the mip level whose texels are nearest in area to what a pixel covers.

    A pixel shows ``texels`` squarely, 1 m ahead: at depth d and incidence cos, d^2 / cos times as
    many, and cos is the eye's height above the plane over the depth. The binary exponent of twice
    this area, halved, is the level.
    """
    area = texels * divisor * divisor * divisor / max(abs(height), np.float32(1e-6))
    exponent = (np.float32(np.float32(2) * area).view(np.int32) >> 23) - 127
    return max(exponent >> 1, 0)


@inlined
def _product(albedo, lit, lane):
    """Return the code of reflectance times light in one lane of filtered texels."""
    return (((albedo >> lane) & _CODE) * ((lit >> lane) & _CODE)) >> _CODE_BITS


# Layout: nearness (H', W'), triangle (H', W') with -1 for nothing, depth (H, W, 1).
@inner
def measure(converging, nearness, triangle, depth):
    """Write the depth of every pixel in metres; 0 where nothing is hit."""
    for row in range(depth.shape[0]):
        for column in range(depth.shape[1]):
            near = nearness[row, column]
            metres = np.float32(1) / near if converging else -near
            seen = triangle[row, column] >= 0
            depth[row, column, 0] = min(metres, MAX_DEPTH) if seen else np.float32(0)


# Layout: labels (T,), triangle (H', W') with -1 for nothing, picture (H, W, 1).
@inner
def label(labels, base, drawn, triangle, picture):
    """Write ``base`` plus the label of every pixel's triangle; 0 where nothing is hit."""
    for row in range(picture.shape[0]):
        for column in range(picture.shape[1]):
            name = triangle[row, column]
            t = np.uint64(name - drawn.shift[thing_of(drawn, name)])
            picture[row, column, 0] = base + labels[t] if name >= 0 else 0


# Layout: triangle (H', W') with -1 for nothing, picture (H, W, 3).
@inner
def orient(scene, lens, drawn, triangle, picture):
    """Write the unit normal of every pixel's triangle, on the camera's side, in its own axes."""
    one = np.float32(1)
    for row in range(picture.shape[0]):
        for column in range(picture.shape[1]):
            name = triangle[row, column]
            if name < 0:
                picture[row, column] = 0
                continue
            thing = thing_of(drawn, name)
            t = np.uint64(name - drawn.shift[thing])
            camera = posed_at(drawn.pose, thing, lens)
            plane = plane_of(scene, t)
            side = one if affine_at(plane, eye(camera)) > 0 else -one
            ahead = affine_at(plane, (camera.ahead_x, camera.ahead_y, camera.ahead_z, one - one))
            left, up = across(plane, camera)
            # Rounding may make a part a little longer than the whole.
            picture[row, column, 0] = min(max(side * ahead, -one), one)
            picture[row, column, 1] = min(max(side * left, -one), one)
            picture[row, column, 2] = min(max(side * up, -one), one)
