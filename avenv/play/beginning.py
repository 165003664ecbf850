"""How a visit begins: where one stands, and what sounds."""

import numpy as np

from avenv.geometry import lines_of_sight
from avenv.simulation.emitters import Emitter
from avenv.simulation.world import World
from avenv.sounds import load_sounds

Point = tuple[float, float]

_FROM = 2.5  # metres at which a visitor begins before the first source


def emitters_of(world: World, sample_rate: int) -> dict[str, Emitter]:
    """Return what the sources of a scene play, by the sources' names."""
    return {
        source.name: Emitter(
            source.position,
            load_sounds(source.sound, sample_rate)[0],
            source.level,
            object=source.object,
        )
        for source in world.compiled.sources
    }


def nearest_place(world: World, place: Point, heading: float) -> tuple[Point, float]:
    """Return the nearest place where one can stand."""
    [[x, y]] = world.walkable.nearest_walkable([place]).tolist()
    return (x, y), heading


def first_place(world: World) -> tuple[Point, float]:
    """Return where a visitor stands at first, and faces: before the first source, in its sight."""
    places = world.places
    middle = places.mean(axis=0)
    if not world.compiled.sources:
        x, y = places[np.argmin(np.linalg.norm(places - middle, axis=1))].tolist()
        return (x, y), 0.0
    source = np.array(world.compiled.sources[0].position)
    eyes = np.column_stack([places, np.full(len(places), source[2])])
    seen = lines_of_sight(world.compiled.bvh, eyes, np.tile(source, (len(eyes), 1)))
    off = np.abs(np.linalg.norm(places - source[:2], axis=1) - _FROM) + 100.0 * ~seen
    x, y = places[np.argmin(off)].tolist()
    return (x, y), float(np.arctan2(source[1] - y, source[0] - x))
