"""Kitchen units side by side along a wall, with wall cupboards above."""

from typing import Any

import numpy as np

from avenv.scene.catalogue import kind
from avenv.scene.homes.draws import uniform
from avenv.scene.homes.poses import WALL_GAP, Row, Size, Thing, spots_on
from avenv.scene.homes.space import FLAT, Space, Wall, box_of, relative
from avenv.scene.homes.tables import table

_STEP = 0.1  # m between places tried along a wall
_DRAWS = 3  # runs drawn for each wall
_SINK = 1.16  # m: a sink's height with its tap, for a worktop at 0.9 m
_FRIDGE = 1.85


def place_run(space: Space, things: list[Thing], rng: np.random.Generator) -> bool:
    """Place a run of kitchen units, and say whether there was a place.

    Walls with the longest free stretch come first; the sink likes to be below a window.
    """
    options = []
    for wall in space.walls:
        for low, high in _free_stretches(wall):
            for _ in range(_DRAWS):
                units = _fitting_units(high - low, rng)
                if units is None:
                    continue
                used = sum(width for _, width in units)
                for start in np.unique([low, high - used, *np.arange(low, high - used, _STEP)]):
                    merit = _merit(wall, float(start), units) + uniform(rng, 0, 0.3)
                    options.append((merit, wall, float(start), units))
    options.sort(key=lambda option: -option[0])
    return any(_build(space, things, *option[1:], rng) for option in options[:60])


def _free_stretches(wall: Wall) -> list[tuple[float, float]]:
    """Return the parts of a wall without doors, metres along it."""
    edges = [0.005, *(v for door in sorted(wall.doors) for v in door), wall.length - 0.005]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _fitting_units(space: float, rng: np.random.Generator) -> list[tuple[Row, float]] | None:
    """Draw units with widths that together fit into a stretch of wall, or None."""
    rows = table("furniture")["kitchen_run"]["units"]
    units = [(row, round(uniform(rng, *row["width"]), 2)) for row in rows
             if row.get("need") or rng.random() < 0.8]  # fmt: skip
    for optional in (False, True):
        if sum(w for _, w in units) > space and not optional:
            units = [(row, row["width"][0]) for row, _ in units]
        while sum(w for _, w in units) > space and optional:
            spare = [k for k, (row, _) in enumerate(units) if not row.get("need")]
            if not spare:
                return None
            del units[spare[-1]]
    return units if rng.random() < 0.5 else units[::-1]


def _merit(wall: Wall, start: float, units: list[tuple[Row, float]]) -> float:
    """Return how good a place for a run is: many units, from a corner, the sink at a window."""
    used = sum(width for _, width in units)
    merit = 0.35 * used
    merit += 0.8 * (min(start, wall.length - start - used) < 0.02)
    along = start
    for row, width in units:
        if row["kind"] == "sink":
            middles = [(w[0] + w[1]) / 2 for w in wall.windows]
            merit += 0.7 * any(abs(along + width / 2 - m) < 0.5 for m in middles)
        along += width
    return merit


def _build(
    space: Space, things: list[Thing], wall: Wall, start: float,
    units: list[tuple[Row, float]], rng: np.random.Generator,
) -> bool:  # fmt: skip
    rows = table("furniture")["kitchen_run"]
    point, placed = space.checkpoint(), []
    along = start
    for row, width in units:
        thing = _unit(row["kind"], wall, along + width / 2, width, rows)
        box = box_of(thing.place, thing.size)
        front = relative(thing.place, (thing.size[0] + rows["front"]) / 2, 0)
        zone = box_of(front, (rows["front"] - 0.02, width - 0.02, 1.0), FLAT + 0.01)
        if not space.fits(box) or not space.is_clear(zone):
            space.restore(point)
            return False
        placed.append((row, thing, zone))
        space.add(box)
        along += width
    if not space.is_walkable():
        space.restore(point)
        return False
    for row, thing, zone in placed:
        space.reserve(zone)
        things.append(thing)
        if row.get("over"):
            _hang_cupboard(space, things, thing, rows["cupboard"])
        for name in row.get("top", ()):
            _put_on(space, things, thing, name, rng)
    return True


def _unit(name: str, wall: Wall, along: float, width: float, rows: Row) -> Thing:
    height = {"sink": _SINK, "fridge": _FRIDGE}.get(name, float(rows["height"]))
    size: Size = (rows["depth"], width, height)
    return Thing(name, wall.pose(along, size[0], WALL_GAP), size)


def _hang_cupboard(space: Space, things: list[Thing], below: Thing, row: dict[str, Any]) -> None:
    size: Size = (row["depth"], below.size[1], row["height"])
    pose = relative(below.place, -(below.size[0] - size[0]) / 2, 0)
    box = box_of(pose, size, row["z"])
    if space.fits(box):
        space.add(box)
        things.append(Thing("kitchen_cabinet", pose, size, row["z"]))


def _put_on(
    space: Space, things: list[Thing], unit: Thing, name: str, rng: np.random.Generator
) -> None:
    size, top = kind(name).size, unit.z + unit.size[2]
    for pose in spots_on({}, size, unit, rng):
        box = box_of(pose, size, top)
        if space.fits_at_window(box):
            space.add(box)
            things.append(Thing(name, pose, size, top, unit))
