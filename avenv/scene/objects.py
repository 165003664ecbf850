"""Put the objects of a spec in place, or say why they do not fit."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from shapely import Point, Polygon

from avenv.frames import body_rotation
from avenv.scene.catalogue import Kind, build_mesh, kind, kind_names
from avenv.scene.materials import material_names
from avenv.scene.plan import footprint
from avenv.scene.problems import Problems, suggest
from avenv.scene.rooms import PlacedRoom
from avenv.scene.spec import ObjectSpec, SceneSpec

_TOUCH = 0.005  # m that a thing may reach into a wall, for positions rounded by hand
_ABOVE = 0.02  # m between a thing and its sound, so that the thing does not hide it
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
        return x, y, z - _ABOVE if self.kind.mounted == "ceiling" else self.top + _ABOVE

    @property
    def top(self) -> float:
        """Level of its highest point, metres."""
        return self.position[2] + self.size[2]

    def contains(self, point: Iterable[float]) -> bool:
        """Return whether a world point lies inside one of its closed solids.

        Sums the solid angles of all triangles seen from the point (van Oosterom & Strackee 1983),
        which is 4 pi times the number of solids around it.
        """
        local = (np.array([*point]) - self.position) @ body_rotation(self.heading)
        x, y, z = self.size
        if np.any(np.abs(local - (0, 0, z / 2)) > np.array([x, y, z]) / 2):
            return False
        solids = [
            p.triangles
            for p in build_mesh(self.kind.name, self.size, state=self.state)
            if not p.sheet
        ]
        if not solids:
            return False
        a, b, c = np.moveaxis(np.concatenate(solids).astype(np.float64) - local, 1, 0)
        la, lb, lc = (np.linalg.norm(v, axis=1) for v in (a, b, c))
        volume = np.einsum("td,td->t", a, np.cross(b, c))
        ab, bc, ca = (np.einsum("td,td->t", p, q) for p, q in ((a, b), (b, c), (c, a)))
        angle = 2 * np.arctan2(volume, la * lb * lc + ab * lc + bc * la + ca * lb)
        return bool(angle.sum() > 2 * np.pi)


def to_world(
    points: NDArray[np.floating], position: tuple[float, float, float], heading: float
) -> NDArray[np.float64]:
    """Return points (..., 3) of a thing's own frame in the world."""
    return points.astype(np.float64) @ body_rotation(heading).T + position


def place_objects(
    spec: SceneSpec, rooms: list[PlacedRoom], names: list[str], problems: Problems
) -> list[PlacedObject]:
    """Find room, level and heading of every object, supports before what stands on them."""
    placed: dict[str, PlacedObject] = {}
    failed: set[str] = set()
    waiting = dict(enumerate(zip(spec.objects, names, strict=True)))
    while waiting:
        ready = {
            k: item
            for k, item in waiting.items()
            if item[0].on is None or item[0].on in placed or item[0].on in failed
        }
        if not ready:
            _note_missing_supports(waiting, names, problems)
            break
        for k, (item, name) in ready.items():
            del waiting[k]
            before = len(problems)
            thing = None
            if item.on not in failed:
                thing = _place(item, name, placed, rooms, f"objects[{k}]", problems)
            if thing is None or len(problems) > before:
                failed.add(name)
            else:
                placed[name] = thing
    return [placed[name] for name in names if name in placed]


def _note_missing_supports(
    waiting: dict[int, tuple[ObjectSpec, str]], names: list[str], problems: Problems
) -> None:
    for k, (item, name) in waiting.items():
        if item.on is not None and item.on not in names:
            problems.add(
                f"objects[{k}].on", f"there is no object {item.on!r}{suggest(item.on, names)}"
            )
        else:
            problems.add(
                f"objects[{k}].on",
                f"{name!r} is on {item.on!r}, which in the end stands on nothing; one of them "
                "needs a position instead",
            )


def _place(
    item: ObjectSpec, name: str, placed: dict[str, PlacedObject], rooms: list[PlacedRoom],
    place: str, problems: Problems,
) -> PlacedObject | None:  # fmt: skip
    if item.kind not in kind_names():
        hint = suggest(item.kind, kind_names())
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
    support = placed[item.on] if item.on is not None else None
    x, y = _position(item, support)
    number = _find_room(item, name, (x, y), rooms, place, problems)
    if number is None:
        return None
    room = rooms[number]
    z = _level(item, row, size[2], room, support)
    heading = float(np.deg2rad(item.facing))
    state = _state(item, row, place, problems)
    thing = PlacedObject(name, item, row, number, (x, y, z), heading, size, state)
    _check_inside(thing, room, place, problems)
    return thing


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


def _position(item: ObjectSpec, support: PlacedObject | None) -> tuple[float, float]:
    if item.position is not None:
        return item.position
    assert support is not None  # the spec has seen to it
    offset = np.array([*(item.offset or (0.0, 0.0)), 0.0])
    x, y, _ = to_world(offset, support.position, support.heading)
    return float(x), float(y)


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
            f"{name!r} at {_text(position)} is in no room: in a wall or outside",
        )
        return None
    if item.room is not None and number != by_name[item.room]:
        problems.add(
            f"{place}.position",
            f"{name!r} at {_text(position)} is in {rooms[number].spec.name!r}, not in "
            f"{item.room!r}",
        )
        return None
    return number


def _level(
    item: ObjectSpec, row: Kind, height: float, room: PlacedRoom, support: PlacedObject | None
) -> float:
    """Return the level of the base."""
    if support is not None:
        return support.top
    if item.z is not None:
        return room.floor + item.z
    if row.mounted == "ceiling":
        return room.ceiling - height
    if row.mounted == "wall":
        highest = room.spec.height - height
        return room.floor + max(0.0, min(_HANGING_HEIGHT - height / 2, highest))
    return room.floor


def _check_inside(thing: PlacedObject, room: PlacedRoom, place: str, problems: Problems) -> None:
    if thing.position[2] < room.floor - _TOUCH or thing.top > room.ceiling + _TOUCH:
        problems.add(
            place,
            f"{thing.name!r} reaches from {thing.position[2]:.2f} to {thing.top:.2f} m; the room "
            f"{room.spec.name!r} from {room.floor:.2f} to {room.ceiling:.2f} m",
        )
    x, y, _ = thing.position
    outline = Polygon(footprint((x, y), thing.heading, *thing.size[:2]))
    if not room.shape.buffer(_TOUCH, join_style="mitre").covers(outline):
        west, south, east, north = outline.bounds
        problems.add(
            f"{place}.position",
            f"{thing.name!r} at {_text((x, y))} covers x {west:.2f} to {east:.2f}, y {south:.2f} "
            f"to {north:.2f} and reaches into a wall of {room.spec.name!r}",
        )


def _text(position: tuple[float, float]) -> str:
    return f"[{position[0]:.2f}, {position[1]:.2f}]"
