"""What a room does to sound between a source and a listener, in numbers."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from avenv.acoustics.measures import measures
from avenv.simulation.questions import impulse_response
from avenv.simulation.world import World

NAMES = ("t30", "c50", "drr")
"""Reverberation time in seconds, clarity and direct-to-reverberant ratio in dB."""


def measure(
    world: World, source: ArrayLike, listener: ArrayLike, sample_rate: int
) -> dict[str, Any]:
    """Return ``NAMES`` of the response from a source (3,) to an ear (3,); None where there is none.

    They are those of ``avenv.acoustics.measures`` of the mono response, from 500 Hz to 1 kHz for
    ``t30`` as rooms are usually compared (ISO 3382-1), of the whole response for the others.
    """
    rir = impulse_response(
        world, tuple(np.asarray(source).tolist()), listener, layout="mono", sample_rate=sample_rate
    )
    if not rir.any():
        return dict.fromkeys(NAMES)
    whole = measures(rir[0], sample_rate)
    middle = float(np.mean(measures(rir[0], sample_rate, per_band=True)["t30"][2:4]))
    found = {"t30": middle, "c50": float(whole["c50"]), "drr": float(whole["drr"])}
    return {name: round(value, 2) if np.isfinite(value) else None for name, value in found.items()}
