"""Arrays of microphones: where they are, where they point, and what a diffuse field makes them do.

All microphones hear plane waves: the array is small against the distance of what it listens to.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import spherical_jn

_FARTHEST = 10.0  # metres from the listener's position


@dataclass(frozen=True)
class MicrophoneArray:
    """C first-order microphones around a listener's position.

    Attributes:
        positions: (C, 3) metres in the body frame: x forward, y left, z up.
        directivity: (C,) or one number for all, the share a of the figure-eight in the pattern
            1 - a + a cos(angle to the axis): 0 omnidirectional, 0.5 cardioid, 1 figure-eight.
        axes: (C, 3) or one vector for all, the directions in which microphones are most sensitive
            (body frame, of any length).

    Raises:
        ValueError: an attribute has another shape or is out of range; the message names it.
    """

    positions: Sequence[Sequence[float]]
    directivity: float | Sequence[float] = 0.0
    axes: Sequence[float] | Sequence[Sequence[float]] = (1.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        positions = _finite("positions", self.positions)
        if positions.ndim != 2 or positions.shape[1] != 3 or not len(positions):
            raise ValueError(f"positions have shape {positions.shape}; accepted: (C, 3) metres")
        if np.abs(positions).max() > _FARTHEST:
            raise ValueError(
                f"positions reach {np.abs(positions).max()} m; accepted: up to {_FARTHEST} m"
            )
        shares = _finite("directivity", self.directivity, (len(positions),))
        if shares.min() < 0 or shares.max() > 1:
            raise ValueError(f"directivity is {self.directivity!r}; accepted: 0 to 1")
        axes = _finite("axes", self.axes, positions.shape)
        length = np.linalg.norm(axes, axis=1, keepdims=True)
        if not length.all():
            raise ValueError("axes has a vector of length 0; accepted: directions (x, y, z)")
        # tuples, so that equal arrays are the same key of a cache
        object.__setattr__(self, "positions", tuple(map(tuple, positions.tolist())))
        object.__setattr__(self, "directivity", tuple(shares.tolist()))
        object.__setattr__(self, "axes", tuple(map(tuple, (axes / length).tolist())))


def _finite(name: str, value: ArrayLike, shape: tuple[int, ...] | None = None) -> NDArray:
    try:
        array = np.asarray(value, np.float64)
        array = array if shape is None else np.broadcast_to(array, shape)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {value!r}; accepted: numbers of shape {shape}") from None
    if not np.isfinite(array).all():
        raise ValueError(f"{name} is {value!r}; accepted: finite numbers")
    return array


def spaced_pair(spacing: float = 0.2) -> MicrophoneArray:
    """Return two omnidirectional microphones, left and right, ``spacing`` metres apart."""
    return MicrophoneArray([[0.0, spacing / 2, 0.0], [0.0, -spacing / 2, 0.0]])


def sensitivity(array: MicrophoneArray, directions: NDArray) -> NDArray[np.float64]:
    """Return the pressure gains (..., C) of sound from unit vectors (..., 3), body frame."""
    share = np.asarray(array.directivity)
    return 1 - share + share * (directions @ np.asarray(array.axes).T)


def lags(array: MicrophoneArray, directions: NDArray) -> NDArray[np.float64]:
    """Return how many metres (..., C) later than the centre plane waves from (..., 3) arrive."""
    return -directions @ np.asarray(array.positions).T


def diffuse_covariance(
    array: MicrophoneArray, wavenumbers: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Return the covariance (F, C, C) in a diffuse field of unit density, at (F,) radians/metre.

    The mean over the sphere of g_i g_j exp(i k u·r), with r from microphone j to i. For
    omnidirectional ones it is sin(kr) / kr (Cook et al. 1955); for those of first order, its
    derivatives along their axes (Elko 2001, "Spatial coherence functions").
    """
    positions, axes = np.asarray(array.positions), np.asarray(array.axes)
    first = np.asarray(array.directivity)[:, None] * axes  # (C, 3)
    omni = 1 - np.asarray(array.directivity)
    apart = positions[:, None] - positions
    distance = np.linalg.norm(apart, axis=-1)
    towards = apart / np.where(distance, distance, 1)[..., None]
    kr = wavenumbers[:, None, None] * distance
    j0, j1, j2 = (spherical_jn(n, kr) for n in range(3))
    along = (first[:, None] * towards).sum(-1), (first * towards).sum(-1)
    both = omni[:, None] * omni * j0
    both += first @ first.T * np.where(kr > 0, j1 / np.where(kr > 0, kr, 1), 1 / 3)
    both -= along[0] * along[1] * j2
    return both + 1j * j1 * (omni[:, None] * along[1] + omni * along[0])
