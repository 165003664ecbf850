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
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from avenv.core.showing import SCENES, html_of
from avenv.scene.content import content_hash
from avenv.scene.episode_spec import EpisodeSourceSpec, EpisodeSpec, EventSpec
from avenv.scene.fields import (
    Along,
    Coordinate,
    Decibels,
    Facing,
    Length,
    Name,
    Point,
    Point3,
    Spec,
    names_file,
)
from avenv.scene.problems import Problems
from avenv.scene.yaml_files import read_yaml, write_yaml

OUTSIDE = "outside"
"""What lies behind a door that leads out, in the name that it has by default."""

BESIDE = ("left_of", "right_of", "in_front_of", "behind")
"""Words that place an object beside another."""

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


class DoorSpec(Spec):
    """An opening between two rooms, with a leaf (``door``) or without (``passage``).

    A door may also lead out of doors. Nobody can walk there: open, one sees the sky and hears
    nothing come back.

    Attributes:
        name: unique; by default the two rooms, ``hall-kitchen``, or ``hall-outside``.
        between: the two rooms; ``[hall, null]`` leads from the hall out of doors, and so does
            ``outer: hall`` in place of it.
        position: a point [x, y] on the wall they share, the middle of the opening; by default
            the middle of the longest wall they share, or of the longest outer wall.
        wall: of a door that leads out: which of the room's walls, as an object's ``against``.
        along: where along that wall its middle is, as an object's ``along``.
        width: clear width.
        height: clear height above the higher of the two floors.
        kind: ``door`` or ``passage``.
        state: ``open``, its leaf turned by 90 degrees, or ``closed``, its leaf filling the opening;
            a door that leads out is closed unless told otherwise.
        into: the room that the leaf opens into, by default the first of ``between``.
        hinge: the side of the leaf's hinge, seen from the room that it opens into.
        material: of leaf and frame; a passage is framed in the first room's wall material.
    """

    name: Name | None = None
    between: tuple[Name, Name | None]
    position: Point | None = None
    wall: Name | None = None
    along: Along | None = None
    width: Length = 0.9
    height: Length = 2.05
    kind: Literal["door", "passage"] = "door"
    state: Literal["open", "closed"] = "open"
    into: Name | None = None
    hinge: Literal["left", "right"] = "left"
    material: Name = "wood_door"

    @property
    def is_outer(self) -> bool:
        """Whether it leads out of doors."""
        return self.between[1] is None

    @model_validator(mode="before")
    @classmethod
    def _may_lead_out(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        fields = dict(data)
        if "outer" in fields:
            if "between" in fields:
                raise ValueError("outer and between both say where it leads; leave one of them")
            fields["between"] = [fields.pop("outer"), None]
        between = fields.get("between")
        leads_out = isinstance(between, list | tuple) and len(between) == 2 and between[1] is None
        if leads_out and fields.get("kind") != "passage":
            fields.setdefault("state", "closed")
        return fields

    @model_validator(mode="after")
    def _has_at_most_one_place(self) -> Self:
        if self.wall is not None and not self.is_outer:
            raise ValueError("wall goes with a door that leads out; give a position [x, y]")
        if self.wall is not None and self.position is not None:
            raise ValueError("position and wall both say where it is; leave one of them")
        if self.along is not None and self.wall is None:
            raise ValueError("along goes with a wall")
        return self

    @model_serializer(mode="wrap")
    def _tell_state(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Say the state of a door that leads out, whose default is another."""
        data: dict[str, Any] = handler(self)
        return {**data, "state": self.state} if self.is_outer else data


class WindowSpec(Spec):
    """A pane in an outer wall, where either ``position`` or ``wall`` says.

    Attributes:
        name: unique; by default ``<room>-window``.
        room: the room that looks out.
        position: a point [x, y] on its wall, the middle of the window.
        wall: which of the room's walls, as an object's ``against``.
        along: where along the wall its middle is, as an object's ``along``.
        width: clear width.
        height: clear height.
        sill: height of its lower edge above the floor.
        material: of the pane.
    """

    name: Name | None = None
    room: Name
    position: Point | None = None
    wall: Name | None = None
    along: Along | None = None
    width: Length = 1.2
    height: Length = 1.2
    sill: Annotated[float, Field(strict=True, ge=0, le=1000)] = 0.9
    material: Name = "glass"

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if (self.position is None) == (self.wall is None):
            raise ValueError("a window needs either a position [x, y] or a wall")
        if self.along is not None and self.wall is None:
            raise ValueError("along goes with a wall")
        return self


class ObjectSpec(Spec):
    """A thing from the catalogue, placed.

    Where it is, one of these says: ``position``, ``on``, ``under``, ``above``, ``against``, or one
    of ``left_of``, ``right_of``, ``in_front_of`` and ``behind``. The last four also go with
    ``against``: a nightstand ``against`` the west wall, ``left_of`` the bed. Left, right, front
    and back of a thing are its own, as of somebody who sits on it.

    Attributes:
        kind: its kind in the catalogue.
        name: unique; by default the kind, or ``kind_2`` and so on.
        position: [x, y] of the middle of its base.
        on: name of the object that it stands on, in the middle unless there is an ``offset`` or a
            ``position``.
        under: name of the object below whose middle it is.
        above: name of the object above whose middle it is.
        left_of: name of the object beside which it is, on that one's own left, as of somebody who
            sits on it, and not a viewer's; so are ``right_of``, ``in_front_of`` and ``behind``.
        against: what its back touches: ``north wall`` (+y; so too ``east``, ``south`` and
            ``west``), the longest of that side; ``wall 2``, from corner 2 of the room's polygon,
            counted from 0, to the next; or the name of a window.
        along: where along the wall: metres from its west or south end to the middle of the thing,
            negative from the other end; or into a corner: ``north``, ``east``, ``south`` or
            ``west``. By default the middle of the wall or of the window.
        gap: metres left free to what it is beside, or else to the wall; negative tucks it in.
        offset: [forward, left] from the place that another object gives it, in that one's frame.
        room: the room it is in; by default found from its place. ``against`` a side needs it in a
            scene of several rooms.
        z: height of its base above the floor. By default 0, or what brings a thing that hangs
            from the ceiling there, and the middle of a thing on a wall to 1.5 m.
        facing: direction of its front: degrees, 0 = +X, counter-clockwise seen from above; or
            ``north``, ``east``, ``south``, ``west``; or the name of an object to turn to. By
            default away from the wall it is ``against``, towards what it is ``in_front_of`` or
            ``behind``, the same way as what it is otherwise placed by, or else 0.
        size: [depth along its front direction, width, height]; by default the kind's.
        materials: names of materials for some of its parts, by part name.
        full: whether it is filled, as a box may be; who knocks on it hears that.
        state: one of the kind's states, e.g. ``open``; by default the first of them, or ``on`` if
            one of the scene's sources is on it.
    """

    kind: Name
    name: Name | None = None
    position: Point | None = None
    on: Name | None = None
    under: Name | None = None
    above: Name | None = None
    left_of: Name | None = None
    right_of: Name | None = None
    in_front_of: Name | None = None
    behind: Name | None = None
    against: Name | None = None
    along: Along | None = None
    gap: Coordinate = 0.0
    offset: Point | None = None
    room: Name | None = None
    z: Coordinate | None = None
    facing: Facing | None = None
    size: tuple[Length, Length, Length] | None = None
    materials: dict[Name, Name] = Field({})
    full: bool = False
    state: Name | None = None

    @property
    def beside(self) -> tuple[str, str] | None:
        """Which of ``BESIDE`` is given, and the object it names."""
        return next(((word, name) for word in BESIDE if (name := getattr(self, word))), None)

    @property
    def reference(self) -> tuple[str, str] | None:
        """The word and the object that say where it is, if an object does."""
        words = ("on", "under", "above", *BESIDE)
        return next(((word, name) for word in words if (name := getattr(self, word))), None)

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        words = ("position", "on", "under", "above", "against", *BESIDE)
        given = [word for word in words if getattr(self, word) is not None]
        together = set(given) == {"position", "on"} or (
            len(given) == 2 and "against" in given and self.beside is not None
        )
        if not given:
            raise ValueError(f"says not where it is; say one of {', '.join(words)}")
        if len(given) > 1 and not together:
            raise ValueError(f"{' and '.join(given)} both say where it is; leave one of them")
        if self.offset is not None and (
            self.reference is None or self.against or self.position is not None
        ):
            raise ValueError("an offset goes with a place that an object gives, and nothing else")
        if self.along is not None and (self.against is None or self.beside is not None):
            raise ValueError("along goes with against, and not with a thing beside it")
        if self.gap and self.against is None and self.beside is None:
            raise ValueError(f"a gap goes with against, {', '.join(BESIDE)}")
        if self.on is not None and self.z is not None:
            raise ValueError("an object that is on another has no z of its own")
        return self


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
