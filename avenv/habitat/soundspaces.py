"""Episode files of SoundSpaces and SAVi, and results in the challenge's form.

The fields are those of the published datasets (Chen et al. 2020, "SoundSpaces"; Chen et al. 2021,
"Semantic Audio-Visual Navigation"): ``scene_id``, ``start_position``, ``start_rotation`` (x, y, z,
w), ``goals``, and of the sound ``sound_id`` (or ``info.sound``), ``offset`` and ``duration`` in
seconds.
"""

import gzip
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from zlib import error as zlib_error

import numpy as np

from avenv.core.files import read_limited
from avenv.habitat.axes import from_habitat, heading_of
from avenv.scene import CATEGORIES
from avenv.scene.files import HABITAT, names_mesh
from avenv.simulation.loading import load_scene
from avenv.simulation.world import World
from avenv.sounds.sets import load_sounds
from avenv.tasks.episode import Episode, EpisodeSource, Goal, Point, Reference, sound_reference

MAX_BYTES = 2**28
"""Of a file of episodes, before and after it is unpacked."""

SOURCE_HEIGHT = 1.5
"""Metres above the goal, which is on the floor, at which SoundSpaces puts source and ears."""

_BESIDE = (".scene_instance.json", ".stage_config.json")
"""Files that say more of a mesh than it does, if they lie beside it."""


def read_episodes(
    path: str | Path,
    scenes: str | Path,
    sounds: str | Path,
    sample_rate: int = 16000,
    height: float = SOURCE_HEIGHT,
) -> tuple[list[Episode], list[str]]:
    """Return the episodes of a file whose scenes are here, as avenv plays them.

    In a scene of several storeys an episode is on the one that it starts on.

    Args:
        path: a ``*.json.gz`` or ``*.json``; where it holds none by itself, those of the folder
            ``content`` beside it.
        scenes: folder that ``scene_id`` is in, whole or without its first folders.
        sounds: folder that ``sound_id`` is in, with or without ``.wav``.
        sample_rate: Hz, at which sounds are looked up.
        height: metres of the source above the goal.

    Returns:
        the episodes, and the ids of the scenes that are not here.

    Raises:
        ValueError: the file cannot be read, lacks a field, or none of its scenes is here.
        SceneError, SoundError: a scene or a sound that is here cannot be used.
    """
    path = Path(path)
    records = _records(path)
    if not records:
        for part in sorted((path.parent / "content").glob("*.json*")):
            records += _records(part)
    if not records:
        raise ValueError(f"{path}: has no episodes, nor has the folder content beside it")
    world_of, sound_of = cache(load_scene), cache(_sound)
    episodes, missing = [], dict[str, None]()
    for k, record in enumerate(records):
        where = f"{path}: episodes[{k}]"
        scene = _find_scene(Path(scenes), str(_field(record, "scene_id", where)))
        if scene is None:
            missing[record["scene_id"]] = None
            continue
        sound = sound_of(Path(sounds), _told(record, ("sound_id", "sound"), where), sample_rate)
        z = _point(_field(record, "start_position", where), f"{where}.start_position")[2]
        reference = _storey_of(world_of(habitat_scene(scene)), z)
        episodes.append(_episode(record, where, world_of(reference), sound, height))
    if not episodes:
        few = ", ".join(list(missing)[:3])
        raise ValueError(f"{path}: none of its {len(missing)} scenes is in {scenes}: {few}, ...")
    return episodes, list(missing)


def _records(path: Path) -> list[dict[str, Any]]:
    try:
        content = read_limited(path, MAX_BYTES)
        if content[:2] == b"\x1f\x8b":
            with gzip.open(path) as file:
                content = file.read(MAX_BYTES + 1)
            if len(content) > MAX_BYTES:
                raise ValueError(f"unpacks to more than {MAX_BYTES / 1e6:g} MB")
        records = json.loads(content)["episodes"]
        if not all(isinstance(record, dict) for record in records):
            raise TypeError("an episode is no mapping")
    except (OSError, EOFError, zlib_error) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path}: is no file of episodes: {error!r}") from error
    return records


def _episode(
    record: Mapping[str, Any], where: str, world: World, sound: Reference, height: float
) -> Episode:
    x, y, _ = _point(_field(record, "start_position", where), f"{where}.start_position")
    goals = _field(record, "goals", where)
    if not (isinstance(goals, list) and goals and isinstance(goals[0], Mapping)):
        raise ValueError(f"{where}.goals is {goals!r:.80}; accepted: a list with a goal")
    goal = _point(_field(goals[0], "position", where), f"{where}.goals[0].position")
    place = (goal[0], goal[1], goal[2] + height)
    offset, duration = (_seconds(record, name, where) for name in ("offset", "duration"))
    category = str(record.get("object_category") or "").strip().lower().replace(" ", "_")
    return Episode(
        task="AudioGoal",
        scene=Reference(world.reference, world.content_hash),
        start=(x, y),
        heading=_heading(_field(record, "start_rotation", where), f"{where}.start_rotation"),
        sources=(EpisodeSource(sound, place, onset=offset, duration=duration),),
        goals=(
            Goal(source=0, position=place, category=category if category in CATEGORIES else None),
        ),
        instruction=f"Find the {category.replace('_', ' ')}." if category else "",
    )


def _storey_of(world: World, z: float) -> str:
    """Return the reference of a scene on the storey whose floor is nearest to ``z``, metres."""
    floors = [level for level, _ in world.report.floors] if world.report else []
    if not world.reference.startswith(HABITAT) or len(floors) < 2:
        return world.reference
    level = min(floors, key=lambda level: abs(level - z))
    return world.reference if level == floors[0] else f"{world.reference}@{level:.2f}"


def _heading(rotation: Any, where: str) -> float:
    """Return the heading of a body that is turned by a quaternion (x, y, z, w)."""
    try:
        x, y, z, w = rotation
        return heading_of((w, x, y, z))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {rotation!r:.80} is no rotation: {error}") from error


def _point(position: Any, where: str) -> Point:
    """Return a point of Habitat's world in ours."""
    try:
        x, y, z = from_habitat(np.array(position, np.float64).reshape(3)).tolist()
    except (TypeError, ValueError):
        raise ValueError(f"{where} is {position!r:.80}; accepted: [x, y, z]") from None
    return x, y, z


def _field(record: Mapping[str, Any], name: str, where: str) -> Any:
    if name not in record:
        raise ValueError(f"{where} lacks {name!r}")
    return record[name]


def _told(record: Mapping[str, Any], names: Iterable[str], where: str) -> str:
    """Return what a record or its ``info`` has under one of some names."""
    info = record.get("info") or {}
    for name in names:
        for holder in (record, info):
            if holder.get(name) is not None:
                return str(holder[name])
    raise ValueError(f"{where} lacks {' and '.join(map(repr, names))}")


def _seconds(record: Mapping[str, Any], name: str, where: str) -> float | None:
    """Return seconds that a record may tell; of AV-Nav's endless sounds None."""
    value = record.get(name, (record.get("info") or {}).get(name))
    if value is None:
        return None
    if not isinstance(value, int | float | str) or not str(value).replace(".", "", 1).isdigit():
        raise ValueError(f"{where}.{name} is {value!r}; accepted: seconds")
    return float(value)


def _find_scene(folder: Path, scene_id: str) -> Path | None:
    """Return the file of a scene, or what lies beside it and says more of it."""
    parts = [part for part in Path(scene_id).parts if part not in ("/", "..")]
    for k in range(len(parts)):
        mesh = folder.joinpath(*parts[k:])
        for ending in _BESIDE:
            if (better := mesh.with_name(mesh.stem + ending)).is_file():
                return better
        if mesh.is_file():
            return mesh
    return None


def habitat_scene(path: str | Path) -> str:
    """Return what ``load_scene`` takes to read a scene's file as habitat-sim would."""
    return f"{HABITAT}{path}" if names_mesh(Path(path)) else str(path)


def _sound(folder: Path, name: str, sample_rate: int) -> Reference:
    parts = [part for part in Path(name).parts if part not in ("/", "..")]
    for ending in ("", ".wav"):
        file = folder.joinpath(*parts[:-1], parts[-1] + ending)
        if file.is_file():
            return sound_reference(load_sounds(str(file.absolute()), sample_rate)[0])
    raise ValueError(f"{folder}: there is no sound {name!r}")


def challenge_data(records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return results in the form of SoundSpaces' challenge.

    Args:
        records: of the episodes, each with ``scene``, ``number`` or ``id``, ``actions`` and
            ``metrics``.

    Returns:
        ``ACTIONS`` by ``SCENE_EPISODE``, and the means ``SPL``, ``SOFT_SPL``,
        ``DISTANCE_TO_GOAL`` and ``SUCCESS``. The numbers of the actions are the same.

    Raises:
        ValueError: there are none, or one has an action that the challenge does not know.
    """
    records = list(records)
    if not records:
        raise ValueError("there are no episodes to export")
    actions: dict[str, list[int]] = {}
    for record in records:
        name = f"{_scene_name(record['scene'])}_{record.get('id', record['number'])}"
        if not all(action in (0, 1, 2, 3) for action in record["actions"]):
            raise ValueError(f"{name}: the challenge knows the actions 0 to 3 only")
        actions[name] = list(record["actions"])
    means = {
        title: float(np.mean([record["metrics"][metric] for record in records]))
        for title, metric in (
            ("SPL", "spl"),
            ("SOFT_SPL", "soft_spl"),
            ("DISTANCE_TO_GOAL", "distance_to_goal"),
            ("SUCCESS", "success"),
        )
    }
    return {"ACTIONS": actions, **means}


def _scene_name(reference: str) -> str:
    """Return the name of a scene without folders and endings."""
    return reference.rpartition("/")[2].partition(".")[0] if "." in reference else reference
