"""A batch of environments before Gymnasium: a simulator, a task and one random stream per row."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from gymnasium.utils import seeding
from numpy.typing import NDArray

from avenv.simulation.settings import Sensors
from avenv.simulation.simulator import Simulator
from avenv.simulation.warmup import warm_up
from avenv.simulation.world import load_worlds
from avenv.tasks import TASKS, Episode


class Batch:
    """E environments that step together; the one implementation behind ``Env`` and ``VectorEnv``.

    Args:
        task: a name in ``TASKS``.
        num_envs: number of environments, E.
        scenes: as ``load_worlds`` takes them.
        sensors: names of the observations.
        acoustics: the backend of the sound, a name in ``avenv.acoustics.BACKENDS``.
        episodes_per_scene: how many episodes in a row an environment has in a scene before it
            draws another. A home of an endless set takes seconds to make and to light. A seed
            begins with a new one.
        **options: fields of ``Sensors`` (``image_size``, ``hfov``, ``cameras``, ``camera_noise``,
            ``sample_rate``, ``step_time``, ``window``, ``layout``, ...) and of the task's rules.

    Raises:
        ValueError: an option is unknown or out of range.
        SceneError, SoundError: a scene or sound cannot be used.
    """

    def __init__(
        self,
        task: str,
        num_envs: int = 1,
        scenes: Any = "apartment",
        sensors: Sequence[str] = Sensors.names,
        acoustics: str = "native",
        episodes_per_scene: int = 10,
        **options: Any,
    ):
        if num_envs < 1:
            raise ValueError(f"num_envs is {num_envs!r}; accepted: 1 or more")
        if episodes_per_scene < 1:
            raise ValueError(f"episodes_per_scene is {episodes_per_scene!r}; accepted: 1 or more")
        if task not in TASKS:
            raise ValueError(f"task is {task!r}; accepted: {', '.join(TASKS)}")
        kind = TASKS[task]
        sensor_options = _take(options, Sensors)
        rule_options = _take(options, kind.Rules)
        if options:
            known = sorted(_names(Sensors) | _names(kind.Rules))
            raise ValueError(f"unknown option {', '.join(sorted(options))}; accepted: {known}")
        worlds = load_worlds(scenes)
        self.num_envs = num_envs
        self.simulator = Simulator(
            worlds, Sensors(sensors, **sensor_options), num_envs, engine=acoustics
        )
        self.task = kind(self.simulator, kind.Rules(**rule_options))
        self.observation_space = self.simulator.sensors.space()
        self.action_space = kind.action_space
        warm_up()
        self.random = [seeding.np_random(None)[0] for _ in range(num_envs)]
        self._episodes_per_scene = episodes_per_scene
        self._scene = [0] * num_envs
        self._episodes_left = [0] * num_envs

    @property
    def frames_per_second(self) -> int:
        """Steps in a second of simulated time, rounded."""
        return max(1, round(1 / self.simulator.sensors.step_time))

    def seed(self, row: int, seed: int) -> None:
        """Restart one row's random stream."""
        self.draw_from(row, seeding.np_random(seed)[0])

    def draw_from(self, row: int, stream: np.random.Generator) -> None:
        """Draw one row's episodes from this stream from now on, beginning with their scene."""
        self.random[row] = stream
        self._episodes_left[row] = 0

    def reset(self, rows: Iterable[int], episodes: Mapping[int, Episode] | None = None) -> None:
        """Begin new episodes in some rows: the given ones, else sampled from the rows' streams."""
        for row in rows:
            given = episodes.get(row) if episodes else None
            self.task.begin(row, given or self._sample(row))

    def _sample(self, row: int) -> Episode:
        if self._episodes_left[row] == 0:
            self._scene[row] = self.task.sample_scene(self.random[row])
            self._episodes_left[row] = self._episodes_per_scene
        self._episodes_left[row] -= 1
        return self.task.sample_episode(self.random[row], self._scene[row])

    def check_actions(self, actions: Any) -> NDArray[np.int64]:
        """Return actions (E,) as integers.

        Raises:
            ValueError: wrong shape, not integers, or out of range.
        """
        given = np.asarray(actions)
        count = int(self.action_space.n)
        if given.shape != (self.num_envs,) or not np.issubdtype(given.dtype, np.integer):
            raise ValueError(
                f"actions have shape {given.shape} and type {given.dtype}; accepted: "
                f"{self.num_envs} integers from 0 to {count - 1}"
            )
        if ((given < 0) | (given >= count)).any():
            raise ValueError(f"actions are {given.tolist()}; accepted: 0 to {count - 1}")
        return given.astype(np.int64)

    def observe(self, advance: NDArray[np.bool_]) -> dict[str, NDArray]:
        """Return fresh copies of what every row sees and hears."""
        return {name: value.copy() for name, value in self.simulator.observe(advance).items()}

    def info(self) -> dict[str, dict[str, NDArray]]:
        """Return metrics and ground truth, one array (E,) each."""
        return {"metrics": self.task.metrics(), "truth": self.task.truth()}


def _names(kind: type) -> set[str]:
    # The names of ``Sensors`` have an option of their own, ``sensors``.
    return {field.name for field in fields(kind)} - {"names"}


def _take(options: dict[str, Any], kind: type) -> dict[str, Any]:
    return {name: options.pop(name) for name in sorted(_names(kind) & set(options))}
