"""The sound sources that a scene file adds to its mesh."""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from avenv.scene.catalogue import kind, kind_names
from avenv.scene.compiled import SceneObject, SceneSource
from avenv.scene.meshes.notes import is_builtin
from avenv.scene.meshes.settings import MeshSettings
from avenv.scene.placed import free_name
from avenv.scene.problems import Problems, suggest
from avenv.scene.spec import SourceSpec

_ABOVE = 0.02  # m between an object and the source on it, so that the object does not hide it


def place_sources(
    settings: MeshSettings, objects: Sequence[SceneObject], others: Sequence[SceneSource]
) -> list[SceneSource]:
    """Return the sources of the settings; ``others`` are there already.

    Raises:
        SceneError: a name comes twice, or an object or a sound file is not there.
    """
    problems = Problems(settings.source)
    by_name = {thing.name: thing for thing in objects}
    taken = {source.name for source in others}
    placed = []
    for k, source in enumerate(settings.sources):
        place = f"sources[{k}]"
        if source.on is not None and source.on not in by_name:
            problems.add(f"{place}.on", f"there is no object {source.on!r}"
                         f"{suggest(source.on, by_name)}")  # fmt: skip
            continue
        support = by_name.get(source.on or "")
        sound = _sound(settings, source, support, place, problems)
        name = _name(source, taken, place, problems)
        taken.add(name)
        position = source.position or _top(support)
        if sound is not None:
            placed.append(SceneSource(name, sound, position, source.level, source.on))
    problems.check()
    return placed


def _name(source: SourceSpec, taken: Collection[str], place: str, problems: Problems) -> str:
    if source.name is None:
        return free_name(source.on or Path(source.sound or "").stem, taken)
    if source.name in taken:
        problems.add(f"{place}.name", f"{source.name!r} names another source too")
    return source.name


def _sound(
    settings: MeshSettings, source: SourceSpec, support: SceneObject | None, place: str,
    problems: Problems,
) -> str | None:  # fmt: skip
    """Return a built-in kind, or the path of an existing file."""
    if source.sound is None:
        made = kind(support.kind).sound if support and support.kind in kind_names() else None
        if made is None:
            problems.add(f"{place}.sound", "is missing; the object makes no sound of its own")
        return made
    if is_builtin(source.sound):
        return source.sound
    path = settings.find(source.sound, f"{place}.sound")
    if not path.is_file():
        problems.add(f"{place}.sound", f"there is no file {str(path)!r}")
        return None
    return str(path)


def _top(support: SceneObject | None) -> tuple[float, float, float]:
    assert support is not None  # a source without a position is on an object
    x, y, z = support.position
    return x, y, float(np.float64(z) + support.size[2] + _ABOVE)
