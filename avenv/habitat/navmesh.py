"""Navigation meshes of habitat-sim (``*.navmesh``): read, and compared with our own floor.

habitat-sim keeps what Recast made of a scene: ``PathFinder.cpp`` writes a header (``MSET``), from
version 2 on the settings, then tiles as Detour has them in memory (``DetourNavMesh.h``, version 7),
little-endian. Of a tile the corners and the polygons are read, and for whom it was made.
"""

import struct
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from avenv.core.errors import SceneError
from avenv.core.files import read_limited
from avenv.habitat.axes import from_habitat
from avenv.simulation.body import Body
from avenv.simulation.world import World

MAX_BYTES = 2**28
"""Of a file."""

_SET, _TILE = b"TESM", b"VAND"  # MSET and DNAV, the last byte first
_HEADER = struct.Struct("<4sii5f2i")  # magic, version, tiles; origin, width, height, most of each
_SETTINGS = 56  # bytes: thirteen floats and four switches
_BEFORE_TILE = struct.Struct("<Ii")  # reference, bytes
_TILE_HEADER = struct.Struct("<4s14i3f6ff")
_POLYGON = np.dtype([("link", "<u4"), ("corners", "<u2", 6), ("beside", "<u2", 6),
                     ("flags", "<u2"), ("count", "u1"), ("kind", "u1")])  # fmt: skip
_GROUND = 0  # the upper two bits of a polygon's kind; others are links off the mesh

_STOREY = 0.5  # m: how far a polygon may be from a floor and still belong to it: tables do not
_CELL = 0.05  # m between the points at which floors are compared


@dataclass(frozen=True, eq=False)
class Navmesh:
    """Where a body can be, as polygons in our axes.

    Attributes:
        path: of the file.
        polygons: (N, 3) float64 corners of each, metres.
        radius: of the body that it was made for, metres.
        height: of the body.
        climb: what it steps over.
    """

    path: Path
    polygons: tuple[NDArray[np.float64], ...]
    radius: float
    height: float
    climb: float

    @cached_property
    def levels(self) -> NDArray[np.float64]:
        """The mean height (N,) of each polygon."""
        return np.array([polygon[:, 2].mean() for polygon in self.polygons])

    def floor(self, level: float) -> shapely.Geometry:
        """Return the plan of what lies about a level, metres."""
        near = np.abs(self.levels - level) < _STOREY
        own = (polygon for polygon, is_near in zip(self.polygons, near, strict=True) if is_near)
        return shapely.union_all([shapely.Polygon(polygon[:, :2]) for polygon in own])

    def contains(self, points: ArrayLike, level: float) -> NDArray[np.bool_]:
        """Return whether a body can be at each of the points (J, 2) of the storey at ``level``."""
        plan = self.floor(level)
        shapely.prepare(plan)
        x, y = np.asarray(points, np.float64).T
        return shapely.contains_xy(plan, x, y)


@dataclass(frozen=True)
class FloorComparison:
    """Walkable floor, m2: ``ours``, ``theirs`` (the navmesh's), and in ``both``."""

    ours: float
    theirs: float
    both: float

    @property
    def agreement(self) -> float:
        """Share of the floor of either that is in both: 1 is the same."""
        return self.both / max(self.ours + self.theirs - self.both, 1e-12)

    def __str__(self) -> str:
        return (f"walkable floor: {self.ours:.2f} m² here, {self.theirs:.2f} m² in the navmesh, "
                f"{self.both:.2f} m² in both ({100 * self.agreement:.1f} %)")  # fmt: skip


def read_navmesh(path: str | Path) -> Navmesh:
    """Read a ``*.navmesh`` of habitat-sim.

    Raises:
        SceneError: the file is missing, cut off, or of another format or version.
    """
    path = Path(path)
    try:
        data = read_limited(path, MAX_BYTES)
    except (OSError, ValueError) as error:
        raise SceneError(f"{path}: cannot be read: {error}") from error
    try:
        return _read(data, path)
    except (struct.error, IndexError) as error:
        raise SceneError(f"{path}: is cut off or broken: {error}") from None


def compare_navmesh(world: World, navmesh: Navmesh) -> FloorComparison:
    """Compare a scene's walkable floor with a navmesh's, for the body that it was made for.

    Raises:
        SceneError: there is nowhere that body can be here.
    """
    radius = max(navmesh.radius, 0.05)
    body = Body(radius=radius, height=navmesh.height, step=min(navmesh.climb, navmesh.height / 2))
    grid = world.walkable_for(body)
    corners = [grid.origin, grid.origin + grid.cell * np.array(grid.islands.shape[::-1])]
    corners += [polygon[:, :2] for polygon in navmesh.polygons]
    low, high = np.vstack(corners).min(axis=0), np.vstack(corners).max(axis=0)
    sides = [np.arange(a + _CELL / 2, b, _CELL) for a, b in zip(low, high, strict=True)]
    points = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    here, there = grid.is_walkable(points), navmesh.contains(points, grid.level)
    ours, theirs, both = (float(m.sum()) * _CELL**2 for m in (here, there, here & there))
    return FloorComparison(ours, theirs, both)


def _read(data: bytes, path: Path) -> Navmesh:
    magic, version, tiles, *_ = _HEADER.unpack_from(data)
    if magic != _SET:
        raise SceneError(f"{path}: is no navmesh of habitat-sim: it begins with {magic!r}")
    if version not in (1, 2):
        raise SceneError(f"{path}: is of version {version}; accepted: 1, 2")
    at = _HEADER.size + (_SETTINGS if version >= 2 else 0)
    polygons: list[NDArray[np.float64]] = []
    walker = (0.0, 0.0, 0.0)
    for k in range(tiles):
        reference, size = _BEFORE_TILE.unpack_from(data, at)
        if reference == 0 or size <= 0:
            break
        at += _BEFORE_TILE.size
        if at + size > len(data):
            raise SceneError(f"{path}: is cut off in tile {k} of {tiles}")
        found, walker = _read_tile(data[at : at + size], f"{path}: tile {k}")
        polygons += found
        at += size
    if not polygons:
        raise SceneError(f"{path}: has no polygons")
    height, radius, climb = walker
    return Navmesh(path, tuple(polygons), radius, height, climb)


def _read_tile(
    tile: bytes, place: str
) -> tuple[list[NDArray[np.float64]], tuple[float, float, float]]:
    """Return the polygons of a tile, and height, radius and climb of who walks on it."""
    magic, version, *numbers = _TILE_HEADER.unpack_from(tile)
    if magic != _TILE or version != 7:
        raise SceneError(f"{place}: is no tile of Detour's version 7")
    count, corner_count = numbers[4], numbers[5]
    at = _TILE_HEADER.size
    if min(count, corner_count) < 0 or len(tile) < at + 12 * corner_count + 32 * count:
        raise SceneError(f"{place}: is cut off: it has {count} polygons and {corner_count} corners")
    corners = np.frombuffer(tile, "<f4", 3 * corner_count, at).reshape(-1, 3)
    if not np.isfinite(corners).all():
        raise SceneError(f"{place}: has corners that are no finite numbers")
    world = from_habitat(corners)
    rows = np.frombuffer(tile, _POLYGON, count, at + 12 * corner_count)
    polygons = []
    for row in rows[rows["kind"] >> 6 == _GROUND]:
        own = row["corners"][: row["count"]]
        if len(own) < 3 or row["count"] > 6 or own.max() >= corner_count:
            raise SceneError(f"{place}: a polygon has corners that there are not")
        polygons.append(world[own])
    height, radius, climb = numbers[13:16]
    return polygons, (height, radius, climb)
