"""Fourier transforms of a few long real signals, each as four short ones side by side.

SciPy fills a SIMD register with four transforms, and takes as long for one as for four. So a signal
is dealt out to four interleaved ones, whose spectra are combined by one more step of the algorithm
of Cooley & Tukey (1965); unless its length is odd or twice odd. One signal is treated as many are,
so that its bits are the same.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft

from avenv.core.kernels import fast_borrowing

WAYS = 4
"""Signals that one is dealt out to."""

Array = NDArray[np.float32]
Spectra = NDArray[np.complex64]


def transform(signals: Array) -> Spectra:
    """Return the spectra (n, N / 2 + 1) of signals (n, N)."""
    number, size = signals.shape
    if size % WAYS:
        return rfft(signals)
    short = rfft(signals.reshape(number, size // WAYS, WAYS), axis=1)
    spectra = np.empty((number, size // 2 + 1), np.complex64)
    _combine(np.ascontiguousarray(short.transpose(0, 2, 1)), _turns(size), spectra)
    return spectra


def invert(spectra: Spectra, size: int) -> Array:
    """Return the signals (n, N) of spectra (n, N / 2 + 1)."""
    if size % WAYS:
        return irfft(spectra, size)
    short = np.empty((len(spectra), WAYS, size // WAYS // 2 + 1), np.complex64)
    _divide(spectra, _turns(size), short)
    signals = irfft(short.transpose(0, 2, 1), size // WAYS, axis=1)
    return signals.reshape(len(spectra), size)


@lru_cache(maxsize=8)
def _turns(size: int) -> Spectra:
    """Return exp(-2πi r k / N) (WAYS, N / 2 + 1) of way r and frequency k."""
    angle = np.outer(np.arange(WAYS), np.arange(size // 2 + 1)) * (-2 * np.pi / size)
    return np.exp(1j * angle).astype(np.complex64)


@fast_borrowing
def _combine(short, turns, spectra):
    """Set spectra (n, N / 2 + 1) to the sums of short ones (n, WAYS, F), each turned.

    A short spectrum is periodic, and the second half of a period mirrors the first.
    """
    last = spectra.shape[1] - 1
    period = 2 * last // WAYS
    for n in range(len(short)):
        a, b, c, d = short[n, 0], short[n, 1], short[n, 2], short[n, 3]
        for start in range(0, last + 1, period):
            out, t1, t2, t3 = (spectra[n, start:], turns[1, start:], turns[2, start:],
                               turns[3, start:])  # fmt: skip
            for k in range(min(len(a), len(out))):
                out[k] = a[k] + t1[k] * b[k] + t2[k] * c[k] + t3[k] * d[k]
            for k in range(len(a), min(period, len(out))):
                m = period - k
                mirrored = t1[k] * np.conj(b[m]) + t2[k] * np.conj(c[m]) + t3[k] * np.conj(d[m])
                out[k] = np.conj(a[m]) + mirrored


@fast_borrowing
def _divide(spectra, turns, short):
    """Set short spectra (n, WAYS, F) to those of every fourth sample of signals.

    Way r is the sum of the frequencies k + m N / 4, each turned back, and a quarter of it. Beyond
    N / 2 lie the conjugates of what is before.
    """
    period = 2 * (spectra.shape[1] - 1) // WAYS
    quarter = np.float32(1 / WAYS)
    for n in range(len(spectra)):
        y = spectra[n]
        for k in range(period // 2 + 1):
            # frequencies k, k + N / 4, k - N / 2 and k - N / 4
            p, q = y[k], y[k + period]
            u, v = np.conj(y[2 * period - k]), np.conj(y[period - k])
            even, odd, plus, minus = p + u, q + v, p - u, q - v
            side = np.complex64(complex(-minus.imag, minus.real))
            short[n, 0, k] = quarter * (even + odd)
            short[n, 1, k] = quarter * np.conj(turns[1, k]) * (plus + side)
            short[n, 2, k] = quarter * np.conj(turns[2, k]) * (even - odd)
            short[n, 3, k] = quarter * np.conj(turns[3, k]) * (plus - side)
