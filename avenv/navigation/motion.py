"""Move bodies through walkable space: they slide along what they meet and never leave the floor."""

from math import hypot

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.core.kernels import borrowing
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
    ends, moved, collided = starts.copy(), np.empty(len(starts)), np.empty(len(starts), np.bool_)
    move_some(grid, np.arange(len(ends)), ends, steps, moved, collided)
    return ends, collided


def move_some(
    grid: WalkableGrid,
    rows: NDArray[np.int64],
    positions: NDArray[np.float64],
    displacements: NDArray[np.float64],
    moved: NDArray[np.float64],
    collided: NDArray[np.bool_],
) -> None:
    """Do as ``move`` for some bodies (R,) of K, in place: positions (K, 2) are where they end.

    With them ``moved`` (K,), metres, and ``collided`` (K,) are set; those of the others stay.

    Raises
    ------
    ValueError
        For a position that is not walkable, or a displacement that is not finite; then none
        of these has moved.
    """
    bad = _move(grid.field, rows, positions, displacements, moved, collided)
    if bad >= 0:
        as_points(displacements, "displacements")
        x, y = positions[bad].tolist()
        raise ValueError(
            f"positions[{bad}] = ({x:.3f}, {y:.3f}) is not walkable in scene {grid.name!r}; "
            "nearest_walkable() finds a point that is"
        )


@borrowing
def _move(field, rows, positions, steps, moved, collided):
    # Returns the row of the first body that stands where it cannot or goes nowhere, or -1.
    for k in rows:
        x, y, dx, dy = positions[k, 0], positions[k, 1], steps[k, 0], steps[k, 1]
        if clearance_at(field, x, y) < field.limit or not hypot(dx, dy) < np.inf:
            return k
    for k in rows:
        x, y, dx, dy = positions[k, 0], positions[k, 1], steps[k, 0], steps[k, 1]
        qx, qy = slide(field, x, y, dx, dy)
        positions[k, 0], positions[k, 1] = qx, qy
        moved[k] = np.sqrt((qx - x) ** 2 + (qy - y) ** 2)
        collided[k] = hypot(x + dx - qx, y + dy - qy) > COLLISION * hypot(dx, dy)
    return -1
