"""Where a row of ``furniture.yaml`` may put a thing: poses, the most suitable first."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, TypeVar

import numpy as np

from avenv.core.vectors import norm
from avenv.scene.homes.draws import uniform
from avenv.scene.homes.space import Pose, Space, Wall, relative

Row = Mapping[str, Any]
Size = tuple[float, float, float]
T = TypeVar("T")

WALL_GAP = 0.01
"""Metres between furniture and the wall behind it."""

HUNG_GAP = 0.002
"""Metres between a thing that hangs on a wall and the wall."""

_STEP = 0.1  # m between poses along a wall
_GRID = 0.2  # m between poses in the open
_SEAT = 0.62  # m of a table's side for each chair
_LAMP_SPACING = 4.0  # m; a longer room has more lamps
_BEHIND = 0.15  # m to the wall behind a thing that something may hang above
_ROUND = ("round_table", "side_table")  # whose tops have no corners
_AT_SEAT = 0.07  # m from a sofa's middle back to where its cushions stand


@dataclass(eq=False)
class Thing:
    """An object of a home.

    Attributes:
        kind: of the catalogue.
        place: the middle of its base and the heading of its front.
        size: depth, width, height.
        z: level of its base above the floor.
        on: what it stands on.
        tops: rectangles of its top that are taken: forward and left, from and to.
        near: one can walk up to it.
    """

    kind: str
    place: Pose
    size: Size
    z: float = 0.0
    on: "Thing | None" = None
    tops: list[tuple[float, float, float, float]] = field(default_factory=list)
    near: bool = True


def poses(row: Row, size: Size, space: Space, rng: np.random.Generator) -> Iterable[Pose]:
    """Return poses for a thing of its own, of a size (depth, width, height)."""
    return _PLACES[row["at"]](row, size, space, rng)


def _at_walls(row: Row, size: Size, space: Space, rng: np.random.Generator) -> Iterable[Pose]:
    gap = HUNG_GAP if row["at"] == "hung" else row.get("gap", WALL_GAP)
    found: list[tuple[float, tuple[Wall, float]]] = []
    for wall in space.walls:
        low, high = size[1] / 2 + 0.005, wall.length - size[1] / 2 - 0.005
        if high < low:
            continue
        spots = {low, high, (low + high) / 2, *np.arange(low, high, _STEP).tolist()}
        for along in sorted(spots):
            merit = uniform(rng, 0, 0.6)
            for wish in row.get("prefer", ()):
                merit += _merit(wish, wall, along, size, space)
            found.append((merit, (wall, along)))
    return (wall.pose(along, size[0], gap) for wall, along in _best_first(found))


def _merit(wish: str, wall: Wall, along: float, size: Size, space: Space) -> float:
    """Return how well a place along a wall suits a wish, about 0 to 1."""
    length = wall.length
    if wish == "middle":
        return 1 - 2 * abs(along - length / 2) / length
    if wish == "corner":
        return 1 - min(along, length - along) / max(length / 2, 1e-6)
    if wish == "window":
        middles = [(w[0] + w[1]) / 2 for w in wall.windows]
        return 1 - min((abs(along - m) for m in middles), default=2.0)
    if wish == "entrance":
        if space.entrance is None:
            return 0.0
        here = wall.pose(along, size[0], WALL_GAP)
        return -norm(here[0] - space.entrance[0], here[1] - space.entrance[1])
    return space.distance_to_doors(wall.pose(along, size[0], WALL_GAP)) / 4  # far


def _in_corners(row: Row, size: Size, space: Space, rng: np.random.Generator) -> list[Pose]:
    gap, side = row.get("gap", WALL_GAP), row.get("side_to", "any")
    found = []
    for wall in space.walls:
        reach = size[1] / 2 + gap
        if wall.length < size[1] + gap:
            continue
        # Seen from the wall into the room, its start lies to the left.
        if wall.corner_at_start and side in ("any", "left"):
            found.append((rng.random(), wall.pose(reach, size[0], gap)))
        if wall.corner_at_end and side in ("any", "right"):
            found.append((rng.random(), wall.pose(wall.length - reach, size[0], gap)))
    return _best_first(found)


def _in_the_open(row: Row, size: Size, space: Space, rng: np.random.Generator) -> list[Pose]:
    xs, ys = (np.arange(*ends, _GRID).tolist() for ends in zip(space.low, space.high, strict=True))
    found = []
    for x in xs:
        for y in ys:
            for heading in (0.0, np.pi / 2):
                pose = (x, y, heading + np.pi * int(rng.integers(2)))
                merit = rng.random()
                if "far" in row.get("prefer", ()):
                    merit += space.distance_to_doors(pose) / 3
                found.append((merit, pose))
    return _best_first(found)


def _below_ceiling(row: Row, size: Size, space: Space, rng: np.random.Generator) -> list[Pose]:
    (x0, y0), (x1, y1) = main_rectangle(space)
    aside = row.get("aside", 0.0)
    long = max(x1 - x0, y1 - y0)
    count = 1 if aside else 1 + int(long // _LAMP_SPACING)
    shares = (np.arange(count) + 0.5) / count + aside / long
    if x1 - x0 >= y1 - y0:
        return [(float(x0 + s * (x1 - x0)), (y0 + y1) / 2, 0.0) for s in shares]
    return [((x0 + x1) / 2, float(y0 + s * (y1 - y0)), 0.0) for s in shares]


def main_rectangle(space: Space) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the corners of the largest rectangle between corners of a room."""
    xs, ys = (np.unique(space.room.clear[:, k].round(6)).tolist() for k in (0, 1))
    inside = [
        ((x1 - x0) * (y1 - y0), (x0, y0), (x1, y1))
        for x0, x1 in combinations(xs, 2)
        for y0, y1 in combinations(ys, 2)
        if space.holds((x0, y0, 0.0, x1, y1, 0.1))
    ]
    return max(inside)[1:]


_PLACES = {
    "wall": _at_walls,
    "hung": _at_walls,
    "corner": _in_corners,
    "open": _in_the_open,
    "ceiling": _below_ceiling,
}


def poses_beside(
    row: Row, size: Size, parent: Thing, space: Space, rng: np.random.Generator
) -> list[Pose]:
    """Return poses for a thing of a size that belongs to another one."""
    px, py, _ = parent.size
    sx, sy, _ = size
    gap = _drawn(row.get("gap", 0.0), rng)
    rel, at = row["rel"], parent.place
    signs = [1, -1] if rng.random() < 0.5 else [-1, 1]
    if rel == "sides":
        if row.get("face"):
            return [relative(at, 0, s * (py / 2 + gap + sx / 2), -s * np.pi / 2) for s in signs]
        return [relative(at, (sx - px) / 2, s * (py / 2 + gap + sy / 2)) for s in signs]
    if rel == "front":
        low, high = row["gap"] if isinstance(row.get("gap"), list) else (gap, gap)
        gaps = np.unique(np.linspace(low, high, 5))
        return [relative(at, px / 2 + g + sx / 2, 0, np.pi) for g in rng.permutation(gaps).tolist()]
    if rel == "foot":
        return [relative(at, px / 2 + gap + sx / 2, 0)]
    if rel == "flank":
        return [relative(at, px / 2 + gap + sy / 2, s * (0.9 + sx / 2), -s * np.pi / 2)
                for s in signs]  # fmt: skip
    if rel == "around":
        return _around(parent, sx, gap)
    if rel == "under":
        return [relative(at, row["ahead"], 0)]
    if rel == "seat":
        lefts = rng.permutation([-(py / 2 - 0.42), 0.0, py / 2 - 0.42])
        return [relative(at, -_AT_SEAT, w, uniform(rng, -0.2, 0.2)) for w in lefts]
    behind = space.wall_behind(at, px)  # above
    if behind is None or behind > _BEHIND:
        return []
    return [relative(at, -px / 2 - behind + HUNG_GAP + sx / 2, 0)]


def _around(table: Thing, depth: float, gap: float) -> list[Pose]:
    """Return the poses of chairs along a table's sides, facing it."""
    x, y, _ = table.size
    out = []
    ways = [(0.0, x, y)] + ([(np.pi / 2, y, x)] if abs(x - y) < 0.15 else [])
    for turn, across, along in ways:
        count = max(1, int(along / _SEAT)) if len(ways) == 1 else 1
        for k in range(count):
            left = ((k + 0.5) / count - 0.5) * along
            for side in (0.0, np.pi):
                frame = relative(table.place, 0, 0, turn + side)
                out.append(relative(frame, across / 2 + gap + depth / 2, left, np.pi))
    return out


def spots_on(row: Row, size: Size, parent: Thing, rng: np.random.Generator) -> list[Pose]:
    """Return free poses on the top of a thing, and take up the first."""
    px, py, _ = parent.size
    reach = np.array([px - size[0], py - size[1]]) / 2 - 0.01
    if (reach < 0).any():
        return []
    for _ in range(12):
        share = np.array(row["spot"]) if "spot" in row else rng.uniform(-0.9, 0.9, 2)
        forward, left = (share * reach).tolist()
        mine = (forward - size[0] / 2, forward + size[0] / 2,
                left - size[1] / 2, left + size[1] / 2)  # fmt: skip
        far = (abs(forward) + size[0] / 2) / px, (abs(left) + size[1] / 2) / py
        if parent.kind in _ROUND and norm(*far) > 0.5:
            continue
        if all(mine[0] > t[1] or mine[1] < t[0] or mine[2] > t[3] or mine[3] < t[2]
               for t in parent.tops):  # fmt: skip
            parent.tops.append(mine)
            return [relative(parent.place, forward, left)]
    return []


def _drawn(value: Any, rng: np.random.Generator) -> float:
    return uniform(rng, *value) if isinstance(value, list) else float(value)


def _best_first(found: list[tuple[float, T]]) -> list[T]:
    return [pose for _, pose in sorted(found, key=lambda pair: -pair[0])]
