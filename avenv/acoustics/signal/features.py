"""Features on the grid of the short-time Fourier transform, as pure functions of sound.

All use the grid of ``spectrogram``: transforms of 512 samples, one every 160, of frames of 400
under a Hann window. Frame t is centred on sample 160 t; beyond both ends there is silence. All are
pictures like it, too: (rows, T, channels), low frequencies first.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import irfft, rfft

from avenv.acoustics.signal.fft import SIZE
from avenv.acoustics.signal.spectrogram import HANN, HOP, WINDOW

LEVEL_RANGE = 60.0
"""dB at which level differences are cut off."""
MAX_LAG = SIZE - WINDOW
"""Samples by which one ear may be late before a transform wraps round."""
FLOOR = np.float32(1e-10)
"""Power that is taken for silence: 140 dB under that of a full-scale tone."""

Array = NDArray[np.float32]


def num_frames(samples: int) -> int:
    """Return the number T of frames of so many samples.

    Raises:
        ValueError: there are fewer than from one frame to the next.
    """
    if samples < HOP:
        raise ValueError(f"the window has {samples} samples; accepted: {HOP} (one hop) or more")
    return samples // HOP + 1


def stft(audio: ArrayLike) -> NDArray[np.complex64]:
    """Return the transforms (..., T, 257) complex64 of sound (..., N)."""
    sound = np.asarray(audio, np.float32)
    frames = num_frames(sound.shape[-1])
    padded = np.zeros((*sound.shape[:-1], (frames - 1) * HOP + 2 * WINDOW), np.float32)
    half = WINDOW // 2
    padded[..., half : half + sound.shape[-1]] = sound
    views = np.lib.stride_tricks.sliding_window_view(padded, WINDOW, axis=-1)
    windowed = np.zeros((*sound.shape[:-1], frames, SIZE), np.float32)
    np.multiply(views[..., : frames * HOP : HOP, :], HANN, out=windowed[..., :WINDOW])
    return rfft(windowed)


def log_mel(audio: ArrayLike, sample_rate: int, bands: int = 64) -> Array:
    """Return the log power in mel bands (..., bands, T, C) float32 of sound (..., C, N).

    ln(1e-10 + M |STFT|²), M being ``mel_filters``.
    """
    power = np.abs(stft(audio)) ** 2
    mel = power @ np.ascontiguousarray(mel_filters(sample_rate, bands).T)  # ten times as fast
    return np.moveaxis(np.log(mel + FLOOR), (-3, -1), (-1, -3))


def mel_filters(sample_rate: int, bands: int) -> Array:
    """Return triangles (bands, 257) float32 of height 1, evenly spaced on the mel scale.

    The scale is HTK's, m = 2595 log10(1 + f / 700) (O'Shaughnessy 1987), from 0 Hz to half the
    rate. A triangle rises from the centre of its lower neighbour and falls to that of its upper.

    Raises:
        ValueError: there are no bands, or so many that one lies between two bins.
    """
    return _mel_filters(int(sample_rate), int(bands)).copy()


@lru_cache(maxsize=8)
def _mel_filters(sample_rate: int, bands: int) -> Array:
    if bands < 1:
        raise ValueError(f"bands is {bands}; accepted: 1 or more")
    top = 2595 * np.log10(1 + sample_rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    frequency = np.fft.rfftfreq(SIZE, 1 / sample_rate)
    lower, centre, upper = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (frequency - lower) / (centre - lower), (upper - frequency) / (upper - centre)
    filters = np.maximum(0, np.minimum(rising, falling))
    empty = np.flatnonzero(filters.max(axis=1) == 0)
    if len(empty):
        raise ValueError(
            f"bands is {bands}: at {sample_rate} Hz band {empty[0]} lies between two bins of the "
            "transform; accepted: fewer"
        )
    return filters.astype(np.float32)


def interaural(audio: ArrayLike) -> Array:
    """Return how the ears differ in each bin, (..., 257, T, 3) float32, of sound (..., 2, N).

    The channels are cosine and sine of the phase by which the left ear leads, and the level of the
    left ear over the right in dB, cut off at ``LEVEL_RANGE``. Where an ear hears nothing, the phase
    is 0.

    Raises:
        ValueError: the sound has not two channels, or is shorter than a hop.
    """
    left, right = _two_ears(audio)
    phase = _phase(left * right.conj(), 1)
    ratio = (np.abs(left) ** 2 + FLOOR) / (np.abs(right) ** 2 + FLOOR)
    level = np.clip(10 * np.log10(ratio), -LEVEL_RANGE, LEVEL_RANGE)
    return np.stack([phase.real, phase.imag, level], axis=-1).swapaxes(-2, -3)


def gcc_phat(audio: ArrayLike, max_lag: int) -> Array:
    """Return the cross-correlation (..., 2 max_lag + 1, T, 1) float32 of two ears (..., 2, N).

    The generalised cross-correlation with phase transform (Knapp & Carter 1976), frame by frame:
    every bin of the cross spectrum counts the same. Row ``max_lag + d`` says, from -1 to 1, how
    well the right ear hears what the left one did d samples before: sound from the left has its
    maximum at a positive d. In silence all is 0.

    Raises:
        ValueError: the sound has not two channels or is shorter than a hop; ``max_lag`` is
            negative or above ``MAX_LAG``.
    """
    check_lag(max_lag)
    left, right = _two_ears(audio)
    lags = irfft(_phase(right * left.conj(), 0), SIZE)
    around = np.concatenate([lags[..., SIZE - max_lag :], lags[..., : max_lag + 1]], axis=-1)
    return np.clip(around.swapaxes(-1, -2), -1, 1)[..., None]


def check_lag(max_lag: int) -> int:
    """Return it if it is one that ``gcc_phat`` accepts; else raise ``ValueError``."""
    if not 0 <= max_lag <= MAX_LAG:
        raise ValueError(f"max_lag is {max_lag}; accepted: 0 to {MAX_LAG} samples")
    return max_lag


def _phase(cross: NDArray[np.complex64], silence: int) -> NDArray[np.complex64]:
    """Return cross spectra scaled to 1, or ``silence`` where there is nothing to scale."""
    size = np.abs(cross)
    heard = size > FLOOR
    unit = np.where(heard, cross, silence) / np.where(heard, size, 1)
    # rounding must not leave the range that observation spaces promise
    return np.clip(unit.real, -1, 1) + 1j * np.clip(unit.imag, -1, 1)


def _two_ears(audio: ArrayLike) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
    sound = np.asarray(audio, np.float32)
    if sound.ndim < 2 or sound.shape[-2] != 2:
        raise ValueError(f"audio has the shape {sound.shape}; accepted: (..., 2, samples)")
    both = stft(sound)
    return both[..., 0, :, :], both[..., 1, :, :]
