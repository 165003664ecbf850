"""Good places to take pictures from: where a person would stand to show a room."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from shapely import Polygon, contains_xy

from avenv import vision
from avenv.core import frames
from avenv.scene import Room
from avenv.simulation.world import World

HFOV = 85.0
"""Degrees; wide enough for a bathroom, narrow enough not to distort."""

PITCH = -0.17
"""Radians; the floor is more interesting than the ceiling."""

_EYE = 1.5  # m above the floor
_SPACING = 0.5  # m between the places that are tried
_HEADINGS = 16
_SIZE = (64, 48)  # pixels of a trial
_PLACES = 150  # tried at most
_NEAR = 0.9  # m: nearer things are in the way


class Viewpoint(NamedTuple):
    """Where a picture is taken: its title, the eye (3,) in world metres, heading in radians."""

    title: str
    position: NDArray[np.float64]
    heading: float


def find_viewpoints(world: World, count: int = 6) -> list[Viewpoint]:
    """Return the view of every room that shows most of it.

    In a scene without rooms, ``count`` views far apart from each other.
    """
    rooms = world.compiled.rooms
    if rooms:
        return [_best_view(world, _places_in(world, room), number)
                for number, room in enumerate(rooms)]  # fmt: skip
    spread = _far_apart(_walkable(world), count)
    return [_best_view(world, place[None], None, f"view {k + 1}") for k, place in enumerate(spread)]


def _walkable(world: World) -> NDArray[np.float64]:
    """Return places (P, 2) where one can stand, about ``_SPACING`` apart."""
    grid = world.walkable
    step = max(1, round(_SPACING / grid.cell))
    iy, ix = np.nonzero(grid.islands[::step, ::step] == 1)
    return grid.origin + grid.cell * (step * np.stack([ix, iy], axis=-1) + 0.5)


def _places_in(world: World, room: Room) -> NDArray[np.float64]:
    """Return places (P, 2) to stand in a room; where nobody can, places in the air."""
    places = _walkable(world)
    shape = Polygon(room.polygon)
    inside = places[contains_xy(shape, places)]
    if len(inside) == 0:
        middle = shape.representative_point()
        return np.array([[middle.x, middle.y]])
    return inside[:: -(-len(inside) // _PLACES)]


def _far_apart(places: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return some of the places (P, 2), each as far as may be from those before it."""
    chosen = [int(np.argmin(np.linalg.norm(places - places.mean(axis=0), axis=1)))]
    distance = np.full(len(places), np.inf)
    while len(chosen) < min(count, len(places)):
        distance = np.minimum(distance, np.linalg.norm(places - places[chosen[-1]], axis=1))
        chosen.append(int(np.argmax(distance)))
    return places[chosen]


def _best_view(
    world: World, places: NDArray[np.float64], room: int | None, title: str | None = None
) -> Viewpoint:
    """Look round at every place and return the view that shows most of the room."""
    compiled = world.compiled
    floor = compiled.rooms[room].floor if room is not None else _floor(world)
    eyes = np.column_stack([places, np.full(len(places), floor + _EYE)]).repeat(_HEADINGS, axis=0)
    headings = np.tile(2 * np.pi / _HEADINGS * np.arange(_HEADINGS), len(places))
    optics = vision.Optics(_SIZE, hfov=HFOV)
    renderer = vision.make_renderer(len(eyes), optics, ("depth", "instance"))
    rotations = frames.body_rotation(headings, np.full(len(headings), PITCH))
    scene_of = np.zeros(len(eyes), np.int64)
    renderer.draw([world.raster], scene_of, eyes, rotations)
    own = np.array([room is None or thing.room == room for thing in compiled.objects])
    pictures = renderer.pictures
    pairs = zip(pictures["instance"], pictures["depth"], strict=True)
    scores = [_score(instance, depth, own) for instance, depth in pairs]
    best = int(np.argmax(scores))
    name = title or compiled.rooms[room or 0].name
    return Viewpoint(name, eyes[best], float(headings[best]))


def _score(
    instance: NDArray[np.int32], depth: NDArray[np.float32], own: NDArray[np.bool_]
) -> float:
    """Return how well a view shows the objects (O,) that are of the room.

    Many things, each of some size, count for more than one that fills the picture; a view should
    be open, and what stands right before the eye spoils it.
    """
    share = np.bincount(instance.ravel(), minlength=len(own) + 1)[1:] / instance.size
    near = np.mean((depth > 0) & (depth < _NEAR))
    return float(np.sqrt(share[own]).sum() + share[own].sum() + 0.3 * depth.mean() - 3 * near)


def _floor(world: World) -> float:
    return float(world.compiled.bounds[0, 2])
