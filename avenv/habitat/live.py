"""The scene of a live ``habitat_sim.Simulator``: its stage and its things, as they are now.

habitat-sim keeps the triangles to itself (``getJoinedMesh`` is not bound in Python), but says of
each thing which file it is made of and where it stands: ``get_stage_initialization_template()``,
``get_rigid_object_manager()`` with ``creation_attributes``, ``transformation``, ``scale`` and
``com_correction``, and ``get_articulated_object_manager()`` with the positions of joints
(src/esp/bindings: SimBindings, AttributesBindings, PhysicsObjectBindings). The files are read by
avenv's own readers, each once; what moved is found by comparing matrices and joints.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SceneError
from avenv.habitat.materials import HabitatMaterial
from avenv.scene.compiled import CompiledScene
from avenv.scene.meshes.build import build_mesh
from avenv.scene.meshes.habitat import dataset_root
from avenv.scene.meshes.habitat_assets import asset_axes
from avenv.scene.meshes.parts import MeshFile, MeshPart
from avenv.scene.meshes.readers import read_mesh
from avenv.scene.meshes.references import References
from avenv.scene.meshes.rules import read_rules
from avenv.scene.meshes.settings import MeshSettings
from avenv.scene.meshes.urdf import read_urdf, turned

_PLAIN = "plaster"  # of surfaces whose materials are not told apart


@dataclass(frozen=True, eq=False)
class Placed:
    """A file in Habitat's world.

    Attributes:
        name: of the thing; the stage's is ``"stage"``.
        path: of its mesh, or of the URDF of an articulated object.
        matrix: (4, 4) from the file's axes and units to Habitat's world.
        category: what it is, if habitat-sim's semantic scene says so; else empty.
        joints: positions of the joints of an articulated object, by name: radians, metres.
    """

    name: str
    path: Path
    matrix: NDArray[np.float64]
    category: str = ""
    joints: tuple[tuple[str, float], ...] = ()

    @property
    def key(self) -> tuple:
        """What is another where the thing has moved, to a tenth of a millimetre."""
        return self.name, str(self.path), np.round(self.matrix, 4).tobytes(), self.joints


def things_of(sim: Any) -> list[Placed]:
    """Return the stage and all objects of a simulator, where they are now.

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
    jointed = sim.get_articulated_object_manager()
    for handle, thing in sorted(jointed.get_objects_by_handle_substring().items()):
        things.append(_jointed(handle, thing, categories))
    return uniquely_named(things)


def _jointed(handle: str, thing: Any, categories: Mapping[int, str]) -> Placed:
    """Return an articulated object with the positions of its joints."""
    made_of = thing.creation_attributes
    path = Path(str(getattr(made_of, "urdf_fullpath", "") or made_of.urdf_filepath))
    if not path.is_file():
        raise SceneError(f"{handle}: its URDF {str(path)!r} is no file")
    scale = np.diag([*[float(thing.global_scale)] * 3, 1.0])
    positions = [float(value) for value in thing.joint_positions]
    joints = tuple(
        (str(thing.get_link_joint_name(link)),
         round(positions[thing.get_link_joint_pos_offset(link)], 4))
        for link in thing.get_link_ids() if thing.get_link_num_joint_pos(link) == 1
    )  # fmt: skip
    category = categories.get(int(getattr(made_of, "semantic_id", 0)), "")
    matrix = np.asarray(thing.transformation, np.float64) @ scale
    return Placed(handle.rstrip("_:0123456789") or handle, path, matrix, category, joints)


class LiveScene:
    """Keeps a compiled scene in step with a simulator, or with a recording of one.

    Args:
        things: returns what is in it now, as ``things_of`` of a simulator does.
        unit: metres in one of its units.
        materials: of surfaces by semantic category or the file's own material, in lower case, as
            ``read_materials`` returns them; by default avenv's own rules choose by name and colour.
        plain: tell no materials apart.
    """

    def __init__(
        self,
        things: Callable[[], list[Placed]],
        unit: float = 1.0,
        materials: Mapping[str, HabitatMaterial] | None = None,
        plain: bool = False,
    ):
        self._things, self._unit = things, unit
        self._materials, self._plain = materials, plain
        self._files: dict[tuple, list[MeshPart]] = {}
        self._key: tuple = ()
        self._compiled: CompiledScene | None = None

    @property
    def compiled(self) -> CompiledScene:
        """The scene as it is now: the very same object as long as nothing has moved.

        Raises:
            SceneError: a file cannot be read, or there is nothing in the scene.
        """
        things = self._things()
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
        for part in self._read(thing):
            yield replace(
                turned(part, thing.matrix),
                owner=part.owner if thing.name == "stage" else thing.name,
                material=replace(part.material, notes=self._notes(thing, part)),
                label=thing.category,
            )

    def _read(self, thing: Placed) -> list[MeshPart]:
        """Return the parts of a thing in its own axes, of an articulated one as its joints are."""
        key = thing.path, thing.joints
        if key not in self._files:
            if thing.path.suffix == ".urdf":
                references = References(thing.path, dataset_root(thing.path))
                links = read_urdf(thing.path, references, dict(thing.joints))
                self._files = {k: v for k, v in self._files.items() if k[0] != thing.path}
                self._files[key] = [turned(link.part, link.matrix) for link in links]
            else:
                self._files[key] = read_mesh(thing.path).parts
        return self._files[key]

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


def uniquely_named(things: list[Placed]) -> list[Placed]:
    """Return things of which no two share a name."""
    count: dict[str, int] = {}
    out = []
    for thing in things:
        count[thing.name] = number = count.get(thing.name, 0) + 1
        out.append(thing if number == 1 else replace(thing, name=f"{thing.name}_{number}"))
    return out
