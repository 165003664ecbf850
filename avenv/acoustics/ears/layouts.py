"""Channel layouts: how many channels a listener hears, and what each makes of a direction.

A layout is nothing but arrays. Kernels know no layout by name, so that a new one is one function
here that fills the arrays, and one row in ``LAYOUTS``.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from numbers import Real
from os import PathLike
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft

from avenv.acoustics.air import SPEED_OF_SOUND
from avenv.acoustics.ears.hrtf import Hrtf, ear_filters, load_hrtf
from avenv.acoustics.ears.microphones import (
    MicrophoneArray,
    diffuse_covariance,
    lags,
    sensitivity,
    spaced_pair,
)
from avenv.acoustics.ears.spherical import degrees, spherical_harmonics
from avenv.acoustics.signal.filters import end_products, octave_filters, octave_weights
from avenv.core.frames import direction
from avenv.core.suggest import did_you_mean

SAMPLE_RATES = 8000, 192000
"""Hz, the least and the greatest: below, octave bands would be missing that carry speech."""
PHASES = 32
"""Steps between two samples at which octave filters are stored; kernels interpolate linearly,
which at the Nyquist frequency is wrong by at most (π / 32)² / 8 = 0.1 %."""

_DIFFUSE_BINS = 128
_STEP = np.radians(2.5)
"""Between directions of microphones. Delays are interpolated linearly: for one a metre away, they
are wrong by at most _STEP² / 8 metres, 0.7 µs."""

Array = NDArray[np.float32]


class ChannelLayout(NamedTuple):
    """C channels on a grid of E elevations (-90° to 90°) by A azimuths (360° k / A to the left).

    Attributes:
        filters: (E, A, C, T) response of each channel to sound from each direction.
        delays: (E, A, C) samples from the arrival at the listener's position to the first tap.
        power: (E, A, C, B) energy of a channel per octave band, relative to the diffuse field.
        octaves: (P + 1, B, M) octave filters for P steps of delay between two samples.
        ends: (N + 2, B, B) their ``end_products``.
        covariance: (F, C, C) complex, expected spectral density of the channels in a diffuse field
            of unit density, at F frequencies from 0 to Nyquist: its diagonal is what a channel
            hears on average, the rest is how far channels cohere.
        coincident: several channels that are in one place and differ by gains only, so that sound
            from one direction is the same signal in all.
        samples_per_metre: sample rate over the speed of sound.
        sample_rate: Hz.
    """

    filters: Array
    delays: Array
    power: Array
    octaves: Array
    ends: NDArray[np.float64]
    covariance: NDArray[np.complex64]
    coincident: bool
    samples_per_metre: float
    sample_rate: float


class Channels(NamedTuple):
    """What a layout is made from: filters (E, A, C, T), delays (E, A, C), covariance (F, C, C)."""

    filters: NDArray[np.float64]
    delays: NDArray[np.float64]
    covariance: NDArray


def make_layout(
    layout: str | MicrophoneArray, sample_rate: int, hrtf: str | PathLike[str] | None = None
) -> ChannelLayout:
    """Return a layout, one of ``LAYOUTS`` or an array of microphones.

    - ``"mono"``: an omnidirectional microphone at the listener's position.
    - ``"binaural"``: the KEMAR dummy head, or the head of the SOFA file ``hrtf``, equalised such
      that in a diffuse field each ear is as loud as mono; channel 0 is the left ear.
    - ``"stereo"``: two omnidirectional microphones 0.2 m apart, the left one first.
      ``spaced_pair`` makes others.
    - ``"ambisonics1"``, ``"ambisonics2"``, ``"ambisonics3"``: 4, 9, 16 spherical harmonics in ACN
      order with SN3D normalisation; x is ahead, y left, z up, and they turn with the listener.

    Raises:
        ValueError: the name is not in ``LAYOUTS``, the sample rate not within ``SAMPLE_RATES``,
            ``hrtf`` cannot be read or is given for a layout that has no head.
    """
    if not isinstance(layout, MicrophoneArray) and layout not in tuple(LAYOUTS):
        known = f"a MicrophoneArray, or {', '.join(LAYOUTS)}{did_you_mean(layout, LAYOUTS)}"
        raise ValueError(f"layout is {layout!r}; accepted: {known}")
    low, high = SAMPLE_RATES
    if not (isinstance(sample_rate, Real) and low <= sample_rate <= high and sample_rate % 1 == 0):
        raise ValueError(f"sample_rate is {sample_rate!r}; accepted: {low} to {high}, whole Hz")
    if hrtf is None:
        return _make(layout, int(sample_rate))
    if layout != "binaural":
        raise ValueError(f"hrtf is given, but layout is {layout!r}; accepted: 'binaural'")
    return _make_binaural(load_hrtf(hrtf), int(sample_rate))


@lru_cache(maxsize=8)
def _make(layout: str | MicrophoneArray, sample_rate: int) -> ChannelLayout:
    if isinstance(layout, MicrophoneArray):
        return _finish(_microphones(layout, sample_rate), sample_rate)
    return _finish(LAYOUTS[layout](sample_rate), sample_rate)


@lru_cache(maxsize=4)
def _make_binaural(hrtf: Hrtf, sample_rate: int) -> ChannelLayout:
    return _finish(_ears(hrtf, sample_rate), sample_rate)


def _finish(channels: Channels, sample_rate: int) -> ChannelLayout:
    filters, delays, covariance = channels
    octaves = octave_filters(sample_rate, PHASES)
    return ChannelLayout(
        filters=np.ascontiguousarray(filters, np.float32),
        delays=np.ascontiguousarray(delays, np.float32),
        power=_directional_power(filters, covariance, sample_rate),
        octaves=octaves,
        ends=end_products(octaves),
        covariance=np.ascontiguousarray(covariance, np.complex64),
        coincident=filters.shape[2] > 1 and filters.shape[3] == 1 and not delays.any(),
        samples_per_metre=sample_rate / SPEED_OF_SOUND,
        sample_rate=float(sample_rate),
    )


def _mono(sample_rate: int) -> Channels:
    return Channels(
        np.ones((1, 1, 1, 1)), np.zeros((1, 1, 1)), _at_all_frequencies(np.ones((1, 1)))
    )


def _binaural(sample_rate: int) -> Channels:
    return _ears(load_hrtf(), sample_rate)


def _ears(hrtf: Hrtf, sample_rate: int) -> Channels:
    filters, delays = ear_filters(hrtf, sample_rate)
    return Channels(filters, delays, _mean_over_sphere(filters, delays))


def _ambisonics(order: int, sample_rate: int) -> Channels:
    gains = spherical_harmonics(order, _grid())
    covariance = _at_all_frequencies(np.diag(1 / (2 * degrees(order) + 1)))
    return Channels(gains[..., None], np.zeros(gains.shape), covariance)


def _microphones(array: MicrophoneArray, sample_rate: int) -> Channels:
    grid = _grid()
    positions = np.asarray(array.positions)
    across = np.linalg.norm(positions[:, None] - positions, axis=-1).max()
    # four frequencies for each turn of phase across the array: roots are interpolated linearly
    turns = sample_rate / 2 * across / SPEED_OF_SOUND
    frequencies = np.linspace(0, sample_rate / 2, max(_DIFFUSE_BINS, int(4 * turns)) + 1)
    return Channels(
        sensitivity(array, grid)[..., None],
        lags(array, grid) * (sample_rate / SPEED_OF_SOUND),
        diffuse_covariance(array, 2 * np.pi * frequencies / SPEED_OF_SOUND),
    )


LAYOUTS: dict[str, Callable[[int], Channels]] = {
    "mono": _mono,
    "binaural": _binaural,
    "stereo": partial(_microphones, spaced_pair()),
    "ambisonics1": partial(_ambisonics, 1),
    "ambisonics2": partial(_ambisonics, 2),
    "ambisonics3": partial(_ambisonics, 3),
}
"""Name -> function of the sample rate that returns ``Channels``."""


def _at_all_frequencies(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.tile(covariance, (_DIFFUSE_BINS + 1, 1, 1))


def _grid() -> NDArray[np.float64]:
    """Return the unit vectors (E, A, 3) of a fine grid of directions, body frame."""
    rows = round(np.pi / _STEP) + 1
    elevations = np.linspace(-np.pi / 2, np.pi / 2, rows)[:, None]
    return direction(np.arange(2 * (rows - 1)) * _STEP, elevations)


def _mean_over_sphere(
    filters: NDArray[np.float64], delays: NDArray[np.float64]
) -> NDArray[np.complex64]:
    """Return the covariance (F, C, C) of channels in a diffuse field."""
    rows, columns, channels, _ = filters.shape
    turns = np.linspace(0, 0.5, _DIFFUSE_BINS + 1, dtype=np.float32)  # per sample
    spectra = rfft(filters.astype(np.float32), 2 * _DIFFUSE_BINS)
    spectra *= np.exp(-2j * np.pi * turns * delays.astype(np.float32)[..., None])
    heard = spectra.transpose(3, 2, 0, 1).reshape(len(turns), channels, -1)
    weights = np.repeat(_zone_areas(rows) / columns, columns).astype(np.float32)
    return (heard * weights) @ heard.conj().transpose(0, 2, 1)


def _directional_power(
    filters: NDArray[np.float64], covariance: NDArray, sample_rate: int
) -> Array:
    """Return the energy (E, A, C, B) that channels hear per direction, relative to the mean."""
    diagonal = np.diagonal(covariance, axis1=1, axis2=2).real
    mean = _octave_means(len(diagonal), sample_rate) @ diagonal
    if filters.shape[3] == 1:  # the same at all frequencies
        return np.ascontiguousarray(filters**2 / mean.T, np.float32)
    spectra = np.abs(rfft(filters.astype(np.float32), 2 * _DIFFUSE_BINS)) ** 2
    energy = spectra @ _octave_means(_DIFFUSE_BINS + 1, sample_rate).T
    return np.ascontiguousarray(energy / mean.T, np.float32)


def _octave_means(bins: int, sample_rate: int) -> Array:
    """Return weights (B, F) that average the power at frequencies from 0 to Nyquist by octave."""
    weights = octave_weights(np.linspace(0, sample_rate / 2, bins), sample_rate) ** 2
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _zone_areas(rows: int) -> NDArray[np.float64]:
    """Return the share (rows,) of the sphere around each elevation of a grid from pole to pole."""
    edges = np.pi * (np.arange(rows + 1) - 0.5) / (rows - 1)
    return np.diff(-np.cos(np.clip(edges, 0, np.pi))) / 2
