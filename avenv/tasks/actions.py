"""What agents may do: their actions, and the motion that each means."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from avenv.core.suggest import accepted
from avenv.navigation import follower

STOP, FORWARD, TURN_LEFT, TURN_RIGHT = (
    follower.STOP,
    follower.FORWARD,
    follower.TURN_LEFT,
    follower.TURN_RIGHT,
)

MOTIONS = ("stop", "forward", "turn_left", "turn_right")
"""The four that every task has, in order; a task's own stand behind them."""


class Motion(NamedTuple):
    """What the actions of E bodies mean for their feet.

    Attributes:
        stop: (E,) bool, whether the body calls it done.
        distance: (E,) metres ahead.
        turn: (E,) radians to the left, before it walks.
    """

    stop: NDArray[np.bool_]
    distance: NDArray[np.float64]
    turn: NDArray[np.float64]


class Actions(Protocol):
    """A kind of actions: its space, and what each action means.

    Attributes:
        space: of one body's action.
        names: of the actions, or of the components of one.
    """

    space: Any
    names: tuple[str, ...]

    def check(self, actions: Any, count: int) -> NDArray:
        """Return the actions of ``count`` bodies as an array; ``ValueError`` if they are none."""

    def motion(self, actions: NDArray) -> Motion:
        """Return what actions (E, ...) mean."""

    def encode(self, action: int) -> Any:
        """Return one of ``MOTIONS``, by its number, as an action."""


class DiscreteMotion:
    """Stop, a step ahead, a turn to the left or right; further actions are the task's own.

    Args:
        forward_step: metres.
        turn_angle: radians.
        more: names of further actions; they move nothing.
    """

    def __init__(self, forward_step: float, turn_angle: float, more: Sequence[str] = ()):
        self.names = (*MOTIONS, *more)
        self.space = spaces.Discrete(len(self.names))
        self._step, self._turn = forward_step, turn_angle
        self._distances, self._turns = np.zeros((2, len(self.names)))
        self._distances[FORWARD] = forward_step
        self._turns[[TURN_LEFT, TURN_RIGHT]] = turn_angle, -turn_angle

    def with_more(self, *names: str) -> "DiscreteMotion":
        """Return these actions and further ones."""
        return DiscreteMotion(self._step, self._turn, (*self.names[len(MOTIONS) :], *names))

    def check(self, actions: Any, count: int) -> NDArray[np.int64]:
        """Return actions (E,) as integers.

        Raises:
            ValueError: wrong shape, not integers, or out of range.
        """
        given = np.asarray(actions)
        last = len(self.names) - 1
        if given.shape != (count,) or given.dtype.kind not in "iu":
            raise ValueError(
                f"actions have shape {given.shape} and type {given.dtype}; accepted: "
                f"{count} integers from 0 to {last}"
            )
        numbers = given.tolist()
        if min(numbers) < 0 or max(numbers) > last:
            raise ValueError(f"actions are {numbers}; accepted: 0 to {last}")
        return given.astype(np.int64)

    def motion(self, actions: NDArray) -> Motion:
        """Return what actions (E,) mean."""
        return Motion(actions == STOP, self._distances[actions], self._turns[actions])

    def encode(self, action: int) -> int:
        """Return the action itself."""
        return action


class ContinuousMotion:
    """Metres ahead, radians to the left, and whether to stop: above 0.5 it is done.

    Args:
        forward_step: metres ahead at most; back at most as much.
        turn_angle: radians at most, to either side.
    """

    names = ("ahead", "turn", "stop")

    def __init__(self, forward_step: float, turn_angle: float):
        high = np.array([forward_step, turn_angle, 1.0], np.float32)
        self.space = spaces.Box(high * np.array([-1, -1, 0], np.float32), high)

    def check(self, actions: Any, count: int) -> NDArray[np.float64]:
        """Return actions (E, 3) as numbers.

        Raises:
            ValueError: wrong shape, not numbers, or out of range.
        """
        given = np.asarray(actions)
        low, high = self.space.low, self.space.high
        if given.shape != (count, 3) or not np.issubdtype(given.dtype, np.number):
            raise ValueError(
                f"actions have shape {given.shape} and type {given.dtype}; accepted: "
                f"{count} x 3 numbers: {', '.join(self.names)}"
            )
        # As wide as float32 rounds them.
        if not ((given >= low - 1e-6) & (given <= high + 1e-6)).all():
            raise ValueError(
                f"actions are {given.tolist()}; accepted: {', '.join(self.names)} from "
                f"{low.tolist()} to {high.tolist()}"
            )
        return given.astype(np.float64)

    def motion(self, actions: NDArray) -> Motion:
        """Return what actions (E, 3) mean; a body that stops does not move."""
        stop = actions[:, 2] > 0.5
        return Motion(stop, np.where(stop, 0, actions[:, 0]), np.where(stop, 0, actions[:, 1]))

    def encode(self, action: int) -> NDArray[np.float32]:
        """Return the whole step, turn or stop that one of ``MOTIONS`` is, (3,)."""
        ahead, turn, stop = self.space.high
        return np.array(
            [
                ahead * (action == FORWARD),
                turn * ((action == TURN_LEFT) - (action == TURN_RIGHT)),
                stop * (action == STOP),
            ],
            np.float32,
        )


KINDS: dict[str, Any] = {"discrete": DiscreteMotion, "continuous": ContinuousMotion}
"""The kinds of actions, as ``actions=`` names them."""


def find_actions(kind: Any) -> Any:
    """Return a kind of actions by its name; ``ValueError`` for another."""
    if kind not in KINDS:
        raise ValueError(f"actions is {kind!r}; {accepted(kind, KINDS)}")
    return KINDS[kind]
