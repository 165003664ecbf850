"""Which doors of a world open and close: those within it, and those that lead out.

Read from the compiled scene, which is at hand; the description of a home of a set would have to be
made anew.
"""

from avenv.simulation.world import World

_BEYOND = "/sky"
"""Ends the name of what is seen through a door that leads out, after the door's own."""


def outer_doors(world: World) -> list[str]:
    """Return the names of the doors with a leaf that lead out of doors."""
    known = _beyond(world)
    return [name for name in _leaves(world) if name in known]


def inner_doors(world: World) -> list[str]:
    """Return the names of the doors with a leaf that lead from room to room."""
    known = _beyond(world)
    return [name for name in _leaves(world) if name not in known]


def _leaves(world: World) -> list[str]:
    compiled = world.compiled
    kinds = {thing.name: thing.kind for thing in compiled.objects}
    return [name for name in compiled.states if kinds[name] == "door"]


def _beyond(world: World) -> set[str]:
    names = [thing.name for thing in world.compiled.objects if thing.kind == "sky"]
    return {name.removesuffix(_BEYOND) for name in names if name.endswith(_BEYOND)}
