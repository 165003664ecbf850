"""Read PLY files (Turk 1994): one object, binary or text, with colours or without."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from avenv.core.color import linear
from avenv.core.errors import SceneError
from avenv.scene.meshes.parts import MAX_TRIANGLES, MeshFile, MeshMaterial, MeshPart, too_many
from avenv.scene.meshes.ply_tables import Index, Table, Values, read_tables
from avenv.scene.meshes.polygons import cut_polygons, strip_triangles
from avenv.scene.meshes.references import References
from avenv.scene.meshes.textures import cut_out, read_image

_CORNERS = ("vertex_indices", "vertex_index")
_TEXELS = (("texture_u", "texture_v"), ("u", "v"), ("s", "t"))
_RGB = (("red", "green", "blue"), ("diffuse_red", "diffuse_green", "diffuse_blue"), ("r", "g", "b"))


def read_ply(path: Path, references: References) -> MeshFile:
    """Read a ``.ply`` file: with colours of corners or faces, or a ``TextureFile``.

    Raises:
        SceneError: it is broken, cut off, or too large.
    """
    raw = references.read_document()
    header, tables = read_tables(raw, path)
    missing: list[str] = []
    name = re.search(r"^comment[ \t]+TextureFile[ \t]+(.+?)[ \t]*$", header, re.MULTILINE)
    image = read_image(references, name[1], "TextureFile", missing) if name else None
    material = MeshMaterial(
        image=None if image is None else cut_out(image, None), image_name=name[1] if name else ""
    )
    parts, notes = _parts(tables, material, path)
    return MeshFile(parts, False, missing, notes)


def _parts(
    tables: dict[str, Table], material: MeshMaterial, path: Path
) -> tuple[list[MeshPart], list[str]]:
    vertex, face = tables.get("vertex", {}), tables.get("face", {})
    if not all(axis in vertex for axis in "xyz"):
        raise SceneError(f"{path}: element 'vertex': corners need three coordinates each")
    points = np.stack([vertex[axis].values for axis in "xyz"], axis=1)
    shade, painted = _rgb(vertex), _rgb(face)
    parts, notes = [], []
    for corners, lengths in _lists(face, _CORNERS):
        rows = _checked(corners, len(points), path)
        cut = cut_polygons(points[rows], lengths)
        if len(cut.corners) > MAX_TRIANGLES:
            raise SceneError(f"{path}: {too_many(len(cut.corners))}")
        notes += cut.notes()
        own = rows[cut.corners]
        uv = colors = None
        if material.image is not None:
            uv = _texels(vertex, face, own, cut.corners, lengths)
        if uv is None and painted is not None:
            colors = painted[cut.polygon]
        elif uv is None and shade is not None:
            colors = shade[own].mean(axis=1)
        parts.append(MeshPart(path.stem, points[own], material, uv, colors))
    for corners, lengths in _lists(tables.get("tristrips", {}), _CORNERS):
        own = _unrolled(corners, lengths, len(points), path)
        colors = None if shade is None else shade[own].mean(axis=1)
        parts.append(MeshPart(path.stem, points[own], material, None, colors))
    return parts, notes


def _lists(table: Table, names: tuple[str, ...]) -> Iterator[tuple[Values, Index]]:
    for name in names:
        if name in table and (lengths := table[name].lengths) is not None:
            yield table[name].values, lengths
            return


def _checked(corners: Values, count: int, path: Path) -> Index:
    wrong = corners[~((corners >= 0) & (corners < count) & (corners == np.floor(corners)))]
    if len(wrong):
        raise SceneError(f"{path}: a face names corner {wrong[0]:g}, which is not there: there are "
                         f"{count:,}, counted from 0")  # fmt: skip
    return corners.astype(np.int64)


def _unrolled(corners: Values, lengths: Index, count: int, path: Path) -> Index:
    """Return the triangles (T, 3) of strips; -1 begins a new one within a list."""
    found = [np.zeros((0, 3), np.int64)]
    for strip in np.split(corners, np.cumsum(lengths)[:-1]):
        for run in np.split(strip, np.flatnonzero(strip == -1)):
            rows = _checked(run[run != -1], count, path)
            found.append(rows[strip_triangles(len(rows))])
    return np.concatenate(found)


def _rgb(table: Table) -> Values | None:
    """Return the linear light (N, 3) of the rows of a table that has colours."""
    for names in _RGB:
        if all(name in table and table[name].lengths is None for name in names):
            colors = np.stack([table[name].values for name in names], axis=1)
            whole = colors.max(initial=0) > 1 or (colors == np.floor(colors)).all()
            return linear(np.clip(colors / (255 if whole else 1), 0, 1))
    return None


def _texels(
    vertex: Table, face: Table, own: Index, corners: Index, lengths: Index
) -> Values | None:
    """Return the texture coordinates (T, 3, 2) of triangles, by their faces or their corners."""
    for values, counts in _lists(face, ("texcoord",)):
        if (counts == 2 * lengths).all():
            return values.reshape(-1, 2)[corners]
    for u, v in _TEXELS:
        if u in vertex and v in vertex:
            return np.stack([vertex[u].values, vertex[v].values], axis=1)[own]
    return None


def read_labelled_ply(path: Path, references: References) -> tuple[Values, Index]:
    """Return the triangles (T, 3, 3) of a file, and the ``object_id`` (T,) of each; -1: none.

    Faces have the ids, or their corners; then it is that of the first.

    Raises:
        SceneError: it is broken, cut off, too large, or has no ids.
    """
    _, tables = read_tables(references.read_document(), path)
    vertex, face = tables.get("vertex", {}), tables.get("face", {})
    if "object_id" not in face and "object_id" not in vertex:
        raise SceneError(f"{path}: has no property object_id; accepted: of faces or of corners")
    points = np.stack([vertex[axis].values for axis in "xyz"], axis=1)
    for corners, lengths in _lists(face, _CORNERS):
        rows = _checked(corners, len(points), path)
        cut = cut_polygons(points[rows], lengths)
        own = rows[cut.corners]
        if "object_id" in face:
            ids = face["object_id"].values[cut.polygon]
        else:
            ids = vertex["object_id"].values[own[:, 0]]
        return points[own], ids.astype(np.int64)
    raise SceneError(f"{path}: has no faces")
