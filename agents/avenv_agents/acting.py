"""What agents share that learn nothing, are told nothing, and act on what they hear.

References for the tasks of acting, as the direction follower is for AudioGoal: each walks by ear to
where something is to be done and tries it there. What cannot be done is felt (``contact``).
"""

from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from avenv.benchmark import AgentView
from avenv.core.frames import wrap_angle
from avenv.tasks.actions import TURN_LEFT, TURN_RIGHT
from avenv_agents import listeners
from avenv_agents.exploring import Explorer
from avenv_agents.hearing import SourceBelief
from avenv_agents.listeners import ListenerAgent, Mind, Walker

ARRIVED = 0.3
"""Metres from where one wants to stand."""
SWEEP = np.deg2rad([0, 30, 60, -30, -60])
"""Radians from straight at a place, at which a body tries what it came for."""


class DoingMind(Mind):
    """What the body of an agent that acts knows.

    Attributes:
        explorer: what it has seen of the home.
        headings: at which it is to try something yet, where it stands.
        tried: where it has tried in vain.
    """

    level_error: ClassVar[float] = 4.0

    def __init__(self, walker: Walker):
        super().__init__(walker)
        self.belief = SourceBelief(listeners.REACH, self.level_error)
        self.explorer = Explorer(walker, listeners.REACH)
        self.headings: list[float] = []
        self.tried: list[NDArray[np.float64]] = []

    def untried(self, places: NDArray[np.float64], distance: float) -> NDArray[np.bool_]:
        """Return which places (..., 2) are farther than that from all where it tried in vain."""
        fresh = np.ones(places.shape[:-1], bool)
        for place in self.tried:
            fresh &= np.linalg.norm(places - place, axis=-1) > distance
        return fresh


D = TypeVar("D", bound=DoingMind)


class DoingAgent(ListenerAgent[D]):
    """What agents share that act: they look for a place, walk there, and try all about it.

    Args:
        envs: with its ``sensors``.
    """

    sensors: ClassVar[tuple[str, ...]] = ("audio", "depth", "contact")
    mind = DoingMind

    def __init__(self, envs: AgentView):
        super().__init__(envs)
        self.wait = self.actions["wait"]

    def look(self, mind: D, depth: NDArray[np.float32]) -> None:
        """Take in what is seen of the floor."""
        mind.explorer.look(self.camera.floor(depth))

    def approach(self, mind: D, place: NDArray[np.float64], verb: str) -> int:
        """Return the next action of a body that tries a verb all about a place (2,)."""
        if not mind.headings:
            stand = mind.explorer.standing(place)
            if np.linalg.norm(stand - mind.walker.position) > ARRIVED:
                return mind.walker.towards(stand)
            to = place - mind.walker.position
            mind.headings = (np.arctan2(to[1], to[0]) + SWEEP).tolist()
            mind.tried.append(place)
        return self.sweep(mind, verb)

    def sweep(self, mind: D, verb: str) -> int:
        """Return the next action of a body that turns round and tries a verb."""
        error = float(wrap_angle(mind.headings[0] - mind.walker.heading))
        if abs(error) > 0.6 * self.turn:
            return TURN_LEFT if error > 0 else TURN_RIGHT
        mind.headings.pop(0)
        return self.actions[verb]
