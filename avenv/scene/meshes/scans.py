"""Read PLY and STL files: one object, with colours or without."""

import io
import re
from pathlib import Path

import numpy as np
import trimesh

from avenv.core.errors import SceneError
from avenv.scene.meshes.parts import MAX_TRIANGLES, MeshFile, MeshMaterial, MeshPart, too_many
from avenv.scene.meshes.references import References
from avenv.scene.meshes.textures import cut_out, decode_image
from avenv.scene.meshes.trimesh_calls import load_geometry, surfaces_of, vertex_shade

_STL_HEADER, _STL_FACE = 84, 50  # bytes


def read_ply(path: Path, references: References) -> MeshFile:
    """Read a ``.ply`` file: binary or text, with vertex or face colours or a ``TextureFile``.

    Raises:
        SceneError: it is broken, too large, or refers to something outside its folder.
    """
    raw = references.read_document()
    header = raw[: raw.find(b"end_header")] if b"end_header" in raw[: 1 << 20] else None
    if not raw.startswith(b"ply") or header is None:
        raise SceneError(f"{path}: is no PLY file: it has no header from 'ply' to 'end_header'")
    for name, count in re.findall(rb"^element[ \t]+(\S+)[ \t]+(\d+)", header, re.MULTILINE):
        if name == b"face" and int(count) > MAX_TRIANGLES:
            raise SceneError(f"{path}: {too_many(int(count))}")
        if int(count) > len(raw):
            raise SceneError(f"{path}: element {name.decode('utf-8', 'replace')!r}: has "
                             f"{int(count):,} rows, more than the file has bytes")  # fmt: skip
    scene = load_geometry(io.BytesIO(raw), "ply", path, {}, skip_materials=True)
    missing: list[str] = []
    image, texture = None, re.search(rb"^comment[ \t]+TextureFile[ \t]+(.+?)\r?$", header, re.M)
    name = texture[1].decode("utf-8", "replace").strip() if texture else ""
    if name:
        data = references.read(name, "TextureFile")
        if data is None:
            missing.append(f"TextureFile: {name!r:.200}")
        else:
            image = cut_out(decode_image(data, f"{path}: TextureFile"), None)
    material = MeshMaterial(image=image, image_name=name)
    return MeshFile(_parts(scene, path, material), False, missing)


def read_stl(path: Path, references: References) -> MeshFile:
    """Read an ``.stl`` file, binary or text.

    Raises:
        SceneError: it is broken or too large.
    """
    raw = references.read_document()
    count = raw.count(b"endfacet")
    if len(raw) >= _STL_HEADER:
        declared = int.from_bytes(raw[80:84], "little")
        if _STL_HEADER + _STL_FACE * declared == len(raw):
            count = declared
        elif not count:
            raise SceneError(
                f"{path}: is no STL file, or cut off: {declared:,} triangles need "
                f"{_STL_HEADER + _STL_FACE * declared:,} bytes, it has {len(raw):,}"
            )
    if count > MAX_TRIANGLES:
        raise SceneError(f"{path}: {too_many(count)}")
    scene = load_geometry(io.BytesIO(raw), "stl", path, {})
    return MeshFile(_parts(scene, path, MeshMaterial()), False)


def _parts(scene: trimesh.Scene, path: Path, material: MeshMaterial) -> list[MeshPart]:
    parts = []
    found = surfaces_of(scene, path)
    for name, mesh in found:
        uv, faces = getattr(mesh.visual, "uv", None), np.asarray(mesh.faces)
        textured = uv is not None and material.image is not None
        parts.append(
            MeshPart(
                name if len(found) > 1 else path.stem,
                np.asarray(mesh.vertices, np.float64)[faces],
                material,
                np.asarray(uv, np.float64)[faces] if textured else None,
                None if textured else vertex_shade(mesh),
            )
        )
    return parts
