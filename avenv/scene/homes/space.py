"""The free space of a room: what fits where, and whether one can still walk about.

Furniture of homes stands square to the walls, so that boxes along the axes say where it is. Boxes
are (x0, y0, z0, x1, y1, z1) in metres.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from shapely import Point

from avenv.core.vectors import norm
from avenv.scene.openings import LEAF, Cut
from avenv.scene.placed import PlacedScene
from avenv.scene.plan import Segment
from avenv.scene.rooms import PlacedRoom

Box = tuple[float, float, float, float, float, float]
Pose = tuple[float, float, float]
"""x, y and heading (radians) of the middle of a thing's base."""
Cells = NDArray[np.bool_]
Checkpoint = tuple[int, int, int, Cells]

FLAT = 0.03
"""Height (m) up to which a thing lies on the floor as rugs do: others may stand on it."""

_TOUCH = 1e-3
_BODY = 0.2  # m: the default body's radius of 0.18 and some play
_ANKLE, _HEAD = 0.1, 1.5
_ARM = 1.2  # m
_CELL = 0.05
_DOOR_DEPTH = 0.8  # m of floor in front of a door that stay free
_DOOR_TOP = 2.1
_PANE_DEPTH = 0.25  # m in front of a window in which nothing stands that is higher than its sill


@dataclass(frozen=True)
class Wall:
    """One clear wall of a room, and where it has openings: start, end, bottom, top, metres."""

    line: Segment
    corner_at_start: bool
    corner_at_end: bool
    doors: tuple[tuple[float, float], ...]
    windows: tuple[tuple[float, float, float, float], ...]

    @cached_property
    def length(self) -> float:
        """Metres from start to end."""
        return self.line.length

    @cached_property
    def _frame(self) -> tuple[float, float, float, float, float]:
        (x, y), (c, s) = self.line.start.tolist(), self.line.direction.tolist()
        return x, y, c, s, math.atan2(c, -s)

    def pose(self, along: float, depth: float, gap: float) -> Pose:
        """Return the pose of a thing ``depth`` deep with its back to this wall."""
        x, y, c, s, heading = self._frame
        off = gap + depth / 2
        return x + along * c - off * s, y + along * s + off * c, heading


class Space:
    """What is taken and what must stay free in one room.

    Args:
        room: its walls.
        doors: openings of doors and passages, and whether a leaf opens into this room, by hinge.
        windows: its windows.
        entrance: the opening of the front door, one of the doors, if it is in this room.
        walkable: least share of the floor on which one must be able to walk.

    Attributes:
        low: [x, y] of the least corner of the box round the room.
        high: [x, y] of its opposite corner.
        entrance: [x, y] of the middle of the front door, if it is in this room.
    """

    def __init__(
        self,
        room: PlacedRoom,
        doors: Sequence[tuple[Cut, str | None]],
        windows: Sequence[Cut],
        walkable: float,
        entrance: Cut | None = None,
    ):
        self.room = room
        self.height = room.spec.height
        self._least = walkable
        self._upright: list[Box] = []
        self._flat: list[Box] = []
        self._keep: list[Box] = []
        self._doorways: list[Box] = []
        self._outside = _outside(room)
        self.walls = [_wall(room, k, doors, windows) for k in range(len(room.walls))]
        (x0, y0), (x1, y1) = room.clear.min(axis=0).tolist(), room.clear.max(axis=0).tolist()
        self.low, self.high = (x0, y0), (x1, y1)
        columns, rows = (math.ceil((b - a) / _CELL - 1e-9) for a, b in ((x0, x1), (y0, y1)))
        # Where no body can stand. Never written to, so that the way through it can be kept.
        self._blocked = np.ones((rows, columns), bool)
        self._blocked[self._cells((x0, y0, 0.0, x1, y1, 9.0), -_BODY)] = False
        for void in self._outside:
            self._block(void)
        self._known: tuple[Cells, Cells] | None = None
        self._mouths: list[tuple[int, int]] = []
        for cut, hinge in doors:
            self._add_door(room.walls[cut.wall], cut, hinge)
        for cut in windows:
            self._add_window(room.walls[cut.wall], cut)
        self.entrance = None
        if entrance is not None:
            self.entrance = room.walls[entrance.wall].at((entrance.start + entrance.end) / 2)

    def _add_door(self, wall: Segment, cut: Cut, hinge: str | None) -> None:
        middle, width = (cut.start + cut.end) / 2, cut.end - cut.start
        zone = _along(wall, middle, _DOOR_DEPTH / 2, width + 0.04, _DOOR_DEPTH)
        self._doorways.append(_upright(zone, 0.05, _DOOR_TOP))
        mouth = wall.at(middle) + (_BODY + 2 * _CELL) * wall.inward
        ix, iy = ((mouth - np.array(self.low)) / _CELL).astype(int).tolist()
        self._mouths.append((ix, iy))
        if hinge is not None:
            side = cut.end + LEAF / 2 if hinge == "left" else cut.start - LEAF / 2
            leaf = _along(wall, side, width / 2, LEAF + 0.03, width + 0.03)
            self.add(_upright(leaf, 0.0, _DOOR_TOP))

    def _add_window(self, wall: Segment, cut: Cut) -> None:
        middle, width = (cut.start + cut.end) / 2, cut.end - cut.start
        zone = _along(wall, middle, _PANE_DEPTH / 2, width, _PANE_DEPTH)
        bottom = cut.bottom - self.room.floor
        self._keep.append(_upright(zone, bottom + 0.05, cut.top - self.room.floor))

    def fits(self, box: Box) -> bool:
        """Return whether a thing can be there: in the room, in nothing else, in no one's way."""
        if not self._is_inside(box) or box[5] > self.height:
            return False
        if box[5] - box[2] <= FLAT:
            return not _meets(box, self._flat)
        return self.fits_at_window(box) and not _meets(box, self._keep)

    def fits_at_window(self, box: Box) -> bool:
        """Return whether a thing can be there that may stand or hang before a pane."""
        return self._is_inside(box) and not (
            _meets(box, self._upright) or _meets(box, self._doorways)
        )

    def is_clear(self, zone: Box) -> bool:
        """Return whether a zone of free floor lies in the room and holds nothing."""
        return self._is_inside(zone) and not _meets(zone, self._upright)

    def holds(self, box: Box) -> bool:
        """Return whether a box lies in the room, whatever else is there."""
        return self._is_inside(box)

    def distance_to_doors(self, pose: Pose) -> float:
        """Return the metres from a place to the nearest door."""
        (x0, y0), (x, y, _) = self.low, pose
        return min(norm(ix * _CELL + x0 - x, iy * _CELL + y0 - y) for ix, iy in self._mouths)

    def wall_behind(self, pose: Pose, depth: float) -> float | None:
        """Return the metres from a thing's back to the wall right behind it, if there is one."""
        back = relative(pose, -depth / 2, 0)[:2]
        heading = np.array([np.cos(pose[2]), np.sin(pose[2])])
        gaps = [
            float((np.array(back) - w.line.start) @ w.line.inward)
            for w in self.walls
            if w.line.inward @ heading > 0.99 and 0 <= w.line.along(back) <= w.line.length
        ]
        return min((gap for gap in gaps if gap > -1e-6), default=None)

    def add(self, box: Box) -> None:
        """Take up a box."""
        (self._upright if box[5] - box[2] > FLAT else self._flat).append(box)
        if box[2] < _HEAD and box[5] > _ANKLE:
            self._block(box)

    def reserve(self, zone: Box) -> None:
        """Keep a zone free of all that is added later."""
        self._keep.append(zone)

    def checkpoint(self) -> Checkpoint:
        """Return what ``restore`` needs to take back what is added from now on."""
        return len(self._upright), len(self._flat), len(self._keep), self._blocked

    def restore(self, point: Checkpoint) -> None:
        """Take back all that was added since a checkpoint."""
        upright, flat, keep, self._blocked = point
        del self._upright[upright:], self._flat[flat:], self._keep[keep:]

    def is_walkable(self) -> bool:
        """Return whether one can walk from door to door, and about on enough of the floor."""
        return self.walkable_area() >= self._least * self.room.shape.area

    def walkable_area(self) -> float:
        """Return the floor (m2) that a body walking from door to door covers; 0: it cannot."""
        reach = 2 * round(_BODY / _CELL) + 1
        swept = ndimage.maximum_filter(self._way(), reach)
        return float(swept.sum()) * _CELL**2

    def can_approach(self, pose: Pose) -> bool:
        """Return whether one can walk from the doors to within an arm of a place.

        No pocket that is cut off may lie as near to it, where a body would be looked for.
        """
        way = self._way()
        x, y = ((here - low) / _CELL - 0.5 for here, low in zip(pose, self.low, strict=False))
        rows, columns = map(np.arange, way.shape)
        squares = (columns - x) ** 2 + ((rows - y) ** 2)[:, None]
        away, aside = (
            math.sqrt(squares.min(where=cells, initial=np.inf)) * _CELL
            for cells in (way, ~self._blocked & ~way)
        )
        return away <= min(_ARM, aside - _BODY)

    def _way(self) -> Cells:
        """Return the cells where a body that walks from door to door can be; none: it cannot."""
        if self._known is None or self._known[0] is not self._blocked:
            labels, _ = ndimage.label(~self._blocked)
            numbers = {int(labels[iy, ix]) for ix, iy in self._mouths}
            joined = len(numbers) == 1 and 0 not in numbers
            way = labels == numbers.pop() if joined else np.zeros_like(self._blocked)
            self._known = self._blocked, way
        return self._known[1]

    def _is_inside(self, box: Box) -> bool:
        x0, y0, _, x1, y1, _ = box
        (west, south), (east, north) = self.low, self.high
        if x0 < west - _TOUCH or y0 < south - _TOUCH or x1 > east + _TOUCH or y1 > north + _TOUCH:
            return False
        return not _meets(box, self._outside)

    def _block(self, box: Box) -> None:
        """Mark the cells where no body can stand because of a box."""
        self._blocked = self._blocked.copy()
        self._blocked[self._cells(box, _BODY)] = True

    def _cells(self, box: Box, grow: float) -> tuple[slice, slice]:
        """Return the rows and columns whose middles a box covers that is grown on all sides."""
        low, high = [], []
        for axis in (1, 0):
            start, end = box[axis] - grow - self.low[axis], box[axis + 3] + grow - self.low[axis]
            low.append(max(0, math.ceil(start / _CELL - 0.5 - 1e-9)))
            high.append(max(0, math.floor(end / _CELL + 0.5 + 1e-9)))
        return slice(low[0], high[0]), slice(low[1], high[1])


def space_of(placed: PlacedScene, number: int, walkable: float = 0.0) -> Space:
    """Return the free space of a room of a scene, as if it held nothing.

    Args:
        placed: the scene.
        number: of the room.
        walkable: least share of its floor on which one must be able to walk.
    """
    doors, windows = _doors_of(placed, number), [w.cut for w in placed.windows]
    entrance = next((door.cuts[0] for door in placed.doors
                     if door.spec.is_outer and door.cuts[0].room == number), None)  # fmt: skip
    mine = [cut for cut in windows if cut.room == number]
    return Space(placed.rooms[number], doors, mine, walkable, entrance)


def _doors_of(placed: PlacedScene, number: int) -> list[tuple[Cut, str | None]]:
    """Return the openings of a room, with the hinge of the leaf that opens into it."""
    name = placed.rooms[number].spec.name
    return [
        (cut, door.spec.hinge if door.leaves and door.spec.into == name else None)
        for door in placed.doors for cut in door.cuts if cut.room == number
    ]  # fmt: skip


def box_of(pose: Pose, size: Sequence[float], z: float = 0.0) -> Box:
    """Return the box round a thing of a size (depth, width, height) at a pose."""
    x, y, heading = pose
    c, s = abs(math.cos(heading)), abs(math.sin(heading))
    along, across = (c * size[0] + s * size[1]) / 2, (s * size[0] + c * size[1]) / 2
    return x - along, y - across, z, x + along, y + across, z + size[2]


def relative(pose: Pose, forward: float, left: float, turn: float = 0.0) -> Pose:
    """Return the pose that lies so far before and to the left of another, turned by radians."""
    c, s = math.cos(pose[2]), math.sin(pose[2])
    return pose[0] + c * forward - s * left, pose[1] + s * forward + c * left, pose[2] + turn


def _meets(box: Box, others: Sequence[Box]) -> bool:
    x0, y0, z0, x1, y1, z1 = box
    t = _TOUCH
    x1, y1, z1 = x1 - t, y1 - t, z1 - t
    for u0, v0, w0, u1, v1, w1 in others:  # a loop, not any(): this is where furnishing waits
        if (
            u0 < x1 and x0 < u1 - t and v0 < y1 and y0 < v1 - t and w0 < z1 and z0 < w1 - t
        ):  # fmt: skip
            return True
    return False


def _along(
    wall: Segment, along: float, off: float, width: float, depth: float
) -> tuple[list[float], list[float]]:
    """Return the corners of a rectangle ``off`` metres from a wall, along which it is wide."""
    middle = wall.at(along) + off * wall.inward
    half = np.abs(wall.direction) * width / 2 + np.abs(wall.inward) * depth / 2
    return (middle - half).tolist(), (middle + half).tolist()


def _upright(corners: tuple[list[float], list[float]], low: float, high: float) -> Box:
    (x0, y0), (x1, y1) = corners
    return x0, y0, low, x1, y1, high


def _outside(room: PlacedRoom) -> list[Box]:
    """Return boxes that fill the bounds of a rectilinear room where it is not."""
    xs, ys = (np.unique(room.clear[:, k].round(6)) for k in (0, 1))
    return [
        (float(x0), float(y0), 0.0, float(x1), float(y1), 99.0)
        for x0, x1 in pairwise(xs)
        for y0, y1 in pairwise(ys)
        if not room.shape.contains(Point((x0 + x1) / 2, (y0 + y1) / 2))
    ]


def _wall(
    room: PlacedRoom, k: int, doors: Sequence[tuple[Cut, str | None]], windows: Sequence[Cut]
) -> Wall:
    line = room.walls[k]
    before, after = room.walls[k - 1], room.walls[(k + 1) % len(room.walls)]
    return Wall(
        line,
        bool(before.inward @ line.direction > 0.5),
        bool(after.inward @ line.direction < -0.5),
        tuple((c.start, c.end) for c, _ in doors if c.wall == k),
        tuple((c.start, c.end, c.bottom - room.floor, c.top - room.floor)
              for c in windows if c.wall == k),
    )  # fmt: skip
