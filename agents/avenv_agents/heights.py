"""A map of how high what was seen reaches, and what stands out of it: small things, even tops."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from avenv_agents.mapping import CellMap

FLAT, EVEN = 0.03, 0.03
"""Metres by which the floor may rise, and by which a table top may vary."""
BACK = 0.1
"""Metres by which something rises above a surface that one cannot put things on any more."""
SKIRTING = 0.075
"""Metres to which walls may jut out at the floor."""
SMALL, LOW = 0.55, 0.40
"""Metres that something lying about is wide and high, at most."""
BARE = 0.4
"""Share of the cells about a thing that must have been seen to be floor: most lies by furniture."""
CEILING = 1.4
"""Metres above which nothing matters."""
_EIGHT = np.ones((3, 3), bool)


class Thing(NamedTuple):
    """Something that lies on the floor: its middle (2,), width and height."""

    place: NDArray[np.float64]
    width: float
    height: float


class Top(NamedTuple):
    """An even surface.

    Attributes:
        cells: the middles (K, 2) of its cells.
        height: metres above the floor.
        area: square metres, with what stands on it.
        half: metres from its edge to the place on it that is farthest from that.
        backed: share of its edge behind which it goes on higher up: a wall, or a back to lean on.
    """

    cells: NDArray[np.float64]
    height: float
    area: float
    half: float
    backed: float


class HeightMap(CellMap):
    """Remembers the highest point that was seen above each cell of the floor.

    Args:
        reach: metres from the origin to the edges of the map.

    Attributes:
        top: (N, N) float32 metres above the floor, NaN where nothing was seen.
    """

    CELL = 0.05

    def __init__(self, reach: float):
        super().__init__(reach)
        self.top = np.full(self.cells.shape, np.nan, np.float32)

    def raise_to(self, points: NDArray[np.float64], heights: NDArray[np.float64]) -> None:
        """Take in points (K, 2) and how high (K,) they are."""
        cells = self._cells(points)
        inside = ((cells >= 0) & (cells < self._size)).all(axis=1) & (heights < CEILING)
        column, row = cells[inside].T
        np.fmax.at(self.top, (row, column), heights[inside].astype(np.float32))

    def things(self) -> list[Thing]:
        """Return what lies on the floor and is small, with floor about most of it."""
        low = (self.top > SKIRTING) & (self.top < LOW)
        labels, _ = ndimage.label(low, _EIGHT)
        found = []
        for number, box in enumerate(ndimage.find_objects(labels), 1):
            width = max(s.stop - s.start for s in box) * self.CELL
            if width > SMALL:
                continue
            about = tuple(slice(max(0, s.start - 1), s.stop + 1) for s in box)
            own = labels[about] == number
            ring = self.top[about][ndimage.binary_dilation(own, _EIGHT) & ~own]
            if np.mean(ring <= FLAT) < BARE:
                continue
            row, column = np.nonzero(own)
            centres = self.centres(column + about[1].start, row + about[0].start)
            middle = (centres.min(axis=0) + centres.max(axis=0)) / 2
            found.append(Thing(middle, width, float(self.top[about][own].max())))
        return found

    def tops(self, lowest: float, highest: float, least: float) -> list[Top]:
        """Return the even surfaces between two heights, of so many square metres at least."""
        between = (self.top > lowest) & (self.top < highest)
        labels, count = ndimage.label(
            between & (_range(np.where(between, self.top, np.nan)) < EVEN)
        )
        sizes = ndimage.sum_labels(between, labels, np.arange(1, count + 1)) * self.CELL**2
        boxes = ndimage.find_objects(labels)
        large = (np.flatnonzero(sizes >= least) + 1).tolist()
        return [self._top(labels, number, boxes[number - 1]) for number in large]

    def _top(self, labels: NDArray[np.int32], number: int, box: tuple[slice, slice]) -> Top:
        about = tuple(slice(max(0, s.start - 1), s.stop + 1) for s in box)
        top, even = self.top[about], labels[about] == number
        row, column = np.nonzero(even)
        height = float(np.median(top[even]))
        whole = ndimage.binary_fill_holes(even)
        edge = ndimage.binary_dilation(whole, _EIGHT) & ~whole
        half = ndimage.distance_transform_edt(np.pad(whole, 1)).max() * self.CELL
        backed = float(np.mean(top[edge] > height + BACK))
        centres = self.centres(column + about[1].start, row + about[0].start)
        return Top(centres, height, whole.sum() * self.CELL**2, half, backed)

    def raised(self) -> NDArray[np.float64]:
        """Return the middles (K, 2) of the cells in which more stands than lies about."""
        row, column = np.nonzero(self.top >= LOW)
        return self.centres(column, row)


def _range(top: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return by how much the cells about each differ that are no gaps."""
    high = ndimage.maximum_filter(np.where(np.isnan(top), -np.inf, top), 3)
    low = ndimage.minimum_filter(np.where(np.isnan(top), np.inf, top), 3)
    return high - low
