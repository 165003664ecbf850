"""Worlds from what names or describes a scene: files, meshes, homes of sets."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from avenv.core import cache
from avenv.core.errors import SceneError, SoundError
from avenv.scene import CompiledScene, SceneSpec, compile_scene, find_scene
from avenv.scene.fields import names_file
from avenv.scene.files import (
    HABITAT_ENDINGS,
    MESH_SUFFIXES,
    SPEC_SUFFIXES,
    is_habitat_reference,
    names_mesh,
)
from avenv.scene.homes import (
    find_homes,
    home_reference,
    is_reference,
    make_home,
    with_boxes,
    without_boxes,
)
from avenv.scene.problems import Problems
from avenv.scene.stored import restore, store
from avenv.simulation.homes import HomeStore, StoredHome, home_key
from avenv.simulation.world import World, doors_of
from avenv.sounds import check_builtin

if TYPE_CHECKING:
    from avenv.scene.meshes import ImportReport

HOME_BYTES = 384 * 2**20
"""Bytes that the homes of sets which were used last may take, see ``limit_homes``."""


def load_scene(scene: "str | Path | SceneSpec | CompiledScene | World") -> World:
    """Load one scene.

    Args:
        scene: the path of a YAML file, of a mesh (GLB, glTF, OBJ, PLY, STL) or of a Habitat scene
            (``*.stage_config.json``, ``*.scene_instance.json``; ``"habitat:PATH"`` takes a mesh as
            habitat-sim does, ``"habitat:PATH@3.1"`` walks on its storey at 3.1 m), the name of an
            authored scene (``"apartment"``), a home of a set (``"homes:val/3"``), a ``SceneSpec``,
            a ``CompiledScene``, or a ``World``, which is returned as it is. ``"+boxes"`` behind a
            name or path puts boxes into what was described (``"apartment+boxes"``).

    Raises:
        SceneError: there is no such scene, or it is malformed, or avenv knows no sound that one of
            its sources plays; the message names file and field.
    """
    if isinstance(scene, World):
        return scene
    if isinstance(scene, CompiledScene):
        return World(scene)
    if isinstance(scene, SceneSpec):
        return _described(scene)
    if not isinstance(scene, str | Path):
        raise SceneError(
            f"scene is {scene!r}; accepted are the path of a YAML file, the name of an authored "
            "scene, a home (homes:val/3), a SceneSpec, a CompiledScene or a World"
        )
    if is_reference(scene):
        homes = find_homes(str(scene))
        if len(homes) > 1:
            raise SceneError(f"{scene!r} are many homes; accepted here: one, {scene}/0")
        return HOMES.get(homes.split, homes.numbers[0])
    if is_habitat_reference(scene):
        return _habitat_world(str(scene))
    if (plain := without_boxes(str(scene))) is not None:
        spec = load_scene(plain).spec
        if spec is None:
            raise SceneError(f"{plain} is a mesh; accepted with boxes: scenes that are described")
        return _described(with_boxes(spec), str(scene))
    path = Path(scene)
    if names_mesh(path):
        from avenv.scene.meshes import load_mesh  # only where there is a mesh

        compiled, report = load_mesh(path)
        return _world(compiled, str(path), report=report, reference=str(path))
    if path.suffix.lower() not in SPEC_SUFFIXES:
        if path.suffix:
            raise SceneError(
                f"{path}: cannot read {path.suffix} files; accepted: "
                f"{', '.join((*SPEC_SUFFIXES, *MESH_SUFFIXES, *HABITAT_ENDINGS))}"
            )
        path = find_scene(str(scene))
    return _described(SceneSpec.from_yaml(path), str(scene))


def _habitat_world(reference: str) -> World:
    """Return the one scene that ``habitat:PATH`` means."""
    from avenv.scene.meshes import load_habitat

    scenes = habitat_scenes_of(reference)
    if len(scenes) > 1:
        raise SceneError(f"{reference!r} are {len(scenes)} scenes; accepted here: one of them, as "
                         f"{scenes[0]!r}")  # fmt: skip
    compiled, report = load_habitat(scenes[0])
    return _world(compiled, scenes[0], report=report, reference=scenes[0])


def habitat_scenes_of(reference: str) -> tuple[str, ...]:
    """Return what loads each of the scenes that ``habitat:PATH`` means."""
    from avenv.scene.meshes.habitat_scenes import habitat_scenes  # only where there is one

    return habitat_scenes(reference)


def _home(split: str, number: int) -> World:
    """Return a home from the cache folder; else make it, and keep it there."""

    def describe() -> SceneSpec:
        return make_home(split, number)

    def make() -> StoredHome:
        spec = describe()
        return StoredHome(store(compile_scene(spec)), np.array(doors_of(spec)).reshape(-1, 2))

    home = cache.recall(home_key(split, number), StoredHome, make)
    doors, reference = tuple(map(tuple, home.doors.tolist())), home_reference(split, number)
    return _world(restore(home.scene), reference, describe, reference=reference, doors=doors)


HOMES = HomeStore(_home, HOME_BYTES)
"""The homes of this process."""


def limit_homes(size: int) -> None:
    """Let the homes of sets that were used last take up to ``size`` bytes of memory.

    Those that environments are in are kept by them beside this.

    Raises:
        ValueError: size is negative.
    """
    HOMES.resize(size)


def _described(spec: SceneSpec, reference: str = "") -> World:
    return _world(compile_scene(spec), spec.source, spec, reference=reference)


def _world(
    compiled: CompiledScene,
    source: str,
    spec: SceneSpec | Callable[[], SceneSpec] | None = None,
    report: "ImportReport | None" = None,
    reference: str = "",
    doors: tuple[tuple[float, float], ...] | None = None,
) -> World:
    """Return the world of a scene that messages call ``source``, if its sounds are known."""
    problems = Problems(source)
    for k, sounding in enumerate(compiled.sources):
        if names_file(sounding.sound) and Path(sounding.sound).is_file():
            continue  # who read the scene has seen that it may name it
        try:
            check_builtin(sounding.sound)
        except SoundError as error:
            problems.add(f"sources[{k}].sound", str(error))
    problems.check()
    return World(compiled, spec, report=report, reference=reference, doors=doors)
