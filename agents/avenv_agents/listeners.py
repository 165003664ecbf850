"""Agents that learn nothing and are told nothing: they listen, look, draw a map and follow rules.

``Walker`` is how they get about, ``Mind`` what one body knows, and ``ListenerAgent`` has what all
share; an agent says what it does next (``decide``).
"""

from typing import Any, ClassVar, Generic, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from avenv.benchmark import AgentView
from avenv.core.frames import body_rotation, forward
from avenv.tasks.actions import FORWARD, STOP, TURN_LEFT, TURN_RIGHT
from avenv_agents.hearing import SILENCE, SourceBelief
from avenv_agents.mapping import DepthCamera, ObstacleMap, steer

REACH = 15.0
"""Metres around the start that maps cover."""


class Walker:
    """Reckons where one body is, draws what it sees, and finds its way.

    Its frame is the pose in which the episode began.

    Args:
        camera: that takes the depth pictures.
        stride: metres of a step.
        turn: radians of a turn.

    Attributes:
        position: (2,) metres.
        heading: radians.
        turn: radians of a turn.
        obstacles: that were seen or met.
        action: that was taken last.
        depth: (H, W) the last picture, or none yet.
    """

    PLAN_STEPS = 5
    """Actions for which a way found through the map is used."""
    GOAL_SHIFT = 1.0
    """Metres by which a goal may move before a new way to it is sought."""
    STUCK = 0.1
    """Share of a step that a body has not got ahead by when something is in its way."""

    def __init__(self, camera: DepthCamera, stride: float, turn: float):
        self._camera, self._stride, self.turn = camera, stride, turn
        self.position, self.heading = np.zeros(2), 0.0
        self.obstacles = ObstacleMap(REACH)
        self.action = STOP
        self.depth: NDArray[np.float32] | None = None
        self._goal: NDArray[np.float64] | None = None
        self._age = 0

    def see(self, depth: NDArray[np.float32], pose: NDArray[np.floating] | None = None) -> None:
        """Take in a depth picture (H, W), and what the last action has done.

        That is in the pose (x, y, heading) if it is told; else it reckons what it must have done.
        """
        if pose is not None:
            self._take(pose)
        else:
            self.heading += {TURN_LEFT: self.turn, TURN_RIGHT: -self.turn}.get(self.action, 0.0)
            if self.action == FORWARD:
                self._step(depth)
        self.obstacles.add(self.placed(self._camera.obstacles(depth)))
        self.depth = depth

    def placed(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where points (K, 2) are that lie so far ahead and to the left of the body."""
        return self.position + points @ body_rotation(self.heading)[:2, :2].T

    def towards(self, place: NDArray[np.float64]) -> int:
        """Return the next action on the way to a place (2,)."""
        self._age += 1
        if (
            self._goal is None
            or self._age >= self.PLAN_STEPS
            or np.linalg.norm(place - self._goal) > self.GOAL_SHIFT
        ):
            self.obstacles.aim(place, self.position)
            self._goal, self._age = place, 0
        turns = steer(self.obstacles, self.position, self.heading, self._stride, self.turn)
        return FORWARD if turns == 0 else TURN_LEFT if turns > 0 else TURN_RIGHT

    def seconds_to(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how long the ways to places (K, 2) are, in seconds at 1 m/s."""
        self.obstacles.aim(self.position, self.position)
        self._goal = None  # the map aims elsewhere now
        return self.obstacles.travel_time(places)

    def _take(self, pose: NDArray[np.floating]) -> None:
        before, self.position = self.position, pose[:2].astype(np.float64)
        self.heading = float(pose[2])
        if (
            self.action == FORWARD
            and np.linalg.norm(self.position - before) < self.STUCK * self._stride
        ):
            self._bump()

    def _step(self, depth: NDArray[np.float32]) -> None:
        assert self.depth is not None
        # Floor and side walls look the same from the next step; something always changes, though.
        if np.quantile(np.abs(depth - self.depth), 0.95) > self.STUCK * self._stride:
            self.position = self.position + self._stride * forward(self.heading)
        else:
            self._bump()

    def _bump(self) -> None:
        ahead = 1.2 * self._stride * forward(self.heading)
        self.obstacles.add((self.position + ahead)[None])
        self._goal = None


class Mind:
    """What one body knows.

    Attributes:
        walker: where it is and how it gets about.
        belief: where the sound comes from.
    """

    def __init__(self, walker: Walker):
        self.walker, self.belief = walker, SourceBelief(REACH)


M = TypeVar("M", bound=Mind)


class ListenerAgent(Generic[M]):
    """Acts by rules on what it hears and sees.

    Args:
        envs: with its ``sensors``.

    Raises:
        ValueError: a sensor is missing.
    """

    sensors: ClassVar[tuple[str, ...]] = ("audio", "depth")
    rows = None
    mind: ClassVar[type[Mind]] = Mind
    """What a body of this agent knows."""

    def __init__(self, envs: AgentView):
        settings, options = envs.settings, envs.task_options
        needed = list(dict.fromkeys(("audio", "depth", *self.sensors)))
        missing = [name for name in needed if name not in settings.names]
        if missing or settings.channels != 2:
            raise ValueError(
                f"sensors is {settings.names!r} with layout {settings.layout!r}; this agent needs "
                f"{' and '.join(map(repr, needed))} and the layout 'binaural'"
            )
        self._rate, self._step_samples = settings.sample_rate, settings.step_samples
        self.camera = DepthCamera(
            settings.image_size, np.deg2rad(settings.hfov), envs.body.eye_height
        )
        self.turn, self.stride = np.deg2rad(options.turn_angle), options.forward_step
        self.actions = {name: number for number, name in enumerate(envs.action_names)}
        self._minds = [self.new_mind() for _ in range(envs.num_envs)]

    def reset(self, row: int, seed: int) -> None:
        """Forget all that one row's body knows."""
        self._minds[row] = self.new_mind()

    def act(self, observation: dict[str, NDArray], info: dict[str, Any]) -> NDArray[np.int64]:
        """Return an action for each row (E,)."""
        actions = []
        for row, mind in enumerate(self._minds):
            seen = {name: observation[name][row] for name in self.sensors}
            actions.append(self.step(mind, {**seen, "depth": seen["depth"][..., 0]}))
        return np.array(actions)

    def explain(self) -> dict[str, NDArray]:
        """Return where each body believes the sound to come from, and the obstacles it knows."""
        maps = [mind.walker.obstacles for mind in self._minds]
        return {
            "belief": np.stack([mind.belief.probability for mind in self._minds]),
            "obstacles": np.stack([known.cells for known in maps]),
            "reach": np.array([known.reach for known in maps]),
        }

    def step(self, mind: M, seen: dict[str, NDArray]) -> int:
        """Take in what a body observes now, its depth as (H, W), and return its next action."""
        mind.walker.see(seen["depth"], seen.get("pose"))
        self.listen(mind, seen["audio"])
        mind.walker.action = self.decide(mind, seen)
        return mind.walker.action

    def listen(self, mind: M, audio: NDArray[np.float32]) -> None:
        """Take in a window of sound (2, N)."""
        walker, recent = mind.walker, self.recent(audio)
        mind.belief.update(audio, recent, self._rate, walker.position, walker.heading)

    def recent(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what has been heard since the last action, of a window (2, N)."""
        return audio[:, -self._step_samples :]

    def is_sounding(self, audio: NDArray[np.float32]) -> bool:
        """Return whether anything has been heard since the last action."""
        return bool(np.sqrt(np.mean(self.recent(audio) ** 2)) > 10 * SILENCE)

    def decide(self, mind: M, seen: dict[str, NDArray]) -> int:
        """Return what a body does next, given what it observes now, its depth as (H, W)."""
        raise NotImplementedError

    def new_mind(self) -> M:
        """Return what a body knows when its episode begins."""
        return cast(M, self.mind(Walker(self.camera, self.stride, self.turn)))
