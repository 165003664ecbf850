"""Find things that hang in mid-air: allowed, since their author said so, but seldom meant."""

import numpy as np
from shapely import LinearRing, Polygon

from avenv.scene.catalogue import kind, kind_names
from avenv.scene.compiled import CompiledScene, SceneObject
from avenv.scene.placement import rest_height
from avenv.scene.plan import footprint

_GAP = 0.05  # m between a thing and what holds it that nobody minds


def floating_things(compiled: CompiledScene) -> list[str]:
    """Say which things of a described scene neither stand on anything nor hang on what they should.

    What belongs on the floor or on furniture has to rest on something; what belongs on a wall has
    to be at one, or rest; what belongs on the ceiling has to reach it, or rest.
    """
    out = []
    for number, thing in enumerate(compiled.objects):
        if thing.room < 0 or thing.kind not in kind_names():
            continue
        if not np.any(compiled.normals[compiled.object == number]):
            continue  # held by somebody
        gap = thing.position[2] - _support(compiled, number)
        away, what = _away(compiled, thing)
        if gap > _GAP and away > _GAP:
            x, y, z = thing.position
            held = f" and {away:.2f} m from {what}" if what else ""
            out.append(
                f"{thing.name!r} floats at [{x:.2f}, {y:.2f}, {z:.2f}]: {gap:.2f} m above what is "
                f"below it{held}; leave out its z, or say what it is on"
            )
    return out


def _support(compiled: CompiledScene, number: int) -> float:
    """Return the level of the highest thing below an object."""
    thing = compiled.objects[number]
    x, y, z = thing.position
    floor = compiled.rooms[thing.room].floor
    reach = float(np.hypot(*thing.size[:2])) / 2
    triangles = compiled.triangles
    near = (triangles[..., 2].max(axis=1) <= z + _GAP) & (compiled.object != number)
    for axis, middle in ((0, x), (1, y)):
        near &= triangles[..., axis].min(axis=1) <= middle + reach
        near &= triangles[..., axis].max(axis=1) >= middle - reach
    found = rest_height(triangles[near], (x, y), thing.heading, thing.size)
    return floor if found is None else max(found, floor)


def _away(compiled: CompiledScene, thing: SceneObject) -> tuple[float, str]:
    """Return how far a thing is from the wall or ceiling that it belongs on, and which it is."""
    room, mounted = compiled.rooms[thing.room], kind(thing.kind).mounted
    if mounted == "ceiling":
        return room.floor + room.height - thing.position[2] - thing.size[2], "the ceiling"
    if mounted == "wall":
        outline = Polygon(footprint(thing.position[:2], thing.heading, *thing.size[:2]))
        return float(outline.distance(LinearRing(room.polygon))), "a wall"
    return np.inf, ""
