"""What acts were worth, and what they add up to over an episode."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from avenv.simulation.hands import Act


class Verdict(StrEnum):
    """What an act was worth."""

    NOTHING = "nothing"
    RIGHT = "right"
    WRONG = "wrong"
    PREMATURE = "premature"
    MISLED = "misled"


ENDING = (Verdict.WRONG, Verdict.PREMATURE, Verdict.MISLED)
"""Verdicts on acts that end an episode."""


class Tally:
    """What the bodies of E environments have done in their episodes so far.

    Attributes:
        acts: (E,) of each verdict.
        failed: (E,) acts that could not be done.
        success: (E,) 1 where all was done.
        steps, collisions: (E,) how many there were.
        walked: (E,) metres.
        way: (E,) metres that the expert walks.
    """

    def __init__(self, count: int):
        self.acts = {verdict: np.zeros(count) for verdict in Verdict}
        self.failed, self.success = np.zeros(count), np.zeros(count)
        self.steps, self.collisions = np.zeros(count), np.zeros(count)
        self.walked, self.way = np.zeros(count), np.ones(count)

    def begin(self, row: int, way: float) -> None:
        """Begin anew in one row, where the expert walks so far."""
        for counts in (*self.acts.values(), self.failed, self.success, self.steps,
                       self.collisions, self.walked):  # fmt: skip
            counts[row] = 0
        self.way[row] = way

    def move(
        self, active: NDArray[np.bool_], moved: NDArray[np.float64], collided: NDArray[np.bool_]
    ) -> None:
        """Take note of a step of the active rows, which have moved so far, metres."""
        self.steps += active
        self.walked += moved * active
        self.collisions += collided & active

    def metrics(self) -> dict[str, NDArray[np.float64]]:
        """Return the metrics of the episodes so far, (E,) each."""
        way = np.maximum(self.way, 1.0)  # nobody stands still to the centimetre
        acts = {f"{v}_acts": self.acts[v].copy() for v in Verdict if v != Verdict.NOTHING}
        return {
            "success": self.success.copy(),
            "efficiency": self.success * way / np.maximum(way, self.walked),
            **acts,
            "failed_acts": self.failed.copy(),
            "num_actions": self.steps.copy(),
            "path_length": self.walked.copy(),
            "collisions": self.collisions.copy(),
        }


def describe(act: Act, verdict: Verdict) -> str:
    """Return in words what a body did, and what that was worth."""
    if act.failed:
        return f"{act.verb}: {act.problem}"
    what = " ".join(word for word in (act.verb, act.thing) if word)
    change = f": {act.was} to {act.state}" if act.was != act.state else ""
    change = f" on {act.on}" if act.on else change
    worth = "" if verdict == Verdict.NOTHING else f" ({verdict})"
    return f"{what}{change}{worth}"
