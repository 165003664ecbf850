"""Write scenes as GLB, for other programs and to be read back."""

import os
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.core import frames
from avenv.core.color import encoded
from avenv.core.errors import SceneError
from avenv.core.rows import distinct_rows
from avenv.scene import CompiledScene
from avenv.scene.files import SPEC_SUFFIXES
from avenv.scene.meshes.notes import object_notes, scene_notes, surface_notes
from avenv.simulation.loading import load_scene
from avenv.vision.raster.patterns import PATTERNS, reflectance

Key = tuple[int, int, bool]
"""What a mesh of the file shows: row of an object and of a surface, and whether it is a sheet."""


def export_glb(scene: Any, path: str | PathLike[str]) -> None:
    """Write a scene as a binary glTF file: Y up, metres, textures and names in it.

    Every object is a node of its own name, every surface a material named as in
    ``materials.yaml``; procedural textures become images. What other programs have no place for
    (acoustic coefficients, rooms, sources, kinds of objects) is noted in ``extras``, so that
    ``load_scene`` finds the same surfaces again. Sources that play a file outside the folder of
    ``path`` are left out.

    Args:
        scene: as ``load_scene`` takes it.
        path: the file to write, ``.glb``.

    Raises:
        SceneError: the scene cannot be loaded.
        ValueError: the path does not end with ``.glb``.
    """
    path = Path(path)
    if path.suffix.lower() != ".glb":
        raise ValueError(f"path is {str(path)!r}; a name that ends with .glb is accepted")
    data = glb_bytes(load_scene(scene).compiled, path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def export_scene(scene: Any, path: str | PathLike[str]) -> None:
    """Write a scene as GLB or as YAML, by the ending of the path.

    Raises:
        SceneError: the scene cannot be loaded, or is a mesh that has no description in YAML.
        ValueError: the path has another ending.
    """
    path, world = Path(path), load_scene(scene)
    if path.suffix.lower() not in SPEC_SUFFIXES:
        if path.suffix.lower() != ".glb":
            raise ValueError(f"{path}: cannot write {path.suffix or 'such'} files; accepted: .glb, "
                             f"{', '.join(SPEC_SUFFIXES)}")  # fmt: skip
        return export_glb(world, path)
    if world.spec is None:
        raise SceneError(f"{world.name}: has no description that YAML could hold; accepted: .glb")
    world.spec.save(path)


def glb_bytes(compiled: CompiledScene, folder: Path) -> bytes:
    """Return a scene as a GLB file that will lie in ``folder``."""
    import trimesh
    from trimesh.exchange.gltf import export_glb as write

    groups = _groups(compiled)
    images = {row: _image(compiled, row) for _, row, _ in groups}
    materials = {
        (row, sheet): trimesh.visual.material.PBRMaterial(
            name=f"{row}/{int(sheet)}", baseColorTexture=images[row][0]
        )
        for _, row, sheet in groups
    }
    scene = trimesh.Scene()
    for number, ((_, row, sheet), members) in enumerate(groups.items()):
        uv = compiled.uv[members].reshape(-1, 2) / np.float32(images[row][1])
        corners = np.column_stack([compiled.triangles[members].reshape(-1, 3), uv])
        unique, faces = distinct_rows(corners)
        mesh = trimesh.Trimesh(
            frames.to_y_up(unique[:, :3]), faces.reshape(-1, 3), process=False,
            visual=trimesh.visual.TextureVisuals(uv=unique[:, 3:], material=materials[row, sheet]),
        )  # fmt: skip
        scene.add_geometry(mesh, node_name=str(number), geom_name=str(number))

    def finish(tree: dict[str, Any]) -> None:
        _name_nodes(tree, compiled, list(groups), folder)
        for material in tree["materials"]:
            row, sheet = material.pop("name").split("/")
            material.update(_look(compiled, int(row), sheet == "1", material))

    return write(scene, include_normals=False, tree_postprocessor=finish)


def _groups(compiled: CompiledScene) -> Mapping[Key, NDArray[np.int64]]:
    """Return the triangles of each mesh of the file, ordered by object.

    What things only have in other states is a point in this one, and is left out.
    """
    there = np.flatnonzero(compiled.has_area)
    keys = np.column_stack([compiled.object, compiled.surface, compiled.double_sided])[there]
    rows, group = distinct_rows(keys)
    order = there[np.argsort(group, kind="stable")]
    members = np.split(order, np.cumsum(np.bincount(group))[:-1])
    return {(o, s, bool(d)): m for (o, s, d), m in zip(rows.tolist(), members, strict=True)}


def _image(compiled: CompiledScene, row: int) -> tuple[Any, float]:
    """Return the image of a surface, None if it is plain, and what one period of it spans.

    Patterns run along v, images downwards.
    """
    from PIL import Image

    name = compiled.surfaces.texture[row] if compiled.surfaces.texture else "plain"
    kind, _, number = name.partition(":")
    if kind == "image":
        return Image.fromarray(compiled.images[int(number)]), 1.0
    if name == "plain":
        return None, 1.0
    pattern = reflectance(name, compiled.surfaces.color[row].astype(np.float64))[::-1]
    codes = np.round(255 * encoded(pattern)).astype(np.uint8)
    return Image.fromarray(codes), PATTERNS[name].metres


def _look(
    compiled: CompiledScene, row: int, sheet: bool, written: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the fields of a surface's material; trimesh has ``written`` its texture."""
    table = compiled.surfaces
    color = table.color[row].astype(np.float64)
    base = {**written.get("pbrMetallicRoughness", {}), "metallicFactor": 0.0,
            "roughnessFactor": 0.9}  # fmt: skip
    if "baseColorTexture" not in base:
        base["baseColorFactor"] = [*color.tolist(), 1.0]
    look: dict[str, Any] = {
        "name": table.names[row],
        "doubleSided": sheet,
        "pbrMetallicRoughness": base,
        "extras": {"avenv": surface_notes(compiled, row, sheet)},
    }
    kind, _, number = (table.texture[row] if table.texture else "plain").partition(":")
    if kind == "image" and (compiled.images[int(number)][..., 3] < 128).any():
        look["alphaMode"] = "MASK"
    emission = table.emission[row] if table.emission else 0.0
    if emission:
        look["emissiveFactor"] = (color / max(color.max(), 1e-9)).tolist()
        strength = {"emissiveStrength": float(emission)}
        look["extensions"] = {"KHR_materials_emissive_strength": strength}
    return look


def _name_nodes(
    tree: dict[str, Any], compiled: CompiledScene, keys: list[Key], folder: Path
) -> None:
    """Give each object one node and one mesh, with a primitive for each of its surfaces."""
    primitives: dict[int, list[Any]] = {}
    for mesh in tree["meshes"]:
        thing = keys[int(mesh["name"])][0]
        primitives.setdefault(thing, []).extend(mesh["primitives"])
    objects = [compiled.objects[k] for k in primitives]
    tree["meshes"] = [
        {"name": thing.name, "primitives": primitives[k]}
        for thing, k in zip(objects, primitives, strict=True)
    ]
    tree["nodes"] = [
        {"name": thing.name, "mesh": k,
         "extras": {"avenv": object_notes(thing, compiled.rooms)}}
        for k, thing in enumerate(objects)
    ]  # fmt: skip
    notes = {"avenv": scene_notes(compiled, folder)}
    tree["scenes"] = [{"nodes": list(range(len(objects))), "extras": notes}]
    tree["asset"]["generator"] = "avenv"
    if any(compiled.surfaces.emission):
        tree["extensionsUsed"] = ["KHR_materials_emissive_strength"]
