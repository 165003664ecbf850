"""Turn a spec into the flat arrays that eye, ear and foot share."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.scene.catalogue import KindState, build_mesh, categories
from avenv.scene.compiled import CompiledScene, Room, SceneObject, SurfaceTable
from avenv.scene.falls import lying_size
from avenv.scene.materials import material
from avenv.scene.objects import PlacedObject, to_world
from avenv.scene.openings import PlacedDoor
from avenv.scene.placed import PlacedScene, lay_out
from avenv.scene.primitives import surface_uv
from avenv.scene.spec import SceneSpec
from avenv.scene.states import Chunk, Merged, Place, State, Switch, merge
from avenv.scene.structure import Piece, build_structure, leaf_mesh

CATEGORIES: tuple[str, ...] = (
    "void", "floor", "ceiling", "wall", "door", "window", *categories(),
)  # fmt: skip
"""Semantic categories; a category's id is its place here, and 0 is where nothing is."""


_COUNTS_AS = {"sky": "void", "frame": "window", "skirting": "wall"}
_ONLY = {"": KindState()}


class _Thing(NamedTuple):
    """An object, and what it consists of, how and where it is in each of its states.

    A thing without states has one, which has no name.
    """

    object: SceneObject
    chunks: Mapping[str, list[Chunk]]
    states: Mapping[str, KindState] = _ONLY
    places: Mapping[str, Place] = {}


def compile_scene(spec: SceneSpec) -> CompiledScene:
    """Turn a spec into triangles, surfaces and objects.

    Raises:
        SceneError: something in the spec is unknown, has no place, or overlaps; one line for each
            problem, with the field and what would be accepted.
    """
    placed = lay_out(spec)
    things = [*_structure(placed), *_leaves(placed.doors), *_furniture(placed)]
    merged = [merge(thing.chunks) for thing in things]
    # Table rows of material and sheet, in the order of the list of triangles.
    rows: dict[tuple[str, bool], int] = {}
    surfaces = []
    for m in merged:
        of_parts = {
            state: [rows.setdefault(key, len(rows)) for key in zip(names, m.sheets, strict=True)]
            for state, names in m.material.items()
        }
        surfaces.append(
            {s: np.repeat(np.array(part, np.int32), m.sizes) for s, part in of_parts.items()}
        )
    counts = [len(m.sheet) for m in merged]
    current = [thing.object.state or "" for thing in things]
    return CompiledScene(
        name=spec.name,
        triangles=np.concatenate([m.corners[s] for m, s in zip(merged, current, strict=True)]),
        uv=np.concatenate([m.uv for m in merged]),
        surface=np.concatenate([rows[s] for rows, s in zip(surfaces, current, strict=True)]),
        object=np.repeat(np.arange(len(things)), counts).astype(np.int32),
        double_sided=np.concatenate([m.sheet for m in merged]),
        surfaces=surface_table(rows),
        objects=tuple(thing.object for thing in things),
        rooms=tuple(Room(r.spec.name, r.clear, r.floor, r.spec.height) for r in placed.rooms),
        sources=tuple(placed.sources),
        switches=tuple(_switches(things, merged, surfaces)),
        origin=spec.content_hash,
    )


def _switches(
    things: list[_Thing], merged: list[Merged], surfaces: list[dict[str, NDArray[np.int32]]]
) -> Iterable[Switch]:
    first = 0
    for number, (thing, m, surface) in enumerate(zip(things, merged, surfaces, strict=True)):
        if thing.object.state is not None:
            states = {
                name: State(
                    m.corners[name], surface[name], thing.places[name], how.sound, how.light,
                    how.event, how.is_moved,
                )
                for name, how in thing.states.items()
            }  # fmt: skip
            yield Switch(number, first, states)
        first += len(m.sheet)


def _structure(placed: PlacedScene) -> Iterable[_Thing]:
    """Yield floors, ceilings, walls, frames and panes, the pieces of one owner together."""
    pieces = build_structure(placed.rooms, placed.doors, placed.windows)
    uv = surface_uv(np.concatenate([p.triangles for p in pieces])).astype(np.float32)
    owned: dict[str, list[tuple[Piece, Chunk]]] = defaultdict(list)
    start = 0
    for piece in pieces:
        triangles, stop = piece.triangles.astype(np.float32), start + len(piece.triangles)
        number = str(len(owned[piece.owner]))
        chunk = Chunk(number, triangles, uv[start:stop], piece.material, False)
        owned[piece.owner].append((piece, chunk))
        start = stop
    for both in owned.values():
        yield _Thing(_built_object([p for p, _ in both]), {"": [chunk for _, chunk in both]})


def _built_object(pieces: list[Piece]) -> SceneObject:
    points = np.concatenate([p.triangles.reshape(-1, 3) for p in pieces])
    low, high = points.min(axis=0), points.max(axis=0)
    x, y, _ = (low + high) / 2
    width, depth, height = high - low
    first = pieces[0]
    return SceneObject(
        name=first.owner,
        kind=first.kind,
        category=CATEGORIES.index(_COUNTS_AS.get(first.kind, first.kind)),
        room=first.room,
        position=(float(x), float(y), float(low[2])),
        heading=0.0,
        size=(float(width), float(depth), float(height)),
    )


def _leaves(doors: Iterable[PlacedDoor]) -> Iterable[_Thing]:
    for door in doors:
        if not door.leaves:
            continue
        chunks, places = {}, {}
        for state, leaf in door.leaves.items():
            materials = {"leaf": door.spec.material, "handle": "steel"}
            chunks[state] = [
                Chunk(part, to_world(mesh, leaf.position, leaf.heading).astype(np.float32),
                      surface_uv(mesh).astype(np.float32), materials[part], False)
                for part, mesh in leaf_mesh(leaf).items()
            ]  # fmt: skip
            x, y, z = leaf.position
            mouth = (x, y, z + leaf.size[2] / 2)
            places[state] = Place(leaf.position, leaf.heading, leaf.size, mouth)
        leaf = door.leaves[door.spec.state]
        yield _Thing(
            SceneObject(
                door.name, "door", CATEGORIES.index("door"), -1,
                leaf.position, leaf.heading, leaf.size, door.spec.state,
            ),
            chunks,
            dict.fromkeys(chunks, KindState()),
            places,
        )  # fmt: skip


def _furniture(placed: PlacedScene) -> Iterable[_Thing]:
    for thing in placed.objects:
        states = thing.kind.states or _ONLY
        mouth = _in_the_open(thing.mouth, thing, placed)
        standing = Place(thing.position, thing.heading, thing.size, mouth)
        places = {name: _lying(thing, name, placed) if how.is_fall else standing
                  for name, how in states.items()}  # fmt: skip
        chunks = {name: _chunks(thing, name, how, places[name]) for name, how in states.items()}
        here = places[thing.state or ""]
        yield _Thing(
            SceneObject(
                thing.name, thing.kind.name, CATEGORIES.index(thing.kind.category), thing.room,
                here.position, here.heading, here.size, thing.state, thing.spec.full,
            ),
            chunks,
            states,
            places,
        )  # fmt: skip


def _lying(thing: PlacedObject, state: str, placed: PlacedScene) -> Place:
    """Return where a thing is in a state that it falls into."""
    landing = placed.landings[thing.name]
    size = lying_size(thing.kind.name, thing.size, state)
    mouth = _in_the_open(landing.mouth(size), thing, placed)
    return Place(landing.position, landing.heading, size, mouth)


def _in_the_open(
    mouth: tuple[float, float, float], thing: PlacedObject, placed: PlacedScene
) -> tuple[float, float, float]:
    """Return where a thing sounds from: above whatever stands on the middle of its top."""
    x, y, z = mouth
    above = placed.objects_near(x, y)
    for other in sorted(above, key=lambda o: o.position[2]):
        if other is not thing and other.contains((x, y, z)):
            z = other.mouth[2]
    return x, y, z


def _chunks(thing: PlacedObject, state: str, how: KindState, place: Place) -> list[Chunk]:
    if how.pose == "held":
        return []
    parts = build_mesh(thing.kind.name, thing.size, thing.spec.materials, state or None)
    mesh = np.concatenate([part.triangles for part in parts])
    world = to_world(mesh, place.position, place.heading).astype(np.float32)
    ends = np.cumsum([len(part.triangles) for part in parts])
    return [
        Chunk(part.name, triangles, part.uv, part.material, part.sheet)
        for part, triangles in zip(parts, np.split(world, ends[:-1]), strict=True)
    ]


def surface_table(rows: Iterable[tuple[str, bool]]) -> SurfaceTable:
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
