"""Read scenes of Habitat's scene datasets: a stage, and objects placed in it.

The formats are those of habitat-sim's documentation ("Attributes JSON files"): ``*.stage_config``
and ``*.object_config`` name a mesh with its axes, ``*.scene_instance`` places them, and the
dataset's own configuration says what holds for all of them. The world of Habitat has Y up, and
objects look along -Z. A mesh alone is a stage, as habitat-sim takes it: a GLB has Z up, and what
lies beside it by its name says what is in it. Physics is left out.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import RootModel

from avenv.core.errors import SceneError
from avenv.scene.files import HABITAT_ENDINGS
from avenv.scene.meshes.habitat_assets import Asset, Loaded, annotated, axes_of
from avenv.scene.meshes.habitat_dataset import (
    ARTICULATED,
    DATASETS,
    INSTANCE,
    OBJECT,
    STAGE,
    Template,
    find_template,
    named_after,
    read_dataset,
)
from avenv.scene.meshes.habitat_json import read_json
from avenv.scene.meshes.habitat_lights import NO_LIGHTS, lamps_of
from avenv.scene.meshes.habitat_placements import (
    ArticulatedPlacement,
    Placement,
    Robot,
    SceneInstance,
    label_of,
    pose_of,
)
from avenv.scene.meshes.habitat_semantics import Semantics, read_semantics
from avenv.scene.meshes.parts import MAX_TRIANGLES, MeshFile, MeshPart, too_many
from avenv.scene.meshes.readers import read_mesh
from avenv.scene.meshes.references import References
from avenv.scene.meshes.urdf import read_urdf, turned
from avenv.scene.placed import free_name
from avenv.scene.problems import checked

_BARE = {"up": (0.0, 0.0, 1.0), "front": (0.0, 1.0, 0.0)}
"""Axes that habitat-sim takes a stage's GLB to have of which nothing says otherwise."""

_FOLDERS = ("scenes", "stages", "objects", "configs", "assets")

Matrix = NDArray[np.float64]


class _Layer(RootModel[dict[str, Any]]):
    """Attributes of one file, over which those of others are laid."""


def is_habitat(path: Path) -> bool:
    """Say whether a file is one of those that ``read_habitat`` reads."""
    return path.name.endswith(HABITAT_ENDINGS)


def read_habitat(path: Path, units_to_meters: bool = False) -> MeshFile:
    """Read a ``*.stage_config.json``, a ``*.scene_instance.json``, or a mesh as habitat-sim does.

    Args:
        path: the file.
        units_to_meters: apply this field; habitat-sim reads and does not apply it.

    Raises:
        SceneError: it or a file that it needs is broken, missing, or outside the dataset.
    """
    references = References(path, dataset_root(path))
    references.read_document()  # the first in the list of digests
    dataset = _Dataset(references, units_to_meters)
    if path.name.endswith(INSTANCE):
        content = dataset.scene(path)
    else:
        stage = dataset.stage(dataset.about.templates["stages"].of_file(path.resolve()))
        content = replace(
            stage.content,
            parts=list(stage.turned(np.eye(4), None)),
            y_up=True,
            notes=None,
            regions=stage.regions,
        )
    left_out = [*content.left_out, *dataset.notes()]
    return replace(content, digests=references.digests, left_out=left_out, in_metres=True)


def dataset_root(path: Path) -> Path:
    """Return the dataset's folder: where its configuration lies, or what holds ``scenes``."""
    folder = path.resolve().parent
    for parent in (folder, *folder.parents[:3]):
        if any(any(parent.glob(pattern)) for pattern in DATASETS):
            return parent
    return folder.parent if folder.name in _FOLDERS else folder


class _Dataset:
    """The files under one folder, the root of ``references``; each is read once."""

    def __init__(self, references: References, units_to_meters: bool) -> None:
        self.references = references
        self.root = references.root
        self.about = read_dataset(references)
        self._apply_units = units_to_meters
        self._loaded: dict[str, Loaded] = {}
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
        inner = self.references.inner(path)
        defaults = named_after(path, self.about.defaults)
        instance = checked(
            SceneInstance, {**defaults, **_object(read_json(inner), path)}, str(path)
        )
        stage = self.stage(self._template(instance.stage_instance, "stages", STAGE, path))
        missing, left_out = list(stage.content.missing), list(stage.content.left_out)
        if any(instance.stage_instance.translation):
            left_out.append("the stage's translation is not applied, as in habitat-sim")
        semantics, note = self._semantics(instance, stage, path)
        left_out += note
        parts = list(stage.turned(np.eye(4), None))
        taken = {part.owner for part in parts}
        total = sum(len(part.triangles) for part in parts)
        things = [*instance.object_instances, *instance.articulated_object_instances]
        for placement in things:
            owner = free_name(Path(placement.template_name).name.partition(".")[0], taken)
            taken.add(owner)
            if isinstance(placement, ArticulatedPlacement):
                placed = self._robot(placement, owner, semantics.classes, path)
            else:
                thing = self.load(self._template(placement, "objects", OBJECT, path))
                missing += [text for text in thing.content.missing if text not in missing]
                origin = placement.translation_origin or instance.translation_origin
                middle = np.zeros(3) if origin.lower() == "asset_local" else thing.centre()
                label = label_of(thing.config.semantic_id, semantics.classes, owner, path)
                placed = list(thing.turned(pose_of(placement, middle), owner, label))
            total += sum(len(part.triangles) for part in placed)
            if total > MAX_TRIANGLES:
                raise SceneError(f"{path}: {too_many(total)}")
            parts += placed
        lamps, note = self._lamps(instance, stage.config)
        parts += [replace(lamp, owner=free_name(lamp.owner, taken)) for lamp in lamps]
        left_out += note
        return MeshFile(parts, True, missing, left_out, regions=semantics.regions)

    def load(self, template: Template) -> Loaded:
        """Return the mesh of a template, with its axes."""
        if template.handle not in self._loaded:
            self._loaded[template.handle] = self._load(template)
        return self._loaded[template.handle]

    def stage(self, template: Template) -> Loaded:
        """Return the mesh of a stage, with what is said about the things and rooms in it."""
        stage = self.load(template)
        asset = self._asset(template.file, stage.config.render_asset)
        return annotated(stage, asset, template.file, self.references.inner(template.file))

    def _load(self, template: Template) -> Loaded:
        data = self._attributes(template)
        path = template.file
        config = checked(Asset, data, str(path))
        asset = self._asset(path, config.render_asset)
        if asset not in self._meshes:
            self._meshes[asset] = read_mesh(asset, self.references.inner(asset))
        return Loaded(self._meshes[asset], axes_of(config, self._apply_units, path), config)

    def _attributes(self, template: Template) -> dict[str, Any]:
        """Return what a template's file and the dataset say of it."""
        path, references = template.file, self.references.inner(template.file)
        own: Any = {"render_asset": path.name}
        if path.name.endswith((STAGE, OBJECT, ARTICULATED)):
            own = read_json(references)
        elif path.suffix == ".urdf":
            own = {"urdf_filepath": path.name}
        data: dict[str, Any] = {}
        layers = [own if layer is None else layer for layer in template.attributes]
        if (
            path.suffix == ".glb"
            and template.handle in self.about.templates["stages"].by_handle
            and not any(layer for layer in template.attributes)
        ):
            layers.insert(0, _BARE)  # fmt: skip
        for layer in layers:
            data |= checked(_Layer, layer, str(path)).root  # the later, the stronger
        return named_after(path, data)

    def _asset(self, path: Path, name: str) -> Path:
        """Return the file that a configuration names, which is there."""
        asset = self.references.inner(path).find(name, "render_asset")
        if not asset.is_file():  # an alias may count from the dataset's folder
            beside = References(self.root / "x").find(name, "render_asset")
            asset = beside if beside.is_file() else asset
        if not asset.is_file():
            raise SceneError(f"{path}: render_asset: there is no file {str(asset)!r}")
        return asset

    def _robot(
        self, placement: ArticulatedPlacement, owner: str, classes: Mapping[int, str], path: Path
    ) -> list[MeshPart]:
        """Return the parts of an articulated object, at its joints' initial positions."""
        template = self._template(placement, "articulated_objects", ARTICULATED, path)
        config = checked(Robot, self._attributes(template), str(template.file))
        urdf = self.references.inner(template.file).find(config.urdf_filepath, "urdf_filepath")
        if not urdf.is_file():
            raise SceneError(f"{template.file}: urdf_filepath: there is no file {str(urdf)!r}")
        label = label_of(config.semantic_id, classes, owner, path)
        pose = pose_of(placement, np.zeros(3)) @ np.diag([*[config.uniform_scale] * 3, 1.0])
        links = read_urdf(urdf, self.references.inner(urdf), placement.initial_joint_pose)
        return [
            replace(turned(link.part, pose @ link.matrix), owner=owner, label=label)
            for link in links
        ]

    def _semantics(
        self, instance: SceneInstance, stage: Loaded, path: Path
    ) -> tuple[Semantics, list[str]]:
        """Return regions and classes of a scene: its own, or else its stage's; and what lacks."""
        own = replace(stage.semantics, regions=stage.regions)
        name = instance.semantic_scene_instance
        if not name:
            return own, []
        known = self.about.descriptors
        file = known.get(name) or known.get(f"{name}.semantic_config.json")
        for start in (self.references.inner(path), References(self.root / "x", self.root)):
            if file is None and (there := start.find(name, "semantic_scene_instance")).is_file():
                file = there
        if file is None or not file.is_file():
            return own, [f"semantic_scene_instance: there is no {name!r}"]
        said = read_semantics(file, self.references.inner(file))
        return replace(said, regions=(*said.regions, *own.regions),
                       classes={**own.classes, **said.classes}), []  # fmt: skip

    def _lamps(self, instance: SceneInstance, stage: Asset) -> tuple[list[MeshPart], list[str]]:
        """Return the lamps of a scene, and what is left out of its lights."""
        name = instance.default_lighting
        if name in NO_LIGHTS:
            return [], []
        layout = self.about.templates["light_setups"].find(name)
        if layout is None:
            return [], [f"default_lighting: there is no {name!r}"]
        if stage.force_flat_shading or stage.shader_type.lower() == "flat":
            return [], ["the stage is shaded flat, so that its light is in its textures, and the "
                        "lights are left out"]  # fmt: skip
        own = read_json(self.references.inner(layout.file)) if None in layout.attributes else {}
        return lamps_of(layout, own)

    def _template(self, placement: Placement, folder: str, ending: str, path: Path) -> Template:
        return find_template(self.about.templates[folder], placement.template_name, ending, path)


def _object(data: Any, path: Path) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise SceneError(f"{path}: is {data!r:.60}; accepted: a valid mapping")
    return data
