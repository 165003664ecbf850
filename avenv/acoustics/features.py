"""What encoders hear: magnitude spectrograms, pooled and compressed."""

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from avenv import parallel
from avenv.acoustics.fft import LANES, SIZE, output_order, roots_of_unity, transform

HOP, WINDOW, POOL = 160, 400, 4
"""Samples between transforms and of the Hann window; bins and frames per pixel."""

_HANN = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
_ROOTS, _ORDER = roots_of_unity(), output_order()


def spectrogram_shape(samples: int, channels: int = 2) -> tuple[int, int, int]:
    """Return the shape (frequencies, times, channels) of the spectrogram of so many samples."""
    bins, frames = SIZE // 2 + 1, samples // HOP + 1
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
    channels, samples = audio.shape
    padded = np.zeros((channels, samples + WINDOW), np.float32)
    padded[:, WINDOW // 2 : samples + WINDOW // 2] = audio
    _pool(padded, _HANN, _ROOTS, _ORDER, pooled)
    pooled += 1  # NumPy has a fast log but no fast log1p; the difference is below 1e-7
    np.log(pooled, out=pooled)


@njit(cache=True, nogil=True, fastmath=True)
def _pool(padded, window, roots, order, pooled):
    """Set pooled (F, T, C) to the mean levels of POOL x POOL bins of sound (C, N + WINDOW).

    Two frames share a complex transform, one as its real, the other as its imaginary part.
    """
    channels, samples = padded.shape
    frames = (samples - WINDOW) // HOP + 1
    total = channels * frames
    work = np.empty(SIZE * 2 * LANES, np.float32)
    levels = np.empty((pooled.shape[0], 2 * LANES), np.float32)
    starts = np.empty(2 * LANES, np.uint64)
    for first in range(0, total, 2 * LANES):
        for lane in range(2 * LANES):
            frame = min(first + lane, total - 1)
            starts[lane] = frame // frames * samples + frame % frames * HOP
        _load(padded.ravel(), starts, window, work)
        transform(work, roots)
        _levels(work, order, levels)
        for lane in range(min(2 * LANES, total - first)):
            c, t = (first + lane) // frames, (first + lane) % frames // POOL
            for f in range(pooled.shape[0]):
                pooled[f, t, c] += levels[f, lane]


@njit(cache=True, nogil=True, fastmath=True)
def _load(sound, starts, window, work):
    """Write windowed frames from their starts on, then zeros; a delay changes no magnitude."""
    row = len(starts)
    for n in range(len(window)):
        target = work[n * row : (n + 1) * row]
        for lane in range(row):
            target[lane] = sound[starts[lane] + np.uint64(n)] * window[n]
    for i in range(len(window) * row, len(work)):
        work[i] = 0


@njit(cache=True, nogil=True, fastmath=True)
def _levels(work, order, levels):
    """Set levels (F, 2 LANES) to the frames' magnitudes, averaged over POOL bins and frames."""
    row = 2 * LANES
    share = np.float32(0.5 / (POOL * POOL))
    levels[:] = 0
    for f in range(SIZE // 2 + 1):
        # the real part's spectrum is Hermitian, the imaginary part's is so times i
        up = work[order[f] * row : (order[f] + 1) * row]
        mirror = order[(SIZE - f) % SIZE]
        down = work[mirror * row : (mirror + 1) * row]
        level = levels[f // POOL]
        for lane in range(LANES):
            re, im = up[lane] + down[lane], up[lane + LANES] - down[lane + LANES]
            level[lane] += share * np.sqrt(re * re + im * im)
            re, im = up[lane + LANES] + down[lane + LANES], down[lane] - up[lane]
            level[lane + LANES] += share * np.sqrt(re * re + im * im)
