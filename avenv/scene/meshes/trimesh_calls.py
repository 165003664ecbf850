"""Calls of trimesh's readers, with whatever they raise on broken files turned into one error."""

import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray
from trimesh.visual import ColorVisuals

from avenv.core.color import linear
from avenv.core.errors import SceneError


class _Given(dict[str, bytes]):
    """Files that were read and checked before: all that trimesh can ask for."""

    def get(self, name: str) -> bytes:  # type: ignore[override]
        return self[name]


def load_geometry(
    stream: io.BytesIO, kind: str, path: Path, files: Mapping[str, bytes], **options: Any
) -> trimesh.Scene:
    """Read a mesh with trimesh, which sees ``files`` by name and nothing else.

    Raises:
        SceneError: it is broken.
    """
    try:
        with warnings.catch_warnings():
            # Numbers that NumPy could not read to the end would be left out in silence.
            warnings.filterwarnings("error", "string or file could not be read")
            return trimesh.load_scene(
                stream, file_type=kind, resolver=_Given(files), process=False, **options
            )
    except Exception as error:  # trimesh raises what it happens to meet in broken files
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise SceneError(f"{path}: cannot be read as {kind.upper()}: {what:.300}") from error


def surfaces_of(scene: trimesh.Scene, path: Path) -> list[tuple[str, trimesh.Trimesh]]:
    """Return the meshes that have faces, by name; points and lines are left out.

    Raises:
        SceneError: corners lack coordinates, or a face names one that is not there.
    """
    found = []
    for name, mesh in sorted(scene.geometry.items()):
        if isinstance(mesh, trimesh.Trimesh) and len(mesh.faces):
            if mesh.vertices.shape[1:] != (3,) or mesh.faces.shape[1:] != (3,):
                raise SceneError(f"{path}: {name}: corners need three coordinates each")
            if mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
                raise SceneError(f"{path}: {name}: a face names a corner that is not there")
            found.append((name, mesh))
    return found


def vertex_shade(mesh: trimesh.Trimesh) -> NDArray[np.float64] | None:
    """Return the linear light (N, 3) that faces have of their own or their corners' colours."""
    visual = mesh.visual
    if isinstance(visual, ColorVisuals) and visual.kind == "vertex":
        return linear(visual.vertex_colors[:, :3] / 255)[mesh.faces].mean(axis=1)
    if isinstance(visual, ColorVisuals) and visual.kind == "face":
        return linear(visual.face_colors[:, :3] / 255)
    return None
