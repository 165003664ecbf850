"""A compiled scene as a record of arrays, as caches keep it on disk.

What is no array is JSON: nothing that is read from a cache folder can run code.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.geometry import BVH
from avenv.scene.compiled import CompiledScene, Room, SceneObject, SceneSource, SurfaceTable
from avenv.scene.states import Place, State, Switch


class StoredScene(NamedTuple):
    """A ``CompiledScene`` of T triangles and S surfaces, without images.

    Attributes:
        text: uint8: JSON in UTF-8 of all that is no array.
        triangles, uv, surface, object, double_sided, bvh: as the scene has them.
        color, absorption, scattering, transmission: of its table of surfaces.
        moved: (M,) int32 triangles that states of things have elsewhere than the scene has them,
            state by state.
        corners: (M, 3, 3) float32 where these are then.
        painted: (P,) int32 triangles that states have of another surface, likewise.
        surfaces: (P,) int32 of which.
    """

    text: NDArray[np.uint8]
    triangles: NDArray[np.float32]
    uv: NDArray[np.float32]
    surface: NDArray[np.int32]
    object: NDArray[np.int32]
    double_sided: NDArray[np.bool_]
    bvh: BVH
    color: NDArray[np.float32]
    absorption: NDArray[np.float32]
    scattering: NDArray[np.float32]
    transmission: NDArray[np.float32]
    moved: NDArray[np.int32]
    corners: NDArray[np.float32]
    painted: NDArray[np.int32]
    surfaces: NDArray[np.int32]


def store(compiled: CompiledScene) -> StoredScene:
    """Return a scene as a record; ``restore`` makes the same scene of it, bit for bit.

    Raises:
        ValueError: the scene has images, or is one in other states than it was compiled in.
    """
    if compiled.images or compiled.rest is not None:
        raise ValueError(f"{compiled.name} has images or is posed; accepted: a scene as described")
    moved, corners, painted, surfaces = [], [], [], []
    switches = []
    for switch in compiled.switches:
        states = []
        for name, state in switch.states.items():
            here = compiled.triangles[switch.triangles]
            elsewhere = np.flatnonzero((state.corners != here).any(axis=(1, 2)))
            other = np.flatnonzero(state.surface != compiled.surface[switch.triangles])
            moved.append(elsewhere + switch.first)
            corners.append(state.corners[elsewhere])
            painted.append(other + switch.first)
            surfaces.append(state.surface[other])
            said = [state.sound, state.light, state.event, state.is_moved]
            states.append([name, [len(elsewhere), len(other)], state.place, said])
        switches.append([switch.object, switch.first, len(here), states])
    table = compiled.surfaces
    text = {
        "name": compiled.name,
        "origin": compiled.origin,
        "surfaces": [table.names, table.texture, table.emission],
        "objects": [_fields(thing) for thing in compiled.objects],
        "rooms": [[r.name, r.polygon.tolist(), r.floor, r.height] for r in compiled.rooms],
        "sources": [_fields(source) for source in compiled.sources],
        "switches": switches,
    }
    return StoredScene(
        np.frombuffer(json.dumps(text).encode(), np.uint8),
        compiled.triangles, compiled.uv, compiled.surface, compiled.object, compiled.double_sided,
        compiled.bvh, table.color, table.absorption, table.scattering, table.transmission,
        _joined(moved, (0,), np.int32), _joined(corners, (0, 3, 3), np.float32),
        _joined(painted, (0,), np.int32), _joined(surfaces, (0,), np.int32),
    )  # fmt: skip


def restore(stored: StoredScene) -> CompiledScene:
    """Return the scene that a record was made of."""
    text = json.loads(stored.text.tobytes())
    names, texture, emission = text["surfaces"]
    compiled = CompiledScene(
        name=text["name"],
        triangles=stored.triangles,
        uv=stored.uv,
        surface=stored.surface,
        object=stored.object,
        double_sided=stored.double_sided,
        surfaces=SurfaceTable(
            tuple(names), stored.color, stored.absorption, stored.scattering, stored.transmission,
            tuple(texture), tuple(emission),
        ),
        objects=tuple(SceneObject(*map(_as_tuple, fields)) for fields in text["objects"]),
        rooms=tuple(Room(n, np.array(p), floor, height) for n, p, floor, height in text["rooms"]),
        sources=tuple(SceneSource(*map(_as_tuple, fields)) for fields in text["sources"]),
        switches=_switches(text["switches"], stored),
        origin=text["origin"],
    )  # fmt: skip
    compiled.__dict__["bvh"] = stored.bvh
    return compiled


def _switches(switches: list[Any], stored: StoredScene) -> tuple[Switch, ...]:
    restored, moved, painted = [], 0, 0
    for thing, first, count, states in switches:
        mine, made = slice(first, first + count), {}
        for name, (elsewhere, other), place, (sound, light, event, is_moved) in states:
            corners, surface = stored.triangles[mine].copy(), stored.surface[mine].copy()
            some = slice(moved, moved + elsewhere)
            corners[stored.moved[some] - first] = stored.corners[some]
            some = slice(painted, painted + other)
            surface[stored.painted[some] - first] = stored.surfaces[some]
            where = Place(*map(_as_tuple, place))
            made[name] = State(corners, surface, where, sound, light, event, is_moved)
            moved, painted = moved + elsewhere, painted + other
        restored.append(Switch(thing, first, made))
    return tuple(restored)


def _fields(record: Any) -> list[Any]:
    return list(vars(record).values())


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _joined(parts: Sequence[NDArray], empty: tuple[int, ...], kind: Any) -> NDArray:
    return np.concatenate([np.empty(empty, kind), *parts]).astype(kind)
