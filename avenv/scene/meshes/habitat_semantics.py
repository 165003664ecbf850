"""Read the semantic descriptors of Habitat's datasets: what things are called, and where rooms are.

The formats are told apart by their contents, as habitat-sim does (``SemanticScene.cpp``):

- ``*.house``, "ASCII 1.1": Matterport3D (Chang et al. 2017), a line for each region and object;
- ``*.semantic.txt``, "HM3D Semantic Annotations": a line for each object, known by its colour;
- ``*.scn``: Gibson's objects, JSON;
- ``info_semantic.json``: Replica's classes and objects;
- ``*.semantic_config.json``: regions as polygons, and the name of a lexicon;
- a lexicon: classes by their ids (ReplicaCAD, HSSD).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SceneError
from avenv.scene.meshes.parts import MeshRegion
from avenv.scene.meshes.references import References

_ROOMS = {
    "a": "bathroom", "b": "bedroom", "c": "closet", "d": "dining room", "e": "entryway",
    "f": "family room", "g": "garage", "h": "hallway", "i": "library", "j": "laundry room",
    "k": "kitchen", "l": "living room", "m": "meeting room", "n": "lounge", "o": "office",
    "p": "porch", "r": "rec room", "s": "stairs", "t": "toilet", "u": "utility room",
    "v": "tv room", "w": "gym", "x": "outdoor", "y": "balcony", "z": "other room",
    "B": "bar", "C": "classroom", "D": "dining booth", "S": "spa", "Z": "junk",
}  # fmt: skip
_NO_ROOMS = "xZ"  # of Matterport3D: what is outside, and points in mirrors


@dataclass(frozen=True)
class Semantics:
    """What a descriptor says.

    Attributes:
        labels: of things, by the ids that the semantic mesh has.
        colors: ids of things by the colour that the semantic mesh has, 0xRRGGBB.
        region_of: number of the region that a thing is in, by its id.
        classes: labels by the ``semantic_id`` of templates.
        regions: in Habitat's world, or with ``turned`` in the stage's own axes.
        turned: whether the stage's axes are meant.
    """

    labels: Mapping[int, str] = field(default_factory=dict)
    colors: Mapping[int, int] = field(default_factory=dict)
    region_of: Mapping[int, int] = field(default_factory=dict)
    classes: Mapping[int, str] = field(default_factory=dict)
    regions: tuple[MeshRegion, ...] = ()
    turned: bool = False


def read_semantics(path: Path, references: References) -> Semantics:
    """Read a descriptor.

    Args:
        path: of the file, for messages.
        references: of which it is the document.

    Raises:
        SceneError: it is missing, of no known format, or cut off.
    """
    text = references.read_document().decode("utf-8-sig", errors="replace")
    head = text[:200]
    if head.startswith("ASCII 1."):
        return _house(text, path)
    if "HM3D Semantic Annotations" in head:
        return _hm3d(text, path)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SceneError(
            f"{path}: is no semantic descriptor: it begins with neither 'ASCII 1.1' nor 'HM3D "
            f"Semantic Annotations', and is no JSON: {error}"
        ) from None
    if not isinstance(data, Mapping):
        raise SceneError(f"{path}: is {data!r:.60}; accepted: an object")
    found = Semantics(
        _objects(data, path), classes=_classes(data, path), regions=_annotated(data, path)
    )
    if name := data.get("semantic_descriptor_filename"):
        other = references.find(str(name), "semantic_descriptor_filename")
        if not other.is_file():
            raise SceneError(
                f"{path}: semantic_descriptor_filename: there is no file {str(other)!r}"
            )
        inner = read_semantics(other, references.inner(other))
        return replace(inner, regions=(*found.regions, *inner.regions))
    return found


def _house(text: str, path: Path) -> Semantics:
    """Read Matterport3D's ``.house``: fields divided by blanks, the first says of what."""
    lines = [words for line in text.splitlines()[1:] if (words := line.split())]
    kinds: dict[str, list[list[str]]] = {}
    for words in lines:
        kinds.setdefault(words[0], []).append(words)
    if "H" not in kinds:
        raise SceneError(f"{path}: is cut off: it has no line 'H' of the house")
    try:
        promised = {"V": 5, "S": 6, "O": 8, "C": 9, "R": 10}
        for kind, at in promised.items():
            wanted, there = int(kinds["H"][0][at]), len(kinds.get(kind, ()))
            if there < wanted:
                raise SceneError(f"{path}: is cut off: it has {there} of {wanted} lines {kind!r}")
        names = {int(w[1]): w[5].replace("#", " ") for w in kinds.get("C", ())}
        names |= {int(w[1]): w[3].replace("#", " ") for w in kinds.get("C", ()) if w[5] == "misc"}
        labels = {int(w[1]): names.get(int(w[3]), "") for w in kinds.get("O", ())}
        region_of = {int(w[1]): int(w[2]) for w in kinds.get("O", ())}
        corners = _surface_corners(kinds)
        regions = [_region(words, corners.get(int(words[1]))) for words in kinds.get("R", ())
                   if words[5] not in _NO_ROOMS]  # fmt: skip
    except (IndexError, ValueError) as error:
        if isinstance(error, SceneError):
            raise
        raise SceneError(f"{path}: a line has fewer fields than it should: {error}") from None
    return Semantics(labels, region_of=region_of, regions=tuple(regions), turned=True)


def _surface_corners(
    kinds: Mapping[str, Sequence[Sequence[str]]],
) -> dict[int, NDArray[np.float64]]:
    """Return the corners (N, 3) of the first surface of each region that has one."""
    of_surface: dict[int, list[list[float]]] = {}
    for words in kinds.get("V", ()):
        of_surface.setdefault(int(words[2]), []).append([float(x) for x in words[4:7]])
    out: dict[int, NDArray[np.float64]] = {}
    for words in kinds.get("S", ()):
        points = of_surface.get(int(words[1]), [])
        if len(points) >= 3:
            out.setdefault(int(words[2]), np.array(points))
    return out


def _region(words: Sequence[str], corners: NDArray[np.float64] | None) -> MeshRegion:
    """Return a region: the polygon of its floor where there is one, else its box."""
    x0, y0, z0, x1, y1, z1 = (float(x) for x in words[9:15])
    height = float(words[15]) if len(words) > 15 else 0.0
    if corners is None:
        corners = np.array([[x0, y0, z0], [x1, y0, z0], [x1, y1, z0], [x0, y1, z0]])
    return MeshRegion(_ROOMS.get(words[5], "room"), corners, height if height > 0 else z1 - z0)


def _hm3d(text: str, path: Path) -> Semantics:
    """Read HM3D's list: ``id,RRGGBB,"category",region`` a line."""
    labels, colors, region_of = {}, {}, {}
    for k, line in enumerate(text.splitlines()[1:], 2):
        if not line.strip():
            continue
        try:
            before, label, after = line.split('"')
            number, color = before.strip(", ").split(",")
            labels[int(number)] = label
            colors[int(color, 16)] = int(number)
            region_of[int(number)] = int(after.strip(" ,"))
        except ValueError:
            raise SceneError(f'{path}: line {k} is {line!r:.60}; accepted: id,RRGGBB,"category",'
                             "region") from None  # fmt: skip
    return Semantics(labels, colors, region_of)


def _objects(data: Mapping[str, Any], path: Path) -> dict[int, str]:
    """Return the labels of Gibson's or Replica's objects."""
    classes = _classes(data, path)
    labels = {}
    for k, thing in enumerate(data.get("objects") or ()):
        try:
            named = thing.get("class_") or thing.get("class_name") or classes[thing["class_id"]]
            labels[int(thing["id"])] = str(named)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise SceneError(
                f"{path}: objects[{k}] is {thing!r:.60}; accepted: an id, and class_ or a class_id "
                "of the classes"
            ) from None
    return labels


def _classes(data: Mapping[str, Any], path: Path) -> dict[int, str]:
    try:
        return {int(row["id"]): str(row["name"]) for row in data.get("classes") or ()}
    except (KeyError, TypeError, ValueError):
        raise SceneError(f"{path}: classes: accepted: objects with id and name") from None


def _annotated(data: Mapping[str, Any], path: Path) -> tuple[MeshRegion, ...]:
    """Return ``region_annotations``: polygons (x, z) on a floor, extruded."""
    regions = []
    for k, row in enumerate(data.get("region_annotations") or ()):
        try:
            loop = row["poly_loop"]
            points = loop.values() if isinstance(loop, Mapping) else loop
            corners = np.array(list(points), np.float64)
            if corners.ndim != 2 or corners.shape[1] != 3 or len(corners) < 3:
                raise ValueError("three corners or more")
            corners[:, 1] = float(row.get("floor_height", corners[:, 1].mean()))
            height = float(row["extrusion_height"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SceneError(f"{path}: region_annotations[{k}]: {error}; accepted: poly_loop, "
                             "floor_height and extrusion_height") from None  # fmt: skip
        regions.append(
            MeshRegion(str(row.get("label") or row.get("name") or "room"), corners, height)
        )
    return tuple(regions)
