"""A map of obstacles drawn from depth pictures, and the way through it."""

import numpy as np
import skfmm
from numpy.typing import NDArray
from scipy import ndimage

from avenv.core.frames import forward
from avenv.vision.camera.projection import focal_length


class DepthCamera:
    """Turns depth pictures into the points that would stop a body.

    Args:
        image_size: (width, height) pixels.
        hfov: horizontal field of view, radians.
        height: of the camera above the floor, metres.
    """

    HEIGHTS = (0.08, 1.5)
    """Metres above the floor between which things are in the way."""
    RANGE = 8.0

    def __init__(self, image_size: tuple[int, int], hfov: float, height: float):
        width, rows = image_size
        focal = focal_length(width, hfov)
        self._left = (width / 2 - np.arange(width) - 0.5) / focal
        self._up = (rows / 2 - np.arange(rows)[:, None] - 0.5) / focal
        self._height = height

    def obstacles(self, depth: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return where (K, 2) metres ahead and left of the body a depth picture (H, W) is solid."""
        return self.between(depth, *self.HEIGHTS)

    def floor(self, depth: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return where (K, 2) metres ahead and left of the body it shows the floor."""
        return self.between(depth, -np.inf, self.HEIGHTS[0])

    def between(self, depth: NDArray[np.float32], low: float, high: float) -> NDArray[np.float64]:
        """Return where (K, 2) metres ahead and left of the body it shows what is so high."""
        return self.points(depth, low, high)[:, :2]

    def points(
        self, depth: NDArray[np.float32], low: float = -np.inf, high: float = np.inf,
        far: float = RANGE,
    ) -> NDArray[np.float64]:  # fmt: skip
        """Return the points (K, 3) that are so high and no farther ahead: ahead, left, up."""
        z = self._height + self._up * depth
        shown = (depth > 0) & (depth < far) & (z > low) & (z < high)
        ahead, left, up = depth[shown], (self._left * depth)[shown], z[shown]
        return np.stack([ahead, left, up], axis=-1).astype(np.float64)

    def without(
        self, depth: NDArray[np.float32], place: NDArray[np.float64], radius: float
    ) -> NDArray[np.float32]:
        """Return a depth picture (H, W) without what is so near to a place (2,) ahead and left."""
        away = np.hypot(depth - place[0], self._left * depth - place[1])
        return np.where(away < radius, np.float32(0), depth)


class CellMap:
    """Remembers which cells of the floor were marked.

    Args:
        reach: metres from the origin to the edges of the map.

    Attributes:
        reach: metres from the origin to the edges of the map.
        cells: (N, N) bool, whether each was marked, by y and x.
    """

    CELL = 0.1

    def __init__(self, reach: float):
        self._size = round(2 * reach / self.CELL)
        self.reach = reach
        self.cells = np.zeros((self._size, self._size), bool)

    def add(self, points: NDArray[np.float64]) -> None:
        """Mark the cells of points (K, 2); what lies beyond the edges is left out."""
        cells = self._cells(points)
        column, row = cells[((cells >= 0) & (cells < self._size)).all(axis=1)].T
        self.cells[row, column] = True

    def marked(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say of points (..., 2) whether their cells are marked; beyond the edges none is."""
        cells = self._cells(points)
        within = ((cells >= 0) & (cells < self._size)).all(axis=-1)
        column, row = np.moveaxis(np.clip(cells, 0, self._size - 1), -1, 0)
        return within & self.cells[row, column]

    def near(self, places: NDArray[np.float64], distance: float) -> NDArray[np.bool_]:
        """Return which places (..., 2) lie within some metres of what is marked."""
        away = ndimage.distance_transform_edt(~self.cells) * self.CELL
        column, row = np.moveaxis(np.clip(self._cells(places), 0, self._size - 1), -1, 0)
        return away[row, column] <= distance

    def centres(self, column: NDArray[np.int64], row: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the centres (K, 2) of some cells."""
        cells = np.stack([column, row], axis=-1).astype(np.float64)
        return (cells + 0.5) * self.CELL - self.reach

    def _cells(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.floor((points + self.reach) / self.CELL).astype(np.int64)


class ObstacleMap(CellMap):
    """Remembers where things stand and finds ways between them; the unknown counts as free.

    Args:
        reach: metres from the origin to the edges of the map.
    """

    MARGIN = 0.8
    """Metres of free floor around what is known that a way may use."""
    TIGHT, ROOMY = 0.12, 0.37
    """Clearances at which a body no longer passes and at which it walks at full speed, metres."""
    SLOWEST = 0.02
    """Speed within obstacles: not zero, because the map may be a little off."""

    def __init__(self, reach: float):
        super().__init__(reach)
        self._corner = np.zeros(2, np.int64)
        self._time = np.zeros((1, 1))

    def aim(self, goal: NDArray[np.float64], position: NDArray[np.float64]) -> None:
        """Find the ways to a goal (2,) from everywhere around a position (2,).

        Travel times by fast marching (Sethian 1996), slower near obstacles.
        """
        ends = np.clip(self._cells(np.stack([goal, position])), 0, self._size - 1)
        rows, columns = np.nonzero(self.cells)
        cells = np.concatenate([ends, np.stack([columns, rows], axis=-1)])
        margin = round(self.MARGIN / self.CELL)
        self._corner = np.maximum(cells.min(axis=0) - margin, 0)
        (x0, y0), (x1, y1) = self._corner, cells.max(axis=0) + margin + 1
        solid = self.cells[y0:y1, x0:x1]
        clearance = ndimage.distance_transform_edt(~solid) * self.CELL
        speed = np.clip((clearance - self.TIGHT) / (self.ROOMY - self.TIGHT), self.SLOWEST, 1)
        start = np.ones(solid.shape)
        column, row = ends[0] - self._corner
        start[row, column] = -1
        self._time = skfmm.travel_time(start, speed, dx=self.CELL, order=1)

    def travel_time(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the times (K,) that remain to the goal of ``aim`` from points (K, 2)."""
        x, y = ((points + self.reach) / self.CELL - 0.5 - self._corner).T
        return ndimage.map_coordinates(self._time, [y, x], order=1, mode="nearest")


TURN_COST = 0.02
"""Seconds at 1 m/s that a turn must save; without it the body dithers."""


def steer(
    obstacles: ObstacleMap,
    position: NDArray[np.float64],
    heading: float,
    stride: float,
    turn: float,
) -> int:
    """Return how many turns lead onto the way to the goal: to the left if positive, 0 is ahead.

    Args:
        obstacles: whose ``aim`` has found the ways.
        position: (2,) metres.
        heading: radians.
        stride: metres of a step.
        turn: radians of a turn.
    """
    half_circle = int(np.pi / turn)
    turns = np.arange(-half_circle, half_circle + 1)
    # Two points on each heading, so that a way that is soon blocked is not taken.
    ahead = stride * forward(heading + turns * turn)
    times = [obstacles.travel_time(position + n * ahead) for n in (1, 2)]
    return int(turns[np.argmin(times[0] + times[1] + TURN_COST * np.abs(turns))])
