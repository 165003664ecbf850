"""What encoders hear: magnitude spectrograms, pooled and compressed."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.acoustics.signal.fft import LANES, SIZE, load, output_order, roots_of_unity, transform
from avenv.core import parallel
from avenv.core.kernels import fast_borrowing, fast_inner, fast_kernel

HOP, WINDOW, POOL = 160, 400, 4
"""Samples between transforms and of the Hann window; bins and frames per pixel."""

HANN = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
"""The window, (WINDOW,), of which the next repeats the first sample."""

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

    Raises
    ------
    ValueError
        If the sound has no axis of channels, or no samples.
    """
    audio = np.asarray(audio, np.float32)
    if audio.ndim < 2 or audio.size == 0:
        raise ValueError(f"audio has the shape {audio.shape}; accepted: (..., channels, samples)")
    *batch, channels, samples = audio.shape
    rows = audio.reshape(-1, channels, samples)
    whole = Spectrograms(len(rows), channels, samples, samples)
    whole.renew(np.arange(len(rows)), rows)
    return whole.pooled.reshape(*batch, *whole.pooled.shape[1:])


class Spectrograms:
    """The spectrograms of E windows that slide: frames that were there before are not made again.

    The bits are those of ``spectrogram``, because a frame shares its transform with no other.

    Parameters
    ----------
    num : windows E.
    channels : C.
    samples : N of a window.
    step : samples S by which windows slide.

    Attributes
    ----------
    pooled : (E, F, T, C) float32, the spectrograms; the next call overwrites them.
    """

    def __init__(self, num: int, channels: int, samples: int, step: int):
        frequencies, times, _ = spectrogram_shape(samples, channels)
        frames = samples // HOP + 1
        self.pooled = np.zeros((num, frequencies, times, channels), np.float32)
        self._levels = np.zeros((num, frames, frequencies, channels), np.float32)
        self._all = np.arange(frames)
        shift, rest = divmod(step, HOP)
        inside = (self._all * HOP >= WINDOW // 2) & (self._all * HOP + WINDOW // 2 <= samples)
        known = inside & np.pad(inside[shift:], (0, min(shift, frames))) & (rest == 0)
        self._shift = shift if known.any() else 0
        self._new = self._all[~known]

    def renew(self, rows: NDArray[np.int64], windows: NDArray[np.float32]) -> None:
        """Make the spectrograms of some rows (R,) of windows (E, C, N) anew."""
        self._update(rows, windows, self._all, 0)

    def slide(self, rows: NDArray[np.int64], windows: NDArray[np.float32]) -> None:
        """Follow some rows (R,) of windows (E, C, N), which have moved on by one step."""
        self._update(rows, windows, self._new, self._shift)

    def _update(
        self,
        rows: NDArray[np.int64],
        windows: NDArray[np.float32],
        frames: NDArray[np.int64],
        shift: int,
    ) -> None:
        parallel.run(
            _fill,
            [(windows[i], frames, shift, self._levels[i], self.pooled[i]) for i in rows.tolist()],
        )


def _fill(
    audio: NDArray[np.float32],
    frames: NDArray[np.int64],
    shift: int,
    levels: NDArray[np.float32],
    pooled: NDArray[np.float32],
) -> None:
    channels, samples = audio.shape
    padded = np.zeros((channels, samples + WINDOW), np.float32)
    padded[:, WINDOW // 2 : samples + WINDOW // 2] = audio
    levels[: len(levels) - shift] = levels[shift:]
    _measure(padded, HANN, _ROOTS, _ORDER, frames, levels)
    _pool(levels, pooled)
    np.log(pooled, out=pooled)


@fast_kernel
def _measure(padded, window, roots, order, frames, levels):
    """Set frames (n,) of levels (T, F, C) to the mean of POOL bins of sound (C, N + WINDOW).

    Two channels share a complex transform, one as its real, the other as its imaginary part; a
    last odd one is both.
    """
    channels, samples = padded.shape
    pairs = (channels + 1) // 2
    total = len(frames) * pairs
    work = np.empty(SIZE * 2 * LANES, np.float32)
    found = np.empty((levels.shape[1], 2 * LANES), np.float32)
    starts = np.empty(2 * LANES, np.uint64)
    for first in range(0, total, LANES):
        for lane in range(LANES):
            frame, pair = divmod(min(first + lane, total - 1), pairs)
            left, right = 2 * pair, min(2 * pair + 1, channels - 1)
            starts[lane] = left * samples + frames[frame] * HOP
            starts[lane + LANES] = right * samples + frames[frame] * HOP
        load(padded.ravel(), starts, window, work)
        transform(work, roots)
        _levels(work, order, found)
        for lane in range(min(LANES, total - first)):
            frame, pair = divmod(first + lane, pairs)
            left, right = 2 * pair, min(2 * pair + 1, channels - 1)
            for f in range(levels.shape[1]):
                levels[frames[frame], f, left] = found[f, lane]
                levels[frames[frame], f, right] = found[f, lane + LANES]


@fast_borrowing
def _pool(levels, pooled):
    """Set pooled (F, T / POOL, C) to 1 + the means of POOL frames of levels (T, F, C).

    NumPy has a fast log but no fast log1p; the difference is below 1e-7.
    """
    for f in range(pooled.shape[0]):
        for t in range(pooled.shape[1]):
            for c in range(pooled.shape[2]):
                total = np.float32(1)
                for k in range(POOL * t, min(POOL * (t + 1), levels.shape[0])):
                    total += levels[k, f, c]
                pooled[f, t, c] = total


@fast_inner
def _levels(work, order, levels):
    """Set levels (F, 2 LANES) to POOL bins' shares in the mean over POOL bins and frames."""
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
