"""How loud a sound is, and the loudness that all sounds share.

The measure is that of ITU-R BS.1770-5: the power of the signal after the K weighting, which stands
for the head and for the ear's weakness at low frequencies, averaged over the blocks that a gate
lets through. The blocks are 0.1 s long rather than 0.4 s and do not overlap, so that a tick or a
knock counts as loud as it strikes the ear, and not the less the longer one waits for the next.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

LOUDNESS = -26.0
"""Loudness of every sound in dB relative to full scale (LKFS)."""

_BLOCK = 0.1  # seconds
_PIECE = 60  # seconds or more of a long recording are weighted at a time, to spare memory
_GATE = 10.0  # dB below the mean of all blocks
_OFFSET = -0.691  # dB, so that a sine of 997 Hz counts with its own power
_PEAK = 0.99
_DESIGN_RATE = 48000.0
_STAGES = (
    ((1.53512485958697, -2.69169618940638, 1.19839281085285),
     (1.0, -1.69065929318241, 0.73248077421585)),
    ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)),
)  # fmt: skip
"""Numerators and denominators in z^-1 at 48 kHz: BS.1770-5, annex 1, tables 1 and 2."""


def k_weighting(frequencies: ArrayLike) -> NDArray[np.float64]:
    """Return the gains (F,) of the K weighting at frequencies in Hz, at most 24 kHz counting."""
    f = np.minimum(np.asarray(frequencies, float), _DESIGN_RATE / 2)
    delay = np.exp(-2j * np.pi * f / _DESIGN_RATE)
    gain = np.ones_like(f)
    for numerator, denominator in _STAGES:
        gain *= np.abs(np.polyval(numerator[::-1], delay) / np.polyval(denominator[::-1], delay))
    return gain


def loudness(signal: NDArray[np.floating], sample_rate: int) -> float:
    """Return the loudness in LKFS of a signal (N,) that is played in a loop.

    With b_i the mean squares of consecutive 0.1 s blocks of the weighted signal, it is
    -0.691 + 10 log10(mean of the b_i that are at least a tenth of the mean of all b); so the pauses
    of a ringing phone do not make its rings louder.
    """
    pieces = np.array_split(signal, max(1, len(signal) // (_PIECE * sample_rate)))
    power = np.concatenate([_block_powers(piece, sample_rate) for piece in pieces])
    loud = power >= 10 ** (-_GATE / 10) * power.mean()
    return float(_OFFSET + 10 * np.log10(np.mean(power, where=loud)))


def _block_powers(signal: NDArray[np.floating], sample_rate: int) -> NDArray[np.float64]:
    """Return the mean squares of the blocks of a signal (N,), weighted round its loop."""
    spectrum = np.fft.rfft(signal)
    spectrum *= k_weighting(np.fft.rfftfreq(len(signal), 1 / sample_rate))
    weighted = np.fft.irfft(spectrum, len(signal))
    size = min(len(signal), max(1, round(_BLOCK * sample_rate)))
    blocks = weighted[: len(signal) // size * size].reshape(-1, size)
    return np.einsum("bn,bn->b", blocks, blocks, dtype=np.float64) / size


def normalise(signal: NDArray[np.floating], sample_rate: int) -> NDArray[np.float32]:
    """Return a signal (N,) scaled to ``LOUDNESS``, or to a peak of 0.99 where that is less."""
    gain = 10 ** ((LOUDNESS - loudness(signal, sample_rate)) / 20)
    peak = float(np.max(np.abs(signal)))
    return (signal * min(gain, _PEAK / peak)).astype(np.float32)
