"""Filter design: octave bands that add up to the whole, and minimum-phase responses."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.core.bands import bands_for

OCTAVE_REACH = 8e-3
"""Half the length of an octave filter, seconds: one period of the edge between 125 and 250 Hz is
5.7 ms, so shorter filters could not tell these bands apart."""
_SINC_REACH = 32
"""Half the length of a fractional delay, samples: right within 0.4 % up to 0.46 of the rate."""
END = 8
"""Taps that are left out together at either end of an octave filter."""


def octave_weights(frequencies: ArrayLike, sample_rate: int) -> NDArray[np.float64]:
    """Return the share (B, F) of each octave band at frequencies (F,) in Hz; shares add up to 1.

    On the logarithmic frequency axis neighbours cross-fade as cos² over the whole octave between
    their centres. The lowest band reaches down to 0 Hz, the highest up to the Nyquist frequency.
    """
    bands = bands_for(sample_rate)
    position = np.log2(np.maximum(np.asarray(frequencies, np.float64), 1e-3) / bands[0])
    position = np.clip(position, 0, len(bands) - 1)
    distance = np.abs(position - np.arange(len(bands))[:, None])
    return np.cos(np.pi / 2 * np.minimum(distance, 1)) ** 2


def octave_filters(sample_rate: int, phases: int) -> NDArray[np.float32]:
    """Return linear-phase octave filters for delays between samples, (phases + 1, B, M) float32.

    Filter ``[p, b]`` delays band b by ``(M - 1) / 2 + p / phases`` samples. Its bands add up to a
    windowed sinc (Laakso et al. 1996) of that delay, which for a whole sample is exactly one tap:
    the highest band is what the others leave of it.
    """
    half = round(OCTAVE_REACH * sample_rate)
    size = 8 * half
    weights = octave_weights(np.fft.rfftfreq(size, 1 / sample_rate), sample_rate)
    delays = np.arange(phases + 1)[:, None, None] / phases
    turns = np.arange(size // 2 + 1) / size
    spectra = weights * np.exp(-2j * np.pi * turns * (half + delays))
    offset = np.arange(-half, half + 1) - delays
    taps = np.fft.irfft(spectra, size)[..., : 2 * half + 1]
    taps *= _taper(2 * np.abs(offset) / (half + 1) - 1)  # flat for the inner half
    whole = np.sinc(offset) * _taper(np.abs(offset) / _SINC_REACH)
    taps[:, -1] = whole[:, 0] - taps[:, :-1].sum(axis=1)
    return taps.astype(np.float32)


def end_products(filters: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what tells how much of the energy of a sum of octave filters is at its ends.

    Of filters (P + 1, B, M), the inner products (N + 2, B, B) of their bands within the first and
    the last 0, 1, ... N times ``END`` taps, which leave some in the middle, and at last within all
    taps: means over the P + 1, from which the least and the greatest hardly differ.
    """
    bands = filters.astype(np.float64)
    products = np.einsum("pbi,pci->ibc", bands, bands) / len(filters)
    runs = np.arange((len(products) - 1) // (2 * END) + 1) * END
    sums = np.concatenate([0 * products[:1], np.cumsum(products, axis=0)])
    return np.concatenate([sums[runs] + sums[-1] - sums[len(products) - runs], sums[-1:]])


def _taper(position: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return cos² from 1 at positions up to 0 down to 0 at positions from 1 on."""
    return np.cos(np.pi / 2 * np.clip(position, 0, 1)) ** 2


def minimum_phase(magnitudes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the minimum-phase responses (..., N) that have these magnitudes (..., N / 2 + 1).

    The phase is the Hilbert transform of the log magnitude, taken by folding the real cepstrum
    (Oppenheim & Schafer, Discrete-Time Signal Processing, ch. 13).
    """
    size = 2 * (magnitudes.shape[-1] - 1)
    cepstrum = np.fft.irfft(np.log(magnitudes), size)
    cepstrum[..., 1 : size // 2] *= 2
    cepstrum[..., size // 2 + 1 :] = 0
    return np.fft.irfft(np.exp(np.fft.rfft(cepstrum)), size)
