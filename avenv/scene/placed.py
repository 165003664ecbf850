"""Put a whole spec in place: rooms, openings, objects and sources, or say all that is wrong."""

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count

import numpy as np
from numpy.typing import NDArray
from shapely import Point

from avenv.scene.collisions import check_collisions
from avenv.scene.compiled import SceneSource
from avenv.scene.episodes import check_episodes
from avenv.scene.falls import Landing, find_landings, lying_size
from avenv.scene.fields import names_file, short_name
from avenv.scene.materials import material_names
from avenv.scene.objects import PlacedObject, place_objects
from avenv.scene.opening_spec import OUTSIDE
from avenv.scene.openings import (
    PlacedDoor,
    PlacedWindow,
    check_openings,
    place_doors,
    place_windows,
)
from avenv.scene.problems import Problems, suggest
from avenv.scene.rooms import PlacedRoom, place_rooms
from avenv.scene.spec import SceneSpec, SourceSpec


@dataclass(frozen=True)
class PlacedScene:
    """Everything in a scene, in the order of the spec, with its name and its place.

    ``landings`` are where things come to lie that can fall, by name.
    """

    rooms: list[PlacedRoom]
    doors: list[PlacedDoor]
    windows: list[PlacedWindow]
    objects: list[PlacedObject]
    sources: list[SceneSource]
    landings: dict[str, Landing]

    def objects_near(self, x: float, y: float) -> list[PlacedObject]:
        """Return the objects that could reach over a point, in the order of the spec."""
        middles, reach = self._reach
        away = np.abs(middles - (x, y)).sum(axis=1)
        return [self.objects[k] for k in np.flatnonzero(away < reach).tolist()]

    @cached_property
    def _reach(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where objects are (N, 2), and metres (N,) beyond which they are not, along x plus y."""
        middles = np.array([o.position[:2] for o in self.objects], np.float64).reshape(-1, 2)
        return middles, np.array([sum(o.size) for o in self.objects], np.float64)


def lay_out(spec: SceneSpec) -> PlacedScene:
    """Put everything in a spec in its place.

    Raises:
        SceneError: something has no place, overlaps, or is unknown; one line for each problem.
    """
    problems = Problems(spec.source)
    _check_materials(spec, problems)
    _names("rooms", [r.name for r in spec.rooms], [""] * len(spec.rooms), problems)
    rooms = place_rooms(spec, problems)
    problems.check()  # without rooms, nothing else has a place

    door_names = _names(
        "doors", [d.name for d in spec.doors], [door_name(*d.between) for d in spec.doors], problems
    )
    window_names = _names(
        "windows", [w.name for w in spec.windows], [f"{w.room}-window" for w in spec.windows],
        problems,
    )  # fmt: skip
    object_names = _names(
        "objects", [o.name for o in spec.objects], [o.kind for o in spec.objects], problems
    )
    for name, times in Counter(door_names + window_names + object_names).items():
        if times > 1:
            problems.add("", f"{name!r} names a door, window or object more than once")
    doors = place_doors(spec, rooms, door_names, problems)
    windows = place_windows(spec, rooms, window_names, problems)
    check_openings(doors, windows, rooms, problems)
    objects = place_objects(spec, rooms, windows, object_names, problems)
    check_collisions(objects, doors, {name: k for k, name in enumerate(object_names)}, problems)
    landings = find_landings(objects, rooms, doors)
    sources = _place_sources(spec, rooms, objects, object_names, landings, problems)
    objects = _switch_on(spec, objects, problems)
    if len(objects) == len(spec.objects) and len(doors) == len(spec.doors):
        names = [source.name for source in sources]
        check_episodes(spec, rooms, doors, objects, names, problems)
    problems.check()
    return PlacedScene(rooms, doors, windows, objects, sources, landings)


def check_scene(spec: SceneSpec) -> None:
    """Check that rooms, openings, objects and sources fit together.

    Raises:
        SceneError: they do not; one line for each problem.
    """
    lay_out(spec)


def door_name(first: str, second: str | None) -> str:
    """Return what a door between two rooms, or out of one, is called by default."""
    return f"{first}-{second or OUTSIDE}"


def free_name(default: str, taken: Container[str]) -> str:
    """Return ``default``, or the first of ``default_2``, ``default_3``, ... that is not taken."""
    if default not in taken:
        return default
    return next(n for k in count(2) if (n := f"{default}_{k}") not in taken)


def _names(
    field: str, given: Sequence[str | None], defaults: Sequence[str], problems: Problems
) -> list[str]:
    """Return unique names: those given, else the default, ``default_2`` and so on."""
    counts = Counter(name for name in given if name is not None)
    for name, times in counts.items():
        if times > 1:
            numbers = [k for k, other in enumerate(given) if other == name]
            problems.add(f"{field}[{numbers[1]}].name", f"{name!r} names {field}[{numbers[0]}] too")
    taken = set(counts)
    names = []
    for own, default in zip(given, defaults, strict=True):
        names.append(own or free_name(default, taken))
        taken.add(names[-1])
    return names


def _check_materials(spec: SceneSpec, problems: Problems) -> None:
    used = [
        (f"rooms[{k}].{part}", getattr(room, part))
        for k, room in enumerate(spec.rooms)
        for part in ("floor", "walls", "ceiling")
    ]
    used += [(f"doors[{k}].material", door.material) for k, door in enumerate(spec.doors)]
    used += [(f"windows[{k}].material", w.material) for k, w in enumerate(spec.windows)]
    known = material_names()
    for place, name in used:
        if name not in known:
            problems.add(place, f"there is no material {name!r}{suggest(name, known)}")


def _place_sources(
    spec: SceneSpec, rooms: list[PlacedRoom], objects: list[PlacedObject],
    object_names: list[str], landings: Mapping[str, Landing], problems: Problems,
) -> list[SceneSource]:  # fmt: skip
    by_name = {thing.name: thing for thing in objects}
    defaults = [s.on or short_name(s.sound or "") for s in spec.sources]
    names = _names("sources", [s.name for s in spec.sources], defaults, problems)
    placed = []
    for k, (source, name) in enumerate(zip(spec.sources, names, strict=True)):
        place = f"sources[{k}]"
        if source.on is not None and source.on not in object_names:
            hint = suggest(source.on, object_names)
            problems.add(f"{place}.on", f"there is no object {source.on!r}{hint}")
            continue
        support = by_name.get(source.on or "")
        if source.on is not None and support is None:
            continue  # the object has its own problem
        sound = _sound(spec, source, support, place, problems)
        if source.position is not None:
            position = source.position
        else:
            assert support is not None  # the spec has seen to it
            position = _mouth(support, landings)
        _check_in_the_open(position, rooms, objects, place, problems)
        if sound is not None:
            placed.append(SceneSource(name, sound, position, source.level, source.on))
    return placed


def _mouth(thing: PlacedObject, landings: Mapping[str, Landing]) -> tuple[float, float, float]:
    """Return where a thing sounds from, standing or fallen."""
    if thing.state is None or not thing.kind.states[thing.state].is_fall:
        return thing.mouth
    return landings[thing.name].mouth(lying_size(thing.kind.name, thing.size, thing.state))


def _sound(
    spec: SceneSpec, source: SourceSpec, support: PlacedObject | None, place: str,
    problems: Problems,
) -> str | None:  # fmt: skip
    """Return a built-in kind, or the path of an existing file."""
    if source.sound is None:
        assert support is not None  # the spec has seen to it
        if support.kind.sound is None:
            problems.add(
                place, f"a {support.kind.name} makes no sound of its own; say which with sound"
            )
        return support.kind.sound
    if not names_file(source.sound):
        return source.sound
    try:
        return str(spec.find_file(source.sound))
    except (ValueError, OSError) as error:
        problems.add(f"{place}.sound", str(error))
        return None


def _switch_on(
    spec: SceneSpec, objects: list[PlacedObject], problems: Problems
) -> list[PlacedObject]:
    """Return the objects, those that sources are on in a state in which they sound."""
    first = {source.on: k for k, source in reversed(list(enumerate(spec.sources)))}
    switched = []
    for thing in objects:
        states = thing.kind.states
        loud = [name for name, state in states.items() if state.sound is not None]
        silent = thing.state is not None and states[thing.state].sound is None
        if thing.name in first and silent and loud:
            if thing.spec.state is None:
                thing = replace(thing, state=loud[0])
            else:
                problems.add(
                    f"sources[{first[thing.name]}].on",
                    f"{thing.name!r} is {thing.state!r}, and silent; it sounds when it is "
                    f"{' or '.join(loud)}",
                )
        switched.append(thing)
    return switched


def _check_in_the_open(
    position: tuple[float, float, float], rooms: list[PlacedRoom], objects: list[PlacedObject],
    place: str, problems: Problems,
) -> None:  # fmt: skip
    x, y, z = position
    text = f"[{x:.2f}, {y:.2f}, {z:.2f}]"
    if not any(
        room.floor < z < room.ceiling and room.shape.contains(Point(x, y)) for room in rooms
    ):
        problems.add(f"{place}.position", f"{text} is in no room: in a wall or outside")
    for thing in objects:
        if thing.contains(position):
            problems.add(f"{place}.position", f"{text} is inside the solid {thing.name!r}")
