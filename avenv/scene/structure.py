"""Floors, walls, ceilings and openings as triangles: closed shells without cracks.

Every room is a closed shell that faces inwards; an opening joins two shells by a tunnel, a window
is a niche in one. A wall is cut into columns at its openings, and floor and ceiling have a corner
wherever a column ends, so that surfaces which share an edge share all its points, as the same
floats: no ray slips through and no pixel shows a crack.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avenv.scene.openings import Cut, Leaf, PlacedDoor, PlacedWindow
from avenv.scene.plan import Points, triangulate
from avenv.scene.primitives import box
from avenv.scene.rooms import PlacedRoom

Corner = tuple[float, float, float]


@dataclass(frozen=True)
class Piece:
    """Some triangles (N, 3, 3) of one part of the building.

    Attributes:
        owner: the object they belong to: its name.
        kind: ``floor``, ``ceiling``, ``wall``, ``window`` or ``sky``, which is open air.
        room: index of its room, -1 for what lies between rooms.
        material: name of its material.
        triangles: (N, 3, 3) world metres, facing the air.
    """

    owner: str
    kind: str
    room: int
    material: str
    triangles: NDArray[np.float64]


def build_structure(
    rooms: Sequence[PlacedRoom], doors: Iterable[PlacedDoor], windows: Iterable[PlacedWindow]
) -> list[Piece]:
    """Return everything that is built, not furnished."""
    doors, windows = list(doors), list(windows)
    cuts: dict[tuple[int, int], list[Cut]] = defaultdict(list)
    for cut in [c for d in doors for c in d.cuts] + [w.cut for w in windows]:
        cuts[cut.room, cut.wall].append(cut)
    for on_wall in cuts.values():
        on_wall.sort(key=lambda cut: cut.start)
    pieces = [p for k, room in enumerate(rooms) for p in _shell(k, room, cuts)]
    pieces += [p for door in doors for p in _tunnel(rooms, door)]
    pieces += [p for window in windows for p in _niche(rooms, window)]
    return pieces


def leaf_mesh(leaf: Leaf) -> NDArray[np.float64]:
    """Return the triangles (12, 3, 3) of a door leaf in its own frame, its base centre at 0."""
    x, y, z = leaf.size
    return box((-x / 2, x / 2), (-y / 2, y / 2), (0.0, z))


def _shell(number: int, room: PlacedRoom, cuts: dict[tuple[int, int], list[Cut]]) -> list[Piece]:
    """Return floor, ceiling and walls of one room, with holes where the openings are."""
    ring: list[Points] = []
    walls: list[list[Corner]] = []
    for k, wall in enumerate(room.walls):
        at = [wall.start]
        chains = [{room.floor, room.ceiling}]
        for cut in cuts[number, k]:
            start, end = wall.at(cut.start), wall.at(cut.end)
            at += [start, end]
            chains += [{room.floor, cut.bottom, cut.top, room.ceiling}] * 2
            walls += _strip(start, end, {room.floor, cut.bottom})
            walls += _strip(start, end, {cut.top, room.ceiling})
        at.append(wall.end)
        chains.append({room.floor, room.ceiling})
        for j in range(0, len(at), 2):
            walls += _strip(at[j], at[j + 1], chains[j], chains[j + 1])
        ring += at[:-1]
    plan = np.array(ring)
    cut_plan = plan[triangulate(plan)]
    name, spec = room.spec.name, room.spec
    return [
        Piece(f"{name}/floor", "floor", number, spec.floor, _level(cut_plan, room.floor)),
        Piece(
            f"{name}/ceiling", "ceiling", number, spec.ceiling,
            _level(cut_plan[:, ::-1], room.ceiling),
        ),
        Piece(f"{name}/walls", "wall", number, spec.walls, np.array(walls)),
    ]  # fmt: skip


def _tunnel(rooms: Sequence[PlacedRoom], door: PlacedDoor) -> list[Piece]:
    """Return what lines the opening from one room's wall to the other's, or to the open air."""
    a, b = door.cuts[0], door.cuts[-1]
    near = [rooms[a.room].walls[a.wall].at(x) for x in (a.start, a.end)]
    if door.spec.is_outer:
        far = [end + 2 * rooms[a.room].to_axis(a.wall) for end in near]
    else:
        far = [rooms[b.room].walls[b.wall].at(x) for x in (b.end, b.start)]
    first = rooms[a.room].spec
    frame = first.walls if not door.leaves else door.spec.material
    threshold, lining = _lining(near, far, a.bottom, a.top)
    pieces = [
        Piece(f"{door.name}/threshold", "floor", -1, first.floor, threshold),
        Piece(f"{door.name}/frame", "wall", -1, frame, lining),
    ]
    if door.spec.is_outer:
        sky = np.array(_strip(far[0], far[1], {a.bottom, a.top}))
        pieces.append(Piece(f"{door.name}/sky", "sky", a.room, "open_air", sky))
    return pieces


def _niche(rooms: Sequence[PlacedRoom], window: PlacedWindow) -> list[Piece]:
    """Return the reveal, which belongs to the walls, and the pane on the wall's centre line."""
    cut = window.cut
    room = rooms[cut.room]
    wall = room.walls[cut.wall]
    depth = room.to_axis(cut.wall)
    near = [wall.at(cut.start), wall.at(cut.end)]
    far = [near[0] + depth, near[1] + depth]
    reveal = np.concatenate(_lining(near, far, cut.bottom, cut.top))
    pane = np.array(_strip(far[0], far[1], {cut.bottom, cut.top}))
    return [
        Piece(f"{room.spec.name}/walls", "wall", cut.room, room.spec.walls, reveal),
        Piece(window.name, "window", cut.room, window.spec.material, pane),
    ]


def _lining(
    near: Sequence[Points], far: Sequence[Points], bottom: float, top: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Line a hole from its near edge (start, end) to its far one: the lower side, the others."""
    outline = np.array([far[0], far[1], near[1], near[0]])
    halves = outline[[[0, 1, 2], [0, 2, 3]]]
    others = [
        *_strip(far[1], near[1], {bottom, top}),
        *_strip(near[0], far[0], {bottom, top}),
    ]
    lintel = _level(halves[:, ::-1], top)
    return _level(halves, bottom), np.concatenate([np.array(others), lintel])


def _strip(
    start: Points, end: Points, heights: set[float], end_heights: set[float] | None = None
) -> list[list[Corner]]:
    """Return the triangles of an upright strip whose front is to the left of start -> end.

    ``heights`` are the levels of the points above ``start``, ``end_heights`` those above ``end``
    where they differ; every point is used.
    """
    p = [(float(start[0]), float(start[1]), z) for z in sorted(heights)]
    q = [(float(end[0]), float(end[1]), z) for z in sorted(end_heights or heights)]
    i = j = 0
    triangles = []
    while i + 1 < len(p) or j + 1 < len(q):
        if j + 1 == len(q) or (i + 1 < len(p) and p[i + 1][2] <= q[j + 1][2]):
            triangles.append([p[i], p[i + 1], q[j]])
            i += 1
        else:
            triangles.append([p[i], q[j + 1], q[j]])
            j += 1
    return triangles


def _level(triangles: NDArray[np.float64], z: float) -> NDArray[np.float64]:
    """Lift flat triangles (N, 3, 2) to a level."""
    return np.concatenate([triangles, np.full((*triangles.shape[:2], 1), z)], axis=2)
