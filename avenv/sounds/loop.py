"""Time as a circle: the building blocks that the synthesised sounds are made of.

A sound is made on a circle of samples, so it has no seam: noise is shaped in the frequency domain
and therefore periodic, events run over the end into the start, and steady tones complete whole
cycles. Nothing is drawn at random per sample of time, only per event and per hertz, so a variant
is the same sound at every sample rate, up to that rate's bandwidth.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

Signal = NDArray[np.float64]
Gain = Callable[[Signal], Signal]
"""Amplitude as a function of frequency in Hz."""

_REFERENCE_BAND = 8000.0  # Hz; noise has unit power below it, whatever the sample rate


@dataclass(frozen=True)
class Loop:
    """A circle of time for one variant of one sound.

    Attributes:
        rng: the variant's source of chance.
        sample_rate: Hz.
        seconds: once round.
    """

    rng: np.random.Generator
    sample_rate: int
    seconds: float

    @property
    def samples(self) -> int:
        """Number of samples N once round."""
        return round(self.seconds * self.sample_rate)

    @cached_property
    def t(self) -> Signal:
        """Times (N,) of the samples in seconds."""
        return np.arange(self.samples) / self.sample_rate

    @cached_property
    def f(self) -> Signal:
        """Frequencies (N // 2 + 1,) in Hz that complete whole cycles."""
        return np.arange(self.samples // 2 + 1) / self.seconds

    def silence(self) -> Signal:
        """Return N zeros."""
        return np.zeros(self.samples)

    def uniform(self, low: float, high: float) -> float:
        """Draw one number between two."""
        return float(self.rng.uniform(low, high))

    def whole(self, frequency: float) -> float:
        """Return the nearest frequency in Hz that completes whole cycles in one turn."""
        return max(1, round(frequency * self.seconds)) / self.seconds

    def phase(self, frequency: float) -> Signal:
        """Return the phase (N,) in radians of a steady tone near ``frequency`` Hz."""
        return 2 * np.pi * self.whole(frequency) * self.t

    def noise(self, gain: Gain, highest: float = np.inf) -> Signal:
        """Return periodic Gaussian noise (N,) of this spectrum, of unit power below 8 kHz.

        Nothing is made above ``highest`` Hz.
        """
        amplitude = gain(self.f[1 : self.samples // 2][self.f[1 : self.samples // 2] <= highest])
        reference = gain(np.arange(1, round(_REFERENCE_BAND * self.seconds)) / self.seconds)
        amplitude /= np.sqrt(np.sum(reference**2))
        # A child generator: how many numbers are drawn here depends on the sample rate.
        draws = self.rng.spawn(1)[0].standard_normal((len(amplitude), 2))
        spectrum = amplitude * (draws[:, 0] + 1j * draws[:, 1]) * (self.samples / 2)
        return np.fft.irfft(np.concatenate([[0.0], spectrum]), self.samples)

    def wander(self, rate: float) -> Signal:
        """Return a slow periodic drift (N,) of unit power, below about ``rate`` Hz."""
        return self.noise(lambda f: np.exp(-((f / rate) ** 2)), 4 * rate)

    def filter(self, signal: Signal, gain: Gain) -> Signal:
        """Return a signal (N,) filtered round the circle, without delay."""
        return np.fft.irfft(np.fft.rfft(signal) * gain(self.f), self.samples)

    def add(
        self,
        out: Signal,
        start: float,
        seconds: float,
        shape: Callable[..., Signal],
        *parameters: object,
        level: float = 1.0,
    ) -> None:
        """Add ``level * shape(time since start, *parameters)`` to ``out``, at most once round."""
        first = int(np.ceil(start * self.sample_rate))
        count = min(round(seconds * self.sample_rate), self.samples)
        index = np.arange(first, first + count)
        event = shape(index / self.sample_rate - start, *parameters)
        out[index % self.samples] += level * event

    def repeat(
        self,
        starts: ArrayLike,
        levels: ArrayLike,
        seconds: float,
        shape: Callable[..., Signal],
        *parameters: object,
    ) -> Signal:
        """Return one event at many starts (E,) with levels (E,), to the nearest sample."""
        count = min(round(seconds * self.sample_rate), self.samples)
        event = shape(np.arange(count) / self.sample_rate, *parameters)
        line = np.zeros(self.samples + count)
        first = np.round(np.asarray(starts) * self.sample_rate).astype(int) % self.samples
        for start, level in zip(first, np.asarray(levels), strict=True):
            line[start : start + count] += level * event
        line[:count] += line[self.samples :]
        return line[: self.samples]


def band(low: float, high: float, order: int = 2) -> Gain:
    """Return the gain of a band-pass between two frequencies, falling by 6 * order dB/octave."""

    def gain(f: Signal) -> Signal:
        low_cut = ((low / np.maximum(f, 1e-3)) ** 2) ** order
        return 1 / np.sqrt((1 + low_cut) * (1 + ((f / high) ** 2) ** order))

    return gain


def formants(rows: Sequence[tuple[float, float, float]]) -> Gain:
    """Return the summed gain of resonances (centre Hz, bandwidth Hz, amplitude)."""

    def gain(f: Signal) -> Signal:
        parts = [a / np.sqrt(1 + ((f - centre) / (width / 2)) ** 2) for centre, width, a in rows]
        return np.sum(parts, axis=0)

    return gain


def window(t: Signal, seconds: float, ramp: float = 0.01) -> Signal:
    """Return a gate (N,) that opens at 0 and closes at ``seconds`` with raised-cosine ramps."""
    inside = np.clip(np.minimum(t, seconds - t) / ramp, 0.0, 1.0)
    return 0.5 - 0.5 * np.cos(np.pi * inside)


def harmonics(phase: Signal, amplitudes: ArrayLike, highest: float, sample_rate: float) -> Signal:
    """Return sum_k a_k sin(k * phase) (N,) of those harmonics that stay below the Nyquist rate.

    ``highest`` is the highest fundamental in Hz that the phase reaches. Chebyshev's recurrence
    sin(k p) = 2 cos(p) sin((k-1) p) - sin((k-2) p) makes a harmonic cost two products.
    """
    twice_cos = 2 * np.cos(phase)
    previous, current = np.zeros_like(phase), np.sin(phase)
    total = np.zeros_like(phase)
    for k, amplitude in enumerate(np.asarray(amplitudes), start=1):
        if k * highest >= 0.48 * sample_rate:
            break
        if amplitude:
            total += amplitude * current
        previous, current = current, twice_cos * current - previous
    return total


def modes(
    t: Signal,
    frequencies: ArrayLike,
    amplitudes: ArrayLike,
    decays: ArrayLike,
    attack: float = 1e-3,
) -> Signal:
    """Return sum_k a_k exp(-t / d_k) sin(2 pi f_k t) (N,) on a uniform grid t >= 0: a struck body.

    Modes above the Nyquist rate are left out. With z_k = exp(-1/d_k + 2 pi i f_k) per second,
    z^(aB + b) = z^(aB) z^b, so the whole bank is one small matrix product.
    """
    step = t[1] - t[0]
    f, a, d = np.broadcast_arrays(
        *(np.asarray(v, float) for v in (frequencies, amplitudes, decays))
    )
    keep = f < 0.48 / step
    rate = (-1 / d + 2j * np.pi * f)[keep]
    size = int(np.ceil(np.sqrt(len(t))))
    coarse = a[keep] * np.exp(np.outer(t[0] + step * size * np.arange(size), rate))
    fine = np.exp(np.outer(rate, step * np.arange(size)))
    total = (coarse.real @ fine.imag + coarse.imag @ fine.real).ravel()[: len(t)]
    head = t[: np.searchsorted(t, attack)]
    total[: len(head)] *= head / attack
    return total


def geometric(first: float, ratio: float, count: int) -> Signal:
    """Return ``count`` amplitudes, each ``ratio`` times the one before."""
    return first * np.power(ratio, np.arange(count, dtype=np.float64))


def odd(count: int, slope: float = 1.0) -> Signal:
    """Return the harmonic amplitudes k**-slope of a square-like wave: the odd ones only."""
    k = np.arange(1, count + 1, dtype=np.float64)
    return np.where(k % 2 == 1, np.power(k, -slope), 0.0)
