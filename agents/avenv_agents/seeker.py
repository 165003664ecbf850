"""The classical agent of the tasks of walking whose sound ends or moves."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from avenv.benchmark import AgentView
from avenv.tasks.actions import STOP, TURN_LEFT
from avenv_agents import listeners
from avenv_agents.exploring import Explorer
from avenv_agents.hearing import SourceBelief
from avenv_agents.listeners import ListenerAgent, Mind, Walker

REST = 24
"""Actions of silence after which the sound is over: a phone and a pet rest for less."""
LIKELY = -4.0
"""Log-likelihood of a place, against the likeliest, at which to look no further."""
DEAR = 0.1
"""Log-likelihood that a second's walk must be worth."""
EVERY = 3
"""Actions after which it decides anew where to go."""
THERE = 0.3
"""Metres from where it wants to stand."""
PATIENCE = 120
"""Actions after which a place proves out of reach, once the sound is over."""
SAME = 1.0
"""Metres about a place out of reach within which it tries no more."""


class WanderingBelief(SourceBelief):
    """Belief in the places of a source that may walk on.

    Between two observations it spreads, as that of a Bayesian filter does whose source walks at
    random (Thrun, Burgard & Fox 2005, "Probabilistic Robotics", chapter 2).
    """

    LEVEL_DROP = 20.0
    """Decibels per tenfold distance in a straight line, of sounds from anywhere in a home: what
    rooms give back, walls take."""
    LEVEL_DECAY = 0.5
    SPREAD = 0.2
    """Metres that a source walks in a step along each axis, standard deviation."""

    def update(
        self, window: NDArray[np.float32], recent: NDArray[np.float32], sample_rate: int,
        position: NDArray[np.float64], heading: float,
    ) -> None:  # fmt: skip
        """Let the belief spread, and take in what is heard at a pose, as ``SourceBelief`` does."""
        likelihood = np.exp(self.log - self.log.max())
        spread = ndimage.gaussian_filter(likelihood, self.SPREAD / self.CELL, mode="nearest")
        self.log = np.log(spread + 1e-12)
        super().update(window, recent, sample_rate, position, heading)


class _Mind(Mind):
    def __init__(self, walker: Walker):
        super().__init__(walker)
        self.belief = WanderingBelief(listeners.REACH)
        self.explorer = Explorer(walker, listeners.REACH)
        self.silence: float = np.inf
        self.age = 0
        self.aim: NDArray[np.float64] | None = None
        self.tried: list[NDArray[np.float64]] = []

    def choose(self) -> NDArray[np.float64]:
        """Return the place (2,) to go to: likely, not tried in vain, and not too far to walk."""
        places = self.belief.places().reshape(-1, 2)
        log = self.belief.log_at(places)
        for place in self.tried:
            log[np.linalg.norm(places - place, axis=1) < SAME] = -np.inf
        kept = log > log.max() + LIKELY
        places, log = places[kept], log[kept]
        return places[np.argmax(log - DEAR * self.walker.seconds_to(places))]


class SeekerAgent(ListenerAgent[_Mind]):
    """Goes to where it sounds, or where it sounded last.

    It looks round until it hears something. While that sounds, it walks to the likeliest place and
    stops where the source is probably in reach, as the direction follower does; but its belief
    keeps up with a source that walks, and silence does not wear it out. When the sound is over, it
    goes to where it believes it was and stops there, or at the next likely place if that proves
    out of reach.

    Args:
        envs: with its ``sensors``.
        certainty: probability that the source is in reach at which to stop while it sounds.

    Raises:
        ValueError: a sensor is missing.
    """

    sensors: ClassVar[tuple[str, ...]] = ("audio", "depth", "pose")
    mind = _Mind

    def __init__(self, envs: AgentView, certainty: float = 0.4):
        super().__init__(envs)
        self._radius, self._certainty = 0.9 * envs.task_options.success_radius, certainty

    def listen(self, mind: _Mind, audio: NDArray[np.float32]) -> None:
        """Take in a window of sound (2, N), unless it has been silent since the last action."""
        if self.is_sounding(audio):
            mind.silence = 0
            super().listen(mind, audio)
        else:
            mind.silence += 1

    def decide(self, mind: _Mind, seen: dict[str, NDArray]) -> int:
        """Look round until it sounds; go there; stop where it probably is, or was."""
        walker = mind.walker
        mind.explorer.look(self.camera.floor(seen["depth"]))
        if mind.silence == np.inf:
            action = mind.explorer.next_action()
            return TURN_LEFT if action is None else action
        mind.age += 1
        if mind.silence > REST:
            return self._go_and_stop(mind)
        if mind.belief.within(walker.position, self._radius) > self._certainty:
            return STOP
        if mind.aim is None or mind.age >= EVERY:
            mind.aim, mind.age = mind.choose(), 0
        return walker.towards(mind.aim)

    def _go_and_stop(self, mind: _Mind) -> int:
        """Return the next action of a body that hears nothing any more."""
        if mind.aim is not None and mind.age > PATIENCE:
            mind.tried.append(mind.aim)
            mind.aim = None
        if mind.aim is None:
            mind.aim, mind.age = mind.choose(), 0
        stand = mind.explorer.standing(mind.aim)
        if np.linalg.norm(stand - mind.walker.position) < THERE:
            return STOP
        return mind.walker.towards(stand)
