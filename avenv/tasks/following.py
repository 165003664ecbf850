"""Where it is best to wait for somebody whose way is known: what the oracle of FollowMe asks."""

import numpy as np
from numpy.typing import NDArray

from avenv.core.frames import wrap_angle
from avenv.geometry import lines_of_sight
from avenv.simulation.simulator import Simulator
from avenv.simulation.world import World
from avenv.tasks.episode import Point

LOOK_OUT = np.arange(0.0, 8.1, 0.5)
"""Seconds from now at which it is asked where the person will be."""

_RINGS = (1.0, 1.3, 1.6)
_SPEED = 0.8
"""Metres a second that a body makes good on a way with bends; it walks at 1."""
_TURNS = np.deg2rad(60)
"""Radians a second."""
_INSIDE = 0.15
"""Metres within the band that are aimed for."""


def best_place(
    simulator: Simulator,
    row: int,
    people: NDArray[np.float64],
    band: tuple[float, float],
    last: NDArray[np.float64],
) -> Point | None:
    """Return the place in sight that a body should walk to, to be in the band for most of the time.

    Places round where the person is and will be are tried, and that where the body is. Of equally
    good ones the nearest is taken. On its way a body is taken to walk straight on. None: from no
    place in sight one is in the band soon.

    Args:
        simulator: of the body.
        row: of the body.
        people: (T, 3) where the person is at the times ``LOOK_OUT`` from now.
        band: metres from the person, at least and at most.
        last: (1, 2) where it was going.
    """
    state = simulator.state
    here, eye = state.position[row], state.eyes()[row]
    world = state.here[row]
    places = np.concatenate([here[None], last, _rings(people[::4, :2])])
    places = places[world.walkable_for(simulator.body).is_walkable(places)]
    places = places[_in_sight(world, np.tile(here, (len(places), 1)), places, eye[2])]
    way = places - here
    distances = np.hypot(*way.T)
    turn = np.abs(wrap_angle(np.arctan2(way[:, 1], way[:, 0]) - state.heading[row])) / _TURNS
    arrival = np.where(distances > 0, distances / _SPEED + turn, 1e-6)
    share = np.clip(LOOK_OUT / arrival[:, None], 0, 1)
    then = here + share[..., None] * way[:, None]  # (P, T, 2)
    apart = np.linalg.norm(then - people[:, :2], axis=2)
    inside = (apart >= band[0] + _INSIDE) & (apart <= band[1] - _INSIDE)
    # Who is behind a wall is farther on foot than it looks.
    rows, times = np.nonzero(inside)
    inside[rows, times] = _in_sight(world, then[rows, times], people[times, :2], eye[2])
    if not inside.any():
        return None
    best = places[np.argmax(inside.sum(axis=1) - 0.05 * arrival)]
    return float(best[0]), float(best[1]), float(state.level[row])


def _in_sight(
    world: World, a: NDArray[np.float64], b: NDArray[np.float64], height: float
) -> NDArray[np.bool_]:
    """Return whether nothing stands between points (N, 2) at one height."""
    level = np.full((len(a), 1), height)
    return lines_of_sight(world.compiled.bvh, np.hstack([a, level]), np.hstack([b, level]))


def _rings(people: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return places (P, 2) round where a person will be (T, 2)."""
    angles = np.arange(16) * (np.pi / 8)
    ring = np.column_stack([np.cos(angles), np.sin(angles)])
    rings = np.concatenate([radius * ring for radius in _RINGS])
    return (people[:, None] + rings).reshape(-1, 2)
