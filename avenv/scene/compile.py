"""Turn a spec into the flat arrays that eye, ear and foot share."""

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.scene.catalogue import Part, build_mesh, categories
from avenv.scene.compiled import CompiledScene, Room, SceneObject, SurfaceTable
from avenv.scene.layout import Layout, lay_out
from avenv.scene.materials import material
from avenv.scene.objects import PlacedObject, to_world
from avenv.scene.openings import PlacedDoor
from avenv.scene.primitives import surface_uv
from avenv.scene.spec import SceneSpec
from avenv.scene.structure import Piece, build_structure, leaf_mesh

CATEGORIES: tuple[str, ...] = (
    "void", "floor", "ceiling", "wall", "door", "window", *categories(),
)  # fmt: skip
"""Semantic categories; a category's id is its place here, and 0 is where nothing is."""


class _Chunk(NamedTuple):
    """Triangles (N, 3, 3) of one object and one material, with their coordinates (N, 3, 2)."""

    triangles: NDArray[np.float32]
    uv: NDArray[np.float32]
    material: str
    sheet: bool


def compile_scene(spec: SceneSpec) -> CompiledScene:
    """Turn a spec into triangles, surfaces and objects.

    Raises:
        SceneError: something in the spec is unknown, has no place, or overlaps; one line for each
            problem, with the field and what would be accepted.
    """
    layout = lay_out(spec)
    things = [*_structure(layout), *_leaves(layout.doors), *_furniture(layout.objects)]
    rows: dict[tuple[str, bool], int] = {}
    chunks: list[_Chunk] = []
    owners: list[int] = []
    for number, (_, parts) in enumerate(things):
        chunks += parts
        owners += [number] * len(parts)
    surface = [rows.setdefault((c.material, c.sheet), len(rows)) for c in chunks]
    counts = [len(c.triangles) for c in chunks]
    return CompiledScene(
        name=spec.name,
        triangles=np.concatenate([c.triangles for c in chunks]),
        uv=np.concatenate([c.uv for c in chunks]),
        surface=np.repeat(surface, counts).astype(np.int32),
        object=np.repeat(owners, counts).astype(np.int32),
        double_sided=np.repeat([c.sheet for c in chunks], counts),
        surfaces=_surface_table(rows),
        objects=tuple(thing for thing, _ in things),
        rooms=tuple(Room(r.spec.name, r.clear, r.floor, r.spec.height) for r in layout.rooms),
        sources=tuple(layout.sources),
    )


def _structure(layout: Layout) -> Iterable[tuple[SceneObject, list[_Chunk]]]:
    """Yield floors, ceilings, walls, frames and panes, the pieces of one owner together."""
    pieces = defaultdict(list)
    for piece in build_structure(layout.rooms, layout.doors, layout.windows):
        pieces[piece.owner].append(piece)
    for owned in pieces.values():
        chunks = [
            _Chunk(p.triangles.astype(np.float32), surface_uv(p.triangles).astype(np.float32),
                   p.material, False)
            for p in owned
        ]  # fmt: skip
        yield _built_object(owned), chunks


def _built_object(pieces: list[Piece]) -> SceneObject:
    points = np.concatenate([p.triangles.reshape(-1, 3) for p in pieces])
    low, high = points.min(axis=0), points.max(axis=0)
    x, y, _ = (low + high) / 2
    width, depth, height = high - low
    first = pieces[0]
    return SceneObject(
        name=first.owner,
        kind=first.kind,
        category=CATEGORIES.index(first.kind),
        room=first.room,
        position=(float(x), float(y), float(low[2])),
        heading=0.0,
        size=(float(width), float(depth), float(height)),
    )


def _leaves(doors: Iterable[PlacedDoor]) -> Iterable[tuple[SceneObject, list[_Chunk]]]:
    for door in doors:
        leaf = door.leaf
        if leaf is None:
            continue
        mesh = leaf_mesh(leaf)
        triangles = to_world(mesh, leaf.position, leaf.heading).astype(np.float32)
        chunk = _Chunk(triangles, surface_uv(mesh).astype(np.float32), door.spec.material, False)
        category = CATEGORIES.index("door")
        yield (
            SceneObject(door.name, "door", category, -1, leaf.position, leaf.heading, leaf.size),
            [chunk],
        )


def _furniture(objects: Iterable[PlacedObject]) -> Iterable[tuple[SceneObject, list[_Chunk]]]:
    for thing in objects:
        materials = tuple(sorted(thing.spec.materials.items()))
        chunks = [
            _Chunk(to_world(part.triangles, thing.position, thing.heading).astype(np.float32),
                   part.uv, part.material, part.sheet)
            for part in _parts(thing.kind.name, thing.size, materials)
        ]  # fmt: skip
        category = CATEGORIES.index(thing.kind.category)
        yield SceneObject(
            thing.name, thing.kind.name, category, thing.room,
            thing.position, thing.heading, thing.size,
        ), chunks  # fmt: skip


@lru_cache(maxsize=512)  # a home has many chairs, and many homes have the same
def _parts(
    kind: str, size: tuple[float, float, float], materials: tuple[tuple[str, str], ...]
) -> list[Part]:
    return build_mesh(kind, size, dict(materials))


def _surface_table(rows: Iterable[tuple[str, bool]]) -> SurfaceTable:
    """Tabulate materials; one surface of a solid carries half of the loss, a sheet all of it."""
    names, sheets = zip(*rows, strict=True)
    materials = [material(name) for name in names]
    absorption = np.array([m.absorption for m in materials])
    loss = np.array([m.transmission_loss for m in materials])
    surfaces = np.where(sheets, 1, 2)[:, None]
    passed = 10 ** (-loss / (10 * surfaces))
    return SurfaceTable(
        names=names,
        color=np.array([m.color for m in materials], np.float32),
        absorption=absorption.astype(np.float32),
        scattering=np.array([m.scattering for m in materials], np.float32),
        # The table says so for each material in its own use; another use must not create energy.
        transmission=np.minimum(passed, absorption).astype(np.float32),
        texture=tuple(m.texture for m in materials),
        emission=tuple(m.emission for m in materials),
    )
