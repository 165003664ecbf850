"""Read Wavefront OBJ files with their MTL materials."""

import io
import re
from pathlib import Path

import numpy as np

from avenv.core.color import linear
from avenv.core.errors import SceneError
from avenv.scene.meshes.parts import MAX_TRIANGLES, MeshFile, MeshMaterial, MeshPart, too_many
from avenv.scene.meshes.references import References
from avenv.scene.meshes.textures import cut_out, decode_image
from avenv.scene.meshes.trimesh_calls import load_geometry, surfaces_of, vertex_shade

_NAMES = re.compile(rb"^[ \t]*(o|g|usemtl|mtllib)(?:[ \t]+(.*?))?[ \t\r]*$", re.MULTILINE)
_RELATIVE = re.compile(rb"^f .*?(?<![\w.])-\d", re.MULTILINE)


def read_obj(path: Path, references: References) -> MeshFile:
    """Read an ``.obj`` file; its objects, or else its groups, are the objects of the scene.

    Raises:
        SceneError: it is broken, too large, or refers to something outside its folder.
    """
    raw = references.read_document().replace(b"\\\n", b" ")
    corners = sum(len(face.split()) - 3 for face in re.findall(rb"^f[ \t].*$", raw, re.MULTILINE))
    if corners > MAX_TRIANGLES:
        raise SceneError(f"{path}: {too_many(corners)}")
    if _RELATIVE.search(raw):
        raise SceneError(f"{path}: f: faces count their corners from the end (negative numbers); "
                         "export with absolute numbers")  # fmt: skip
    text, owners, names, libraries = _numbered(raw)
    missing: list[str] = []
    materials: dict[str, MeshMaterial] = {}
    for library in libraries:
        materials |= _read_mtl(library, references, missing)
    plain = "".join(f"newmtl {k}\nKd 1 1 1\n" for k in range(len(names) + 1))
    scene = load_geometry(
        io.BytesIO(b"mtllib m\n" + text), "obj", path, {"m": plain.encode()}, split_objects=True
    )
    parts = []
    for name, mesh in surfaces_of(scene, path):
        owner, _, row = name.partition("_")
        known = names[int(row)] if row.isdigit() else ""
        material = materials.get(known, MeshMaterial(known))
        uv = getattr(mesh.visual, "uv", None)
        if uv is not None and material.image is not None:
            uv = np.asarray(uv, np.float64)[mesh.faces]
        else:
            uv = None
        shade = vertex_shade(mesh) if material.image is None and material.color is None else None
        triangles = np.asarray(mesh.vertices, np.float64)[mesh.faces]
        parts.append(MeshPart(owners[int(owner)], triangles, material, uv, shade))
    return MeshFile(parts, True, missing)


def _numbered(raw: bytes) -> tuple[bytes, list[str], list[str], list[str]]:
    """Return the text with objects and materials called by their numbers, and their names.

    trimesh joins names of objects and materials in a way that cannot be taken apart again.
    """
    by_group = re.search(rb"^[ \t]*o[ \t]", raw, re.MULTILINE) is None
    owners, names, libraries = ["object"], [""], []

    def number(match: re.Match[bytes]) -> bytes:
        word = match[1].decode()
        name = (match[2] or b"").decode("utf-8", "replace")
        if word == "mtllib":
            libraries.append(name)
            return b""
        if word == "usemtl":
            return b"usemtl %d" % _row(names, name)
        if (word == "g") != by_group:
            return b""
        return b"o %d" % _row(owners, name or "object")

    text = _NAMES.sub(number, raw)
    return b"o 0\nusemtl 0\n" + text, owners, names, libraries


def _row(table: list[str], name: str) -> int:
    if name not in table:
        table.append(name)
    return table.index(name)


def _read_mtl(library: str, references: References, missing: list[str]) -> dict[str, MeshMaterial]:
    data = references.read(library, "mtllib")
    if data is None:
        missing.append(f"mtllib: {library!r:.200}")
        return {}
    place = references.find(library, "mtllib")
    blocks: dict[str, dict[str, str]] = {}
    fields: dict[str, str] = {}
    for line in data.decode("utf-8", "replace").splitlines():
        key, _, value = line.strip().partition(" ")
        if key.lower() == "newmtl":
            fields = blocks.setdefault(value.strip(), {})
        elif value:
            fields[key.lower()] = value.strip()
    inner = references.inner(place)
    return {name: _mtl_material(name, f, inner, missing) for name, f in blocks.items()}


def _mtl_material(
    name: str, fields: dict[str, str], references: References, missing: list[str]
) -> MeshMaterial:
    place = f"newmtl {name!r:.80}"
    color = _rgb(fields.get("kd"), f"{references.document}: {place}: Kd")
    glow = _rgb(fields.get("ke"), f"{references.document}: {place}: Ke")
    image, image_name = None, ""
    if "map_kd" in fields:
        image_name = _file_name(fields["map_kd"])
        data = references.read(image_name, f"{place}: map_Kd")
        if data is None:
            missing.append(f"{place}: map_Kd: {image_name!r:.200}")
        else:
            # Kd beside a map is seldom meant: exporters leave a grey default there.
            image = cut_out(decode_image(data, f"{references.document}: {place}: map_Kd"), None)
    emission = max(glow) if glow and "map_ke" not in fields else 0.0
    return MeshMaterial(name, color, image, image_name, emission)


def _file_name(value: str) -> str:
    """Return the file of a ``map_Kd`` without the options before it (``-s 1 1 1 wood.png``)."""
    while match := re.match(r"-[A-Za-z]+(?:\s+(?:on|off|[-+.\deE]+))*\s+(.+)", value):
        value = match[1]
    return value


def _rgb(value: str | None, place: str) -> tuple[float, float, float] | None:
    """Return a colour; what exporters write there is meant as sRGB."""
    if value is None:
        return None
    try:
        numbers = [float(v) for v in value.split()[:3]]
    except ValueError:
        raise SceneError(f"{place} is {value!r:.80}; expected three numbers from 0 to 1") from None
    if len(numbers) == 1:
        numbers *= 3
    if len(numbers) != 3 or not np.isfinite(numbers).all():
        raise SceneError(f"{place} is {value!r:.80}; expected three numbers from 0 to 1")
    r, g, b = linear(np.clip(numbers, 0, 1)).tolist()
    return r, g, b
