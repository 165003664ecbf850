"""Read scenes of Habitat's scene datasets: a stage, and objects placed in it.

The formats are those of habitat-sim's documentation ("Attributes JSON files"): ``*.stage_config``
and ``*.object_config`` name a mesh with its axes, ``*.scene_instance`` places them, and the
dataset's own configuration says what holds for all of them. The world of Habitat has Y up, and
objects look along -Z. Lights, physics and articulated objects are left out.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, RootModel
from scipy.spatial.transform import Rotation

from avenv.core.errors import SceneError
from avenv.scene.files import HABITAT_ENDINGS
from avenv.scene.meshes.habitat_dataset import (
    DATASETS,
    OBJECT,
    STAGE,
    Config,
    Number,
    Template,
    Vector3,
    checked,
    parse,
    read_dataset,
    read_json,
)
from avenv.scene.meshes.parts import MAX_TRIANGLES, MeshFile, MeshPart, too_many
from avenv.scene.meshes.readers import read_mesh
from avenv.scene.meshes.references import References
from avenv.scene.placed import free_name
from avenv.scene.problems import suggest

_FOLDERS = ("scenes", "stages", "objects", "configs", "assets")

Matrix = NDArray[np.float64]


class _Asset(Config):
    """What a ``*.stage_config.json`` or ``*.object_config.json`` and the dataset say of a mesh."""

    render_asset: Annotated[str, Field(min_length=1)]
    up: Vector3 = (0.0, 1.0, 0.0)
    front: Vector3 | None = None
    scale: Vector3 = (1.0, 1.0, 1.0)
    units_to_meters: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    COM: Vector3 | None = None


class _Layer(RootModel[dict[str, Any]]):
    """Attributes of one file, over which those of others are laid."""


class _Placement(Config):
    """An entry of ``object_instances``, or the ``stage_instance``."""

    template_name: Annotated[str, Field(min_length=1)]
    translation: Vector3 = (0.0, 0.0, 0.0)
    rotation: tuple[Number, Number, Number, Number] = (1.0, 0.0, 0.0, 0.0)  # w, x, y, z
    uniform_scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    non_uniform_scale: Vector3 = (1.0, 1.0, 1.0)
    translation_origin: str | None = None


class _Instance(Config):
    """A ``*.scene_instance.json``."""

    stage_instance: _Placement
    object_instances: tuple[_Placement, ...] = ()
    articulated_object_instances: tuple[Any, ...] = ()
    translation_origin: str = "unknown"


def is_habitat(path: Path) -> bool:
    """Say whether a file is one of those that ``read_habitat`` reads."""
    return path.name.endswith(HABITAT_ENDINGS)


def read_habitat(path: Path, units_to_meters: bool = False) -> MeshFile:
    """Read a ``*.stage_config.json`` or ``*.scene_instance.json``.

    Args:
        path: the file.
        units_to_meters: apply this field; habitat-sim reads and does not apply it.

    Raises:
        SceneError: it or a file that it needs is broken, missing, or outside the dataset.
    """
    references = References(path, _root(path))
    references.read_document()  # the first in the list of digests
    dataset = _Dataset(references, units_to_meters)
    if path.name.endswith(STAGE):
        stage = dataset.load(dataset.templates["stages"].of_file(path.resolve()))
        content = replace(stage.content, parts=list(stage.turned(np.eye(4), None)), notes=None)
    else:
        content = dataset.scene(path)
    left_out = [*content.left_out, *dataset.notes()]
    return replace(content, digests=references.digests, left_out=left_out, in_metres=True)


def _root(path: Path) -> Path:
    """Return the dataset's folder: where its configuration lies, or what holds ``scenes``."""
    folder = path.resolve().parent
    for parent in (folder, *folder.parents[:3]):
        if any(any(parent.glob(pattern)) for pattern in DATASETS):
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
            return np.array(self.config.COM) * self.config.scale
        points = np.concatenate([p.triangles.reshape(-1, 3) for p in self.content.parts])
        moved = points @ self.matrix[:3, :3].T + self.matrix[:3, 3]
        return (moved.min(axis=0) + moved.max(axis=0)) / 2


class _Dataset:
    """The files under one folder, the root of ``references``; each is read once."""

    def __init__(self, references: References, units_to_meters: bool) -> None:
        self.references = references
        self.root = references.root
        self.templates = read_dataset(references)
        self._apply_units = units_to_meters
        self._loaded: dict[str, _Loaded] = {}
        self._meshes: dict[Path, MeshFile] = {}

    def notes(self) -> list[str]:
        """Return what to say of the templates that were loaded."""
        units = Counter(t.config.units_to_meters for t in self._loaded.values())
        del units[1.0]
        if not units or self._apply_units:
            return []
        told = " and ".join(f"{unit:g} of {count}" for unit, count in units.items())
        return [f"units_to_meters is {told} of {len(self._loaded)} templates and not applied, as "
                "in habitat-sim; pass units_to_meters=True to apply it"]  # fmt: skip

    def scene(self, path: Path) -> MeshFile:
        """Return a scene instance with all that is placed in it."""
        instance = parse(_Instance, self.references.inner(path))
        stage = self.load(self._template(instance.stage_instance, "stages", STAGE, path))
        missing, left_out = list(stage.content.missing), list(stage.content.left_out)
        parts = list(stage.turned(_pose(instance.stage_instance, np.zeros(3)), None))
        taken = {part.owner for part in parts}
        total = sum(len(part.triangles) for part in parts)
        for placement in instance.object_instances:
            thing = self.load(self._template(placement, "objects", OBJECT, path))
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

    def load(self, template: Template) -> _Loaded:
        """Return the mesh of a template, with its axes."""
        if template.handle not in self._loaded:
            self._loaded[template.handle] = self._load(template)
        return self._loaded[template.handle]

    def _load(self, template: Template) -> _Loaded:
        path, references = template.file, self.references.inner(template.file)
        own: Any = {"render_asset": path.name}
        if path.name.endswith((STAGE, OBJECT)):
            own = read_json(references)
        data: dict[str, Any] = {}
        for layer in (own if layer is None else layer for layer in template.attributes):
            data |= checked(_Layer, layer, str(path)).root  # the later, the stronger
        config = checked(_Asset, data, str(path))
        asset = references.find(config.render_asset, "render_asset")
        if not asset.is_file():  # an alias may count from the dataset's folder
            beside = References(self.root / "x").find(config.render_asset, "render_asset")
            asset = beside if beside.is_file() else asset
        if not asset.is_file():
            raise SceneError(f"{path}: render_asset: there is no file {str(asset)!r}")
        if asset not in self._meshes:
            self._meshes[asset] = read_mesh(asset, self.references.inner(asset))
        return _Loaded(self._meshes[asset], _axes(config, self._apply_units, path), config)

    def _template(self, placement: _Placement, folder: str, ending: str, path: Path) -> Template:
        """Return the template that a name stands for: an alias, a file, or a part of either."""
        templates = self.templates[folder]
        if placement.template_name in templates.by_handle:
            return templates.by_handle[placement.template_name]
        references = References(self.root / "x")
        name = placement.template_name.removesuffix(ending)
        field = f"{path.name}: template_name"
        for start in ("", f"{folder}/", f"configs/{folder}/"):
            for end in (ending, "", ".glb"):
                found = references.find(f"{start}{name}{end}", field)
                if found.is_file():
                    return templates.of_file(found)
        if (known := templates.find(name)) is not None:
            return known
        deeper = sorted(self.root.rglob(f"{Path(name).name}{ending}"))
        if not deeper:
            raise SceneError(f"{path}: template_name: there is no {Path(name).name}{ending} in "
                             f"{self.root}{suggest(name, templates.by_handle)}")  # fmt: skip
        return templates.of_file(references.find(str(deeper[0].relative_to(self.root)), field))


def _axes(config: _Asset, apply_units: bool, path: Path) -> Matrix:
    """Return the matrix from an asset's axes into Habitat's: Y up, front -Z, metres."""
    turn = asset_axes(config.up, config.front or _front(np.array(config.up)), str(path))
    turn *= config.units_to_meters if apply_units else 1.0
    matrix = np.eye(4)
    # As in habitat-sim the scale is along Habitat's axes, not along the asset's.
    matrix[:3, :3] = np.diag(config.scale) @ turn
    return matrix


def asset_axes(up: Vector3, front: Vector3, source: str) -> Matrix:
    """Return the rotation (3, 3) of an asset with these axes into Habitat's: Y up, front -Z.

    Raises:
        SceneError: they are not at right angles; the message begins with ``source``.
    """
    upwards, ahead = np.array(up, np.float64), np.array(front, np.float64)
    right = np.cross(ahead, upwards)
    if min(map(np.linalg.norm, (upwards, ahead, right))) < 1e-6:
        raise SceneError(
            f"{source}: up is {upwards.tolist()} and front {ahead.tolist()}; they must be at right "
            "angles"
        )
    upwards = upwards / np.linalg.norm(upwards)
    right = right / np.linalg.norm(right)
    return np.stack([right, upwards, np.cross(right, upwards)])


def _front(up: NDArray[np.float64]) -> Vector3:
    """Return the front of an asset that says only which way is up: -Z, or what that turns to."""
    along = up[2] / max(float(np.linalg.norm(up)), 1e-12)
    return (0.0, float(np.sign(along)), 0.0) if abs(along) > 0.99 else (0.0, 0.0, -1.0)


def _pose(placement: _Placement, middle: NDArray[np.float64]) -> Matrix:
    """Return the matrix that scales a thing, turns it about ``middle`` and puts that in place."""
    w, x, y, z = placement.rotation
    matrix = np.eye(4)
    if any((w, x, y, z)):
        matrix[:3, :3] = Rotation.from_quat((x, y, z, w)).as_matrix()
    scale = placement.uniform_scale * np.array(placement.non_uniform_scale)
    matrix[:3, :3] = matrix[:3, :3] @ np.diag(scale)
    matrix[:3, 3] = np.array(placement.translation) - matrix[:3, :3] @ middle
    return matrix
