"""Early paths in a response: taps, weighted by octave, through the filters of their directions."""

import numpy as np

from avenv.acoustics.ears.grid import grid_cell
from avenv.acoustics.signal.filters import END
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

    Lengths (P,), gains (P, B) and arrivals (P, 3) as in ``Arrivals``; heading and layout as for
    ``response.assemble``.
    """
    length, size = layout.filters.shape[3], layout.octaves.shape[2]
    half = size // 2
    padded = np.zeros(3 + size + _WHOLE + 3, np.float32)
    ear = np.zeros(-(-length // 4) * 4, np.float32)
    loudest = np.float32(0)
    for p in range(len(lengths)):
        loudest = max(loudest, _loudness(gains[p]))
    for p in range(len(lengths)):
        if _loudness(gains[p]) <= AUDIBLE * loudest:
            continue
        rows, columns, weights = grid_cell(arrivals[p], heading, layout.delays)
        skip = END * _faint_ends(gains[p], layout.ends)
        core = size - 2 * skip
        padded[3 + core :] = 0
        taps = padded[: 3 + -(-(core + 3) // _WHOLE) * _WHOLE]
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
            fraction = np.float32(position - whole)
            _weigh_octaves(gains[p], fraction, layout.octaves, skip, padded[3 : 3 + core])
            _convolve_into(taps, ear, whole - half + skip, out[c])


@fast_inner
def _loudness(gains):
    """Return the energy of the loudest band of a path."""
    loudest = np.float32(0)
    for gain in gains:
        loudest = max(loudest, gain * gain)
    return loudest


@fast_inner
def _faint_ends(gains, ends):
    """Return how many runs of ``END`` taps to leave out at either end of an octave filter.

    Together they hold less than ``_BESIDE`` of its energy: of gains (B,), by ``layout.ends``.
    """
    most = len(ends) - 1
    enough, skip, step = _BESIDE * _energy(gains, ends[most]), np.int64(0), np.int64(1)
    while 2 * step < most:
        step *= 2
    while step > 0:  # the energy grows with every run
        if skip + step < most and _energy(gains, ends[skip + step]) <= enough:
            skip += step
        step //= 2
    return skip


@fast_inner
def _energy(gains, products):
    """Return the energy of a sum of bands by gains (B,), of their inner products (B, B)."""
    energy = 0.0
    for b in range(len(gains)):
        row = 0.0
        for c in range(len(gains)):
            row += products[b, c] * gains[c]
        energy += row * gains[b]
    return energy


@fast_inner
def _weigh_octaves(gains, fraction, octaves, skip, taps):
    """Set taps (M,) to the sum of octave filters by gains (B,), ``fraction`` of a sample late.

    Of those they are the taps from ``skip`` on. Bands come two at a time, so that taps are read and
    written half as often.
    """
    position = fraction * np.float32(octaves.shape[0] - 1)
    phase = min(np.int64(position), octaves.shape[0] - 2)
    late = position - np.float32(phase)
    early, last = np.float32(1) - late, skip + len(taps)
    taps[:] = 0
    for b in range(0, len(gains), 2):
        other = min(b + 1, len(gains) - 1)
        first, second = gains[b], gains[other] if other > b else np.float32(0)
        a0, a1, b0, b1 = first * early, first * late, second * early, second * late
        x0, x1 = octaves[phase, b, skip:last], octaves[phase + 1, b, skip:last]
        y0, y1 = octaves[phase, other, skip:last], octaves[phase + 1, other, skip:last]
        for i in range(len(taps)):
            taps[i] += a0 * x0[i] + a1 * x1[i] + (b0 * y0[i] + b1 * y1[i])


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
