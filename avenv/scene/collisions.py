"""Find things that reach into one another.

Furniture is made of closed solids, nearly all of them convex. Each is taken as the upright prism
of its outline seen from above, so that a chair may stand under a table, between its legs.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely import MultiPoint, Polygon, STRtree
from shapely.affinity import affine_transform

from avenv.core.rows import distinct_rows
from avenv.scene.catalogue import Size, build_mesh
from avenv.scene.objects import PlacedObject
from avenv.scene.openings import PlacedDoor
from avenv.scene.plan import Points, footprint
from avenv.scene.problems import Problems

DEPTH = 0.02
"""Metres that things may reach into one another: people round positions."""

MOST = 50
"""Collisions after which no more are looked for."""

MOST_PAIRS = 3000
"""Pairs of things, each in the other's box, after which no more are looked at; homes have 300."""

_AT_A_TIME = 64  # bodies whose neighbours are sought

_SOFT = ("cushion",)  # categories of what gives way


class Prism(NamedTuple):
    """A solid seen from above, and the heights between which it stands, metres."""

    outline: Polygon
    low: float
    high: float


@dataclass(frozen=True)
class _Body:
    """Something that fills space: an object, or an open door.

    Attributes:
        text: what messages call it.
        box: of all of it.
        place: where messages say it is in the spec.
        thing: the object that it is.
    """

    text: str
    box: Prism
    place: str = ""
    thing: PlacedObject | None = None

    @cached_property
    def prisms(self) -> list[Prism]:
        """Its solids in the world."""
        if self.thing is None:
            return [self.box]
        x, y, z = self.thing.position
        c, s = np.cos(self.thing.heading), np.sin(self.thing.heading)
        return [
            Prism(affine_transform(p.outline, (c, -s, s, c, x, y)), z + p.low, z + p.high)
            for p in _solids(self.thing.kind.name, self.thing.size)
        ]


def check_collisions(
    objects: Iterable[PlacedObject], doors: Iterable[PlacedDoor], numbers: dict[str, int],
    problems: Problems,
) -> None:  # fmt: skip
    """Note things that reach more than ``DEPTH`` into one another or into an open door.

    ``numbers`` are the places in the spec of the objects, by name.
    """
    bodies = [_leaf(door) for door in doors if door.leaves]
    bodies += [
        _furniture(thing, f"objects[{numbers[thing.name]}]")
        for thing in objects
        if thing.kind.category not in _SOFT
    ]
    found = 0
    for number, (one, other) in enumerate(_near(bodies)):
        if not _stands_on(one, other) and not _stands_on(other, one) and _meet(one, other):
            problems.add(other.place, f"{other.text} runs into {one.text}")
            found += 1
        if found == MOST:
            problems.add("objects", "more may run into one another; these are looked for first")
            return
        if number == MOST_PAIRS:
            problems.add(
                "objects",
                f"more than {MOST_PAIRS:,} pairs of things reach into the boxes round one another; "
                "accepted: fewer (collisions.MOST_PAIRS)",
            )
            return


def _stands_on(one: _Body, other: _Body) -> bool:
    if one.thing is None or other.thing is None:
        return False
    return one.thing.spec.on == other.thing.name


def _furniture(thing: PlacedObject, place: str) -> _Body:
    x, y, z = thing.position
    size = " x ".join(f"{s:.2f}" for s in thing.size)
    text = f"{thing.name!r} at [{x:.2f}, {y:.2f}] ({size} m)"
    return _Body(text, Prism(thing.outline, z, thing.top), place, thing)


def _leaf(door: PlacedDoor) -> _Body:
    leaf = door.leaves["open"]
    x, y, z = leaf.position
    outline = Polygon(footprint((x, y), leaf.heading, *leaf.size[:2]))
    box = Prism(outline, z, z + leaf.size[2])
    return _Body(f"the open leaf of {door.name!r} at [{x:.2f}, {y:.2f}]", box)


def _near(bodies: list[_Body]) -> Iterator[tuple[_Body, _Body]]:
    """Yield the pairs of bodies whose boxes run into one another, in their order, doors first."""
    outlines = np.array([body.box.outline for body in bodies], object)
    tree = STRtree(outlines)
    for start in range(0, len(bodies), _AT_A_TIME):
        part = outlines[start : start + _AT_A_TIME]
        first, second = tree.query(part, predicate="intersects")
        for i, j in sorted(zip((start + first).tolist(), second.tolist(), strict=True)):
            one, other = bodies[i], bodies[j]
            if i < j and other.thing is not None and _cut(one.box, other.box):
                yield one, other


def _meet(one: _Body, other: _Body) -> bool:
    """Return whether a solid of one body runs into one of the other."""
    near = [prism for prism in other.prisms if _cut(prism, one.box)]
    return any(_cut(a, b) for a in one.prisms if _cut(a, other.box) for b in near)


def _cut(a: Prism, b: Prism) -> bool:
    """Return whether two prisms reach more than ``DEPTH`` into one another."""
    if min(a.high, b.high) - max(a.low, b.low) <= DEPTH or not a.outline.intersects(b.outline):
        return False
    common = a.outline.intersection(b.outline)
    return common.area > 0 and _width(common) > DEPTH


def _width(shape: Polygon) -> float:
    """Return the width (m) of a convex shape: the shorter side of the least box round it."""
    corners = np.array(shape.minimum_rotated_rectangle.exterior.coords)
    return float(np.hypot(*np.diff(corners[:3], axis=0).T).min())


@lru_cache(maxsize=512)
def _solids(name: str, size: Size) -> list[Prism]:
    """Return the solids of an object in its own frame; sheets fill no space."""
    prisms = []
    for part in build_mesh(name, size):
        if not part.sheet:
            prisms += [_prism(points) for points in _connected(part.triangles.astype(np.float64))]
    return [prism for prism in prisms if prism.outline.area > 0]


def _connected(triangles: Points) -> Iterator[Points]:
    """Yield the corners (K, 3) of each group of triangles that share corners."""
    corners, index = distinct_rows(np.round(triangles.reshape(-1, 3), 5))
    a, b, c = index.reshape(-1, 3).T
    links = coo_array(
        (np.ones(2 * len(a)), (np.concatenate([a, b]), np.concatenate([b, c]))),
        (len(corners),) * 2,
    )
    count, label = connected_components(links, directed=False)
    for k in range(count):
        yield corners[label == k]


def _prism(points: Points) -> Prism:
    hull = MultiPoint(points[:, :2]).convex_hull
    flat = Polygon() if hull.geom_type != "Polygon" else hull
    return Prism(flat, float(points[:, 2].min()), float(points[:, 2].max()))
