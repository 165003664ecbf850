"""From early paths and a late field to the impulse response that a listener hears.

Kernels see one listener at a time: P paths, K time bins, B octave bands, and the C channels of a
``ChannelLayout``, through whose filters paths are heard and whose coherence the noise of the late
field has.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from avenv.acoustics.ears.layouts import ChannelLayout
from avenv.acoustics.signal.filters import octave_weights
from avenv.acoustics.signal.transforms import is_silent
from avenv.core.kernels import fast_inner, fast_kernel, fast_part

_FREQUENCIES_AT_A_TIME = 1024
_BLOCK = 0.0125
"""Seconds of noise within which its channels do not correlate by chance."""
_PHASE_RATE = 64000
"""Steps per second in which late sound from a direction is delayed: an error of 8 µs at most."""
_DIRECTED = np.float32(0.1)
"""Share of a time bin's energy from one direction above which it is heard as coming from there; a
lesser one has that direction's levels only: 4096 rays leave shares of this size to chance."""
_HEARD_FROM = np.float32(1e-4)
"""Energy of such a bin relative to the loudest; fainter ones have a direction's levels only."""
_TO_COME = np.float32(1e-6)
"""Share of an octave's energy, early paths included, that its late sound may still hold where it is
cut off: -60 dB."""
_BESIDE = np.float32(1e-7)
"""Share of the energy of a path's octave filter that its two ends may hold where they are cut off:
-70 dB."""
_AUDIBLE = np.float32(1e-9)
"""Energy relative to the loudest path, or the loudest band of a time bin, below which a path, or a
band of a time bin, is left out: -90 dB."""


class LateNoise(NamedTuple):
    """What late fields shape, fixed by a seed: octave bands that add up to white noise.

    Most of the memory that a response reads is this, so that it has 16 bits a sample: what they
    leave out of a band is 85 dB below it.

    Attributes:
        diffuse: (C, B, L) int16, in units. Between channels it has the coherence of a diffuse field
            and, in an omnidirectional channel, a variance of 1.
        ray: (P, B, M + L + M) int16, in units, of the same variance and independent of the others:
            sound that has a direction, the same in all channels, P times between two samples, each
            a P-th later. M is more than any channel's delay. A single channel has none, P is 0.
        unit: (B,) float32.
    """

    diffuse: NDArray[np.int16]
    ray: NDArray[np.int16]
    unit: NDArray[np.float32]

    def up_to(self, length: int) -> "LateNoise":
        """Return the noise of shorter responses."""
        end = self.ray.shape[2] - self.diffuse.shape[2] + length
        return LateNoise(
            np.ascontiguousarray(self.diffuse[..., :length]),
            np.ascontiguousarray(self.ray[..., :end]),
            self.unit,
        )


def late_noise(layout: ChannelLayout, length: int, seed: int) -> LateNoise:
    """Return noise for responses of up to ``length`` samples; see there."""
    delay = float(np.abs(layout.delays).max())
    phases = -(-_PHASE_RATE // int(layout.sample_rate)) if delay else 1
    if layout.filters.shape[2] == 1:
        phases = 0
    covariance = layout.covariance
    text = covariance.tobytes(), covariance.shape, phases, math.ceil(delay)
    return _noise(*text, int(layout.sample_rate), length, seed)


@lru_cache(maxsize=4)
def _noise(
    covariance: bytes,
    shape: tuple[int, int, int],
    phases: int,
    margin: int,
    sample_rate: int,
    length: int,
    seed: int,
) -> LateNoise:
    channels, size = shape[1], next_fast_len(length, real=True)
    random, block = np.random.default_rng(seed), 2 * round(_BLOCK / 2 * sample_rate)
    white = rfft(_independent_noise(random, channels + 1, size, block))
    frequencies = np.fft.rfftfreq(size, 1 / sample_rate)
    roots = _square_roots(np.frombuffer(covariance, np.complex64).reshape(shape))
    for first in range(0, len(frequencies), _FREQUENCIES_AT_A_TIME):
        some = slice(first, first + _FREQUENCIES_AT_A_TIME)
        mixing = _between(roots, frequencies[some] * 2 / sample_rate)
        white[:channels, some] = (mixing @ white[:channels, some].T[..., None])[..., 0].T
    bands = octave_weights(frequencies, sample_rate)
    diffuse = np.empty((channels, len(bands), length), np.float32)
    for channel, spectrum in zip(diffuse, white, strict=False):
        channel[:] = irfft(spectrum * bands, size)[:, :length]
    ray = np.empty((phases, len(bands), length + 2 * margin), np.float32)
    around = np.arange(-margin, length + margin) % size
    for phase, samples in enumerate(ray):
        later = np.exp(-2j * np.pi * frequencies / sample_rate * phase / phases)
        samples[:] = irfft(white[channels] * later * bands, size)[:, around]
    peak = np.maximum(*(np.abs(x).max(axis=(0, 2), initial=0) for x in (diffuse, ray)))
    unit = peak[:, None] / np.iinfo(np.int16).max
    counted = [np.rint(x / unit).astype(np.int16) for x in (diffuse, ray)]
    return LateNoise(counted[0], counted[1], unit[:, 0])


def _independent_noise(
    random: np.random.Generator, rows: int, size: int, block: int
) -> NDArray[np.float64]:
    """Return white noise (rows, size) that is independent from row to row wherever one looks.

    Of plain noise, the rows correlate by chance: one ear would be ahead of the other, or louder,
    for some hundredths of a second. Here, in each ``block`` of samples and each few neighbouring
    frequencies, the rows are columns of a random unitary matrix (Mezzadri 2007, "How to generate
    random matrices from the classical compact groups"): their correlation is zero, their energy 1.
    """
    few = rows + 1
    tiles = -(-(block // 2 + 1) // few)
    number = -(-size // block)
    real, imaginary = random.standard_normal((2, number, tiles, few, rows))
    unitary, triangular = np.linalg.qr(real + 1j * imaginary)
    diagonal = np.diagonal(triangular, axis1=-2, axis2=-1)
    unitary *= (diagonal / np.abs(diagonal))[..., None, :]
    spectra = unitary.reshape(number, -1, rows)[:, : block // 2 + 1].transpose(2, 0, 1)
    spectra *= np.sqrt(few * block)
    spectra[..., [0, -1]] *= np.sqrt(2)  # of which only the real part is heard
    return irfft(spectra, block).reshape(rows, -1)[:, :size]


def _square_roots(covariance: NDArray[np.complex64]) -> NDArray[np.complex128]:
    """Return the Hermitian roots (F, C, C) of covariances (F, C, C)."""
    values, vectors = np.linalg.eigh(covariance.astype(np.complex128))
    scaled = vectors * np.sqrt(np.maximum(values, 0))[:, None]
    return scaled @ vectors.conj().transpose(0, 2, 1)


def _between(rows: NDArray, shares: NDArray[np.float64]) -> NDArray:
    """Return rows (F, ...) at shares (N,) of the way from the first to the last."""
    position = shares * (len(rows) - 1)
    index = np.minimum(position.astype(np.int64), len(rows) - 2)
    share = (position - index)[:, None, None]
    return rows[index] * (1 - share) + rows[index + 1] * share


@fast_kernel
def assemble(
    lengths, gains, arrivals, count, distance, late_energy, late_moment, bin_samples, heading,
    layout, noise, out,
):  # fmt: skip
    """Set ``out`` to one listener's impulse response; say whether there is sound in it.

    What comes from everywhere is each channel's own noise. What comes from the direction of the
    moment is one noise in all channels, with the delays and the octaves' levels of that direction.

    Parameters
    ----------
    lengths : (P,) float32, metres from source to listener along each early path.
    gains : (P, B) float32, pressure relative to 1 m from the source, per octave band.
    arrivals : (P, 3) float32, world unit vectors from the listener to where paths come from.
    count : how many of the P paths there are.
    distance : float64, metres between source and listener; no late sound comes before it.
    late_energy : (K, B) float32, expected sum of squares within each time bin, per octave band, as
        if that level held for the whole spectrum (a single 1 in ``out`` has 1 in every band).
    late_moment : (K, 3) float32, energy-weighted mean of the world arrival directions.
    bin_samples : float64, width of a time bin; bin 0 begins with the emission.
    heading : float64, of the listener, radians.
    layout : ``ChannelLayout``.
    noise : ``LateNoise`` for L samples.
    out : (C, L) float32, pressure relative to 1 m from the source in the free field.
    """
    out[:] = 0
    _add_early(lengths, gains, arrivals, count, heading, layout, out)
    start = np.int64(np.ceil(distance * layout.samples_per_metre))
    if start >= min(out.shape[1], late_energy.shape[0] * bin_samples):
        return _is_sounding(out)
    level = _late_level(late_energy, bin_samples, start)
    _cut_tails(level, late_energy, gains, count)
    channels, phases = out.shape[0], noise.ray.shape[0]
    heard, directed, alone = _weigh_channels(level, late_moment, heading, layout.power, phases > 0)
    still, upright = _as_it_is(len(level))
    for c in range(channels):
        _shape_noise(heard[c], bin_samples, start, noise.diffuse[c : c + 1], noise.unit, still,
                     upright, out[c])  # fmt: skip
    if phases:
        shift, sign = _direct(late_moment, heading, layout, phases, alone)
        for c in range(channels):
            _shape_noise(directed[c], bin_samples, start, noise.ray, noise.unit, shift[c], sign[c],
                         out[c])  # fmt: skip
    return _is_sounding(out)


@fast_kernel
def assemble_coincident(
    lengths, gains, arrivals, count, distance, late_energy, late_moment, bin_samples, heading,
    layout, noise, out,
):  # fmt: skip
    """Do as ``assemble`` for a coincident layout: directed sound is one signal in all channels.

    It is panned where an early path would be. This is a kernel of its own, so that only those who
    use it compile it.
    """
    out[:] = 0
    _add_early(lengths, gains, arrivals, count, heading, layout, out)
    start = np.int64(np.ceil(distance * layout.samples_per_metre))
    if start >= min(out.shape[1], late_energy.shape[0] * bin_samples):
        return _is_sounding(out)
    level = _late_level(late_energy, bin_samples, start)
    _cut_tails(level, late_energy, gains, count)
    directed = np.empty_like(level)
    for k in range(len(level)):
        share = _directed_share(late_moment[k])
        for b in range(level.shape[1]):
            directed[k, b] = share * level[k, b]
            level[k, b] *= 1 - share
    ray = np.zeros(out.shape[1], np.float32)
    still, upright = _as_it_is(len(level))
    _shape_noise(directed, bin_samples, start, noise.ray, noise.unit, still, upright, ray)
    for c in range(out.shape[0]):
        _shape_noise(level, bin_samples, start, noise.diffuse[c : c + 1], noise.unit, still,
                     upright, out[c])  # fmt: skip
    _pan(ray, late_moment, bin_samples, start, heading, layout.filters, out)
    return _is_sounding(out)


@fast_inner
def _is_sounding(out):
    for channel in out:  # noqa: SIM110 (Numba knows no any())
        if not is_silent(channel):
            return True
    return False


# Early paths: each is a delayed, octave-weighted tap, convolved with the filter of its direction.


@fast_part
def _add_early(lengths, gains, arrivals, count, heading, layout, out):
    length, half = layout.filters.shape[3], layout.octaves.shape[2] // 2
    padded = np.zeros(layout.octaves.shape[2] + 6, np.float32)
    taps = padded[3:-3]
    ear = np.zeros(-(-length // 4) * 4, np.float32)
    loudest = np.float32(0)
    for p in range(count):
        loudest = max(loudest, _loudness(gains[p]))
    for p in range(count):
        if _loudness(gains[p]) <= _AUDIBLE * loudest:
            continue
        rows, columns, weights = _grid_cell(arrivals[p], heading, layout.delays)
        for c in range(out.shape[0]):
            delay = 0.0
            ear[:] = 0
            for k in range(4):
                delay += weights[k] * layout.delays[rows[k], columns[k], c]
                corner = layout.filters[rows[k], columns[k], c]
                for j in range(length):
                    ear[j] += weights[k] * corner[j]
            position = lengths[p] * layout.samples_per_metre + delay
            whole = np.int64(np.floor(position))
            _weigh_octaves(gains[p], position - whole, layout.octaves, taps)
            skip = _faint_ends(taps)
            core = padded[skip : len(padded) - skip]
            core[:3] = 0
            core[-3:] = 0
            _convolve_into(core, ear, whole - half + skip, out[c])


@fast_inner
def _loudness(gains):
    """Return the energy of the loudest band of a path."""
    loudest = np.float32(0)
    for gain in gains:
        loudest = max(loudest, gain * gain)
    return loudest


@fast_inner
def _weigh_octaves(gains, fraction, octaves, taps):
    """Set taps (M,) to the sum of octave filters by gains (B,), ``fraction`` of a sample late."""
    position = fraction * (octaves.shape[0] - 1)
    phase = min(np.int64(position), octaves.shape[0] - 2)
    share = np.float32(position - phase)
    taps[:] = 0
    for b in range(len(gains)):
        early, late = gains[b] * (1 - share), gains[b] * share
        for i in range(len(taps)):
            taps[i] += early * octaves[phase, b, i] + late * octaves[phase + 1, b, i]


@fast_inner
def _faint_ends(taps):
    """Return how many taps (M,) at either end together hold less than ``_BESIDE`` of the energy.

    Eight at a time.
    """
    whole = np.float32(0)
    for tap in taps:
        whole += tap * tap
    ends, skip, size = np.float32(0), 0, len(taps)
    while 2 * (skip + 8) < size:
        first, last = taps[skip : skip + 8], taps[size - skip - 8 : size - skip]
        for i in range(8):
            ends += first[i] * first[i] + last[i] * last[i]
        if ends > _BESIDE * whole:
            break
        skip += 8
    return skip


@fast_inner
def _convolve_into(taps, ear, start, out):
    """Add the convolution of taps (3 zeros, M, 3 zeros) and ear (T,) to out (L,) from a sample on.

    T is a multiple of 4: each pass over ``out`` applies four of the ear's taps. What would come
    before the beginning or after the end of ``out`` is left out.
    """
    size = len(taps) - 3
    for j in range(0, len(ear), 4):
        offset = start + j
        first = max(0, -offset)
        last = max(first, min(size, len(out) - offset))
        # slices, because Numba vectorises a loop only if it sees that no index is negative
        target = out[offset + first : offset + last]
        t0, t1 = taps[first + 3 : last + 3], taps[first + 2 : last + 2]
        t2, t3 = taps[first + 1 : last + 1], taps[first:last]
        e0, e1, e2, e3 = ear[j], ear[j + 1], ear[j + 2], ear[j + 3]
        for i in range(len(t0)):
            target[i] += e0 * t0[i] + e1 * t1[i] + e2 * t2[i] + e3 * t3[i]


@fast_inner
def _grid_cell(vector, heading, grid):
    """Return rows, columns and weights of the four grid (E, A, ...) directions round a vector."""
    cos, sin = np.cos(heading), np.sin(heading)
    ahead = cos * vector[0] + sin * vector[1]
    left = cos * vector[1] - sin * vector[0]
    elevation = np.arctan2(vector[2], np.hypot(ahead, left))
    last, around = grid.shape[0] - 1, grid.shape[1]
    row = (elevation / np.pi + 0.5) * last
    column = np.arctan2(left, ahead) / (2 * np.pi) * around % around
    r, a = min(np.int64(row), max(last - 1, 0)), min(np.int64(column), around - 1)
    up, on = np.float32(row - r), np.float32(column - a)
    above, beside = min(r + 1, last), (a + 1) % around
    one = np.float32(1)
    weights = (one - up) * (one - on), (one - up) * on, up * (one - on), up * on
    return (r, r, above, above), (a, beside, a, beside), weights


# Late field: noise whose level follows the energy, seen through the directions it comes from.


@fast_part
def _late_level(energy, bin_samples, start):
    """Return the energy per sample (K, B) of bins (K, B).

    Bins are too coarse to know when sound first arrives: what they put before ``start`` is handed
    out over one bin from there on.
    """
    bins, bands = energy.shape
    level = np.zeros((bins, bands), np.float32)
    arrived, heard = np.zeros(bands), np.zeros(bands)
    for k in range(bins):
        for b in range(bands):
            arrived[b] += energy[k, b]
        end = np.ceil((k + 1) * bin_samples)
        if end <= start:
            continue
        samples = end - max(start, np.ceil(k * bin_samples))
        share = min((end - start) / bin_samples, 1.0)
        for b in range(bands):
            level[k, b] = (arrived[b] * share - heard[b]) / samples
            heard[b] = arrived[b] * share
    return level


@fast_inner
def _cut_tails(level, energy, gains, count):
    """Silence levels (K, B) of each octave from where on ``_TO_COME`` of its energy is to come.

    Its energy is that of the bins (K, B) and of the first ``count`` paths, of gains (P, B).
    """
    bins, bands = energy.shape
    for b in range(bands):
        whole = np.float32(0)
        for k in range(bins):
            whole += energy[k, b]
        for p in range(count):
            whole += gains[p, b] * gains[p, b]
        to_come = np.float32(0)
        for k in range(bins - 1, -1, -1):
            to_come += energy[k, b]
            if to_come > _TO_COME * whole:
                break
            level[k, b] = 0


@fast_part
def _weigh_channels(level, moment, heading, power, apart):
    """Return the energy per sample (C, K, B) that each channel hears of levels (K, B).

    As in DirAC (Pulkki 2007), a share |m| of a bin's energy comes from the direction of its moment
    m and the rest from everywhere. If the two are wanted ``apart``, the first has an array of its
    own, (C, K, B), in those bins in which it is heard ``alone`` (K,).
    """
    bins, bands = level.shape
    channels = power.shape[2]
    heard = np.empty((channels, bins, bands), np.float32)
    directed = np.zeros((channels, bins if apart else 0, bands), np.float32)
    least, alone = np.float32(0), np.zeros(bins, np.bool_)
    for k in range(bins):
        least = max(least, _HEARD_FROM * _loudest(level[k]))
    for k in range(bins):
        share = _directed_share(moment[k])
        alone[k] = apart and share >= _DIRECTED and _loudest(level[k]) > least
        rows, columns, weights = _grid_cell(moment[k], heading, power)
        for c in range(channels):
            for b in range(bands):
                gain = np.float32(0)
                for corner in range(4):
                    gain += weights[corner] * power[rows[corner], columns[corner], c, b]
                if alone[k]:
                    directed[c, k, b] = level[k, b] * share * gain
                    heard[c, k, b] = level[k, b] * (1 - share)
                else:
                    heard[c, k, b] = level[k, b] * (1 - share + share * gain)
    return heard, directed, alone


@fast_inner
def _loudest(level):
    """Return the largest of the levels (B,) of a time bin."""
    loudest = np.float32(0)
    for value in level:
        loudest = max(loudest, value)
    return loudest


@fast_part
def _direct(moment, heading, layout, phases, alone):
    """Return how late (C, K), in steps of which ``phases`` make a sample, each channel hears a bin.

    And with which sign (C, K), for microphones may turn it. Of moments (K, 3), where the sound of
    their direction is heard ``alone`` (K,).
    """
    channels, bins = layout.delays.shape[2], len(alone)
    shift, sign = np.zeros((channels, bins), np.int64), np.ones((channels, bins), np.float32)
    for k in range(bins):
        if not alone[k]:
            continue
        rows, columns, weights = _grid_cell(moment[k], heading, layout.delays)
        for c in range(channels):
            delay, first = 0.0, np.float32(0)
            for corner in range(4):
                delay += weights[corner] * layout.delays[rows[corner], columns[corner], c]
                first += weights[corner] * layout.filters[rows[corner], columns[corner], c, 0]
            shift[c, k] = np.int64(np.floor(phases * delay + 0.5))
            sign[c, k] = -1 if first < 0 else 1
    return shift, sign


@fast_part
def _as_it_is(bins):
    """Return a shift of nothing and a positive sign, (bins,) each."""
    return np.zeros(bins, np.int64), np.ones(bins, np.float32)


@fast_inner
def _directed_share(m):
    return np.float32(min(np.sqrt(m[0] ** 2 + m[1] ** 2 + m[2] ** 2), 1.0))


@fast_inner
def _pan(ray, moment, bin_samples, start, heading, filters, out):
    """Add a signal (L,) to out (C, L), in each bin from the direction of its moment (K, 3)."""
    for k in range(np.int64(start / bin_samples), len(moment)):
        begin = max(start, np.int64(np.ceil(k * bin_samples)))
        end = np.int64(np.ceil((k + 1) * bin_samples))
        rows, columns, weights = _grid_cell(moment[k], heading, filters)
        for c in range(out.shape[0]):
            gain = np.float32(0)
            for corner in range(4):
                gain += weights[corner] * filters[rows[corner], columns[corner], c, 0]
            target, source = out[c, begin:end], ray[begin:end]
            for n in range(len(target)):
                target[n] += gain * source[n]


@fast_part
def _shape_noise(density, bin_samples, start, noise, unit, shift, sign, out):
    """Add noise (P, B, M + L + M), in units (B,), with energies per sample (K, B) to out (L,).

    In each bin it comes ``shift`` (K,) steps later, of which P make a sample, times ``sign`` (K,).

    Amplitudes run straight from edge to edge of a bin, where neighbours meet in the mean of their
    densities, and are scaled such that each bin has exactly its energy. Bands that are inaudible
    beside the loudest bin are skipped.
    """
    bins, bands = density.shape
    phases, margin = noise.shape[0], (noise.shape[2] - len(out)) // 2
    faint = np.float32(0)
    for k in range(bins):
        for b in range(bands):
            faint = max(faint, _AUDIBLE * density[k, b])
    edge, scale = _amplitudes(density, np.int64(start / bin_samples))
    ramp = np.empty(np.int64(np.ceil(bin_samples)) + 1, np.float32)
    for n in range(len(ramp)):
        ramp[n] = n
    # noise is added three bands at a time, so that ``out`` is read and written a third as often
    which = np.zeros(bands + 2, np.int64)
    level, step = np.zeros(bands + 2, np.float32), np.zeros(bands + 2, np.float32)
    for k in range(np.int64(start / bin_samples), bins):
        begin = max(start, np.int64(np.ceil(k * bin_samples)))
        end = min(np.int64(np.ceil((k + 1) * bin_samples)), len(out))
        if end <= begin:
            break
        number, turn, slope = 0, sign[k], sign[k] / np.float32(end - begin)
        for b in range(bands):
            if density[k, b] <= faint:
                continue
            which[number] = b
            gain = unit[b] * scale[k, b]
            step[number] = slope * gain * (edge[k + 1, b] - edge[k, b])
            level[number] = turn * gain * edge[k, b] + step[number] / 2
            number += 1
        phase = shift[k] % phases
        first = begin + margin - (shift[k] - phase) // phases
        last = first + end - begin
        for i in range(number, number + 2):
            which[i], level[i], step[i] = 0, 0.0, 0.0
        for i in range(0, number, 3):
            target = out[begin:end]
            x, y, z = (noise[phase, which[i], first:last], noise[phase, which[i + 1], first:last],
                       noise[phase, which[i + 2], first:last])  # fmt: skip
            a0, b0, c0 = level[i], level[i + 1], level[i + 2]
            a1, b1, c1 = step[i], step[i + 1], step[i + 2]
            for n in range(len(target)):
                r, u, v, w = ramp[n], np.float32(x[n]), np.float32(y[n]), np.float32(z[n])
                target[n] += (a0 + a1 * r) * u + (b0 + b1 * r) * v + (c0 + c1 * r) * w


@fast_part
def _amplitudes(density, first):
    """Return amplitudes at the edges of bins (K + 1, B) and what they are scaled by within (K, B).

    Of densities (K, B), of which the first is heard in bin ``first``.
    """
    bins, bands = density.shape
    edge, scale = np.zeros((bins + 1, bands), np.float32), np.zeros((bins, bands), np.float32)
    values, edges, scales = density.reshape(-1), edge.reshape(-1), scale.reshape(-1)
    half, three, least = np.float32(0.5), np.float32(3), np.float32(1e-36)
    begin, end = first * bands, bins * bands
    for b in range(bands):
        edges[begin + b], edges[end + b] = (
            np.sqrt(values[begin + b]),
            np.sqrt(values[end - bands + b]),
        )
    before, after = values[begin : end - bands], values[begin + bands : end]
    target = edges[begin + bands : end]
    for n in range(len(target)):
        target[n] = np.sqrt((before[n] + after[n]) * half)
    low, high = edges[begin:end], edges[begin + bands : end + bands]
    here, target = values[begin:end], scales[begin:end]
    for n in range(len(target)):
        mean = low[n] * low[n] + low[n] * high[n] + high[n] * high[n]
        target[n] = np.sqrt(three * here[n] / (mean + least))
    return edge, scale
