"""The readers of mesh files, by the ending of the file."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from avenv.core.errors import SceneError
from avenv.scene.meshes.gltf import read_gltf
from avenv.scene.meshes.parts import MeshFile
from avenv.scene.meshes.ply import read_ply
from avenv.scene.meshes.references import References
from avenv.scene.meshes.stl import read_stl
from avenv.scene.meshes.wavefront import read_obj

READERS: dict[str, Callable[[Path, References], MeshFile]] = {
    ".glb": read_gltf, ".gltf": read_gltf, ".obj": read_obj, ".ply": read_ply, ".stl": read_stl,
}  # fmt: skip


def read_mesh(path: Path, references: References | None = None) -> MeshFile:
    """Read a mesh file by the reader of its kind.

    Raises:
        SceneError: it is of no known kind, or broken.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise SceneError(f"{path}: cannot read {path.suffix or 'such'} files as a mesh; "
                         f"accepted: {', '.join(READERS)}")  # fmt: skip
    references = references or References(path)
    return replace(reader(path, references), digests=references.digests)
