"""The numbers that tasks share."""

from dataclasses import dataclass

import numpy as np

from avenv.tasks.actions import find_actions


class _Numbers:
    """Options that check what they are."""

    turn_angle: float

    def check_positive(self, *names: str) -> None:
        """Raise ``ValueError`` if one of some options is no number above 0."""
        for name in names:
            value = getattr(self, name)
            if not (isinstance(value, int | float) and 0 < value < np.inf):
                raise ValueError(f"{name} is {value!r}; accepted: more than 0")

    def check_finite(self, *names: str) -> None:
        """Raise ``ValueError`` if one of some options is no finite number."""
        for name in names:
            value = getattr(self, name)
            if not (isinstance(value, int | float) and np.isfinite(value)):
                raise ValueError(f"{name} is {value!r}; accepted: a finite number")

    def check_least(self, least: float, *names: str) -> None:
        """Raise ``ValueError`` if one of some options is no number of that and above."""
        for name in names:
            value = getattr(self, name)
            if not (isinstance(value, int | float) and least <= value < np.inf):
                raise ValueError(f"{name} is {value!r}; accepted: {least} or more")

    def check_turn(self) -> None:
        """Raise ``ValueError`` if ``turn_angle`` is no angle to turn by."""
        self.check_positive("turn_angle")
        if self.turn_angle > 180:
            raise ValueError(f"turn_angle is {self.turn_angle!r}; accepted: up to 180 degrees")


@dataclass(frozen=True, kw_only=True)
class MotionOptions(_Numbers):
    """What actions do, and what success and time are worth.

    Attributes:
        success_reward: added when a stop succeeds.
        step_penalty: subtracted at every action.
        actions: ``"discrete"``: stop, forward, turn left, turn right; or ``"continuous"``: a vector
            of metres ahead, radians to the left, and whether to stop.
        forward_step: metres of one forward action, or of the longest.
        turn_angle: degrees of one turn action, or of the widest.
    """

    success_reward: float = 10.0
    step_penalty: float = 0.01
    actions: str = "discrete"
    forward_step: float = 0.25
    turn_angle: float = 15.0

    def __post_init__(self) -> None:
        find_actions(self.actions)
        self.check_positive("forward_step")
        self.check_turn()
        self.check_finite("success_reward", "step_penalty")


@dataclass(frozen=True, kw_only=True)
class NavigationOptions(MotionOptions):
    """The numbers of a task in which a body walks to a goal.

    Attributes:
        success_radius: metres walked; serves reward, termination and metrics alike.
        min_distance: metres; the least geodesic distance from start to goal.
    """

    success_radius: float = 1.0
    min_distance: float = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_positive("success_radius", "min_distance")
        if self.success_radius < self.forward_step:
            raise ValueError(
                f"success_radius is {self.success_radius!r}; accepted: forward_step "
                f"({self.forward_step}) or more, so that no step leaps over the goal"
            )
        if self.min_distance < self.success_radius:
            raise ValueError(
                f"min_distance is {self.min_distance!r}; accepted: success_radius "
                f"({self.success_radius}) or more, so that no episode starts solved"
            )


@dataclass(frozen=True)
class InteractionOptions(_Numbers):
    """The numbers of a task in which a body acts.

    Attributes:
        success_reward: added when all is done.
        wrong_penalty: subtracted at an act that ends the episode.
        step_penalty: subtracted at every action.
        forward_step: metres of a forward action.
        turn_angle: degrees of a turn action.
        min_distance: metres; the least geodesic distance from the start to what is to be done.
        sounds: ``"heard"``, or ``"unheard"``: variants of the same sounds that are kept back.
    """

    success_reward: float = 10.0
    wrong_penalty: float = 5.0
    step_penalty: float = 0.01
    forward_step: float = 0.25
    turn_angle: float = 15.0
    min_distance: float = 2.0
    sounds: str = "heard"

    def __post_init__(self) -> None:
        self.check_positive("forward_step", "min_distance")
        self.check_turn()
        self.check_finite("success_reward", "wrong_penalty", "step_penalty")
        if self.sounds not in ("heard", "unheard"):
            raise ValueError(f"sounds is {self.sounds!r}; accepted: 'heard' or 'unheard'")
