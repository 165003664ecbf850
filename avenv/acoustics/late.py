"""The late field of a source: what rays bring to every cell, once the early paths are taken out.

Stochastic ray tracing (Kuttruff, "Room Acoustics", 5th ed., 9.7) with the track-length estimate of
the energy density (Spanier & Gelbard, "Monte Carlo Principles and Neutron Transport Problems"): a
ray that flies l metres through a cell of volume V adds (4π/N) w l / V, where w is the energy that
is left of it. In the free field that makes 1/r².
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from avenv import parallel
from avenv.acoustics.air import air_absorption
from avenv.acoustics.cells import Cells, blend, collect, lay_cells
from avenv.acoustics.images import STEP_OFF, ImageTree, child_image, spread_directions
from avenv.acoustics.layouts import SPEED_OF_SOUND
from avenv.acoustics.scene import AcousticScene
from avenv.acoustics.settings import AcousticSettings
from avenv.bands import OCTAVE_CENTRES
from avenv.geometry import closest_hit

_NONE = np.zeros(0, np.int32)
NO_IMAGES = ImageTree(np.zeros((0, 3)), _NONE, _NONE, _NONE, np.zeros(0, np.int64))
"""With these a late field leaves nothing out, not even the direct sound."""

_CHUNKS = 8  # fixed, so that sums are the same bits for any number of threads
_LEAST_CROSSING = 0.01  # chance of a ray to pass a surface that lets any sound through
_SMOOTHING = 0.1
_STRIDE = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio
_TRIM = 1e-9  # energy relative to the loudest bin below which the end of a field is cut off


class LateField(NamedTuple):
    """Energy in C cells, K time bins and 7 octave bands, of one source.

    Attributes:
        cells: where they are.
        energy: (C, K, 7) float32 squared pressure relative to 1 m from the source, per bin.
        moment: (C, K, 3) float32 the sum of the directions that it comes from, weighted by the mean
            energy of the bands: its length over the mean energy is 1 if all comes from one place.
        bin: seconds of a time bin; bin 0 begins with the emission.
    """

    cells: Cells
    energy: NDArray[np.float32]
    moment: NDArray[np.float32]
    bin: float


def trace_late(
    scene: AcousticScene,
    source: NDArray[np.float64],
    ear_height: float,
    tree: ImageTree,
    settings: AcousticSettings,
) -> LateField:
    """Trace the late field of a source (3,), without the paths that its images stand for."""
    cells = lay_cells(scene, ear_height, settings.cell, settings.slab)
    bands = len(OCTAVE_CENTRES)
    air = air_absorption(OCTAVE_CENTRES, settings.temperature, settings.humidity)
    air = air * (np.log(10) / 10)  # dB to exponents of energy
    bins = int(np.ceil(settings.max_time / settings.bin))
    sums = np.zeros((_CHUNKS, len(cells.anchor), bins, bands + 3), np.float32)
    directions = spread_directions(settings.rays)
    edges = np.linspace(0, settings.rays, _CHUNKS + 1).astype(int)
    parallel.run(
        _trace,
        (
            (scene, tree, cells, source, air, directions, edges[c], edges[c + 1],
             np.uint64(settings.seed), settings.bin * SPEED_OF_SOUND, sums[c])
            for c in range(_CHUNKS)
        ),
    )  # fmt: skip
    total = sums[0]
    for part in sums[1:]:
        total += part
    total *= (4 * np.pi / settings.rays / cells.volume)[:, None, None]
    total = _smooth(total)
    loudest = total[:, :, :bands].max(axis=(0, 2), initial=0.0)
    kept = 1 + int(np.flatnonzero(loudest >= _TRIM * loudest.max()).max(initial=0))
    return LateField(
        cells=cells,
        energy=np.ascontiguousarray(total[:, :kept, :bands]),
        moment=np.ascontiguousarray(total[:, :kept, bands:]),
        bin=float(settings.bin),
    )


def _smooth(bins: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average each bin of (C, K, ...) with those within ``_SMOOTHING`` of its age.

    Few rays are left when the sound has grown faint, but by then it changes slowly.
    """
    number = bins.shape[1]
    reach = (_SMOOTHING * np.arange(number)).astype(int)
    first = np.arange(number) - reach
    last = np.minimum(np.arange(number) + reach + 1, number)
    sums = np.zeros((bins.shape[0], number + 1, bins.shape[2]))
    np.cumsum(bins, axis=1, dtype=np.float64, out=sums[:, 1:])
    means = (sums[:, last] - sums[:, first]) / (last - first)[:, None]
    return means.astype(np.float32)


@njit(cache=True, nogil=True)
def late_at(field, bvh, x, y, z, energy_out, moment_out):
    """Write the energy (K, B) and the mean direction of arrival (K, 3) at a point.

    B may be fewer than the field's bands, K fewer than its bins. The length of a direction is the
    share of the energy that comes from there: 1 for a single ray, 0 for a diffuse field.
    """
    rows, weights = np.empty(4, np.int64), np.empty(4)
    blend(field.cells, bvh, x, y, z, rows, weights)
    bands = field.energy.shape[2]
    for k in range(energy_out.shape[0]):
        for b in range(energy_out.shape[1]):
            energy_out[k, b] = 0.0
        mean, mx, my, mz = 0.0, 0.0, 0.0, 0.0
        for n in range(4):
            if rows[n] >= 0 and weights[n] > 0:
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


@njit(cache=True, nogil=True)
def _trace(scene, tree, cells, source, air, directions, first, last, seed, bin_length, out):
    """Follow rays first..last and add what they bring to out (C, K, B + 3)."""
    weight, half = np.empty(len(air)), np.empty(len(air))
    state = np.empty(7)  # position, direction, and metres travelled
    random = np.empty(1, np.uint64)
    longest = out.shape[1] * bin_length
    for r in range(first, last):
        for a in range(3):
            state[a], state[a + 3] = source[a], directions[r, a]
        state[6] = 0.0
        for b in range(len(air)):
            weight[b] = 1.0
        random[0] = _mix(_mix(seed) ^ np.uint64(r))
        image = min(len(tree.key), 1) - 1  # the image whose path this is, -1: late sound
        while True:
            x, y, z, dx, dy, dz = state[0], state[1], state[2], state[3], state[4], state[5]
            t, triangle = closest_hit(scene.bvh, x, y, z, dx, dy, dz, longest - state[6])
            for b in range(len(air)):
                half[b] = np.exp(-air[b] * t / 2)
                weight[b] *= half[b]
            if image < 0:
                collect(cells, x, y, z, dx, dy, dz, t, state[6], bin_length, weight, out)
            if triangle < 0:
                break
            for b in range(len(air)):
                weight[b] *= half[b]
            state[0], state[1], state[2] = x + t * dx, y + t * dy, z + t * dz
            state[6] += t
            before = _largest(weight)
            image, reflected = _meet(scene, tree, triangle, image, random, state, weight)
            if reflected and not _goes_on(weight, before, random):
                break


@njit(cache=True, nogil=True)
def _meet(scene, tree, triangle, image, random, state, weight):
    """Pass, mirror or scatter a ray at a surface.

    Returns the image that it now stands for, and whether it was reflected.

    One of the three is drawn and the weights (B,) make up for its chance. While a ray stands for
    an image, its weights follow each band's own scattering, so that early and late sound add up in
    every band; afterwards all bands scatter with the mean of theirs, for otherwise the weights of
    the bands would drift apart without bound.
    """
    surface = scene.surface[triangle]
    absorption, scattering = scene.absorption[surface], scene.scattering[surface]
    transmission = scene.transmission[surface]
    n = scene.normals[triangle]
    slope = state[3] * n[0] + state[4] * n[1] + state[5] * n[2]
    passing = _chance_to_pass(absorption, transmission, slope > 0 and not scene.sheet[triangle])
    side = -1.0 if slope > 0 else 1.0  # of the normal, towards where the ray came from
    if _uniform(random) < passing:
        for b in range(len(weight)):
            weight[b] *= transmission[b] / passing
        _step_off(state, n, -side)
        return (0 if image == 0 else -1), False
    scattered = _mean(scattering)
    if _uniform(random) < scattered:
        for b in range(len(weight)):
            share = scattering[b] / scattered if image >= 0 else 1.0
            weight[b] *= (1 - absorption[b]) / (1 - passing) * share
        _lambert(state, n, side, _uniform(random), _uniform(random))
        _step_off(state, n, side)
        return -1, True
    for b in range(len(weight)):
        share = (1 - scattering[b]) / (1 - scattered) if image >= 0 else 1.0
        weight[b] *= (1 - absorption[b]) / (1 - passing) * share
    for a in range(3):
        state[3 + a] -= 2 * slope * n[a]
    _step_off(state, n, side)
    return child_image(tree, image, scene.mirror[triangle], len(scene.planes)), True


@njit(cache=True, nogil=True)
def _chance_to_pass(absorption, transmission, leaving):
    """Return the chance with which a ray passes a surface; one that leaves a solid always does."""
    passes, returns = _mean(transmission), 1 - _mean(absorption)
    if leaving:
        return 1.0
    if passes <= 0:
        return 0.0
    return max(passes / (passes + max(returns, 0.0)), _LEAST_CROSSING)


@njit(cache=True, nogil=True)
def _mean(values):
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


@njit(cache=True, nogil=True)
def _largest(values):
    largest = values[0]
    for value in values:
        largest = max(largest, value)
    return largest


@njit(cache=True, nogil=True)
def _lambert(state, n, side, u, v):
    """Draw a direction round the normal with the density of Lambert's cosine law."""
    z, angle = 1 - 2 * u, 2 * np.pi * v
    r = np.sqrt(max(0.0, 1 - z * z))
    x, y, z = side * n[0] + r * np.cos(angle), side * n[1] + r * np.sin(angle), side * n[2] + z
    length = np.sqrt(x * x + y * y + z * z)
    if length < 1e-6:
        x, y, z, length = side * n[0], side * n[1], side * n[2], 1.0
    state[3], state[4], state[5] = x / length, y / length, z / length


@njit(cache=True, nogil=True)
def _step_off(state, n, side):
    for a in range(3):
        state[a] += side * STEP_OFF * n[a]


@njit(cache=True, nogil=True)
def _goes_on(weight, before, random):
    """Say by lot whether a ray goes on from a reflection; winners take over the losers' energy.

    Of the energy that a reflection leaves, the fourth root decides how many rays go on: when the
    sound is down by 40 dB one in ten is still flying, and the trace costs a fifth of what it would
    if all were.
    """
    chance = min(1.0, np.sqrt(np.sqrt(_largest(weight) / before)))
    if _uniform(random) >= chance:
        return False
    for b in range(len(weight)):
        weight[b] /= chance
    return True


@njit(cache=True, nogil=True)
def _uniform(random):
    """Return the next number in [0, 1) of the sequence whose state is random (1,) uint64."""
    random[0] += _STRIDE
    return np.float64(_mix(random[0]) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@njit(cache=True, nogil=True)
def _mix(x):
    """Scramble 64 bits: the SplitMix64 finaliser (Steele, Lea & Flood, OOPSLA 2014)."""
    x = x + _STRIDE
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
