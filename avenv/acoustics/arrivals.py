"""What reaches one listener of one source, in one array.

Python pays for every array that it makes, looks at, or hands to a kernel, the more the longer ago
it last did so: what was in the processor's caches has given way to pictures. So early paths and
late field of a listener are one array, and kernels take it apart.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core.kernels import kernel

_HEADER = 4
Array = NDArray[np.float32]


class Arrivals(NamedTuple):
    """P early paths, and K time bins of a late field, in B octave bands: views of one array.

    Attributes:
        length: (P,) metres from source to listener along each path.
        gain: (P, B) pressure relative to 1 m from the source, per octave band.
        arrival: (P, 3) world unit vectors from the listener to where paths come from.
        energy: (K, B) expected sum of squares within each time bin, per octave band, as if that
            level held for the whole spectrum (a single 1 has 1 in every band).
        moment: (K, 3) energy-weighted mean of the world arrival directions.
        distance: metres between source and listener; no late sound comes before it.
    """

    length: Array
    gain: Array
    arrival: Array
    energy: Array
    moment: Array
    distance: float


@kernel
def room_for(paths, bins, bands, distance):
    """Return an array for so many paths, bins and bands, which are to be written to it."""
    packed = np.empty(_HEADER + paths * (bands + 4) + bins * (bands + 3), np.float32)
    packed[0], packed[1], packed[2], packed[3] = paths, bins, bands, distance
    return packed


@kernel
def unpacked(packed):
    """Return the ``Arrivals`` in an array that ``room_for`` made."""
    # Fast kernels and others call this; it computes nothing that they would round otherwise.
    paths, bins, bands = np.int64(packed[0]), np.int64(packed[1]), np.int64(packed[2])
    a = _HEADER + paths
    b = a + paths * bands
    c = b + paths * 3
    d = c + bins * bands
    return Arrivals(
        packed[_HEADER:a], packed[a:b].reshape(paths, bands), packed[b:c].reshape(paths, 3),
        packed[c:d].reshape(bins, bands), packed[d:].reshape(bins, 3), np.float64(packed[3]),
    )  # fmt: skip
