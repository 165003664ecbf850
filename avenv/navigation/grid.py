"""The walkable grid: where in a scene a body can stand.

One storey, so that islands of different storeys are never taken for one: the floor is the rooms'
lowest floor level (or, in a scene without rooms, the lowest large upward-facing surface). What
rises above the ankle and begins below the head is an obstacle; rugs and thresholds are not. A body
is a disc; it can stand where its centre is at least its radius away from every obstacle and from
the edge of the floor.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from avenv.core import cache
from avenv.core.errors import SceneError
from avenv.core.finite import are_finite
from avenv.core.kernels import njit
from avenv.navigation.clearance import TOLERANCE, Clearance, clearance_at, slide
from avenv.navigation.obstacles import NOTHING, VOID, Lattice, distances, slice_up, touch
from avenv.scene.compiled import CompiledScene

Points = NDArray[np.float64]

MIN_AREA = 1.0
"""Square metres below which a walkable region is a pocket (the inside of a wardrobe)."""
_STOREY = 1.5  # m between floors, at least
_CELLAR = 0.5  # m below the floor that still belong to its storey
_MAKERS = ("navigation/grid.py",)
MAX_CELLS = 16_000_000
"""Cells of the largest grid: 200 x 200 m at 5 cm."""


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


def build_grid(
    compiled: CompiledScene,
    radius: float = 0.18,
    ankle: float = 0.10,
    head: float = 1.5,
    cell: float = 0.05,
) -> WalkableGrid:
    """Find where a body can stand in a scene.

    Parameters
    ----------
    compiled : CompiledScene
    radius : float
        Of the body, metres; at least one cell.
    ankle, head : float
        Heights above the floor between which things are obstacles, metres.
    cell : float
        Side of a cell, metres.

    Raises
    ------
    SceneError
        If the scene has no floor, no free region of 1 m², fewer than two places to be, or is too
        large for a grid.
    ValueError
        If a size is out of range.
    """
    if not 0 < cell <= radius:
        raise ValueError(f"cell is {cell} and radius {radius}; need 0 < cell <= radius")
    if not 0 < ankle < head:
        raise ValueError(f"ankle is {ankle} and head {head}; need 0 < ankle < head")
    level, above, floor = _floor(compiled, ankle)
    lattice = _lattice(compiled.name, floor, cell)
    ground = slice_up(floor, level - ankle, level + 2 * ankle)
    covered = touch(ground, lattice, cell / 2) != NOTHING
    # A thing exactly as high as the ankle is stepped over, whatever float32 makes of it.
    solid = slice_up(compiled.triangles[compiled.has_area], level + ankle + 1e-4, level + head)
    nearest = touch(solid, lattice, cell * np.sqrt(0.5))
    nearest[~covered & (nearest == NOTHING)] = VOID
    seeds = ndimage.distance_transform_edt(
        nearest == NOTHING, return_distances=False, return_indices=True
    )
    clearance = distances(solid, lattice, nearest, seeds)
    clearance[~covered] = 0
    islands = _islands(clearance, radius - TOLERANCE, cell)
    clearance[(islands == 0) & (clearance >= radius - TOLERANCE)] = 0
    origin = np.array([lattice.x0, lattice.y0]) - cell / 2
    grid = WalkableGrid(compiled.name, origin, cell, radius, clearance, islands, level, above)
    if not islands.any():
        raise SceneError(
            f"scene {compiled.name!r} has no walkable floor: a body of radius {radius} m needs a "
            f"free region of at least {MIN_AREA} m²"
        )
    if not grid.has_places():
        raise SceneError(
            f"scene {compiled.name!r} has only one place to be: a body of radius {radius} m needs "
            "free floor from one place to another, 0.5 m or more away"
        )
    return grid


class StoredGrid(NamedTuple):
    """A ``WalkableGrid`` as caches keep it on disk, with its places; see there."""

    origin: Points
    cell: float
    radius: float
    clearance: NDArray[np.float32]
    islands: NDArray[np.int32]
    level: float
    above: float
    places: Points


def find_grid(compiled: CompiledScene, radius: float, ankle: float, head: float) -> WalkableGrid:
    """Return ``build_grid`` of a scene as it was described, from the cache folder if it is there.

    Raises
    ------
    SceneError, ValueError
        As ``build_grid``.
    """
    sizes = f"{radius!r}-{ankle!r}-{head!r}"
    key = f"grid-{sizes}-{cache.code_digest(*_MAKERS)}-{compiled.content_hash}"

    def make() -> StoredGrid:
        grid = build_grid(compiled, radius, ankle, head)
        return StoredGrid(
            grid.origin, grid.cell, grid.radius, grid.clearance, grid.islands, grid.level,
            grid.above, grid.places(),
        )  # fmt: skip

    *fields, places = cache.recall(key, StoredGrid, make)
    grid = WalkableGrid(compiled.name, *fields)
    grid._spread[1.0] = places
    return grid


def as_points(points: ArrayLike, what: str = "points") -> Points:
    """Return points as a C-contiguous (N, 2) float64 array; ValueError if they are not that."""
    array = np.ascontiguousarray(points, np.float64)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"{what} have shape {array.shape}; expected (N, 2), x and y in metres")
    if not are_finite(array):
        row = int(np.argmin(np.isfinite(array).all(axis=1)))
        raise ValueError(f"{what}[{row}] is {array[row].tolist()}; expected finite numbers")
    return array


def _floor(compiled: CompiledScene, ankle: float) -> tuple[float, float, NDArray[np.float32]]:
    # Floor level, that of what is above the storey, and the upward-facing triangles (F, 3, 3)
    # within an ankle's height of the floor.
    up = compiled.normals[:, 2]
    facing = np.where(compiled.double_sided, np.abs(up), up) > 0.7
    heights = compiled.triangles[:, :, 2].astype(np.float64)
    if not facing.any():
        raise SceneError(
            f"scene {compiled.name!r} has no floor: no surface faces upwards; it needs a "
            f"horizontal one of at least {MIN_AREA} m²"
        )
    if compiled.rooms:
        level = min(room.floor for room in compiled.rooms)
        above = max(room.floor + room.height for room in compiled.rooms)
    else:
        level, above = _lowest_large_levels(compiled.triangles[facing].astype(np.float64))
    flat = facing & (np.abs(heights - level) <= ankle + 1e-4).all(axis=1)
    if not flat.any():
        raise SceneError(
            f"scene {compiled.name!r} has no floor at its rooms' level, z = {level:.2f} m; it "
            "needs an upward-facing surface there"
        )
    return level, above, compiled.triangles[flat]


def _lowest_large_levels(triangles: NDArray[np.float64], band: float = 0.05) -> tuple[float, float]:
    # The lowest height at which there is a quarter as much surface as at the height with most, and
    # the next one at least a storey above it.
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    z = triangles[:, :, 2].mean(axis=1)
    bins = np.round(z / band).astype(np.int64)
    total = np.bincount(bins - bins.min(), area)
    large = bins.min() + np.flatnonzero(total >= total.max() / 4)
    floor = float(np.average(z[bins == large[0]], weights=area[bins == large[0]]))
    over = large[large * band - floor >= _STOREY] * band
    return floor, float(over[0]) if len(over) else np.inf


def _lattice(name: str, floor: NDArray[np.float32], cell: float) -> Lattice:
    corners = floor.reshape(-1, 3)[:, :2].astype(np.float64)
    # Cell centres at multiples of the cell: walls mostly stand at round coordinates, and 0.18 m
    # from there 0.20 is the next centre on either side. Two cells of margin, so that the rim of
    # the lattice is never floor.
    first = np.floor(corners.min(axis=0) / cell) - 2
    nx, ny = (np.ceil(corners.max(axis=0) / cell) - first).astype(int) + 2
    if nx * ny > MAX_CELLS:
        raise SceneError(
            f"scene {name!r} has a floor of {nx * cell:.0f} x {ny * cell:.0f} m, too large for "
            f"cells of {cell} m; accepted: up to {MAX_CELLS:,} cells (grid.MAX_CELLS); is it in "
            "centimetres? Else use larger cells or cut the floor"
        )
    x0, y0 = (first * cell).tolist()
    return Lattice(x0, y0, cell, int(ny), int(nx))


def _islands(clearance: NDArray[np.float32], limit: float, cell: float) -> NDArray[np.int32]:
    # Label 4-connected regions, largest first; a body can pass between edge neighbours, because
    # clearance is interpolated linearly between them.
    labels, count = ndimage.label(clearance >= limit)
    area = np.bincount(labels.ravel(), minlength=count + 1) * cell**2
    area[0] = 0
    order = np.argsort(-area, kind="stable")
    rank = np.zeros(count + 1, np.int32)
    large = order[area[order] >= MIN_AREA]
    rank[large] = np.arange(1, len(large) + 1)
    return rank[labels]


@njit(nogil=True)
def _islands_at(field, islands, points):
    out = np.empty(len(points), np.int32)
    for k in range(len(points)):
        out[k] = _island_at(field, islands, points[k, 0], points[k, 1])
    return out


@njit(nogil=True)
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


@njit(nogil=True)
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
