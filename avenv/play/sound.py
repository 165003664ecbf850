"""Sound as it goes to a browser, and how loud it is in each octave."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.core.bands import bands_for

SILENT = -120.0
"""dB below full scale at which a meter has its lower end."""


def as_pcm(block: NDArray[np.float32]) -> bytes:
    """Return sound (2, S), full scale 1, as 16-bit little-endian samples, interleaved."""
    return np.round(np.clip(block, -1, 1).T * 32767).astype("<i2").tobytes()


def levels(window: NDArray[np.float32], sample_rate: int) -> dict[str, Any]:
    """Return the levels of sound (C, N), its energy averaged over ears and samples.

    Returns:
        ``total`` and, per octave of ``bands_for(sample_rate)``, ``octaves``: dB, 0 for a square
        wave of full scale; what is quieter than ``SILENT`` counts as that.
    """
    size = window.shape[-1]
    energy = np.abs(np.fft.rfft(window.astype(np.float64), axis=-1)) ** 2 / size**2
    energy[..., 1:] *= 2  # of the negative frequencies
    if size % 2 == 0:
        energy[..., -1] /= 2
    power = energy.reshape(-1, energy.shape[-1]).mean(axis=0)
    frequency = np.fft.rfftfreq(size, 1 / sample_rate)
    octaves = [
        power[(frequency >= centre / np.sqrt(2)) & (frequency < centre * np.sqrt(2))].sum()
        for centre in bands_for(sample_rate)
    ]
    return {"total": _decibels(power.sum()), "octaves": [_decibels(x) for x in octaves]}


def _decibels(power: float) -> float:
    return round(float(10 * np.log10(max(power, 10 ** (SILENT / 10)))), 2)
