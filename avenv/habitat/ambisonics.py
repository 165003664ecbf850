"""From our ambisonics to those of habitat-sim's audio sensor.

Ours are normalised to SN3D and turn with the listener: x ahead, y left, z up. Those of habitat-sim
are N3D, and fixed to its world: the harmonics of the direction (x, y, z) in Habitat's axes,
whichever way the agent looks. Both are in ACN order.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from avenv.acoustics.ears.spherical import degrees, spherical_harmonics
from avenv.habitat.axes import from_habitat


@cache
def conversion(order: int) -> NDArray[np.float64]:
    """Return the matrix (C, C) that makes Habitat's channels of ours, heard with heading 0.

    Harmonics of one degree turn into one another, so that the matrix is found exactly from the
    harmonics at enough directions.
    """
    rng = np.random.default_rng(0)
    theirs = rng.normal(size=(8 * (order + 1) ** 2, 3))
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
    heard = spherical_harmonics(order, from_habitat(theirs))
    wanted = spherical_harmonics(order, theirs) * np.sqrt(2 * degrees(order) + 1)
    matrix, *_ = np.linalg.lstsq(heard, wanted, rcond=None)
    return np.asarray(matrix.T.round(12), np.float64)


def as_habitat(responses: NDArray[np.float32], order: int) -> NDArray[np.float32]:
    """Return responses (C, samples), heard with heading 0, as habitat-sim would have them."""
    return (conversion(order) @ responses).astype(np.float32)
