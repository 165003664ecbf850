"""Things that happen by themselves at a time: at 3 s the vase falls, at 10 s the kettle goes on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from avenv.core.errors import SceneError
from avenv.simulation.world import World


@dataclass(frozen=True)
class Event:
    """Things get into other states at one time.

    A thing that falls is heard from that very sample on. Where a body or a passing source is in the
    way, as in a door that is to close, the event waits until it is gone.

    Attributes:
        time: seconds since the episode began, 0 or more.
        states: the new state of each thing, by the thing's name.

    Raises:
        ValueError: the time is negative or the states are no names.
    """

    time: float
    states: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        number = isinstance(self.time, int | float) and not isinstance(self.time, bool)
        if not (number and 0 <= self.time < np.inf):
            raise ValueError(f"event.time is {self.time!r}; accepted: 0 seconds or more")
        object.__setattr__(self, "states", check_states("event.states", self.states))
        if not self.states:
            raise ValueError("event.states is empty; accepted: a state for one thing or more")

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, as JSON and YAML want it."""
        return {"time": self.time, "states": dict(self.states)}


def check_states(name: str, states: Any) -> dict[str, str]:
    """Return a mapping of things to states as a dict; ``ValueError`` names what is none."""
    plain = isinstance(states, Mapping)
    if not plain or not all(isinstance(x, str) for pair in states.items() for x in pair):
        raise ValueError(f"{name} is {states!r}; accepted: a mapping of things to states")
    return dict(states)


def check_events(events: Iterable[Event], world: World) -> None:
    """Raise ``SceneError`` if an event names a thing or a state that a world does not have."""
    for k, event in enumerate(events):
        try:
            world.compiled.posed(event.states)
        except SceneError as error:
            raise SceneError(f"events[{k}]: {error}") from error
