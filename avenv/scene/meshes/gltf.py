"""Read glTF 2.0, binary (``.glb``) or as text (``.gltf``).

The header is checked first, so that sizes are known and references stay in the folder. trimesh then
unpacks the arrays and walks the node tree; materials and images are read here.
"""

import io
import json
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray
from trimesh.visual import ColorVisuals

from avenv.core.errors import SceneError
from avenv.scene.layout import free_name
from avenv.scene.meshes.gltf_header import (
    COMPONENTS,
    STRIP,
    TRIANGLES,
    WIDTHS,
    Accessor,
    GltfMaterial,
    Header,
    Primitive,
    TextureUse,
    parse_header,
    roots,
)
from avenv.scene.meshes.parts import MAX_TRIANGLES, MeshFile, MeshMaterial, MeshPart, too_many
from avenv.scene.meshes.references import References
from avenv.scene.meshes.textures import cut_out, decode_image, tinted
from avenv.scene.meshes.trimesh_calls import load_geometry, surfaces_of

_MAGIC, _JSON, _BIN = b"glTF", 0x4E4F534A, 0x004E4942
_READ = ("POSITION", "COLOR_0")  # and the TEXCOORD that the texture uses


def read_gltf(path: Path, references: References) -> MeshFile:
    """Read a ``.gltf`` or ``.glb`` file.

    Raises:
        SceneError: it is broken, too large, or refers to something outside its folder.
    """
    data, binary = _split(references.read_document(), path)
    header = parse_header(data, path)
    _check_size(header, path)
    buffers = _buffers(header, binary, path, references)
    reader = _Reader(header, buffers, path, references)
    notes = header.scenes[header.scene].extras if header.scenes else None
    return MeshFile(reader.parts(), True, reader.missing, notes=_notes(notes))


def _split(raw: bytes, path: Path) -> tuple[Any, bytes | None]:
    """Return the JSON, and the binary chunk of a GLB."""
    text, binary = raw, None
    if raw[:4] == _MAGIC or path.suffix.lower() == ".glb":
        chunks = _chunks(raw, path)
        if not chunks or chunks[0][0] != _JSON:
            raise SceneError(f"{path}: is no GLB file: its first chunk is not JSON")
        text = chunks[0][1]
        binary = next((content for kind, content in chunks[1:] if kind == _BIN), None)
    try:
        return json.loads(text.decode("utf-8-sig")), binary
    except (ValueError, RecursionError) as error:
        raise SceneError(f"{path}: is no glTF file: {error}") from error


def _chunks(raw: bytes, path: Path) -> list[tuple[int, bytes]]:
    if len(raw) < 12 or raw[:4] != _MAGIC:
        raise SceneError(f"{path}: is no GLB file: it does not begin with 'glTF'")
    version, length = struct.unpack_from("<II", raw, 4)
    if version != 2:
        raise SceneError(f"{path}: is GLB version {version}; version 2 is accepted")
    if length > len(raw):
        raise SceneError(f"{path}: is cut off: it has {len(raw):,} of {length:,} bytes")
    chunks: list[tuple[int, bytes]] = []
    at = 12
    while at + 8 <= length:
        size, kind = struct.unpack_from("<II", raw, at)
        if at + 8 + size > length:
            raise SceneError(f"{path}: is cut off: chunk {len(chunks)} ends beyond the file")
        chunks.append((kind, raw[at + 8 : at + 8 + size]))
        at += 8 + size
    return chunks


def _check_size(header: Header, path: Path) -> None:
    total, queue = 0, list(roots(header))
    while queue:
        node = header.nodes[queue.pop()]
        queue += node.children
        if node.mesh is not None:
            for primitive in header.meshes[node.mesh].primitives:
                row = primitive.indices
                row = primitive.attributes.get("POSITION") if row is None else row
                count = header.accessors[row].count if row is not None else 0
                total += count // 3 if primitive.mode == TRIANGLES else max(count - 2, 0)
    if total > MAX_TRIANGLES:
        raise SceneError(f"{path}: {too_many(total)}")


def _buffers(
    header: Header, binary: bytes | None, path: Path, references: References
) -> list[bytes]:
    out = []
    for k, buffer in enumerate(header.buffers):
        place = f"buffers[{k}].uri"
        content = binary if buffer.uri is None else references.read(buffer.uri, place)
        if content is None:
            raise SceneError(f"{path}: {place}: the file {buffer.uri!r:.200} is missing")
        if len(content) < buffer.byteLength:
            raise SceneError(f"{path}: buffers[{k}].byteLength is {buffer.byteLength:,}, but there "
                             f"are {len(content):,} bytes")  # fmt: skip
        out.append(content)
    for k, view in enumerate(header.bufferViews):
        if view.byteOffset + view.byteLength > len(out[view.buffer]):
            raise SceneError(f"{path}: bufferViews[{k}] ends beyond its buffer")
    return out


def _notes(extras: Any) -> dict[str, Any] | None:
    notes = extras.get("avenv") if isinstance(extras, dict) else None
    return notes if isinstance(notes, dict) else None


class _Reader:
    """The contents of one file with a checked header."""

    def __init__(
        self, header: Header, buffers: list[bytes], path: Path, references: References
    ) -> None:
        self.header, self.buffers, self.path = header, buffers, path
        self.references = references
        self.missing: list[str] = []
        self._materials: dict[int | None, MeshMaterial] = {None: MeshMaterial()}
        self._images: dict[int, NDArray[np.uint8] | None] = {}

    def parts(self) -> list[MeshPart]:
        """Return what the scene's nodes show."""
        primitives = [
            (k, p) for k, mesh in enumerate(self.header.meshes) for p in mesh.primitives
            if p.mode in (TRIANGLES, STRIP) and "POSITION" in p.attributes
        ]  # fmt: skip
        scene = load_geometry(
            io.BytesIO(json.dumps(self._plain_header(primitives)).encode()), "gltf", self.path,
            {str(k): content for k, content in enumerate(self.buffers)},
        )  # fmt: skip
        owners, meshes = self._owners(), dict(surfaces_of(scene, self.path))
        parts = []
        frames = [
            tuple(map(int, frame.split("/"))) for frame in map(str, scene.graph.nodes_geometry)
        ]
        for node, row in sorted(frames):
            if str(row) not in meshes:
                continue
            transform = scene.graph[f"{node}/{row}"][0]
            part = self._part(meshes[str(row)], primitives[row][1], transform,
                              owners[node], _notes(self.header.nodes[node].extras))  # fmt: skip
            parts.append(part)
        return parts

    def _owners(self) -> dict[int, str]:
        names: dict[int, str] = {}
        taken: set[str] = set()
        for k, node in enumerate(self.header.nodes):
            if node.mesh is not None:
                default = node.name or self.header.meshes[node.mesh].name or "object"
                names[k] = free_name(default, taken)
                taken.add(names[k])
        return names

    def _plain_header(self, primitives: list[tuple[int, Primitive]]) -> dict[str, Any]:
        """Return a header with geometry only: a node and a mesh of its own for each primitive.

        All names are numbers, so that what trimesh returns can be told apart.
        """
        nodes: list[dict[str, Any]] = []
        for k, node in enumerate(self.header.nodes):
            fields = {"children", "matrix", "translation", "rotation", "scale"}
            plain = node.model_dump(include=fields, exclude_none=True)
            nodes.append({**plain, "children": list(node.children), "name": str(k)})
        for k, node in enumerate(self.header.nodes):
            for row, (mesh, _) in enumerate(primitives):
                if mesh == node.mesh:
                    nodes[k]["children"].append(len(nodes))
                    nodes.append({"name": f"{k}/{row}", "mesh": row})
        used: set[int] = set()
        meshes = []
        for row, (_, primitive) in enumerate(primitives):
            attributes = self._attributes(primitive)
            plain_primitive: dict[str, Any] = {"attributes": attributes, "mode": primitive.mode}
            if primitive.indices is not None:
                plain_primitive["indices"] = primitive.indices
            if "TEXCOORD_0" in attributes:
                plain_primitive["material"] = 0
            used |= set(attributes.values())
            used |= set() if primitive.indices is None else {primitive.indices}
            meshes.append({"name": str(row), "primitives": [plain_primitive]})
        return {
            "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": roots(self.header)}],
            "nodes": nodes, "meshes": meshes, "materials": [{"name": "uv"}],
            "buffers": [{"uri": str(k), "byteLength": len(b)} for k, b in enumerate(self.buffers)],
            "bufferViews": [v.model_dump(exclude_none=True) for v in self.header.bufferViews],
            "accessors": [self._accessor(k, k in used) for k in range(len(self.header.accessors))],
        }  # fmt: skip

    def _attributes(self, primitive: Primitive) -> dict[str, int]:
        """Return the attributes to read; TEXCOORD_0 is the one that the base colour uses."""
        out = {name: row for name, row in primitive.attributes.items() if name in _READ}
        use = self._texture_use(primitive.material)
        if use is not None:
            row = primitive.attributes.get(f"TEXCOORD_{use.texCoord}")
            if row is not None:
                out["TEXCOORD_0"] = row
        return out

    def _accessor(self, k: int, used: bool) -> dict[str, Any]:
        if not used:
            return {"count": 0, "componentType": 5126, "type": "SCALAR"}
        accessor = self.header.accessors[k]
        place = f"{self.path}: accessors[{k}]"
        if accessor.bufferView is None or accessor.sparse is not None:
            raise SceneError(f"{place} is sparse, compressed or empty; export plain arrays")
        view = self.header.bufferViews[accessor.bufferView]
        row = np.dtype(COMPONENTS[accessor.componentType]).itemsize * WIDTHS[accessor.type]
        stride = view.byteStride or row
        if accessor.byteOffset + (accessor.count - 1) * stride + row > view.byteLength:
            raise SceneError(f"{place} ends beyond its buffer view")
        return accessor.model_dump(exclude={"sparse", "normalized"}, exclude_none=True)

    def _part(
        self, mesh: trimesh.Trimesh, primitive: Primitive, transform: NDArray[np.float64],
        owner: str, notes: dict[str, Any] | None,
    ) -> MeshPart:  # fmt: skip
        attributes = self._attributes(primitive)
        faces = np.asarray(mesh.faces)
        if np.linalg.det(transform[:3, :3]) < 0:  # mirrored: keep the front in front
            faces = faces[:, ::-1]
        vertices = np.asarray(mesh.vertices, np.float64)
        vertices = vertices / self._unit(attributes["POSITION"])
        vertices = vertices @ transform[:3, :3].T + transform[:3, 3]
        material = self.material(primitive.material)
        uv = shade = None
        if "TEXCOORD_0" in attributes and material.image is not None:
            flipped = np.asarray(getattr(mesh.visual, "uv", None), np.float64)
            raw = np.stack([flipped[:, 0], 1 - flipped[:, 1]], axis=1)
            use = self._texture_use(primitive.material)
            uv = _transformed(raw / self._unit(attributes["TEXCOORD_0"]), use)[faces]
        elif "COLOR_0" in attributes and material.image is None:
            shade = self._colors(mesh, attributes["COLOR_0"])[faces].mean(axis=1)
            shade = shade * (material.color or (1, 1, 1))
        return MeshPart(owner, vertices[faces], material, uv, shade, notes)

    def _unit(self, row: int) -> float:
        accessor: Accessor = self.header.accessors[row]
        kind = np.dtype(COMPONENTS[accessor.componentType])
        return float(np.iinfo(kind).max) if accessor.normalized and kind.kind in "iu" else 1.0

    def _colors(self, mesh: trimesh.Trimesh, row: int) -> NDArray[np.float64]:
        accessor, visual = self.header.accessors[row], mesh.visual
        if isinstance(visual, ColorVisuals):
            raw = visual.vertex_colors / 255
        else:
            assert visual is not None  # trimesh gives every mesh one
            raw = visual.vertex_attributes["color"]
            if accessor.componentType != 5126:
                raw = raw / np.iinfo(COMPONENTS[accessor.componentType]).max
        return np.clip(np.asarray(raw, np.float64)[:, :3], 0, 1)

    def _texture_use(self, material: int | None) -> TextureUse | None:
        if material is None:
            return None
        return self.header.materials[material].pbrMetallicRoughness.baseColorTexture

    def material(self, row: int | None) -> MeshMaterial:
        """Return a material with its image; the same one each time."""
        if row not in self._materials:
            assert row is not None  # None is there from the start
            self._materials[row] = self._read_material(self.header.materials[row])
        return self._materials[row]

    def _read_material(self, material: GltfMaterial) -> MeshMaterial:
        base = material.pbrMetallicRoughness
        color = base.baseColorFactor[:3] if base.baseColorFactor else None
        image, image_name = None, ""
        if base.baseColorTexture is not None:
            image, image_name = self._image(base.baseColorTexture)
        if image is not None:
            cutoff = {"OPAQUE": 0.0, "MASK": material.alphaCutoff}.get(material.alphaMode)
            image = cut_out(image, cutoff)
            image = tinted(image, color) if color else image
        emission = 0.0
        if material.emissiveTexture is None:  # where an image says what glows, most does not
            strength = material.extensions.get("KHR_materials_emissive_strength")
            times = strength.get("emissiveStrength", 1.0) if isinstance(strength, dict) else 1.0
            emission = max(material.emissiveFactor) * _number(times, 1.0, 0.0, 100.0)
            if emission and not any(color or ()):
                color = material.emissiveFactor
        return MeshMaterial(
            material.name, color, image, image_name, emission, _notes(material.extras)
        )

    def _image(self, use: TextureUse) -> tuple[NDArray[np.uint8] | None, str]:
        texture = self.header.textures[use.index]
        webp = texture.extensions.get("EXT_texture_webp")
        source = webp.get("source") if isinstance(webp, dict) else texture.source
        if not isinstance(source, int) or not 0 <= source < len(self.header.images):
            self.missing.append(f"textures[{use.index}] has no image that can be read")
            return None, ""
        image = self.header.images[source]
        name = image.name or ("" if (image.uri or "data:").startswith("data:") else image.uri or "")
        if source not in self._images:
            self._images[source] = self._decode(source)
        return self._images[source], name

    def _decode(self, row: int) -> NDArray[np.uint8] | None:
        image, place = self.header.images[row], f"images[{row}]"
        if image.bufferView is not None:
            view = self.header.bufferViews[image.bufferView]
            end = view.byteOffset + view.byteLength
            data = self.buffers[view.buffer][view.byteOffset : end]
        else:
            found = self.references.read(image.uri, f"{place}.uri") if image.uri else None
            if found is None:
                self.missing.append(f"{place}: {image.uri!r:.200}")
                return None
            data = found
        if data.startswith(b"\xabKTX"):
            self.missing.append(f"{place} is compressed for a graphics card (KTX2)")
            return None
        return decode_image(data, f"{self.path}: {place}")


def _transformed(uv: NDArray[np.float64], use: TextureUse | None) -> NDArray[np.float64]:
    """Return uv with v up; the file has v down and may transform it (KHR_texture_transform)."""
    change = use.extensions.get("KHR_texture_transform") if use else None
    if isinstance(change, dict):
        scale, offset = (_pair(change.get(k), d) for k, d in (("scale", 1.0), ("offset", 0.0)))
        turn = _number(change.get("rotation"), 0.0, -100.0, 100.0)
        c, s = math.cos(turn), math.sin(turn)
        uv = (uv * scale) @ np.array([[c, -s], [s, c]]) + offset
    return np.stack([uv[:, 0], 1 - uv[:, 1]], axis=1)


def _number(value: Any, default: float, low: float, high: float) -> float:
    good = isinstance(value, int | float) and low <= value <= high
    return float(value) if good else default


def _pair(value: Any, default: float) -> NDArray[np.float64]:
    values = value if isinstance(value, list) and len(value) == 2 else [default] * 2
    return np.array([_number(v, default, -1e6, 1e6) for v in values])
