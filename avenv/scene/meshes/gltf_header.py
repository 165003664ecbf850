"""The part of a glTF 2.0 header that is read, checked before anything is built from it.

Khronos, "glTF 2.0 Specification", 2021. Unknown fields are passed over; a known one with a value
that it cannot have, a reference to a row that is not there, and a node tree that is none, are
errors with the field's path.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from avenv.core.errors import SceneError
from avenv.scene.problems import Problems

Row = Annotated[int, Field(ge=0)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Factor = Annotated[float, Field(ge=0, le=1)]
Vector3 = tuple[Number, Number, Number]
Vector4 = tuple[Number, Number, Number, Number]

COMPONENTS = {5120: "i1", 5121: "u1", 5122: "i2", 5123: "u2", 5125: "u4", 5126: "f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
TRIANGLES, STRIP = 4, 5

_UNDERSTOOD = {
    "KHR_texture_transform", "KHR_materials_unlit", "KHR_materials_emissive_strength",
    "KHR_mesh_quantization", "EXT_texture_webp",
}  # fmt: skip


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


class Accessor(_Item):
    """An array within a buffer view."""

    bufferView: Row | None = None  # noqa: N815
    byteOffset: Row = 0  # noqa: N815
    componentType: Literal[5120, 5121, 5122, 5123, 5125, 5126]  # noqa: N815
    count: Row
    type: Literal["SCALAR", "VEC2", "VEC3", "VEC4", "MAT2", "MAT3", "MAT4"]
    normalized: bool = False
    sparse: Any = None


class Primitive(_Item):
    """Triangles of one material."""

    attributes: dict[str, Row]
    indices: Row | None = None
    material: Row | None = None
    mode: int = TRIANGLES


class Mesh(_Item):
    """Primitives that belong together."""

    name: str = ""
    primitives: tuple[Primitive, ...]


class Node(_Item):
    """A place in the tree: a mesh, moved by its own and its parents' transforms."""

    name: str = ""
    children: tuple[Row, ...] = ()
    mesh: Row | None = None
    matrix: Annotated[tuple[Number, ...], Field(min_length=16, max_length=16)] | None = None
    translation: Vector3 | None = None
    rotation: Vector4 | None = None
    scale: Vector3 | None = None
    extras: Any = None


class TextureUse(_Item):
    """A material's reference to a texture."""

    index: Row
    texCoord: Row = 0  # noqa: N815
    extensions: dict[str, Any] = {}


class Metallic(_Item):
    """The base colour."""

    baseColorFactor: tuple[Factor, Factor, Factor, Factor] | None = None  # noqa: N815
    baseColorTexture: TextureUse | None = None  # noqa: N815


class GltfMaterial(_Item):
    """What a surface looks like."""

    name: str = ""
    pbrMetallicRoughness: Metallic = Metallic()  # noqa: N815
    emissiveFactor: tuple[Factor, Factor, Factor] = (0.0, 0.0, 0.0)  # noqa: N815
    emissiveTexture: TextureUse | None = None  # noqa: N815
    alphaMode: Literal["OPAQUE", "MASK", "BLEND"] = "OPAQUE"  # noqa: N815
    alphaCutoff: Annotated[float, Field(ge=0)] = 0.5  # noqa: N815
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
    problems = Problems(str(path))
    try:
        header = Header.model_validate(data)
    except ValidationError as error:
        problems.add_invalid(error, {"": Header.model_fields})
        problems.check()
        raise
    version = str(header.asset.get("version", ""))
    if not version.startswith("2"):
        raise SceneError(f"{path}: asset.version is {version[:20]!r}; glTF 2.0 is accepted")
    if strange := set(header.extensionsRequired) - _UNDERSTOOD:
        raise SceneError(
            f"{path}: extensionsRequired: {', '.join(sorted(strange))[:200]} cannot be read; "
            "export without it (without mesh or texture compression)"
        )
    _check_references(header, problems)
    problems.check()
    _check_shapes(header, problems)
    problems.check()
    _check_tree(header, path)
    return header


def _check_references(header: Header, problems: Problems) -> None:
    def check(place: str, row: int | None, table: str) -> None:
        count = len(getattr(header, table))
        if row is not None and row >= count:
            problems.add(place, f"is {row}, but there are {count} {table}")

    for k, view in enumerate(header.bufferViews):
        check(f"bufferViews[{k}].buffer", view.buffer, "buffers")
    for k, accessor in enumerate(header.accessors):
        check(f"accessors[{k}].bufferView", accessor.bufferView, "bufferViews")
    for k, mesh in enumerate(header.meshes):
        for j, primitive in enumerate(mesh.primitives):
            place = f"meshes[{k}].primitives[{j}]"
            check(f"{place}.indices", primitive.indices, "accessors")
            check(f"{place}.material", primitive.material, "materials")
            for name, row in primitive.attributes.items():
                check(f"{place}.attributes.{name}", row, "accessors")
    for k, node in enumerate(header.nodes):
        check(f"nodes[{k}].mesh", node.mesh, "meshes")
        for child in node.children:
            check(f"nodes[{k}].children", child, "nodes")
    if header.scenes:
        check("scene", header.scene, "scenes")
    for k, scene in enumerate(header.scenes):
        for root in scene.nodes:
            check(f"scenes[{k}].nodes", root, "nodes")
    for k, material in enumerate(header.materials):
        use = material.pbrMetallicRoughness.baseColorTexture
        check(f"materials[{k}].baseColorTexture.index", use.index if use else None, "textures")
    for k, texture in enumerate(header.textures):
        check(f"textures[{k}].source", texture.source, "images")
    for k, image in enumerate(header.images):
        check(f"images[{k}].bufferView", image.bufferView, "bufferViews")


_SHAPES = {"POSITION": ("VEC3",), "TEXCOORD": ("VEC2",), "COLOR": ("VEC3", "VEC4")}


def _check_shapes(header: Header, problems: Problems) -> None:
    """Refuse attributes that are not one pair or triple of numbers for each corner."""
    for k, mesh in enumerate(header.meshes):
        for j, primitive in enumerate(mesh.primitives):
            corners = primitive.attributes.get("POSITION")
            count = 0 if corners is None else header.accessors[corners].count
            for name, row in primitive.attributes.items():
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
