"""Floor plans: rooms in bands along a spine.

A home has a spine, the corridor or the living room, with a band of rooms on either side of it, as
flats with a central corridor have. Bands are sliced by the areas that the rooms should have (one
level of a slice-and-dice treemap; Marson & Musse 2010 fill floor plans with treemaps and carve the
corridor out afterwards, here it comes first and every room touches it). Three moves make the
outlines less regular:

- a *small* room takes only the part of its band that lies at the spine; its neighbour gets what is
  behind it, and becomes an L;
- a corridor ends before the outer wall; the room there wraps round its end, and becomes an L;
- bands of different lengths leave a notch in the footprint.

A large home has a *bent* corridor: a second arm leaves the first at a right angle, with two bands
of its own. All lengths here are integers in decimetres, on the centre lines of the walls, so that
rooms tile exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avenv.scene.homes.draws import uniform
from avenv.scene.homes.tables import table

Rect = tuple[int, int, int, int]
"""x0, y0, x1, y1 in decimetres."""
Rooms = dict[str, list[Rect]]

_WALL = 1.2  # dm, about what a wall takes of a room's planned width
_TRIES = 400
_GOOD = 12  # feasible plans to choose the best of
_AREA_ERROR = 0.4  # most that the logarithm of a room's area may be off
_DOOR = 14  # dm of wall that two rooms share where a door or passage joins them


@dataclass(frozen=True)
class FloorPlan:
    """Rooms that tile a footprint.

    Attributes:
        types: type of each room, by its name.
        rects: rectangles (decimetres) that each room is the union of; the first is its main one.
        spine: name of the room that the others open from.
    """

    types: dict[str, str]
    rects: Rooms
    spine: str


def draw_plan(types: Sequence[str], size: float, rng: np.random.Generator) -> FloorPlan | None:
    """Return a floor plan for rooms of these types, or None if none is found.

    ``size`` scales the areas of ``rooms.yaml``.
    """
    names = _names(types)
    spine = "hall" if "hall" in names else "living room"
    others = [name for name in names if name != spine]
    found: list[tuple[float, Rooms]] = []
    for _ in range(_TRIES):
        areas = {n: _area(names[n], size, rng) for n in names}
        bent = spine == "hall" and len(others) >= 6 and rng.random() < 0.5
        draw = _bent if bent else _straight
        rects = draw(spine, others, names, areas, rng)
        if rects is None or (cost := _cost(rects, names, areas)) is None:
            continue
        found.append((cost, rects))
        if len(found) == _GOOD:
            break
    if not found:
        return None
    best = min(found, key=lambda pair: pair[0])[1]
    return FloorPlan(names, _turned(best, rng), spine)


def _names(types: Sequence[str]) -> dict[str, str]:
    """Return the type of each room by its name: ``bedroom``, ``bedroom 2``, ..."""
    names: dict[str, str] = {}
    for kind in types:
        number = sum(other == kind for other in names.values()) + 1
        label = kind.replace("_", " ")
        names[label if number == 1 else f"{label} {number}"] = kind
    return names


def _area(kind: str, size: float, rng: np.random.Generator) -> float:
    low, high = table("rooms")["types"][kind]["area"]
    return 100 * size * uniform(rng, low, high)


def _straight(
    spine: str, others: list[str], types: dict[str, str], areas: dict[str, float],
    rng: np.random.Generator,
) -> Rooms | None:  # fmt: skip
    """Lay one spine with a band on either side."""
    if spine == "hall":
        width = int(rng.integers(13, 19))
        depths = sorted((int(rng.integers(24, 36)), int(rng.integers(34, 50))))
    else:
        width = int(rng.integers(40, 58))
        depths = [int(rng.integers(26, 44)), int(rng.integers(26, 44))]
    shallow, deep = _split(others, types, rng)
    if spine != "hall" and rng.random() < 0.4:
        shallow, deep = [], shallow + deep
    cap = spine == "hall" and "living room" in others and rng.random() < 0.35
    if cap:
        shallow, deep = ([n for n in band if n != "living room"] for band in (shallow, deep))
    if cap and not (shallow and deep):
        return None
    bands = [_slice(b, d, types, areas, rng) for b, d in zip((shallow, deep), depths, strict=True)]
    if bands[0] is None or bands[1] is None:
        return None
    (north, long_n), (south, long_s) = _level(bands[0], bands[1], spine != "hall")
    rects: Rooms = {}
    total = max(long_n, long_s)
    for name, parts in north.items():
        rects[name] = [(u0, width + v0, u1, width + v1) for u0, v0, u1, v1 in parts]
    for name, parts in south.items():
        rects[name] = [(u0, -v1, u1, -v0) for u0, v0, u1, v1 in parts]
    rects[spine] = [(0, 0, total, width)]
    if spine == "hall":
        _wrap(rects, spine, types, rng)
    if cap:
        low, high = -depths[1] if south else 0, width + (depths[0] if north else 0)
        across = round(areas["living room"] / (high - low))
        rects["living room"] = [(-across, low, 0, high)]
    return rects


def _bent(
    spine: str, others: list[str], types: dict[str, str], areas: dict[str, float],
    rng: np.random.Generator,
) -> Rooms | None:  # fmt: skip
    """Lay a corridor with a band south of it, and an arm to the north between two more bands."""
    width, arm = (int(rng.integers(13, 18)) for _ in range(2))
    order = [others[k] for k in rng.permutation(len(others))]
    first = max(2, round(len(order) * uniform(rng, 0.3, 0.45)))
    rest = order[first:]
    half = int(np.ceil(len(rest) / 2))
    depth = int(rng.integers(34, 48))
    south = _slice(order[:first], depth, types, areas, rng)
    depths = [int(rng.integers(28, 46)) for _ in range(2)]
    arms = [
        _slice(part, d, types, areas, rng)
        for part, d in zip((rest[:half], rest[half:]), depths, strict=True)
    ]
    if south is None or arms[0] is None or arms[1] is None:
        return None
    (west, long_w), (east, long_e) = _level(arms[0], arms[1], close=False)
    across = depths[0] + arm + depths[1]
    (band, long_s), _ = _level(south, ({}, across), close=False)
    if long_s > across + 25 or long_s < 0.7 * across:
        return None
    rects: Rooms = {}
    for name, parts in band.items():
        rects[name] = [(u0, -v1, u1, -v0) for u0, v0, u1, v1 in parts]
    for name, parts in west.items():
        rects[name] = [(depths[0] - v1, width + u0, depths[0] - v0, width + u1)
                       for u0, v0, u1, v1 in parts]  # fmt: skip
    shift = depths[0] + arm
    for name, parts in east.items():
        rects[name] = [(shift + v0, width + u0, shift + v1, width + u1)
                       for u0, v0, u1, v1 in parts]  # fmt: skip
    rects[spine] = [(0, 0, max(across, long_s), width)]
    _wrap(rects, spine, types, rng)
    # The arm ends with the shorter band, whose last room still has its door on it.
    rects[spine].append((depths[0], width, shift, width + min(long_w, long_e)))
    return rects


def _split(
    others: list[str], types: dict[str, str], rng: np.random.Generator
) -> tuple[list[str], list[str]]:
    """Divide rooms between a shallow and a deep band, mostly by what suits them."""
    rows = table("rooms")["types"]
    shallow: list[str] = []
    deep: list[str] = []
    for k in rng.permutation(len(others)):
        name = others[k]
        likes = rows[types[name]].get("deep")
        chance = 0.5 if likes is None else 0.85 if likes else 0.2
        (deep if rng.random() < chance else shallow).append(name)
    return shallow, deep


def _slice(
    names: list[str], depth: int, types: dict[str, str], areas: dict[str, float],
    rng: np.random.Generator,
) -> tuple[Rooms, int] | None:  # fmt: skip
    """Cut a band ``depth`` deep into rooms (u along it, v away from the spine); its length too.

    Returns None if a small room has no neighbour to take what is behind it.
    """
    rows = table("rooms")["types"]
    rects: Rooms = {}
    u = 0
    behind: list[tuple[int, Rect]] = []
    for k, name in enumerate(names):
        row = rows[types[name]]
        width = round(areas[name] / depth)
        narrow = row["narrowest"] * 10 + _WALL + 1
        if row.get("small") and width < narrow:
            width = round(uniform(rng, narrow, 1.3 * narrow))
            deep = round(areas[name] / width)
            if depth - deep >= 13:
                rects[name] = [(u, 0, u + width, deep)]
                behind.append((k, (u, deep, u + width, depth)))
                u += width
                continue
        rects[name] = [(u, 0, u + width, depth)]
        u += width
    for k, rect in behind:
        takers = [names[j] for j in (k - 1, k + 1) if 0 <= j < len(names)
                  and not rows[types[names[j]]].get("small")]  # fmt: skip
        if not takers:
            return None
        rects[takers[int(rng.integers(len(takers)))]].append(rect)
    return rects, u


def _level(
    a: tuple[Rooms, int], b: tuple[Rooms, int], close: bool
) -> tuple[tuple[Rooms, int], tuple[Rooms, int]]:
    """Stretch the shorter of two bands to the other's length where they nearly agree."""
    target = max(a[1], b[1])

    def stretched(band: tuple[Rooms, int]) -> tuple[Rooms, int]:
        rooms, length = band
        if not rooms or length == target or (length < 0.8 * target and not close):
            return band
        factor = target / length
        return {
            name: [(round(u0 * factor), v0, round(u1 * factor), v1) for u0, v0, u1, v1 in parts]
            for name, parts in rooms.items()
        }, target

    return stretched(a), stretched(b)


def _wrap(rects: Rooms, spine: str, types: dict[str, str], rng: np.random.Generator) -> None:
    """End the corridor where it is needed no longer; a room beside may wrap round its end."""
    x0, y0, x1, y1 = rects[spine][0]
    for right in (False, True):
        end = x1 if right else x0
        ends = [n for n, parts in rects.items() if n != spine
                and any((p[2] if right else p[0]) == end and (p[1] == y1 or p[3] == y0)
                        for p in parts)]  # fmt: skip
        takers = [n for n in ends if types[n] in ("living_room", "bedroom", "study", "kitchen")]
        if not takers:
            continue
        # As much as leaves every room at this end a metre and a half of corridor for its door.
        widths = [min(p[2] - p[0] for p in rects[n] if p[1] == y1 or p[3] == y0) for n in ends]
        most = min(widths) - 15
        if most < 13 or rng.random() < 0.35:
            continue
        cut = int(rng.integers(13, min(most, 34) + 1))
        taker = takers[int(rng.integers(len(takers)))]
        rects[taker].append((x1 - cut, y0, x1, y1) if right else (x0, y0, x0 + cut, y1))
        x0, x1 = (x0, x1 - cut) if right else (x0 + cut, x1)
        rects[spine][0] = (x0, y0, x1, y1)


def _cost(rects: Rooms, types: dict[str, str], areas: dict[str, float]) -> float | None:
    """Return how far a plan is from what it should be, None if it must not be built."""
    rows = table("rooms")["types"]
    cost, total = 0.0, 0
    for name, parts in rects.items():
        row = rows[types[name]]
        x0, y0, x1, y1 = max(parts, key=lambda p: (p[2] - p[0]) * (p[3] - p[1]))
        short, long = sorted((x1 - x0 - _WALL, y1 - y0 - _WALL))
        if short < 10 * row["narrowest"] or long > row["aspect"] * short:
            return None
        if any(min(p[2] - p[0], p[3] - p[1]) < 13 for p in parts):
            return None
        area = sum((p[2] - p[0]) * (p[3] - p[1]) for p in parts)
        total += area
        if types[name] != "hall":
            error = abs(np.log(area / areas[name]))
            if error > _AREA_ERROR:
                return None
            cost += error + 0.4 * (long / short - 1)
            cost += 0.3 * (len(parts) > 2)
    x0, y0, x1, y1 = _bounds(rects)
    short, long = sorted((x1 - x0, y1 - y0))
    box = short * long
    halls = sum((p[2] - p[0]) * (p[3] - p[1]) for n, ps in rects.items()
                if types[n] == "hall" for p in ps)  # fmt: skip
    if halls > 0.2 * total or box > 1.35 * total:
        return None
    cost += 4 * halls / total + 1.5 * (box / total - 1)
    if "kitchen" in rects and not touch(rects["kitchen"], rects["living room"]):
        cost += 0.8
    return cost + max(0.0, long / short - 1.6)


def touch(a: Sequence[Rect], b: Sequence[Rect]) -> bool:
    """Return whether two rooms share enough of a wall for a door."""
    for x0, y0, x1, y1 in a:
        for u0, v0, u1, v1 in b:
            if (x1 == u0 or x0 == u1) and min(y1, v1) - max(y0, v0) >= _DOOR:
                return True
            if (y1 == v0 or y0 == v1) and min(x1, u1) - max(x0, u0) >= _DOOR:
                return True
    return False


def _bounds(rects: Rooms) -> Rect:
    every = [part for parts in rects.values() for part in parts]
    x0, y0, x1, y1 = zip(*every, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def _turned(rects: Rooms, rng: np.random.Generator) -> Rooms:
    """Return the plan mirrored and turned by chance, with its least corner at the origin."""
    mirror_x, mirror_y, swap = rng.random(3) < 0.5
    west, south, east, north = _bounds(rects)
    width, depth = east - west, north - south

    def move(rect: Rect) -> Rect:
        x0, x1 = rect[0] - west, rect[2] - west
        y0, y1 = rect[1] - south, rect[3] - south
        if mirror_x:
            x0, x1 = width - x1, width - x0
        if mirror_y:
            y0, y1 = depth - y1, depth - y0
        return (y0, x0, y1, x1) if swap else (x0, y0, x1, y1)

    return {name: [move(rect) for rect in parts] for name, parts in rects.items()}
