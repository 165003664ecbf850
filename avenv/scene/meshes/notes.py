"""What avenv writes into the ``extras`` of a GLB that it exports, so that it reads the same back.

Other programs keep extras or drop them; without them a file is read like any other. Coordinates are
the world's: metres, Z up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from avenv.core.errors import SceneError
from avenv.scene.compile import CATEGORIES
from avenv.scene.compiled import CompiledScene, Room, SceneObject, SceneSource
from avenv.scene.fields import names_file
from avenv.scene.meshes.references import References
from avenv.scene.problems import checked

_MOVED = 0.05  # m: an object that lies farther from its noted place was moved since


class _Note(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class _RoomNote(_Note):
    name: str
    polygon: Annotated[list[tuple[float, float]], Field(min_length=3)]
    floor: float
    height: Annotated[float, Field(gt=0)]


class _SourceNote(_Note):
    name: str
    sound: Annotated[str, Field(min_length=1)]
    position: tuple[float, float, float]
    level: float = 0.0
    object: str | None = None


class _SceneNote(_Note):
    name: Annotated[str, Field(min_length=1)] | None = None
    rooms: list[_RoomNote] = []
    sources: list[_SourceNote] = []


class _ObjectNote(_Note):
    kind: str
    category: str
    room: str | None = None
    position: tuple[float, float, float]
    heading: float
    size: tuple[float, float, float]


@dataclass(frozen=True)
class SceneNotes:
    """A scene's name, rooms and sources, as its exported file has them; empty for other files."""

    name: str | None = None
    rooms: tuple[Room, ...] = ()
    sources: tuple[SceneSource, ...] = ()

    @classmethod
    def read(cls, notes: Mapping[str, Any] | None, path: Path) -> "SceneNotes":
        """Check and return the notes of a file.

        Raises:
            SceneError: they have values that they cannot have, or a sound outside the folder.
        """
        if notes is None:
            return cls()
        note = checked(_SceneNote, notes, f"{path}: scenes: extras.avenv")
        return cls(
            note.name,
            tuple(Room(r.name, np.array(r.polygon), r.floor, r.height) for r in note.rooms),
            tuple(
                SceneSource(s.name, _sound(s.sound, path, k), s.position, s.level, s.object)
                for k, s in enumerate(note.sources)
            ),
        )


def is_builtin(sound: str) -> bool:
    """Say whether a sound is a built-in kind, and no file."""
    return not names_file(sound)


def _sound(sound: str, path: Path, k: int) -> str:
    """Return a built-in kind, or the path of a file within the scene's folder."""
    if is_builtin(sound):
        return sound
    return str(References(path).find(sound, f"extras.avenv.sources[{k}].sound"))


def known_object(
    found: SceneObject, notes: Mapping[str, Any] | None, rooms: Sequence[Room], place: str
) -> SceneObject:
    """Return an object as its notes describe it; its place too, unless it was moved since.

    Raises:
        SceneError: the notes have values that they cannot have.
    """
    if notes is None:
        return found
    note = checked(_ObjectNote, notes, place)
    if note.category not in CATEGORIES:
        raise SceneError(f"{place}: category: there is no category {note.category!r:.80}")
    names = [room.name for room in rooms]
    known = replace(
        found,
        kind=note.kind,
        category=CATEGORIES.index(note.category),
        room=names.index(note.room) if note.room in names else -1,
    )
    if np.abs(np.subtract(note.position, found.position)).max() > _MOVED:
        return known
    return replace(known, position=note.position, heading=note.heading, size=note.size)


def scene_notes(compiled: CompiledScene, folder: Path) -> dict[str, Any]:
    """Return the notes about a scene that is exported to ``folder``."""
    return {
        "name": compiled.name,
        "rooms": [
            {"name": r.name, "polygon": r.polygon.tolist(), "floor": r.floor, "height": r.height}
            for r in compiled.rooms
        ],
        "sources": [
            {"name": s.name, "sound": sound, "position": list(s.position), "level": s.level,
             "object": s.object}
            for s in compiled.sources if (sound := _portable(s.sound, folder)) is not None
        ],
    }  # fmt: skip


def _portable(sound: str, folder: Path) -> str | None:
    """Return a sound as the file may name it; None for a file outside its folder."""
    if is_builtin(sound):
        return sound
    path, folder = Path(sound), folder.resolve()
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else None


def object_notes(thing: SceneObject, rooms: Sequence[Room]) -> dict[str, Any]:
    """Return the notes about an object."""
    return {
        "kind": thing.kind,
        "category": CATEGORIES[thing.category],
        "room": rooms[thing.room].name if thing.room >= 0 else None,
        "position": list(thing.position),
        "heading": thing.heading,
        "size": list(thing.size),
    }


def surface_notes(compiled: CompiledScene, row: int, sheet: bool) -> dict[str, Any]:
    """Return the notes about a surface: all that sound needs to know of it."""
    table = compiled.surfaces
    return {
        "material": table.names[row],
        "sheet": sheet,
        "absorption": table.absorption[row].tolist(),
        "scattering": table.scattering[row].tolist(),
        "transmission": table.transmission[row].tolist(),
    }
