"""Agents of habitat-lab's kind, ``reset()`` and ``act(observations)``, on avenv's benchmark.

    # mine.py
    Mine = avenv.habitat.HabitatAgent(MyAgent, sensors=("depth", "audiogoal"))

    $ avenv evaluate ... --agent mine:Mine

It needs nothing of habitat-lab; a ``habitat.Agent`` is one that has these two methods.
"""

import copy
import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core.suggest import accepted
from avenv.simulation.sensors import sensor_names

MOTIONS = ("stop", "move_forward", "turn_left", "turn_right")
"""What habitat-lab calls the actions that every task has, in order."""


class Translated(NamedTuple):
    """An observation of Habitat's.

    Attributes:
        sensor: of avenv's that it is made of.
        make: of what that observes in one row, and the farthest depth in metres.
    """

    sensor: str
    make: Callable[[NDArray, float], NDArray]


OBSERVATIONS: dict[str, Translated] = {
    "rgb": Translated("rgb", lambda seen, far: seen),
    "depth": Translated("depth", lambda seen, far: np.clip(seen / far, 0, 1).astype(np.float32)),
    "semantic": Translated("semantic", lambda seen, far: seen),
    "audiogoal": Translated("audio", lambda seen, far: seen),
    "spectrogram": Translated("spectrogram", lambda seen, far: seen),
    # Metres ahead of the start and to its right, as GPSSensor has them; avenv's y is to the left.
    "gps": Translated("pose", lambda seen, far: seen[:2] * np.array([1, -1], np.float32)),
    "compass": Translated("pose", lambda seen, far: seen[2:3]),
    "pointgoal_with_gps_compass": Translated("pointgoal_with_gps_compass", lambda seen, far: seen),
}
"""What has another name or scale in habitat-lab and SoundSpaces; the rest is as avenv has it."""


class HabitatAgent:
    """Makes avenv's agent of one of habitat-lab's.

    Args:
        agent: what makes one, as its class does; or one, which is copied for each row. One that has
            ``seed(number)`` is told it before each episode.
        sensors: names of what it observes, of ``OBSERVATIONS`` or avenv's; by default those that it
            names itself, as ``sensors``.
        max_depth: metres that a depth of 1 means; Habitat's default, and all that avenv sees.
        **options: of the environment, such as ``image_size``.

    Raises:
        ValueError: there is no such observation; or, when it is to play, it lacks ``reset`` or
            ``act``.
    """

    rows = None  # it treats each by itself

    def __init__(
        self,
        agent: Any,
        sensors: Sequence[str] | None = None,
        max_depth: float = 10.0,
        **options: Any,
    ):
        named = getattr(agent, "sensors", None) if sensors is None else sensors
        if named is None:
            raise ValueError(
                "sensors is None and the agent names none; accepted: one or more of "
                f"{', '.join(OBSERVATIONS)}"
            )
        known = dict.fromkeys((*OBSERVATIONS, *sensor_names()))
        del known["audio"]  # it is ``audiogoal`` there
        for name in named:
            if name not in known:
                raise ValueError(f"sensors has {name!r}; {accepted(name, known)}")
        if not 0 < max_depth <= 10:
            raise ValueError(f"max_depth is {max_depth!r}; accepted: up to 10 m")
        self._agent, self._named, self._far = agent, tuple(named), float(max_depth)
        used = dict.fromkeys(_translated(name).sensor for name in self._named)
        self.options = {**options, "sensors": tuple(used) or ("contact",)}
        self.fingerprint = _fingerprint(agent, self._named, self._far)
        self.__name__ = getattr(agent, "__name__", type(agent).__name__)

    def __call__(self, envs: Any) -> "_Rows":
        """Return the agent in all rows of some environments."""
        makes = isinstance(self._agent, type) or not hasattr(self._agent, "act")
        make = self._agent if makes else lambda: copy.deepcopy(self._agent)
        agents = [make() for _ in range(envs.num_envs)]
        for method in ("reset", "act"):
            if not callable(getattr(agents[0], method, None)):
                raise ValueError(f"the agent has no {method}(); accepted: reset() and act()")
        return _Rows(agents, self._named, self._far)


class _Rows:
    """An agent of its own in each row."""

    def __init__(self, agents: Sequence[Any], named: Sequence[str], far: float):
        self._agents, self._far = agents, far
        self._seen = {name: _translated(name) for name in named}

    def reset(self, row: int, seed: int) -> None:
        """Begin an episode in one row."""
        if callable(tell := getattr(self._agents[row], "seed", None)):
            tell(seed)
        self._agents[row].reset()

    def act(self, observation: Mapping[str, NDArray], info: Mapping[str, Any]) -> NDArray:
        """Return an action for each row (E,), 0 where no episode is under way."""
        names = (*MOTIONS, *info["action_names"][len(MOTIONS) :])
        actions = np.zeros(len(self._agents), np.int64)
        for row in np.flatnonzero(info["active"]).tolist():
            seen = {
                name: make(observation[sensor][row], self._far)
                for name, (sensor, make) in self._seen.items()
            }
            actions[row] = _number(self._agents[row].act(seen), names)
        return actions


def _fingerprint(agent: Any, named: Sequence[str], far: float) -> str:
    """Return a digest of an agent's code and of what it is told, for the benchmark's results."""
    source: str | None = None
    with suppress(OSError, TypeError):
        made_by = agent if isinstance(agent, type) or inspect.isfunction(agent) else type(agent)
        source = inspect.getsourcefile(made_by)
    code = Path(source).read_bytes() if source else b""
    return hashlib.sha256(code + repr((named, far)).encode()).hexdigest()[:16]


def _translated(name: str) -> Translated:
    return OBSERVATIONS.get(name, Translated(name, lambda seen, far: seen))


def _number(action: Any, names: Sequence[str]) -> int:
    """Return the number of an action that is told as Habitat's agents do: a number or a name."""
    told = action.get("action") if isinstance(action, Mapping) else action
    if isinstance(told, str):
        if told not in names:
            raise ValueError(f"action is {told!r}; {accepted(told, names)}")
        return names.index(told)
    number = np.asarray(told)
    if number.size != 1 or number.dtype.kind not in "iu":
        raise ValueError(
            f"action is {action!r:.80}; accepted: a number, a name, or {{'action': one of these}}"
        )
    return int(number.reshape(()))
