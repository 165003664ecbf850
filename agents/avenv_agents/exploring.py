"""Where to look next in a home that nobody has told of: at the edges of what was seen.

Yamauchi 1997, "A Frontier-Based Approach for Autonomous Exploration".
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from avenv.tasks.actions import TURN_LEFT
from avenv_agents.listeners import Walker
from avenv_agents.mapping import CellMap

RANGE = 4.0
"""Metres at which a picture shows the floor densely enough."""
FEET = 0.2
"""Metres from a body's middle in which it stands on floor that it cannot see."""
LEAST = 6
"""Cells of an edge that is worth a look."""
CLEARANCE = 3
"""Cells between a place to go to and what stands there."""
ARRIVED = 0.5
"""Metres from a place at which one has seen what is to be seen there."""
FARTHEST = 60.0
"""Seconds at 1 m/s; what is farther is behind something."""
EVERY = 10
"""Actions after which the edges are looked up anew."""
PATIENCE, SLOWNESS = 40, 8.0
"""Actions after which a place that was not reached is given up: so many, or so many for each second
that it was away at 1 m/s."""
LATELY = 5
"""Looks after which what is derived of the map is derived anew."""
ARMS_LENGTH = 0.6
"""Metres from a thing at which a body can act on it, and is not in its way."""
ON_FLOOR = 0.6
"""Metres from floor that was seen that things stand which one can get at."""
OUTER = 0.4
"""Metres from the outside within which a wall is an outer wall."""


class Explorer:
    """Looks round a home, the nearest edge of what it has seen first.

    Args:
        walker: that gets about.
        reach: metres from the origin to the edges of the map.

    Attributes:
        appeal: seconds at 1 m/s (K,) that it walks farther to see the edges at places (K, 2); None:
            all are worth the same.
    """

    def __init__(self, walker: Walker, reach: float):
        self._walker = walker
        self._floor, self._done = CellMap(reach), CellMap(reach)
        self._goal: NDArray[np.float64] | None = None
        self._turns = round(2 * np.pi / walker.turn)
        self._age, self._patience = 0, float(PATIENCE)
        self._middle: NDArray[np.float64] | None = None
        self._looks = 0
        self._known: dict[str, tuple[int, NDArray[np.bool_]]] = {}
        self.appeal: Callable[[NDArray], NDArray] | None = None

    def look(self, floor: NDArray[np.float64]) -> None:
        """Take note of floor (K, 2) that is seen, metres ahead of the body and to its left."""
        self._floor.add(self._walker.placed(floor[floor[:, 0] < RANGE]))
        self._floor.add(_square(self._walker.position, FEET))
        self._looks += 1

    def next_action(self) -> int | None:
        """Return the next action: turn round once, then walk; None when all has been seen."""
        if self._middle is not None:
            return None
        if self._turns:
            self._turns -= 1
            return TURN_LEFT
        self._age += 1
        if self._goal is not None:
            arrived = np.linalg.norm(self._goal - self._walker.position) < ARRIVED
            if arrived or self._age >= self._patience:
                self._leave(self._goal)
                self._goal = None
        if self._goal is None or self._age % EVERY == 0:
            self._renew_goal()
        if self._goal is None:
            self._middle = self._find_middle()
            return None
        return self._walker.towards(self._goal)

    @property
    def has_seen_all(self) -> bool:
        """Whether no edge is left."""
        return self._middle is not None

    @property
    def middle(self) -> NDArray[np.float64]:
        """The place (2,) on the floor that was seen in the midst of it."""
        return self._find_middle() if self._middle is None else self._middle

    def standing(self, place: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the nearest place (2,) with room to act on another, on floor that was seen."""
        free = self.room()
        away = np.linalg.norm(free - place, axis=1)
        if not (away >= ARMS_LENGTH).any():
            return place
        return free[np.argmin(np.where(away >= ARMS_LENGTH, away, np.inf))]

    def room(self) -> NDArray[np.float64]:
        """Return the places (K, 2) where a body can stand, on floor that was seen."""
        row, column = np.nonzero(self._free())
        return self._floor.centres(column, row)

    def _lately(
        self, name: str, places: NDArray[np.float64], find: Callable[[NDArray], NDArray[np.bool_]]
    ) -> NDArray[np.bool_]:
        """Return what ``find`` finds of places, which are always the same, every few looks anew."""
        then, found = self._known.get(name, (-LATELY, None))
        if found is None or self._looks - then >= LATELY:
            self._known[name] = self._looks, find(places)
        return self._known[name][1]

    def is_outer(self, places: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which places (..., 2) are at an outer wall, as far as was seen lately."""
        return self._lately("outer", places, self._outer)

    def _outer(self, places: NDArray[np.float64]) -> NDArray[np.bool_]:
        solid = self._walker.obstacles.cells
        known = ndimage.binary_closing(self._floor.cells | solid, iterations=3)
        labels, _ = ndimage.label(~known)
        outside = CellMap(self._walker.obstacles.reach)
        outside.cells = labels == labels[0, 0]
        return outside.near(places, OUTER) & self.is_near_floor(places)

    def is_near_floor(self, places: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which places (..., 2) are on floor seen until lately, or on what stands there."""
        return self._lately("floor", places, lambda places: self._floor.near(places, ON_FLOOR))

    def _leave(self, place: NDArray[np.float64]) -> None:
        """Look no more at the edges about a place."""
        self._done.add(_square(place, ARRIVED))

    def _renew_goal(self) -> None:
        old = self._goal
        places = self._edges()
        self._goal, away = None, 0.0
        if len(places):
            times = self._walker.seconds_to(places)
            costs = times if self.appeal is None else times - self.appeal(places)
            costs = np.where(times < FARTHEST, costs, np.inf)
            best = int(np.argmin(costs))
            if np.isfinite(costs[best]):
                self._goal = places[best]
                away = float(times[best])
        if self._goal is None or old is None or np.linalg.norm(old - self._goal) > 2 * ARRIVED:
            self._age, self._patience = 0, max(PATIENCE, SLOWNESS * away)

    def _edges(self) -> NDArray[np.float64]:
        """Return the places (K, 2) where floor that was seen ends, and nobody knows in what."""
        known = self._seen() | self._walker.obstacles.cells
        edge = self._free() & ndimage.binary_dilation(~known) & ~self._done.cells
        labels, count = ndimage.label(edge, np.ones((3, 3)))
        sizes = ndimage.sum_labels(edge, labels, np.arange(count + 1))
        row, column = np.nonzero(edge & (sizes >= LEAST)[labels])
        return self._floor.centres(column, row)

    def _seen(self) -> NDArray[np.bool_]:
        return ndimage.binary_closing(self._floor.cells, iterations=2)

    def _free(self) -> NDArray[np.bool_]:
        """Return the floor (N, N) where a body can stand."""
        solid = self._walker.obstacles.cells
        return self._seen() & ~ndimage.binary_dilation(solid, iterations=CLEARANCE)

    def _find_middle(self) -> NDArray[np.float64]:
        row, column = np.nonzero(self._floor.cells)
        places = self._floor.centres(column, row)
        if len(places) == 0:
            return self._walker.position
        return places[np.argmin(np.linalg.norm(places - places.mean(axis=0), axis=1))]


def _square(place: NDArray[np.float64], half: float) -> NDArray[np.float64]:
    """Return points (K, 2) of all cells of a square about a place (2,), half as wide."""
    axis = np.arange(-half, half + CellMap.CELL / 2, CellMap.CELL)
    return place + np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
