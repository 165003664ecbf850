"""From triangles to pixels: the pictures that sensors see."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core.kernels import contracted, inlined, inner
from avenv.vision.camera.pictures import MAX_DEPTH
from avenv.vision.camera.projection import across, affine_at, eye, posed_at
from avenv.vision.raster.coordinates import along_row, divisor, nearness_plane, plane_of
from avenv.vision.raster.strip import (
    PIECE,
    STEP_BITS,
    fetch_texels,
    find_nothing,
    find_texels,
    make_room,
    mix,
)

STRIDE_BITS = 2
STRIDE = 1 << STRIDE_BITS
"""Pixels from one look at the light map to the next: light is smooth."""

_HALF = np.float32(0.5)
_LIGHT_BITS = STEP_BITS - STRIDE_BITS
_LIGHT_STEPS = np.float32(1 << _LIGHT_BITS)


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
def shade(scene, lens, drawn, triangle, strip, rgb):
    """Write the colour of every pixel: texture times light; black where nothing is hit.

    Each row is cut into runs of pixels that show the same chart: what they share is found once.
    The texels of many runs are found before they are mixed, so that they are on their way into the
    cache meanwhile. ``strip`` is scratch.
    """
    height, width = rgb.shape[0], rgb.shape[1]
    for row in range(height):
        begin = start = 0
        while start < width:
            y, x = np.uint64(row), np.uint64(start)
            name = triangle[y, x]
            if name < 0:
                begin = make_room(scene.texels, strip, begin, start, rgb, row)
                find_nothing(strip, start - begin)
                start += 1
                continue
            thing = thing_of(drawn, name)
            stop = _end_of_run(scene, drawn, thing, triangle, row, start, width)
            camera = posed_at(drawn.pose, thing, lens)
            t = np.uint64(name - drawn.shift[thing])
            run = (begin, start, stop)
            begin = _find_run(scene, camera, t, drawn.light[thing], row, run, strip, rgb)
            start = stop
        mix(scene.texels, strip, begin, width, rgb, row)


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


# Layout: run (first pixel that the strip has, first and end of those that are to be found).
@inlined
def _find_run(scene, camera, t, further, row, run, strip, rgb):
    """Put some pixels of a row, all on triangle t's chart, on the strip; return where that begins.

    Their light lies so many samples ``further`` on than the chart says.
    """
    begin, start, stop = run
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
        begin = make_room(scene.texels, strip, begin, first, rgb, row)
        middle = divisor(near, (first + end) >> 1)
        texture = _choose_level(scene, chart, camera.focal, middle, height)
        find_texels(texture, along_u, along_v, near, first, end, strip.places, first - begin)
        fetch_texels(scene.texels, strip.places, first - begin, end - begin)
        for corner in range(first, end, STRIDE):
            there = _light_at(scene.light, near, light_map, corner + STRIDE)
            lit, change = here << np.uint64(STRIDE_BITS), there - here
            for n in range(STRIDE):
                strip.light[np.uint64(corner - begin + n)] = lit
                lit += change
            here = there
    return begin


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
    x, scale, zero = np.float32(column), divisor(near, column), np.float32(0)
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
