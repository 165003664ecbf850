"""Channel layouts: how many channels a listener hears, and what each makes of a direction.

A layout is nothing but arrays. Kernels know no layout by name, so that a new one is one function
here that fills the arrays, and one row in ``LAYOUTS``.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft

from avenv.acoustics.filters import octave_filters, octave_weights
from avenv.acoustics.hrtf import ear_filters, load_hrtf

SPEED_OF_SOUND = 343.0
"""Metres per second."""
PHASES = 32
"""Steps between two samples at which octave filters are stored; kernels interpolate linearly,
which at the Nyquist frequency is wrong by at most (π / 32)² / 8 = 0.1 %."""

_DIFFUSE_BINS = 128

Array = NDArray[np.float32]


class Layout(NamedTuple):
    """C channels on a grid of E elevations (-90° to 90°) by A azimuths (360° k / A to the left).

    Attributes:
        filters: (E, A, C, T) response of each channel to sound from each direction.
        delays: (E, A, C) samples from the arrival at the listener's position to the first tap.
        power: (E, A, C, B) energy of a channel per octave band, relative to the diffuse field.
        octaves: (P + 1, B, M) octave filters for P steps of delay between two samples.
        covariance: (F, C, C) expected spectral density of the channels in a diffuse field of unit
            density, at F frequencies from 0 to Nyquist: its diagonal is what a channel hears on
            average, the rest is how far channels cohere.
        samples_per_metre: sample rate over the speed of sound.
        sample_rate: Hz.
    """

    filters: Array
    delays: Array
    power: Array
    octaves: Array
    covariance: Array
    samples_per_metre: float
    sample_rate: float


def make_layout(name: str, sample_rate: int) -> Layout:
    """Return a layout by its name: ``"mono"`` or ``"binaural"``.

    Mono is an omnidirectional microphone at the listener's position. Binaural is the KEMAR dummy
    head, equalised such that in a diffuse field each ear is as loud as mono; channel 0 is the left
    ear. Raises ``ValueError`` for a name that is not in ``LAYOUTS``.
    """
    if name not in LAYOUTS:
        raise ValueError(f"layout is {name!r}; known are {', '.join(map(repr, LAYOUTS))}")
    return _make(name, int(sample_rate))


@lru_cache(maxsize=8)
def _make(name: str, sample_rate: int) -> Layout:
    filters, delays = LAYOUTS[name](sample_rate)
    covariance, power = _diffuse_field(filters, delays, sample_rate)
    return Layout(
        filters=np.ascontiguousarray(filters, np.float32),
        delays=np.ascontiguousarray(delays, np.float32),
        power=np.ascontiguousarray(power, np.float32),
        octaves=octave_filters(sample_rate, PHASES),
        covariance=np.ascontiguousarray(covariance, np.float32),
        samples_per_metre=sample_rate / SPEED_OF_SOUND,
        sample_rate=float(sample_rate),
    )


def _mono(sample_rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.ones((1, 1, 1, 1)), np.zeros((1, 1, 1))


def _binaural(sample_rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return ear_filters(load_hrtf(), sample_rate)


LAYOUTS: dict[str, Callable[[int], tuple[NDArray[np.float64], NDArray[np.float64]]]] = {
    "mono": _mono,
    "binaural": _binaural,
}
"""Name -> function of the sample rate that returns filters (E, A, C, T) and delays (E, A, C)."""


def _diffuse_field(
    filters: NDArray[np.float64], delays: NDArray[np.float64], sample_rate: int
) -> tuple[Array, Array]:
    """Return the covariance (F, C, C) of a diffuse field and the directional power (E, A, C, B)."""
    rows, columns, channels, _ = filters.shape
    turns = np.linspace(0, 0.5, _DIFFUSE_BINS + 1, dtype=np.float32)  # per sample
    spectra = rfft(filters.astype(np.float32), 2 * _DIFFUSE_BINS).transpose(3, 2, 0, 1)
    bands = octave_weights(turns * sample_rate, sample_rate).astype(np.float32) ** 2
    energy = np.tensordot(bands, np.abs(spectra) ** 2, axes=1).transpose(2, 3, 1, 0)

    phases = np.exp(-2j * np.pi * turns * delays.astype(np.float32)[..., None]).astype(np.complex64)
    heard = (spectra * phases.transpose(3, 2, 0, 1)).reshape(len(turns), channels, -1)
    weights = np.repeat(_zone_areas(rows) / columns, columns).astype(np.float32)
    # the imaginary part is left out: it is zero for layouts with a plane of symmetry
    covariance = ((heard * weights) @ heard.conj().transpose(0, 2, 1)).real
    mean = np.einsum("bf,fcc->cb", bands, covariance)
    return covariance, energy / mean


def _zone_areas(rows: int) -> NDArray[np.float64]:
    """Return the share (rows,) of the sphere around each elevation of a grid from pole to pole."""
    edges = np.pi * (np.arange(rows + 1) - 0.5) / max(rows - 1, 1)
    return np.diff(-np.cos(np.clip(edges, 0, np.pi))) / 2 if rows > 1 else np.ones(1)
