"""``habitat:PATH`` or ``habitat:PATH@LEVEL``: scenes of Habitat's datasets, found by their files.

PATH is a ``*.scene_dataset_config.json``; a ``*.scene_instance.json``, ``*.stage_config.json`` or
mesh, which is one scene; or a folder, in which scenes are known by the files of Matterport3D, HM3D,
Gibson and Replica, or by a configuration. LEVEL, in metres, is that of the storey to walk on.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from avenv.core.errors import SceneError
from avenv.scene.files import HABITAT
from avenv.scene.meshes.habitat_dataset import DATASETS, INSTANCE, STAGE, Dataset, read_dataset
from avenv.scene.meshes.references import References

_MESHES = (".glb", ".gltf", ".ply", ".obj")
_BESIDE = (".house", ".scn", ".navmesh", "_semantic.ply", ".semantic.txt", ".semantic.glb")
_NO_STAGE = ("_semantic.ply", ".semantic.glb")
_AT = re.compile(r"(.+)@([-+]?\d+(?:\.\d*)?)")


def path_and_level(reference: str) -> tuple[Path, float | None]:
    """Return the path that ``habitat:PATH@LEVEL`` means, and the level of the storey, or None."""
    name = reference.removeprefix(HABITAT)
    found = _AT.fullmatch(name)
    if found is None or Path(name).exists():
        return Path(name), None
    return Path(found[1]), float(found[2])


def habitat_scenes(reference: str) -> tuple[str, ...]:
    """Return the scenes that ``habitat:PATH`` means, each as such a reference, sorted.

    Raises:
        SceneError: there is no such file or folder, or no scene in it.
    """
    path, level = path_and_level(reference)
    if path.is_dir():
        configs = [found for pattern in DATASETS for found in sorted(path.glob(pattern))]
        found = _of_dataset(configs[0]) if configs else _of_folder(path)
    elif not path.is_file():
        raise SceneError(f"{reference}: there is no file or folder {str(path)!r}")
    elif any(path.match(pattern) for pattern in DATASETS):
        found = _of_dataset(path)
    elif path.name.endswith((STAGE, INSTANCE)) or path.suffix.lower() in _MESHES:
        found = [path]
    else:
        raise SceneError(
            f"{reference}: accepted: a folder, {', '.join(DATASETS)}, *{INSTANCE}, *{STAGE}, or a "
            f"mesh ({', '.join(_MESHES)})"
        )
    if not found:
        raise SceneError(f"{reference}: there are no scenes in it")
    storey = "" if level is None else f"@{level:g}"
    return tuple(f"{HABITAT}{file}{storey}" for file in found)


def _of_dataset(path: Path) -> list[Path]:
    """Return the scenes of a dataset: its instances, or, where it has none, its stages."""
    about = read_dataset(References(path.parent.resolve() / "x"))
    instances = about.instances or tuple(sorted(path.parent.rglob(f"*{INSTANCE}")))
    return list(instances) or _stages(about)


def _stages(about: Dataset) -> list[Path]:
    files = (template.file for template in about.templates["stages"].by_handle.values())
    return sorted({file for file in files if file != about.file and _is_stage(file)})


def _of_folder(folder: Path) -> list[Path]:
    """Return the scenes below a folder that has no configuration."""
    for pattern in (f"*{INSTANCE}", f"*{STAGE}"):
        if found := sorted(folder.rglob(pattern)):
            return found
    meshes = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _MESHES and _is_stage(p))
    known = [path for path in meshes if _is_known(path)]
    return _one_each(known or meshes)


def _is_stage(path: Path) -> bool:
    return not path.name.endswith(_NO_STAGE)


def _is_known(path: Path) -> bool:
    """Say whether what lies beside a mesh shows that it is a scene of a dataset's."""
    stem = path.name.partition(".")[0]
    replica = [folder / "info_semantic.json" for folder in (path.parent, path.parent / "habitat")]
    beside = [path.with_name(stem + ending) for ending in _BESIDE]
    return any(file.is_file() for file in (*beside, *replica))


def _one_each(paths: Iterable[Path]) -> list[Path]:
    """Return one mesh of each scene, the plain one where there is a compressed one too."""
    out: dict[tuple[Path, str], Path] = {}
    for path in sorted(paths, key=lambda p: (".basis." in p.name, p.suffix != ".glb", p)):
        out.setdefault((path.parent, path.name.partition(".")[0]), path)
    return sorted(out.values())
