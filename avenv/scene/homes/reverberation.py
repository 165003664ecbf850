"""How long the rooms of a home reverberate, and what makes them softer or harder."""

from collections.abc import Iterator
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from avenv.bands import OCTAVE_CENTRES
from avenv.scene.catalogue import Size, build_mesh
from avenv.scene.layout import Layout
from avenv.scene.materials import material
from avenv.scene.objects import PlacedObject
from avenv.scene.spec import SceneSpec

BANDS = {"dry": (0.2, 0.42), "normal": (0.26, 0.7), "live": (0.5, 0.95)}
"""Estimated reverberation times (s) that the rooms of a home may have, by its reverberance."""

_SPEECH = [k for k, f in enumerate(OCTAVE_CENTRES) if 500 <= f <= 2000]
_SABINE = 24 * np.log(10) / 343.0  # s/m
_OPENING = 0.5  # of the energy that reaches an open doorway does not come back
_EXPOSED = 0.6  # of an object's surfaces, for the others are inside it or against a wall

# What is tried in turn on a room that reverberates too long, or not long enough.
_SOFTER = ({"ceiling": "gypsum"}, {"ceiling": "acoustic_plaster"}, {"floor": "carpet"},
           {"ceiling": "acoustic_tile"})  # fmt: skip
_HARDER = ({"floor": "oak_parquet"}, {"ceiling": "plaster"}, {"walls": "plaster"},
           {"floor": "ceramic_tile"})  # fmt: skip
_NO_CARPET = ("kitchen", "bathroom", "storage", "hall")

Surface = tuple[float, NDArray[np.float64]]
"""Square metres, and the absorption (B,) of that surface."""


def reverberation_times(layout: Layout) -> list[float]:
    """Return an estimate of each room's reverberation time, seconds, mean of 500 Hz to 2 kHz.

    Eyring's formula for what bounds and furnishes the room.
    """
    furniture = [[*_furniture(layout, k)] for k in range(len(layout.rooms))]
    return [_eyring(layout, layout.rooms[k].spec.model_dump(), k, furniture[k])
            for k in range(len(layout.rooms))]  # fmt: skip


def adjusted(spec: SceneSpec, layout: Layout, reverberance: str) -> SceneSpec | None:
    """Return the home with floors and ceilings such that its rooms reverberate as they should.

    Returns None if a room cannot be brought there.
    """
    low, high = BANDS[reverberance]
    rooms = []
    for k, room in enumerate(spec.rooms):
        fields = room.model_dump()
        things = [*_furniture(layout, k)]
        time = _eyring(layout, fields, k, things)
        steps = _SOFTER if time > high else _HARDER if time < low else ()
        for change in steps:
            if change == {"floor": "carpet"} and room.type in _NO_CARPET:
                continue
            tried = fields | change
            changed = _eyring(layout, tried, k, things)
            if (changed < time) == (steps is _SOFTER):
                fields, time = tried, changed
            if low <= time <= high:
                break
        if not low <= time <= high:
            return None
        rooms.append(fields)
    return spec.model_copy(update={"rooms": tuple(type(spec.rooms[0])(**r) for r in rooms)})


def _eyring(layout: Layout, materials: dict[str, str], number: int, things: list[Surface]) -> float:
    room = layout.rooms[number]
    floor, height = room.shape.area, room.spec.height
    surfaces = [*_openings(layout, number), *things]
    holes = sum(area for area, _ in _openings(layout, number))
    surfaces += [
        (floor, _absorption(materials["floor"])),
        (floor, _absorption(materials["ceiling"])),
        (room.shape.length * height - holes, _absorption(materials["walls"])),
    ]
    area = sum(a for a, _ in surfaces)
    mean = sum(a * alpha for a, alpha in surfaces) / area
    times = _SABINE * floor * height / (-area * np.log1p(-mean))
    return float(times[_SPEECH].mean())


def _openings(layout: Layout, number: int) -> Iterator[Surface]:
    """Yield doorways and windows; a closed leaf is as a wall of its material."""
    for door in layout.doors:
        closed = bool(door.leaves) and door.spec.state == "closed"
        for cut in door.cuts:
            if cut.room == number:
                alpha = _absorption(door.spec.material) if closed else np.full(
                    len(OCTAVE_CENTRES), _OPENING)  # fmt: skip
                yield (cut.end - cut.start) * (cut.top - cut.bottom), alpha
    for window in layout.windows:
        cut = window.cut
        if cut.room == number:
            yield ((cut.end - cut.start) * (cut.top - cut.bottom),
                   _absorption(window.spec.material))  # fmt: skip


def _furniture(layout: Layout, number: int) -> Iterator[Surface]:
    for thing in layout.objects:
        if thing.room == number:
            yield from _skin(thing)


def _skin(thing: PlacedObject) -> Iterator[Surface]:
    """Yield the surfaces of an object as far as sound gets to them."""
    used = {**thing.kind.materials, **thing.spec.materials}
    for part, area in _areas(thing.kind.name, thing.size):
        yield _EXPOSED * area, _absorption(used[part])


@lru_cache(maxsize=1024)
def _areas(name: str, size: Size) -> list[tuple[str, float]]:
    """Return the parts of an object and their areas, m2."""
    areas = []
    for part in build_mesh(name, size):
        a, b, c = (part.triangles[:, k].astype(np.float64) for k in range(3))
        areas.append((part.name, float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()) / 2))
    return areas


@cache
def _absorption(name: str) -> NDArray[np.float64]:
    return np.array(material(name).absorption)
