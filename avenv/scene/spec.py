"""The plain data that a scene is made of, equal to its YAML.

A scene in YAML, all lengths in metres, all angles in degrees::

    name: bedsit
    rooms:                                # polygons on the centre lines of the walls
      - {name: living, type: living_room, polygon: [[0, 0], [5, 0], [5, 4], [0, 4]]}
      - {name: kitchen, type: kitchen, polygon: [[5, 0], [8, 0], [8, 4], [5, 4]],
         floor: ceramic_tile, walls: gypsum_cream}
    doors:
      - {between: [living, kitchen]}      # in the middle of the wall they share, open
    windows:
      - {room: living, position: [0, 2], width: 1.6}
    objects:
      - {kind: table, position: [2.5, 2]}
      - {kind: phone, on: table}
    sources:
      - {on: phone}                       # rings as phones do
    episodes:
      - {name: answer, start: [1, 1], facing: east, goal: phone}

Whatever has a default may be left out. These models check one field at a time; whether the rooms,
doors, objects and episodes fit together is checked by ``check_scene`` and by ``compile_scene``.
"""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, PrivateAttr, ValidationError, model_validator

from avenv.core.showing import SCENES, html_of
from avenv.scene.content import content_hash
from avenv.scene.episode_spec import EpisodeSourceSpec, EpisodeSpec, EventSpec
from avenv.scene.fields import Coordinate, Decibels, Length, Name, Point, Point3, Spec, names_file
from avenv.scene.object_spec import ObjectSpec
from avenv.scene.opening_spec import DoorSpec, WindowSpec
from avenv.scene.problems import Problems
from avenv.scene.yaml_files import read_yaml, write_yaml

MAX_CORNERS = 1024
"""Corners of a room."""

MAX_ROOMS = 500
"""Rooms of a scene."""

MAX_THINGS = 1000
"""Things of a kind that a scene has: objects, doors, windows, sources, events, episodes."""


class RoomSpec(Spec):
    """One room: a polygon in the plan, and what its surfaces are made of.

    Attributes:
        name: unique among the rooms.
        polygon: three or more corners [x, y] on the centre lines of its walls, in either
            direction, so that neighbours share edges or parts of edges.
        type: what the room is for, e.g. ``kitchen``.
        height: from floor to ceiling.
        elevation: level of the floor.
        floor: name of a material; so are ``walls`` and ``ceiling``.
    """

    name: Name
    polygon: Annotated[tuple[Point, ...], Field(min_length=3, max_length=MAX_CORNERS)]
    type: Name = "room"
    height: Length = 2.6
    elevation: Coordinate = 0.0
    floor: Name = "oak_parquet"
    walls: Name = "plaster"
    ceiling: Name = "plaster"


class SourceSpec(Spec):
    """A sound source that belongs to the scene.

    Attributes:
        name: unique among the sources; by default the object's name, or the sound's.
        position: [x, y, z] in the world; or else ``on``.
        on: name of the object that it sounds from, just above the middle of its top (below an
            object that hangs from the ceiling).
        sound: a built-in kind (``phone``), a variant of it (``phone/3``), or the path of a sound
            file (with its ending), in the folder of the scene's file or below; by default the
            sound of the object's kind.
        level: dB relative to the sound set's common loudness.
    """

    name: Name | None = None
    position: Point3 | None = None
    on: Name | None = None
    sound: Annotated[str, Field(min_length=1)] | None = None
    level: Decibels = 0.0

    @model_validator(mode="after")
    def _has_a_place_and_a_sound(self) -> Self:
        if (self.position is None) == (self.on is None):
            raise ValueError("a source needs either a position [x, y, z] or an object it is on")
        if self.on is None and self.sound is None:
            raise ValueError("a source that is on no object needs a sound")
        return self


_ITEM_FIELDS = {
    "rooms": RoomSpec.model_fields,
    "doors": DoorSpec.model_fields,
    "windows": WindowSpec.model_fields,
    "objects": ObjectSpec.model_fields,
    "sources": SourceSpec.model_fields,
    "events": EventSpec.model_fields,
    "episodes": EpisodeSpec.model_fields,
    "episodes.events": EventSpec.model_fields,
    "episodes.sources": EpisodeSourceSpec.model_fields,
}


class SceneSpec(Spec):
    """A whole scene. Two specs are equal when they say the same, wherever their files lie.

    Attributes:
        name: for messages and lists.
        rooms: the rooms, tiling the plan.
        wall_thickness: of all walls.
        doors: openings between rooms.
        windows: panes in outer walls.
        objects: furniture and things.
        sources: sound sources.
        events: what happens in every episode of the scene.
        episodes: episodes that the scene brings along.
    """

    name: Name
    rooms: Annotated[tuple[RoomSpec, ...], Field(min_length=1, max_length=MAX_ROOMS)]
    wall_thickness: Length = 0.12
    doors: Annotated[tuple[DoorSpec, ...], Field(max_length=MAX_THINGS)] = ()
    windows: Annotated[tuple[WindowSpec, ...], Field(max_length=MAX_THINGS)] = ()
    objects: Annotated[tuple[ObjectSpec, ...], Field(max_length=MAX_THINGS)] = ()
    sources: Annotated[tuple[SourceSpec, ...], Field(max_length=MAX_THINGS)] = ()
    events: Annotated[tuple[EventSpec, ...], Field(max_length=MAX_THINGS)] = ()
    episodes: Annotated[tuple[EpisodeSpec, ...], Field(max_length=MAX_THINGS)] = ()

    _source: str | None = PrivateAttr(None)
    _folder: Path | None = PrivateAttr(None)

    @classmethod
    def from_yaml(cls, path: str | Path) -> Self:
        """Read a scene file.

        Raises:
            SceneError: the file is missing or is not YAML, or a field is unknown or has a value
                that it cannot have; all of these are named.
        """
        spec = cls.from_dict(read_yaml(path), source=str(path))
        spec._folder = Path(path).parent
        return spec

    @classmethod
    def from_dict(cls, data: dict[str, Any], source: str | None = None) -> Self:
        """Make a spec of plain data laid out as the YAML.

        Args:
            data: the fields.
            source: what messages call the scene, if not by its name.

        Raises:
            SceneError: a field is missing or unknown, or has a value that it cannot have; what is
                wrong besides is named too.
        """
        try:
            spec = cls.model_validate(data)
        except ValidationError as error:
            problems = Problems(source or str(data.get("name", "scene")))
            problems.add_invalid(error, {"": cls.model_fields, **_ITEM_FIELDS})
            from avenv.scene.mending import other_problems  # which lays out specs

            for line in other_problems(data, error):
                problems.add("", line)
            problems.check()
            raise
        spec._source = source
        return spec

    @property
    def source(self) -> str:
        """What messages call this scene: its file, or its name."""
        return self._source or self.name

    def find_file(self, name: str) -> Path:
        """Return the path of a file that the scene names.

        Names start from the folder of the scene's file, or in a scene that was made in Python
        from the working directory. A scene's file may only name files in its folder and below:
        people pass scenes on.

        Raises:
            ValueError: there is no such file, or it is elsewhere.
        """
        path = ((self._folder or Path()) / name).resolve()
        if self._folder is not None and not path.is_relative_to(self._folder.resolve()):
            raise ValueError(f"{name!r} leads out of the scene's folder {str(self._folder)!r}")
        if not path.is_file():
            raise ValueError(f"there is no file {str(path)!r}")
        return path

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, without what is equal to its default."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @property
    def content_hash(self) -> str:
        """Hash (hexadecimal, 16 digits) of the place: the same on every machine, wherever it lies.

        It counts all that the scene says but its events and episodes, numbers to a millionth, sound
        files by their bytes, and the version of what compiles it (``SCENE_VERSION``).

        Raises:
            ValueError: a sound file is not there.
        """
        place = {k: v for k, v in self.to_dict().items() if k not in ("events", "episodes")}
        sounds = (source.sound for source in self.sources)
        files = [self.find_file(sound) for sound in sounds if sound and names_file(sound)]
        return content_hash(place, files)

    def save(self, path: str | Path) -> None:
        """Write the scene as YAML; sound paths are kept, relative to the new file's folder."""
        write_yaml(path, self.to_dict())

    def _repr_html_(self) -> str:
        return html_of(self, SCENES)  # in notebooks

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SceneSpec) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.name, self.rooms, self.doors))
