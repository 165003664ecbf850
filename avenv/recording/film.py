"""Film one episode: what the agent sees, where it is, and what it hears, in sync."""

import os
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from tqdm import tqdm

from avenv.core.frames import wrap_angle
from avenv.drawing.screen import Screen
from avenv.envs.batch import check_seed
from avenv.envs.vector import BatchEnv
from avenv.recording.video import EARS, Cadence, VideoWriter, check_video
from avenv.simulation.loading import load_scene
from avenv.tasks.registry import find_registered

FPS = 20

AFTERWARDS = 1.5
"""Seconds that the film goes on when the episode is over."""


class Actor(Protocol):
    """Acts in every row of a vector environment at once, as the benchmark's agents do."""

    def reset(self, row: int, seed: int) -> None:
        """Forget the past of one row, whose new episode has begun."""

    def act(self, observation: dict[str, NDArray], info: dict[str, Any]) -> NDArray:
        """Return one action for each row (E,)."""


def record_episode(
    agent: Callable[[BatchEnv], Actor],
    path: str | os.PathLike,
    scene: Any = None,
    sound: Any = None,
    seed: int = 0,
    progress: bool = True,
    task: str = "AudioGoal",
    **options: Any,
) -> dict[str, float]:
    """Film an agent in one episode of a task.

    Args:
        agent: makes the agent, given the vector environment.
        path: of the video, ending in ``.mp4``.
        scene: as ``load_scene`` takes it; by default that of the task. A source that it names is
            the goal of AudioGoal; where it names none, a place on the floor is.
        sound: what sounds, as the task's option ``sounds`` takes it; by default what the task's
            episodes have, and in AudioGoal what the scene's source plays, or a phone.
        seed: of the episode.
        task: a name in ``avenv.tasks.TASKS``.
        progress: show a progress bar.
        **options: see ``avenv.envs.batch.Batch``.

    Returns:
        The metrics of the episode.

    Raises:
        ValueError: the scene, the sound, an option or the path cannot be used.
        ImportError: PyAV is missing.
    """
    check_video(path)
    seed = check_seed(seed)
    world = load_scene(find_registered(task).scenes if scene is None else scene)
    if task == "AudioGoal":  # the scene says what sounds, if it does
        named = bool(world.compiled.sources)
        options["goals"] = "sources" if named else "anywhere"
        sound = sound if sound is not None else ("scene" if named else "phone")
    if sound is not None:
        options["sounds"] = sound
    envs = BatchEnv(task, 1, autoreset_mode=AutoresetMode.DISABLED, scenes=world, **options)
    film = _Film(envs, path)
    actor = agent(envs)
    observation, info = envs.reset(seed=seed)
    actor.reset(0, seed)
    with film, tqdm(desc=task, unit=" steps", disable=not progress) as bar:
        film.begin()
        done = False
        while not done:
            action = actor.act(observation, info)
            observation, _, terminated, truncated, info = envs.step(action)
            done = bool(terminated[0] or truncated[0])
            film.step()
            bar.update()
        film.linger(AFTERWARDS)
    return envs.row_of(info, 0)["metrics"]


class _Film:
    """Turns steps of ``step_time`` into frames: the pose glides, the sound is the step's own."""

    def __init__(self, envs: BatchEnv, path: str | os.PathLike):
        self._batch = envs.batch
        self._simulator = envs.batch.simulator
        self._screen = Screen(envs.batch.simulator, envs.batch.task)
        self._path = path
        self._cadence = Cadence(FPS)

    def __enter__(self) -> "_Film":
        self._screen.begin(0)
        sensors = self._simulator.settings
        height, width, _ = self._screen.picture(0).shape
        channels = min(sensors.channels, EARS)
        self._video = VideoWriter(
            self._path, (width, height), FPS, sensors.sample_rate, channels
        ).open()
        return self

    def __exit__(self, *error: Any) -> None:
        self._video.__exit__(*error)

    def begin(self) -> None:
        """Remember where the first step starts."""
        self._position = self._simulator.state.position[0].copy()
        self._heading = float(self._simulator.state.heading[0])

    def step(self) -> None:
        """Film the step that has just been taken."""
        simulator, sensors = self._simulator, self._simulator.settings
        self._screen.follow(0)
        start, end = self._position, simulator.state.position[0].copy()
        turn = float(wrap_angle(simulator.state.heading[0] - self._heading))
        due = self._cadence.due(Fraction(sensors.step_samples, sensors.sample_rate))
        for k in range(1, due + 1):
            share = k / due
            pose = start + share * (end - start), self._heading + share * turn
            ago = (1 - share) * sensors.step_time
            self._video.add_frame(self._screen.picture(0, *pose, ago))
        self._video.add_audio(simulator.window(0)[:EARS, -sensors.step_samples :])
        self.begin()

    def linger(self, seconds: float) -> None:
        """Stand still and listen for a while."""
        for _ in range(round(seconds / self._simulator.settings.step_time)):
            self._simulator.wait(np.ones(1, bool))
            self.step()
