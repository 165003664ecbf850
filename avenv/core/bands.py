"""Octave bands: the one frequency axis that materials, paths and fields share."""

import numpy as np
from numpy.typing import NDArray

OCTAVE_CENTRES = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
"""Band centres in Hz; every material has one value per band."""


def bands_for(sample_rate: int) -> NDArray[np.float64]:
    """Return the centres (B,) in Hz of the bands that a sample rate can carry.

    A band is kept when its centre lies below the Nyquist frequency: six bands at 16 kHz, seven
    from 22.05 kHz on.
    """
    centres = np.asarray(OCTAVE_CENTRES)
    return centres[centres < sample_rate / 2]
