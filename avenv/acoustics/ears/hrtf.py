"""Head-related transfer functions: what the head does to sound from each direction.

Each measured response becomes a delay and a magnitude, to be heard through a minimum-phase filter
(Kistler & Wightman 1992): these two, unlike the responses themselves, may be interpolated between
directions and designed anew at any sample rate.
"""

import hashlib
import warnings
from dataclasses import dataclass
from functools import lru_cache
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator
from scipy.spatial import KDTree

from avenv.acoustics.ears.sofa import MOST_BYTES, Measurements, read_sofa
from avenv.acoustics.paths.image_sources import spread_directions
from avenv.acoustics.signal.filters import minimum_phase
from avenv.core.files import read_limited
from avenv.core.frames import direction

KEMAR = Path(__file__).with_name("data") / "kemar.npz"
"""MIT's KEMAR dummy head (Gardner & Martin 1994), see ``data/README.md``."""

STEP = 5
"""Degrees between the directions of the grid."""

_RESPONSE = 2.9e-3  # seconds: what pinna, head and torso do is over by then
_OVERSAMPLING = 4  # of the correlations whose peaks are measured
_DELAYED = 300.0, 3000.0  # Hz: of interaural delays (Andreopoulou & Katz 2017 have 3 kHz)
_SIDED = 100e-6, 2.0  # seconds, dB: what tells left from right, in their slopes over left
_AT_A_TIME = 1 << 20  # samples of responses
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

    Which receiver is the left ear is what the data say, whatever the file declares: sound from the
    left gets there first. Where that is the second one, the ears are swapped and a warning says so.
    The same content gives the same object, whatever the file is called.

    Raises:
        ValueError: the file does not exist or cannot be used; the message names it.
    """
    if path is None:
        return _kemar()
    content = _content(Path(path))
    digest = hashlib.sha256(content).digest()
    if digest not in _known:
        measured = read_sofa(content, str(path))
        try:
            hrtf = ears_of(measured, str(path))
        except np.linalg.LinAlgError as error:
            raise ValueError(f"{path}: its directions cannot be interpolated: {error}") from None
        while len(_known) >= _KEPT:
            _known.pop(next(iter(_known)))
        _known[digest] = hrtf
    return _known[digest]


def _content(path: Path) -> bytes:
    """Return the bytes of a file, of which none is read if it is too large."""
    try:
        return read_limited(path, MOST_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"hrtf {path} cannot be read: {reason}") from None


def ears_of(measured: Measurements, name: str) -> Hrtf:
    """Return the ears of measurements in a file called ``name``; as ``load_hrtf`` says."""
    delays, magnitudes = interpolate(measured)
    if (side := first_side(delays, magnitudes)) == 0:
        raise ValueError(
            f"{name}: sound from the left is first in one ear and louder in the other; accepted: a "
            "head, whose nearer ear hears it first and louder"
        )
    if side < 0:
        warnings.warn(
            f"{name}: has the right ear first, for sound from the left reaches its second receiver "
            "first; the ears are swapped",
            stacklevel=3,
        )
        delays, magnitudes = delays[..., ::-1], magnitudes[:, :, ::-1]
    magnitudes = equalise(magnitudes, measured.sample_rate)
    if not (np.isfinite(delays).all() and np.isfinite(magnitudes).all()):
        raise ValueError(f"{name}: Data.IR makes filters that are not finite")
    return Hrtf(magnitudes, delays, measured.sample_rate)


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
    delays, magnitudes = split(thinned.responses, thinned.sample_rate)
    delays = delays + thinned.delays
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


def split(
    responses: NDArray[np.float64], sample_rate: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Divide responses (M, 2, N) into delays (M, 2) in seconds and magnitudes (M, 2, F) in dB.

    The magnitudes are smoothed to ``_RESPONSE``. The delay is what the minimum-phase response of
    these magnitudes lacks: the lag at which the two correlate most, in the band that interaural
    delays are heard in (Nam, Abel & Smith 2008). Unlike the onset it does not depend on what the
    equalisation of a set lets ring before the sound.
    """
    pieces = max(1, responses.size // _AT_A_TIME)
    found = [
        _split(piece, sample_rate) for piece in np.array_split(responses, pieces) if len(piece)
    ]
    delays, magnitudes, peaks = (np.concatenate(parts) for parts in zip(*found, strict=True))
    polarity = np.where(np.median(peaks, axis=0) < 0, 1, 0)  # of either microphone
    return np.take_along_axis(delays, polarity[None, :, None], -1)[..., 0], magnitudes


def _split(responses: NDArray[np.float64], sample_rate: float) -> tuple[NDArray[np.float64], ...]:
    """Return delays (M, 2, 2), of either polarity, magnitudes (M, 2, F), and peaks (M, 2).

    Peaks are the correlations of largest absolute value: negative where a microphone is inverted.
    """
    taps = 2 * max(1, round(_RESPONSE * sample_rate / 2))
    size = 4 * max(taps, responses.shape[-1])
    spectra = np.fft.rfft(responses, size)
    magnitude = np.abs(spectra)
    floor = 1e-4 * magnitude.max(axis=-1, keepdims=True)
    short = minimum_phase(np.maximum(magnitude, floor))[..., :taps]
    short *= np.hanning(2 * taps + 1)[taps:-1]
    cross = spectra * np.conj(np.fft.rfft(short, size)) * _passed(size, sample_rate)
    correlation = np.fft.irfft(cross, _OVERSAMPLING * size)
    lags = np.stack([_peak(correlation), _peak(-correlation)], axis=-1)
    least, most = correlation.min(axis=-1), correlation.max(axis=-1)
    peaks = np.where(most >= -least, most, least)
    levels = 20 * np.log10(np.abs(np.fft.rfft(short)))
    return lags / (_OVERSAMPLING * sample_rate), levels, peaks


def _passed(size: int, sample_rate: float) -> NDArray[np.float64]:
    """Return the gains (size / 2 + 1,) of the band ``_DELAYED``, fading over its edges."""
    low, high = _DELAYED
    frequency = np.fft.rfftfreq(size, 1 / sample_rate)
    octaves = np.log2(np.maximum(frequency, 1) / (high / 2))
    return np.clip(frequency / low, 0, 1) * np.cos(np.pi / 2 * np.clip(octaves, 0, 1)) ** 2


def _peak(correlation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where correlations (..., N) are greatest, by a parabola between samples.

    The last quarter counts as negative lags: responses may begin before their minimum phase.
    """
    size = correlation.shape[-1]
    top = correlation.argmax(axis=-1)
    around = (top[..., None] + np.arange(-1, 2)) % size
    before, at, after = np.moveaxis(np.take_along_axis(correlation, around, -1), -1, 0)
    bend = np.minimum(before - 2 * at + after, -np.finfo(float).tiny)
    return np.where(top > 3 * size // 4, top - size, top) + (before - after) / (2 * bend)


def first_side(delays: NDArray[np.float64], magnitudes: NDArray[np.float64]) -> int:
    """Say of which side the first ear of a grid is: 1 left, -1 right, 0 if its data disagree.

    The left ear hears sound from the left earlier and louder. Where neither tells, as of a set
    that is all in the median plane, the first ear is the left one.
    """
    elevations, azimuths = delays.shape[:2]
    azimuth, elevation = (
        np.arange(azimuths) * 2 * np.pi / azimuths,
        np.linspace(-90, 90, elevations),
    )
    left = direction(azimuth, np.radians(elevation)[:, None])[..., 1]
    weight = np.cos(np.radians(elevation))[:, None] * left
    weight /= (weight * left).sum()
    middle = magnitudes[..., 1 : max(2, magnitudes.shape[-1] // 2)].mean(axis=-1)
    earlier = float((weight * (delays[..., 1] - delays[..., 0])).sum()) / _SIDED[0]
    louder = float((weight * (middle[..., 0] - middle[..., 1])).sum()) / _SIDED[1]
    signs = {int(np.sign(slope)) for slope in (earlier, louder) if abs(slope) >= 1}
    return signs.pop() if len(signs) == 1 else int(not signs)


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
