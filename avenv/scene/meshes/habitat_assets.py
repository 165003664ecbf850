"""One asset of a Habitat dataset: its mesh in Habitat's axes, and what annotations say of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from avenv.core.errors import SceneError
from avenv.scene.meshes.habitat_json import Config, Vector3
from avenv.scene.meshes.habitat_labels import labelled, read_semantic_mesh, regions_of_things
from avenv.scene.meshes.habitat_semantics import Semantics, read_semantics
from avenv.scene.meshes.parts import MeshFile, MeshPart, MeshRegion
from avenv.scene.meshes.references import References
from avenv.scene.meshes.urdf import turned

_DESCRIPTORS = (".house", ".scn", "_semantic.txt", ".semantic.txt")
_MESHES = ("_semantic.ply", ".semantic.glb")
_REPLICA = "info_semantic.json"

Matrix = NDArray[np.float64]


class Asset(Config):
    """What a ``*.stage_config.json`` or ``*.object_config.json`` and the dataset say of a mesh."""

    render_asset: Annotated[str, Field(min_length=1)]
    up: Vector3 = (0.0, 1.0, 0.0)
    front: Vector3 | None = None
    scale: Vector3 = (1.0, 1.0, 1.0)
    units_to_meters: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    COM: Vector3 | None = None
    semantic_id: int = 0
    semantic_asset: str = ""
    semantic_descriptor_filename: str = ""
    semantic_up: Vector3 | None = None
    semantic_front: Vector3 | None = None
    shader_type: str = ""
    force_flat_shading: bool = False


@dataclass(frozen=True, eq=False)
class Loaded:
    """An asset's mesh, and the matrix that brings it into Habitat's axes and metres.

    Attributes:
        content: its mesh, of a stage divided into the things that are told apart.
        matrix: (4, 4).
        config: of it.
        regions: of a stage, in Habitat's axes before it is placed.
        semantics: what its descriptor says.
    """

    content: MeshFile
    matrix: Matrix
    config: Asset
    regions: tuple[MeshRegion, ...] = ()
    semantics: Semantics = field(default_factory=Semantics)

    def turned(self, placement: Matrix, owner: str | None, label: str = "") -> Iterator[MeshPart]:
        """Yield its parts, placed; all are of one object ``owner``, if that is given."""
        for part in self.content.parts:
            placed = turned(part, placement @ self.matrix)
            yield placed if owner is None else replace(placed, owner=owner, label=label)

    def centre(self) -> NDArray[np.float64]:
        """Return the point (3,) that Habitat takes for the middle of an object's mass."""
        if self.config.COM is not None:
            return np.array(self.config.COM) * self.config.scale
        points = np.concatenate([p.triangles.reshape(-1, 3) for p in self.content.parts])
        moved = points @ self.matrix[:3, :3].T + self.matrix[:3, 3]
        return (moved.min(axis=0) + moved.max(axis=0)) / 2


def annotated(stage: Loaded, asset: Path, config: Path, references: References) -> Loaded:
    """Return a stage with what its semantic descriptor and mesh say of it, where it has such.

    Args:
        stage: as it was loaded.
        asset: its mesh.
        config: its configuration, or the mesh.
        references: of the configuration.

    Raises:
        SceneError: one of them is broken.
    """
    missing: list[str] = []
    about = stage.config
    descriptor = _found(about.semantic_descriptor_filename, "semantic_descriptor_filename", asset,
                        _DESCRIPTORS, references, missing)  # fmt: skip
    replica = [folder / _REPLICA for folder in (asset.parent, asset.parent / "habitat")]
    descriptor = descriptor or next((path for path in replica if path.is_file()), None)
    mesh = _found(about.semantic_asset, "semantic_asset", asset, _MESHES, references, missing)
    if missing:
        content = replace(stage.content, left_out=[*stage.content.left_out, *missing])
        stage = replace(stage, content=content)
    if descriptor is None:
        return stage
    semantics = read_semantics(descriptor, references.inner(descriptor))
    stage = replace(stage, semantics=semantics)
    regions = semantics.regions
    if semantics.turned:
        regions = tuple(_placed(region, stage.matrix, about.up) for region in regions)
    if mesh is None:
        return replace(stage, regions=regions)
    triangles, ids = read_semantic_mesh(mesh, references.inner(mesh), semantics)
    if about.semantic_up is not None:
        front = about.semantic_front or _front(np.array(about.semantic_up))
        scaled = np.diag(about.scale) @ asset_axes(about.semantic_up, front, str(config))
        triangles = triangles @ (np.linalg.inv(stage.matrix[:3, :3]) @ scaled).T
    divided = list(labelled(stage.content.parts, triangles, ids, semantics.labels))
    content = replace(stage.content, parts=[part for part, _ in divided])
    if not regions and semantics.region_of:
        placed = [(turned(part, stage.matrix), int(own[0])) for part, own in divided]
        regions = regions_of_things(placed, semantics.region_of)
    return replace(stage, content=content, regions=regions)


def _found(
    named: str, what: str, asset: Path, endings: tuple[str, ...], references: References,
    missing: list[str],
) -> Path | None:  # fmt: skip
    """Return the file that a configuration names, or else what lies beside a mesh by its name."""
    if named:
        for start in (references, References(references.root / "x", references.root)):
            if (path := start.find(named, what)).is_file():
                return path
        missing.append(f"{what}: there is no file {named!r}")
        return None
    stem = asset.name.partition(".")[0]
    beside = [asset.with_name(stem + ending) for ending in endings]
    return next((path for path in beside if path.is_file() and path != asset), None)


def _placed(region: MeshRegion, matrix: Matrix, up: Vector3) -> MeshRegion:
    """Return a region of an asset's own axes in those that a matrix (4, 4) leads to."""
    corners = region.corners @ matrix[:3, :3].T + matrix[:3, 3]
    upwards = matrix[:3, :3] @ (np.array(up) / np.linalg.norm(up))
    return MeshRegion(region.name, corners, region.height * float(np.linalg.norm(upwards)))


def axes_of(config: Asset, apply_units: bool, path: Path) -> Matrix:
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
