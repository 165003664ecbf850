"""Furnish a room by the rows of ``furniture.yaml``.

A row is tried at many poses, the ones that suit it best first; the first at which it and all that
it needs fit, with the ways about the room kept free, is taken. What is not needed is left out where
nothing fits.
"""

from collections.abc import Iterable
from itertools import islice

import numpy as np

from avenv.core.vectors import norm
from avenv.scene.catalogue import kind
from avenv.scene.homes.draws import uniform
from avenv.scene.homes.kitchen import place_run
from avenv.scene.homes.poses import HUNG_GAP, Row, Size, Thing, poses, poses_beside, spots_on
from avenv.scene.homes.space import FLAT, Box, Space, box_of, relative

_TRIES = 80  # poses tried for a row
_CUSHION = 0.15  # m from a sofa's seat to the top of its padding
_BESIDE, _ABOVE, _BELOW = 0.2, 0.12, 0.04  # m that a curtain reaches past a window
_LOW = 1.0  # m up to which the floor before furniture stays free


class Furnisher:
    """Puts things into one room.

    Args:
        space: the room.
        rng: draws everything.
        clutter: factor on the chance of what is not needed.
        home: types of all rooms of the home.
    """

    def __init__(self, space: Space, rng: np.random.Generator, clutter: float, home: set[str]):
        self.space = space
        self.things: list[Thing] = []
        self._rng, self._clutter, self._home = rng, clutter, home

    def furnish(self, rows: Iterable[Row]) -> bool:
        """Place all rows; False if a row that is needed has no place."""
        for row in rows:
            if not self._is_wanted(row):
                continue
            if "run" in row:
                done = place_run(self.space, self.things, self._rng)
            elif row["at"] == "window":
                done = self._place_curtains(row)
            elif row["at"] == "ceiling":
                done = self._place_lamps(row)
            else:
                done = sum(self._place(row) for _ in range(self._count(row))) > 0
            if row.get("need") and not done:
                return False
        return True

    def _is_wanted(self, row: Row) -> bool:
        area = self.space.room.shape.area
        if not row.get("min_area", 0) <= area <= row.get("max_area", np.inf):
            return False
        if row.get("unless") in self._home:
            return False
        chance = row.get("chance", 1.0) * self._clutter
        return bool(row.get("need")) or self._rng.random() < chance

    def _count(self, row: Row) -> int:
        count = row.get("count", 1)
        return count if isinstance(count, int) else int(self._rng.integers(count[0], count[1] + 1))

    def _place(self, row: Row) -> bool:
        """Place one thing and what belongs to it."""
        for name in self._kinds(row):
            sizes = [self._size(name, row)]
            if "fallback" in row:
                sizes.append(tuple(row["fallback"]))
            for size in sizes:
                for pose in islice(poses(row, size, self.space, self._rng), _TRIES):
                    if self._try(row, Thing(name, pose, size, row.get("z", 0.0))):
                        return True
        return False

    def _place_lamps(self, row: Row) -> bool:
        """Hang a thing at every pose below the ceiling."""
        name = self._kinds(row)[0]
        size = self._size(name, row)
        z = self.space.height - size[2]
        found = [self._try(row, Thing(name, pose, size, z))
                 for pose in poses(row, size, self.space, self._rng)]  # fmt: skip
        return any(found)

    def _place_curtains(self, row: Row) -> bool:
        """Hang a curtain at every window: down to the floor, or short where something stands."""
        done = False
        for wall in self.space.walls:
            for start, end, bottom, top in wall.windows:
                width = round(float(np.clip(end - start + 2 * _BESIDE, 0.8, 4.0)), 2)
                upper = min(top + _ABOVE, self.space.height - 0.02)
                for low in (0.03, bottom - _BELOW):
                    size = (0.12, width, round(float(np.clip(upper - low, 1.0, 3.0)), 2))
                    pose = wall.pose((start + end) / 2, size[0], HUNG_GAP)
                    if self._try(row, Thing(row["kind"], pose, size, round(upper - size[2], 3))):
                        done = True
                        break
        return done

    def _kinds(self, row: Row) -> list[str]:
        """Return the kinds to try: one drawn from the row's, or all of them if it is needed."""
        if isinstance(row["kind"], str):
            return [row["kind"]]
        drawn = [row["kind"][k] for k in self._rng.permutation(len(row["kind"]))]
        return list(dict.fromkeys(drawn)) if row.get("need") else drawn[:1]

    def _size(self, name: str, row: Row) -> Size:
        known = kind(name)
        given = row.get("size", (None, None, None))
        drawn = []
        for axis in range(3):
            wish = given[axis]
            if wish is None:
                value = known.size[axis] * uniform(self._rng, 0.92, 1.08)
            else:
                value = uniform(self._rng, *wish) if isinstance(wish, list) else wish
            low, high = known.min_size[axis], known.max_size[axis]
            drawn.append(round(min(max(value, low), high), 2))
        return drawn[0], drawn[1], drawn[2]

    def _try(self, row: Row, thing: Thing) -> bool:
        """Put a thing where it says, with all it needs; take everything back if that fails."""
        point, count = self.space.checkpoint(), len(self.things)
        if row.get("rel") != "seat" and not self._stand(row, thing):
            return False
        self.things.append(thing)
        needed = [child for child in row.get("with", ()) if child.get("need")]
        if all(self._place_child(child, thing) for child in needed) and (
            thing.on is not None or thing.z >= _LOW or self.space.is_walkable()
        ):
            for child in row.get("with", ()):
                if not child.get("need") and self._is_wanted(child):
                    self._place_child(child, thing)
            self._reserve(row, thing)
            return True
        self.space.restore(point)
        del self.things[count:]
        return False

    def _stand(self, row: Row, thing: Thing) -> bool:
        box = box_of(thing.place, thing.size, thing.z)
        may_shade = row.get("at") == "window" or thing.on is not None
        fits = self.space.fits_at_window if may_shade else self.space.fits
        if not fits(box) or not all(map(self.space.is_clear, _zones(row, thing))):
            return False
        if "side" in row and not any(map(self.space.is_clear, _sides(row, thing))):
            return False
        self.space.add(box)
        return True

    def _reserve(self, row: Row, thing: Thing) -> None:
        for zone in _zones(row, thing):
            self.space.reserve(zone)

    def _place_child(self, row: Row, parent: Thing) -> bool:
        """Place the things of a row that belong to another thing; False if none has a place."""
        name = self._kinds(row)[0]
        size, done = self._size(name, row), 0
        most = self._count(row) if row["rel"] != "around" else 99
        if row["rel"] == "top":
            for _ in range(most):
                for pose in spots_on(row, size, parent, self._rng):
                    z = parent.z + parent.size[2]
                    done += self._try(row, Thing(name, pose, size, z, parent))
            return done > 0
        for pose in poses_beside(row, size, parent, self.space, self._rng):
            z = row.get("z", 0.0)
            if row["rel"] == "seat":
                z = round(0.36 * parent.size[2] + _CUSHION, 3)
            elif row["rel"] == "above":
                z = max(z, parent.z + parent.size[2] + 0.12)
            thing = Thing(name, pose, size, z)
            if self._try(row, thing):
                done += 1
                if row["rel"] == "front":
                    self.space.reserve(_between(parent, thing))
            if done == most or (done and row["rel"] in ("front", "above")):
                break
        return done > 0


def _zones(row: Row, thing: Thing) -> list[Box]:
    """Return the zones of floor that stay free for a thing's use."""
    x, y, _ = thing.size
    zones = []
    if "front" in row:
        zone = relative(thing.place, x / 2 + row["front"] / 2, 0)
        zones.append(box_of(zone, (row["front"] - 0.01, y - 0.02, _LOW - FLAT - 0.01), FLAT + 0.01))
    if "margin" in row:
        m = row["margin"]
        for sign in (-1, 1):
            ends = relative(thing.place, sign * (x + m) / 2, 0), (m - 0.01, y, _LOW)
            sides = relative(thing.place, 0, sign * (y + m) / 2), (x, m / 2, _LOW)
            zones += [box_of(*ends, FLAT + 0.01), box_of(*sides, FLAT + 0.01)]
    return zones


def _sides(row: Row, thing: Thing) -> list[Box]:
    """Return the zones to the left and to the right of a bed, without those of its nightstands."""
    x, y, _ = thing.size
    long = x - 0.55
    return [
        box_of(relative(thing.place, 0.275, sign * (y + row["side"]) / 2),
               (long, row["side"] - 0.01, _LOW), FLAT + 0.01)
        for sign in (-1, 1)
    ]  # fmt: skip


def _between(parent: Thing, child: Thing) -> Box:
    """Return the floor between a thing and the one before it."""
    width = min(parent.size[1], child.size[1])
    gap = norm(child.place[0] - parent.place[0], child.place[1] - parent.place[1])
    gap -= (parent.size[0] + child.size[0]) / 2
    zone = relative(parent.place, (parent.size[0] + gap) / 2, 0)
    return box_of(zone, (max(gap - 0.01, 0.001), width, _LOW), FLAT + 0.01)
