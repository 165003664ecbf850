"""Find the scenes that come with the package, and tell the kinds of scene files apart."""

import re
from pathlib import Path

from avenv.core.errors import SceneError
from avenv.core.files import read_limited
from avenv.core.plain_yaml import MAX_BYTES
from avenv.scene.problems import suggest

_PACKAGED = Path(__file__).with_name("authored")  # in a wheel
_FOLDER = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[2] / "scenes"

SPEC_SUFFIXES = (".yaml", ".yml")
MESH_SUFFIXES = (".glb", ".gltf", ".obj", ".ply", ".stl")
HABITAT_ENDINGS = (".stage_config.json", ".scene_instance.json")
HABITAT = "habitat:"
"""Before the path of a dataset of Habitat's, or of a mesh to be read as habitat-sim does."""


def is_habitat_reference(scene: object) -> bool:
    """Say whether something is written as ``habitat:PATH``."""
    return isinstance(scene, str) and scene.startswith(HABITAT)


def names_mesh(path: Path) -> bool:
    """Say whether a file is a mesh, a Habitat scene, or YAML that says ``mesh:``."""
    if path.suffix.lower() in SPEC_SUFFIXES and path.is_file():
        try:
            content = read_limited(path, MAX_BYTES)
        except (OSError, ValueError):
            return False  # what reads scenes will say so
        return re.search(rb"^mesh[ \t]*:", content, re.MULTILINE) is not None
    return path.suffix.lower() in MESH_SUFFIXES or path.name.endswith(HABITAT_ENDINGS)


def scene_names() -> tuple[str, ...]:
    """Return the names of the authored scenes, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def find_scene(name: str) -> Path:
    """Return the file of an authored scene, e.g. ``"apartment"``.

    Raises:
        SceneError: there is none of this name; the message lists those there are.
    """
    if name not in scene_names():
        raise SceneError(f"there is no authored scene {name!r}{suggest(name, scene_names())}")
    return _FOLDER / f"{name}.yaml"
