"""From which directions sound arrives: a rose of energy about the head."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.simulation.questions import impulse_response
from avenv.simulation.world import World

SECTORS = 24
"""Equal parts of the horizon; the first is straight ahead, the next to its left."""

WINDOW = 0.002
"""Seconds in which what arrives counts as from one direction."""


def arrivals(
    world: World, source: ArrayLike, listener: ArrayLike, heading: float, sample_rate: int
) -> list[float]:
    """Return the shares of what arrives from each of ``SECTORS`` about a heading.

    Empty where nothing arrives.
    """
    response = impulse_response(
        world, tuple(np.asarray(source).tolist()), listener, heading, layout="ambisonics1",
        sample_rate=sample_rate,
    )  # fmt: skip
    return np.round(rose(response, sample_rate), 4).tolist() if response.any() else []


def rose(response: NDArray[np.float32], sample_rate: int) -> NDArray[np.float64]:
    """Return the shares (``SECTORS``,) of horizontal energy by direction of a response (4, N).

    The active intensity of first-order ambisonics (ACN, SN3D: pressure times velocity; Merimaa &
    Pulkki 2005, "Spatial Impulse Response Rendering"), window by window: what comes from all round
    within one, as late reverberation does, cancels.
    """
    pressure, left, _, ahead = response.astype(np.float64)
    size = max(1, round(WINDOW * sample_rate))
    count = len(pressure) // size * size
    flow = np.stack([pressure * ahead, pressure * left])[:, :count]
    x, y = flow.reshape(2, -1, size).sum(axis=2)
    width = 2 * np.pi / SECTORS
    sector = np.round(np.arctan2(y, x) / width).astype(int) % SECTORS
    energy = np.bincount(sector, np.hypot(x, y), SECTORS)
    return energy / max(energy.sum(), 1e-30)
