"""Read scenes of Habitat's scene datasets: a stage, and objects placed in it.

The formats are those of habitat-sim's documentation ("Attributes JSON files"): ``*.stage_config``
and ``*.object_config`` name a mesh with its axes and units, ``*.scene_instance`` places them. The
world of Habitat has Y up, and objects look along -Z. Lights, physics and articulated objects are
left out.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from trimesh.transformations import quaternion_matrix

from avenv.core.errors import SceneError
from avenv.scene.files import HABITAT_ENDINGS
from avenv.scene.layout import free_name
from avenv.scene.meshes.parts import MAX_TRIANGLES, MeshFile, MeshPart, too_many
from avenv.scene.meshes.readers import read_mesh
from avenv.scene.meshes.references import References
from avenv.scene.problems import Problems

_STAGE, _OBJECT = ".stage_config.json", ".object_config.json"
_DATASET = "*.scene_dataset_config.json"
_FOLDERS = ("scenes", "stages", "objects", "configs", "assets")

Number = Annotated[float, Field(allow_inf_nan=False)]
Vector3 = tuple[Number, Number, Number]
Matrix = NDArray[np.float64]


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Asset(_Config):
    """A ``*.stage_config.json`` or ``*.object_config.json``."""

    render_asset: Annotated[str, Field(min_length=1)]
    up: Vector3 = (0.0, 1.0, 0.0)
    front: Vector3 = (0.0, 0.0, -1.0)
    scale: Vector3 = (1.0, 1.0, 1.0)
    units_to_meters: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    COM: Vector3 | None = None


class _Placement(_Config):
    """An entry of ``object_instances``, or the ``stage_instance``."""

    template_name: Annotated[str, Field(min_length=1)]
    translation: Vector3 = (0.0, 0.0, 0.0)
    rotation: tuple[Number, Number, Number, Number] = (1.0, 0.0, 0.0, 0.0)  # w, x, y, z
    uniform_scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    non_uniform_scale: Vector3 = (1.0, 1.0, 1.0)
    translation_origin: str | None = None


class _Instance(_Config):
    """A ``*.scene_instance.json``."""

    stage_instance: _Placement
    object_instances: tuple[_Placement, ...] = ()
    articulated_object_instances: tuple[Any, ...] = ()
    translation_origin: str = "unknown"


def is_habitat(path: Path) -> bool:
    """Say whether a file is one of those that ``read_habitat`` reads."""
    return path.name.endswith(HABITAT_ENDINGS)


def read_habitat(path: Path) -> MeshFile:
    """Read a ``*.stage_config.json`` or ``*.scene_instance.json``.

    Raises:
        SceneError: it or a file that it needs is broken, missing, or outside the dataset.
    """
    dataset = _Dataset(References(path, _root(path)))
    if path.name.endswith(_STAGE):
        stage = dataset.load(path)
        content = replace(stage.content, parts=list(stage.turned(np.eye(4), None)), notes=None)
    else:
        content = dataset.scene(path)
    return replace(content, digests=dataset.references.digests)


def _root(path: Path) -> Path:
    """Return the dataset's folder: where its configuration lies, or what holds ``scenes``."""
    folder = path.resolve().parent
    for parent in (folder, *folder.parents[:3]):
        if any(parent.glob(_DATASET)):
            return parent
    return folder.parent if folder.name in _FOLDERS else folder


@dataclass(frozen=True, eq=False)
class _Loaded:
    """An asset's mesh, and the matrix that brings it into Habitat's axes and metres."""

    content: MeshFile
    matrix: Matrix
    config: _Asset

    def turned(self, placement: Matrix, owner: str | None) -> Iterator[MeshPart]:
        """Yield its parts, placed; all are of one object ``owner``, if that is given."""
        matrix = placement @ self.matrix
        order = [2, 1, 0] if np.linalg.det(matrix[:3, :3]) < 0 else [0, 1, 2]
        for part in self.content.parts:
            triangles = part.triangles @ matrix[:3, :3].T + matrix[:3, 3]
            yield replace(
                part,
                owner=part.owner if owner is None else owner,
                triangles=triangles[:, order],
                uv=None if part.uv is None else part.uv[:, order],
                notes=None,
            )

    def centre(self) -> NDArray[np.float64]:
        """Return the point (3,) that Habitat takes for the middle of an object's mass."""
        if self.config.COM is not None:
            return np.array(self.config.COM)
        points = np.concatenate([p.triangles.reshape(-1, 3) for p in self.content.parts])
        moved = points @ self.matrix[:3, :3].T + self.matrix[:3, 3]
        return (moved.min(axis=0) + moved.max(axis=0)) / 2


class _Dataset:
    """The files under one folder, the root of ``references``; each is read once."""

    def __init__(self, references: References) -> None:
        self.references = references
        self.root = references.root
        self._loaded: dict[Path, _Loaded] = {}

    def scene(self, path: Path) -> MeshFile:
        """Return a scene instance with all that is placed in it."""
        instance = _parse(_Instance, self.references.inner(path))
        stage = self.load(self._template(instance.stage_instance, "stages", _STAGE, path))
        missing, left_out = list(stage.content.missing), list(stage.content.left_out)
        parts = list(stage.turned(_pose(instance.stage_instance, np.zeros(3)), None))
        taken = {part.owner for part in parts}
        total = sum(len(part.triangles) for part in parts)
        for placement in instance.object_instances:
            thing = self.load(self._template(placement, "objects", _OBJECT, path))
            missing += [text for text in thing.content.missing if text not in missing]
            owner = free_name(Path(placement.template_name).name, taken)
            taken.add(owner)
            origin = placement.translation_origin or instance.translation_origin
            middle = np.zeros(3) if origin.lower() == "asset_local" else thing.centre()
            placed = list(thing.turned(_pose(placement, middle), owner))
            total += sum(len(part.triangles) for part in placed)
            if total > MAX_TRIANGLES:
                raise SceneError(f"{path}: {too_many(total)}")
            parts += placed
        if instance.articulated_object_instances:
            count = len(instance.articulated_object_instances)
            left_out.append(f"{count} articulated objects are left out")
        return MeshFile(parts, True, missing, left_out)

    def load(self, path: Path) -> _Loaded:
        """Return the asset of a configuration, or a mesh file as it is."""
        if path not in self._loaded:
            self._loaded[path] = self._load(path)
        return self._loaded[path]

    def _load(self, path: Path) -> _Loaded:
        if path.suffix != ".json":
            config, asset = _Asset(render_asset=path.name), path
        else:
            references = self.references.inner(path)
            config = _parse(_Asset, references)
            asset = references.find(config.render_asset, "render_asset")
        if not asset.is_file():
            raise SceneError(f"{path}: render_asset: there is no file {str(asset)!r}")
        content = read_mesh(asset, self.references.inner(asset))
        return _Loaded(content, _axes(config, path), config)

    def _template(self, placement: _Placement, folder: str, ending: str, path: Path) -> Path:
        """Return the configuration, or else the mesh, that a template's name stands for."""
        references = References(self.root / "x")
        name = placement.template_name.removesuffix(ending)
        field = f"{path.name}: template_name"
        for start in ("", f"{folder}/", f"configs/{folder}/"):
            for end in (ending, "", ".glb"):
                found = references.find(f"{start}{name}{end}", field)
                if found.is_file():
                    return found
        deeper = sorted(self.root.rglob(f"{Path(name).name}{ending}"))
        if not deeper:
            raise SceneError(f"{path}: template_name: there is no {Path(name).name}{ending} in "
                             f"{self.root}")  # fmt: skip
        return references.find(str(deeper[0].relative_to(self.root)), field)


def _axes(config: _Asset, path: Path) -> Matrix:
    """Return the matrix from an asset's axes and units into Habitat's: Y up, front -Z, metres."""
    up, front = np.array(config.up), np.array(config.front)
    right = np.cross(front, up)
    if min(map(np.linalg.norm, (up, front, right))) < 1e-6:
        raise SceneError(f"{path}: up is {list(up)} and front {list(front)}; they must be at right "
                         "angles")  # fmt: skip
    up = up / np.linalg.norm(up)
    right = right / np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, up, np.cross(right, up)])
    matrix[:3, :3] *= config.units_to_meters
    matrix[:3, :3] = matrix[:3, :3] @ np.diag(config.scale)
    return matrix


def _pose(placement: _Placement, middle: NDArray[np.float64]) -> Matrix:
    """Return the matrix that scales a thing, turns it about ``middle`` and puts that in place."""
    matrix = quaternion_matrix(placement.rotation)
    scale = placement.uniform_scale * np.array(placement.non_uniform_scale)
    matrix[:3, :3] = matrix[:3, :3] @ np.diag(scale)
    matrix[:3, 3] = np.array(placement.translation) - matrix[:3, :3] @ middle
    return matrix


T = TypeVar("T", bound=_Config)


def _parse(model: type[T], references: References) -> T:
    path = references.document
    problems = Problems(str(path))
    try:
        data: Mapping[str, Any] = json.loads(references.read_document().decode("utf-8-sig"))
        return model.model_validate(data)
    except ValidationError as error:
        problems.add_invalid(error, {"": model.model_fields})
        problems.check()
        raise
    except (ValueError, RecursionError) as error:
        if isinstance(error, SceneError):
            raise
        raise SceneError(f"{path}: is not valid JSON: {error}") from error
