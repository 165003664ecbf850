"""How long the rooms of a home reverberate, and what makes them softer or harder.

An estimate by power balance: rooms are diffuse fields of which doorways take and give (Cremer &
Müller, "Principles and Applications of Room Acoustics", II.3). Each room i loses
c/4 (A_i + sum of S_ij) E_i and gains c/4 S_ij E_j, over its volume, with its equivalent absorption
area A after Eyring and the areas S of open doorways.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from avenv.core.bands import OCTAVE_CENTRES
from avenv.core.vectors import cross
from avenv.scene.catalogue import Size, build_mesh, kind
from avenv.scene.materials import material
from avenv.scene.object_spec import ObjectSpec
from avenv.scene.openings import PlacedDoor, PlacedWindow
from avenv.scene.placed import PlacedScene
from avenv.scene.rooms import PlacedRoom
from avenv.scene.spec import RoomSpec, SceneSpec

BANDS = {"dry": (0.22, 0.5), "normal": (0.3, 0.8), "live": (0.5, 1.0)}
"""Estimated reverberation times (s) that the rooms of a home may have, by its reverberance."""

_CORRIDOR = 1.5
"""How much longer a hall decays than a diffuse field: sound that runs along it meets little."""

_MIDDLE = [OCTAVE_CENTRES.index(f) for f in (500.0, 1000.0)]
_SPEED = 343.0
_EXPOSED = 0.35  # of an object's surfaces; the others are inside it, or against a wall or another
_ROUNDS = 6
_TIMES = np.linspace(0.0, 3.0, 301)

# What is tried in turn on a room that reverberates too long, or not long enough.
_SOFTER = ({"ceiling": "gypsum"}, {"ceiling": "acoustic_plaster"}, {"floor": "carpet"},
           {"ceiling": "acoustic_tile"})  # fmt: skip
_HARDER = ({"ceiling": "plaster"}, {"floor": "oak_parquet"}, {"walls": "plaster"},
           {"floor": "ceramic_tile"})  # fmt: skip
_NO_CARPET = ("kitchen", "bathroom", "storage")

Array = NDArray[np.float64]


class Reverberation:
    """The rooms of a home as diffuse fields that doorways join.

    Args:
        rooms: in place.
        doors: in place.
        windows: in place.
        objects: the number of the room of each, and what it is.
    """

    def __init__(
        self,
        rooms: Sequence[PlacedRoom],
        doors: Iterable[PlacedDoor],
        windows: Iterable[PlacedWindow],
        objects: Iterable[tuple[int, ObjectSpec]],
    ):
        self._rooms = rooms
        count = len(rooms)
        self._volume = np.array([r.shape.area * r.spec.height for r in rooms])
        self._doorways = np.zeros((count, count))
        self._area, self._absorbed = np.zeros(count), np.zeros((count, len(_MIDDLE)))
        self._holes = np.zeros(count)
        for door in doors:
            closed = bool(door.leaves) and door.spec.state == "closed"
            sides = [cut.room for cut in door.cuts]
            size = door.spec.width * (door.cuts[0].top - door.cuts[0].bottom)
            self._holes[sides] += size
            if closed or door.spec.is_outer:
                for room in sides:
                    self._meet(room, size, door.spec.material if closed else "open_air")
            else:
                one, other = sides
                self._doorways[one, other] += size
                self._doorways[other, one] += size
        for window in windows:
            size = window.spec.width * (window.cut.top - window.cut.bottom)
            self._holes[window.cut.room] += size
            self._meet(window.cut.room, size, window.spec.material)
        for room, thing in objects:
            for surface, name in _skin(thing):
                self._meet(room, surface, name)

    def _meet(self, room: int, surface: float, name: str) -> None:
        self._area[room] += surface
        self._absorbed[room] += surface * _absorption(name)

    def times(self, specs: tuple[RoomSpec, ...]) -> Array:
        """Return the T30 (R,) of each room with these materials, 500 Hz and 1 kHz together."""
        area, absorbed = self._area.copy(), self._absorbed.copy()
        for k, (room, spec) in enumerate(zip(self._rooms, specs, strict=True)):
            floor, walls = room.shape.area, room.shape.length * spec.height - self._holes[k]
            for surface, name in ((floor, spec.floor), (floor, spec.ceiling), (walls, spec.walls)):
                area[k] += surface
                absorbed[k] += surface * _absorption(name)
        mean = np.clip(absorbed.mean(axis=1) / area, 1e-3, 0.99)
        loss = np.diag(-area * np.log1p(-mean) + self._doorways.sum(axis=1)) - self._doorways
        rates, modes = np.linalg.eig(_SPEED / 4 * loss / self._volume[:, None])
        back = np.linalg.inv(modes)
        # The backward integral of a sum of exponentials, in each room with the source in it.
        weights = modes * back.T / rates
        decay = np.real(weights @ np.exp(-np.outer(rates, _TIMES)))
        level = 10 * np.log10(np.maximum(decay, 1e-12) / decay[:, :1])
        crossings = [np.interp([5, 35], -row, _TIMES) for row in level]
        longer = [_CORRIDOR if spec.type == "hall" else 1.0 for spec in specs]
        return np.array([2 * (end - start) for start, end in crossings]) * longer


def reverberation_times(placed: PlacedScene) -> list[float]:
    """Return an estimate of the T30 of each room, seconds, of 500 Hz and 1 kHz together."""
    specs = tuple(room.spec for room in placed.rooms)
    objects = [(thing.room, thing.spec) for thing in placed.objects]
    fields = Reverberation(placed.rooms, placed.doors, placed.windows, objects)
    return [float(time) for time in fields.times(specs)]


def adjusted(home: SceneSpec, shell: PlacedScene, reverberance: str) -> SceneSpec | None:
    """Return a home with floors, walls and ceilings such that its rooms reverberate as they should.

    Its objects say which room they are in; ``shell`` has its rooms and openings in place. Returns
    None if a room cannot be brought there.
    """
    low, high = BANDS[reverberance]
    numbers = {room.name: k for k, room in enumerate(home.rooms)}
    doors = [replace(door, spec=spec) for door, spec in zip(shell.doors, home.doors, strict=True)]
    objects = [(numbers[thing.room or ""], thing) for thing in home.objects]
    fields = Reverberation(shell.rooms, doors, shell.windows, objects)
    rooms = home.rooms
    softer, harder = [list(_SOFTER) for _ in rooms], [list(_HARDER) for _ in rooms]
    for _ in range(_ROUNDS):
        times = fields.times(rooms)
        if np.all((times >= low) & (times <= high)):
            return home.model_copy(update={"rooms": rooms})
        rooms = tuple(
            _changed(room, softer[k] if time > high else harder[k] if time < low else [])
            for k, (room, time) in enumerate(zip(rooms, times, strict=True))
        )
    return None


def _changed(room: RoomSpec, changes: list[dict[str, str]]) -> RoomSpec:
    """Return a room with the next change that makes a difference."""
    while changes:
        change = changes.pop(0)
        ((part, name),) = change.items()
        if name == "carpet" and room.type in _NO_CARPET:
            continue
        before, after = (_absorption(n).mean() for n in (getattr(room, part), name))
        if (after > before) == (change in _SOFTER) and after != before:
            return room.model_copy(update=change)
    return room


def _skin(thing: ObjectSpec) -> list[tuple[float, str]]:
    """Return the surfaces (m2, material) of an object as far as sound gets to them."""
    row = kind(thing.kind)
    used = {**row.materials, **thing.materials}
    areas = _areas(thing.kind, thing.size or row.size)
    return [(_EXPOSED * area, used[part]) for part, area in areas]


@lru_cache(maxsize=1024)
def _areas(name: str, size: Size) -> list[tuple[str, float]]:
    """Return the parts of an object and their areas, m2."""
    areas = []
    for part in build_mesh(name, size):
        a, b, c = (part.triangles[:, k].astype(np.float64) for k in range(3))
        areas.append((part.name, float(np.linalg.norm(cross(b - a, c - a), axis=1).sum()) / 2))
    return areas


@cache
def _absorption(name: str) -> Array:
    return np.array(material(name).absorption)[_MIDDLE]
