"""What encoders hear: magnitude spectrograms, pooled and compressed."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.acoustics.signal.frames import (
    BINS,
    HOP,
    SIZE,
    WINDOW,
    frame_tables,
    frames_to_make,
    take_logarithms,
    transform_centred,
)
from avenv.acoustics.signal.transforms import LANES
from avenv.core import parallel
from avenv.core.kernels import fast_kernel

POOL = 4
"""Bins and frames per pixel."""

_TABLES = frame_tables()


def spectrogram_shape(samples: int, channels: int = 2) -> tuple[int, int, int]:
    """Return the shape (frequencies, times, channels) of the spectrogram of so many samples."""
    frames = samples // HOP + 1
    return -(-BINS // POOL), -(-frames // POOL), channels


def spectrogram(audio: ArrayLike) -> NDArray[np.float32]:
    """Return log-compressed, pooled magnitude spectrograms, (65, 26, 2) for 1 s at 16 kHz.

    log1p of the 4 × 4 mean of ``|STFT|``, of SoundSpaces (Chen et al. 2020). Frame t is centred on
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
    audio = np.ascontiguousarray(audio, np.float32)
    if audio.ndim < 2 or audio.size == 0:
        raise ValueError(f"audio has the shape {audio.shape}; accepted: (..., channels, samples)")
    *batch, channels, samples = audio.shape
    rows = audio.reshape(-1, channels, samples)
    whole = Spectrograms(len(rows), channels, samples, samples)
    whole.renew(np.arange(len(rows)), rows)
    return whole.values.reshape(*batch, *whole.values.shape[1:])


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
    values : (E, F, T, C) float32, the spectrograms; the next call overwrites them.
    """

    def __init__(self, num: int, channels: int, samples: int, step: int):
        frequencies, times, _ = spectrogram_shape(samples, channels)
        frames = samples // HOP + 1
        self.values = np.zeros((num, frequencies, times, channels), np.float32)
        self._levels = np.zeros((num, frames, channels, frequencies), np.float32)
        self._all = np.arange(frames)
        self._new, self._shift = frames_to_make(samples, step)

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
            _measure,
            [
                (windows[i], _TABLES, frames, shift, self._levels[i], self.values[i])
                for i in rows.tolist()
            ],
        )


@fast_kernel
def _measure(sound, tables, frames, shift, levels, pooled):
    """Move levels (T, C, F) on by some frames, and make those numbered ``frames`` (n,) anew.

    They are the means of POOL bins of sound (C, N). Pooled (F, T / POOL, C) are set to the
    logarithms of 1 + the means of POOL frames.
    """
    channels = sound.shape[0]
    total, _, rows = levels.shape
    for t in range(total - shift):
        for channel in range(channels):
            for f in range(rows):
                levels[t, channel, f] = levels[t + shift, channel, f]
    work = np.empty((SIZE // LANES, 2, LANES), np.float32)
    spectra, heights = np.empty((4, BINS), np.float32), np.zeros(POOL * rows, np.float32)
    edge = np.empty((2, WINDOW), np.float32)
    for t in frames:
        for left in range(0, channels, 2):
            transform_centred(sound, left, t, tables, edge, work, spectra)
            for channel in range(left, min(left + 2, channels)):
                real, imaginary = spectra[2 * (channel - left)], spectra[2 * (channel - left) + 1]
                for f in range(BINS):
                    heights[f] = np.sqrt(real[f] * real[f] + imaginary[f] * imaginary[f])
                level = levels[t, channel]
                for f in range(rows):
                    k = np.uint64(POOL * f)
                    level[f] = (
                        heights[k] + heights[k + np.uint64(1)]
                        + heights[k + np.uint64(2)] + heights[k + np.uint64(3)]
                    )  # fmt: skip
    share = np.float32(1 / (POOL * POOL))
    means = np.empty(rows, np.float32)
    for column in range(pooled.shape[1]):
        for channel in range(channels):
            means[:] = 0
            for t in range(POOL * column, min(POOL * (column + 1), total)):
                level = levels[t, channel]
                for f in range(rows):
                    means[f] += level[f]
            for f in range(rows):
                means[f] = np.float32(1) + share * means[f]
            take_logarithms(means)
            for f in range(rows):
                pooled[f, column, channel] = means[f]
