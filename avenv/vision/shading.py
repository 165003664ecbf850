"""From triangles to pixels: the pictures that sensors see."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.kernels import contracted, inlined, inner
from avenv.vision.camera import across, affine_at, camera_at, eye
from avenv.vision.light import TONE
from avenv.vision.mapping import along_row, nearness_plane
from avenv.vision.mipmaps import CODE_BITS, HIGHEST, LANE_BITS

MAX_DEPTH = np.float32(10.0)
"""Farthest depth that a depth sensor tells, metres."""

RUN = 32
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


class Layers(NamedTuple):
    """The things in a picture that each have coordinates of their own: the scene, then instances.

    Attributes:
        first: (1 + K,) int32 numbers in the visibility buffer from which on a layer is shown.
        shift: (1 + K,) int32 the number shown for triangle t of a layer is ``t + shift``.
        pose: (1 + K, 12) float32 where the camera is in a layer's coordinates.
    """

    first: NDArray[np.int32]
    shift: NDArray[np.int32]
    pose: NDArray[np.float32]


@inlined
def layer_of(layers, name):
    """Return the layer that a number in the visibility buffer belongs to."""
    k = len(layers.first) - 1
    while k > 0 and name < layers.first[k]:
        k -= 1
    return k


# Layout: nearness (H', W'), triangle (H', W') with -1 for nothing, rgb (H, W, 3).
@contracted
def shade(scene, view, layers, nearness, triangle, divisor, rgb):
    """Write the colour of every pixel: texture times light; black where nothing is hit.

    Each row is cut into runs of pixels that show the same chart: what they share is found once.
    ``divisor`` (W,) is scratch.
    """
    height, width = rgb.shape[0], rgb.shape[1]
    one = np.float32(1)
    for row in range(height):
        for column in range(width):
            near = nearness[row, column]
            divisor[column] = one / max(near, _FAINT) if view.converging else one
        start = 0
        while start < width:
            name = triangle[row, start]
            if name < 0:
                rgb[row, start, 0] = rgb[row, start, 1] = rgb[row, start, 2] = 0
                start += 1
                continue
            layer = layer_of(layers, name)
            stop = _end_of_run(scene, layers, layer, triangle, row, start, width)
            camera = camera_at(layers.pose, layer, view)
            t = np.uint64(name - layers.shift[layer])
            _shade_run(scene, camera, t, row, start, stop, divisor, rgb)
            start = stop


@inlined
def _end_of_run(scene, layers, layer, triangle, row, start, width):
    """Return where the run of pixels that show one chart ends, RUN pixels on at the most."""
    last, shift = triangle[row, start], layers.shift[layer]
    chart = scene.chart[np.uint64(last - shift)]
    stop, limit = start + 1, min(start + RUN, width)
    while stop < limit:
        name = triangle[row, stop]
        if name != last:
            if name < 0 or layer_of(layers, name) != layer:
                break
            if scene.chart[np.uint64(name - shift)] != chart:
                break
            last = name
        stop += 1
    return stop


@inlined
def _shade_run(scene, camera, t, row, start, stop, divisor, rgb):
    """Write the colours of pixels ``start`` to ``stop`` of a row, all on triangle t's chart."""
    planes, chart = scene.planes, np.uint64(scene.chart[t])
    plane = (planes[0, t], planes[1, t], planes[2, t], planes[3, t])
    height = affine_at(plane, eye(camera))
    p, q, r = nearness_plane(plane, height, camera)
    near = (r + q * np.float32(row), p)
    along_u = along_row(scene.chart_frame, chart, 0, near, np.float32(row), camera)
    along_v = along_row(scene.chart_frame, chart, 4, near, np.float32(row), camera)

    table, frame = scene.chart_table, scene.chart_frame
    k = np.uint64(table[chart, 3])
    wide, tall = np.int64(scene.log_size[k, 0]), np.int64(scene.log_size[k, 1])
    level = _mip_level(
        frame[chart, 12] / (camera.focal * camera.focal), divisor[(start + stop) >> 1], height
    )
    level = min(level, max(wide, tall))
    first_texel = np.int64(scene.first_texel[k, np.uint64(level)])
    wide, tall = wide - min(level, wide), tall - min(level, tall)
    mask_u, mask_v = (1 << wide) - 1, (1 << tall) - 1
    shrink = _STEPS / np.float32(1 << level)
    u0, u1 = _scaled(along_u, scene.texels_per_unit[k, 0] * shrink)
    v0, v1 = _scaled(along_v, scene.texels_per_unit[k, 1] * shrink)
    texels, half = scene.texels, _HALF * _STEPS

    here = _light_at(scene, camera, chart, near, along_u, along_v, start)
    for first in range(start, stop, STRIDE):
        there = _light_at(scene, camera, chart, near, along_u, along_v, first + STRIDE)
        lit, change = here << np.uint64(STRIDE_BITS), there - here
        here = there
        for column in range(first, min(first + STRIDE, stop)):
            x, scale = np.float32(column), divisor[column]
            u = np.int64(np.floor((u0 + u1 * x) * scale - half))
            v = np.int64(np.floor((v0 + v1 * x) * scale - half))
            i, j = u >> _STEP_BITS, v >> _STEP_BITS
            upper = first_texel + ((j & mask_v) << wide)
            lower = first_texel + (((j + 1) & mask_v) << wide)
            a, b = i & mask_u, (i + 1) & mask_u
            albedo = _filter(
                texels[np.uint64(upper + a)], texels[np.uint64(upper + b)],
                texels[np.uint64(lower + a)], texels[np.uint64(lower + b)], u, v, _STEP_BITS
            )  # fmt: skip
            rgb[row, column, 0] = TONE[_product(albedo, lit, _LANE_0)]
            rgb[row, column, 1] = TONE[_product(albedo, lit, _LANE_1)]
            rgb[row, column, 2] = TONE[_product(albedo, lit, _LANE_2)]
            lit += change


@inlined
def _scaled(along, scale):
    return along[0] * scale, along[1] * scale


@inlined
def _within(value, low, high):
    return min(max(value, low), high)


@inlined
def _light_at(scene, camera, chart, near, along_u, along_v, column):
    """Return the packed light on a chart's plane at a column of the row."""
    frame, table, light = scene.chart_frame, scene.chart_table, scene.light
    x = np.float32(column)
    scale = (
        np.float32(1) / max(near[0] + near[1] * x, _FAINT) if camera.converging else np.float32(1)
    )
    u = ((along_u[0] + along_u[1] * x) * scale * frame[chart, 8] + frame[chart, 9]) * _LIGHT_STEPS
    v = ((along_v[0] + along_v[1] * x) * scale * frame[chart, 10] + frame[chart, 11]) * _LIGHT_STEPS
    first, width, height = (
        np.int64(table[chart, 0]),
        np.int64(table[chart, 1]),
        np.int64(table[chart, 2]),
    )
    i = _within(np.int64(u), 0, (width - 1) << _LIGHT_BITS)
    j = _within(np.int64(v), 0, (height - 1) << _LIGHT_BITS)
    upper = np.uint64(first + (j >> _LIGHT_BITS) * width + (i >> _LIGHT_BITS))
    lower = upper + np.uint64(width)
    return _filter(light[upper], light[upper + np.uint64(1)],
                   light[lower], light[lower + np.uint64(1)], i, j, _LIGHT_BITS)  # fmt: skip


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
def _filter(a, b, c, d, u, v, bits):
    """Return 2^bits times the packed codes between four texels: a and b above c and d.

    ``u`` and ``v`` are places in steps, 2^bits to a texel; those within the texel count.
    """
    whole = 1 << bits
    i, j = u & (whole - 1), v & (whole - 1)
    both = (i * j) >> bits
    return (a * np.uint64(whole - i - j + both) + b * np.uint64(i - both)
            + c * np.uint64(j - both) + d * np.uint64(both))  # fmt: skip


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
def label(labels, base, layers, triangle, picture):
    """Write ``base`` plus the label of every pixel's triangle; 0 where nothing is hit."""
    for row in range(picture.shape[0]):
        for column in range(picture.shape[1]):
            name = triangle[row, column]
            t = np.uint64(name - layers.shift[layer_of(layers, name)])
            picture[row, column, 0] = base + labels[t] if name >= 0 else 0


# Layout: triangle (H', W') with -1 for nothing, picture (H, W, 3).
@inner
def orient(scene, view, layers, triangle, picture):
    """Write the unit normal of every pixel's triangle, on the camera's side, in its own axes."""
    planes, one = scene.planes, np.float32(1)
    for row in range(picture.shape[0]):
        for column in range(picture.shape[1]):
            name = triangle[row, column]
            if name < 0:
                picture[row, column] = 0
                continue
            layer = layer_of(layers, name)
            t = np.uint64(name - layers.shift[layer])
            camera = camera_at(layers.pose, layer, view)
            plane = (planes[0, t], planes[1, t], planes[2, t], planes[3, t])
            side = one if affine_at(plane, eye(camera)) > 0 else -one
            ahead = affine_at(plane, (camera.ahead_x, camera.ahead_y, camera.ahead_z, one - one))
            left, up = across(plane, camera)
            # Rounding may make a part a little longer than the whole.
            picture[row, column, 0] = min(max(side * ahead, -one), one)
            picture[row, column, 1] = min(max(side * left, -one), one)
            picture[row, column, 2] = min(max(side * up, -one), one)
