"""Baked light: what each lamp and the day throw on every light sample, directly and by bounces.

Direct light is summed over points on the luminaires, each a small disc seen or not seen. For the
bounces every sample shoots a fixed fan of rays, once, and remembers which samples they hit: light
then flows along these links as often as wanted (radiosity by gathering; Cohen & Wallace, "Radiosity
and Realistic Image Synthesis", 1993).

Four neighbours share the work: each takes another quarter of the rays and of the luminaires'
points, and the smoothing afterwards gives each the mean of all four (interleaved sampling; Keller &
Heidrich, Eurographics Rendering Workshop 2001). The fan is the same for all samples of one
direction, so what is left of its coarseness is smooth instead of noisy, and no random numbers are
needed.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from avenv.core import parallel
from avenv.core.kernels import inner, kernel
from avenv.geometry import closest_hit, segment_is_clear
from avenv.scene.compiled import CompiledScene
from avenv.vision.light.bounces import Links, bounced, find_exchange, hand_out, per_sample
from avenv.vision.light.charts import Charts
from avenv.vision.light.curves import interpolate, number_rows
from avenv.vision.light.layers import LightLayers, pack_layers
from avenv.vision.light.luminaires import (
    FEW_POINTS,
    POINTS,
    SUN,
    SUN_DIRECTION,
    Luminaires,
    find_luminaires,
    is_window,
    lamp_objects,
)
from avenv.vision.light.smoothing import smooth

RAYS = 32
"""Rays in the fan that neighbours share."""

BOUNCES, FEW_BOUNCES = 4, 3
"""Followed from sample to sample, and in coarse light; those after them even within each room."""

_LIFT = 0.002  # m that rays start above the surface
_FAINTEST = 2e-4  # share of the brightest glow below which light is not worth a shadow ray
_SHUT_IN = 1e-3  # share of the mean light below which a sample is shut in
_INSIDE = 0.7  # share of the mean light on a thing that the inside of it has
_JOB = 1024  # samples
_NARROW = 0.025  # m: a ray that ends within tells of a groove
_GROOVE = np.float32(0.6)  # share of the light around that a groove has
_TURNING = 0.5  # m of distance that a different direction is worth
_APART = 1e4  # m between objects, for whom no light is borrowed from each other
_TOGETHER = 8  # layers that are lit at once; bounds the memory


def bake(compiled: CompiledScene, charts: Charts, coarse: bool = False) -> LightLayers:
    """Return the light that falls on every sample from each of ``lamp_objects`` and by day."""
    luminaires = find_luminaires(compiled, FEW_POINTS if coarse else POINTS)
    bounces = FEW_BOUNCES if coarse else BOUNCES
    albedo = per_sample(charts, compiled.surfaces.color[charts.surface])
    sheet = per_sample(charts, _sheets(compiled, charts))
    twin = _twins(charts)
    links = _trace_links(compiled, charts, sheet, twin == np.arange(len(twin)))
    stand_in = _stand_ins(charts, links.is_open)[twin]
    shade = np.where(links.is_groove[twin], _GROOVE, np.float32(1))
    exchange = find_exchange(compiled, charts, albedo, links)
    count = len(lamp_objects(compiled)) + 1
    light = []
    for start in range(0, count, _TOGETHER):
        stop = min(start + _TOGETHER, count)
        direct = _direct(compiled, charts, sheet, links, luminaires, start, stop)
        direct = smooth(charts, hand_out(direct, stand_in, shade, np.empty_like(direct)), 1)
        light.append(bounced(charts, albedo, links, stand_in, shade, direct, exchange, bounces))
    _light_hollows(compiled, charts, light)
    for layers in light:
        interpolate(charts.curves, charts.first, layers)
    return pack_layers(light)


def cosine_fan(count: int) -> NDArray[np.float64]:
    """Return directions (count, 3) about +z, distributed like the cosine.

    They are Hammersley points. Every half of them in turn (0, 2, 4, ...; 1, 3, 5, ...) and every
    quarter is spread about as evenly as the whole.
    """
    k = np.arange(count)
    bits = np.array([int(f"{i:032b}"[::-1], 2) for i in k]) / 2**32
    radius, angle = np.sqrt((k + 0.5) / count), 2 * np.pi * bits
    fan = np.column_stack([radius * np.cos(angle), radius * np.sin(angle), np.sqrt(1 - radius**2)])
    # Four rays in a row look into the four quadrants: each quarter takes the next one by turns.
    group, quadrant = k // 4, k % 4
    return fan[4 * group + (quadrant + group + group // 4) % 4]


def _sheets(compiled: CompiledScene, charts: Charts) -> NDArray[np.bool_]:
    sheet = np.zeros(len(charts.first), bool)
    drawn = charts.of_triangle >= 0
    sheet[charts.of_triangle[drawn]] = compiled.double_sided[drawn]
    return sheet


def _twins(charts: Charts) -> NDArray[np.int64]:
    """Return for each sample (L,) the first one in the same place with the same normal: itself,
    but for the corners of curved surfaces, which several facets share."""
    twin = np.arange(len(charts.position))
    slots = (charts.first[charts.curves.chart][:, None] + np.arange(4)).ravel()
    rows = np.concatenate([charts.position[slots], charts.normal[slots]], axis=1)
    _, first, number = np.unique(
        number_rows(rows.view(np.int32).astype(np.int64)), return_index=True, return_inverse=True
    )
    twin[slots] = slots[first[number]]
    return twin


def _trace_links(
    compiled: CompiledScene, charts: Charts, sheet: NDArray[np.bool_], traced: NDArray[np.bool_]
) -> Links:
    """Shoot the rays of all samples; each has the more neighbours in its chart the fewer rays."""
    per_chart = charts.width * charts.height
    width = np.repeat(charts.width, per_chart)
    index = np.arange(len(width)) - np.repeat(charts.first, per_chart)
    column, row = index % width, index // width
    wide, high = width > 1, np.repeat(charts.height > 1, per_chart)
    # A ray more for whom the blur of two passes hardly mixes: it counts for itself.
    phase = np.where(wide & high, column % 2 + 2 * (row % 2), (column + row) % 2)
    stride = np.where(wide & high, 4, 2)
    alone = ~wide & ~high | per_sample(charts, charts.is_curved)
    phase[alone], stride[alone] = 0, 2
    first = np.concatenate([[0], np.cumsum(np.where(traced, RAYS // stride, 0))])
    links = Links(phase.astype(np.int8), stride.astype(np.int8), first,
                  np.empty(first[-1], np.int32), np.empty(len(width), np.bool_),
                  np.zeros(len(width), np.bool_))  # fmt: skip
    fan, count = cosine_fan(RAYS), len(width)
    parallel.run(
        _shoot_all,
        (
            (compiled.bvh, compiled.normals, compiled.double_sided, charts, sheet, fan, links,
             start, min(start + _JOB, count))
            for start in range(0, count, _JOB)
        ),
    )  # fmt: skip
    return links


def _stand_ins(charts: Charts, is_open: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return for each sample (L,) the one whose light it has: itself, unless it is buried.

    What is buried is seen where its chart comes out into the open, or where it fills a gap narrower
    than the pitch. It takes the light of the nearest open sample of its object that looks about the
    same way: no dark rim shows round what stands against a wall, nor on pieces that interlock.
    """
    stand_in = np.arange(len(is_open))
    thing = per_sample(charts, charts.object)
    key = np.column_stack([charts.position, _TURNING * charts.normal, _APART * thing])
    buried = np.flatnonzero(~is_open & np.isin(thing, thing[is_open]))
    if len(buried):
        is_known = np.flatnonzero(is_open)
        tree = cKDTree(key[is_known], balanced_tree=False, compact_nodes=False)
        stand_in[buried] = is_known[tree.query(key[buried])[1]]
    return stand_in


def _light_hollows(
    compiled: CompiledScene, charts: Charts, light: list[NDArray[np.float32]]
) -> None:
    """Give what is shut in some of the mean light on its object: it is seen when a door opens.

    So get the parts of a thing that it has in another state only.
    """
    bright = np.sum([layers.sum(axis=(1, 2)) for layers in light], axis=0)
    is_there = per_sample(charts, np.any(compiled.normals[charts.leader], axis=1))
    is_lit = is_there & (bright > _SHUT_IN * bright.mean())
    thing = per_sample(charts, charts.object)
    lit, dark = np.flatnonzero(is_lit), np.flatnonzero(~is_lit)
    share = _INSIDE / np.maximum(np.bincount(thing[lit], minlength=len(compiled.objects)), 1)
    mean = csr_array((share[thing[lit]], (thing[lit], lit)), (len(share), len(thing)))
    for layers in light:
        inside = (mean @ layers.reshape(len(thing), -1)).reshape(-1, *layers.shape[1:])
        layers[dark] = np.maximum(layers[dark], inside[thing[dark]])


def _direct(
    compiled: CompiledScene, charts: Charts, sheet: NDArray[np.bool_], links: Links,
    luminaires: Luminaires, start: int, stop: int,
) -> NDArray[np.float32]:  # fmt: skip
    """Return the light (L, stop - start, 3) straight from the luminaires of some layers."""
    count = len(charts.position)
    direct = np.zeros((count, stop - start, 3), np.float32)
    span = np.searchsorted(luminaires.layer, [start, stop])
    day = len(lamp_objects(compiled)) - start
    parallel.run(
        _light_samples,
        (
            (compiled.bvh, charts, sheet, links, luminaires, span[0], span[1], start, direct, s,
             min(s + _JOB, count))
            for s in range(0, count, _JOB)
        ),
    )  # fmt: skip
    if 0 <= day < stop - start:
        pane = is_window(compiled)[compiled.object]
        parallel.run(
            _let_sun_in,
            (
                (compiled.bvh, pane, charts, sheet, links, SUN_DIRECTION, SUN, direct[:, day], s,
                 min(s + _JOB, count))
                for s in range(0, count, _JOB)
            ),
        )  # fmt: skip
    return direct


@kernel
def _shoot_all(bvh, normals, double_sided, charts, sheet, fan, links, start, stop):
    """Write the links of some samples, and whether they are in the open."""
    for i in range(start, stop):
        links.is_open[i] = links.first[i + 1] > links.first[i] and _shoot(
            bvh, normals, double_sided, charts, sheet[i], fan, i, links
        )


@inner
def _shoot(bvh, normals, double_sided, charts, sheet, fan, i, links):
    """Write which samples the rays of sample i hit; tell whether it is in the open.

    A sample is buried when its rays meet solids, or the shell of a room, from behind alone, or when
    most of them end right before it, as in grooves too narrow for pixels to show their shadows.
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
    before, behind, far = 0, 0, 0
    phase, stride = np.int64(links.phase[i]), np.int64(links.stride[i])
    for n in range(links.first[i + 1] - links.first[i]):
        k = phase + n * stride
        # The rays of a sheet leave it on both sides.
        side = -1.0 if sheet and n % 2 else 1.0
        p, q, r = fan[k, 0], fan[k, 1], side * fan[k, 2]
        dx, dy, dz = p * ux + q * vx + r * nx, p * uy + q * vy + r * ny, p * uz + q * vz + r * nz
        lift = _LIFT * side
        ox, oy, oz = x + lift * nx, y + lift * ny, z + lift * nz
        t, hit = closest_hit(bvh, ox, oy, oz, dx, dy, dz, 1e30)
        link = -1
        if hit >= 0:
            facing = normals[hit, 0] * dx + normals[hit, 1] * dy + normals[hit, 2] * dz < 0
            if facing or double_sided[hit]:
                link = _sample_at(charts, hit, ox + t * dx, oy + t * dy, oz + t * dz)
                before += 1
                far += t > _NARROW
            else:
                behind += 1
        links.hit[links.first[i] + n] = link
    is_open = (before == 0 and behind == 0) or 4 * far > before + behind
    links.is_groove[i] = not is_open and before > 0
    return is_open


@inner
def _sample_at(charts, triangle, x, y, z):
    """Return the light sample nearest to a point of a triangle."""
    c = charts.of_triangle[triangle]
    frame, place = charts.frame[c], charts.place[c]
    u = frame[0, 0] * x + frame[0, 1] * y + frame[0, 2] * z + frame[0, 3]
    v = frame[1, 0] * x + frame[1, 1] * y + frame[1, 2] * z + frame[1, 3]
    column = min(max(int(place[0] * u + place[1] + 0.5), 0), charts.width[c] - 1)
    row = min(max(int(place[2] * v + place[3] + 0.5), 0), charts.height[c] - 1)
    return charts.first[c] + row * charts.width[c] + column


# Layout: direct (L, K, 3), of the K layers from ``base``.
@kernel
def _light_samples(
    bvh, charts, sheet, links, luminaires, first_luminaire, end_luminaire, base, direct, start, stop
):
    """Add to some samples the light of some luminaires."""
    brightest = _brightest(luminaires, 0, len(luminaires.exitance))
    for i in range(start, stop):
        if links.is_open[i]:
            for g in range(first_luminaire, end_luminaire):
                seen = _seen_share(bvh, charts, sheet[i], links, luminaires, g, i, brightest)
                if seen > 0:
                    for channel in range(3):
                        direct[i, luminaires.layer[g] - base, channel] += (
                            seen * luminaires.exitance[g, channel]
                        )


@inner
def _seen_share(bvh, charts, sheet, links, luminaires, g, i, brightest):
    """Return the share of luminaire g's light per area that falls on sample i."""
    first, end = luminaires.first[g], luminaires.first[g + 1]
    stride = np.int64(links.stride[i])
    area = luminaires.area[g] * stride
    faintest = _FAINTEST * brightest * stride / (_brightest(luminaires, g, g + 1) * (end - first))
    seen = 0.0
    for p in range(first + links.phase[i], end, stride):
        share = _form_factor(charts.position[i], charts.normal[i], luminaires.position[p],
                             luminaires.normal[p], area, sheet)  # fmt: skip
        if abs(share) < faintest:
            continue
        lift = _LIFT if share > 0 else -_LIFT
        x = charts.position[i, 0] + lift * charts.normal[i, 0]
        y = charts.position[i, 1] + lift * charts.normal[i, 1]
        z = charts.position[i, 2] + lift * charts.normal[i, 2]
        if segment_is_clear(bvh, x, y, z, luminaires.position[p, 0], luminaires.position[p, 1],
                            luminaires.position[p, 2]):  # fmt: skip
            seen += abs(share)
    return seen


@inner
def _brightest(luminaires, first, end):
    """Return the strongest exitance of some luminaires in any channel."""
    most = luminaires.exitance[first, 0]
    for g in range(first, end):
        for channel in range(3):
            most = max(most, luminaires.exitance[g, channel])
    return most


# Layout: pane (T,), toward (3,) a unit vector, sun (3,), direct (L, 3).
@kernel
def _let_sun_in(bvh, pane, charts, sheet, links, toward, sun, direct, start, stop):
    """Add the sun to those samples that see it through a window."""
    for i in range(start, stop):
        normal, position = charts.normal[i], charts.position[i]
        facing = normal[0] * toward[0] + normal[1] * toward[1] + normal[2] * toward[2]
        if not links.is_open[i] or (facing <= 0 and not sheet[i]):
            continue
        lift = _LIFT if facing > 0 else -_LIFT
        _, hit = closest_hit(bvh, position[0] + lift * normal[0], position[1] + lift * normal[1],
                             position[2] + lift * normal[2], toward[0], toward[1], toward[2],
                             1e30)  # fmt: skip
        if hit >= 0 and pane[hit]:
            for channel in range(3):
                direct[i, channel] += abs(facing) * sun[channel]


@inner
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
