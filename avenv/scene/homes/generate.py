"""Make a home: floor plan, openings, materials, furniture, and sounding things, from a seed."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from avenv.scene.catalogue import kind
from avenv.scene.homes.draws import uniform
from avenv.scene.homes.floorplan import FloorPlan, draw_plan
from avenv.scene.homes.furnish import Furnisher
from avenv.scene.homes.openings import WALL, draw_doors, draw_entrance, draw_windows, outlines
from avenv.scene.homes.poses import Thing
from avenv.scene.homes.reverberation import BANDS, adjusted
from avenv.scene.homes.space import space_of
from avenv.scene.homes.style import Style
from avenv.scene.homes.tables import table
from avenv.scene.opening_spec import DoorSpec
from avenv.scene.placed import PlacedScene, free_name, lay_out
from avenv.scene.spec import SceneSpec

ROOMS = range(3, 11)
"""How many rooms a home may have, its hall included."""

_ATTEMPTS = 60
_TRIES_OF_A_ROOM = 4
_WALKABLE = 0.62
_HEIGHTS = (2.45, 2.9)


@dataclass(frozen=True)
class HomeOptions:
    """What a home should be like.

    Attributes:
        rooms: how many, 3 to 10; None: any.
        size: factor on the areas of its rooms, 0.8 to 1.4.
        clutter: factor on the chance of every thing that a room could do without, 0 to 1.5.
        reverberance: ``"dry"``, ``"normal"`` or ``"live"``.
        closed_doors: share of its doors that are closed, 0 to 1.
    """

    rooms: int | None = None
    size: float = 1.0
    clutter: float = 1.0
    reverberance: str = "normal"
    closed_doors: float = 0.0

    def __post_init__(self) -> None:
        if self.rooms is not None and self.rooms not in ROOMS:
            raise ValueError(f"rooms is {self.rooms!r}; accepted: {ROOMS[0]} to {ROOMS[-1]}, None")
        for name, low, high in (("size", 0.8, 1.4), ("clutter", 0, 1.5), ("closed_doors", 0, 1)):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} is {getattr(self, name)!r}; accepted: {low} to {high}")
        if self.reverberance not in BANDS:
            raise ValueError(f"reverberance is {self.reverberance!r}; accepted: {', '.join(BANDS)}")


def generate_home(
    seed: int | list[int], options: HomeOptions | None = None, name: str | None = None
) -> SceneSpec:
    """Return the home of a seed: always the same one for the same seed and options.

    Args:
        seed: as ``numpy.random.default_rng`` takes it.
        options: what the home should be like.
        name: of the scene; by default ``home-<seed>``.
    """
    options = options or HomeOptions()
    rng = np.random.default_rng(seed)
    number = options.rooms or int(rng.choice(ROOMS))
    for _ in range(_ATTEMPTS):
        home = _attempt(name or f"home-{seed}", number, options, rng)
        if home is not None:
            return home
    raise RuntimeError(f"no home of {number} rooms was found for {options} in {_ATTEMPTS} attempts")


def _attempt(
    name: str, number: int, options: HomeOptions, rng: np.random.Generator
) -> SceneSpec | None:
    programs = table("rooms")["programs"][number]
    types = programs[int(rng.integers(len(programs)))]
    plan = draw_plan(types, options.size, rng)
    if plan is None:
        return None
    style = Style(rng)
    shell = _shell(name, plan, style, rng)
    if shell is None:
        return None
    placed = lay_out(shell)
    rooms = _furnish(plan, placed, options.clutter, rng)
    if rooms is None:
        return None
    objects = _objects(rooms, style)
    things = [thing for room in rooms.values() for thing in room]
    sounding = [
        fields["name"]
        for thing, fields in zip(things, objects, strict=True)
        if thing.near and kind(thing.kind).sound is not None
    ]
    home = SceneSpec.from_dict({
        **shell.to_dict(), "objects": objects, "sources": [{"on": thing} for thing in sounding],
    })  # fmt: skip
    shut = rng.random(len(home.doors)) < options.closed_doors
    doors = tuple(_shut(door) if closed else door
                  for door, closed in zip(home.doors, shut, strict=True))  # fmt: skip
    home = home.model_copy(update={"doors": doors})
    return adjusted(home, placed, options.reverberance)


def _shut(door: DoorSpec) -> DoorSpec:
    return door if door.kind == "passage" else door.model_copy(update={"state": "closed"})


def _shell(name: str, plan: FloorPlan, style: Style, rng: np.random.Generator) -> SceneSpec | None:
    """Return the home before it is furnished."""
    shapes = outlines(plan)
    height = round(uniform(rng, *_HEIGHTS), 2)
    doors = draw_doors(plan, shapes, style.door, rng)
    if doors is None:
        return None
    entrance = draw_entrance(plan, shapes, style.door, doors, rng)
    windows = entrance and draw_windows(plan, shapes, height, entrance, rng)
    if entrance is None or windows is None:
        return None
    rows = table("rooms")["types"]
    rooms = []
    for room, type_ in plan.types.items():
        surfaces = {
            part: style.surface(rows[type_][part]) for part in ("floor", "walls", "ceiling")
        }
        corners = [side.start.tolist() for side in shapes[room]]
        rooms.append({"name": room, "type": type_, "polygon": corners, "height": height,
                      **surfaces})  # fmt: skip
    return SceneSpec.from_dict({
        "name": name, "rooms": rooms, "wall_thickness": WALL, "doors": [*doors, entrance],
        "windows": windows,
    })  # fmt: skip


def _furnish(
    plan: FloorPlan, placed: PlacedScene, clutter: float, rng: np.random.Generator
) -> dict[str, list[Thing]] | None:
    """Return the things of each room, or None if one cannot be furnished."""
    home = set(plan.types.values())
    rooms, walkable = {}, 0.0
    for number, room in enumerate(placed.rooms):
        type_ = plan.types[room.spec.name]
        furniture = table("furniture")
        for _ in range(_TRIES_OF_A_ROOM):
            space = space_of(placed, number, table("rooms")["types"][type_]["walkable"])
            rows = (furniture["entrance"] if space.entrance is not None else []) + furniture[type_]
            furnisher = Furnisher(space, rng, clutter, home)
            if space.is_walkable() and furnisher.furnish(rows):
                rooms[room.spec.name] = furnisher.things
                for thing in furnisher.things:
                    thing.near = space.can_approach(thing.place)
                walkable += space.walkable_area()
                break
        else:
            return None
    floor = sum(room.shape.area for room in placed.rooms)
    return rooms if walkable >= _WALKABLE * floor else None


def _objects(rooms: dict[str, list[Thing]], style: Style) -> list[dict[str, Any]]:
    """Return the things of a home as fields of ``ObjectSpec``."""
    objects: list[dict[str, Any]] = []
    names: dict[Thing, str] = {}
    taken: set[str] = set()
    for room, things in rooms.items():
        for thing in things:
            names[thing] = free_name(thing.kind, taken)
            taken.add(names[thing])
            x, y, heading = thing.place
            fields: dict[str, Any] = {
                "kind": thing.kind, "name": names[thing], "room": room,
                "position": [round(x, 3), round(y, 3)],
                "facing": round(float(np.rad2deg(heading)) % 360, 1), "size": list(thing.size),
            }  # fmt: skip
            if thing.on is not None:
                fields["on"] = names[thing.on]
            elif thing.z > 0:
                fields["z"] = round(thing.z, 3)
            if materials := style.materials(thing.kind, room):
                fields["materials"] = dict(materials)
            objects.append(fields)
    return objects
