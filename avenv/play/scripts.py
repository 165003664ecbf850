"""Scenes that a Python script builds."""

import runpy
import traceback
from pathlib import Path

from avenv.core.errors import SceneError
from avenv.scene import SceneBuilder, SceneSpec

NAMES = ("spec", "scene")
"""Names under which a script may leave its scene; else it is the only one that it leaves."""


def run_script(path: str | Path) -> SceneSpec:
    """Run a script and return the scene that it has built: a ``SceneSpec``, or what builds one.

    The script is the user's own, and is run as ``python`` runs it, but under another name than
    ``__main__``.

    Raises:
        SceneError: it fails, in words with the line that did; or it leaves no scene, or several.
    """
    path = Path(path)
    try:
        left = runpy.run_path(str(path), run_name="avenv_scene")
    except SceneError:
        raise
    except SystemExit as error:
        raise SceneError(f"{path}: ended with status {error.code}") from None
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == str(path)]
        line = getattr(error, "lineno", None) or (lines[-1] if lines else None)
        where = f"{path}:{line}" if line else str(path)
        raise SceneError(f"{where}: {type(error).__name__}: {error}") from error
    scenes = {n: x for n, x in left.items() if isinstance(x, SceneSpec | SceneBuilder)}
    named = [name for name in NAMES if name in scenes]
    specs = [name for name, found in scenes.items() if isinstance(found, SceneSpec)]
    chosen = named or specs or list(scenes)
    if len(chosen) != 1 and not named:
        found = ", ".join(chosen) or "none"
        raise SceneError(f"{path}: leaves {found}; accepted: one SceneSpec, or one called spec")
    scene = scenes[chosen[0]]
    return scene.build() if isinstance(scene, SceneBuilder) else scene
