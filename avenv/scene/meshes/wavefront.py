"""Read Wavefront OBJ files with their MTL materials."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avenv.core.color import linear
from avenv.core.errors import SceneError
from avenv.scene.meshes.parts import MAX_TRIANGLES, MeshFile, MeshMaterial, MeshPart, too_many
from avenv.scene.meshes.polygons import cut_polygons
from avenv.scene.meshes.references import References
from avenv.scene.meshes.texts import decode_text, name_of, numbers, statements
from avenv.scene.meshes.textures import cut_out, read_image

Points = NDArray[np.float64]
Index = NDArray[np.int64]

_OBJECT = re.compile(r"^[ \t]*o[ \t]", re.MULTILINE)
_LIBRARY = re.compile(r"\S.*?\.mtl(?=\s|$)", re.IGNORECASE)
_FROM_END = re.compile(r"-[0-9]{1,18}")  # longer ones are refused as the other numbers are
_UNREAD = {
    "l": "lines", "p": "points", "curv": "free-form curves", "surf": "free-form surfaces",
}  # fmt: skip


def read_obj(path: Path, references: References) -> MeshFile:
    """Read an ``.obj`` file; its objects, or else its groups, are the objects of the scene.

    Raises:
        SceneError: it is broken or too large.
    """
    text = _read_text(decode_text(references.read_document(), str(path)))
    looks = _Looks(references)
    for names in text.libraries:
        looks.read_libraries(names)
    points, shade = _vertices(text.vertices, path)
    texels = _texels(text.texels, path)
    corners, texel, sizes = _corners(text.faces, path)
    if (count := int((sizes - 2).sum())) > MAX_TRIANGLES:
        raise SceneError(f"{path}: {too_many(count)}")
    _check_rows(corners, 1, len(points), "corner", path)
    _check_rows(texel, 0, len(texels), "vt", path)
    cut = cut_polygons(points[corners - 1], sizes)
    rows, texel = corners[cut.corners] - 1, texel[cut.corners] - 1
    parts = []
    for (owner, name), own in _by_group(text, cut.polygon):
        material = looks.of(name)
        has_uv = (texel[own] >= 0).all(axis=1) & (material.image is not None)
        for textured in (True, False):
            some = own[has_uv == textured]
            part = MeshPart(owner, points[rows[some]], material)
            if textured:
                part = replace(part, uv=texels[texel[some]])
            elif shade is not None and material.image is None and material.color is None:
                part = replace(part, shade=shade[rows[some]].mean(axis=1))
            parts += [part] if len(some) else []
    unread = [f"{n:,} {_UNREAD[word]} are left out" for word, n in text.unread.items()]
    return MeshFile(parts, True, looks.missing, [*cut.notes(), *unread, *looks.notes])


@dataclass
class _Text:
    """An OBJ file's statements: the numbers as they stand, faces with their place in ``groups``."""

    vertices: list[str] = field(default_factory=list)
    texels: list[str] = field(default_factory=list)
    faces: list[str] = field(default_factory=list)
    group: list[int] = field(default_factory=list)
    groups: dict[tuple[str, str], int] = field(default_factory=dict)
    libraries: list[str] = field(default_factory=list)
    unread: Counter[str] = field(default_factory=Counter)


def _read_text(text: str) -> _Text:
    owner_word = "o" if _OBJECT.search(text) else "g"
    owner, material, out = "object", "", _Text()
    for word, rest in statements(text):
        if word == "v":
            out.vertices.append(_plain(rest))
        elif word == "vt":
            out.texels.append(_plain(rest))
        elif word == "f" or word == "fo":
            rest = _plain(rest)
            out.faces.append(
                _counted(rest, len(out.vertices), len(out.texels)) if "-" in rest else rest
            )
            out.group.append(out.groups.setdefault((owner, material), len(out.groups)))
        elif word == owner_word:
            owner = name_of(rest) or "object"
        elif word == "usemtl":
            material = name_of(rest)
        elif word == "mtllib":
            out.libraries.append(name_of(rest))
        elif word in _UNREAD:
            out.unread[word] += 1
    return out


def _plain(rest: str) -> str:
    return rest.partition("#")[0] if "#" in rest else rest


def _counted(face: str, vertices: int, texels: int) -> str:
    """Return a face with those of its numbers that count from the end counted from the start."""
    counts = (vertices, texels, 0)
    corners = []
    for corner in face.split():
        fields = corner.split("/")
        for k, (number, count) in enumerate(zip(fields, counts, strict=False)):
            if _FROM_END.fullmatch(number):
                fields[k] = str(count + 1 + int(number) if k < 2 else 0)
        corners.append("/".join(fields))
    return " ".join(corners)


def _vertices(lines: list[str], path: Path) -> tuple[Points, Points | None]:
    """Return the corners (V, 3), and the linear light (V, 3) of their colours if all have one."""
    table = _table(lines, 3, f"{path}: v")
    if table.shape[1] < 6 or not np.isfinite(table[:, 3:6]).all():
        return table[:, :3], None
    colors = table[:, 3:6] / (255 if table[:, 3:6].max(initial=0) > 1 else 1)
    return table[:, :3], linear(np.clip(colors, 0, 1))


def _texels(lines: list[str], path: Path) -> Points:
    """Return texture coordinates (V, 2); a lone u has v = 0."""
    table = _table(lines, 1, f"{path}: vt")
    return np.nan_to_num(np.column_stack([table, np.full(len(table), np.nan)])[:, :2])


def _table(lines: list[str], least: int, place: str) -> Points:
    """Return the numbers of lines as rows; where a line has fewer than others, NaN ends it."""
    values = numbers("\n".join(lines), np.float64, place)
    counts = np.array([len(line.split()) for line in lines], np.int64)
    if (counts < least).any():
        raise SceneError(f"{place}: {lines[int(np.argmin(counts))]!r:.80} has fewer than {least} "
                         "numbers")  # fmt: skip
    table = np.full((len(lines), int(counts.max(initial=least))), np.nan)
    table[np.arange(table.shape[1]) < counts[:, None]] = values
    return table


def _corners(faces: list[str], path: Path) -> tuple[Index, Index, Index]:
    """Return what the faces' corners name: rows of ``v`` and of ``vt``, and each face's size.

    Rows (K,) are counted from 1, and 0 where there is none.
    """
    sizes = np.array([len(face.split()) for face in faces], np.int64)
    text = " ".join(faces)
    slashes = np.array([word.count("/") for word in text.split()], np.int64)
    text = re.sub(r"/(?=[/\s]|$)", "/0", text).replace("/", " ")
    values = numbers(text, np.int64, f"{path}: f")
    first = np.cumsum(slashes + 1) - (slashes + 1)
    if len(values) != int((slashes + 1).sum()):
        raise SceneError(f"{path}: f: a corner is not like 1, 1/2, 1//3 or 1/2/3")
    texel = np.zeros(len(first), np.int64)
    texel[slashes > 0] = values[first[slashes > 0] + 1]
    return values[first], texel, sizes


def _check_rows(rows: Index, least: int, most: int, what: str, path: Path) -> None:
    wrong = rows[(rows < least) | (rows > most)]
    if len(wrong):
        raise SceneError(f"{path}: f: names {what} {wrong[0]}, but there are {most:,} of them")


def _by_group(text: _Text, polygon: Index) -> Iterator[tuple[tuple[str, str], Index]]:
    """Yield each object and material, and its triangles, in the order of the file."""
    group = np.array(text.group, np.int64)[polygon]
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(1, len(text.groups)))
    yield from zip(text.groups, np.split(order, starts), strict=False)


class _Looks:
    """The materials of an OBJ file's libraries."""

    def __init__(self, references: References) -> None:
        self.missing: list[str] = []
        self.notes: list[str] = []
        self._references = references
        self._materials: dict[str, MeshMaterial] = {}

    def of(self, name: str) -> MeshMaterial:
        """Return a material, without looks where no library has it."""
        return self._materials.get(name, MeshMaterial(name))

    def read_libraries(self, names: str) -> None:
        """Read the files that a ``mtllib`` names: one whose name has blanks, or several."""
        try:
            whole = self._references.find(names, "mtllib").is_file()
        except SceneError:
            whole = True  # what is wrong with it is said when it is read
        for name in [names] if whole else _LIBRARY.findall(names) or names.split():
            try:
                self._read(name)
            except SceneError as error:  # the scene is there without its looks
                text = str(error).removeprefix(f"{self._references.document}: ")
                self.missing.append(text)

    def _read(self, name: str) -> None:
        data = self._references.read(name, "mtllib")
        if data is None:
            self.missing.append(f"mtllib: {name!r:.200}")
            return
        blocks: dict[str, dict[str, str]] = {}
        fields: dict[str, str] = {}
        for word, rest in statements(decode_text(data, f"mtllib: {name!r:.200}")):
            if word.lower() == "newmtl":
                fields = blocks.setdefault(name_of(rest), {})
            else:
                fields[word.lower()] = rest.strip()
        inner = self._references.inner(self._references.find(name, "mtllib"))
        for material, found in blocks.items():
            self._materials[material] = self._material(material, found, inner)

    def _material(
        self, name: str, fields: dict[str, str], references: References
    ) -> MeshMaterial:  # fmt: skip
        place = f"{references.document.name}: newmtl {name!r:.80}"
        color = self._color(fields.get("kd"), f"{place}: Kd")
        glow = self._color(fields.get("ke"), f"{place}: Ke")
        image, image_name = None, ""
        if "map_kd" in fields:
            image_name = _file_name(name_of(fields["map_kd"]))
            # Kd beside a map is seldom meant: exporters leave a grey default there.
            image = read_image(references, image_name, f"{place}: map_Kd", self.missing)
            image = None if image is None else cut_out(image, None)
        emission = max(glow) if glow and "map_ke" not in fields else 0.0
        return MeshMaterial(name, color, image, image_name, emission)

    def _color(self, value: str | None, place: str) -> tuple[float, float, float] | None:
        """Return a colour; what exporters write there is meant as sRGB."""
        if value is None:
            return None
        try:
            values = [float(v) for v in _plain(value).split()[:3]]
        except ValueError:
            values = []
        values = values * 3 if len(values) == 1 else values
        if len(values) != 3 or not np.isfinite(values).all():
            self.notes.append(f"{place} is {value!r:.80}, not three numbers, and passed over")
            return None
        if max(values) > 1 or min(values) < 0:
            self.notes.append(f"{place} is {value!r:.80}, brought into 0..1")
        r, g, b = linear(np.clip(values, 0, 1)).tolist()
        return r, g, b


def _file_name(value: str) -> str:
    """Return the file of a ``map_Kd`` without the options before it (``-s 1 1 1 wood.png``)."""
    while match := re.match(r"-[A-Za-z]+(?:\s+(?:on|off|[-+.\deE]+))*\s+(.+)", value):
        value = match[1]
    return value
