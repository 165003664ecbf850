"""The classical agent of SilenceIt."""

import numpy as np
from numpy.typing import NDArray

from avenv.core.frames import wrap_angle
from avenv.tasks.actions import TURN_LEFT, TURN_RIGHT
from avenv_agents import listeners
from avenv_agents.acting import DoingAgent, DoingMind
from avenv_agents.hearing import SourceBelief
from avenv_agents.listeners import Walker

EXPLORE = 150
"""Actions that are spent on looking round, at most."""
NEAR = 1.0
"""Metres from where it sounds at which to reach for it."""
CERTAIN, WITHIN = 0.5, 0.6
"""Probability that it sounds within so many metres of a place, at which to reach out."""
MOST_DOUBTS = 12
"""Actions after which a place is given up where nothing is certain."""
FADING = 4
"""Actions after which a room has fallen silent."""


class _Mind(DoingMind):
    def __init__(self, walker: Walker):
        super().__init__(walker)
        self.steps = 0
        self.waits = 0
        self.acted = False
        self.doubts = 0


class SilencerAgent(DoingAgent[_Mind]):
    """Silences what sounds: looks round the home, goes to what sounds, and uses what is there.

    Near it, it faces the sound before it reaches out, for what is beside it may not be touched.
    """

    mind = _Mind

    def decide(self, mind: _Mind, seen: dict[str, NDArray]) -> int:
        """Explore for a while; then go where it sounds loudest, and use what is there."""
        self.look(mind, seen["depth"])
        self._take_note(mind, bool(seen["contact"][0]))
        mind.steps += 1
        if mind.waits:
            mind.waits -= 1
            return self.wait
        if mind.steps <= EXPLORE:
            action = mind.explorer.next_action()
            if action is not None:
                return action
        place = self._place(mind)
        to = place - mind.walker.position
        if np.hypot(*to) > NEAR:
            return mind.walker.towards(mind.explorer.standing(place))
        error = float(wrap_angle(np.arctan2(to[1], to[0]) - mind.walker.heading))
        if abs(error) > 0.6 * self.turn:
            return TURN_LEFT if error > 0 else TURN_RIGHT
        mind.doubts += 1
        if mind.belief.within(place, WITHIN) > CERTAIN:
            mind.acted, mind.doubts = True, 0
            mind.tried.append(place)
            return self.actions["interact"]
        if mind.doubts > MOST_DOUBTS:
            mind.doubts = 0
            mind.tried.append(place)
        return TURN_LEFT if mind.doubts % 2 else TURN_RIGHT  # heard from elsewhere, it shows

    def _take_note(self, mind: _Mind, failed: bool) -> None:
        """Begin anew with what else sounds once something was switched off."""
        if mind.acted and not failed:
            mind.belief = SourceBelief(listeners.REACH)
            mind.tried = []
            mind.waits = FADING
        mind.acted = False

    def _place(self, mind: _Mind) -> NDArray[np.float64]:
        """Return the likeliest place near the floor that was seen, of those not tried yet."""
        places = mind.belief.places()
        return mind.belief.best(mind.explorer.is_near_floor(places) & mind.untried(places, 0.4))
