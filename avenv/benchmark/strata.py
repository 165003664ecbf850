"""What groups an episode belongs to: how far its goal is, how many doors away, whether in sight.

An agent's figures are told for each, and sets have their share of each.
"""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from shapely import contains_xy, prepare
from shapely.geometry import Polygon

from avenv.geometry import lines_of_sight
from avenv.navigation import geodesic_field, shortest_path
from avenv.scene import CompiledScene
from avenv.simulation.world import World
from avenv.tasks.episode import Episode
from avenv.tasks.navigation import NavigationTask
from avenv.tasks.task import Task

SHARES: Mapping[str, Mapping[str, float]] = {
    "distance": {"under 4 m": 0.25, "4 to 7 m": 0.25, "7 to 10 m": 0.25, "over 10 m": 0.25},
    "rooms": {"same room": 0.2, "next room": 0.3, "2 doors": 0.25, "3 or more doors": 0.25},
    "sight": {"in sight": 0.25, "out of sight": 0.75},
}
"""The groups of each kind, and the share of a set's episodes that each should have."""

BOUNDS = (4.0, 7.0, 10.0)
"""Metres on foot between the groups of distance."""

STEP = 0.1
"""Metres between the points of a way at which it is looked up in which room they are."""


def strata_of(task: Task, world: World, episode: Episode) -> dict[str, str]:
    """Return the group of each kind that an episode belongs to.

    Where its first goal has no place of its own, or none that can be walked to as things are, only
    what is known without.
    """
    strata: dict[str, str] = {}
    if episode.geodesic_distance is not None:
        groups = list(SHARES["distance"])
        strata["distance"] = groups[
            int(np.searchsorted(BOUNDS, episode.geodesic_distance, "right"))
        ]
    place = _goal_of(episode, world)
    if place is None:
        return strata
    grid = world.walkable_for(task.simulator.body)
    if isinstance(task, NavigationTask):
        field = task.field(world, place)
    else:
        field = geodesic_field(grid, place[:2])
    try:
        way = shortest_path(grid, field, episode.start)
    except ValueError:  # it is done from afar, or doors are to be opened on the way
        pass
    else:
        doors = min(rooms_crossed(world.compiled, way), 3)
        strata["rooms"] = list(SHARES["rooms"])[doors]
    eye = np.array([*episode.start, grid.level + task.simulator.body.eye_height])
    # Of what stands inside or under something, the place right above it counts.
    targets = np.array([place, (*place[:2], eye[2])])
    seen = lines_of_sight(world.compiled.bvh, np.tile(eye, (2, 1)), targets).any()
    strata["sight"] = "in sight" if seen else "out of sight"
    return strata


def _goal_of(episode: Episode, world: World) -> tuple[float, float, float] | None:
    if not episode.goals:
        return None
    goal = episode.goals[0]
    if goal.position is not None:
        return goal.position
    if goal.source is not None:
        return episode.sources[goal.source].position
    return next((x.position for x in world.compiled.objects if x.name == goal.object), None)


def rooms_crossed(compiled: CompiledScene, way: ArrayLike) -> int:
    """Return how often a way (M, 2) goes from one room into another.

    Args:
        compiled: the scene; what lies between its rooms counts as no room.
        way: corners of the way, world metres.
    """
    points = _along(np.asarray(way, np.float64))
    room = np.full(len(points), -1)
    for k, one in enumerate(compiled.rooms):
        polygon = Polygon(one.polygon)
        prepare(polygon)
        room[contains_xy(polygon, points)] = k
    passed = [k for k in room.tolist() if k >= 0]
    return sum(one != other for one, other in pairwise(passed))


def _along(way: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points (N, 2) of a polyline, ``STEP`` apart, with both its ends."""
    lengths = np.hypot(*np.diff(way, axis=0).T)
    at = np.concatenate([[0.0], np.cumsum(lengths)])
    steps = np.append(np.arange(0, at[-1], STEP), at[-1])
    return np.column_stack([np.interp(steps, at, axis) for axis in way.T])
