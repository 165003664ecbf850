"""What encoders hear: magnitude spectrograms, pooled and compressed."""

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy.fft import rfft

from avenv import parallel

FFT_SIZE, HOP, WINDOW, POOL = 512, 160, 400, 4
"""Samples of a transform, between transforms and of the Hann window; bins and frames per pixel."""

# periodic Hann window in the middle of the transform
_TAPER = np.zeros(FFT_SIZE, np.float32)
_TAPER[(FFT_SIZE - WINDOW) // 2 :][:WINDOW] = (
    0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
)  # fmt: skip


def spectrogram_shape(samples: int, channels: int = 2) -> tuple[int, int, int]:
    """Return the shape (frequencies, times, channels) of the spectrogram of so many samples."""
    bins, frames = FFT_SIZE // 2 + 1, samples // HOP + 1
    return -(-bins // POOL), -(-frames // POOL), channels


def spectrogram(audio: ArrayLike) -> NDArray[np.float32]:
    """Return log-compressed, pooled magnitude spectrograms, (65, 26, 2) for 1 s at 16 kHz.

    log1p of the 4 × 4 mean of |STFT|, of SoundSpaces (Chen et al. 2020). Frame t is centred on
    sample 160 t; before the first and after the last sample there is silence, as beyond the last
    bin and frame where they do not fill a pixel.

    Parameters
    ----------
    audio : (..., C, N) float32.

    Returns
    -------
    (..., F, T, C) float32, shaped as ``spectrogram_shape(N, C)`` says; low frequencies first.
    """
    audio = np.asarray(audio, np.float32)
    *batch, channels, samples = audio.shape
    pooled = np.zeros((*batch, *spectrogram_shape(samples, channels)), np.float32)
    rows = audio.reshape(-1, channels, samples)
    parallel.run(_fill, list(zip(rows, pooled.reshape(-1, *pooled.shape[-3:]), strict=True)))
    return pooled


def _fill(audio: NDArray[np.float32], pooled: NDArray[np.float32]) -> None:
    padded = np.pad(audio, ((0, 0), (FFT_SIZE // 2, FFT_SIZE // 2)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT_SIZE, axis=1)[:, ::HOP]
    _pool(rfft(frames * _TAPER), pooled)


@njit(cache=True, nogil=True, fastmath=True)
def _pool(spectra, pooled):
    """Set pooled (F, T, C) from spectra (C, frames, bins)."""
    channels, frames, bins = spectra.shape
    for c in range(channels):
        for t in range(frames):
            for f in range(bins):
                value = spectra[c, t, f]
                level = np.sqrt(value.real * value.real + value.imag * value.imag)
                pooled[f // POOL, t // POOL, c] += level
        for f in range(pooled.shape[0]):
            for t in range(pooled.shape[1]):
                pooled[f, t, c] = np.log1p(pooled[f, t, c] / np.float32(POOL * POOL))
