"""Where things come to lie that fall: on the floor, beside what they stood on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, Point, Polygon, STRtree

from avenv.core.frames import forward
from avenv.scene.catalogue import Size, kind, mesh_bounds
from avenv.scene.objects import PlacedObject
from avenv.scene.openings import PlacedDoor, doorways, leaf_way
from avenv.scene.plan import Points, footprint
from avenv.scene.rooms import PlacedRoom
from avenv.scene.states import ABOVE

REACH = 1.5
"""Metres from what a thing stood on within which it comes to lie."""

FLAT = 0.03
"""Metres: what is lower, as a rug, is lain on like the floor."""

_STEP = 0.05  # m from ring to ring of the places that are tried
_TURNS = np.deg2rad([0, *(side * k for k in range(15, 180, 15) for side in (1, -1)), 180])
_CLEAR = 0.013  # m left free around; no sum of rounded sizes, so that no place is a near thing
_ENDS, _SIDES = np.array([[-1, 1, 1, -1], [-1, -1, 1, 1]])[:, :, None] / 2
_HAIR = 1e-6  # m
_DOORWAY = 0.4  # m before a doorway in which nothing comes to lie


@dataclass(frozen=True)
class Landing:
    """How a fallen thing lies.

    Attributes:
        position: middle of its base as it lies, world metres.
        heading: of its own frame, radians.
    """

    position: tuple[float, float, float]
    heading: float

    def mouth(self, size: Size) -> tuple[float, float, float]:
        """Return where a thing sounds from that lies there: the open air by the middle of its top.

        ``size`` is its ``lying_size``.
        """
        x, y, z = self.position
        return x, y, z + size[2] + ABOVE


@dataclass(frozen=True)
class _Body:
    """Something that may be in the way: its outline from above, and its lowest and highest level.

    ``name`` is the object's, empty for what a door needs.
    """

    name: str
    outline: Polygon
    low: float = -np.inf
    high: float = np.inf


def find_landings(
    objects: Sequence[PlacedObject], rooms: Sequence[PlacedRoom], doors: Iterable[PlacedDoor]
) -> dict[str, Landing]:
    """Return where all things that can fall come to lie, by their names.

    A thing falls to the nearest place on the floor of its room where it lies free of the boxes
    round all others, of doorways and the way of door leaves, with nothing taller in between.
    On the floor already, it tips where it stands, if there is room. Places are kept apart from one
    another. Where there is none within ``REACH`` metres, a thing tips where it is.
    """
    bodies = [
        _Body("", zone)
        for door in doors for zone in (*doorways(door, rooms, _DOORWAY), *leaf_way(door))
    ]  # fmt: skip
    bodies += _bodies(objects)
    outlines = np.array([body.outline for body in bodies], object)
    shapely.prepare([room.shape for room in rooms])
    in_room = [
        [bodies[k] for k in np.flatnonzero(shapely.intersects(room.shape, outlines)).tolist()]
        for room in rooms
    ]
    carried: dict[str | None, list[str]] = {}
    for thing in objects:
        carried.setdefault(thing.spec.on, []).append(thing.name)
    landings = {}
    for thing in objects:
        falls = [state for state, how in thing.kind.states.items() if how.is_fall]
        if not falls:
            continue
        sizes = [lying_size(thing.kind.name, thing.size, state) for state in falls]
        x, y, z = np.max(sizes, axis=0).tolist()
        size = (x, y, z)
        on_it = _stack(thing.name, carried)
        others = [body for body in in_room[thing.room] if body.name not in on_it]
        landing = _find_place(thing, size, rooms[thing.room], others, objects)
        if landing is not None:
            x, y, z = landing.position
            outline = Polygon(footprint((x, y), landing.heading, *size[:2]))
            in_room[thing.room].append(_Body("", outline, z, z + size[2]))
        landings[thing.name] = landing or Landing(thing.position, thing.heading)
    return landings


@lru_cache(maxsize=512)
def lying_size(name: str, size: Size, state: str) -> Size:
    """Return the box round a thing of a kind as it lies in a state, fallen or broken.

    Its extents are along the thing's own x, y and z, the first two about the middle of its base.
    """
    low, high = mesh_bounds(name, size, state)
    x, y, z = (max(-a, b) for a, b in zip(low, high, strict=True))
    return 2 * x, 2 * y, z


def _bodies(objects: Sequence[PlacedObject]) -> list[_Body]:
    if not objects:
        return []
    x, y, heading = np.array([(*o.position[:2], o.heading) for o in objects]).T[:, :, None]
    c, s = np.cos(heading), np.sin(heading)
    ahead, left = np.array([_rectangle(o.kind.name, o.size) for o in objects]).transpose(2, 0, 1)
    corners = np.stack([c * ahead - s * left + x, s * ahead + c * left + y], axis=-1)
    outlines = shapely.polygons(corners).tolist()
    return [_Body(thing.name, outline, thing.position[2], thing.top)
            for thing, outline in zip(objects, outlines, strict=True)]  # fmt: skip


@lru_cache(maxsize=512)
def _rectangle(name: str, size: Size) -> list[tuple[float, float]]:
    """Return the corners in its own frame of what a thing stands on, its doors open or shut."""
    states = [state for state, how in kind(name).states.items() if not how.is_fall]
    lows, highs = zip(*(mesh_bounds(name, size, state) for state in states or (None,)), strict=True)
    (x0, y0, _), (x1, y1, _) = np.min(lows, axis=0).tolist(), np.max(highs, axis=0).tolist()
    return [(x1, y0), (x1, y1), (x0, y1), (x0, y0)]


def _stack(name: str, carried: Mapping[str | None, list[str]]) -> set[str]:
    """Return the names of a thing, of what stands on it, of what stands on that, and so on."""
    return {name}.union(*(_stack(other, carried) for other in carried.get(name, ())))


def _find_place(
    thing: PlacedObject, size: Size, room: PlacedRoom, others: list[_Body],
    objects: Sequence[PlacedObject],
) -> Landing | None:  # fmt: skip
    start, base = np.array(thing.position[:2]), thing.position[2]
    support = next((o for o in objects if o.name == thing.spec.on), thing)
    edge = support.outline
    farthest = REACH + float(shapely.hausdorff_distance(Point(start), edge))
    length, width = size[0] + 2 * _CLEAR, size[1] + 2 * _CLEAR
    others = _within(others, start, farthest + np.hypot(length, width))
    low = [body for body in others
           if body.high > room.floor + FLAT and body.low < room.floor + size[2]]  # fmt: skip
    barriers = [body.outline for body in others
                if body.name and body.high > base + FLAT and body.low < thing.top
                and not body.outline.covers(Point(start))]  # fmt: skip
    shapely.prepare([room.shape, edge])
    solids, walls = STRtree([body.outline for body in low]), STRtree(barriers)
    headings = thing.heading + _TURNS
    ahead = forward(headings)
    left = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
    lying = ahead[:, None] * _ENDS * length + left[:, None] * _SIDES * width
    radii = np.arange(0.0, farthest, _STEP)
    middles = start + radii[:, None, None] * ahead
    taken = _surely_into(
        middles, ahead * length / 2, left * width / 2, [body.outline for body in low if body.name]
    )
    for number, radius in enumerate(radii.tolist()):
        which = np.flatnonzero(~taken[number])
        boxes = shapely.polygons(middles[number, which, None] + lying[which])
        free = shapely.covers(room.shape, boxes)
        free[_into(boxes, solids)] = False
        for k, box in zip(which[free].tolist(), boxes[free], strict=True):
            end = middles[number, k]
            if radius:
                way = np.array([LineString([start, end])])
                if not room.shape.covers(way[0]) or len(_into(way, walls)):
                    continue
            if edge.distance(Point(end)) <= REACH:
                x, y = (round(float(v), 4) for v in end) if radius else thing.position[:2]
                return Landing((x, y, _floor_under(box, room, others)), float(headings[k]))
    return None


def _surely_into(
    middles: Points, ahead: Points, left: Points, outlines: list[Polygon]
) -> NDArray[np.bool_]:
    """Return whether rectangles (R, T) reach into others by more than a hair.

    Two rectangles are apart if they are along a side of either (the separating axis theorem).

    Args:
        middles: (R, T, 2).
        ahead: (T, 2) from the middle of each to that of one side.
        left: (T, 2) to that of the next.
        outlines: rectangles.
    """
    a, b, c = shapely.get_coordinates(outlines).reshape(-1, 5, 2)[:, :3].transpose(1, 2, 0)
    x, y = np.moveaxis(middles, 2, 0)[..., None] - ((a + c) / 2)[:, None, None]
    sides = [ahead.T[..., None], left.T[..., None], (b - a) / 2, (c - b) / 2]
    into = np.ones(x.shape, bool)
    for u, v in sides:
        reach = sum(abs(u * i + v * j) for i, j in sides) - _HAIR * np.hypot(u, v)
        into &= abs(u * x + v * y) < reach
    return np.any(into, axis=2)


def _into(shapes: NDArray[np.object_], bodies: STRtree) -> NDArray[np.int64]:
    """Return the numbers of the shapes that reach into a body; to touch one is not to."""
    which, body = bodies.query(shapes, "intersects")
    return which[~shapely.touches(shapes[which], bodies.geometries[body])]


def _within(bodies: list[_Body], place: Points, reach: float) -> list[_Body]:
    """Return the bodies that reach into a square of so many metres round a place (2,)."""
    if not bodies:
        return []
    bounds = shapely.bounds(np.array([body.outline for body in bodies], object))
    near = (bounds[:, :2] <= place + reach).all(axis=1) & (bounds[:, 2:] >= place - reach).all(
        axis=1
    )
    return [bodies[k] for k in np.flatnonzero(near).tolist()]


def _floor_under(outline: Polygon, room: PlacedRoom, others: Iterable[_Body]) -> float:
    """Return the level of the floor, or of the rugs on it, under an outline."""
    rugs = (body.high for body in others
            if body.high <= room.floor + FLAT and body.low >= room.floor - FLAT
            and body.outline.intersects(outline))  # fmt: skip
    return max(room.floor, max(rugs, default=room.floor))
