"""Head-related transfer functions: what the head does to sound from each direction."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.acoustics.filters import minimum_phase

KEMAR = Path(__file__).with_name("data") / "kemar.npz"
"""MIT's KEMAR dummy head (Gardner & Martin 1994), see ``data/README.md``."""


class Hrtf(NamedTuple):
    """The left ear of a symmetric head on a grid of E elevations (-90° to 90°) and A azimuths.

    Azimuth k is 360° k / A to the left. The right ear hears direction (azimuth, elevation) as the
    left one hears (-azimuth, elevation).

    Attributes:
        magnitudes: (E, A, F) dB relative to the diffuse-field average, at F frequencies from 0 to
            ``sample_rate / 2``. In a diffuse field an ear is therefore as loud, in every band, as
            an omnidirectional microphone.
        delays: (E, A) seconds after the sound reaches the centre of the head.
        sample_rate: Hz.
    """

    magnitudes: NDArray[np.float64]
    delays: NDArray[np.float64]
    sample_rate: float


def load_hrtf(path: Path = KEMAR) -> Hrtf:
    """Read a set made by ``scripts/build_hrtf.py``."""
    with np.load(path) as data:
        return Hrtf(
            data["magnitudes"].astype(np.float64),
            data["delays"].astype(np.float64),
            float(data["sample_rate"]),
        )


def ear_filters(hrtf: Hrtf, sample_rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return filters (E, A, 2, T) and delays (E, A, 2) in samples at a sample rate; left first.

    The filters are the minimum-phase responses of the measured magnitudes (Kistler & Wightman
    1992), designed at the new rate, so that nothing need be resampled. Above the measured
    frequencies the last magnitude holds.
    """
    measured = np.linspace(0, hrtf.sample_rate / 2, hrtf.magnitudes.shape[-1])
    taps = round(2 * (len(measured) - 1) * sample_rate / hrtf.sample_rate)
    wanted = np.linspace(0, sample_rate / 2, 2 * taps + 1)  # fine enough to fold the cepstrum
    index = np.clip(np.searchsorted(measured, wanted) - 1, 0, len(measured) - 2)
    share = np.clip((wanted - measured[index]) / (measured[1] - measured[0]), 0, 1)
    low, high = hrtf.magnitudes[..., index], hrtf.magnitudes[..., index + 1]
    left = minimum_phase(10 ** ((low + share * (high - low)) / 20))[..., :taps]
    mirrored = -np.arange(left.shape[1])
    delays = hrtf.delays * sample_rate
    return (
        np.stack([left, left[:, mirrored]], axis=2),
        np.stack([delays, delays[:, mirrored]], axis=2),
    )
