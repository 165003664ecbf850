"""Find where a body can stand in a scene: build its walkable grid, or take it from the cache."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from avenv.core import cache
from avenv.core.errors import SceneError
from avenv.navigation.clearance import TOLERANCE
from avenv.navigation.grid import Points, WalkableGrid
from avenv.navigation.obstacles import NOTHING, VOID, Lattice, distances, slice_up, touch
from avenv.scene.compiled import CompiledScene

MIN_AREA = 1.0
"""Square metres below which a walkable region is a pocket (the inside of a wardrobe)."""
MAX_CELLS = 16_000_000
"""Cells of the largest grid: 200 x 200 m at 5 cm."""
_STOREY = 1.5  # m between floors, at least
_MAKERS = ("navigation/building.py",)


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
    grid.take_places(places)
    return grid


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
            f"cells of {cell} m; accepted: up to {MAX_CELLS:,} cells (building.MAX_CELLS); is it "
            "in centimetres? Else use larger cells or cut the floor"
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
