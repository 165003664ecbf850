"""Find the scenes that come with the package."""

from pathlib import Path

from avenv.errors import SceneError
from avenv.scene.problems import suggest

_PACKAGED = Path(__file__).with_name("authored")  # in a wheel
_FOLDER = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[2] / "scenes"


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
