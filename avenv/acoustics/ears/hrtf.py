"""Head-related transfer functions: what the head does to sound from each direction.

Each measured response becomes an onset delay and a magnitude, to be heard through a minimum-phase
filter (Kistler & Wightman 1992): these two, unlike the responses themselves, may be interpolated
between directions and designed anew at any sample rate.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator
from scipy.spatial import KDTree

from avenv.acoustics.ears.sofa import Measurements, read_sofa
from avenv.acoustics.paths.image_sources import spread_directions
from avenv.acoustics.signal.filters import minimum_phase
from avenv.core.frames import direction

KEMAR = Path(__file__).with_name("data") / "kemar.npz"
"""MIT's KEMAR dummy head (Gardner & Martin 1994), see ``data/README.md``."""

STEP = 5
"""Degrees between the directions of the grid."""

_RESPONSE = 2.9e-3  # seconds: what pinna, head and torso do is over by then
_OVERSAMPLING = 16  # of the responses whose onsets are measured
_ONSET = 0.1  # of the peak
_FLAT_BELOW, _MEASURED_ABOVE = 150.0, 300.0  # Hz; small loudspeakers say little about the bass
_MOST_DIRECTIONS = 1500  # that are interpolated; the grid has no more on an equal area
_KEPT = 4  # files


@dataclass(frozen=True, eq=False)
class Hrtf:
    """Two ears on a grid of E elevations (-90° to 90°) and A azimuths (360° k / A to the left).

    Attributes:
        magnitudes: (E, A, 2, F) dB relative to the diffuse-field average, at F frequencies from 0
            to ``sample_rate / 2``; left ear first. In a diffuse field an ear is therefore as loud,
            in every band, as an omnidirectional microphone.
        delays: (E, A, 2) seconds after the sound reaches the centre of the head.
        sample_rate: Hz.
    """

    magnitudes: NDArray[np.float64]
    delays: NDArray[np.float64]
    sample_rate: float


_known: dict[bytes, Hrtf] = {}  # by digest of the file


def load_hrtf(path: str | PathLike[str] | None = None) -> Hrtf:
    """Return the ears of a SOFA file (``SimpleFreeFieldHRIR``), by default those of KEMAR.

    The same content gives the same object, whatever the file is called.

    Raises:
        ValueError: the file does not exist or cannot be used; the message names it.
    """
    if path is None:
        return _kemar()
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"hrtf {path} cannot be read: {error.strerror}") from None
    digest = hashlib.sha256(content).digest()
    if digest not in _known:
        measured = read_sofa(content, str(path))
        delays, magnitudes = interpolate(measured)
        rate = measured.sample_rate
        while len(_known) >= _KEPT:
            _known.pop(next(iter(_known)))
        _known[digest] = Hrtf(equalise(magnitudes, rate), delays, rate)
    return _known[digest]


@lru_cache(maxsize=1)
def _kemar() -> Hrtf:
    with np.load(KEMAR) as data:
        magnitudes, delays = data["magnitudes"].astype(np.float64), data["delays"]
        mirrored = -np.arange(magnitudes.shape[1])  # the head is symmetric
        return Hrtf(
            np.stack([magnitudes, magnitudes[:, mirrored]], axis=2),
            np.stack([delays, delays[:, mirrored]], axis=2).astype(np.float64),
            float(data["sample_rate"]),
        )


def ear_filters(hrtf: Hrtf, sample_rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return filters (E, A, 2, T) and delays (E, A, 2) in samples at a sample rate; left first.

    Filters are designed at the new rate, so that nothing need be resampled. Above the measured
    frequencies the last magnitude holds.
    """
    measured = np.linspace(0, hrtf.sample_rate / 2, hrtf.magnitudes.shape[-1])
    taps = round(2 * (len(measured) - 1) * sample_rate / hrtf.sample_rate)
    wanted = np.linspace(0, sample_rate / 2, 2 * taps + 1)  # fine enough to fold the cepstrum
    index = np.clip(np.searchsorted(measured, wanted) - 1, 0, len(measured) - 2)
    share = np.clip((wanted - measured[index]) / (measured[1] - measured[0]), 0, 1)
    low, high = hrtf.magnitudes[..., index], hrtf.magnitudes[..., index + 1]
    filters = minimum_phase(10 ** ((low + share * (high - low)) / 20))[..., :taps]
    return filters, hrtf.delays * sample_rate


def interpolate(measured: Measurements) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return delays (E, A, 2) in seconds and magnitudes (E, A, 2, F) in dB on the grid.

    Values are interpolated over the sphere by thin plate splines, also where nothing was measured,
    such as below the lowest elevation; by distance alone where the measured directions do not span
    space. Sound from the median plane reaches the ears, on average, when it reaches the centre of
    the head; what differs between elevations is how far the loudspeaker was.
    """
    thinned = _thin(measured)
    magnitudes = _magnitudes(thinned.responses, thinned.sample_rate)
    delays = onsets(thinned.responses, thinned.sample_rate) + thinned.delays
    values = np.concatenate([delays[..., None] * 1e6, magnitudes], axis=-1)
    azimuth, elevation = np.radians(np.arange(0, 360, STEP)), np.radians(np.arange(-90, 91, STEP))
    grid = direction(azimuth, elevation[:, None])
    spans = np.linalg.matrix_rank(np.insert(thinned.directions, 0, 1, axis=1), tol=1e-3) == 4
    spline = RBFInterpolator(
        thinned.directions,
        values.reshape(len(values), -1),
        kernel="thin_plate_spline" if spans else "linear",
        smoothing=1e-3,
    )
    found = spline(grid.reshape(-1, 3)).reshape(*grid.shape[:2], *values.shape[1:])
    found[[0, -1]] = found[[0, -1]].mean(axis=1, keepdims=True)  # one direction at each pole
    delays = found[..., 0] * 1e-6
    delays -= delays[:, [0, 180 // STEP]].mean(axis=(1, 2), keepdims=True)
    return delays, found[..., 1:]


def equalise(magnitudes: NDArray[np.float64], sample_rate: float) -> NDArray[np.float64]:
    """Divide magnitudes (E, A, 2, F) in dB by each ear's diffuse-field average; flatten the bass.

    What all directions have in common is the loudspeaker, the microphone and the ear canal.
    """
    weight = np.cos(np.linspace(-np.pi / 2, np.pi / 2, len(magnitudes)))[:, None, None, None]
    power = 10 ** (magnitudes / 10)
    diffuse = (weight * power).sum(axis=(0, 1)) / (weight.sum() * magnitudes.shape[1])
    frequency = np.linspace(0, sample_rate / 2, magnitudes.shape[-1])
    octaves = np.log2(np.maximum(frequency, 1) / _FLAT_BELOW)
    measured = np.clip(octaves / np.log2(_MEASURED_ABOVE / _FLAT_BELOW), 0, 1)
    return measured * (magnitudes - 10 * np.log10(diffuse))


def onsets(responses: NDArray[np.float64], sample_rate: float) -> NDArray[np.float64]:
    """Return when responses (..., N) first reach a tenth of their peak, (...) in seconds."""
    size = responses.shape[-1]
    fine = np.abs(np.fft.irfft(np.fft.rfft(responses, 2 * size), 2 * _OVERSAMPLING * size))
    fine = fine[..., : _OVERSAMPLING * size]
    threshold = _ONSET * fine.max(axis=-1, keepdims=True)
    return np.argmax(fine > threshold, axis=-1) / (_OVERSAMPLING * sample_rate)


def _magnitudes(responses: NDArray[np.float64], sample_rate: float) -> NDArray[np.float64]:
    """Return magnitudes (..., F) in dB of responses (..., N), smoothed to ``_RESPONSE``."""
    taps = 2 * max(1, round(_RESPONSE * sample_rate / 2))
    magnitude = np.abs(np.fft.rfft(responses, 4 * max(taps, responses.shape[-1])))
    floor = 1e-4 * magnitude.max(axis=-1, keepdims=True)
    short = minimum_phase(np.maximum(magnitude, floor))[..., :taps]
    return 20 * np.log10(np.abs(np.fft.rfft(short * np.hanning(2 * taps + 1)[taps:-1])))


def _thin(measured: Measurements) -> Measurements:
    """Leave out what is denser than the grid: the cost of splines grows as the cube of number."""
    directions = measured.directions
    if len(directions) <= _MOST_DIRECTIONS:
        return measured
    _, nearest = KDTree(directions).query(spread_directions(_MOST_DIRECTIONS))
    kept = np.unique(nearest)
    return Measurements(
        measured.responses[kept], measured.delays[kept], directions[kept], measured.sample_rate
    )
