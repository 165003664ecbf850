"""Read glTF 2.0, binary (``.glb``) or as text (``.gltf``).

The header is checked first, so that sizes are known and references stay in the folder.
"""

import json
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SceneError
from avenv.scene.meshes.gltf_arrays import Arrays
from avenv.scene.meshes.gltf_header import (
    FAN,
    STRIP,
    TRIANGLES,
    Header,
    Node,
    Primitive,
    parse_header,
    roots,
    unread_extensions,
)
from avenv.scene.meshes.gltf_looks import READ, Looks, notes_of, transformed
from avenv.scene.meshes.gltf_nodes import (
    bound_corners,
    instance_matrices,
    instance_rows,
    world_matrices,
)
from avenv.scene.meshes.parts import MAX_TRIANGLES, MeshFile, MeshPart, too_many
from avenv.scene.meshes.polygons import fan_triangles, strip_triangles
from avenv.scene.meshes.references import References
from avenv.scene.meshes.texts import decode_text
from avenv.scene.placed import free_name

Points = NDArray[np.float64]
Index = NDArray[np.int64]

_MAGIC, _JSON, _BIN = b"glTF", 0x4E4F534A, 0x004E4942


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
    parts = reader.parts()
    return MeshFile(parts, True, reader.looks.missing, reader.notes(), notes_of(notes))


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
        return json.loads(decode_text(text, str(path))), binary
    except SceneError:
        raise
    except (ValueError, RecursionError) as error:
        raise SceneError(f"{path}: is no glTF file: {error}") from error


def _chunks(raw: bytes, path: Path) -> list[tuple[int, bytes]]:
    if len(raw) < 12 or raw[:4] != _MAGIC:
        raise SceneError(f"{path}: is no GLB file: it does not begin with 'glTF'")
    version, length = struct.unpack_from("<II", raw, 4)
    if version != 2:
        raise SceneError(f"{path}: is GLB version {version}, that is glTF {version}.0; glTF 2.0 is "
                         "accepted; convert it, as Blender or gltf-pipeline does")  # fmt: skip
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
        k = queue.pop()
        node = header.nodes[k]
        queue += node.children
        if node.mesh is not None:
            instances = instance_rows(node, header, f"{path}: nodes[{k}]")
            times = max((header.accessors[row].count for row in instances.values()), default=1)
            for primitive in header.meshes[node.mesh].primitives:
                row = primitive.indices
                row = primitive.attributes.get("POSITION") if row is None else row
                count = header.accessors[row].count if row is not None else 0
                if primitive.mode >= TRIANGLES:
                    count = count // 3 if primitive.mode == TRIANGLES else max(count - 2, 0)
                    total += times * count
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


class _Reader:
    """The contents of one file with a checked header."""

    def __init__(
        self, header: Header, buffers: list[bytes], path: Path, references: References
    ) -> None:
        self.header, self.path = header, path
        self.arrays = Arrays(header, buffers, path)
        self.looks = Looks(header, buffers, references)
        self._unread: Counter[str] = Counter()
        self._taken: set[str] = set()

    def parts(self) -> list[MeshPart]:
        """Return what the scene's nodes show."""
        world = world_matrices(self.header)
        out: list[MeshPart] = []
        for k in sorted(world):
            node = self.header.nodes[k]
            if node.mesh is None:
                continue
            place = f"{self.path}: nodes[{k}]"
            shapes = list(self._shapes(node, world))
            name = node.name or self.header.meshes[node.mesh].name or "object"
            for matrix in instance_matrices(node, world[k], self.arrays, self.header, place):
                owner = self._owner(name)
                for points, faces, primitive in shapes:
                    skinned = node.skin is not None and "JOINTS_0" in primitive.attributes
                    placed = np.eye(4) if skinned else matrix
                    out.append(self._part(points, faces, primitive, placed, owner,
                                          notes_of(node.extras)))  # fmt: skip
        return out

    def notes(self) -> list[str]:
        """Return what the scene lacks, or has otherwise than the file says."""
        unread = [f"{n:,} {what} are left out" for what, n in self._unread.items()]
        for name in unread_extensions(self.header, READ):
            unread.append(f"{name} is passed over")
        return [*unread, *self.looks.notes]

    def _owner(self, name: str) -> str:
        owner = free_name(name, self._taken)
        self._taken.add(owner)
        return owner

    def _shapes(
        self, node: Node, world: Mapping[int, Points]
    ) -> Iterator[tuple[Points, Index, Primitive]]:
        """Yield the corners, the faces and the primitive of each part of a node's mesh."""
        assert node.mesh is not None  # the caller has seen to it
        mesh = self.header.meshes[node.mesh]
        for primitive in mesh.primitives:
            if primitive.mode not in _FACES or "POSITION" not in primitive.attributes:
                lost = "lines and points" if primitive.mode < TRIANGLES else "primitives"
                self._unread[lost] += 1
                continue
            points = self.arrays.real(primitive.attributes["POSITION"])
            weights = mesh.weights if node.weights is None else node.weights
            for target, weight in zip(primitive.targets, weights, strict=False):
                if weight and "POSITION" in target:
                    points = points + weight * self.arrays.real(target["POSITION"])
            if node.skin is not None:
                bound = bound_corners(points, primitive, node.skin, world, self.arrays, self.header,
                                      self.path)  # fmt: skip
                points = points if bound is None else bound
            yield points, self._faces(primitive, len(points)), primitive

    def _faces(self, primitive: Primitive, count: int) -> Index:
        """Return the corners (T, 3) of a primitive's triangles."""
        rows = np.arange(count)
        if primitive.indices is not None:
            rows = self.arrays.whole(primitive.indices).ravel()
            if len(rows) and (rows.max() >= count or rows.min() < 0):
                raise SceneError(f"{self.path}: accessors[{primitive.indices}]: names corner "
                                 f"{rows.max():,}, but there are {count:,}")  # fmt: skip
        return rows[_FACES[primitive.mode](len(rows))]

    def _part(
        self, points: Points, faces: Index, primitive: Primitive, matrix: Points, owner: str,
        notes: Mapping[str, Any] | None,
    ) -> MeshPart:  # fmt: skip
        if np.linalg.det(matrix[:3, :3]) < 0:  # mirrored: keep the front in front
            faces = faces[:, ::-1]
        placed = points @ matrix[:3, :3].T + matrix[:3, 3]
        material = self.looks.material(primitive.material)
        use = self.looks.texture_use(primitive.material)
        texels = None if use is None else primitive.attributes.get(f"TEXCOORD_{use.texCoord}")
        uv = shade = None
        if texels is not None and material.image is not None:
            uv = transformed(self.arrays.real(texels), use)[faces]
        elif "COLOR_0" in primitive.attributes and material.image is None:
            colors = self.arrays.real(primitive.attributes["COLOR_0"], normalized=True)[:, :3]
            shade = np.clip(colors, 0, 1)[faces].mean(axis=1) * (material.color or (1, 1, 1))
        return MeshPart(owner, placed[faces], material, uv, shade, notes)


def _triples(count: int) -> Index:
    return np.arange(count - count % 3).reshape(-1, 3)


_FACES = {TRIANGLES: _triples, STRIP: strip_triangles, FAN: fan_triangles}
