"""Floors, walls and ceilings of rooms: which one is seen at a point, and of what else it may be."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from avenv.core.errors import SceneError
from avenv.core.frames import body_rotation
from avenv.geometry import cast_rays
from avenv.play.pictures import HFOV
from avenv.scene.materials import material
from avenv.scene.problems import suggest
from avenv.scene.spec import RoomSpec
from avenv.simulation.loading import load_scene
from avenv.simulation.world import World

PARTS = ("floor", "walls", "ceiling")
"""Parts of a room that have a material each."""

_PART_OF = {"floor": "floor", "wall": "walls", "skirting": "walls", "ceiling": "ceiling"}


class Surface(NamedTuple):
    """A part of a room, one of ``PARTS``, and the name of its material."""

    room: str
    part: str
    material: str


def surface_at(
    world: World, eye: ArrayLike, heading: float, pitch: float, point: tuple[float, float],
    size: tuple[int, int],
) -> Surface:  # fmt: skip
    """Return the surface that is seen at a point of a picture.

    Args:
        world: the scene.
        eye: (3,) world metres.
        heading: radians.
        pitch: radians above the horizon.
        point: (to the right, up) from -1 to 1, 0 in the middle.
        size: (width, height) of the picture.

    Raises:
        SceneError: something else is seen there, or the scene is a mesh.
    """
    right, up = np.array(point) * math.tan(math.radians(HFOV) / 2)
    ray = body_rotation(heading, pitch) @ (1.0, -right, up * size[1] / size[0])
    _, [hit] = cast_rays(world.compiled.bvh, np.array([eye], np.float64), ray[None])
    if hit < 0:
        raise SceneError("nothing is there; accepted: a floor, a wall or a ceiling")
    thing = world.compiled.objects[world.compiled.object[hit]]
    if thing.kind not in _PART_OF or thing.room < 0:
        raise SceneError(f"that is {thing.name!r}; accepted: the floor, wall or ceiling of a room")
    part, room = _PART_OF[thing.kind], world.compiled.rooms[thing.room].name
    return Surface(room, part, material_of(world, room, part))


def material_of(world: World, room: str, part: str) -> str:
    """Return the name of the material of a part of a room.

    Raises:
        SceneError: there is no such room, or the scene is a mesh.
    """
    return str(getattr(_room(world, room), part))


def with_material(world: World, room: str, part: str, name: str) -> World:
    """Return a world in which a part of a room is of another material, all else being as it is.

    It is what the scene's description with that material would be loaded as.

    Raises:
        SceneError: there is no such room or material, or the scene is a mesh.
    """
    other = _room(world, room).model_copy(update={part: material(name).name})
    spec = world.spec
    assert spec is not None  # since it has the room
    changed = [other if one.name == room else one for one in spec.rooms]
    made = load_scene(spec.model_copy(update={"rooms": tuple(changed)}))
    return made.with_states(world.compiled.states)


def _room(world: World, name: str) -> RoomSpec:
    if world.spec is None:
        raise SceneError(f"{world.name} is a mesh, of what its file says; accepted: scenes that "
                         "are described")  # fmt: skip
    rooms = {room.name: room for room in world.spec.rooms}
    if name not in rooms:
        raise SceneError(f"{world.name}: there is no room {name!r}{suggest(name, rooms)}")
    return rooms[name]
