"""Where something is, in words that are true by construction: "through the door on your left".

Pure functions of places. All words are in the vocabulary of the sensor ``answer``.
"""

import re
from collections.abc import Iterable
from itertools import groupby, pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from avenv.core.frames import wrap_angle
from avenv.navigation import GeodesicField, shortest_path
from avenv.scene.compiled import Room
from avenv.simulation.vocabulary import can_say, words

NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
ORDINALS = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
]  # fmt: skip

NO_WAY = "There is no way to it now."

_ASIDE = np.deg2rad(30)  # what is less far to a side is ahead, and likewise behind
_HERE = 0.5  # m
_STRIDE = 0.05  # m between the points of a way whose rooms are looked up


def side(place: NDArray[np.float64], here: NDArray[np.float64], heading: float) -> str:
    """Return on which side of a body a place (2,) is: ``"on your left"``."""
    x, y = np.subtract(place, here)
    azimuth = float(wrap_angle(np.arctan2(y, x) - heading))
    if abs(azimuth) <= _ASIDE:
        return "ahead of you"
    if abs(azimuth) >= np.pi - _ASIDE:
        return "behind you"
    return "on your left" if azimuth > 0 else "on your right"


def distance(metres: float) -> str:
    """Return a distance in words, to the nearest metre."""
    whole = max(1, round(metres))
    if whole > len(NUMBERS):
        return "more than ten metres"
    return f"{NUMBERS[whole - 1]} {'metre' if whole == 1 else 'metres'}"


def where_is(
    what: str,
    place: NDArray[np.float64],
    field: GeodesicField,
    rooms: Iterable[Room],
    here: NDArray[np.float64],
    heading: float,
) -> str:
    """Return where something is and how one gets there, for a body.

    In the same room it is said on which side it is, and how far; else through which door one goes,
    and which room it is then, counted along the way from that behind the door. In a scene without
    rooms it is said where the way begins.

    Args:
        what: it is, with a capital.
        place: (2,) where it is, world metres.
        field: of the distances to where one stands at it.
        rooms: of the scene.
        here: (2,) where the body is, world metres.
        heading: of the body, radians.
    """
    if not np.isfinite(field.at(here[None])[0]):
        return NO_WAY
    way = _points(shortest_path(field.grid, field, here))
    known = list(rooms)
    passed = _passed(way, known)
    if len(passed) > 1:
        leaves, enters = passed[0][1], passed[1][0]
        door = side((way[leaves] + way[enters]) / 2, here, heading)
        room = ORDINALS[min(len(passed) - 2, len(ORDINALS) - 1)]
        name = _called(known[passed[-1][2]])
        then = "in the next room" if len(passed) == 2 else f"then the {room} room"
        return f"{what} is through the door {door}, {then}{name}."
    if known or len(way) < 3:
        away = float(np.linalg.norm(place - here))
        if away <= _HERE:
            return f"{what} is here."
        return f"{what} is {side(place, here, heading)}, {distance(away)} away."
    first = way[min(len(way) - 1, round(1 / _STRIDE))]
    left = distance(float(field.at(here[None])[0]))
    thing = what[0].lower() + what[1:]
    return f"The way to {thing} begins {side(first, here, heading)} and is {left} long."


def _points(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points (N, 2) all along a polyline (M, 2)."""
    parts = [corners[:1]]
    for a, b in pairwise(corners):
        count = max(1, int(np.ceil(np.linalg.norm(b - a) / _STRIDE)))
        parts.append(a + (b - a) * (np.arange(1, count + 1) / count)[:, None])
    return np.concatenate(parts)


def _passed(way: NDArray[np.float64], rooms: list[Room]) -> list[tuple[int, int, int]]:
    """Return the rooms along a way (N, 2): first point, last point and number, of each."""
    inside = np.full(len(way), -1)
    for number, room in enumerate(rooms):
        inside[shapely.contains_xy(shapely.Polygon(room.polygon), *way.T)] = number
    indoors = np.flatnonzero(inside >= 0).tolist()
    runs = [list(run) for _, run in groupby(indoors, key=lambda k: inside[k])]
    return [(run[0], run[-1], int(inside[run[0]])) for run in runs]


def _called(room: Room) -> str:
    """Return ", the kitchen" of a room that has a name in the vocabulary; else nothing."""
    name = " ".join(words(re.sub(r"[\s_-]*\d+$", "", room.name)))
    return f", the {name}" if name and can_say(name) else ""
