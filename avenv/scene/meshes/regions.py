"""From the regions that annotations tell of to the rooms of the storey that is walked on."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from shapely import Point, Polygon, contains
from shapely.geometry.polygon import orient

from avenv.scene.compiled import Room, SceneObject
from avenv.scene.meshes.parts import MeshRegion
from avenv.scene.placed import free_name

_STOREY = 1.0  # m: how far a region's floor may be from the storey's, as on a step
_NEAR = 0.5  # m: how far a measured floor may be from where the annotations have it
_LEAST = 0.1  # m2: a region with less is no room


def rooms_of(
    regions: Sequence[MeshRegion], floors: Sequence[tuple[float, float]], floor: float | None
) -> tuple[Room, ...]:
    """Return the regions of one storey as rooms, on its floor as it was measured.

    Args:
        regions: in world metres.
        floors: (height, area) of the storeys, from below, as measured.
        floor: level of the storey that is walked on; by default the lowest.
    """
    level = (floors[0][0] if floors else None) if floor is None else floor
    if level is None:
        level = min(float(region.corners[:, 2].mean()) for region in regions)
    measured = [height for height, _ in floors if abs(height - level) <= _NEAR]
    base = min(measured, key=lambda height: abs(height - level)) if measured else level
    rooms: list[Room] = []
    for region in regions:
        own = float(region.corners[:, 2].mean())
        plan = Polygon(region.corners[:, :2])
        plan = plan if plan.is_valid else plan.convex_hull
        if abs(own - base) > _STOREY or plan.area < _LEAST or region.height <= 0:
            continue
        corners = np.array(orient(plan).exterior.coords[:-1])
        name = free_name(region.name or "room", {room.name for room in rooms})
        rooms.append(Room(name, corners, base, region.height + own - base))
    return tuple(rooms)


def in_room(thing: SceneObject, rooms: Sequence[Room]) -> SceneObject:
    """Return a thing with the number of the room that its place is in; -1: in none."""
    place = Point(thing.position[:2])
    found = [k for k, room in enumerate(rooms) if contains(Polygon(room.polygon), place)]
    return replace(thing, room=found[0]) if found else thing
