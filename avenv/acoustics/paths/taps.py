"""Early paths in a response: taps, weighted by octave, through the filters of their directions."""

import numpy as np

from avenv.acoustics.ears.grid import grid_cell
from avenv.core.kernels import fast_inner, fast_part

_BESIDE = np.float32(1e-7)
"""Share of the energy of a path's octave filter that its two ends may hold where they are cut off:
-70 dB."""
_WHOLE = 32
"""Samples that loops take at a time; those that are left over are dear."""
AUDIBLE = np.float32(1e-9)
"""Energy relative to the loudest path, or the loudest band of a time bin, below which a path, or a
band of a time bin, is left out: -90 dB."""


@fast_part
def add_early(lengths, gains, arrivals, heading, layout, out):
    """Add to out (C, L) each path's tap at its delay, convolved with its direction's filter.

    Arguments as for ``response.assemble``.
    """
    length, size = layout.filters.shape[3], layout.octaves.shape[2]
    half = size // 2
    padded = np.zeros(3 + size + _WHOLE + 3, np.float32)
    taps = padded[3 : 3 + size]
    ear = np.zeros(-(-length // 4) * 4, np.float32)
    loudest = np.float32(0)
    for p in range(len(lengths)):
        loudest = max(loudest, _loudness(gains[p]))
    for p in range(len(lengths)):
        if _loudness(gains[p]) <= AUDIBLE * loudest:
            continue
        rows, columns, weights = grid_cell(arrivals[p], heading, layout.delays)
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
            number = -(-(size - 2 * skip + 3) // _WHOLE) * _WHOLE
            core = padded[skip : skip + number + 3]
            core[:3] = 0
            core[3 + size - 2 * skip :] = 0
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
    """Add the convolution of taps (3 zeros, M, zeros) and ear (T,) to out (L,) from a sample on.

    T is a multiple of 4: each pass over ``out`` applies four of the ear's taps. Zeros, three at
    least, fill the taps up to a multiple of ``_WHOLE`` and 3. What would come before the beginning
    or after the end of ``out`` is left out.
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
