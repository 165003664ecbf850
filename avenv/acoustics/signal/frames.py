"""Short-time spectra of two channels at once: the grid that all features stand on.

Frames of ``WINDOW`` samples under a Hann window, one every ``HOP``, are transformed with zeros up
to ``SIZE``. One channel is the real, the other the imaginary part of a transform; rounding lets
130 dB less of one into the other, unless that is silent.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.acoustics.signal.transforms import (
    LANES,
    is_silent,
    places_for,
    roots_for,
    transform,
    weigh_samples,
)
from avenv.core.kernels import fast_inner

HOP, WINDOW, SIZE = 160, 400, 512
"""Samples between frames, of a frame, and of a transform."""
BINS = SIZE // 2 + 1
"""Frequencies of a spectrum."""

HANN = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
"""The window, (WINDOW,), of which the next repeats the first sample."""


class FrameTables(NamedTuple):
    """What ``transform_frame`` looks up.

    Attributes:
        window: (WINDOW,) float32.
        roots: of ``transforms.transform``.
        up, down: (BINS,) where each frequency, and its mirror image, is after it.
    """

    window: NDArray[np.float32]
    roots: NDArray[np.float32]
    up: NDArray[np.int64]
    down: NDArray[np.int64]


def frame_tables(gain: float = 1.0) -> FrameTables:
    """Return the tables of spectra that are ``gain`` times as large."""
    places, bins = places_for(SIZE), np.arange(BINS)
    window = (HANN * (gain / 2)).astype(np.float32)  # each part is half the sum of two
    return FrameTables(window, roots_for(SIZE), places[bins], places[-bins % SIZE])


@fast_inner
def transform_frame(left, right, tables, work, spectra):
    """Set spectra (4, BINS) to those of two frames (WINDOW,): real and imaginary parts of each.

    Scratch: ``work`` (SIZE / 16, 2, 16).
    """
    flat = work.reshape(work.size)
    for t in range(0, WINDOW, LANES):
        weigh_samples(left, t, tables.window, t, flat, 2 * t)
        weigh_samples(right, t, tables.window, t, flat, 2 * t + LANES)
    for k in range(2 * WINDOW, 2 * SIZE):
        flat[k] = 0
    transform(work, tables.roots)
    # the real part's spectrum is Hermitian, the imaginary part's is so times i
    left_re, left_im, right_re, right_im = spectra[0], spectra[1], spectra[2], spectra[3]
    for f in range(BINS):
        up, down = np.uint64(tables.up[f]), np.uint64(tables.down[f])
        a, b = flat[up], flat[up + np.uint64(LANES)]
        c, d = flat[down], flat[down + np.uint64(LANES)]
        left_re[f], left_im[f] = a + c, b - d
        right_re[f], right_im[f] = b + d, c - a
    if is_silent(left[:WINDOW]):
        spectra[:2] = 0
    if is_silent(right[:WINDOW]):
        spectra[2:] = 0


def frames_to_make(samples: int, step: int) -> tuple[NDArray[np.int64], int]:
    """Return which frames (n,) of a window that has slid are new, and by how many others moved on.

    Frame t is centred on sample HOP t; beyond both ends of the window there is silence, so that
    only frames within it can be taken over.

    Args:
        samples: of the window.
        step: samples by which it slides.
    """
    every = np.arange(samples // HOP + 1)
    shift, rest = divmod(step, HOP)
    inside = (every * HOP >= WINDOW // 2) & (every * HOP + WINDOW // 2 <= samples)
    known = inside & np.pad(inside[shift:], (0, min(shift, len(every)))) & (rest == 0)
    return every[~known], shift if known.any() else 0


@fast_inner
def _copy_frame(sound, start, frame):
    """Set frame (WINDOW,) to sound (n,) from a start on, with zeros before and beyond it."""
    for t in range(WINDOW):
        here = start + t
        frame[t] = sound[here] if 0 <= here < len(sound) else np.float32(0)


@fast_inner
def transform_centred(sound, channel, t, tables, edge, work, spectra):
    """Set spectra (4, BINS) to those of frame t of a channel of sound (C, N) and of the next.

    A last odd one is both. Scratch: ``edge`` (2, WINDOW) and ``work`` (SIZE / 16, 2, 16).
    """
    start, other = HOP * t - WINDOW // 2, min(channel + 1, len(sound) - 1)
    if start >= 0 and start + WINDOW <= sound.shape[1]:
        transform_frame(sound[channel, start:], sound[other, start:], tables, work, spectra)
    else:
        _copy_frame(sound[channel], start, edge[0])
        _copy_frame(sound[other], start, edge[1])
        transform_frame(edge[0], edge[1], tables, work, spectra)


@fast_inner
def take_logarithms(values):
    """Replace positive numbers (n,) by their natural logarithms, within 2e-7 of them or of 1.

    ln(m 2^k) = k ln 2 + 2 artanh(s) with s = (m - 1) / (m + 1), m from √½ to √2, and five terms of
    the series of artanh.
    """
    bits = values.view(np.int32)
    least, one = np.int32(0x3F3504F3), np.int32(0x3F800000)  # √½ and 1
    for n in range(len(values)):
        shifted = bits[n] + (one - least)
        exponent = np.float32((shifted >> 23) - 127)
        bits[n] = (shifted & np.int32(0x7FFFFF)) + least
        m = values[n]
        s = (m - np.float32(1)) / (m + np.float32(1))
        z = s * s
        series = np.float32(2 / 7) + z * np.float32(2 / 9)
        series = np.float32(2 / 3) + z * (np.float32(2 / 5) + z * series)
        values[n] = exponent * np.float32(0.6931471805599453) + s * (np.float32(2) + z * series)
