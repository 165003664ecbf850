"""Doors, passages and windows of a floor plan."""

from itertools import combinations
from typing import Any

import numpy as np
from shapely import LineString, Point, union_all
from shapely import box as rectangle

from avenv.scene.homes.draws import uniform
from avenv.scene.homes.floorplan import FloorPlan
from avenv.scene.homes.tables import table
from avenv.scene.plan import Points, Segment, counter_clockwise, free_stretches, shared, sides

WALL = 0.12
"""Thickness (m) of the walls of all homes."""

_CORNER = 0.16  # m of wall beside a door in a corner, from the other wall's centre line
_MARGIN = 0.15  # m of wall beside passages and windows, likewise
_LEAF_ROOM = 1.0  # m from a door in which no other door may have its leaf
_BESIDE_LEAF = 0.15  # m between the front door's open leaf and the doors beside it
_NARROWEST = 0.6  # m that a window must be wide
_BELOW_CEILING = 0.15  # m of wall above a window at least

Sides = dict[str, list[Segment]]
"""The sides of each room, counter-clockwise, on the centre lines of its walls."""


def outlines(plan: FloorPlan) -> Sides:
    """Return the sides of each room, metres."""
    shapes = {}
    for name, rects in plan.rects.items():
        union = union_all([rectangle(*(v / 10 for v in rect)) for rect in rects])
        corners = counter_clockwise(np.array(union.exterior.coords)[:-1])
        shapes[name] = sides(np.round(corners, 2))
    return shapes


def draw_doors(
    plan: FloorPlan, rooms: Sides, material: str, rng: np.random.Generator
) -> list[dict[str, Any]] | None:
    """Return doors (fields of ``DoorSpec``) that make every room reachable, or None.

    No bedroom is walked through: the ways are those that ``rooms.yaml`` names.
    """
    rows = table("rooms")
    doors: list[dict[str, Any]] = []
    taken: list[Points] = []
    ways = _ways(plan, rooms, rng)
    if not _all_joined(plan, ways):
        return None
    for first, second in ways:
        types = {plan.types[first], plan.types[second]}
        passage = next((p for p in rows["passages"] if set(p["between"]) == types), None)
        if passage is not None and rng.random() < passage["chance"]:
            door = _passage(rooms, first, second, passage["width"], rng)
        else:
            width = uniform(rng, *rows["types"][plan.types[second]]["width"])
            door = _door(rooms, first, second, width, taken, rng)
            if door is not None:
                door["material"] = material
        if door is None:
            return None
        doors.append(door)
        taken.append(np.array(door["position"]))
    return doors


def _ways(plan: FloorPlan, rooms: Sides, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Return pairs of rooms to join, the one nearer to the spine first."""
    rows = table("rooms")
    joined: dict[frozenset[str], tuple[str, str]] = {}
    for name, kind in plan.types.items():
        if name == plan.spine:
            continue
        wanted = [other for want in rows["types"][kind]["doors"]
                  for other, k in plan.types.items() if k == want and other != name]  # fmt: skip
        for other in wanted:
            if _longest_wall(rooms[name], rooms[other], 1.3) is not None:
                joined.setdefault(frozenset((name, other)), (other, name))
                break
    for link in rows["links"]:
        for a, b in combinations(plan.types, 2):
            if {plan.types[a], plan.types[b]} == set(link["between"]) and (
                rng.random() < link["chance"] and _longest_wall(rooms[a], rooms[b], 1.3) is not None
            ):
                joined.setdefault(frozenset((a, b)), (a, b))
    return list(joined.values())


def _all_joined(plan: FloorPlan, ways: list[tuple[str, str]]) -> bool:
    """Return whether these ways lead from the spine to every room."""
    reached = {plan.spine}
    for _ in plan.types:
        reached |= {room for way in ways if reached & set(way) for room in way}
    return reached == set(plan.types)


def _longest_wall(a: list[Segment], b: list[Segment], least: float) -> Segment | None:
    """Return the longest wall that two rooms share, along the second room's side."""
    found = [piece for side in b for other in a
             if (piece := shared(side, other)) is not None]  # fmt: skip
    longest = max(found, key=lambda piece: piece.length, default=None)
    return longest if longest is not None and longest.length >= least - 1e-6 else None


def _passage(
    rooms: Sides, first: str, second: str, widths: list[float], rng: np.random.Generator
) -> dict[str, Any] | None:
    wall = _longest_wall(rooms[first], rooms[second], 0.0)
    if wall is None:
        return None
    most = wall.length - 2 * (WALL / 2 + _MARGIN)
    width = round(min(uniform(rng, widths[0], widths[1]), most - 0.01), 2)
    if width < 0.8:
        return None
    reach = max(0.0, most - width) / 2
    middle = wall.at(wall.length / 2 + uniform(rng, -reach, reach))
    return {"between": [first, second], "position": _rounded(middle), "kind": "passage",
            "width": width, "height": 2.1}  # fmt: skip


def _door(
    rooms: Sides, first: str, second: str, width: float, taken: list[Points],
    rng: np.random.Generator,
) -> dict[str, Any] | None:  # fmt: skip
    """Put a door into a corner of the room that it opens into, hinged on the corner's side."""
    wall = _longest_wall(rooms[first], rooms[second], 0.0)
    if wall is None:
        return None
    width = round(min(width, wall.length - 2 * _CORNER - 0.05), 2)
    if width < 0.7:
        return None
    from_corner = _CORNER + width / 2
    ends = [("left", wall.length - from_corner), ("right", from_corner)]
    for k in rng.permutation(2):
        hinge, along = ends[k]
        middle = wall.at(along)
        if all(np.abs(middle - other).max() > _LEAF_ROOM for other in taken):
            return {"between": [first, second], "position": _rounded(middle), "width": width,
                    "into": second, "hinge": hinge}  # fmt: skip
    return None


def draw_entrance(
    plan: FloorPlan, rooms: Sides, material: str, doors: list[dict[str, Any]],
    rng: np.random.Generator,
) -> dict[str, Any] | None:  # fmt: skip
    """Return the front door (fields of ``DoorSpec``), closed, or None if no wall takes it."""
    row = table("rooms")["entrance"]
    width = round(uniform(rng, *row["width"]), 2)
    found = []
    for rank, type_ in enumerate(row["rooms"]):
        for name in (name for name, kind in plan.types.items() if kind == type_):
            for wall in _outer_walls(name, rooms):
                most = wall.length - _CORNER - width / 2
                for hinge, along in (("left", most), ("right", wall.length - most)):
                    if most >= _CORNER + width / 2 and _leaf_is_free(
                        name, wall, along, width, hinge, doors
                    ):
                        found.append((rank, rng.random(), name, hinge, wall.at(along)))
    if not found:
        return None
    _, _, name, hinge, middle = min(found, key=lambda place: place[:2])
    return {"outer": name, "name": "front door", "position": _rounded(middle), "width": width,
            "state": "closed", "into": name, "hinge": hinge, "material": material}  # fmt: skip


def _leaf_is_free(
    room: str, wall: Segment, along: float, width: float, hinge: str, doors: list[dict[str, Any]]
) -> bool:
    """Return whether the front door's open leaf stands in the way of no other door of its room."""
    side = along + (width / 2 if hinge == "left" else -width / 2)
    ends = [wall.at(side) + reach * wall.inward for reach in (0.0, WALL / 2 + width)]
    leaf = LineString(ends)
    for door in doors:
        if room not in door["between"]:
            continue
        swings = door.get("into") == room
        reach = door["width"] * (1.0 if swings else 0.5) + _BESIDE_LEAF
        if leaf.distance(Point(door["position"])) < reach:
            return False
    return True


def draw_windows(
    plan: FloorPlan, rooms: Sides, height: float, entrance: dict[str, Any],
    rng: np.random.Generator,
) -> list[dict[str, Any]] | None:  # fmt: skip
    """Return windows (fields of ``WindowSpec``) in the outer walls of rooms that have some.

    Returns None if a room that needs one has no wall for it.
    """
    windows = []
    for name, kind in plan.types.items():
        row = table("rooms")["types"][kind].get("windows")
        if row is None:
            continue
        walls = _outer_walls(name, rooms)
        if name == entrance["outer"]:
            walls = [part for wall in walls for part in _without_door(wall, entrance)]
        walls = sorted(walls, key=lambda w: -w.length)
        drawn: list[dict[str, Any]] = []
        chance = row["chance"]
        for wall in walls:
            room = wall.length - WALL - 2 * _MARGIN
            if room < row["width"][0] or rng.random() > chance:
                continue
            chance = 0.5 * row["chance"]  # for a second wall
            count = min(row["most"], int(room // 2.6) + 1)
            drawn += _windows(name, wall, row, count, height, rng)
        if row.get("need") and not drawn:
            if not walls or walls[0].length - WALL - 2 * _MARGIN < _NARROWEST:
                return None
            drawn = _windows(name, walls[0], row, 1, height, rng)
        windows += drawn
    return windows


def _windows(
    name: str, wall: Segment, row: dict[str, Any], count: int, height: float,
    rng: np.random.Generator,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return so many windows of a room, evenly along a stretch of wall."""
    room = wall.length - WALL - 2 * _MARGIN
    width = round(min(uniform(rng, *row["width"]), room / count - 0.3 * (count > 1)), 2)
    sill = row["sill"]
    top = min(sill + row["height"], height - _BELOW_CEILING)
    middles = [wall.length / 2 + (k - (count - 1) / 2) * room / count for k in range(count)]
    return [{"room": name, "position": _rounded(wall.at(middle)), "width": width,
             "height": round(top - sill, 2), "sill": sill} for middle in middles]  # fmt: skip


def _without_door(wall: Segment, door: dict[str, Any]) -> list[Segment]:
    """Return what a door leaves of a stretch of outer wall."""
    along, half = wall.along(door["position"]), door["width"] / 2
    if wall.distance(door["position"]) > WALL:
        return [wall]
    return free_stretches(wall, [Segment(wall.at(along + half), wall.at(along - half))])


def _outer_walls(name: str, rooms: Sides) -> list[Segment]:
    """Return the parts of a room's sides that no other room touches."""
    others = [side for other, outline in rooms.items() if other != name for side in outline]
    return [w for side in rooms[name] for w in free_stretches(side, others) if w.length > 0.5]


def _rounded(point: Points) -> list[float]:
    return [round(float(v), 3) for v in point]
