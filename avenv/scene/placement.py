"""Where an object is whose place is said by a wall or by another object. Pure functions, metres.

Everything is measured between boxes seen from above: an object's is as deep and as wide as the
object, turned by its heading.
"""

import re
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.core.frames import body_rotation, forward
from avenv.scene.catalogue import Size
from avenv.scene.fields import COMPASS
from avenv.scene.object_spec import ObjectSpec
from avenv.scene.plan import Points, Segment

_SIDES = {"in_front_of": 0.0, "left_of": 90.0, "behind": 180.0, "right_of": 270.0}
_FACING_WALL = np.cos(np.deg2rad(46))  # a side's walls face it within 45 degrees


class Box(Protocol):
    """What a place is measured from: an object that has one already."""

    @property
    def position(self) -> tuple[float, float, float]:
        """Middle of its base, world metres."""

    @property
    def heading(self) -> float:
        """Direction of its front, radians."""

    @property
    def size(self) -> Size:
        """Extents along its front, its left and up, metres."""


class Anchors(NamedTuple):
    """What an object's place hangs on, as far as its spec names it.

    Attributes:
        thing: the object that it is on, under, above or beside.
        wall: the clear wall that it is against.
        middle: metres along the wall where it stands unless told otherwise.
        target: [x, y] of what it faces.
    """

    thing: Box | None = None
    wall: Segment | None = None
    middle: float = 0.0
    target: tuple[float, ...] | None = None


class PlaceError(ValueError):
    """An object's words contradict each other; names the field."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


def find_place(item: ObjectSpec, size: Size, anchors: Anchors) -> tuple[Points, float]:
    """Return [x, y] of the middle of an object's base, and its heading in radians.

    Raises:
        PlaceError: the words of the spec contradict each other.
    """
    heading = _default_heading(item, anchors)
    if isinstance(item.facing, str) and item.facing not in COMPASS:
        # What it faces depends on where it is, and how far it reaches on what it faces.
        for _ in range(16):
            way = np.asarray(anchors.target) - _middle(item, size, heading, anchors)
            heading = float(np.arctan2(way[1], way[0])) if np.hypot(*way) > 1e-6 else heading
    elif item.facing is not None:
        degrees = COMPASS[item.facing] if isinstance(item.facing, str) else item.facing
        heading = float(np.deg2rad(degrees))
    return _middle(item, size, heading, anchors), heading


def _default_heading(item: ObjectSpec, anchors: Anchors) -> float:
    if anchors.wall is not None:
        x, y = anchors.wall.inward
        return float(np.arctan2(y, x))
    if anchors.thing is None:
        return 0.0
    if item.beside is not None and item.beside[0] in ("in_front_of", "behind"):
        x, y = -_side(item.beside[0], anchors.thing)
        return float(np.arctan2(y, x))
    return anchors.thing.heading


def _middle(item: ObjectSpec, size: Size, heading: float, anchors: Anchors) -> Points:
    """Return the middle (2,) of an object of a known heading."""
    if item.position is not None:
        return np.array(item.position)
    if anchors.wall is not None:
        return _on_wall(item, size, heading, anchors, anchors.wall)
    thing = anchors.thing
    assert thing is not None  # the spec has seen to it
    offset = body_rotation(thing.heading)[:2, :2] @ np.array(item.offset or (0.0, 0.0))
    middle = np.array(thing.position[:2]) + offset
    if item.beside is None:
        return middle
    side = _side(item.beside[0], thing)
    away = reach(thing.size, thing.heading, side) + item.gap + reach(size, heading, side)
    return middle + away * side


def _on_wall(
    item: ObjectSpec, size: Size, heading: float, anchors: Anchors, wall: Segment
) -> Points:
    gap = 0.0 if item.beside is not None else item.gap
    out = reach(size, heading, wall.inward) + gap
    along = _along(item, reach(size, heading, wall.direction), anchors, wall)
    return wall.at(along) + out * wall.inward


def _along(item: ObjectSpec, half: float, anchors: Anchors, wall: Segment) -> float:
    """Return metres from the wall's start to the middle of a thing that reaches ``half``."""
    if item.beside is not None:
        word, name = item.beside
        thing = anchors.thing
        assert thing is not None
        way = float(_side(word, thing) @ wall.direction)
        if abs(way) < _FACING_WALL:
            raise PlaceError(
                word,
                f"{word.replace('_', ' ')} {name!r} is not along the {item.against}: that is "
                f"{name}'s own side, as of somebody who sits on it, to the "
                f"{_compass(_side(word, thing))}",
            )
        beyond = reach(thing.size, thing.heading, wall.direction) + item.gap + half
        return wall.along(thing.position[:2]) + np.sign(way) * beyond
    if item.along is None:
        return anchors.middle
    return along_wall(item.along, half, wall, f"the {item.against}")


def along_wall(along: float | str, half: float, wall: Segment, name: str) -> float:
    """Return metres from a wall's start to the middle of what stands there.

    Args:
        along: metres from the wall's west or south end, negative from the other end, or the
            direction of the end that it is moved to.
        half: metres that it reaches to either side of its middle.
        wall: the clear wall.
        name: what messages call it.

    Raises:
        PlaceError: the wall has no such end.
    """
    if isinstance(along, str):
        way = float(forward(np.deg2rad(COMPASS[along])) @ wall.direction)
        if abs(way) < _FACING_WALL:
            raise PlaceError("along", f"{name} has no {along} end; it runs {_ends(wall)}")
        return wall.length - half if way > 0 else half
    from_first = along if along >= 0 else wall.length + along
    return from_first if _runs_onward(wall) else wall.length - from_first


def _runs_onward(wall: Segment) -> bool:
    """Return whether a wall runs to the east, or if it runs across, to the north."""
    x, y = wall.direction
    return bool(x > 0) if abs(x) >= abs(y) else bool(y > 0)


def _ends(wall: Segment) -> str:
    x, y = np.abs(wall.direction)
    return "from west to east" if x >= y else "from south to north"


def _side(word: str, thing: Box) -> Points:
    """Return the unit vector (2,) from the middle of a thing to one of its sides."""
    return forward(thing.heading + np.deg2rad(_SIDES[word]))


def _compass(direction: Points) -> str:
    """Return the direction of the compass that a vector (2,) points to most nearly."""
    ways = {name: float(forward(np.deg2rad(angle)) @ direction) for name, angle in COMPASS.items()}
    return max(ways, key=lambda name: ways[name])


def reach(size: Size, heading: float, direction: ArrayLike) -> float:
    """Return how far a box reaches from its middle along a unit vector (2,)."""
    ahead, left = forward(heading), forward(heading + np.pi / 2)
    direction = np.asarray(direction, float)
    return float(abs(ahead @ direction) * size[0] + abs(left @ direction) * size[1]) / 2


def find_wall(words: str, polygon: ArrayLike, walls: list[Segment]) -> int:
    """Return which of a room's clear walls is meant by ``north wall`` or by ``wall 2``.

    Args:
        words: what ``against`` says.
        polygon: (N, 2) the room's corners as its spec has them.
        walls: its clear walls.

    Raises:
        PlaceError: it has no such wall; the message names those it has.
    """
    side = re.fullmatch(r"(\w+) wall", words)
    number = re.fullmatch(r"wall (\d+)", words)
    if side and side[1] in COMPASS:
        outward = forward(np.deg2rad(COMPASS[side[1]]))
        facing = [k for k, wall in enumerate(walls) if -wall.inward @ outward > _FACING_WALL]
        if facing:
            return max(facing, key=lambda k: walls[k].length)
    corners = np.asarray(polygon, float)
    if number and int(number[1]) < len(corners):
        k = int(number[1])
        middle = (corners[k] + corners[(k + 1) % len(corners)]) / 2
        return min(range(len(walls)), key=lambda k: walls[k].distance(middle))
    sides = [s for s, d in COMPASS.items()
             if any(-w.inward @ forward(np.deg2rad(d)) > _FACING_WALL for w in walls)]  # fmt: skip
    raise PlaceError(
        "wall",
        f"the room has no {words!r}; it has {', '.join(f'{s} wall' for s in sides)}, and wall 0 "
        f"to wall {len(corners) - 1}, counted by the corners of its polygon",
    )


def rest_height(
    triangles: NDArray[np.floating], middle: ArrayLike, heading: float, size: Size
) -> float | None:
    """Return the height at which a box comes to rest when let down on a mesh.

    That is the highest point of the mesh within the box's outline, or None if the outline's middle
    has nothing below it. The highest point of a triangle within a rectangle is a corner of either,
    or lies where their sides cross.

    Args:
        triangles: (T, 3, 3) in a frame that the box's middle and heading are given in.
        middle: (2,) of the box.
        heading: of the box, radians.
        size: of the box.
    """
    rotation = body_rotation(heading)[:2, :2]
    # A hair smaller, so that a thing flush with a rim is not lifted onto it.
    half = np.array(size[:2]) / 2 - 1e-3
    corners = np.asarray(triangles, np.float64).copy()
    corners[..., :2] = (corners[..., :2] - np.asarray(middle)) @ rotation / half
    near = (corners[..., :2].min(axis=1) <= 1).all(axis=1)
    near &= (corners[..., :2].max(axis=1) >= -1).all(axis=1)
    corners = corners[near]
    if not np.isfinite(_heights_at(corners, np.zeros((1, 2)))).any():
        return None
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)
    inside = (np.abs(corners[..., :2]) <= 1).all(axis=2)
    found = [corners[inside][:, 2], _heights_at(corners, square).ravel(), _crossings(corners)]
    heights = np.concatenate(found)
    return float(heights[np.isfinite(heights)].max())


def _heights_at(corners: Points, points: Points) -> Points:
    """Return the heights (P, T) of triangles above points (P, 2), nan beside them."""
    a, ab, ac = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    area = np.where(np.abs(area) > 1e-12, area, np.nan)
    p = points[:, None] - a[:, :2]
    u = (p[..., 0] * ac[:, 1] - p[..., 1] * ac[:, 0]) / area
    v = (ab[:, 0] * p[..., 1] - ab[:, 1] * p[..., 0]) / area
    inside = (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9)
    return np.where(inside, a[:, 2] + u * ab[:, 2] + v * ac[:, 2], np.nan)


def _crossings(corners: Points) -> Points:
    """Return the heights (K,) where sides of triangles cross those of the square -1..1."""
    start, way = corners, np.roll(corners, -1, axis=1) - corners
    found = []
    for axis in (0, 1):
        for limit in (-1.0, 1.0):
            with np.errstate(divide="ignore", invalid="ignore"):
                share = (limit - start[..., axis]) / way[..., axis]
                other = start[..., 1 - axis] + share * way[..., 1 - axis]
                hit = (share >= 0) & (share <= 1) & (np.abs(other) <= 1)
            found.append(start[hit][:, 2] + share[hit] * way[hit][:, 2])
    return np.concatenate(found)
