"""The late field of a source: what rays bring to every cell, once the early paths are taken out.

Stochastic ray tracing (Kuttruff, "Room Acoustics", 5th ed., 9.7) with the track-length estimate of
the energy density (Spanier & Gelbard, "Monte Carlo Principles and Neutron Transport Problems"): a
ray that flies l metres through a cell of volume V adds (4π/N) w l / V, where w is the energy that
is left of it. In the free field that makes 1/r².

The weights of rays that go their own ways drift apart, until after some dozen reflections a lucky
few carry everything. So from time to time all rays are drawn anew, the heavy ones several times,
the light ones seldom: sequential importance resampling (Doucet, de Freitas & Gordon, "Sequential
Monte Carlo Methods in Practice", 1.3.2) keeps the tail of the decay as well covered as its start.
"""

from typing import NamedTuple

import numpy as np
from numba import float64, int64
from numpy.typing import NDArray

from avenv.acoustics.air import SPEED_OF_SOUND, air_absorption
from avenv.acoustics.late.cells import MOST, Cells, blend, collect, first_reach
from avenv.acoustics.late.denoising import REACH, smooth
from avenv.acoustics.late.neighbours import cells_for
from avenv.acoustics.late.surfaces import chances_at, meet, uniform
from avenv.acoustics.paths.image_sources import ImageTree, spread_directions
from avenv.acoustics.settings import AcousticSettings
from avenv.acoustics.tables import AcousticTables
from avenv.core import parallel
from avenv.core.bands import OCTAVE_CENTRES
from avenv.core.hashing import mix
from avenv.core.kernels import borrowing, inlined, inner, kernel
from avenv.geometry import closest_hit, local_array

_NONE = np.zeros(0, np.int32)
NO_IMAGES = ImageTree(np.zeros((0, 3)), _NONE, _NONE, _NONE, np.zeros(0, np.int64))
"""With these a late field leaves nothing out, not even the direct sound."""

_CHUNKS = 8  # fixed, so that sums are the same bits for any number of threads
_STRETCH = 5.0  # metres that rays fly between two draws
_EVEN = 15.0  # metres of flight over which air's mean share does for all of it, within 0.03 dB
_THINNING = 0.26  # power of the energy left with which the number of rays falls
_SILENCE = 1e-7  # share of the energy below which the rest is not followed
_ANYWHERE = 1e9  # metres: further than any surface
_TRIM = 1e-9  # energy relative to the loudest bin below which the end of a field is cut off


class LateField(NamedTuple):
    """Energy in C cells, K time bins and 7 octave bands, of one source.

    Attributes:
        cells: where they are.
        energy: (C, K, 7) float32 squared pressure relative to 1 m from the source, per bin.
        moment: (C, K, 3) float32 the sum of the directions that it comes from, weighted by the mean
            energy of the bands: its length over the mean energy is 1 if all comes from one place.
        bin: seconds of a time bin; bin 0 begins with the emission.
        escaped: share of the source's energy that left the scene without passing a surface.
    """

    cells: Cells
    energy: NDArray[np.float32]
    moment: NDArray[np.float32]
    bin: float
    escaped: float = 0.0


class _Rays(NamedTuple):
    """Rays in flight, in arrays that have room for R."""

    state: NDArray[np.float64]  # (R, 7) position, direction, and metres travelled
    weight: NDArray[np.float64]  # (R, B) energy left of each
    image: NDArray[np.int64]  # (R,) the image whose path this is, -1: late sound
    passed: NDArray[np.bool_]  # (R,) whether it has come through a surface
    random: NDArray[np.uint64]  # (R,) state of each ray's own sequence of random numbers


def trace_late(
    scene: AcousticTables,
    source: NDArray[np.float64],
    ear_height: float,
    tree: ImageTree,
    settings: AcousticSettings,
) -> LateField:
    """Trace the late field of a source (3,), without the paths that its images stand for."""
    cells, neighbours = cells_for(scene, ear_height, settings, REACH)
    bands = len(OCTAVE_CENTRES)
    air = air_absorption(OCTAVE_CENTRES, settings.temperature, settings.humidity)
    air = air * (np.log(10) / 10)  # dB to exponents of energy
    bins = int(np.ceil(settings.max_time / settings.bin))
    chances = chances_at(scene)
    sums = np.zeros((_CHUNKS, len(cells.anchor), bins, bands + 3), np.float32)
    lost = np.zeros(_CHUNKS)
    parallel.run(
        _trace,
        (
            (scene, chances, tree, cells, air, rays, _no_rays(len(rays.image), bands),
             settings.bin * SPEED_OF_SOUND, sums[c], lost[c : c + 1])
            for c, rays in enumerate(_start(source, settings, len(tree.key) > 0, bands))
        ),
    )  # fmt: skip
    total = sums[0]
    for part in sums[1:]:
        total += part
    total *= (4 * np.pi / settings.rays / cells.volume)[:, None, None]
    energy, moment = smooth(
        total[..., :bands].copy(), total[..., bands:].copy(), cells, neighbours,
        (first_reach(cells, source) / (settings.bin * SPEED_OF_SOUND)).astype(np.int64),
    )  # fmt: skip
    loudest = energy.max(axis=0, initial=0.0).max(axis=1)
    kept = 1 + int(np.flatnonzero(loudest >= _TRIM * loudest.max()).max(initial=0))
    return LateField(
        cells=cells,
        energy=energy[:, :kept].copy(),
        moment=moment[:, :kept].copy(),
        bin=float(settings.bin),
        escaped=float(lost.sum() / settings.rays),
    )


def _start(
    source: NDArray[np.float64], settings: AcousticSettings, imaged: bool, bands: int
) -> list[_Rays]:
    """Return the rays that leave the source, in chunks that each go in all directions."""
    directions = spread_directions(settings.rays)
    chunks = []
    for c in range(_CHUNKS):
        rays = _no_rays(len(directions[c::_CHUNKS]), bands)
        rays.state[:, :3], rays.state[:, 3:6] = source, directions[c::_CHUNKS]
        rays.weight[:] = 1
        rays.image[:] = 0 if imaged else -1
        _seed(np.uint64(settings.seed), np.uint64(c), rays.random)
        chunks.append(rays)
    return chunks


def _no_rays(number: int, bands: int) -> _Rays:
    return _Rays(
        state=np.zeros((number, 7)),
        weight=np.zeros((number, bands)),
        image=np.zeros(number, np.int64),
        passed=np.zeros(number, np.bool_),
        random=np.zeros(number, np.uint64),
    )


@borrowing
def late_at(field, bvh, x, y, z, energy_out, moment_out):
    """``blend_late`` by itself, for Python."""
    blend_late(field, bvh, x, y, z, energy_out, moment_out)


@inner
def blend_late(field, bvh, x, y, z, energy_out, moment_out):
    """Write the energy (K, B) and the mean direction of arrival (K, 3) at a point.

    B may be fewer than the field's bands, K fewer than its bins, or more: nothing comes after. The
    length of a direction is the share of the energy that comes from there: 1 for a single ray, 0
    for a diffuse field.
    """
    rows, weights = local_array(int64, MOST), local_array(float64, MOST)
    count = blend(field.cells, bvh, x, y, z, rows, weights)
    bands = field.energy.shape[2]
    for k in range(energy_out.shape[0]):
        for b in range(energy_out.shape[1]):
            energy_out[k, b] = 0.0
        mean, mx, my, mz = 0.0, 0.0, 0.0, 0.0
        for n in range(count if k < field.energy.shape[1] else 0):
            energy, moment = field.energy[rows[n], k], field.moment[rows[n], k]
            for b in range(energy_out.shape[1]):
                energy_out[k, b] += weights[n] * energy[b]
            for b in range(bands):
                mean += weights[n] * energy[b] / bands
            mx += weights[n] * moment[0]
            my += weights[n] * moment[1]
            mz += weights[n] * moment[2]
        scale = 1 / mean if mean > 0 else 0.0
        moment_out[k, 0], moment_out[k, 1], moment_out[k, 2] = mx * scale, my * scale, mz * scale


@borrowing
def _seed(seed, chunk, random):
    for r in range(len(random)):
        random[r] = mix(mix(mix(seed) ^ chunk) ^ np.uint64(r))


@kernel
def _trace(scene, chances, tree, cells, air, rays, spare, bin_length, out, lost):
    """Follow rays and add what they bring to out (C, K, B + 3), what escapes to lost (1,).

    All fly a stretch, then they are drawn anew: into ``spare``, which is as large.
    """
    number = len(rays.image)
    half, total = np.empty(len(air)), np.empty(len(air))
    longest = out.shape[1] * bin_length
    alive, horizon = number, 0.0
    while alive > 0 and horizon < longest:
        horizon = min(horizon + _STRETCH, longest)
        for r in range(alive):
            while rays.state[r, 6] < horizon:
                _fly(scene, chances, tree, cells, air, half, rays, r, bin_length, longest, out,
                     lost)  # fmt: skip
        left = _sum_weights(rays.weight[:alive], total) / number
        if left < _SILENCE:
            break
        wanted = max(1, int(number * min(1.0, left) ** _THINNING))
        alive = _draw(rays, spare, alive, wanted, total)
        rays, spare = spare, rays


@inlined
def _fly(scene, chances, tree, cells, air, half, rays, r, bin_length, longest, out, lost):
    """Take ray r to the next surface and beyond; one that leaves the scene is spent."""
    state, weight = rays.state[r], rays.weight[r]
    x, y, z, dx, dy, dz = state[0], state[1], state[2], state[3], state[4], state[5]
    t, triangle = closest_hit(scene.bvh, x, y, z, dx, dy, dz, _ANYWHERE)
    t = min(t, longest - state[6])
    if triangle < 0 and not rays.passed[r]:
        lost[0] += _mean(weight)
    parts = max(1, int(np.ceil(t / _EVEN)))
    length = t / parts
    for b in range(len(air)):
        half[b] = np.exp(-air[b] * length / 2)
    for part in range(parts):
        s = part * length
        for b in range(len(air)):
            weight[b] *= half[b]
        if rays.image[r] < 0:
            collect(cells, x + s * dx, y + s * dy, z + s * dz, dx, dy, dz, length, state[6] + s,
                    bin_length, weight, out)  # fmt: skip
        for b in range(len(air)):
            weight[b] *= half[b]
    state[6] += t
    if triangle < 0:
        state[6] = longest
        for b in range(len(air)):
            weight[b] = 0.0
        return
    state[0], state[1], state[2] = x + t * dx, y + t * dy, z + t * dz
    rays.image[r] = meet(scene, chances, tree, triangle, rays.image[r], rays.random[r : r + 1],
                         state, weight)  # fmt: skip
    if state[3] == dx and state[4] == dy and state[5] == dz:
        rays.passed[r] = True


@inner
def _sum_weights(weight, total):
    """Write the sum of weights (R, B) to total (B,) and return the largest."""
    total[:] = 0.0
    for r in range(len(weight)):
        for b in range(len(total)):
            total[b] += weight[r, b]
    return _largest(total)


@inner
def _draw(rays, fresh, alive, wanted, total):
    """Draw ``wanted`` rays of the first ``alive`` into ``fresh``; return how many there are.

    A ray that is drawn n times on average hands one n-th of its energy to each copy: nothing is
    won or lost. n goes with the fourth root of the ray's share of the energy in all bands, which
    keeps weights from drifting apart but leaves enough rays to rooms where little sound goes. The
    draw is systematic: it takes one random number and equal steps.
    """
    bands, matter = len(total), 0.0
    for r in range(alive):
        matter += _importance(rays.weight[r], total)
    if matter <= 0:
        return 0
    position = uniform(rays.random[:1])
    count = 0
    for r in range(alive):
        mean = wanted * _importance(rays.weight[r], total) / matter
        position += mean
        copies = int(position)
        position -= copies
        for c in range(min(copies, len(fresh.image) - count)):
            for a in range(7):
                fresh.state[count, a] = rays.state[r, a]
            for b in range(bands):
                fresh.weight[count, b] = rays.weight[r, b] / mean
            fresh.image[count], fresh.passed[count] = rays.image[r], rays.passed[r]
            fresh.random[count] = mix(rays.random[r] + np.uint64(c))
            count += 1
    return count


@inlined
def _importance(weight, total):
    share = 0.0
    for b in range(len(total)):
        if total[b] > 0:
            share += weight[b] / total[b]
    return np.sqrt(np.sqrt(share))


@inlined
def _mean(values):
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


@inlined
def _largest(values):
    largest = values[0]
    for value in values:
        largest = max(largest, value)
    return largest
