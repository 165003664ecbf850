"""Move bodies through walkable space: they slide along what they meet and never leave the floor."""

from math import hypot

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.core.kernels import njit
from avenv.navigation.clearance import clearance_at, slide
from avenv.navigation.grid import WalkableGrid, as_points

COLLISION = 0.1
"""Share of a displacement that an obstacle must take away to count as a collision."""


def move(
    grid: WalkableGrid, positions: ArrayLike, displacements: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Move K bodies that share a grid; each is on its own, whatever the others do.

    Parameters
    ----------
    grid : WalkableGrid
    positions : (K, 2) float, metres
        Walkable points.
    displacements : (K, 2) float, metres
        Where each body tries to go. Where nothing is near it ends exactly at position plus
        displacement.

    Returns
    -------
    positions : (K, 2) float64, metres
        Always walkable.
    collided : (K,) bool
        True where the body ended more than a tenth of its displacement away from its aim.

    Raises
    ------
    ValueError
        For a wrong shape, a NaN, or a position that is not walkable.
    """
    starts, steps = as_points(positions, "positions"), as_points(displacements, "displacements")
    if starts.shape != steps.shape:
        raise ValueError(
            f"positions have shape {starts.shape} and displacements {steps.shape}; "
            "both must be (K, 2)"
        )
    ends, collided = np.empty_like(starts), np.empty(len(starts), np.bool_)
    bad = _move(grid.field, starts, steps, ends, collided)
    if bad >= 0:
        raise ValueError(
            f"positions[{bad}] = ({starts[bad, 0]:.3f}, {starts[bad, 1]:.3f}) is not walkable in "
            f"scene {grid.name!r}; nearest_walkable() finds a point that is"
        )
    return ends, collided


@njit(nogil=True)
def _move(field, starts, steps, ends, collided):
    # Returns the index of the first body that stands where it cannot, or -1.
    for k in range(len(starts)):
        x, y, dx, dy = starts[k, 0], starts[k, 1], steps[k, 0], steps[k, 1]
        if clearance_at(field, x, y) < field.limit:
            return k
        qx, qy = slide(field, x, y, dx, dy)
        ends[k, 0], ends[k, 1] = qx, qy
        collided[k] = hypot(x + dx - qx, y + dy - qy) > COLLISION * hypot(dx, dy)
    return -1
