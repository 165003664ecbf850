"""Where a source sends its sound: patterns round the direction that it faces.

A pattern is a gain relative to straight ahead, so that a source is as loud there as an
omnidirectional one. The late field is traced once for all patterns and hears their mean power: what
a room returns after several reflections has forgotten which way the source was facing.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import eval_legendre, spherical_jn, spherical_yn

from avenv.acoustics.air import SPEED_OF_SOUND
from avenv.core.bands import OCTAVE_CENTRES
from avenv.core.kernels import borrowing
from avenv.core.pinned import Pinned

_ANGLES = np.linspace(0, np.pi, 181)
_HEAD = 0.0875  # metres, radius
_TERMS = 60  # of the series over the head: more than k a + 10 up to 20 kHz
_PER_OCTAVE = 9  # frequencies that the pattern of a band is the mean of


class Directivity(NamedTuple):
    """A pattern that is the same all round its axis.

    Attributes:
        gain: (G, B) pressure relative to straight ahead at G angles from 0 to π, per octave band.
        power: (B,) mean square of the gain over the sphere.
    """

    gain: NDArray[np.float64]
    power: NDArray[np.float64]


@lru_cache(maxsize=16)
def make_directivity(name: str, bands: tuple[float, ...]) -> Directivity:
    """Return a pattern of ``DIRECTIVITIES`` in octave bands of these centres, Hz.

    - ``"omni"``: the same everywhere.
    - ``"cardioid"``: (1 + cos θ) / 2.
    - ``"speech"``: a small source on a rigid sphere the size of a head, which measured talkers
      resemble (Flanagan 1960): almost omnidirectional in the lowest bands, the more ahead the
      higher the band.

    Raises:
        ValueError: the name is not in ``DIRECTIVITIES``.
    """
    if name not in DIRECTIVITIES:
        raise ValueError(f"directivity is {name!r}; accepted: {tuple(DIRECTIVITIES)}")
    gain = DIRECTIVITIES[name](np.asarray(bands))
    weights = np.sin(_ANGLES)
    return Directivity(gain, weights @ gain**2 / weights.sum())


@lru_cache(maxsize=16)
def pinned_directivity(name: str) -> Pinned[Directivity]:
    """Return a pattern in all ``OCTAVE_CENTRES``, as kernels take it.

    Raises:
        ValueError: as ``make_directivity``.
    """
    return Pinned(make_directivity(name, OCTAVE_CENTRES))


@borrowing
def weigh_directions(pattern, departures, facing, gains):
    """Multiply gains (P, B) by those towards unit vectors (P, 3) of a source that faces a heading.

    B may be fewer bands than the pattern has.
    """
    x, y = np.cos(facing), np.sin(facing)
    last = len(pattern.gain) - 1
    for p in range(len(departures)):
        cosine = x * departures[p, 0] + y * departures[p, 1]
        position = np.arccos(min(max(cosine, -1.0), 1.0)) * (last / np.pi)
        index = np.int64(min(position, last - 1.0))
        share = position - index
        for b in range(gains.shape[1]):
            before, after = pattern.gain[index, b], pattern.gain[index + 1, b]
            gains[p, b] *= before * (1 - share) + after * share


def _omni(bands: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ones((len(_ANGLES), len(bands)))


def _cardioid(bands: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.repeat((1 + np.cos(_ANGLES[:, None])) / 2, len(bands), axis=1)


def _speech(bands: NDArray[np.float64]) -> NDArray[np.float64]:
    within = 2 ** ((np.arange(_PER_OCTAVE) + 0.5) / _PER_OCTAVE - 0.5)
    wavenumbers = 2 * np.pi * bands[:, None] * within / SPEED_OF_SOUND
    pressure = sphere_radiation(wavenumbers.ravel() * _HEAD, _ANGLES)
    power = (np.abs(pressure) ** 2).reshape(len(_ANGLES), len(bands), _PER_OCTAVE).mean(axis=-1)
    return np.sqrt(power / power[0])


def sphere_radiation(
    sizes: NDArray[np.float64], angles: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Return the far pressure (G, F) of a point source on a rigid sphere, up to a factor of F.

    Σ (2 l + 1) (-i)^l P_l(cos θ) / h_l'(k a), with h of the first kind (Morse & Ingard,
    "Theoretical Acoustics", 7.2), at ``sizes`` k a (F,) and angles θ (G,) from the source.
    """
    pressure = np.zeros((len(angles), len(sizes)), np.complex128)
    for degree in range(_TERMS):
        slope = spherical_jn(degree, sizes, True) + 1j * spherical_yn(degree, sizes, True)
        legendre = eval_legendre(degree, np.cos(angles))[:, None]
        pressure += (2 * degree + 1) * (-1j) ** degree * legendre / slope
    return pressure


DIRECTIVITIES: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "omni": _omni,
    "cardioid": _cardioid,
    "speech": _speech,
}
"""Name -> function of band centres (B,) in Hz that returns gains (G, B)."""
