"""A map as text, for terminals and logs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

ARROWS = "→↗↑↖←↙↓↘"


def text_map(
    walkable: NDArray[np.bool_],
    origin: ArrayLike,
    cell: float,
    trail: Sequence[ArrayLike],
    heading: float,
    source: ArrayLike | None = None,
    column: float = 0.25,
) -> str:
    """Return a map: ``·`` floor, ``+`` the way walked, an arrow for the body, ``S`` the source.

    Args:
        walkable: (ny, nx), row 0 at the smallest y.
        origin: (x, y) of the grid's corner, world metres.
        cell: size of a grid cell, metres.
        trail: (x, y) points walked, the last one where the body is.
        heading: of the body, radians.
        source: (x, y, ...) of the source, if there is one to show.
        column: metres that one character is wide; it is twice as high.
    """
    extent = np.array(walkable.shape[::-1]) * cell
    width, height = np.ceil(extent / (column, 2 * column)).astype(int)
    canvas = np.full((height, width), " ")

    def at(point: ArrayLike) -> tuple[int, int]:
        x, y = (np.asarray(point, float)[:2] - origin) / (column, 2 * column)
        return int(np.clip(y, 0, height - 1)), int(np.clip(x, 0, width - 1))

    y, x = np.nonzero(walkable)
    canvas[(y * cell / (2 * column)).astype(int), (x * cell / column).astype(int)] = "·"
    for point in trail:
        canvas[at(point)] = "+"
    if source is not None:
        canvas[at(source)] = "S"
    canvas[at(trail[-1])] = ARROWS[round(heading / (np.pi / 4)) % 8]
    return "\n".join("".join(line).rstrip() for line in canvas[::-1])
