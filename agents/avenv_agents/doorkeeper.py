"""The classical agent of AnswerDoor."""

import numpy as np
from numpy.typing import NDArray

from avenv_agents.acting import DoingAgent, DoingMind
from avenv_agents.listeners import Walker


class _DoorMind(DoingMind):
    level_error = np.inf  # a bell fades

    def __init__(self, walker: Walker):
        super().__init__(walker)
        self.has_rung = False
        self.rings_at: NDArray[np.float64] | None = None


class DoorAgent(DoingAgent[_DoorMind]):
    """Answers the door: looks round the home, waits for the bell, and goes to the outer wall there.

    There it tries to open whatever is about.
    """

    mind = _DoorMind

    def decide(self, mind: _DoorMind, seen: dict[str, NDArray]) -> int:
        """Explore and wait until it rings; then try at the outer wall where it rings."""
        self.look(mind, seen["depth"])
        mind.has_rung |= self.is_sounding(seen["audio"])
        if not mind.has_rung:
            action = mind.explorer.next_action()
            return self._to_the_middle(mind) if action is None else action
        return self.approach(mind, self._place(mind), "interact")

    def _to_the_middle(self, mind: _DoorMind) -> int:
        middle = mind.explorer.middle
        if np.linalg.norm(middle - mind.walker.position) < 0.5:
            return self.wait
        return mind.walker.towards(middle)

    def _place(self, mind: _DoorMind) -> NDArray[np.float64]:
        """Return the place at the outer wall, not tried yet, that is nearest to where it rings."""
        places = mind.belief.places()
        outer = mind.explorer.is_outer(places)
        if mind.rings_at is None or self._is_far(mind.rings_at, mind):
            mind.rings_at = mind.belief.best(outer)
        left = places[outer & mind.untried(places, 0.5)]
        if len(left) == 0:
            return mind.rings_at
        return left[np.argmin(np.linalg.norm(left - mind.rings_at, axis=1))]

    def _is_far(self, place: NDArray[np.float64], mind: _DoorMind) -> bool:
        return bool(np.linalg.norm(place - mind.walker.position) > 2.0)
