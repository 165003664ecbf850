"""Read STL files: triangles without colours, binary or text."""

import re
from pathlib import Path

import numpy as np

from avenv.core.errors import SceneError
from avenv.scene.meshes.parts import MAX_TRIANGLES, MeshFile, MeshMaterial, MeshPart, too_many
from avenv.scene.meshes.references import References
from avenv.scene.meshes.texts import decode_text, numbers

_HEADER, _FACE = 84, 50  # bytes
_SOLID = re.compile(r"^[ \t]*solid\b[ \t]*(.*?)[ \t\r]*$", re.IGNORECASE | re.MULTILINE)
_VERTEX = re.compile(r"^[ \t]*vertex[ \t]+(.*)$", re.IGNORECASE | re.MULTILINE)
_END = re.compile(r"^[ \t]*endfacet\b", re.IGNORECASE | re.MULTILINE)


def read_stl(path: Path, references: References) -> MeshFile:
    """Read an ``.stl`` file; its solids, if it has several, are the objects of the scene.

    Raises:
        SceneError: it is broken, cut off, or too large.
    """
    raw = references.read_document()
    declared = int.from_bytes(raw[80:84], "little") if len(raw) >= _HEADER else 0
    if len(raw) >= _HEADER and len(raw) == _HEADER + _FACE * declared:
        _check_count(declared, path)
        return MeshFile([_binary(raw, path)], False)
    decode_text(raw[:64], str(path))  # refuses UTF-16
    if not re.match(rb"(\xef\xbb\xbf)?\s*solid", raw, re.IGNORECASE) or b"\0" in raw[:512]:
        raise SceneError(
            f"{path}: is no STL file, or cut off: {declared:,} triangles need "
            f"{_HEADER + _FACE * declared:,} bytes, it has {len(raw):,}"
        )
    return MeshFile(_solids(decode_text(raw, str(path)), path), False)


def _check_count(count: int, path: Path) -> None:
    if count > MAX_TRIANGLES:
        raise SceneError(f"{path}: {too_many(count)}")


def _binary(raw: bytes, path: Path) -> MeshPart:
    face = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    faces = np.frombuffer(raw, face, offset=_HEADER)
    return MeshPart(path.stem, faces["corners"].astype(np.float64), MeshMaterial())


def _solids(text: str, path: Path) -> list[MeshPart]:
    _check_count(len(_END.findall(text)), path)
    begins = list(_SOLID.finditer(text))
    ends = [match.start() for match in begins[1:]] + [len(text)]
    parts = []
    for begin, end in zip(begins, ends, strict=True):
        body = text[begin.end() : end]
        corners = numbers("\n".join(_VERTEX.findall(body)), np.float64, f"{path}: vertex")
        facets = len(_END.findall(body))
        if len(corners) != 9 * facets or len(begins) != len(re.findall(r"(?i)\bendsolid\b", text)):
            raise SceneError(f"{path}: is cut off: solid {begin[1]!r:.80} has {facets:,} whole "
                             f"facets and {len(corners):,} numbers")  # fmt: skip
        name = begin[1] if len(begins) > 1 and begin[1] else path.stem
        parts.append(MeshPart(name, corners.reshape(-1, 3, 3), MeshMaterial()))
    return parts
