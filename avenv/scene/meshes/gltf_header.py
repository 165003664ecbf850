"""The part of a glTF 2.0 header that is read, checked before anything is built from it.

Khronos, "glTF 2.0 Specification", 2021. Unknown fields are passed over; a known one with a value
that it cannot have, a reference to a row that is not there, and a node tree that is none, are
errors with the field's path.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from avenv.core.errors import SceneError
from avenv.scene.problems import Problems, checked

Row = Annotated[int, Field(ge=0)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Vector3 = tuple[Number, Number, Number]
Vector4 = tuple[Number, Number, Number, Number]

COMPONENTS = {5120: "i1", 5121: "u1", 5122: "i2", 5123: "u2", 5125: "u4", 5126: "f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
TRIANGLES, STRIP, FAN = 4, 5, 6

INSTANCING = "EXT_mesh_gpu_instancing"
_UNDERSTOOD = {"KHR_mesh_quantization", INSTANCING}
_LOOKS = re.compile(r"^[A-Z0-9]+_(materials?|textures?|lights?|animation|xmp)", re.IGNORECASE)
"""Extensions that change what is seen of a surface, and not where it is."""


class _Item(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Buffer(_Item):
    """A block of bytes."""

    uri: str | None = None
    byteLength: Row  # noqa: N815 - the specification's names, here and below


class BufferView(_Item):
    """A slice of a buffer."""

    buffer: Row
    byteOffset: Row = 0  # noqa: N815
    byteLength: Row  # noqa: N815
    byteStride: Annotated[int, Field(ge=4, le=252)] | None = None  # noqa: N815


class SparseIndices(_Item):
    """Which rows of an array differ."""

    bufferView: Row  # noqa: N815
    byteOffset: Row = 0  # noqa: N815
    componentType: Literal[5121, 5123, 5125]  # noqa: N815


class SparseValues(_Item):
    """What these rows are."""

    bufferView: Row  # noqa: N815
    byteOffset: Row = 0  # noqa: N815


class Sparse(_Item):
    """The rows of an array that differ from its buffer view, or from zero."""

    count: Row
    indices: SparseIndices
    values: SparseValues


class Accessor(_Item):
    """An array within a buffer view."""

    bufferView: Row | None = None  # noqa: N815
    byteOffset: Row = 0  # noqa: N815
    componentType: Literal[5120, 5121, 5122, 5123, 5125, 5126]  # noqa: N815
    count: Row
    type: Literal["SCALAR", "VEC2", "VEC3", "VEC4", "MAT2", "MAT3", "MAT4"]
    normalized: bool = False
    sparse: Sparse | None = None


class Primitive(_Item):
    """Triangles of one material, and how each morph target moves their corners."""

    attributes: dict[str, Row]
    indices: Row | None = None
    material: Row | None = None
    mode: int = TRIANGLES
    targets: tuple[dict[str, Row], ...] = ()


class Mesh(_Item):
    """Primitives that belong together, and by how much each morph target counts."""

    name: str = ""
    primitives: tuple[Primitive, ...]
    weights: tuple[Number, ...] = ()


class Skin(_Item):
    """Nodes that carry a mesh's corners, and where they were when it was bound to them."""

    joints: Annotated[tuple[Row, ...], Field(min_length=1)]
    inverseBindMatrices: Row | None = None  # noqa: N815


class Node(_Item):
    """A place in the tree: a mesh, moved by its own and its parents' transforms."""

    name: str = ""
    children: tuple[Row, ...] = ()
    mesh: Row | None = None
    skin: Row | None = None
    weights: tuple[Number, ...] | None = None
    matrix: Annotated[tuple[Number, ...], Field(min_length=16, max_length=16)] | None = None
    translation: Vector3 | None = None
    rotation: Vector4 | None = None
    scale: Vector3 | None = None
    extensions: dict[str, Any] = {}
    extras: Any = None


class TextureUse(_Item):
    """A material's reference to a texture."""

    index: Row
    texCoord: Row = 0  # noqa: N815
    extensions: dict[str, Any] = {}


class Metallic(_Item):
    """The base colour."""

    baseColorFactor: Annotated[tuple[Number, ...], Field(min_length=3)] | None = None  # noqa: N815
    baseColorTexture: TextureUse | None = None  # noqa: N815


class GltfMaterial(_Item):
    """What a surface looks like."""

    name: str = ""
    pbrMetallicRoughness: Metallic = Metallic()  # noqa: N815
    emissiveFactor: Vector3 = (0.0, 0.0, 0.0)  # noqa: N815
    emissiveTexture: TextureUse | None = None  # noqa: N815
    alphaMode: str = "OPAQUE"  # noqa: N815
    alphaCutoff: Number = 0.5  # noqa: N815
    extensions: dict[str, Any] = {}
    extras: Any = None


class Texture(_Item):
    """Names an image."""

    source: Row | None = None
    extensions: dict[str, Any] = {}


class ImageSource(_Item):
    """An image file, beside this one or within it."""

    name: str = ""
    uri: str | None = None
    bufferView: Row | None = None  # noqa: N815


class Scene(_Item):
    """The roots of the node tree."""

    nodes: tuple[Row, ...] = ()
    extras: Any = None


class Header(_Item):
    """A glTF file's JSON."""

    asset: dict[str, Any]
    scene: Row = 0
    scenes: tuple[Scene, ...] = ()
    nodes: tuple[Node, ...] = ()
    meshes: tuple[Mesh, ...] = ()
    skins: tuple[Skin, ...] = ()
    accessors: tuple[Accessor, ...] = ()
    bufferViews: tuple[BufferView, ...] = ()  # noqa: N815
    buffers: tuple[Buffer, ...] = ()
    materials: tuple[GltfMaterial, ...] = ()
    textures: tuple[Texture, ...] = ()
    images: tuple[ImageSource, ...] = ()
    extensionsRequired: tuple[str, ...] = ()  # noqa: N815


def parse_header(data: Any, path: Path) -> Header:
    """Return the header in a file's JSON.

    Raises:
        SceneError: it is not glTF 2.0, or a field has a value that it cannot have.
    """
    _check_version(data, path)
    header = checked(Header, data, str(path))
    strange = set(header.extensionsRequired) - _UNDERSTOOD
    if strange := {name for name in strange if not _LOOKS.match(name)}:
        raise SceneError(
            f"{path}: extensionsRequired: {', '.join(sorted(strange))[:200]} cannot be read; "
            "export without it (without mesh compression)"
        )
    problems = Problems(str(path))
    _check_references(header, problems)
    problems.check()
    _check_shapes(header, problems)
    problems.check()
    _check_tree(header, path)
    return header


def unread_extensions(header: Header, read: set[str]) -> list[str]:
    """Return the extensions that a file needs to look as meant, and that are passed over."""
    return sorted(set(header.extensionsRequired) - _UNDERSTOOD - read)


def _check_version(data: Any, path: Path) -> None:
    """Refuse glTF 1.0, whose tables are mappings, before its fields are looked at."""
    if not isinstance(data, dict):
        raise SceneError(f"{path}: is no glTF file: expected a mapping, found {data!r:.60}")
    asset = data.get("asset")
    version = str(asset.get("version", "")) if isinstance(asset, dict) else ""
    tables = any(isinstance(data.get(key), dict) for key in ("meshes", "nodes", "accessors"))
    if version.startswith(("0", "1")) or (tables and not version.startswith("2")):
        raise SceneError(
            f"{path}: asset.version is {version[:20]!r}: this is glTF 1.0; glTF 2.0 is accepted; "
            "convert it, as Blender or gltf-pipeline does"
        )
    if not version.startswith("2"):
        raise SceneError(f"{path}: asset.version is {version[:20]!r}; glTF 2.0 is accepted")


def _check_references(header: Header, problems: Problems) -> None:
    def check(place: str, row: int | None, table: str) -> None:
        count = len(getattr(header, table))
        if row is not None and row >= count:
            problems.add(place, f"is {row}, but there are {count} {table}")

    for k, view in enumerate(header.bufferViews):
        check(f"bufferViews[{k}].buffer", view.buffer, "buffers")
    for k, accessor in enumerate(header.accessors):
        check(f"accessors[{k}].bufferView", accessor.bufferView, "bufferViews")
        if accessor.sparse is not None:
            place = f"accessors[{k}].sparse"
            check(f"{place}.indices.bufferView", accessor.sparse.indices.bufferView, "bufferViews")
            check(f"{place}.values.bufferView", accessor.sparse.values.bufferView, "bufferViews")
    for k, mesh in enumerate(header.meshes):
        for j, primitive in enumerate(mesh.primitives):
            place = f"meshes[{k}].primitives[{j}]"
            check(f"{place}.indices", primitive.indices, "accessors")
            check(f"{place}.material", primitive.material, "materials")
            for name, row in primitive.attributes.items():
                check(f"{place}.attributes.{name}", row, "accessors")
            for target in primitive.targets:
                check(f"{place}.targets", target.get("POSITION"), "accessors")
    for k, node in enumerate(header.nodes):
        check(f"nodes[{k}].mesh", node.mesh, "meshes")
        check(f"nodes[{k}].skin", node.skin, "skins")
        for child in node.children:
            check(f"nodes[{k}].children", child, "nodes")
    if header.scenes:
        check("scene", header.scene, "scenes")
    for k, scene in enumerate(header.scenes):
        for root in scene.nodes:
            check(f"scenes[{k}].nodes", root, "nodes")
    for k, skin in enumerate(header.skins):
        check(f"skins[{k}].inverseBindMatrices", skin.inverseBindMatrices, "accessors")
        for joint in skin.joints:
            check(f"skins[{k}].joints", joint, "nodes")
    for k, image in enumerate(header.images):
        check(f"images[{k}].bufferView", image.bufferView, "bufferViews")


_SHAPES = {
    "POSITION": ("VEC3",), "TEXCOORD": ("VEC2",), "COLOR": ("VEC3", "VEC4"),
    "JOINTS": ("VEC4",), "WEIGHTS": ("VEC4",),
}  # fmt: skip


def _check_shapes(header: Header, problems: Problems) -> None:
    """Refuse attributes that are not one pair or triple of numbers for each corner."""
    for k, mesh in enumerate(header.meshes):
        for j, primitive in enumerate(mesh.primitives):
            corners = primitive.attributes.get("POSITION")
            count = 0 if corners is None else header.accessors[corners].count
            moved = [("POSITION", t["POSITION"]) for t in primitive.targets if "POSITION" in t]
            for name, row in (*primitive.attributes.items(), *moved):
                accessor = header.accessors[row]
                accepted = _SHAPES.get(name.partition("_")[0], (accessor.type,))
                if accessor.type not in accepted or accessor.count != count:
                    problems.add(
                        f"meshes[{k}].primitives[{j}].attributes.{name}",
                        f"has {accessor.count} {accessor.type}; expected {count} "
                        f"{' or '.join(accepted)}, as many as there are positions",
                    )


def _check_tree(header: Header, path: Path) -> None:
    """Refuse nodes with two parents or within themselves: the tree could unfold without end."""
    parents = [0] * len(header.nodes)
    for node in header.nodes:
        for child in node.children:
            parents[child] += 1
    if max(parents, default=0) > 1:
        k = parents.index(max(parents))
        raise SceneError(f"{path}: nodes[{k}]: has more than one parent; nodes make up a tree")
    for k in roots(header):
        if parents[k]:
            raise SceneError(f"{path}: scenes: nodes[{k}] is a root, and the child of another node")


def roots(header: Header) -> tuple[int, ...]:
    """Return the nodes that the tree starts from: the scene's, or all that are no child."""
    if header.scenes:
        return tuple(dict.fromkeys(header.scenes[header.scene].nodes))
    children = {child for node in header.nodes for child in node.children}
    return tuple(k for k in range(len(header.nodes)) if k not in children)
