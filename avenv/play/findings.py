"""What is wrong or odd with a scene's file, and where on its plan."""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from avenv.scene.object_spec import BESIDE
from avenv.simulation.world import World

Point = tuple[float, float]

_FIELD = re.compile(r"\b(rooms|doors|windows|objects|sources|episodes|events)\[(\d+)\]")
_NUMBER = r"(-?\d+(?:\.\d+)?)"
_SPOT = re.compile(rf"\bat \[{_NUMBER}, {_NUMBER}")
_NAME = re.compile(r"'([^']+)'")
_NAMES_OBJECT = ("on", "under", "above", *BESIDE, "goal", "object")
_NAMES_ROOM = ("room", "outer", "between")
_DEEPEST = 8  # things that stand on things


@dataclass(frozen=True)
class Finding:
    """One line of what ``avenv scene check`` says.

    Attributes:
        text: the line.
        is_warning: the scene can be used all the same.
        at: where on the plan, world metres; None where the line is about no place.
        outline: of the room that it is about, if it is about one.
    """

    text: str
    is_warning: bool
    at: Point | None = None
    outline: tuple[Point, ...] = ()

    def told(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def find_places(
    lines: list[str], is_warning: bool, written: Mapping[str, Any] | None, world: World
) -> list[Finding]:
    """Return lines about a scene with their places.

    A place is that of the field which the line names, as far as the file has one; else the place
    that the line itself tells; else that of what it names in the scene.

    Args:
        lines: of the message of a ``SceneError``, or warnings of a survey.
        is_warning: whether they are warnings.
        written: what the file holds, however wrong; None where it cannot be read.
        world: the scene, or the last one that there was.
    """
    return [_find(line, is_warning, written or {}, world) for line in lines]


def _find(line: str, is_warning: bool, written: Mapping[str, Any], world: World) -> Finding:
    outline: tuple[Point, ...] = ()
    if field := _FIELD.search(line):
        outline = _places_of(_item(written, field[1], int(field[2])), written)
    if not outline and (spot := _SPOT.search(line)):
        outline = ((float(spot[1]), float(spot[2])),)
    if not outline:
        known = (_known(name, world) for name in _NAME.findall(line))
        outline = next(filter(None, known), ())
    if not outline:
        return Finding(line, is_warning)
    x, y = (math.fsum(values) / len(outline) for values in zip(*outline, strict=True))
    return Finding(line, is_warning, (x, y), outline if len(outline) > 2 else ())


def _item(written: Mapping[str, Any], name: str, number: int) -> Any:
    items = written.get(name)
    return items[number] if isinstance(items, list) and number < len(items) else None


def _places_of(item: Any, written: Mapping[str, Any], depth: int = 0) -> tuple[Point, ...]:
    """Return the corners of what was written of a room, the place of anything else; else none."""
    if not isinstance(item, Mapping) or depth > _DEEPEST:
        return ()
    corners = item.get("polygon")
    if isinstance(corners, list):
        return tuple(point for corner in corners if (point := _point(corner)))
    for field in ("position", "start"):
        if point := _point(item.get(field)):
            return (point,)
    for field in _NAMES_OBJECT:
        if found := _places_of(_named(item.get(field), "objects", written), written, depth + 1):
            return _middle(found)
    if isinstance(wall := item.get("against"), str):
        window = _named(wall, "windows", written)
        if found := _places_of(window, written, depth + 1):
            return found
    for field in _NAMES_ROOM:
        names = item.get(field)
        rooms = [_named(name, "rooms", written) for name in
                 (names if isinstance(names, list) else [names])]  # fmt: skip
        found = tuple(p for room in rooms for p in _middle(_places_of(room, written, depth + 1)))
        if found:
            return _middle(found)
    return ()


def _named(name: Any, items: str, written: Mapping[str, Any]) -> Any:
    """Return the item of a list that bears a name; objects bear that of their kind by default."""
    some = written.get(items)
    for item in some if isinstance(name, str) and isinstance(some, list) else ():
        if isinstance(item, Mapping) and item.get("name", item.get("kind")) == name:
            return item
    return None


def _known(name: str, world: World) -> tuple[Point, ...]:
    """Return the corners of the room of this name in a scene, or the place of a thing or source."""
    compiled = world.compiled
    for room in compiled.rooms:
        if room.name == name:
            return tuple((float(x), float(y)) for x, y in room.polygon)
    if name in compiled.row_of:
        x, y, _ = compiled.objects[compiled.row_of[name]].position
        return ((x, y),)
    spots = (s.position[:2] for s in compiled.sources if s.name == name)
    return tuple((x, y) for x, y in spots)[:1]


def _middle(points: tuple[Point, ...]) -> tuple[Point, ...]:
    if not points:
        return ()
    x, y = (math.fsum(values) / len(points) for values in zip(*points, strict=True))
    return ((x, y),)


def _point(value: Any) -> Point | None:
    """Return the first two of a list of numbers, if that is what a value is."""
    if not isinstance(value, list | tuple) or len(value) < 2:
        return None
    numbers = [float(v) for v in value[:2] if isinstance(v, int | float) and abs(v) < 1e6]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else None
