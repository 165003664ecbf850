"""The oracle: walk the shortest way to a goal within the discrete action space.

It aims at the farthest point of the shortest way that is in free line of sight, at most
``LOOK_AHEAD`` metres away, turns towards it in whole turns and walks. Before it walks it tries the
step on the very motion kernel that bodies move by; where the step would bring it hardly nearer
(a nook, a scraped wall), it takes the heading whose step brings it nearest instead.
"""

from math import atan2, cos, inf, pi, radians, sin

import numpy as np
from numpy.typing import ArrayLike

from avenv.core.kernels import inner, kernel, part
from avenv.navigation.clearance import SIGHT_MARGIN, slide
from avenv.navigation.descent import distance_at, last_visible, way_down
from avenv.navigation.geodesic import GeodesicField
from avenv.navigation.grid import WalkableGrid, as_points

STOP, FORWARD, TURN_LEFT, TURN_RIGHT = 0, 1, 2, 3

LOOK_AHEAD = 1.5
"""Metres to the point aimed at, at most."""
SLACK = 0.9
"""Share of a turn by which the heading may be off before it is corrected. Half a turn, the nearest
heading, zigzags about every straight line: in furnished flats 0.9 takes 12 % fewer actions."""
MIN_GAIN = 0.3
"""Share of a step by which the distance must fall for the step to be worth taking."""
TURN_COST = 0.01
"""Tie-break between equally good headings, steps per turn: the nearer heading wins."""


def next_action(
    grid: WalkableGrid,
    field: GeodesicField,
    position: ArrayLike,
    heading: float,
    step: float = 0.25,
    turn: float = radians(15),
    stop_distance: float = 0.9,
) -> int:
    """Return what the oracle does next: STOP, FORWARD, TURN_LEFT or TURN_RIGHT.

    Parameters
    ----------
    grid, field
        Where the body can be, and the distances to its goal.
    position : (2,) float, metres
    heading, turn : float, radians
    step : float
        Length of a step forward, metres.
    stop_distance : float
        Geodesic distance at which it stops, metres; choose it a bit below the success radius and
        at least ``step``.

    Raises
    ------
    ValueError
        If the goal cannot be reached from the position, or ``turn`` is not positive.
    """
    x, y = _reachable(grid, field, position)
    sizes = _sizes(heading, step, turn, stop_distance)
    return int(_decide(grid.field, field.arrays, x, y, *sizes))


def count_actions(
    grid: WalkableGrid,
    field: GeodesicField,
    position: ArrayLike,
    heading: float,
    step: float = 0.25,
    turn: float = radians(15),
    stop_distance: float = 0.9,
    limit: int = 500,
) -> int:
    """Return how many actions the oracle takes to the goal, the final STOP included.

    The count is ``limit`` where the goal is farther than that. It is the n* of SNA, success
    weighted by number of actions (Chen et al. 2021). Parameters and errors as ``next_action``.
    """
    return walk(grid, field, position, heading, step, turn, stop_distance, limit)[0]


def walk(
    grid: WalkableGrid,
    field: GeodesicField,
    position: ArrayLike,
    heading: float,
    step: float = 0.25,
    turn: float = radians(15),
    stop_distance: float = 0.9,
    limit: int = 500,
) -> tuple[int, tuple[float, float], float]:
    """Return how many actions the oracle takes to the goal, where it stops, and its heading there.

    Parameters and errors as ``count_actions``.
    """
    x, y = _reachable(grid, field, position)
    sizes = _sizes(heading, step, turn, stop_distance)
    taken, x, y, faces = _rollout(grid.field, field.arrays, x, y, *sizes, int(limit))
    return int(taken), (float(x), float(y)), float(faces)


def _reachable(
    grid: WalkableGrid, field: GeodesicField, position: ArrayLike
) -> tuple[float, float]:
    point = as_points(np.atleast_2d(position), "position")
    x, y = point[0].tolist()
    if not np.isfinite(field.at(point)[0]):
        raise ValueError(
            f"position ({x:.3f}, {y:.3f}) has no way to the goal in scene {grid.name!r}"
        )
    return x, y


def _sizes(
    heading: float, step: float, turn: float, stop_distance: float
) -> tuple[float, float, float, float]:
    if not turn > 0:
        raise ValueError(f"turn is {turn} rad, and has to be more than 0")
    return float(heading), float(step), float(turn), float(stop_distance)


@kernel
def _rollout(field, distance, x, y, heading, step, turn, stop_distance, limit):
    here, bearing = _aim(field, distance, x, y, stop_distance)
    for taken in range(1, limit):
        if here <= stop_distance:
            return taken, x, y, heading
        action = _decide_at(field, distance, x, y, here, bearing, heading, step, turn)
        if action == FORWARD:
            x, y = slide(field, x, y, step * cos(heading), step * sin(heading))
            here, bearing = _aim(field, distance, x, y, stop_distance)
        else:
            heading += turn if action == TURN_LEFT else -turn
    return limit, x, y, heading


@kernel
def _decide(field, distance, x, y, heading, step, turn, stop_distance):
    here, bearing = _aim(field, distance, x, y, stop_distance)
    if here <= stop_distance:
        return STOP
    return _decide_at(field, distance, x, y, here, bearing, heading, step, turn)


@part
def _aim(field, distance, x, y, stop_distance):
    # How far it is to the goal from a place, and the bearing of what is aimed at from there.
    here = distance_at(field, distance, x, y)
    if here <= stop_distance:
        return here, 0.0
    way = way_down(field, distance, x, y, LOOK_AHEAD)
    aim = last_visible(field, way, np.int64(0), x, y, field.limit - SIGHT_MARGIN)
    return here, atan2(way[aim, 1] - y, way[aim, 0] - x)


@inner
def _decide_at(field, distance, x, y, here, bearing, heading, step, turn):
    error = (bearing - heading + pi) % (2 * pi) - pi
    enough = here - MIN_GAIN * step
    faces = abs(error) <= SLACK * turn
    if faces and _after_step(field, distance, x, y, heading, step) <= enough:
        return FORWARD
    # From here on the heading aimed at depends on the position only, so turning comes to an end.
    turns = round(error / turn)
    if _after_step(field, distance, x, y, heading + turns * turn, step) > enough:
        turns = _best_turns(field, distance, x, y, heading, step, turn)
    if turns == 0:
        return FORWARD
    return TURN_LEFT if turns > 0 else TURN_RIGHT


@inner
def _best_turns(field, distance, x, y, heading, step, turn):
    best, best_turns = inf, 0
    here = distance_at(field, distance, x, y)
    half_circle = int(pi / turn)
    for turns in range(-half_circle, half_circle + 1):
        cost = _after_step(field, distance, x, y, heading + turns * turn, step)
        # However dear it is to turn to a step that helps a bit: one that does not would be taken
        # for ever.
        cost += step if cost >= here else TURN_COST * step * abs(turns)
        if cost < best:
            best, best_turns = cost, turns
    return best_turns


@inner
def _after_step(field, distance, x, y, heading, step):
    x, y = slide(field, x, y, step * cos(heading), step * sin(heading))
    return distance_at(field, distance, x, y)
