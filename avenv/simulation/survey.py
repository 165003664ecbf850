"""Look over a scene: what is in it, and what is probably not as its author meant it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from shapely import Polygon, contains_xy

from avenv.core.errors import SceneError
from avenv.scene import CATEGORIES
from avenv.scene.floating import floating_things
from avenv.simulation.loading import load_scene
from avenv.simulation.world import World

if TYPE_CHECKING:
    from avenv.scene.meshes import ImportReport

_LARGEST = 100.0  # m: a larger room was probably given in another unit
_REACH = 1.5  # m from walkable floor within which a source can be walked up to
_FIRST_KIND = CATEGORIES.index("window") + 1  # the categories of furniture follow


@dataclass(frozen=True)
class Survey:
    """What a look over a scene found.

    Attributes:
        summary: its size in one line.
        warnings: one line for each thing that is allowed but probably not meant.
        report: what became of the mesh that the scene was read from, where it was one.
    """

    summary: str
    warnings: tuple[str, ...]
    report: "ImportReport | None" = None


def survey(scene: Any) -> Survey:
    """Look over a scene, as ``load_scene`` takes it.

    Raises:
        SceneError: the scene cannot be loaded, or nobody can walk in it; what else there is to say
            of it is in the message.
    """
    world = load_scene(scene)
    compiled = world.compiled
    odd = [*_huge_rooms(world), *(floating_things(compiled) if world.spec is not None else [])]
    try:
        grid = world.walkable
    except SceneError as error:
        told = [] if world.report is None else [str(world.report)]
        raise SceneError("\n".join([*told, str(error), *odd])) from error
    warnings = [*odd, *_unreachable_rooms(world), *_unreachable_sources(world)]
    floor = sum(Polygon(room.polygon).area for room in compiled.rooms)
    islands = np.bincount(grid.islands.ravel())[1:] * grid.cell**2  # the largest first
    walkable = float(islands[0])
    parts = [
        counted(len(compiled.rooms), "room"),
        counted(sum(thing.category >= _FIRST_KIND for thing in compiled.objects), "object"),
        counted(len(compiled.sources), "source"),
        f"{walkable:.1f} m² to walk on" + (f" of {floor:.1f} m²" if floor else ""),
        *(
            [f"{islands[1:].sum():.1f} m² cut off in {counted(len(islands) - 1, 'island')}"]
            if len(islands) > 1
            else []
        ),
        f"{len(compiled.triangles)} triangles",
    ]
    return Survey(", ".join(parts), tuple(warnings), world.report)


def _huge_rooms(world: World) -> list[str]:
    """Say which rooms are so large that another unit was probably meant."""
    lines = []
    for room in world.compiled.rooms if world.spec is not None else ():
        x, y = np.ptp(room.polygon, axis=0).tolist()
        largest = max(x, y, room.height)
        if largest > _LARGEST:
            unit, metres = "centimetres", 0.01
            if largest >= 10 * _LARGEST:
                unit, metres = "millimetres", 0.001
            size, less = (
                f"{x * scale:.3g} x {y * scale:.3g} m and {room.height * scale:.3g} m high"
                for scale in (1.0, metres)
            )
            lines.append(f"the room {room.name!r} is {size}; lengths are metres: are these {unit}, "
                         f"{less}?")  # fmt: skip
    return lines


def _unreachable_rooms(world: World) -> list[str]:
    """Say which rooms nobody can enter from the largest walkable part."""
    grid = world.walkable
    iy, ix = np.nonzero(grid.islands == 1)
    points = grid.origin + grid.cell * (np.stack([ix, iy], axis=-1) + 0.5)
    return [
        f"nobody can walk to the room {room.name!r}: no open door leads there, or its floor or "
        "the way is blocked"
        for room in world.compiled.rooms
        if not contains_xy(Polygon(room.polygon), points).any()
    ]


def _unreachable_sources(world: World) -> list[str]:
    grid, lines = world.walkable, []
    for source in world.compiled.sources:
        try:
            grid.check_storey(source.position[2], "it")
            near = grid.nearest_walkable([source.position[:2]], _REACH)
        except SceneError:
            lines.append(f"nobody can walk up to the source {source.name!r}")
            continue
        if grid.island_of(near)[0] != 1:
            lines.append(f"the source {source.name!r} is cut off from the rest")
    return lines


def counted(number: int, noun: str) -> str:
    """Return a number of things, as "1 room" and "2 rooms"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
