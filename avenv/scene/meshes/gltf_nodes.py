"""Where the nodes of a glTF file put its meshes: the tree, instances, and the bones of skins."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from avenv.core.errors import SceneError
from avenv.scene.meshes.gltf_arrays import Arrays
from avenv.scene.meshes.gltf_header import INSTANCING, Header, Node, Primitive, roots
from avenv.scene.meshes.parts import MAX_TRIANGLES

Matrix = NDArray[np.float64]

_WIDTHS = {"TRANSLATION": 3, "ROTATION": 4, "SCALE": 3}
_NONE = {"TRANSLATION": (0.0, 0.0, 0.0), "ROTATION": (0.0, 0.0, 0.0, 1.0), "SCALE": (1.0, 1.0, 1.0)}


def world_matrices(header: Header) -> dict[int, Matrix]:
    """Return the matrix (4, 4) into the world of each node in the scene's tree, parents first."""
    found: dict[int, Matrix] = {}
    queue = [(k, np.eye(4)) for k in reversed(roots(header))]
    while queue:
        k, parent = queue.pop()
        node = header.nodes[k]
        found[k] = parent @ _local(node)
        queue += [(child, found[k]) for child in reversed(node.children)]
    return found


def _local(node: Node) -> Matrix:
    if node.matrix is not None:
        return np.array(node.matrix, np.float64).reshape(4, 4).T
    return _composed(*(
        np.array([value if value is not None else _NONE[name]])
        for name, value in (("TRANSLATION", node.translation), ("ROTATION", node.rotation),
                            ("SCALE", node.scale))
    ))[0]  # fmt: skip


def _composed(translation: Matrix, rotation: Matrix, scale: Matrix) -> Matrix:
    """Return matrices (N, 4, 4) that scale, turn by quaternions (x, y, z, w), and move."""
    length = np.linalg.norm(rotation, axis=1, keepdims=True)
    turn = np.where(length > 0, rotation, (0.0, 0.0, 0.0, 1.0))
    out = np.tile(np.eye(4), (len(turn), 1, 1))
    out[:, :3, :3] = Rotation.from_quat(turn).as_matrix() * scale[:, None, :]
    out[:, :3, 3] = translation
    return out


def instance_matrices(
    node: Node, world: Matrix, arrays: Arrays, header: Header, place: str
) -> Matrix:
    """Return the matrices (N, 4, 4) into the world of all instances of a node's mesh.

    That is one, or as many as ``EXT_mesh_gpu_instancing`` has.

    Raises:
        SceneError: the extension's attributes are not as it has them.
    """
    rows = instance_rows(node, header, place)
    if not rows:
        return world[None]
    count = header.accessors[next(iter(rows.values()))].count
    columns = [
        arrays.real(rows[name]) if name in rows else np.tile(default, (count, 1))
        for name, default in _NONE.items()
    ]
    return world @ _composed(*columns)


def instance_rows(node: Node, header: Header, place: str) -> Mapping[str, int]:
    """Return the accessors of a node's instances by attribute; empty if it has none.

    Raises:
        SceneError: they are not there, not of one length, or too many.
    """
    extension = node.extensions.get(INSTANCING)
    if extension is None:
        return {}
    found = extension.get("attributes") if isinstance(extension, dict) else None
    rows = {name: found[name] for name in _WIDTHS if name in found} if found else {}
    for name, row in rows.items():
        if not isinstance(row, int) or not 0 <= row < len(header.accessors):
            raise SceneError(f"{place}.{INSTANCING}.{name} is {row!r:.40}, no accessor of the file")
        if header.accessors[row].type != f"VEC{_WIDTHS[name]}":
            raise SceneError(f"{place}.{INSTANCING}.{name} has {header.accessors[row].type}; "
                             f"expected VEC{_WIDTHS[name]}")  # fmt: skip
    counts = {header.accessors[row].count for row in rows.values()}
    if len(counts) > 1:
        raise SceneError(f"{place}.{INSTANCING}: its attributes are of different lengths")
    if max(counts, default=0) > MAX_TRIANGLES:
        raise SceneError(f"{place}.{INSTANCING}: has {max(counts):,} instances; at most "
                         f"{MAX_TRIANGLES:,} are read")  # fmt: skip
    return rows


def bound_corners(
    points: Matrix, primitive: Primitive, skin: int, world: Mapping[int, Matrix], arrays: Arrays,
    header: Header, path: Path,
) -> Matrix | None:  # fmt: skip
    """Return a skinned mesh's corners (N, 3) in the world, as its bones lie; None without weights.

    Each is the weighted mean of where its joints would carry it (glTF 2.0, 3.7.3.3); the node's own
    place does not count.

    Raises:
        SceneError: a joint is named that is not there, or is in no scene.
    """
    bones = header.skins[skin]
    attributes = primitive.attributes
    sets = [k for k in range(4) if {f"JOINTS_{k}", f"WEIGHTS_{k}"} <= set(attributes)]
    if not sets:
        return None
    joints = np.concatenate([arrays.whole(attributes[f"JOINTS_{k}"]) for k in sets], axis=1)
    weights = np.concatenate([arrays.real(attributes[f"WEIGHTS_{k}"]) for k in sets], axis=1)
    if (joints >= len(bones.joints)).any():
        raise SceneError(f"{path}: skins[{skin}]: a corner names joint {joints.max()}, but there "
                         f"are {len(bones.joints)}")  # fmt: skip
    if lost := [k for k in bones.joints if k not in world]:
        raise SceneError(f"{path}: skins[{skin}].joints: nodes[{lost[0]}] is in no scene")
    carried = np.stack([world[k] for k in bones.joints])
    if bones.inverseBindMatrices is not None:
        bind = arrays.real(bones.inverseBindMatrices)
        if len(bind) < len(bones.joints) or bind.shape[1] != 16:
            raise SceneError(f"{path}: skins[{skin}].inverseBindMatrices: expected a matrix for "
                             "each joint")  # fmt: skip
        carried = carried @ bind[: len(carried)].reshape(-1, 4, 4).transpose(0, 2, 1)
    total = weights.sum(axis=1, keepdims=True)
    weights = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    out = np.zeros_like(points)
    for k in range(joints.shape[1]):
        matrix = carried[joints[:, k]]
        moved = np.einsum("nij,nj->ni", matrix[:, :3, :3], points) + matrix[:, :3, 3]
        out += weights[:, k, None] * moved
    return np.where(total > 0, out, points)
