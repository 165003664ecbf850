"""Join the parts of a file into the arrays of a scene, with surfaces and objects."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avenv.scene.compile import CATEGORIES
from avenv.scene.compiled import SceneObject, SurfaceTable
from avenv.scene.meshes.parts import MeshPart
from avenv.scene.meshes.placing import areas_of
from avenv.scene.meshes.report import Mapped
from avenv.scene.meshes.rules import Rules
from avenv.scene.meshes.settings import MeshSettings
from avenv.scene.meshes.solids import find_solids
from avenv.scene.meshes.tables import SurfaceBook, is_noted_sheet


@dataclass
class Joined:
    """The triangles (T, 3, 3) of all parts, in order of their objects, and their tables.

    Attributes:
        triangles, uv, surface, owner, sheet: as those of a ``CompiledScene``.
        table: the surfaces.
        images: textures.
        objects: the owners.
        mapped: what each material became, the largest first.
        open_share: share of the length of all edges that lie on the rim of a hole.
        plain: number of materials that have neither texture nor colour.
    """

    triangles: NDArray[np.float64]
    uv: NDArray[np.float64]
    surface: NDArray[np.int32]
    owner: NDArray[np.int32]
    sheet: NDArray[np.bool_]
    table: SurfaceTable
    images: list[NDArray[np.uint8]]
    objects: list[SceneObject]
    mapped: tuple[Mapped, ...]
    open_share: float
    plain: int


def join(
    parts: list[tuple[MeshPart, NDArray[np.float64]]], rules: Rules, settings: MeshSettings,
    path: Path,
) -> Joined:  # fmt: skip
    """Join parts, each with its triangles in the world; they are sorted by their objects.

    Raises:
        SceneError: a rule or a note names a material that there is not.
    """
    owners = list(dict.fromkeys(part.owner for part, _ in parts))
    number = {name: k for k, name in enumerate(owners)}
    parts.sort(key=lambda item: number[item[0].owner])
    counts = [len(world) for _, world in parts]
    triangles = np.concatenate([world for _, world in parts])
    solidity = find_solids(triangles)
    sheet = solidity.sheet.copy()
    book = SurfaceBook(str(path), rules, settings.materials, settings.default)
    surface, uv = [], []
    areas: dict[tuple[str, str, str], float] = {}
    ends = np.cumsum(counts)
    for (part, world), end in zip(parts, ends, strict=True):
        own = slice(end - len(world), end)
        noted = is_noted_sheet(part)
        if noted is not None:
            sheet[own] = noted
        rows, coordinates, choice = book.enter(part, world, sheet[own])
        surface.append(rows)
        uv.append(coordinates)
        key = (part.material.name, *choice)
        areas[key] = areas.get(key, 0.0) + float(areas_of(world).sum())
    owner = np.repeat([number[part.owner] for part, _ in parts], counts).astype(np.int32)
    corners = np.split(triangles, np.cumsum(np.bincount(owner))[:-1])  # parts are in this order
    labels = {part.owner: part.label for part, _ in parts}
    objects = [
        _object(name, labels[name], own, rules) for name, own in zip(owners, corners, strict=True)
    ]
    mapped = (Mapped(*key, area) for key, area in areas.items())
    return Joined(
        triangles=triangles,
        uv=np.concatenate(uv),
        surface=np.concatenate(surface),
        owner=owner,
        sheet=sheet,
        table=book.table(),
        images=book.images,
        objects=objects,
        mapped=tuple(sorted(mapped, key=lambda m: -m.area)),
        open_share=solidity.open_share,
        plain=book.plain,
    )


def _object(name: str, label: str, triangles: NDArray[np.float64], rules: Rules) -> SceneObject:
    low, high = triangles.reshape(-1, 3).min(axis=0), triangles.reshape(-1, 3).max(axis=0)
    x, y = ((low + high) / 2)[:2].tolist()
    size = (high - low).tolist()
    category = rules.category(label or name)
    return SceneObject(
        name=name,
        kind=category or "mesh",
        category=CATEGORIES.index(category or "void"),
        room=-1,
        position=(x, y, float(low[2])),
        heading=0.0,
        size=(size[0], size[1], size[2]),
    )
