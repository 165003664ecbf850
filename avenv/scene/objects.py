"""Put the objects of a spec in place, or say why they do not fit."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from shapely import Point, Polygon

from avenv.core.frames import body_rotation, forward
from avenv.core.vectors import cross
from avenv.scene.catalogue import Kind, Size, build_mesh, kind, kind_names, suggest_kind
from avenv.scene.fields import COMPASS
from avenv.scene.materials import material_names
from avenv.scene.object_spec import ObjectSpec
from avenv.scene.openings import PlacedWindow
from avenv.scene.placement import Anchors, PlaceError, find_place, find_wall, rest_height
from avenv.scene.plan import footprint
from avenv.scene.problems import Problems, suggest, xy_text
from avenv.scene.rooms import TOUCH, PlacedRoom
from avenv.scene.spec import SceneSpec
from avenv.scene.states import ABOVE

_HANGING_HEIGHT = 1.5  # m from the floor to the middle of a thing on a wall


@dataclass(frozen=True)
class PlacedObject:
    """An object in the world.

    Attributes:
        name: unique.
        spec: what it was made of.
        kind: its row of the catalogue.
        room: index of its room.
        position: middle of its base, world metres.
        heading: direction of its front, radians.
        size: extents along its front, its left and up, metres.
        state: one of the kind's states, None if it has none.
    """

    name: str
    spec: ObjectSpec
    kind: Kind
    room: int
    position: tuple[float, float, float]
    heading: float
    size: tuple[float, float, float]
    state: str | None = None

    @property
    def mouth(self) -> tuple[float, float, float]:
        """Where its sound comes from: the open air by the middle of its top, or below it."""
        x, y, z = self.position
        return x, y, z - ABOVE if self.kind.mounted == "ceiling" else self.top + ABOVE

    @property
    def top(self) -> float:
        """Level of its highest point, metres."""
        return self.position[2] + self.size[2]

    @cached_property
    def outline(self) -> Polygon:
        """The rectangle that it covers, seen from above."""
        return Polygon(footprint(self.position[:2], self.heading, *self.size[:2]))

    def contains(self, point: Sequence[float]) -> bool:
        """Return whether a world point lies inside one of its closed solids.

        Sums the solid angles of all triangles seen from the point (van Oosterom & Strackee 1983),
        which is 4 pi times the number of solids around it.
        """
        x, y, z = (a - b for a, b in zip(point, self.position, strict=True))
        length, width, height = self.size
        if not 0 <= z <= height or abs(x) + abs(y) > length + width:
            return False
        cos, sin = math.cos(self.heading), math.sin(self.heading)
        here = cos * x + sin * y, cos * y - sin * x, z
        if abs(here[0]) > length / 2 or abs(here[1]) > width / 2:
            return False
        solids = [
            p.triangles
            for p in build_mesh(self.kind.name, self.size, state=self.state)
            if not p.sheet
        ]
        if not solids:
            return False
        corners = np.concatenate(solids).astype(np.float64) - here
        a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
        la, lb, lc = (np.linalg.norm(v, axis=1) for v in (a, b, c))
        volume = np.einsum("td,td->t", a, cross(b, c))
        ab, bc, ca = (np.einsum("td,td->t", p, q) for p, q in ((a, b), (b, c), (c, a)))
        angle = 2 * np.arctan2(volume, la * lb * lc + ab * lc + bc * la + ca * lb)
        return bool(angle.sum() > 2 * np.pi)


def to_world(
    points: NDArray[np.floating], position: tuple[float, float, float], heading: float
) -> NDArray[np.float64]:
    """Return points (..., 3) of a thing's own frame in the world."""
    x, y, z = np.moveaxis(points.astype(np.float64), -1, 0)
    c, s = forward(heading).tolist()
    world = np.empty(points.shape)
    world[..., 0] = c * x - s * y + position[0]
    world[..., 1] = s * x + c * y + position[1]
    world[..., 2] = z + position[2]
    return world


def place_objects(
    spec: SceneSpec, rooms: list[PlacedRoom], windows: list[PlacedWindow], names: list[str],
    problems: Problems,
) -> list[PlacedObject]:  # fmt: skip
    """Find room, place and heading of every object, what it hangs on before itself."""
    site = _Site(rooms, {window.name: window for window in windows})
    waiting = dict(zip(names, enumerate(spec.objects), strict=True))
    site.fixed.update((name, item.position) for name, (_, item) in waiting.items() if item.position)
    failed = {
        name for name, (k, item) in waiting.items() if _names_nothing(item, k, names, problems)
    }
    while waiting:
        unmet = {
            name: [hold for hold in _holds(item) if not site.knows(name, *hold)]
            for name, (_, item) in waiting.items()
        }
        ready = [name for name, holds in unmet.items() if not holds or name in failed
                 or any(other in failed for _, other in holds)]  # fmt: skip
        if not ready:
            ready = _note_circle(unmet, waiting, problems)
            failed.update(ready)
        for name in ready:
            k, item = waiting.pop(name)
            before = len(problems)
            thing = None
            if name not in failed and not unmet[name]:
                thing = _place(item, name, site, f"objects[{k}]", problems)
            if thing is None or len(problems) > before:
                failed.add(name)
            else:
                site.placed[name] = thing
    return [site.placed[name] for name in names if name in site.placed]


@dataclass
class _Site:
    """What the objects placed so far give to the next.

    Attributes:
        rooms: all of them.
        windows: by name.
        placed: objects by name.
        fixed: [x, y] of the objects that have a position of their own.
    """

    rooms: list[PlacedRoom]
    windows: Mapping[str, PlacedWindow]
    placed: dict[str, PlacedObject] = field(default_factory=dict)
    fixed: dict[str, tuple[float, float]] = field(default_factory=dict)

    def knows(self, name: str, word: str, other: str) -> bool:
        """Return whether what an object needs to know of another is known."""
        if word == "facing" and other in self.fixed:
            return other != name
        return other in self.placed


def _holds(item: ObjectSpec) -> list[tuple[str, str]]:
    """Return (word, name) of the objects that an object's place and heading hang on."""
    holds = [item.reference] if item.reference else []
    if isinstance(item.facing, str) and item.facing not in COMPASS:
        holds.append(("facing", item.facing))
    return holds


def _names_nothing(item: ObjectSpec, number: int, names: list[str], problems: Problems) -> bool:
    missing = [(word, other) for word, other in _holds(item) if other not in names]
    for word, other in missing:
        problems.add(
            f"objects[{number}].{word}", f"there is no object {other!r}{suggest(other, names)}"
        )
    return bool(missing)


def _note_circle(
    unmet: dict[str, list[tuple[str, str]]], waiting: dict[str, tuple[int, ObjectSpec]],
    problems: Problems,
) -> list[str]:  # fmt: skip
    """Note the objects that wait for one another, and return their names."""
    path = [next(iter(unmet))]
    while (following := unmet[path[-1]][0][1]) not in path:
        path.append(following)
    circle = path[path.index(following) :]
    says = [f"is {word.replace('_', ' ')} {other!r}"
            for name in circle for word, other in unmet[name][:1]]  # fmt: skip
    word = unmet[circle[0]][0][0]
    problems.add(
        f"objects[{waiting[circle[0]][0]}].{word}",
        f"{circle[0]!r} {', which '.join(says)}: a circle; give one of them a position",
    )
    return circle


def _place(
    item: ObjectSpec, name: str, site: _Site, place: str, problems: Problems
) -> PlacedObject | None:
    if item.kind not in kind_names():
        hint = suggest_kind(item.kind)
        problems.add(f"{place}.kind", f"there is no kind {item.kind!r}{hint}")
        return None
    row = kind(item.kind)
    _check_materials(item, row, place, problems)
    size = item.size or row.size
    if not all(a - 1e-9 <= s <= b + 1e-9
               for a, s, b in zip(row.min_size, size, row.max_size, strict=True)):  # fmt: skip
        problems.add(
            f"{place}.size",
            f"{list(size)} is no size for the kind {item.kind!r}; from {list(row.min_size)} to "
            f"{list(row.max_size)} m is (depth, width, height)",
        )
        return None
    anchors = _anchors(item, site, place, problems)
    if anchors is None:
        return None
    try:
        middle, heading = find_place(item, size, anchors)
    except PlaceError as error:
        problems.add(f"{place}.{error.field}", str(error))
        return None
    x, y = (float(v) for v in middle)
    number = _find_room(item, name, (x, y), site.rooms, place, problems)
    if number is None:
        return None
    z = _level(item, row, size, site, number, (x, y), heading)
    if z is None:
        problems.add(
            f"{place}.on", f"{name!r} at {xy_text((x, y))} is beyond the edge of {item.on!r}"
        )
        return None
    state = _state(item, row, place, problems)
    thing = PlacedObject(name, item, row, number, (x, y, z), heading, size, state)
    _check_inside(thing, site.rooms[number], place, problems)
    return thing


def _anchors(item: ObjectSpec, site: _Site, place: str, problems: Problems) -> Anchors | None:
    """Return what a place hangs on, or note that there is no such wall."""
    thing = site.placed[item.reference[1]] if item.reference else None
    target = None
    if isinstance(item.facing, str) and item.facing not in COMPASS:
        target = site.fixed.get(item.facing) or site.placed[item.facing].position[:2]
    if item.against is None:
        return Anchors(thing, target=target)
    if item.against in site.windows:
        cut = site.windows[item.against].cut
        wall = site.rooms[cut.room].walls[cut.wall]
        return Anchors(thing, wall, (cut.start + cut.end) / 2, target)
    by_name = {room.spec.name: room for room in site.rooms}
    if item.room is not None and item.room in by_name:
        room = by_name[item.room]
    elif item.room is None and thing is not None:
        room = site.rooms[thing.room]
    elif item.room is None and len(site.rooms) == 1:
        room = site.rooms[0]
    else:
        said = "say which room" if item.room is None else f"there is no room {item.room!r}"
        problems.add(f"{place}.room", f"{said}{suggest(item.room or '', by_name)}")
        return None
    try:
        wall = room.walls[find_wall(item.against, room.spec.polygon, room.walls)]
    except PlaceError as error:
        windows = [w.name for w in site.windows.values() if site.rooms[w.cut.room] is room]
        also = f", or the windows {', '.join(windows)}" if windows else ""
        problems.add(f"{place}.against", f"{error}{also}")
        return None
    return Anchors(thing, wall, wall.length / 2, target)


def _check_materials(item: ObjectSpec, row: Kind, place: str, problems: Problems) -> None:
    for part, material in item.materials.items():
        if part not in row.materials:
            hint = suggest(part, row.materials)
            problems.add(f"{place}.materials", f"{item.kind!r} has no part {part!r}{hint}")
        if material not in material_names():
            hint = suggest(material, material_names())
            problems.add(
                f"{place}.materials.{part}", f"there is no material {material!r}{hint}"
            )  # fmt: skip


def _state(item: ObjectSpec, row: Kind, place: str, problems: Problems) -> str | None:
    """Return the state of an object, the kind's usual one unless it is told, or note a problem."""
    usual = next(iter(row.states), None)
    if item.state is not None and item.state not in row.states:
        known = f"; it is {' or '.join(row.states)}" if row.states else "; it has no states"
        problems.add(f"{place}.state", f"a {row.name} is never {item.state!r}{known}")
        return usual
    return item.state or usual


def _find_room(
    item: ObjectSpec, name: str, position: tuple[float, float], rooms: list[PlacedRoom],
    place: str, problems: Problems,
) -> int | None:  # fmt: skip
    """Return the index of the room that holds a position, or note a problem."""
    by_name = {room.spec.name: k for k, room in enumerate(rooms)}
    if item.room is not None and item.room not in by_name:
        problems.add(
            f"{place}.room", f"there is no room {item.room!r}{suggest(item.room, by_name)}"
        )
        return None
    point = Point(position)
    number = next((k for k, r in enumerate(rooms) if r.shape.covers(point)), None)
    if number is None:
        problems.add(
            f"{place}.position",
            f"{name!r} at {xy_text(position)} is in no room: in a wall or outside",
        )
        return None
    if item.room is not None and number != by_name[item.room]:
        problems.add(
            f"{place}.position",
            f"{name!r} at {xy_text(position)} is in {rooms[number].spec.name!r}, not in "
            f"{item.room!r}",
        )
        return None
    return number


def _level(
    item: ObjectSpec, row: Kind, size: Size, site: _Site, number: int,
    middle: tuple[float, float], heading: float,
) -> float | None:  # fmt: skip
    """Return the level of the base; None for a thing whose middle is not above what it is on."""
    room = site.rooms[number]
    if item.on is not None:
        return _on_top(site.placed[item.on], middle, heading, size)
    if item.z is not None:
        return room.floor + item.z
    if row.mounted == "ceiling":
        return room.ceiling - size[2]
    if row.mounted == "wall":
        highest = room.spec.height - size[2]
        return room.floor + max(0.0, min(_HANGING_HEIGHT - size[2] / 2, highest))
    return room.floor


def _on_top(
    support: PlacedObject, middle: tuple[float, float], heading: float, size: Size
) -> float | None:
    """Return the level at which a thing comes to rest on a support: the seat of a chair."""
    offset = np.array([*middle, 0.0]) - support.position
    local = offset @ body_rotation(support.heading)
    mesh = _mesh(support.kind.name, support.size, support.state)
    height = rest_height(mesh, local[:2], heading - support.heading, size)
    return None if height is None else support.position[2] + round(height, 6)


@lru_cache(maxsize=512)
def _mesh(name: str, size: Size, state: str | None) -> NDArray[np.float64]:
    parts = build_mesh(name, size, state=state)
    return np.concatenate([part.triangles for part in parts]).astype(np.float64)


def _check_inside(thing: PlacedObject, room: PlacedRoom, place: str, problems: Problems) -> None:
    if thing.position[2] < room.floor - TOUCH or thing.top > room.ceiling + TOUCH:
        problems.add(
            place,
            f"{thing.name!r} reaches from {thing.position[2]:.2f} to {thing.top:.2f} m; the room "
            f"{room.spec.name!r} from {room.floor:.2f} to {room.ceiling:.2f} m",
        )
    x, y, _ = thing.position
    if not room.reach.covers(thing.outline):
        west, south, east, north = thing.outline.bounds
        problems.add(
            f"{place}.position",
            f"{thing.name!r} at {xy_text((x, y))} covers x {west:.2f} to {east:.2f}, y {south:.2f} "
            f"to {north:.2f} and reaches into a wall of {room.spec.name!r}",
        )
