"""Write a scene as a script that reads like a description of its rooms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from avenv.scene.fields import short_name
from avenv.scene.placed import check_scene, door_name, free_name
from avenv.scene.spec import SceneSpec


class SceneBuilder:
    """Builds a ``SceneSpec`` piece by piece, in metres and degrees::

        b = SceneBuilder("studio")
        studio = b.room("studio", size=(6, 4), height=2.8, floor="oak_parquet")
        bath = b.room("bath", size=(2, 4), at=(6, 0), floor="ceramic_tile")
        b.door(studio, bath, hinge="right")
        window = studio.window(wall="south wall", width=2.0)

        bed = studio.place("bed", against="west wall", along="north")
        stand = studio.place("nightstand", against="west wall", right_of=bed)
        lamp = studio.place("table_lamp", on=stand)
        desk = studio.place("desk", against=window)
        chair = studio.place("office_chair", in_front_of=desk, gap=-0.2)
        phone = studio.place("phone", on=desk, offset=(0, 0.5))
        b.source(on=phone)
        b.episode(start=(2.0, 1.0), facing=bed, goal=phone)
        spec = b.build()

    Each method takes further fields of the piece's spec by name (``RoomSpec``, ``DoorSpec``,
    ``WindowSpec``, ``ObjectSpec``, ``SourceSpec``, ``EpisodeSpec``) and leaves the rest to their
    defaults. ``room`` returns the room, to furnish it; ``event`` nothing; all others return the
    name of the new piece for later calls. Mistakes are reported by ``build``, all at once.
    """

    def __init__(self, name: str, **fields: Any) -> None:
        self._data: dict[str, Any] = {"name": name, **fields}
        for part in ("rooms", "doors", "windows", "objects", "sources", "events", "episodes"):
            self._data[part] = []

    def room(
        self,
        name: str,
        size: ArrayLike | None = None,
        at: ArrayLike = (0.0, 0.0),
        polygon: ArrayLike | None = None,
        **fields: Any,
    ) -> "RoomBuilder":
        """Add a room: a rectangle of ``size`` with its least corner ``at``, or a ``polygon``.

        Both are measured on the centre lines of the walls, so that neighbours share an edge.
        """
        if (size is None) == (polygon is None):
            raise ValueError(f"room {name!r}: give either a size (x, y) or a polygon of points")
        if size is not None:
            unit_square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
            polygon = np.asarray(at, float) + unit_square * np.asarray(size, float)
        self._add("rooms", name, name=name, polygon=_plain(polygon), **fields)
        return RoomBuilder(self, name)

    def door(
        self,
        first: "str | RoomBuilder",
        second: "str | RoomBuilder | None",
        at: ArrayLike | None = None,
        **fields: Any,
    ) -> str:
        """Add a door between two rooms, by default in the middle of the wall they share.

        A second room of None is out of doors: ``b.door(hall, None, wall="north wall")``.
        """
        between = str(first), None if second is None else str(second)
        name = door_name(*between)
        return self._add("doors", name, between=between, position=_plain(at), **fields)

    def passage(
        self,
        first: "str | RoomBuilder",
        second: "str | RoomBuilder",
        at: ArrayLike | None = None,
        **fields: Any,
    ) -> str:
        """Add an opening without a leaf, as ``door``."""
        return self.door(first, second, at, kind="passage", **fields)

    def window(self, room: "str | RoomBuilder", at: ArrayLike | None = None, **fields: Any) -> str:
        """Add a window in an outer wall of a room: its middle ``at`` [x, y], or a ``wall``."""
        name = str(room)
        return self._add("windows", f"{name}-window", room=name, position=_plain(at), **fields)

    def place(self, kind: str, at: ArrayLike | None = None, **fields: Any) -> str:
        """Add an object of the catalogue: its middle ``at`` [x, y], or by a word of its spec.

        The words are ``on``, ``under``, ``above``, ``left_of``, ``right_of``, ``in_front_of``,
        ``behind`` and ``against``.
        """
        return self._add("objects", kind, kind=kind, position=_plain(at), **fields)

    def source(
        self,
        name: str | None = None,
        at: ArrayLike | None = None,
        on: str | None = None,
        **fields: Any,
    ) -> str:
        """Add a sound source ``at`` [x, y, z], or ``on`` an object, by default with its sound."""
        default = on or short_name(fields.get("sound") or "source")
        return self._add("sources", default, name=name, position=_plain(at), on=on, **fields)

    def event(self, time: float, states: Mapping[str, str] | None = None, **more: str) -> None:
        """Let things get into other ``states`` at a time, in every episode of the scene.

        Names of things may also be written as keywords: ``b.event(3.0, vase="fallen")``.
        """
        self._data["events"].append({"time": time, "states": {**(states or {}), **more}})

    def episode(self, start: ArrayLike, name: str | None = None, **fields: Any) -> str:
        """Add an episode that begins at ``start`` [x, y], with fields as in ``EpisodeSpec``."""
        return self._add("episodes", "episode", name=name, start=_plain(start), **fields)

    def build(self) -> SceneSpec:
        """Return the scene.

        Raises:
            SceneError: something is unknown, has no place or overlaps; one line for each problem.
        """
        spec = SceneSpec.from_dict(self._data)
        check_scene(spec)
        return spec

    def _add(self, part: str, default: str, **fields: Any) -> str:
        pieces = self._data[part]
        name = fields.pop("name", None) or free_name(default, {p["name"] for p in pieces})
        given = {k: v for k, v in fields.items() if v is not None}
        rooms = {k: v.name for k, v in given.items() if isinstance(v, RoomBuilder)}
        pieces.append({"name": name, **given, **rooms})
        return name


@dataclass(frozen=True)
class RoomBuilder:
    """A room of a ``SceneBuilder``; what is placed and opened through it is in this room.

    Attributes:
        builder: of the scene.
        name: of the room.
    """

    builder: SceneBuilder
    name: str

    def place(self, kind: str, at: ArrayLike | None = None, **fields: Any) -> str:
        """Add an object, as ``SceneBuilder.place``."""
        return self.builder.place(kind, at, room=self.name, **fields)

    def window(self, wall: str | None = None, at: ArrayLike | None = None, **fields: Any) -> str:
        """Add a window in one of the room's walls, or with its middle ``at`` [x, y]."""
        return self.builder.window(self, at, wall=wall, **fields)

    def __str__(self) -> str:
        return self.name


def _plain(values: ArrayLike | None) -> Any:
    return None if values is None else np.asarray(values, float).tolist()
