"""Random numbers that are a function of where they are used: no state, the same in any order."""

import numpy as np

from avenv.core.kernels import inlined

STRIDE = np.uint64(0x9E3779B97F4A7C15)
"""2**64 over the golden ratio: the step between the states of a sequence."""


@inlined
def mix(x):
    """Scramble 64 bits: the SplitMix64 finaliser (Steele, Lea & Flood, OOPSLA 2014).

    ``mix(seed + n * STRIDE)`` for n = 0, 1, ... is a sequence of independent words; hash several
    numbers by ``mix(mix(a) ^ b)``.
    """
    x = x + STRIDE
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
