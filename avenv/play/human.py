"""A person as an agent of the benchmark, who looks, listens and acts at a page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from queue import Queue
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.benchmark.agent import AgentView
from avenv.benchmark.results import Results
from avenv.play.rivals import Rival, Score, score

SENSES: dict[str, Any] = {"sensors": ("rgb", "audio"), "image_size": (480, 360)}
"""What a person is given: larger pictures than agents see, and the same sound."""


@dataclass(frozen=True)
class Turn:
    """What a person sees and hears before the next action.

    Attributes:
        rgb: (H, W, 3) uint8.
        heard: (2, S) float32, what was heard since the last turn.
        sample_rate: Hz.
        instruction: what is asked for, in words.
        answer: what somebody has said, in words.
        actions: names of what can be done, in the order of the actions' numbers.
        steps: actions so far.
    """

    rgb: NDArray[np.uint8]
    heard: NDArray[np.float32]
    sample_rate: int
    instruction: str
    answer: str
    actions: tuple[str, ...]
    steps: int


@dataclass(frozen=True)
class End:
    """The episode is over.

    Attributes:
        metrics: by name; empty if it failed.
        problem: why it failed; empty if it did not.
        headline: names of the metrics that agents are compared by.
        rivals: names of the agents whose scores follow, in turn.
    """

    metrics: dict[str, float]
    problem: str = ""
    headline: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()


class LeftError(KeyboardInterrupt):
    """The person has left; what was finished is kept."""


class Game:
    """One episode that a person plays, in a thread of its own.

    Args:
        play: evaluates an agent, given its factory, on one episode.
        rivals: agents that are scored at the same episode when it is over, by their names.
    """

    def __init__(
        self, play: Callable[[Callable], Results], rivals: Mapping[str, Rival] | None = None
    ):
        self._play, self._rivals = play, rivals or {}
        self._turns: Queue[Turn | End | Score] = Queue()
        self._left = False
        self._actions: Queue[int | None] = Queue()
        Thread(target=self._run, name="avenv-play-game", daemon=True).start()

    def next(self) -> Turn | End | Score:
        """Wait for the next turn, for the end, or after that for the score of the next rival."""
        return self._turns.get()

    def act(self, action: int) -> None:
        """Answer a turn by the number of an action."""
        self._actions.put(action)

    def leave(self) -> None:
        """Give up; an episode that is not over does not count."""
        self._left = True
        self._actions.put(None)

    def ask(self, turn: Turn) -> int:
        """Show a turn and wait for the answer, in the game's own thread.

        Raises:
            LeftError: there will be none.
        """
        self._turns.put(turn)
        action = self._actions.get()
        if action is None:
            raise LeftError
        return action

    def _run(self) -> None:
        try:
            results = self._play(Human(self))
        except LeftError:
            return
        except (ValueError, OSError) as error:
            self._turns.put(End({}, str(error)))
            return
        headline, metrics = results.heading["headline"], results.episodes[-1]["metrics"]
        self._turns.put(End(dict(metrics), "", tuple(headline), tuple(self._rivals)))
        for name, rival in self._rivals.items():
            if not self._left:
                self._turns.put(score(name, rival, results))


class Human:
    """Makes the agent that asks the person at a page.

    Args:
        game: where the person is.
    """

    rows = 1
    options = SENSES
    fingerprint = "human"

    def __init__(self, game: Game):
        self._game = game

    def __call__(self, view: AgentView) -> "Asking":
        """Return the agent."""
        return Asking(view, self._game)


class Asking:
    """An agent that does what a person says."""

    def __init__(self, view: AgentView, game: Game):
        self._settings, self._game, self._steps = view.settings, game, 0

    def reset(self, row: int, seed: int) -> None:
        """Begin anew."""
        self._steps = 0

    def act(self, observation: dict[str, NDArray], info: dict[str, Any]) -> NDArray:
        """Return the action (1,) that the person has chosen."""
        settings = self._settings
        new = settings.step_samples if self._steps else settings.window_samples
        turn = Turn(
            observation["rgb"][0],
            observation["audio"][0, :2, -new:],
            settings.sample_rate,
            str(info["instruction"][0]) if "instruction" in info else "",
            str(info["answer"][0]) if "answer" in info else "",
            tuple(info["action_names"]),
            self._steps,
        )
        self._steps += 1
        return np.array([self._game.ask(turn)])
