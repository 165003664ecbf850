"""Late sound in a response: noise whose level follows the energy, heard from where that comes."""

import numpy as np

from avenv.acoustics.ears.grid import grid_cell
from avenv.acoustics.paths.taps import AUDIBLE
from avenv.core.kernels import fast_inner, fast_part

_DIRECTED = np.float32(0.1)
"""Share of a time bin's energy from one direction above which it is heard as coming from there; a
lesser one has that direction's levels only: 4096 rays leave shares of this size to chance."""
_HEARD_FROM = np.float32(1e-4)
"""Energy of such a bin relative to the loudest; fainter ones have a direction's levels only."""
_TO_COME = np.float32(1e-6)
"""Share of an octave's energy, early paths included, that its late sound may still hold where it is
cut off: -60 dB."""


@fast_part
def late_level(energy, bin_samples, start):
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
def cut_tails(level, energy, gains):
    """Silence levels (K, B) of each octave from where on ``_TO_COME`` of its energy is to come.

    Its energy is that of the bins (K, B) and of paths, of gains (P, B).
    """
    bins, bands = energy.shape
    for b in range(bands):
        whole = np.float32(0)
        for k in range(bins):
            whole += energy[k, b]
        for p in range(len(gains)):
            whole += gains[p, b] * gains[p, b]
        to_come = np.float32(0)
        for k in range(bins - 1, -1, -1):
            to_come += energy[k, b]
            if to_come > _TO_COME * whole:
                break
            level[k, b] = 0


@fast_part
def weigh_channels(level, moment, heading, power, apart):
    """Return the energy per sample (C, K, B) that each channel hears of levels (K, B).

    As in DirAC (Pulkki 2007), a share |m| of a bin's energy comes from the direction of its moment
    m and the rest from everywhere. If the two are wanted ``apart``, the first has an array of its
    own, (C, K, B), in those bins in which it is heard ``alone`` (K,).
    """
    bins, bands = level.shape
    channels = power.shape[2]
    heard = np.empty((channels, bins, bands), np.float32)
    directed = np.zeros((channels, bins if apart else 0, bands), np.float32)
    least, one, alone = np.float32(0), np.float32(1), np.zeros(bins, np.bool_)
    flat = power.reshape(power.shape[0], power.shape[1], channels * bands)
    gains = np.empty(channels * bands, np.float32)
    for k in range(bins):
        least = max(least, _HEARD_FROM * _loudest(level[k]))
    for k in range(bins):
        if _loudest(level[k]) == 0:
            heard[:, k] = 0
            continue
        share = directed_share(moment[k])
        alone[k] = apart and share >= _DIRECTED and _loudest(level[k]) > least
        r, a, w = grid_cell(moment[k], heading, power)
        first, second = flat[r[0], a[0]], flat[r[1], a[1]]
        third, fourth = flat[r[2], a[2]], flat[r[3], a[3]]
        for n in range(len(gains)):
            gains[n] = w[0] * first[n] + w[1] * second[n] + w[2] * third[n] + w[3] * fourth[n]
        for c in range(channels):
            for b in range(bands):
                gain = gains[c * bands + b]
                if alone[k]:
                    directed[c, k, b] = level[k, b] * share * gain
                    heard[c, k, b] = level[k, b] * (one - share)
                else:
                    heard[c, k, b] = level[k, b] * (one - share + share * gain)
    return heard, directed, alone


@fast_inner
def _loudest(level):
    """Return the largest of some levels (N,), 0 if none is more."""
    loudest = np.float32(0)
    for value in level:
        loudest = max(loudest, value)
    return loudest


@fast_part
def direct(moment, heading, layout, phases, alone):
    """Return how late (C, K), in steps of which ``phases`` make a sample, each channel hears a bin.

    And with which sign (C, K), for microphones may turn it. Of moments (K, 3), where the sound of
    their direction is heard ``alone`` (K,).
    """
    channels, bins = layout.delays.shape[2], len(alone)
    shift, sign = np.zeros((channels, bins), np.int64), np.ones((channels, bins), np.float32)
    for k in range(bins):
        if not alone[k]:
            continue
        rows, columns, weights = grid_cell(moment[k], heading, layout.delays)
        for c in range(channels):
            delay, first = 0.0, np.float32(0)
            for corner in range(4):
                delay += weights[corner] * layout.delays[rows[corner], columns[corner], c]
                first += weights[corner] * layout.filters[rows[corner], columns[corner], c, 0]
            shift[c, k] = np.int64(np.floor(phases * delay + 0.5))
            sign[c, k] = -1 if first < 0 else 1
    return shift, sign


@fast_part
def as_it_is(bins):
    """Return a shift of nothing and a positive sign, (bins,) each."""
    return np.zeros(bins, np.int64), np.ones(bins, np.float32)


@fast_inner
def directed_share(m):
    """Return the share of a bin's energy that comes from the direction of its moment m (3,)."""
    return np.float32(min(np.sqrt(m[0] ** 2 + m[1] ** 2 + m[2] ** 2), 1.0))


@fast_inner
def pan(ray, moment, bin_samples, start, heading, filters, out):
    """Add a signal (L,) to out (C, L), in each bin from the direction of its moment (K, 3)."""
    for k in range(np.int64(start / bin_samples), len(moment)):
        begin = max(start, np.int64(np.ceil(k * bin_samples)))
        end = np.int64(np.ceil((k + 1) * bin_samples))
        rows, columns, weights = grid_cell(moment[k], heading, filters)
        for c in range(out.shape[0]):
            gain = np.float32(0)
            for corner in range(4):
                gain += weights[corner] * filters[rows[corner], columns[corner], c, 0]
            target, source = out[c, begin:end], ray[begin:end]
            for n in range(len(target)):
                target[n] += gain * source[n]


@fast_part
def shape_noise(density, bin_samples, start, noise, unit, shift, sign, out):
    """Add noise (P, B, M + L + M), in units (B,), with energies per sample (K, B) to out (L,).

    In each bin it comes ``shift`` (K,) steps later, of which P make a sample, times ``sign`` (K,).

    Amplitudes run straight from edge to edge of a bin, where neighbours meet in the mean of their
    densities, and are scaled such that each bin has exactly its energy. Bands that are inaudible
    beside the loudest bin are skipped.
    """
    bins, bands = density.shape
    phases, margin = noise.shape[0], (noise.shape[2] - len(out)) // 2
    faint = AUDIBLE * _loudest(density.reshape(bins * bands))
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
