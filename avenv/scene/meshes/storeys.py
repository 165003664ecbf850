"""The storeys of a mesh: levels that bodies can walk on, of which they walk on one."""

import math

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SceneError
from avenv.scene.compiled import Room
from avenv.scene.meshes.settings import MeshSettings

_STOREY = 1.5  # m between floors, at least
_NEAR = 0.5  # m: how far a storey's floor may be from where it is said to be


def find_floors(
    triangles: NDArray[np.float64], sheet: NDArray[np.bool_], band: float = 0.05
) -> tuple[tuple[float, float], ...]:
    """Return (height, area) of the storeys' floors: large levels with a storey between them."""
    a, b, c = (triangles[:, k] for k in range(3))
    normal = np.cross(b - a, c - a)
    area = np.linalg.norm(normal, axis=1) / 2
    up = np.where(sheet, np.abs(normal[:, 2]), normal[:, 2])
    level = up > 1.9 * area  # facing upwards within 18 degrees
    if not level.any():
        return ()
    highest = float(triangles[..., 2].max())
    z, area = triangles[level, :, 2].mean(axis=1), area[level]
    bins = np.round(z / band).astype(np.int64)
    bins -= bins.min()
    total = np.bincount(bins, area)
    height = np.bincount(bins, area * z) / np.maximum(total, 1e-12)
    floors: list[tuple[float, float]] = []
    for k in np.flatnonzero(total >= total.max() / 4).tolist():
        headroom = highest - height[k] >= _STOREY  # else it is a roof, or a ceiling's back
        if not floors or (headroom and height[k] - floors[-1][0] >= _STOREY):
            floors.append((float(height[k]), float(total[k])))
    return tuple(floors)


def many_storeys(
    floors: tuple[tuple[float, float], ...], settings: MeshSettings, moved: float
) -> list[str]:
    """Say what bodies cannot make of the storeys: they walk on one."""
    if len(floors) > 1 and settings.floor is None:
        return [f"has {len(floors)} storeys, {_levels(floors, moved)}, and bodies walk on the "
                "first; floor= chooses another"]  # fmt: skip
    return []


def chosen_storey(
    triangles: NDArray[np.float64], floor: float, floors: tuple[tuple[float, float], ...],
    settings: MeshSettings,
) -> Room:  # fmt: skip
    """Return a room as large as the mesh, on the level that is to be walked on.

    Raises:
        SceneError: the mesh has no storey there.
    """
    levels = [height for height, _ in floors]
    off = [abs(height - floor) for height in levels]
    if levels and min(off) > _NEAR:
        moved = floor - (settings.floor or 0.0)
        raise SceneError(f"{settings.source}: floor is {settings.floor:g}; the storeys' floors are "
                         f"{_levels(floors, moved)}")  # fmt: skip
    number = off.index(min(off)) if levels else 0
    (x0, y0, _), (x1, y1, z1) = (f(triangles.reshape(-1, 3), axis=0) for f in (np.min, np.max))
    top = levels[number + 1] if number + 1 < len(levels) else float(z1)
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    return Room(f"storey {number + 1}", corners, floor, max(top - floor, math.ulp(1.0)))


def _levels(floors: tuple[tuple[float, float], ...], moved: float) -> str:
    """Return the storeys' levels in the file's own height."""
    return "z = " + ", ".join(f"{height - moved:.2f}" for height, _ in floors) + " m"
