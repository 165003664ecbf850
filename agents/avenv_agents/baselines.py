"""Agents that learn nothing: the floor and the ceiling of every benchmark.

Each acts in all rows of a vector environment at once, as `avenv.benchmark.Agent` asks.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from avenv.benchmark import AgentView
from avenv.core.frames import body_rotation, forward
from avenv.envs.vector import BatchEnv
from avenv.tasks.actions import FORWARD, STOP, TURN_LEFT, TURN_RIGHT
from avenv_agents.hearing import SourceBelief
from avenv_agents.mapping import DepthCamera, ObstacleMap, steer

REACH = 15.0
"""Metres around the start that the follower's maps cover."""


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


@dataclass
class FollowerMemory:
    """What the follower knows in one row; its frame is the pose in which the episode began."""

    belief: SourceBelief = field(default_factory=lambda: SourceBelief(REACH))
    obstacles: ObstacleMap = field(default_factory=lambda: ObstacleMap(REACH))
    position: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    heading: float = 0.0
    depth: NDArray[np.float32] | None = None
    action: int = STOP
    goal: NDArray[np.float64] | None = None
    plan_age: int = 0


class DirectionFollower:
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

    sensors = ("audio", "depth")
    rows = None

    PLAN_STEPS = 5
    """Actions for which a way found through the map is used."""
    GOAL_SHIFT = 1.0
    """Metres by which the most probable place may move before a new way is sought."""

    def __init__(self, envs: AgentView, certainty: float = 0.85):
        settings = envs.settings
        missing = [name for name in ("audio", "depth") if name not in settings.names]
        if missing or settings.channels != 2:
            raise ValueError(
                f"sensors is {settings.names!r} with layout {settings.layout!r}; this agent needs "
                "'audio' and 'depth' and the layout 'binaural'"
            )
        self._rate = settings.sample_rate
        self._step_samples = settings.step_samples
        self._camera = DepthCamera(
            settings.image_size, np.deg2rad(settings.hfov), envs.body.eye_height
        )
        options = envs.task_options
        self._turn = np.deg2rad(options.turn_angle)
        self._stride = options.forward_step
        # A tenth inside the radius, because straight lines are shorter than ways on foot.
        self._radius = 0.9 * options.success_radius
        self._certainty = certainty
        self._memory = [FollowerMemory() for _ in range(envs.num_envs)]

    def reset(self, row: int, seed: int) -> None:
        """Forget one row's place, map and source."""
        self._memory[row] = FollowerMemory()

    def act(self, observation: dict[str, NDArray], info: dict[str, Any]) -> NDArray[np.int64]:
        """Return an action for each row (E,)."""
        audio, depth = observation["audio"], observation["depth"][..., 0]
        return np.array(
            [self.decide(m, *x) for m, *x in zip(self._memory, audio, depth, strict=True)]
        )

    def decide(self, memory: FollowerMemory, audio: NDArray, depth: NDArray) -> int:
        """Return what to do next, who remembers this, hears (2, N) and sees a depth (H, W)."""
        self._reckon(memory, depth)
        points = self._camera.obstacles(depth)
        memory.obstacles.add(memory.position + points @ _rotation(memory.heading).T)
        recent = audio[:, -self._step_samples :]
        memory.belief.update(audio, recent, self._rate, memory.position, memory.heading)
        memory.depth = depth
        memory.action = self._decide(memory)
        return memory.action

    def _reckon(self, memory: FollowerMemory, depth: NDArray) -> None:
        """Update the pose by what the last action must have done."""
        memory.heading += {TURN_LEFT: self._turn, TURN_RIGHT: -self._turn}.get(memory.action, 0.0)
        if memory.action != FORWARD:
            return
        step = self._stride * forward(memory.heading)
        # Floor and side walls look the same from the next step; something always changes, though.
        if np.quantile(np.abs(depth - memory.depth), 0.95) > 0.1 * self._stride:
            memory.position = memory.position + step
        else:
            memory.obstacles.add((memory.position + 1.2 * step)[None])
            memory.goal = None

    def _decide(self, memory: FollowerMemory) -> int:
        if memory.belief.within(memory.position, self._radius) > self._certainty:
            return STOP
        self._plan(memory)
        turns = steer(memory.obstacles, memory.position, memory.heading, self._stride, self._turn)
        return FORWARD if turns == 0 else TURN_LEFT if turns > 0 else TURN_RIGHT

    def _plan(self, memory: FollowerMemory) -> None:
        """Seek a new way if the old one is old or leads elsewhere."""
        place = memory.belief.best()
        memory.plan_age += 1
        if (
            memory.goal is None
            or memory.plan_age >= self.PLAN_STEPS
            or np.linalg.norm(place - memory.goal) > self.GOAL_SHIFT
        ):
            memory.obstacles.aim(place, memory.position)
            memory.goal, memory.plan_age = place, 0


def _rotation(heading: float) -> NDArray[np.float64]:
    return body_rotation(heading)[:2, :2]
