"""Read articulated objects (URDF): links at joints, each with meshes or plain shapes.

The format is ROS' Unified Robot Description Format; physics and collision shapes are left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import cos, sin
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SceneError
from avenv.scene.meshes.parts import MeshMaterial, MeshPart
from avenv.scene.meshes.readers import read_mesh
from avenv.scene.meshes.references import References

_LARGEST = 10_000_000  # bytes
_LINKS = 10_000

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LinkPart:
    """A part of one link, and where that is.

    Attributes:
        link: its name.
        part: in the link's own axes, the visual's origin included.
        matrix: (4, 4) from the link's axes to those of the whole, at the given joint positions. Its
            origin is where habitat-sim has it: the centre of mass of the base link, if the file
            gives one.
    """

    link: str
    part: MeshPart
    matrix: Matrix


def read_urdf(
    path: Path, references: References, positions: Mapping[str, float] | Sequence[float] = ()
) -> Iterator[LinkPart]:
    """Yield the parts of all links.

    Args:
        path: of the file, for messages.
        references: of which it is the document.
        positions: of joints, radians or metres: by name, or in the order in which the file has
            those that move; others are at 0.

    Raises:
        SceneError: the file is broken, a mesh is missing, or joints go round in a circle.
    """
    raw = references.read_document()
    if len(raw) > _LARGEST:
        raise SceneError(f"{path}: has {len(raw):,} bytes; at most {_LARGEST:,} are read")
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        raise SceneError(f"{path}: declares a document type; accepted: URDF without one")
    try:
        robot = ElementTree.fromstring(raw)
    except ElementTree.ParseError as error:
        raise SceneError(f"{path}: is not valid XML: {error}") from None
    links = {str(link.get("name")): link for link in robot.findall("link")}
    if not links or len(links) > _LINKS:
        raise SceneError(f"{path}: has {len(links)} links; accepted: 1 to {_LINKS}")
    places = _places(robot, links, positions, path)
    for name, link in links.items():
        for visual in link.findall("visual"):
            for part in _visual(visual, path, references):
                yield LinkPart(name, part, places[name])


def _places(
    robot: ElementTree.Element, links: Mapping[str, ElementTree.Element],
    positions: Mapping[str, float] | Sequence[float], path: Path,
) -> dict[str, Matrix]:  # fmt: skip
    """Return the matrix (4, 4) of each link."""
    above: dict[str, tuple[str, Matrix]] = {}
    moving = 0
    for joint in robot.findall("joint"):
        name, kind = str(joint.get("name")), joint.get("type", "fixed")
        ends = [joint.find(end) for end in ("parent", "child")]
        parent, child = (None if end is None else end.get("link") for end in ends)
        if parent not in links or child not in links:
            raise SceneError(
                f"{path}: joint {name!r} joins {parent!r} and {child!r}; accepted: links"
            )
        value = 0.0
        if kind != "fixed":
            if isinstance(positions, Mapping):
                value = float(positions.get(name, positions.get(str(moving), 0.0)))
            elif moving < len(positions):
                value = float(positions[moving])
            moving += 1
        above[str(child)] = str(parent), _origin(joint, path) @ _moved(joint, kind, value, path)
    out: dict[str, Matrix] = {}
    base = next((name for name in links if name not in above), "")
    inertial = links[base].find("inertial") if base else None
    origin = np.eye(4) if inertial is None else np.linalg.inv(_origin(inertial, path))
    for name in links:
        way, at = np.eye(4), name
        for _ in range(len(links) + 1):
            if at not in above:
                break
            at, step = above[at]
            way = step @ way
        else:
            raise SceneError(f"{path}: the joints of link {name!r} go round in a circle")
        out[name] = origin @ way
    return out


def _moved(joint: ElementTree.Element, kind: str, value: float, path: Path) -> Matrix:
    """Return the matrix of a joint at a position."""
    matrix = np.eye(4)
    if kind == "fixed" or value == 0:
        return matrix
    axis = joint.find("axis")
    along = _numbers(axis, "xyz", 3, path) if axis is not None else np.array([1.0, 0.0, 0.0])
    along = along / max(float(np.linalg.norm(along)), 1e-12)
    if kind == "prismatic":
        matrix[:3, 3] = value * along
        return matrix
    x, y, z = along
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    matrix[:3, :3] += sin(value) * cross + (1 - cos(value)) * cross @ cross  # Rodrigues
    return matrix


def _origin(element: ElementTree.Element, path: Path) -> Matrix:
    """Return the matrix of an element's ``origin``: turned about x, y, then z, and moved."""
    matrix, origin = np.eye(4), element.find("origin")
    if origin is None:
        return matrix
    roll, pitch, yaw = _numbers(origin, "rpy", 3, path)
    about_x = np.array([[1, 0, 0], [0, cos(roll), -sin(roll)], [0, sin(roll), cos(roll)]])
    about_y = np.array([[cos(pitch), 0, sin(pitch)], [0, 1, 0], [-sin(pitch), 0, cos(pitch)]])
    about_z = np.array([[cos(yaw), -sin(yaw), 0], [sin(yaw), cos(yaw), 0], [0, 0, 1]])
    matrix[:3, :3] = about_z @ about_y @ about_x
    matrix[:3, 3] = _numbers(origin, "xyz", 3, path)
    return matrix


def _visual(visual: ElementTree.Element, path: Path, references: References) -> Iterator[MeshPart]:
    """Yield the parts of one visual, in the axes of its link."""
    shape = visual.find("geometry")
    kind = None if shape is None or len(shape) == 0 else shape[0]
    if kind is None:
        raise SceneError(f"{path}: a visual has no geometry")
    matrix = _origin(visual, path)
    if kind.tag == "mesh":
        name = str(kind.get("filename", "")).removeprefix("package://")
        file = references.find(name, "mesh: filename")
        if not file.is_file():
            raise SceneError(f"{path}: mesh: there is no file {str(file)!r}")
        if kind.get("scale"):
            matrix[:3, :3] = matrix[:3, :3] @ np.diag(_numbers(kind, "scale", 3, path))
        parts = read_mesh(file, references.inner(file)).parts
    else:
        parts = [MeshPart("", _primitive(kind, path), _material(visual, path))]
    for part in parts:
        yield turned(part, matrix)


def turned(part: MeshPart, matrix: Matrix) -> MeshPart:
    """Return a part moved by a matrix (4, 4); a mirrored one keeps its outside outside."""
    order = [2, 1, 0] if np.linalg.det(matrix[:3, :3]) < 0 else [0, 1, 2]
    triangles = part.triangles @ matrix[:3, :3].T + matrix[:3, 3]
    return replace(
        part,
        triangles=triangles[:, order],
        uv=None if part.uv is None else part.uv[:, order],
        notes=None,
    )


def _primitive(kind: ElementTree.Element, path: Path) -> NDArray[np.float64]:
    import trimesh

    if kind.tag == "box":
        made = trimesh.creation.box(_numbers(kind, "size", 3, path))
    elif kind.tag == "sphere":
        made = trimesh.creation.icosphere(2, _numbers(kind, "radius", 1, path)[0])
    elif kind.tag in ("cylinder", "capsule"):
        radius, length = (_numbers(kind, name, 1, path)[0] for name in ("radius", "length"))
        if kind.tag == "cylinder":
            made = trimesh.creation.cylinder(radius, length, sections=24)
        else:
            made = trimesh.creation.capsule(length, radius, count=[16, 16])
    else:
        raise SceneError(
            f"{path}: geometry is a {kind.tag!r}; accepted: mesh, box, sphere, cylinder, capsule"
        )
    return np.asarray(made.triangles, np.float64)


def _material(visual: ElementTree.Element, path: Path) -> MeshMaterial:
    found = visual.find("material")
    color = None if found is None else found.find("color")
    name = "" if found is None else str(found.get("name", ""))
    if color is None:
        return MeshMaterial(name)
    r, g, b, _ = _numbers(color, "rgba", 4, path).tolist()
    return MeshMaterial(name, (r, g, b))


def _numbers(
    element: ElementTree.Element, name: str, count: int, path: Path
) -> NDArray[np.float64]:
    """Return the numbers of an attribute; zeros where it is missing.

    Raises:
        SceneError: they are none, or of another count.
    """
    text = element.get(name)
    if text is None:
        return np.zeros(count)
    try:
        values = np.array([float(word) for word in text.replace(",", " ").split()])
    except ValueError:
        values = np.zeros(0)
    if len(values) != count or not np.isfinite(values).all():
        raise SceneError(
            f"{path}: {element.tag}: {name} is {text!r:.60}; accepted: {count} numbers"
        )
    return values
