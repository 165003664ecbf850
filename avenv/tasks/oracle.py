"""Somebody to ask: any task gains the action ``ask``, which costs reward and answers in words.

``asking`` derives from a task one that is the same but for this. The answer is where the next thing
is that is to be done, said by ``directions`` from the map; who asks stands still for a step. It is
in ``info["answer"]``, and observed by the sensor ``answer``. A speaker, as a language model, may
say it in words of its own.
"""

# mypy: disable-error-code="safe-super"
# What a task does is abstract in ``Task`` only: ``Asking`` always stands before one that does it.

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core.errors import SceneError
from avenv.simulation.simulator import Commands, Simulator
from avenv.tasks.actions import DiscreteMotion
from avenv.tasks.directions import NO_WAY, where_is
from avenv.tasks.task import Judgement, Task

ASK = "ask"
NOTHING = "There is nothing left to do."
WAIT = "Wait there."
SPEECHLESS = "There is no answer."
"""What is told where a speaker says nothing."""


class Asked(NamedTuple):
    """What a speaker is told when somebody asks.

    Attributes:
        instruction: what who asks is to do.
        answer: where the next thing is, as it is said without a speaker: all that there is to tell.
        told: the answers to earlier questions of this episode.
    """

    instruction: str
    answer: str
    told: tuple[str, ...]


Speaker = Callable[[Asked], str]
"""Puts an answer into words; empty: it says nothing."""


@dataclass(frozen=True)
class Oracle:
    """Somebody who answers questions.

    Attributes:
        cost: subtracted from the reward at every question.
        speaker: who puts answers into words; None: nobody does, they are told as they are.
    """

    cost: float = 0.2
    speaker: Speaker | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.cost < np.inf:
            raise ValueError(f"oracle.cost is {self.cost!r}; accepted: 0 or more")


class Asking(Task):
    """What ``asking`` adds to a task: the action, its cost, and the answers."""

    oracle: Oracle
    kind: type[Task]

    def __init__(self, simulator: Simulator, options: Any):
        if self.kind.whereabouts is Task.whereabouts:
            raise ValueError(
                f"oracle is {self.oracle!r}, and {self.kind.__name__} tells nobody where anything "
                "is; accepted: a task that defines whereabouts"
            )
        super().__init__(simulator, options)
        if not isinstance(self.actions, DiscreteMotion):
            raise ValueError(f"{self.kind.__name__} is to have an oracle, and its actions are not "
                             "discrete; accepted with oracle: actions='discrete'")  # fmt: skip
        if self.oracle.speaker is not None and "answer" in simulator.settings.names:
            raise ValueError(
                "sensors has 'answer', whose words are numbered, and a speaker says any; accepted: "
                "info['answer'] alone, or an oracle without a speaker"
            )
        self.actions = self.actions.with_more(ASK)
        self._asks = np.zeros(simulator.num_envs, bool)
        self._questions = np.zeros(simulator.num_envs)
        self._unanswered = np.zeros(simulator.num_envs)
        self._told: list[tuple[str, ...]] = [()] * simulator.num_envs

    def __reduce__(self) -> tuple:
        return _blank, (self.kind, self.oracle), self.__dict__  # its class is nowhere by name

    def begin(self, episodes: Any) -> None:
        """Begin episodes in some rows; nobody has asked anything."""
        super().begin(episodes)
        for kept in (self._asks, self._questions, self._unanswered):
            kept[list(episodes)] = 0
        for row in episodes:
            self._told[row] = ()

    def act(self, actions: NDArray, active: NDArray[np.bool_]) -> Commands:
        """Return what the actions mean; who asks does nothing else."""
        self._asks = active & (actions == self.actions.names.index(ASK))
        return super().act(actions, active & ~self._asks)

    def judge(
        self,
        active: NDArray[np.bool_],
        last: NDArray[np.bool_],
        moved: NDArray[np.float64],
        collided: NDArray[np.bool_],
    ) -> Judgement:
        """Judge a step, and answer those who have asked."""
        reward, terminated = super().judge(active, last, moved, collided)
        self._questions += self._asks
        for row in np.flatnonzero(self._asks).tolist():
            self.simulator.tell(row, self._answered(row))
        return Judgement(reward - self.oracle.cost * self._asks, terminated)

    def answer(self, row: int) -> str:
        """Return where the next thing is that is to be done in a row, in words."""
        state = self.simulator.state
        try:
            there = self.whereabouts(row)
        except SceneError:
            return NO_WAY
        if there is None:
            return NOTHING
        rooms = state.here[row].compiled.rooms
        here = state.position[row], float(state.heading[row])
        said = where_is(there.what, there.place, there.field, rooms, *here)
        return said if there.now else f"{said} {WAIT}"

    def _answered(self, row: int) -> str:
        """Return what is told in a row, by whoever speaks."""
        answer = self.answer(row)
        if self.oracle.speaker is None:
            return answer
        asked = Asked(self.simulator.state.instruction[row], answer, self._told[row])
        said = self.oracle.speaker(asked)
        self._unanswered[row] += not said
        self._told[row] += (said or SPEECHLESS,)
        return said or SPEECHLESS

    def metrics(self) -> dict[str, NDArray[np.float64]]:
        """Return the metrics of the episodes so far, (E,) each, and how many ``questions``.

        With a speaker also how many were ``unanswered``.
        """
        told = super().metrics() | {"questions": self._questions.copy()}
        if self.oracle.speaker is None:
            return told
        return told | {"unanswered": self._unanswered.copy()}

    def caption(self, row: int) -> list[str]:
        """Return what a film says of a moment, and what was answered."""
        answer = self.simulator.state.answer[row]
        return [*super().caption(row)[:2], answer] if answer else super().caption(row)


@cache
def asking(kind: type[Task], oracle: Oracle) -> type[Task]:
    """Return a task that is another one, with an oracle."""
    return type(kind.__name__, (Asking, kind), {"oracle": oracle, "kind": kind})


def _blank(kind: type[Task], oracle: Oracle) -> Task:
    made = asking(kind, oracle)
    return made.__new__(made)
