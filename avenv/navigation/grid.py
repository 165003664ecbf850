"""The walkable grid: where in a scene a body can stand.

One storey, so that islands of different storeys are never taken for one: the floor is the rooms'
lowest floor level (or, in a scene without rooms, the lowest large upward-facing surface). What
rises above the ankle and begins below the head is an obstacle; rugs and thresholds are not. A body
is a disc; it can stand where its centre is at least its radius away from every obstacle and from
the edge of the floor.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from avenv.core.errors import SceneError
from avenv.core.finite import are_finite
from avenv.core.kernels import borrowing, inner, kernel
from avenv.navigation.clearance import TOLERANCE, Clearance, clearance_at, slide

Points = NDArray[np.float64]

_CELLAR = 0.5  # m below the floor that still belong to its storey


@dataclass(frozen=True, eq=False)
class WalkableGrid:
    """Where a body of one radius can stand in one scene; cell (iy, ix) spans ``cell`` metres.

    Attributes:
        name: the scene's name, for messages.
        origin: (2,) float64 lower corner of cell (0, 0): its square is ``origin`` to
            ``origin + cell``, x along the second axis of the arrays.
        cell: metres.
        radius: of the body, metres.
        clearance: (ny, nx) float32 metres from the cell's centre to the nearest obstacle or edge
            of the floor; 0 in pockets smaller than 1 m².
        islands: (ny, nx) int32 connected walkable regions: 1 is the largest, 0 is not walkable.
        level: of the floor that is walked on, metres.
        above: level of what lies over the storey (its rooms' ceilings, or the next floor), metres;
            inf where there is nothing.
    """

    name: str
    origin: Points
    cell: float
    radius: float
    clearance: NDArray[np.float32]
    islands: NDArray[np.int32]
    level: float = 0.0
    above: float = np.inf

    def check_storey(self, height: float, what: str) -> None:
        """Check that a thing is in the storey that is walked on: seen from above, all look alike.

        Raises
        ------
        SceneError
            If its height (m) is below the floor, or above the ceiling or the next floor.
        """
        if not self.level - _CELLAR <= height <= self.above:
            raise SceneError(
                f"scene {self.name!r}: {what} is at z = {height:.2f} m, in another storey than the "
                f"one that is walked on, from z = {self.level:.2f} to {self.above:.2f} m; in a "
                "mesh, floor= chooses the storey"
            )

    @cached_property
    def field(self) -> Clearance:
        """The clearance as kernels take it."""
        x0, y0 = (self.origin + self.cell / 2).tolist()
        return Clearance(self.clearance, x0, y0, self.cell, self.radius - TOLERANCE)

    def is_walkable(self, points: ArrayLike) -> NDArray[np.bool_]:
        """Return whether a body can stand at each of the points (N, 2), metres."""
        return self.island_of(points) > 0

    def island_of(self, points: ArrayLike) -> NDArray[np.int32]:
        """Return the island (N,) on which each of the points (N, 2) lies, 0 for none."""
        return _islands_at(self.field, self.islands, as_points(points))

    def nearest_walkable(self, points: ArrayLike, max_distance: float = np.inf) -> Points:
        """Return the walkable points (N, 2) nearest to the points (N, 2); walkable ones stay.

        Raises
        ------
        SceneError
            If a point is farther than ``max_distance`` metres from walkable floor.
        """
        points = as_points(points)
        out = points.copy()
        blocked = np.flatnonzero(~self.is_walkable(points))
        if len(blocked):
            out[blocked] = self._snap(points[blocked])
            far = np.hypot(*(out - points).T)
            if (worst := int(far.argmax())) in blocked and far[worst] > max_distance:
                x, y = points[worst]
                raise SceneError(
                    f"scene {self.name!r}: ({x:.2f}, {y:.2f}) is {far[worst]:.2f} m away from "
                    f"walkable floor; at most {max_distance:.2f} m is accepted"
                )
        return out

    def sample(self, rng: np.random.Generator, n: int, island: int = 1) -> Points:
        """Return n points (n, 2) drawn uniformly from the area of an island."""
        cells, inner = self._cells_about(island)
        points, found = np.empty((n, 2)), 0
        while found < n:
            drawn = rng.integers(len(cells), size=2 * n), rng.random((2 * n, 2))
            found = _keep_those_on(
                self.field, self.islands, island, self.origin, cells, inner, drawn, points, found
            )
        return points

    def _cells_about(self, island: int) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Return the cells (N, 2), x and y, that have points of an island in them, and which (N,)
        have no others; they are kept.

        A walkable point has a walkable cell centre among its four nearest. Where the centres of a
        cell and of the eight around it are on the island, so is all of the cell.
        """
        if island not in self._about:
            mask = self.islands == island
            if not mask.any():
                raise ValueError(
                    f"island is {island}; scene {self.name!r} has 1..{self.islands.max()}"
                )
            near = np.ones((3, 3), bool)
            around = ndimage.binary_dilation(mask, near)
            cells = np.argwhere(around)[:, ::-1].astype(np.int32)
            self._about[island] = cells, ndimage.binary_erosion(mask, near)[around]
        return self._about[island]

    @cached_property
    def _about(self) -> dict[int, tuple[NDArray[np.int32], NDArray[np.bool_]]]:
        return {}

    def swept_area(self, island: int = 1) -> float:
        """Return the floor in m² that a body on an island can cover: no part of it farther than
        the body's radius from where its centre can be."""
        reach = ndimage.distance_transform_edt(self.islands != island) * self.cell
        return float(np.count_nonzero(reach <= self.radius + TOLERANCE)) * self.cell**2

    def places(self, spacing: float = 1.0) -> Points:
        """Return places (P, 2) for sound sources, spread over island 1, always the same ones.

        From each ``spacing`` x ``spacing`` tile comes the cell with the most clearance (beyond
        half a tile more does not count, and the middle of the tile wins), unless a better place
        lies within half a tile.
        """
        if not spacing > 0:
            raise ValueError(f"spacing is {spacing}; it must be positive")
        if spacing not in self._spread:
            self._spread[spacing] = self._spread_out(spacing)
        return self._spread[spacing].copy()

    def take_places(self, places: Points, spacing: float = 1.0) -> None:
        """Take it that these are the ``places``: who kept a grid has kept them with it."""
        self._spread[spacing] = places

    def has_places(self) -> bool:
        """Return whether there are two ``places`` or more."""
        mask = self.islands == 1
        spans = (np.ptp(np.flatnonzero(mask.any(axis=a))) * self.cell for a in range(2))
        # Each tile with floor, or one beside it, has a place: of two three apart, one of its own.
        return bool(mask.any() and (max(spans) >= 4.0 or len(self.places()) >= 2))

    @cached_property
    def _spread(self) -> dict[float, Points]:
        return {}

    def _spread_out(self, spacing: float) -> Points:
        iy, ix = np.nonzero(self.islands == 1)
        points = self._centres(iy, ix)
        tile = np.floor((points - self.origin) / spacing).astype(np.int64)
        centre = self.origin + (tile + 0.5) * spacing
        off_centre = np.hypot(*(points - centre).T).round(6)
        clearance = np.minimum(self.clearance[iy, ix], spacing / 2).round(6)
        order = np.lexsort((ix, iy, off_centre, -clearance))
        number = tile[order, 0] * (1 + tile[:, 1].max(initial=0)) + tile[order, 1]
        _, first = np.unique(number, return_index=True)
        chosen: dict[tuple[int, int], np.ndarray] = {}  # by tile
        for k in order[np.sort(first)].tolist():
            x, y = map(int, tile[k])
            around = ((i, j) for i in range(x - 1, x + 2) for j in range(y - 1, y + 2))
            near = [chosen[other] for other in around if other in chosen]
            if all(np.hypot(*(points[k] - other)) >= spacing / 2 for other in near):
                chosen[x, y] = points[k]
        places = np.array(list(chosen.values()))
        return places[np.lexsort(places.T)]

    def _centres(self, iy: NDArray[np.integer], ix: NDArray[np.integer]) -> Points:
        return self.origin + self.cell * (np.stack([ix, iy], axis=-1) + 0.5)

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self._centres(*np.nonzero(self.islands)))

    def _snap(self, points: Points) -> Points:
        # From the nearest walkable cell slide towards the point, a radius and a bit at most.
        inside = self._tree.data[self._tree.query(points)[1]]
        way, reach = points - inside, self.radius + 2 * self.cell
        way *= np.minimum(1.0, reach / np.linalg.norm(way, axis=1, keepdims=True))
        pairs = zip(inside, way, strict=True)
        return np.array([slide(self.field, *start, *step) for start, step in pairs])


def as_points(points: ArrayLike, what: str = "points") -> Points:
    """Return points as a C-contiguous (N, 2) float64 array; ValueError if they are not that."""
    array = np.ascontiguousarray(points, np.float64)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"{what} have shape {array.shape}; expected (N, 2), x and y in metres")
    if not are_finite(array):
        row = int(np.argmin(np.isfinite(array).all(axis=1)))
        raise ValueError(f"{what}[{row}] is {array[row].tolist()}; expected finite numbers")
    return array


@kernel
def _islands_at(field, islands, points):
    out = np.empty(len(points), np.int32)
    for k in range(len(points)):
        out[k] = _island_at(field, islands, points[k, 0], points[k, 1])
    return out


@inner
def _island_at(field, islands, x, y):
    found, best = np.int32(0), -1.0
    if clearance_at(field, x, y) < field.limit:
        return found
    ny, nx = islands.shape
    u, v = (x - field.x0) / field.cell, (y - field.y0) / field.cell
    ix, iy = min(int(u), nx - 2), min(int(v), ny - 2)
    for jy in range(iy, iy + 2):
        for jx in range(ix, ix + 2):
            weight = (1 - abs(u - jx)) * (1 - abs(v - jy))
            if islands[jy, jx] > 0 and weight > best:
                best = weight
                found = islands[jy, jx]
    return found


@borrowing
def _keep_those_on(field, islands, island, origin, cells, inner, drawn, points, found):
    # Write points that are on an island to points (N, 2) from row `found` on, until that is full,
    # and return how many are written. They are drawn as numbers (D,) of cells and as where in them
    # (D, 2), in cells; of a cell that is `inner`, all points are.
    number, within = drawn
    for k in range(len(number)):
        if found == len(points):
            break
        c = number[k]
        x = origin[0] + field.cell * (cells[c, 0] + within[k, 0])
        y = origin[1] + field.cell * (cells[c, 1] + within[k, 1])
        if inner[c] or _island_at(field, islands, x, y) == island:
            points[found, 0], points[found, 1] = x, y
            found += 1
    return found
