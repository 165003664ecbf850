"""Check the events and episodes of a scene against what is in it."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from shapely import Point, Polygon

from avenv.core.errors import SceneError
from avenv.scene.catalogue import kind_names, suggest_kind
from avenv.scene.compiled import CompiledScene
from avenv.scene.episode_spec import EpisodeSourceSpec, EpisodeSpec, EventSpec
from avenv.scene.fields import COMPASS, names_file
from avenv.scene.objects import PlacedObject
from avenv.scene.openings import PlacedDoor
from avenv.scene.plan import footprint
from avenv.scene.problems import Problems, suggest
from avenv.scene.rooms import PlacedRoom
from avenv.scene.spec import SceneSpec

_STEPPED_OVER = 0.03  # m: what is lower, a body stands on
_HEAD = 1.5  # m: what hangs higher, a body stands under


def find_heading(facing: float | str, place: Sequence[float], compiled: CompiledScene) -> float:
    """Return the heading (radians) that ``facing`` means at a place [x, y, ...] in a scene.

    Args:
        facing: degrees, a direction such as ``"north"``, or the name of an object to turn to.
        place: where.
        compiled: the scene.

    Raises:
        SceneError: there is no object of this name.
    """
    if not isinstance(facing, str) or facing in COMPASS:
        return float(np.deg2rad(COMPASS[facing] if isinstance(facing, str) else facing))
    places = {thing.name: thing.position for thing in compiled.objects}
    if facing not in places:
        raise SceneError(f"{compiled.name}: there is no object {facing!r}{suggest(facing, places)}")
    x, y = np.subtract(places[facing][:2], place[:2])
    return float(np.arctan2(y, x))


def check_episodes(
    spec: SceneSpec, rooms: Sequence[PlacedRoom], doors: Iterable[PlacedDoor],
    objects: Sequence[PlacedObject], sources: Collection[str], problems: Problems,
) -> None:  # fmt: skip
    """Note what the events and episodes of a scene name that is not there, or not possible.

    ``sources`` are the names of the scene's own.
    """
    checker = _Checker(spec, rooms, doors, objects, sources, problems)
    checker.events(spec.events, "events")
    first: dict[str, int] = {}
    for k, episode in enumerate(spec.episodes):
        if first.setdefault(episode.name, k) != k:
            other = first[episode.name]
            problems.add(f"episodes[{k}].name", f"{episode.name!r} names episodes[{other}] too")
        checker.episode(episode, f"episodes[{k}]")


class _Checker:
    def __init__(
        self, spec: SceneSpec, rooms: Sequence[PlacedRoom], doors: Iterable[PlacedDoor],
        objects: Sequence[PlacedObject], sources: Collection[str], problems: Problems,
    ) -> None:  # fmt: skip
        self._spec, self._rooms, self._problems = spec, rooms, problems
        self._objects = {thing.name: thing for thing in objects}
        self._sources = set(sources)
        self._states: Mapping[str, tuple[str, ...]] = {
            **{door.name: tuple(door.leaves) for door in doors if door.leaves},
            **{thing.name: tuple(thing.kind.states) for thing in objects if thing.kind.states},
        }

    def episode(self, episode: EpisodeSpec, place: str) -> None:
        self._start(episode, f"{place}.start")
        self._facing(episode.facing, f"{place}.facing")
        self._change(episode.states, f"{place}.states")
        self.events(episode.events, f"{place}.events")
        named = set(self._sources)
        for k, source in enumerate(episode.sources):
            here = f"{place}.sources[{k}]"
            self._source(source, here)
            name = source.name or source.default_name
            if name in named and source.name is not None:
                self._problems.add(f"{here}.name", f"{name!r} names another source too")
            named.add(name)
        known = named | set(self._objects)
        if isinstance(episode.goal, str) and episode.goal not in known:
            self._problems.add(
                f"{place}.goal",
                f"there is no object or source {episode.goal!r}{suggest(episode.goal, known)}",
            )
        elif episode.goal is not None and not isinstance(episode.goal, str):
            self._in_a_room(episode.goal, f"{place}.goal")

    def events(self, events: Iterable[EventSpec], place: str) -> None:
        for k, event in enumerate(events):
            self._change(event.states, f"{place}[{k}].states")

    def _change(self, states: Mapping[str, str], place: str) -> None:
        for name, state in states.items():
            if name not in self._states:
                hint = suggest(name, self._states)
                self._problems.add(place, f"there is no {name!r} that has states{hint}")
            elif state not in self._states[name]:
                known = ", ".join(self._states[name])
                self._problems.add(
                    f"{place}.{name}", f"{name!r} has no state {state!r}; it has {known}"
                )

    def _start(self, episode: EpisodeSpec, place: str) -> None:
        x, y = episode.start
        text = f"[{x:.2f}, {y:.2f}]"
        floors = [room.floor for room in self._rooms if room.shape.contains(Point(x, y))]
        if not floors:
            self._problems.add(place, f"{text} is in no room: in a wall or outside")
            return
        for thing in self._objects.values():
            low, high = thing.position[2] - floors[0], thing.top - floors[0]
            outline = Polygon(footprint(thing.position[:2], thing.heading, *thing.size[:2]))
            if low < _HEAD and high > _STEPPED_OVER and outline.contains(Point(x, y)):
                self._problems.add(place, f"{text} is where {thing.name!r} stands")

    def _facing(self, facing: float | str, place: str) -> None:
        known = {*COMPASS, *self._objects}
        if isinstance(facing, str) and facing not in known:
            self._problems.add(place, f"there is no object {facing!r}{suggest(facing, known)}")

    def _source(self, source: EpisodeSourceSpec, place: str) -> None:
        self._facing(source.facing, f"{place}.facing")
        if source.look is not None and source.look not in kind_names():
            said = f"there is no object kind {source.look!r}{suggest_kind(source.look)}"
            self._problems.add(f"{place}.look", said)
        for k, corner in enumerate(source.path or ()):
            self._in_a_room(corner, f"{place}.path[{k}]")
        if source.position is not None:
            self._in_a_room(source.position, f"{place}.position")
        if source.on is not None:
            thing = self._objects.get(source.on)
            if thing is None:
                hint = suggest(source.on, self._objects)
                self._problems.add(f"{place}.on", f"there is no object {source.on!r}{hint}")
            elif source.sound is None and thing.kind.sound is None:
                self._problems.add(
                    place, f"a {thing.kind.name} makes no sound of its own; say which with sound"
                )
        if source.sound is not None and names_file(source.sound):
            try:
                self._spec.find_file(source.sound)
            except (ValueError, OSError) as error:
                self._problems.add(f"{place}.sound", str(error))

    def _in_a_room(self, position: tuple[float, float, float], place: str) -> None:
        x, y, z = position
        if not any(r.floor < z < r.ceiling and r.shape.covers(Point(x, y)) for r in self._rooms):
            self._problems.add(
                place, f"[{x:.2f}, {y:.2f}, {z:.2f}] is in no room: in a wall or outside"
            )
