"""The noise that late fields shape, fixed by a seed."""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from avenv.acoustics.ears.layouts import ChannelLayout
from avenv.acoustics.signal.filters import octave_weights

_FREQUENCIES_AT_A_TIME = 1024
_BLOCK = 0.0125
"""Seconds of noise within which its channels do not correlate by chance."""
_PHASE_RATE = 64000
"""Steps per second in which late sound from a direction is delayed: an error of 8 µs at most."""


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
