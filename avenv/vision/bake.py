"""Baked light: what lamps and windows throw on every light sample, directly and by diffuse bounces.

Direct light is summed over points on the emitters, each a small disc seen or not seen. For the
bounces every sample shoots a fixed fan of rays, once, and remembers which samples they hit: light
then flows along these links as often as wanted (radiosity by gathering; Cohen & Wallace, "Radiosity
and Realistic Image Synthesis", 1993). The fan is the same for all samples of one direction, so what
is left of its coarseness is smooth instead of noisy, and no random numbers are needed.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv import parallel
from avenv.geometry import closest_hit, segment_is_clear
from avenv.scene.compiled import CompiledScene
from avenv.vision.charts import Charts
from avenv.vision.emitters import find_emitters
from avenv.vision.kernels import kernel
from avenv.vision.smoothing import smooth

RAYS = 32
"""Rays in a sample's fan."""

BOUNCES = 4

VERSION = 2
"""Changes whenever the same scene would be lit otherwise."""

_LIFT = 0.002  # m that rays start above the surface
_FAINTEST = 2e-4  # share of the brightest glow below which light is not worth a shadow ray
_FIRST_POINTS = 3  # points of an emitter that, when all are hidden, speak for the rest
_FIRST_RAYS = 12
_JOB = 1024  # samples


class Layers(NamedTuple):
    """Light on each of L samples: (2, L, 3) float16, from lamps and by day."""

    light: NDArray[np.float16]


def bake(compiled: CompiledScene, charts: Charts) -> Layers:
    """Return the light that falls on every sample; 1 is light that makes white paper white."""
    emitters = find_emitters(compiled)
    sheet = _per_sample(charts, _sheets(compiled, charts))
    count = len(charts.position)
    direct = np.zeros((2, count, 3), np.float32)
    links = np.empty((count, RAYS), np.int32)
    is_open = np.empty(count, np.bool_)
    fan = cosine_fan(RAYS)
    parallel.run(
        _light_samples,
        (
            (compiled.bvh, compiled.normals, compiled.double_sided, charts, sheet, emitters, fan,
             start, min(start + _JOB, count), direct, links, is_open)
            for start in range(0, count, _JOB)
        ),
    )  # fmt: skip
    direct = smooth(charts, direct, is_open, 1)
    albedo = _per_sample(charts, compiled.surfaces.color[charts.surface])
    indirect = np.zeros_like(direct)
    for _ in range(BOUNCES):
        sent = albedo * (direct + indirect)
        indirect = np.zeros_like(direct)
        parallel.run(
            _gather,
            ((links, sent, indirect, s, min(s + _JOB, count)) for s in range(0, count, _JOB)),
        )
        indirect = smooth(charts, indirect, is_open, 2)
    return Layers(np.minimum(direct + indirect, 1e4).astype(np.float16))


def cosine_fan(count: int) -> NDArray[np.float64]:
    """Return directions (count, 3) about +z, distributed like the cosine (Hammersley points)."""
    k = np.arange(count)
    bits = np.array([int(f"{i:032b}"[::-1], 2) for i in k]) / 2**32
    radius, angle = np.sqrt((k + 0.5) / count), 2 * np.pi * bits
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), np.sqrt(1 - radius**2)])


def _sheets(compiled: CompiledScene, charts: Charts) -> NDArray[np.bool_]:
    sheet = np.zeros(len(charts.first), bool)
    drawn = charts.of_triangle >= 0
    sheet[charts.of_triangle[drawn]] = compiled.double_sided[drawn]
    return sheet


def _per_sample(charts: Charts, values: NDArray) -> NDArray:
    return np.repeat(values, charts.width * charts.height, axis=0)


@kernel
def _light_samples(
    bvh, normals, double_sided, charts, sheet, emitters, fan, start, stop, direct, links,
    is_open,
):  # fmt: skip
    """Write the links and the direct light of some samples, and whether they are in the open."""
    for i in range(start, stop):
        is_open[i] = _shoot(bvh, normals, double_sided, charts, sheet[i], fan, i, links)
        if is_open[i]:
            for g in range(len(emitters.layer)):
                _add_emitter(bvh, charts, sheet[i], emitters, g, i, direct)


@kernel
def _shoot(bvh, normals, double_sided, charts, sheet, fan, i, links):
    """Write which samples the fan of sample i hits; tell whether it is in the open.

    A sample is buried, and not looked at further, when its first rays all meet solids from inside.
    """
    position, normal = charts.position[i], charts.normal[i]
    nx, ny, nz = np.float64(normal[0]), np.float64(normal[1]), np.float64(normal[2])
    x, y, z = np.float64(position[0]), np.float64(position[1]), np.float64(position[2])
    # An orthonormal basis about the normal: Duff et al., JCGT 6(1), 2017.
    sign = np.copysign(1.0, nz)
    a = -1.0 / (sign + nz)
    b = nx * ny * a
    ux, uy, uz = 1.0 + sign * nx * nx * a, sign * b, -sign * nx
    vx, vy, vz = b, sign + ny * ny * a, -ny
    is_open = False
    links[i] = -1
    for k in range(len(fan)):
        if k == _FIRST_RAYS and not is_open:
            break
        # The rays of a sheet leave it on both sides.
        side = -1.0 if sheet and k % 2 else 1.0
        p, q, r = fan[k, 0], fan[k, 1], side * fan[k, 2]
        dx, dy, dz = p * ux + q * vx + r * nx, p * uy + q * vy + r * ny, p * uz + q * vz + r * nz
        lift = _LIFT * side
        ox, oy, oz = x + lift * nx, y + lift * ny, z + lift * nz
        t, hit = closest_hit(bvh, ox, oy, oz, dx, dy, dz, 1e30)
        if hit < 0:
            is_open = True
            continue
        facing = normals[hit, 0] * dx + normals[hit, 1] * dy + normals[hit, 2] * dz < 0
        if facing or double_sided[hit]:
            links[i, k] = _sample_at(charts, hit, ox + t * dx, oy + t * dy, oz + t * dz)
            is_open = True
    return is_open


@kernel
def _sample_at(charts, triangle, x, y, z):
    """Return the light sample nearest to a point of a triangle."""
    c = charts.of_triangle[triangle]
    frame, place = charts.frame[c], charts.place[c]
    u = frame[0, 0] * x + frame[0, 1] * y + frame[0, 2] * z + frame[0, 3]
    v = frame[1, 0] * x + frame[1, 1] * y + frame[1, 2] * z + frame[1, 3]
    column = min(max(int(place[0] * u + place[1] + 0.5), 0), charts.width[c] - 1)
    row = min(max(int(place[2] * v + place[3] + 0.5), 0), charts.height[c] - 1)
    return charts.first[c] + row * charts.width[c] + column


@kernel
def _add_emitter(bvh, charts, sheet, emitters, g, i, direct):
    """Add the light of emitter g that falls on sample i."""
    first, end = emitters.first[g], emitters.first[g + 1]
    area = emitters.area[g]
    faintest = _FAINTEST * emitters.exitance.max() / (emitters.exitance[g].max() * (end - first))
    tested, seen = 0, 0.0
    for p in range(first, end):
        if tested == _FIRST_POINTS and seen == 0.0:
            return
        share = _form_factor(charts.position[i], charts.normal[i], emitters.position[p],
                             emitters.normal[p], area, sheet)  # fmt: skip
        if abs(share) < faintest:
            continue
        tested += 1
        lift = _LIFT if share > 0 else -_LIFT
        x = charts.position[i, 0] + lift * charts.normal[i, 0]
        y = charts.position[i, 1] + lift * charts.normal[i, 1]
        z = charts.position[i, 2] + lift * charts.normal[i, 2]
        if segment_is_clear(bvh, x, y, z, emitters.position[p, 0], emitters.position[p, 1],
                            emitters.position[p, 2]):  # fmt: skip
            seen += abs(share)
    for channel in range(3):
        direct[emitters.layer[g], i, channel] += seen * emitters.exitance[g, channel]


@kernel
def _form_factor(position, normal, source, source_normal, area, sheet):
    """Return the share of a disc's light per area that falls on a surface facing it.

    A disc of this area on the axis of the surface: cos cos' A / (pi r^2 + A). Negative when it
    falls on the back of a sheet; 0 on the back of anything else.
    """
    x, y, z = source[0] - position[0], source[1] - position[1], source[2] - position[2]
    square = x * x + y * y + z * z
    leaving = -(x * source_normal[0] + y * source_normal[1] + z * source_normal[2])
    arriving = x * normal[0] + y * normal[1] + z * normal[2]
    if leaving <= 0 or (arriving <= 0 and not sheet):
        return 0.0
    return leaving * arriving * area / (square * (np.pi * square + area))


# Layout: links (L, RAYS) with -1 for nothing, sent and gathered (2, L, 3).
@kernel
def _gather(links, sent, gathered, start, stop):
    """Add to each sample the mean of the light that its links send."""
    weight = np.float32(1.0 / links.shape[1])
    for i in range(start, stop):
        for k in range(links.shape[1]):
            j = links[i, k]
            if j >= 0:
                for layer in range(2):
                    for channel in range(3):
                        gathered[layer, i, channel] += weight * sent[layer, j, channel]
