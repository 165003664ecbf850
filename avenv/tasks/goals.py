"""Where a body should stand to be at a goal, and what of a scene can be one."""

from collections.abc import Callable, Iterator, Sequence
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from avenv.core import frames
from avenv.core.errors import SceneError
from avenv.geometry import lines_of_sight
from avenv.navigation import WalkableGrid
from avenv.scene import CATEGORIES
from avenv.scene.compiled import SceneSource
from avenv.simulation.body import Body
from avenv.simulation.questions import REACH
from avenv.simulation.world import World
from avenv.tasks.episode import Episode, Point

_things: WeakKeyDictionary[World, dict[Body, tuple[SceneSource, ...]]] = WeakKeyDictionary()
"""Of each world what sounds there, found once: every episode asks for it."""


def standing_point(
    world: World, grid: WalkableGrid, source: tuple[float, float, float], height: float
) -> NDArray[np.float64]:
    """Return the walkable point (2,) nearest to a source from where nothing hides the source.

    A phone on a table by a thin wall may be nearer to the floor of the next room than to its own;
    hence the line of sight, from eyes at the ``height`` z.

    Raises:
        SceneError: there is none within ``REACH``, or the source is in another storey.
    """
    grid.check_storey(source[2], f"the source at ({source[0]:.2f}, {source[1]:.2f})")
    target = np.asarray(source[:2], np.float64)
    if grid.is_walkable(target[None])[0]:
        return target
    iy, ix = np.nonzero(grid.islands > 0)
    centres = grid.origin + grid.cell * (np.stack([ix, iy], axis=-1) + 0.5)
    distances = np.hypot(*(centres - target).T)
    near = np.argsort(distances, kind="stable")[: np.count_nonzero(distances <= REACH)]
    eyes = np.column_stack([centres[near], np.full(len(near), height)])
    # What is hidden in or under something is looked for right above it.
    for goal in (source, (source[0], source[1], height)):
        clear = lines_of_sight(world.compiled.bvh, eyes, np.tile(goal, (len(near), 1)))
        if clear.any():
            break
    else:
        raise SceneError(
            f"{world.name}: no place to stand within {REACH} m of the source at "
            f"({source[0]:.2f}, {source[1]:.2f}) from "
            "where it can be seen; accepted: a source beside walkable floor"
        )
    return centres[near[np.argmax(clear)]]


def displacement(episode: Episode, place: Point) -> tuple[float, float]:
    """Return how far a place is ahead of an episode's start, and to its left, metres."""
    x, y = episode.start
    way = np.array([place[0] - x, place[1] - y, 0.0])
    ahead, left, _ = frames.to_body(way, episode.heading).tolist()
    return ahead, left


def sounding_things(world: World, body: Body) -> Sequence[SceneSource]:
    """Return the sources of a scene that are things which a body can walk up to."""
    known = _things.setdefault(world, {})
    if body not in known:
        known[body] = tuple(_find_sounding(world, body))
    return known[body]


def category_of(world: World, source: SceneSource) -> str:
    """Return the category of the thing that is a source of a scene."""
    named = {found.name: found.category for found in world.compiled.objects}
    return CATEGORIES[named[str(source.object)]]


def _find_sounding(world: World, body: Body) -> Iterator[SceneSource]:
    grid = world.walkable_for(body)
    for source in world.compiled.sources:
        if source.object is None:
            continue
        try:
            beside = standing_point(world, grid, source.position, grid.level + body.eye_height)
        except SceneError:
            continue
        if grid.island_of(beside[None])[0] == 1:  # where bodies start
            yield source


def places_apart(
    rng: np.random.Generator,
    places: NDArray[np.float64],
    count: int,
    apart: float,
    distances: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return some of the places (P, 2) of a floor, drawn by lot, that are ``apart`` on foot.

    Args:
        rng: to draw from.
        places: metres.
        count: how many are wanted; fewer are returned where more do not fit.
        apart: metres from one to the next, at least.
        distances: from a place (2,) on foot to all places, (P,).
    """
    order = rng.permutation(len(places))
    free = np.ones(len(places), bool)
    chosen: list[int] = []
    while free.any() and len(chosen) < count:
        chosen.append(int(order[np.argmax(free[order])]))
        free &= distances(places[chosen[-1]]) > apart
    return places[chosen]
