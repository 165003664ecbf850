"""The scene of a live ``habitat_sim.Simulator``: its stage and its things, as they are now.

habitat-sim keeps the triangles to itself (``getJoinedMesh`` is not bound in Python), but says of
each thing which file it is made of and where it stands: ``get_stage_initialization_template()``,
and ``get_rigid_object_manager()`` with ``creation_attributes``, ``transformation``, ``scale`` and
``com_correction`` (src/esp/bindings: SimBindings, AttributesBindings, PhysicsObjectBindings). The
files are read by avenv's own readers, each once; what moved is found by comparing matrices.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SceneError
from avenv.habitat.materials import HabitatMaterial
from avenv.scene.compiled import CompiledScene
from avenv.scene.meshes.build import build_mesh
from avenv.scene.meshes.habitat_assets import asset_axes
from avenv.scene.meshes.parts import MeshFile, MeshPart
from avenv.scene.meshes.readers import read_mesh
from avenv.scene.meshes.rules import read_rules
from avenv.scene.meshes.settings import MeshSettings

_PLAIN = "plaster"  # of surfaces whose materials are not told apart


@dataclass(frozen=True, eq=False)
class Placed:
    """A file in Habitat's world.

    Attributes:
        name: of the thing; the stage's is ``"stage"``.
        path: of its mesh.
        matrix: (4, 4) from the file's axes and units to Habitat's world.
        category: what it is, if habitat-sim's semantic scene says so; else empty.
    """

    name: str
    path: Path
    matrix: NDArray[np.float64]
    category: str = ""

    @property
    def key(self) -> tuple[str, str, bytes]:
        """What is another where the thing has moved, to a tenth of a millimetre."""
        return self.name, str(self.path), np.round(self.matrix, 4).tobytes()


def things_of(sim: Any) -> list[Placed]:
    """Return the stage and all rigid objects of a simulator, where they are now.

    Raises:
        SceneError: one is made of no file that can be read, as habitat-sim's primitives are.
    """
    stage = sim.get_stage_initialization_template()
    things = [Placed("stage", _file(stage, "the stage"), _asset_matrix(stage))]
    categories = _categories(sim)
    manager = sim.get_rigid_object_manager()
    for handle, thing in sorted(manager.get_objects_by_handle_substring().items()):
        made_of = thing.creation_attributes
        middle = np.eye(4)
        middle[:3, 3] = np.asarray(thing.com_correction, np.float64)
        matrix = np.asarray(thing.transformation, np.float64) @ middle @ _asset_matrix(made_of)
        category = categories.get(int(thing.semantic_id), "")
        things.append(Placed(handle.rstrip("_:0123456789") or handle, _file(made_of, handle),
                             matrix, category))  # fmt: skip
    return _uniquely_named(things)


class LiveScene:
    """Keeps a compiled scene in step with a simulator.

    Args:
        sim: the ``habitat_sim.Simulator``.
        unit: metres in one of its units.
        materials: of surfaces by semantic category or the file's own material, in lower case, as
            ``read_materials`` returns them; by default avenv's own rules choose by name and colour.
        plain: tell no materials apart.
    """

    def __init__(
        self,
        sim: Any,
        unit: float = 1.0,
        materials: Mapping[str, HabitatMaterial] | None = None,
        plain: bool = False,
    ):
        self._sim, self._unit, self._materials, self._plain = sim, unit, materials, plain
        self._files: dict[Path, MeshFile] = {}
        self._key: tuple = ()
        self._compiled: CompiledScene | None = None

    @property
    def compiled(self) -> CompiledScene:
        """The scene as it is now: the very same object as long as nothing has moved.

        Raises:
            SceneError: a file cannot be read, or there is nothing in the scene.
        """
        things = things_of(self._sim)
        key = tuple(thing.key for thing in things)
        if self._compiled is None or key != self._key:
            self._compiled, self._key = self._compile(things), key
        return self._compiled

    def _compile(self, things: list[Placed]) -> CompiledScene:
        parts = [part for thing in things for part in self._parts(thing)]
        path = things[0].path
        content = MeshFile(parts, y_up=True, in_metres=True)
        settings = MeshSettings.checked(
            {"mesh": path.name, "unit": self._unit} | ({"default": _PLAIN} if self._plain else {}),
            path,
        )
        return build_mesh(content, settings, read_rules(None), path)[0]

    def _parts(self, thing: Placed) -> Iterator[MeshPart]:
        """Yield a thing's triangles in Habitat's world, each with its material."""
        if thing.path not in self._files:
            self._files[thing.path] = read_mesh(thing.path)
        turned = np.linalg.det(thing.matrix[:3, :3]) < 0
        order = [2, 1, 0] if turned else [0, 1, 2]
        for part in self._files[thing.path].parts:
            triangles = part.triangles @ thing.matrix[:3, :3].T + thing.matrix[:3, 3]
            yield replace(
                part,
                owner=part.owner if thing.name == "stage" else thing.name,
                triangles=triangles[:, order],
                uv=None if part.uv is None else part.uv[:, order],
                material=replace(part.material, notes=self._notes(thing, part)),
                notes=None,
            )

    def _notes(self, thing: Placed, part: MeshPart) -> Mapping[str, Any] | None:
        """Return what the materials say of a part's surface, or None: avenv's rules choose."""
        if self._materials is None or self._plain:
            return None
        for label in (thing.category, part.owner, part.material.name, "default"):
            if (found := self._materials.get(label.lower())) is not None:
                return found.notes
        return None


def _asset_matrix(attributes: Any) -> NDArray[np.float64]:
    """Return the matrix (4, 4) from an asset's axes into Habitat's, scaled."""
    up, front, scale = (
        tuple(np.asarray(getattr(attributes, name), np.float64).tolist())
        for name in ("orient_up", "orient_front", "scale")
    )
    matrix = np.eye(4)
    matrix[:3, :3] = np.diag(scale) @ asset_axes(up, front, str(attributes.handle))
    return matrix


def _file(attributes: Any, what: str) -> Path:
    name = str(getattr(attributes, "render_asset_fullpath", "") or attributes.render_asset_handle)
    path = Path(name)
    if not path.is_file():
        raise SceneError(f"{what}: its render asset {name!r} is no file; things that habitat-sim "
                         "makes by itself cannot be heard")  # fmt: skip
    return path


def _categories(sim: Any) -> dict[int, str]:
    """Return the names of the categories by semantic id, where the semantic scene knows any."""
    scene = getattr(sim, "semantic_scene", None)
    out = {}
    for number, thing in enumerate(getattr(scene, "objects", None) or ()):
        if thing is not None and (category := thing.category) is not None:
            out[int(getattr(thing, "semantic_id", number))] = str(category.name())
    return out


def _uniquely_named(things: list[Placed]) -> list[Placed]:
    """Return things of which no two share a name."""
    count: dict[str, int] = {}
    out = []
    for thing in things:
        count[thing.name] = number = count.get(thing.name, 0) + 1
        out.append(thing if number == 1 else replace(thing, name=f"{thing.name}_{number}"))
    return out
