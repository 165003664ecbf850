"""A home in which questions are set: where to stand, what is in sight, what sounds."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from avenv.core.frames import wrap_angle
from avenv.geometry import lines_of_sight
from avenv.simulation.world import SOURCE_HEIGHT, World
from avenv_agents.questions.clips import EARS, is_carpet

Points = NDArray[np.float64]

SECONDS = 4.0
"""That a clip lasts."""

KINDS = {
    "train": ("fan", "tap", "radio", "piano", "air_conditioner", "microwave", "shower"),
    "val": ("hair_dryer", "printer", "flute", "music_box"),
    "test": ("vacuum_cleaner", "kettle", "frying_pan", "metronome", "wind_chime"),
}
"""Sounds of each split: no kind is in two of them."""


@dataclass(frozen=True)
class Pose:
    """Where somebody stands and looks: (x, y) world metres, radians, and the row of the room."""

    place: Points
    heading: float
    room: int


class Stage:
    """One home, and a random stream to draw from.

    Args:
        world: the home.
        reference: by which ``load_scene`` finds it.
        split: whose sounds are played.
    """

    def __init__(self, world: World, reference: str, split: str):
        self.world, self.reference = world, reference
        self.begin((0,))
        self._kinds = KINDS[split]
        self.level = world.walkable.level
        self.places = world.places
        self._rooms = [shapely.Polygon(room.polygon) for room in world.compiled.rooms]
        points = shapely.points(self.places)
        inside = np.array([shapely.contains(room, points) for room in self._rooms])
        self.room_of = np.where(inside.any(axis=0), inside.argmax(axis=0), -1)

    def begin(self, seed: Sequence[int]) -> None:
        """Draw anew, as a seed says."""
        self.rng = np.random.default_rng(tuple(seed))

    def pose(self) -> Pose:
        """Return a place and a heading, all as likely."""
        k = int(self.rng.choice(np.flatnonzero(self.room_of >= 0)))
        heading = float(self.rng.uniform(-np.pi, np.pi))
        return Pose(self.places[k], heading, int(self.room_of[k]))

    def name_of(self, room: int) -> str:
        """Return what people call a room."""
        return str(re.sub(r"[ _]\d+$", "", self.world.compiled.rooms[room].name)).replace("_", " ")

    def sounds(self, count: int = 1) -> list[str]:
        """Return the names of so many different kinds of sound."""
        kinds = self.rng.choice(len(self._kinds), count, replace=False)
        return [f"{self._kinds[k]}/{int(self.rng.integers(4))}" for k in kinds]

    def source(self, place: Points, height: float = SOURCE_HEIGHT) -> tuple[float, float, float]:
        """Return the point above a place (2,) of the floor."""
        return float(place[0]), float(place[1]), float(self.level + height)

    def ears(self, place: Points) -> Points:
        """Return where the head is that stands at a place (2,)."""
        return np.array([*place, self.level + EARS])

    def azimuths(self, pose: Pose, places: Points) -> NDArray[np.float64]:
        """Return the angles (P,) to the left at which places (P, 2) are."""
        away = places - pose.place
        return np.asarray(wrap_angle(np.arctan2(away[:, 1], away[:, 0]) - pose.heading))

    def distances(self, pose: Pose) -> NDArray[np.float64]:
        """Return the straight distances (P,) to all places."""
        return np.linalg.norm(self.places - pose.place, axis=1)

    def in_sight(self, pose: Pose, height: float = SOURCE_HEIGHT) -> NDArray[np.bool_]:
        """Say of all places (P,) whether nothing stands between them and the head."""
        ends = np.column_stack([self.places, np.full(len(self.places), self.level + height)])
        starts = np.broadcast_to(self.ears(pose.place), ends.shape)
        return lines_of_sight(self.world.compiled.bvh, starts, ends)

    def sees(self, pose: Pose, points: Points) -> NDArray[np.bool_]:
        """Say of points (K, 3) whether nothing stands between them and the head."""
        starts = np.broadcast_to(self.ears(pose.place), np.shape(points))
        return lines_of_sight(self.world.compiled.bvh, starts, np.asarray(points, float))

    def holds(self, room: int, places: Points) -> NDArray[np.bool_]:
        """Say of places (K, 2) whether they are in a room."""
        return np.asarray(shapely.contains(self._rooms[room], shapely.points(places)))

    def draw(self, wanted: NDArray[np.bool_]) -> Points | None:
        """Return one of the places that are wanted (P,); None if none is."""
        found = np.flatnonzero(wanted)
        return self.places[int(self.rng.choice(found))] if len(found) else None

    @cached_property
    def doors(self) -> list[tuple[str, int, int, Points]]:
        """Inner doors with a leaf: name, the rows of both rooms, and where they are (2,)."""
        spec, compiled = self.world.spec, self.world.compiled
        if spec is None:
            return []
        rows = {room.name: k for k, room in enumerate(compiled.rooms)}
        found = []
        for door in spec.doors:
            first, second = door.between
            name = door.name or f"{first}-{second}"
            if second is not None and door.position is not None and name in compiled.states:
                found.append((name, rows[first], rows[second], np.array(door.position)))
        return found

    def things(self, kinds: Sequence[str] = ()) -> list[Any]:
        """Return the pieces of furniture, or those of some kinds."""
        built = ("floor", "ceiling", "wall", "door", "window")
        return [
            thing
            for thing in self.world.compiled.objects
            if (thing.kind in kinds if kinds else thing.kind not in built)
        ]

    @cached_property
    def carpeted(self) -> NDArray[np.bool_]:
        """Say of all rooms (R,) whether a carpet or a rug lies in them."""
        spec, rooms = self.world.spec, self.world.compiled.rooms
        covered = {room.name for room in spec.rooms if is_carpet(room.floor)} if spec else set()
        rugs = {thing.room for thing in self.things(("rug",))}
        return np.array([room.name in covered or k in rugs for k, room in enumerate(rooms)])

    def swaying(self, margin: float = 0.0) -> tuple[float, ...]:
        """Return headings relative to a pose's, a head that turns to and fro without a beginning.

        Sums of two waves at random: what is heard of them alone does not tell when they began.

        Args:
            margin: seconds for which they go on before and after a clip.
        """
        times = np.arange(round((SECONDS + 2 * margin) * 8) + 1) / 8
        sizes, rates = (0.5, 0.25), self.rng.uniform((0.25, 0.45), (0.4, 0.6))
        phases = self.rng.uniform(0, 2 * np.pi, 2)
        waves = [a * np.sin(2 * np.pi * f * times + p)
                 for a, f, p in zip(sizes, rates, phases, strict=True)]  # fmt: skip
        return tuple(float(x) for x in np.sum(waves, axis=0))


def around(pose: Pose, angles: Points, away: float, height: float) -> Points:
    """Return points (K, 3) at a height, so many metres from a pose, at angles (K,) of the world."""
    aside = away * np.column_stack([np.cos(angles), np.sin(angles)])
    return np.column_stack([pose.place + aside, np.full(len(aside), height)])


def point_of(point: Points) -> tuple[float, float, float]:
    """Return a point (3,) as plain data."""
    return float(point[0]), float(point[1]), float(point[2])
