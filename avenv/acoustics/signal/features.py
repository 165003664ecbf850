"""Features on the grid of the short-time Fourier transform, as pure functions of sound.

All use the grid of ``spectrogram``: transforms of 512 samples, one every 160, of frames of 400
under a Hann window. Frame t is centred on sample 160 t; beyond both ends there is silence. All are
pictures like it, too: (rows, T, channels), low frequencies first.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import rfft

from avenv.acoustics.signal.frames import (
    BINS,
    HANN,
    HOP,
    SIZE,
    WINDOW,
    frame_tables,
    frames_to_make,
    take_logarithms,
    transform_centred,
)
from avenv.acoustics.signal.transforms import LANES, invert
from avenv.core import parallel
from avenv.core.kernels import fast_inner, fast_kernel, fast_part

LEVEL_RANGE = 60.0
"""dB at which level differences are cut off."""
MAX_LAG = SIZE - WINDOW
"""Samples by which one ear may be late before a transform wraps round."""
FLOOR = np.float32(1e-10)
"""Power that is taken for silence: 140 dB under that of a full-scale tone."""

_TABLES = frame_tables()
_SILENT = np.log(FLOOR)  # the least that the logarithm of a power is

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


class Kind(NamedTuple):
    """A kind of features: what makes them of frames, and their rows and channels for each frame."""

    make: Callable[..., None]
    more: tuple[Any, ...]
    rows: int
    channels: int


class SlidingFeatures:
    """The features of E windows that slide: those of frames that were there are taken over.

    The bits are those of the functions of this module, because no frame knows of another.

    Args:
        kind: of features.
        num: windows E.
        samples: N of a window.
        step: samples by which windows slide.

    Attributes:
        values: (E, rows, T, channels) float32; the next call overwrites them.

    Raises:
        ValueError: windows are shorter than a hop.
    """

    def __init__(self, kind: Kind, num: int, samples: int, step: int):
        frames = num_frames(samples)
        self._kind = kind
        self.values = np.zeros((num, kind.rows, frames, kind.channels), np.float32)
        self._all = np.arange(frames)
        self._new, self._shift = frames_to_make(samples, step)

    def renew(self, rows: NDArray[np.int64], windows: Array) -> None:
        """Make the features of some rows (R,) of windows (E, C, N) anew."""
        self._make(rows, windows, self._all, 0)

    def slide(self, rows: NDArray[np.int64], windows: Array) -> None:
        """Follow some rows (R,) of windows (E, C, N), which have moved on by one step."""
        self._make(rows, windows, self._new, self._shift)

    def _make(
        self, rows: NDArray[np.int64], windows: Array, frames: NDArray[np.int64], shift: int
    ) -> None:
        make, more = self._kind.make, self._kind.more
        parallel.run(
            make, [(windows[i], _TABLES, frames, shift, *more, self.values[i]) for i in rows]
        )


def _of_all(kind: Kind, audio: ArrayLike) -> Array:
    """Return the features (..., rows, T, channels) of sound (..., C, N)."""
    sound = np.ascontiguousarray(audio, np.float32)
    windows = sound.reshape(-1, *sound.shape[-2:])
    features = SlidingFeatures(kind, len(windows), sound.shape[-1], sound.shape[-1])
    features.renew(np.arange(len(windows)), windows)
    return features.values.reshape(*sound.shape[:-2], *features.values.shape[1:])


def log_mel(audio: ArrayLike, sample_rate: int, bands: int = 64) -> Array:
    """Return the log power in mel bands (..., bands, T, C) float32 of sound (..., C, N).

    ln(1e-10 + M |STFT|²), M being ``mel_filters``.
    """
    sound = np.asarray(audio, np.float32)
    return _of_all(log_mel_kind(sample_rate, bands, sound.shape[-2]), sound)


def log_mel_kind(sample_rate: int, bands: int, channels: int) -> Kind:
    """Return what ``log_mel`` makes; see there."""
    filters = mel_filters(sample_rate, bands)
    reach = np.array([(np.flatnonzero(f)[0], np.flatnonzero(f)[-1] + 1) for f in filters])
    return Kind(_make_log_mel, (filters, reach), bands, channels)


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
    return _of_all(INTERAURAL, _two_ears(audio))


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
    return _of_all(gcc_phat_kind(max_lag), _two_ears(audio))


def gcc_phat_kind(max_lag: int) -> Kind:
    """Return what ``gcc_phat`` makes; see there."""
    return Kind(_make_gcc_phat, (), 2 * check_lag(max_lag) + 1, 1)


def check_lag(max_lag: int) -> int:
    """Return it if it is one that ``gcc_phat`` accepts; else raise ``ValueError``."""
    if not 0 <= max_lag <= MAX_LAG:
        raise ValueError(f"max_lag is {max_lag}; accepted: 0 to {MAX_LAG} samples")
    return max_lag


def _two_ears(audio: ArrayLike) -> Array:
    sound = np.asarray(audio, np.float32)
    if sound.ndim < 2 or sound.shape[-2] != 2:
        raise ValueError(f"audio has the shape {sound.shape}; accepted: (..., 2, samples)")
    return sound


# Kernels write those of ``frames`` (n,) of sound (C, N) to values (rows, T, channels), after they
# have moved what is known on by ``shift`` frames.


@fast_kernel
def _make_log_mel(sound, tables, frames, shift, filters, reach, values):
    _move_on(values, shift)
    edge, work, spectra = _scratch()
    power, found = np.empty(BINS, np.float32), np.empty(len(filters), np.float32)
    for t in frames:
        for first in range(0, len(sound), 2):
            transform_centred(sound, first, t, tables, edge, work, spectra)
            for channel in range(first, min(first + 2, len(sound))):
                real, imaginary = spectra[2 * (channel - first)], spectra[2 * (channel - first) + 1]
                for f in range(BINS):
                    power[f] = real[f] * real[f] + imaginary[f] * imaginary[f]
                for band in range(len(filters)):
                    begin, end = reach[band, 0], reach[band, 1]
                    weights, heard = filters[band, begin:end], power[begin:end]
                    total = FLOOR
                    for f in range(len(weights)):
                        total += weights[f] * heard[f]
                    found[band] = total
                take_logarithms(found)
                for band in range(len(filters)):
                    values[band, t, channel] = max(found[band], _SILENT)


@fast_kernel
def _make_interaural(sound, tables, frames, shift, values):
    _move_on(values, shift)
    edge, work, spectra = _scratch()
    cross, level = np.empty((2, BINS), np.float32), np.empty(BINS, np.float32)
    for t in frames:
        transform_centred(sound, 0, t, tables, edge, work, spectra)
        _find_phase(spectra, np.float32(1), cross)
        for f in range(BINS):
            left = spectra[0, f] * spectra[0, f] + spectra[1, f] * spectra[1, f]
            right = spectra[2, f] * spectra[2, f] + spectra[3, f] * spectra[3, f]
            level[f] = (left + FLOOR) / (right + FLOOR)
        take_logarithms(level)
        for f in range(BINS):
            decibels = np.float32(10 / np.log(10)) * level[f]
            values[f, t, 0], values[f, t, 1] = cross[0, f], cross[1, f]
            values[f, t, 2] = min(max(decibels, -LEVEL_RANGE), LEVEL_RANGE)


INTERAURAL = Kind(_make_interaural, (), BINS, 3)
"""What ``interaural`` makes; see there."""


@fast_kernel
def _make_gcc_phat(sound, tables, frames, shift, values):
    _move_on(values, shift)
    edge, work, spectra = _scratch()
    cross, flat = np.empty((2, BINS), np.float32), work.reshape(work.size)
    lags, scale = len(values) // 2, np.float32(1 / SIZE)
    for t in frames:
        transform_centred(sound, 0, t, tables, edge, work, spectra)
        _find_phase(spectra, np.float32(0), cross)
        for f in range(BINS):
            # the right ear against the left one: the other way round, the conjugate
            up, down = tables.up[f], tables.down[f]
            flat[up], flat[up + LANES] = cross[0, f], -cross[1, f]
            if down != up:
                flat[down], flat[down + LANES] = cross[0, f], cross[1, f]
        invert(work, tables.roots)
        for lag in range(-lags, lags + 1):
            row, lane = divmod(lag % SIZE, LANES)
            heard = scale * work[row, 0, lane]
            values[lags + lag, t, 0] = min(max(heard, np.float32(-1)), np.float32(1))


@fast_inner
def _find_phase(spectra, silence, cross):
    """Set cross (2, BINS) to the phase by which the left ear leads, or where silent to 0, 0.

    ``silence`` is the real part there.
    """
    for f in range(BINS):
        real = spectra[0, f] * spectra[2, f] + spectra[1, f] * spectra[3, f]
        imaginary = spectra[1, f] * spectra[2, f] - spectra[0, f] * spectra[3, f]
        size = np.sqrt(real * real + imaginary * imaginary)
        # rounding must not leave the range that observation spaces promise
        unit = np.float32(1) / max(size, FLOOR)
        re = min(max(real * unit, np.float32(-1)), np.float32(1))
        im = min(max(imaginary * unit, np.float32(-1)), np.float32(1))
        cross[0, f] = re if size > FLOOR else silence
        cross[1, f] = im if size > FLOOR else np.float32(0)


@fast_inner
def _move_on(values, shift):
    """Move values (rows, T, channels) on by some frames."""
    if shift > 0:
        for row in range(len(values)):
            for t in range(values.shape[1] - shift):
                for c in range(values.shape[2]):
                    values[row, t, c] = values[row, t + shift, c]


@fast_part
def _scratch():
    """Return room for edges, for a transform, and for the spectra of two channels."""
    return (
        np.empty((2, WINDOW), np.float32),
        np.empty((SIZE // LANES, 2, LANES), np.float32),
        np.empty((4, BINS), np.float32),
    )
