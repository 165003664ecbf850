"""Agents that learn nothing: the floor and the ceiling of every benchmark.

Each acts in all rows of a vector environment at once, as `avenv.benchmark.Agent` asks.
"""

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from avenv.benchmark import AgentView
from avenv.envs.vector import BatchEnv
from avenv.tasks.actions import STOP
from avenv_agents.listeners import ListenerAgent, Mind


class RandomAgent:
    """Takes every action with equal probability.

    Raises:
        ValueError: the actions are not discrete.
    """

    sensors = ()
    rows = None

    def __init__(self, envs: AgentView):
        space = envs.single_action_space
        if not isinstance(space, spaces.Discrete):
            raise ValueError(f"actions are {space}; this agent takes discrete ones")
        self._actions = int(space.n)
        self._random = [np.random.default_rng(row) for row in range(envs.num_envs)]

    def reset(self, row: int, seed: int) -> None:
        """Restart one row's random stream."""
        # Not the stream that the episode itself is drawn from.
        self._random[row] = np.random.default_rng((seed, 1))

    def act(self, observation: dict[str, NDArray], info: dict[str, Any]) -> NDArray[np.int64]:
        """Return one random action for each row (E,)."""
        return np.array([random.integers(self._actions) for random in self._random])


class DeafAgent:
    """Knows the home and what is asked for, and hears nothing: it guesses as well as it can.

    Raises:
        ValueError: the task has no such guess.
    """

    sensors = ()
    rows = None
    privilege = "the home and what is asked for"

    def __init__(self, envs: BatchEnv):
        self._task: Any = envs.batch.task
        if not hasattr(self._task, "deaf_action"):
            raise ValueError(f"{self._task.name} cannot be guessed; accepted: a task of acts")

    def reset(self, row: int, seed: int) -> None:
        """Nothing to forget."""

    def act(self, observation: dict[str, NDArray], info: dict[str, Any]) -> NDArray[np.int64]:
        """Return an action for each row (E,)."""
        return np.array([self._task.deaf_action(row) for row in sorted(self._task.episodes)])


class IdleAgent:
    """Waits where the task has such an action; else it stops at once.

    Raises:
        ValueError: the actions are not discrete.
    """

    sensors = ()
    rows = None

    def __init__(self, envs: AgentView):
        if not isinstance(envs.single_action_space, spaces.Discrete):
            raise ValueError(
                f"actions are {envs.single_action_space}; this agent takes discrete ones"
            )
        names = envs.action_names
        self._actions = np.full(envs.num_envs, names.index("wait") if "wait" in names else STOP)

    def reset(self, row: int, seed: int) -> None:
        """Nothing to forget."""

    def act(self, observation: dict[str, NDArray], info: dict[str, Any]) -> NDArray[np.int64]:
        """Return the same action for each row (E,)."""
        return self._actions


class OracleAgent:
    """Knows the map and the source: follows the shortest path."""

    sensors = ()
    rows = None
    privilege = "the map and the goal"

    def __init__(self, envs: BatchEnv):
        self._envs = envs

    def reset(self, row: int, seed: int) -> None:
        """Nothing to forget."""

    def act(self, observation: dict[str, NDArray], info: dict[str, Any]) -> NDArray[np.int64]:
        """Return the shortest path's next action for each row (E,)."""
        return self._envs.oracle_actions()


class DirectionFollower(ListenerAgent[Mind]):
    """Turns to where the sound comes from, walks there and stops when it must be near.

    Classical robotics without learning, on what it hears and sees only: it reckons its own position
    from its actions, keeps a belief over the places of the source (see ``SourceBelief``), draws a
    map of the obstacles it has seen, and walks along the shortest way to the most probable place.
    It stops where the source is most probably within the success radius.

    The belief takes the level of the sound as a sign of distance. That is fair only because all
    sounds are played equally loud; of sounds of unknown level the direction alone remains.

    Args:
        envs: with the sensors ``audio`` and ``depth``.
        certainty: probability that the source is in reach at which to stop.

    Raises:
        ValueError: a sensor is missing.
    """

    def __init__(self, envs: AgentView, certainty: float = 0.85):
        super().__init__(envs)
        # A tenth inside the radius, because straight lines are shorter than ways on foot.
        self._radius = 0.9 * envs.task_options.success_radius
        self._certainty = certainty

    def decide(self, mind: Mind, seen: dict[str, NDArray]) -> int:
        """Stop where the source is most probably in reach, else walk to the likeliest place."""
        if mind.belief.within(mind.walker.position, self._radius) > self._certainty:
            return STOP
        return mind.walker.towards(mind.belief.best())
