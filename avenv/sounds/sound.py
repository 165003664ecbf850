"""One sound, and the loudness that all sounds share."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ACTIVE_RMS = 0.05
"""Root mean square of every sound over its active part: -26 dB below full scale."""

MIN_SAMPLE_RATE = 8000
"""Hz; below this the alarms and the consonants would lose what makes them recognisable."""

_BLOCK = 0.1  # seconds, about the time over which the ear sums loudness
_PEAK = 0.99


@dataclass(frozen=True, eq=False)
class Sound:
    """A mono sound that is played in a loop.

    Attributes:
        name: unique in its set, e.g. ``"phone/3"`` or ``"alarms/bell.wav"``.
        kind: what makes the sound, e.g. ``"phone"``.
        signal: (N,) float32 at ``sample_rate``, sample N is followed by sample 0.
        sample_rate: Hz.
        origin: where it comes from and under what terms: a file, or the synthesiser.
    """

    name: str
    kind: str
    signal: NDArray[np.float32]
    sample_rate: int
    origin: str = ""

    @property
    def duration(self) -> float:
        """Length of one turn of the loop in seconds."""
        return len(self.signal) / self.sample_rate


def active_rms(signal: NDArray[np.floating], sample_rate: int) -> float:
    """Return the root mean square of the active part of a signal (N,).

    With b_i the mean squares of consecutive 0.1 s blocks, it is sqrt(mean of the b_i that are at
    least a tenth of the mean of all b): the relative gate of ITU-R BS.1770-4 without its frequency
    weighting, so that the pauses of a ringing phone do not make its rings louder.
    """
    size = min(len(signal), max(1, round(_BLOCK * sample_rate)))
    blocks = signal[: len(signal) // size * size].astype(np.float64).reshape(-1, size)
    power = np.mean(blocks**2, axis=1)
    return float(np.sqrt(np.mean(power[power >= 0.1 * power.mean()])))


def normalise(signal: NDArray[np.floating], sample_rate: int) -> NDArray[np.float32]:
    """Return a signal (N,) scaled to ``ACTIVE_RMS``, or to a peak of 0.99 where that is less."""
    gain = ACTIVE_RMS / active_rms(signal, sample_rate)
    peak = float(np.max(np.abs(signal)))
    return (signal * min(gain, _PEAK / peak)).astype(np.float32)
