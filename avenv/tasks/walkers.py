"""Who walks about a home and sounds: a person, a vacuum robot, a pet; and the ways that they take.

They are heard and seen, and nobody bumps into them. They change no sound: it goes through them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SceneError
from avenv.navigation import shortest_path
from avenv.simulation.world import World
from avenv.tasks.episode import Point
from avenv.tasks.navigation import NavigationTask

LEG = 3.0
"""Metres on foot from one place that a walker goes to, to the next, at least."""


@dataclass(frozen=True)
class Walker:
    """Somebody who walks.

    Attributes:
        kinds: of the sounds that it may make.
        speed: metres a second.
        height: of the sound above the floor, metres.
        rest: seconds that it rests at the places that it goes to, at least and at most.
        look: the kind of the catalogue that it looks like; empty: that of its sound's name.
    """

    kinds: tuple[str, ...]
    speed: float
    height: float
    rest: tuple[float, float] = (0.0, 0.0)
    look: str = ""


WALKERS: dict[str, Walker] = {
    "person": Walker(("footsteps",), 0.7, 0.15, look="person"),
    "robot": Walker(("vacuum_cleaner",), 0.3, 0.15, look="robot_vacuum"),
    "pet": Walker(("dog", "cat"), 0.5, 0.3, (1.0, 4.0)),
}
"""Walkers by name. A person strolls, so that a body of 1 m/s that has to turn catches up."""

TALKER = Walker((), 0.6, 1.45, (2.0, 5.0), look="person")
"""A person who talks on the way."""


def stroll(
    rng: np.random.Generator, task: NavigationTask, world: World, walker: Walker, seconds: float
) -> tuple[tuple[Point, ...], tuple[float, ...]]:
    """Return the way of a walker from place to place, and when it is at which corner of it.

    Args:
        rng: to draw from.
        task: whose bodies can walk to the places that it goes to.
        world: where.
        walker: who.
        seconds: how long it is on its way; then it stays where it is.

    Raises:
        SceneError: no two places are ``LEG`` apart.
    """
    body = task.simulator.body
    grid, places = world.walkable_for(body), world.places_for(body)
    height = grid.level + walker.height
    here = places[rng.integers(len(places))]
    corners, times = [here], [0.0]
    if walker.rest[1]:
        _stay(corners, times, float(rng.uniform(*walker.rest)))
    while times[-1] < seconds:
        near = task.field(world, (float(here[0]), float(here[1]), grid.level))
        far = np.flatnonzero(np.isfinite(d := near.at(places)) & (d >= LEG))
        if len(far) == 0:
            raise SceneError(
                f"{world.name}: no place is {LEG} m on foot from that at ({here[0]:.2f}, "
                f"{here[1]:.2f}); needed for somebody to walk about"
            )
        there = places[rng.choice(far)]
        for corner in shortest_path(grid, near, there)[::-1]:
            leg = float(np.hypot(*(corner - corners[-1])))
            if leg > 0.01:
                corners.append(corner)
                times.append(times[-1] + leg / walker.speed)
        here = corners[-1]
        if walker.rest[1]:
            _stay(corners, times, float(rng.uniform(*walker.rest)))
    return tuple((float(x), float(y), height) for x, y in corners), tuple(times)


def _stay(corners: list[NDArray[np.float64]], times: list[float], seconds: float) -> None:
    corners.append(corners[-1])
    times.append(times[-1] + seconds)
