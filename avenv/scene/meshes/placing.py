"""From a file's axes and units to the world's."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avenv.core import frames
from avenv.core.errors import SceneError
from avenv.scene.meshes.parts import MeshFile, MeshPart, MeshRegion
from avenv.scene.meshes.settings import UNITS, MeshSettings
from avenv.scene.meshes.solids import find_solids
from avenv.scene.meshes.storeys import find_floors

_TALLEST, _SMALLEST, _WIDEST = 60.0, 1.0, 1000.0  # m: what else is no home, or too far for float32


def placed_in_world(
    content: MeshFile, settings: MeshSettings, path: Path
) -> tuple[
    list[tuple[MeshPart, NDArray[np.float64]]], int, tuple[float, float, float], list[MeshRegion]
]:
    """Return each part with its triangles in the world, without empty ones.

    Also returns how many triangles were without area, how far all were moved, and the regions in
    the world.

    Raises:
        SceneError: there is nothing in it, or something that is no number or no size of a home.
    """
    if not sum(len(part.triangles) for part in content.parts):
        raise SceneError(f"{path}: has no faces")
    unit = UNITS[settings.unit] if isinstance(settings.unit, str) else settings.unit or 1.0
    y_up = content.y_up if settings.up is None else settings.up == "Y"
    worlds = []
    for part in content.parts:
        if not np.isfinite(part.triangles).all():
            raise SceneError(f"{path}: {part.owner!r}: has corners that are no finite numbers")
        if part.uv is not None and not np.isfinite(part.uv).all():
            raise SceneError(f"{path}: {part.owner!r}: has texture coordinates that are no finite "
                             "numbers")  # fmt: skip
        worlds.append(unit * (frames.from_y_up(part.triangles) if y_up else part.triangles))
    shift = _shift(worlds, settings) if settings.centre else np.zeros(3)
    placed, dropped = [], 0
    for part, world in zip(content.parts, worlds, strict=True):
        kept_as = (world + shift).astype(np.float32).astype(np.float64)  # as they will be kept
        kept = areas_of(kept_as) > 1e-10
        dropped += int((~kept).sum())
        if kept.any():
            placed.append((_subset(part, kept), kept_as[kept]))
    if not placed:
        raise SceneError(f"{path}: has no faces with an area")
    _check_extent(np.concatenate([w for _, w in placed]).reshape(-1, 3), content, settings, path)
    x, y, z = shift.tolist()
    regions = [
        MeshRegion(
            region.name,
            unit * (frames.from_y_up(region.corners) if y_up else region.corners) + shift,
            unit * region.height,
        )
        for region in content.regions
    ]
    return placed, dropped, (x, y, z), regions


def areas_of(triangles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the areas (N,) of triangles (N, 3, 3)."""
    a, b, c = (triangles[:, k] for k in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


def _shift(worlds: list[NDArray[np.float64]], settings: MeshSettings) -> NDArray[np.float64]:
    """Return the way (3,) that brings the middle of the plan, and the floor walked on, to zero."""
    triangles = np.concatenate(worlds)
    low, high = triangles.min(axis=(0, 1)), triangles.max(axis=(0, 1))
    floors = find_floors(triangles - low, find_solids(triangles - low).sheet)
    level = float(low[2])
    if settings.floor is not None:
        level = settings.floor
    elif floors:
        level += floors[0][0]
    return -np.array([*((low + high) / 2)[:2], level])


def _subset(part: MeshPart, kept: NDArray[np.bool_]) -> MeshPart:
    uv = None if part.uv is None else part.uv[kept]
    shade = None if part.shade is None else part.shade[kept]
    triangles = part.triangles[kept]
    return replace(part, triangles=triangles, uv=uv, shade=shade)


def _check_extent(
    points: NDArray[np.float64], content: MeshFile, settings: MeshSettings, path: Path
) -> None:
    low, high = points.min(axis=0), points.max(axis=0)
    size, reach = high - low, float(np.abs([low, high]).max())
    guessed = settings.unit is None and not content.in_metres
    tall = guessed and size[2] > _TALLEST
    if reach > _WIDEST:
        problem = f"reaches {reach:,.0f} m from the origin, more than 1000 m"
        if size.max() <= _WIDEST and not tall:
            raise SceneError(f"{path}: {problem}, and is {size.max():,.3g} m large; pass "
                             "centre=True to move it to the origin")  # fmt: skip
    elif tall:
        problem = f"would be {size[2]:,.0f} m high"
    elif guessed and size.max() < _SMALLEST:
        problem = f"would be {size.max():.2g} m large"
    else:
        return
    text = " x ".join(f"{s:,.3g}" for s in size)
    height = max(float(size[2]), 1e-9)
    likely = [u for u, metres in UNITS.items() if 2.0 <= height * metres <= 12.0 and u != "m"]
    hint = f"; pass unit={likely[0]!r} if these are {likely[0]}" if likely and guessed else ""
    raise SceneError(f"{path}: {problem} ({text} in its units){hint}; unit and up say how to read "
                     "a file's numbers")  # fmt: skip
