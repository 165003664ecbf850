"""Fourier transforms of many short signals side by side.

A spectrogram takes hundreds of transforms. SciPy fills half a SIMD register with them and spends as
long moving them as computing; here ``LANES`` complex transforms of ``SIZE`` samples run in the
lanes of whole registers, and the caller writes and reads them in that form, in a third of the time.

``work`` (SIZE * 2 * LANES,) float32 holds, for each sample, the real and then the imaginary parts
of all lanes.
"""

import numpy as np
from numpy.typing import NDArray

from avenv.core.kernels import fast_inner

SIZE = 512
"""A constant, because only of known strides can LLVM tell that a loop over the lanes is safe."""
LANES = 16
"""Two registers of eight: with fewer, LLVM finds a loop over the lanes too short to vectorise."""


def roots_of_unity() -> NDArray[np.float32]:
    """Return cosine and sine (2, SIZE) of the angles -2π n / SIZE."""
    angles = -2 * np.pi * np.arange(SIZE) / SIZE
    return np.stack([np.cos(angles), np.sin(angles)]).astype(np.float32)


def output_order() -> NDArray[np.int64]:
    """Return the place (SIZE,) at which ``transform`` leaves each frequency."""
    frequency, place, span = np.arange(SIZE), np.zeros(SIZE, np.int64), SIZE
    while span > 1:
        radix = 4 if span % 4 == 0 else 2
        span //= radix
        place += frequency % radix * span
        frequency = frequency // radix
    return place


@fast_inner
def load(sound, starts, window, work):
    """Write windowed frames of sound (N,) from their starts (2 LANES,) on, then zeros.

    A delay changes no magnitude, so that frames need not be centred in the transform.
    """
    row = len(starts)
    for n in range(len(window)):
        target = work[n * row : (n + 1) * row]
        for lane in range(row):
            target[lane] = sound[starts[lane] + np.uint64(n)] * window[n]
    for i in range(len(window) * row, len(work)):
        work[i] = 0


@fast_inner
def transform(work, roots):
    """Replace work by its transforms, in the order of ``output_order``.

    Decimation in frequency (Gentleman & Sande 1966): four branches at a time, two at the end.
    """
    row = 2 * LANES
    span = SIZE
    cos, sin = roots[0], roots[1]
    while span >= 4:
        quarter, stride = span // 4, SIZE // span
        for start in range(0, SIZE, span):
            for p in range(quarter):
                k = p * stride
                _four_branches(
                    work, (start + p) * row, quarter * row,
                    cos[k], sin[k], cos[2 * k], sin[2 * k], cos[3 * k], sin[3 * k],
                )  # fmt: skip
        span = quarter
    for start in range(0, SIZE, 2):
        for lane in range(row):
            # unsigned, because Numba asks of every signed index whether it is negative
            a = np.uint64(start * row + lane)
            b = a + np.uint64(row)
            work[a], work[b] = work[a] + work[b], work[a] - work[b]


@fast_inner
def _four_branches(work, place, step, cos1, sin1, cos2, sin2, cos3, sin3):
    """Transform the four samples at place + 0, 1, 2, 3 steps and turn them by three roots."""
    a = np.uint64(place)
    b, c, d = a + np.uint64(step), a + np.uint64(2 * step), a + np.uint64(3 * step)
    for lane in range(LANES):
        re, im = np.uint64(lane), np.uint64(lane + LANES)
        a_re, a_im, b_re, b_im = work[a + re], work[a + im], work[b + re], work[b + im]
        c_re, c_im, d_re, d_im = work[c + re], work[c + im], work[d + re], work[d + im]
        even_re, even_im, odd_re, odd_im = a_re + c_re, a_im + c_im, b_re + d_re, b_im + d_im
        half_re, half_im, turn_re, turn_im = a_re - c_re, a_im - c_im, b_im - d_im, d_re - b_re
        x_re, x_im = half_re + turn_re, half_im + turn_im
        y_re, y_im = even_re - odd_re, even_im - odd_im
        z_re, z_im = half_re - turn_re, half_im - turn_im
        work[a + re], work[a + im] = even_re + odd_re, even_im + odd_im
        work[b + re], work[b + im] = x_re * cos1 - x_im * sin1, x_re * sin1 + x_im * cos1
        work[c + re], work[c + im] = y_re * cos2 - y_im * sin2, y_re * sin2 + y_im * cos2
        work[d + re], work[d + im] = z_re * cos3 - z_im * sin3, z_re * sin3 + z_im * cos3
