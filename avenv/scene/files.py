"""Find the scenes that come with the package."""

from pathlib import Path

from avenv.errors import SceneError
from avenv.scene.problems import suggest

# In a wheel the authored scenes lie beside this module, in a checkout at its top.
_FOLDERS = (Path(__file__).with_name("authored"), Path(__file__).parents[2] / "scenes")


def scene_names() -> tuple[str, ...]:
    """Return the names of the authored scenes, sorted."""
    return tuple(sorted({path.stem for folder in _FOLDERS for path in folder.glob("*.yaml")}))


def find_scene(name: str) -> Path:
    """Return the file of an authored scene, e.g. ``"apartment"``.

    Raises:
        SceneError: there is none of this name; the message lists those there are.
    """
    if name in scene_names():
        return next(p for f in _FOLDERS if (p := f / f"{name}.yaml").is_file())
    raise SceneError(f"there is no authored scene {name!r}{suggest(name, scene_names())}")
