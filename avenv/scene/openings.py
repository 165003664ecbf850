"""Put doors and windows into the walls, or say why they do not fit."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from shapely import MultiPoint, Polygon

from avenv.scene.opening_spec import DoorSpec, WindowSpec
from avenv.scene.placement import PlaceError, along_wall, find_wall
from avenv.scene.plan import SNAP, Points, Segment, footprint, free_stretches, shared
from avenv.scene.problems import Problems, suggest, xy_text
from avenv.scene.rooms import PlacedRoom
from avenv.scene.spec import SceneSpec

NIB = 0.05
"""Least width (m) of wall beside an opening; it carries the frame and the open leaf."""

LEAF = 0.04
"""Thickness (m) of a door leaf."""

_HINGE_GAP = 0.005  # m between an open leaf and the wall
_REBATE = 0.01  # m that a closed leaf reaches into its frame, so that no sound leaks round it


@dataclass(frozen=True)
class Cut:
    """The rectangle that an opening cuts out of one clear wall of one room.

    ``start`` and ``end`` are metres along the wall, ``bottom`` and ``top`` levels.
    """

    room: int
    wall: int
    start: float
    end: float
    bottom: float
    top: float


@dataclass(frozen=True)
class Leaf:
    """A door leaf: a box with its base centre at ``position``, its length along ``heading``.

    ``latch`` is the end of its length with the handles: 1 the one ahead, -1 the other.
    """

    position: tuple[float, float, float]
    heading: float
    size: tuple[float, float, float]
    latch: int


@dataclass(frozen=True)
class PlacedDoor:
    """A door or passage, and its leaf by state if it has one.

    There is a cut on either side; a door that leads out has only the one of its room.
    """

    name: str
    spec: DoorSpec
    cuts: tuple[Cut, ...]
    leaves: dict[str, Leaf]


@dataclass(frozen=True)
class PlacedWindow:
    """A window and the cut that it makes."""

    name: str
    spec: WindowSpec
    cut: Cut


def place_doors(
    spec: SceneSpec, rooms: list[PlacedRoom], names: list[str], problems: Problems
) -> list[PlacedDoor]:
    """Find the wall that each door goes through; note doors that have none or do not fit."""
    placed = []
    for k, (door, name) in enumerate(zip(spec.doors, names, strict=True)):
        cuts = _cut_door(spec, rooms, door, f"doors[{k}]", problems)
        if cuts is None:
            continue
        leaves = {} if door.kind == "passage" else _hang_leaf(rooms, door, cuts)
        if leaves:
            room, leaf = rooms[_opens_into(rooms, door, cuts).room], leaves["open"]
            corners = footprint(leaf.position[:2], leaf.heading, *leaf.size[:2])
            if not room.shape.buffer(SNAP).covers(Polygon(corners)):
                problems.add(
                    f"doors[{k}].into",
                    f"the open leaf runs into a wall of {room.spec.name!r}; choose the other "
                    "hinge, the other room, or a passage",
                )
        placed.append(PlacedDoor(name, door, cuts, leaves))
    return placed


def _find_shared_wall(
    spec: SceneSpec, rooms: list[PlacedRoom], door: DoorSpec, place: str, problems: Problems
) -> tuple[tuple[int, int], tuple[int, int], Points] | None:
    """Return (room, wall) on either side and the middle of the opening, or note a problem."""
    by_name = {room.spec.name: k for k, room in enumerate(rooms)}
    first, second = door.between
    assert second is not None  # such doors have an outer wall
    a, b = by_name[first], by_name[second]
    pieces = [
        (i, j, piece)
        for i, axis in enumerate(rooms[a].axes)
        for j, other in enumerate(rooms[b].axes)
        if (piece := shared(axis, other)) is not None
    ]
    if not pieces or a == b:
        problems.add(f"{place}.between", f"{first!r} and {second!r} share no wall")
        return None
    if door.position is None:
        i, j, piece = max(pieces, key=lambda p: p[2].length)
        return (a, i), (b, j), piece.at(piece.length / 2)
    point = np.array(door.position)
    i, j, piece = min(pieces, key=lambda p: p[2].distance(point))
    if piece.distance(point) > spec.wall_thickness / 2 + SNAP:
        runs = " and ".join(f"from {xy_text(p.start)} to {xy_text(p.end)}" for _, _, p in pieces)
        problems.add(
            f"{place}.position",
            f"{list(door.position)} is {piece.distance(point):.2f} m from the wall between "
            f"{first!r} and {second!r}, which runs {runs}",
        )
        return None
    return (a, i), (b, j), point


def _cut_door(
    spec: SceneSpec, rooms: list[PlacedRoom], door: DoorSpec, place: str, problems: Problems
) -> tuple[Cut, ...] | None:
    """Return what a door cuts out of the walls, or note a problem."""
    names = [name for name in door.between if name is not None]
    known = [room.spec.name for room in rooms]
    for name in names:
        if name not in known:
            problems.add(f"{place}.between", f"there is no room {name!r}{suggest(name, known)}")
            return None
    if door.into is not None and door.into not in names:
        known_as = " nor ".join(map(repr, names))
        neither = "not" if door.is_outer else "neither"
        problems.add(f"{place}.into", f"{door.into!r} is {neither} {known_as}")
        return None
    if door.is_outer:
        number = known.index(names[0])
        outer = _outer_place(spec, rooms, number, door, place, problems)
        if outer is None:
            return None
        bottom = rooms[number].floor
        cut = _cut_outer_wall(rooms, number, *outer, door, bottom, place, problems)
        return None if cut is None else (cut,)
    found = _find_shared_wall(spec, rooms, door, place, problems)
    return None if found is None else _cut_through(rooms, door, *found, place, problems)


def _outer_place(
    spec: SceneSpec, rooms: list[PlacedRoom], number: int, door: DoorSpec, place: str,
    problems: Problems,
) -> tuple[int, float] | None:  # fmt: skip
    """Return the wall that a door leads out through and how far along, or note a problem."""
    room = rooms[number]
    if door.wall is not None or door.position is not None:
        return _find_wall(spec, room, door, place, problems)
    others = [axis for other in rooms if other is not room for axis in other.axes]
    free = [(k, part) for k, axis in enumerate(room.axes) for part in free_stretches(axis, others)]
    if not free:
        problems.add(f"{place}.between", f"{room.spec.name!r} has no outer wall")
        return None
    side, part = max(free, key=lambda found: found[1].length)
    return side, room.walls[side].along(part.at(part.length / 2))


def _cut_through(
    rooms: list[PlacedRoom],
    door: DoorSpec,
    a: tuple[int, int],
    b: tuple[int, int],
    centre: Points,
    place: str,
    problems: Problems,
) -> tuple[Cut, Cut] | None:
    wall_a, wall_b = (rooms[room].walls[wall] for room, wall in (a, b))
    low = max(0.0, wall_a.along(wall_b.end))
    high = min(wall_a.length, wall_a.along(wall_b.start))
    if not _fits(wall_a, low, high, wall_a.along(centre), door.width, place, problems):
        return None
    bottom = max(rooms[room].floor for room, _ in (a, b))
    ceiling = min(rooms[room].ceiling for room, _ in (a, b))
    top = _below_ceiling(bottom, door.height, ceiling, place, problems)
    if top is None:
        return None
    one, two = (
        Cut(room, wall, middle - door.width / 2, middle + door.width / 2, bottom, top)
        for room, wall in (a, b)
        for middle in [rooms[room].walls[wall].along(centre)]
    )
    return one, two


def _fits(
    wall: Segment, low: float, high: float, middle: float, width: float, place: str,
    problems: Problems,
) -> bool:  # fmt: skip
    """Return whether an opening lies between ``low`` and ``high`` along a wall, with its nibs."""
    low, high = low + NIB, high - NIB
    if width > high - low:
        problems.add(
            f"{place}.width",
            f"{width:g} m is too wide for this wall; up to {max(0.0, high - low):.2f} m fits",
        )
        return False
    if not low - 1e-9 <= middle - width / 2 <= middle + width / 2 <= high + 1e-9:
        first, last = wall.at(low + width / 2), wall.at(high - width / 2)
        problems.add(
            f"{place}.position",
            f"an opening {width:g} m wide with its middle at {xy_text(wall.at(middle))} reaches "
            "past the end of the wall; its middle may lie from "
            f"{xy_text(first)} to {xy_text(last)}",
        )
        return False
    return True


def _below_ceiling(
    bottom: float, height: float, ceiling: float, place: str, problems: Problems
) -> float | None:
    """Return the top of an opening, flush with the ceiling if it nearly is."""
    top = bottom + height
    if top > ceiling + SNAP:
        problems.add(
            f"{place}.height",
            f"{height:g} m reaches {top - ceiling:.2f} m above the ceiling; at most "
            f"{ceiling - bottom:.2f} m fits",
        )
        return None
    return ceiling if top > ceiling - SNAP else top


def _opens_into(rooms: list[PlacedRoom], door: DoorSpec, cuts: tuple[Cut, ...]) -> Cut:
    return cuts[-1] if door.into == rooms[cuts[-1].room].spec.name else cuts[0]


def _hang_leaf(rooms: list[PlacedRoom], door: DoorSpec, cuts: tuple[Cut, ...]) -> dict[str, Leaf]:
    """Return the leaf of a door open and closed."""
    cut = _opens_into(rooms, door, cuts)
    wall = rooms[cut.room].walls[cut.wall]
    # Beside the opening, so that its whole width stays clear. Seen from inside the room, the
    # wall runs from right to left.
    hinge = cut.end + LEAF / 2 if door.hinge == "left" else cut.start - LEAF / 2
    beside = wall.at(hinge) + (_HINGE_GAP + door.width / 2) * wall.inward
    between = wall.at((cut.start + cut.end) / 2) + rooms[cut.room].to_axis(cut.wall)
    low, high = cut.bottom - _REBATE, cut.top + _REBATE
    latch = -1 if door.hinge == "left" else 1  # the wall runs towards a hinge on the left
    return {
        "open": _leaf(beside, wall.inward, door.width, cut.bottom + _REBATE, cut.top, 1),
        "closed": _leaf(between, wall.direction, door.width + 2 * _REBATE, low, high, latch),
    }


def _leaf(
    middle: Points, along: Points, length: float, bottom: float, top: float, latch: int
) -> Leaf:
    return Leaf(
        (float(middle[0]), float(middle[1]), bottom),
        float(np.arctan2(along[1], along[0])),
        (length, LEAF, top - bottom),
        latch,
    )


def place_windows(
    spec: SceneSpec, rooms: list[PlacedRoom], names: list[str], problems: Problems
) -> list[PlacedWindow]:
    """Find the outer wall of each window; note windows that have none or do not fit."""
    by_name = {room.spec.name: k for k, room in enumerate(rooms)}
    placed = []
    for k, (window, name) in enumerate(zip(spec.windows, names, strict=True)):
        place = f"windows[{k}]"
        if window.room not in by_name:
            hint = suggest(window.room, by_name)
            problems.add(f"{place}.room", f"there is no room {window.room!r}{hint}")
            continue
        number = by_name[window.room]
        room = rooms[number]
        found = _find_wall(spec, room, window, place, problems)
        if found is None:
            continue
        side, middle = found
        bottom = room.floor + window.sill
        cut = _cut_outer_wall(rooms, number, side, middle, window, bottom, place, problems)
        if cut is not None:
            placed.append(PlacedWindow(name, window, cut))
    return placed


def _cut_outer_wall(
    rooms: list[PlacedRoom], number: int, side: int, middle: float, opening: WindowSpec | DoorSpec,
    bottom: float, place: str, problems: Problems,
) -> Cut | None:  # fmt: skip
    """Return what a window or door cuts out of an outer wall, or note a problem."""
    room, half = rooms[number], opening.width / 2
    wall = room.walls[side]
    if not _fits(wall, 0.0, wall.length, middle, opening.width, place, problems):
        return None
    behind = _room_behind(rooms, number, side, wall.at(middle), opening.width)
    if behind is not None:
        problems.add(
            f"{place}.{'wall' if opening.wall else 'position'}",
            f"{xy_text(wall.at(middle))} is not on an outer wall: {behind!r} is behind it",
        )
        return None
    top = _below_ceiling(bottom, opening.height, room.ceiling, place, problems)
    return None if top is None else Cut(number, side, middle - half, middle + half, bottom, top)


def _find_wall(
    spec: SceneSpec, room: PlacedRoom, opening: WindowSpec | DoorSpec, place: str,
    problems: Problems,
) -> tuple[int, float] | None:  # fmt: skip
    """Return the wall that a window or an outer door is in and how far along, or note a problem."""
    if opening.wall is not None:
        try:
            side = find_wall(opening.wall, room.spec.polygon, room.walls)
            wall, half = room.walls[side], NIB + opening.width / 2
            if opening.along is None:
                return side, wall.length / 2
            return side, along_wall(opening.along, half, wall, f"the {opening.wall}")
        except PlaceError as error:
            problems.add(f"{place}.{error.field}", str(error))
        return None
    point = np.array(opening.position)
    side = min(range(len(room.axes)), key=lambda i: room.axes[i].distance(point))
    axis = room.axes[side]
    if axis.distance(point) > spec.wall_thickness / 2 + SNAP:
        problems.add(
            f"{place}.position",
            f"{xy_text(point)} is {axis.distance(point):.2f} m from the nearest wall of "
            f"{room.spec.name!r}, which runs from {xy_text(axis.start)} to {xy_text(axis.end)}",
        )
        return None
    return side, room.walls[side].along(point)


def _room_behind(
    rooms: list[PlacedRoom], room: int, side: int, point: Points, width: float
) -> str | None:
    axis = rooms[room].axes[side]
    middle = axis.along(point)
    pane = Segment(axis.at(middle - width / 2), axis.at(middle + width / 2))
    for other in rooms:
        if other is not rooms[room] and any(shared(pane, a) is not None for a in other.axes):
            return other.spec.name
    return None


def doorways(door: PlacedDoor, rooms: Sequence[PlacedRoom], depth: float) -> list[Polygon]:
    """Return the floor ``depth`` metres before an opening, on either side."""
    zones = []
    for cut in door.cuts:
        wall = rooms[cut.room].walls[cut.wall]
        ends = np.array([wall.at(cut.start), wall.at(cut.end)])
        zones.append(MultiPoint([*ends, *(ends + depth * wall.inward)]).convex_hull)
    return zones


def leaf_way(door: PlacedDoor) -> list[Polygon]:
    """Return the floor that a door's leaf sweeps; none for a passage."""
    leaves = door.leaves.values()
    corners = [footprint(leaf.position[:2], leaf.heading, *leaf.size[:2]) for leaf in leaves]
    return [MultiPoint(np.concatenate(corners)).convex_hull] if corners else []


def check_openings(
    doors: list[PlacedDoor], windows: list[PlacedWindow], rooms: list[PlacedRoom],
    problems: Problems,
) -> None:  # fmt: skip
    """Note openings of one wall that overlap or nearly touch."""
    on_wall = defaultdict(list)
    for door in doors:
        for cut in door.cuts:
            on_wall[cut.room, cut.wall].append((cut.start, cut.end, door.name))
    for window in windows:
        cut = window.cut
        on_wall[cut.room, cut.wall].append((cut.start, cut.end, window.name))
    noted: set[frozenset[str]] = set()
    for (room, _), openings in on_wall.items():
        openings.sort()
        for (_, end, a), (start, _, b) in pairwise(openings):
            if start - end < NIB - 1e-9 and {a, b} not in noted:
                noted.add(frozenset((a, b)))
                text = "overlap" if start < end else f"leave only {start - end:.3f} m of wall"
                problems.add(
                    "doors and windows",
                    f"{a!r} and {b!r} {text} in {rooms[room].spec.name!r}; at least {NIB} m of "
                    "wall must stand between them",
                )
