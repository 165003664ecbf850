"""A world: one scene, with what the eye, the ear and the foot each derive from it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv import acoustics, navigation, vision
from avenv.acoustics.scene import AcousticScene
from avenv.errors import SceneError
from avenv.navigation import WalkableGrid
from avenv.scene import CompiledScene, SceneSpec, compile_scene, find_scene
from avenv.vision import RasterScene

SPEC_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, eq=False)
class World:
    """One compiled scene and its derived tables, each made once, on first use.

    Attributes:
        compiled: the flat arrays that everything below is made from.
        spec: the description it was compiled from, where there is one.
    """

    compiled: CompiledScene
    spec: SceneSpec | None = None

    @property
    def name(self) -> str:
        """The scene's name."""
        return self.compiled.name

    @cached_property
    def raster(self) -> RasterScene:
        """Triangle clusters for the rasteriser."""
        return vision.prepare(self.compiled)

    @cached_property
    def acoustics(self) -> AcousticScene:
        """Reflecting patches and surfaces for the tracer."""
        return acoustics.prepare(self.compiled)

    @cached_property
    def walkable(self) -> WalkableGrid:
        """Where a body of the default radius can be."""
        return navigation.build_grid(self.compiled)

    @cached_property
    def places(self) -> NDArray[np.float64]:
        """Places (P, 2) a metre apart on the walkable floor: where episodes put their sources.

        A finite set, so that the acoustic field of each is traced only once.
        """
        return self.walkable.places()


def load_scene(scene: "str | Path | SceneSpec | CompiledScene | World") -> World:
    """Load one scene.

    Args:
        scene: the path of a YAML file, the name of an authored scene (``"apartment"``), a
            ``SceneSpec``, a ``CompiledScene``, or a ``World``, which is returned as it is.

    Raises:
        SceneError: there is no such scene, or it is malformed; the message names file and field.
    """
    if isinstance(scene, World):
        return scene
    if isinstance(scene, CompiledScene):
        return World(scene)
    if isinstance(scene, SceneSpec):
        return World(compile_scene(scene), scene)
    if not isinstance(scene, str | Path):
        raise SceneError(
            f"scene is {scene!r}; accepted are the path of a YAML file, the name of an authored "
            "scene, a SceneSpec, a CompiledScene or a World"
        )
    path = Path(scene)
    if path.suffix.lower() not in SPEC_SUFFIXES:
        if path.suffix:
            raise SceneError(f"{path}: cannot read {path.suffix} files; accepted: .yaml, .yml")
        path = find_scene(str(scene))
    spec = SceneSpec.from_yaml(path)
    return World(compile_scene(spec), spec)


def load_worlds(scenes: Any) -> Sequence[World]:
    """Load one scene, or a list of them; the same scene named twice is loaded once.

    Args:
        scenes: what ``load_scene`` takes, or an iterable of such.

    Raises:
        SceneError: the list is empty, or one of the scenes cannot be loaded.
    """
    if isinstance(scenes, str | Path | SceneSpec) or not isinstance(scenes, Iterable):
        return (load_scene(scenes),)
    loaded: dict[Any, World] = {}
    worlds = []
    for scene in scenes:
        key = str(scene) if isinstance(scene, str | Path) else id(scene)
        if key not in loaded:
            loaded[key] = load_scene(scene)
        worlds.append(loaded[key])
    if not worlds:
        raise SceneError("scenes is empty; at least one scene is needed")
    return tuple(worlds)
