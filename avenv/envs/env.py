"""The Gymnasium environment: a batch of one."""

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from avenv.core.suggest import accepted
from avenv.drawing.screen import Screen
from avenv.envs.batch import Batch, check_seed
from avenv.tasks.episode import Episode, as_episode

RENDER_MODES = ("rgb_array", "human", "ansi")
CLOSED = "the environment has been closed; make a new one"
FOREVER = 2**62
"""Steps that no episode takes."""

_ONE = np.ones(1, bool)


class Env(gym.Env[dict[str, Any], Any]):
    """One audio-visual environment.

    Args:
        task: a name in ``avenv.tasks.TASKS``; ``gym.make("avenv/AudioGoal-v0")`` fills it in.
        render_mode: ``"rgb_array"`` (the view beside a map), ``"human"`` (the same in a window),
            ``"ansi"`` (text) or ``None``.
        max_episode_steps: actions after which an episode is truncated. ``gym.make`` keeps this for
            itself, and cuts off by a wrapper.
        **options: see ``avenv.envs.batch.Batch``.

    Raises:
        ValueError: an option is unknown or out of range.
        SceneError, SoundError: a scene or sound cannot be used.

    ``reset(options={"episode": episode})`` begins that ``Episode`` instead of a sampled one.
    ``info`` holds ``metrics``, ``truth``, the ``instruction`` in words and how many homes were
    ``passed_over`` because they lack what the task needs, and with ``oracle=True`` the ``answer``
    to what was just asked; ``reset`` adds the ``setup``, the episode
    as data.
    """

    metadata = {"render_modes": list(RENDER_MODES)}  # noqa: RUF012 (Gymnasium's)

    def __init__(self, task: str = "AudioGoal", render_mode: str | None = None, **options: Any):
        check_render_mode(render_mode)
        if "num_envs" in options:
            raise ValueError(
                "num_envs is no option of a single environment; accepted: "
                "gym.make_vec(..., num_envs=...), or avenv.envs.BatchEnv"
            )
        self.batch = Batch(task, 1, **options)
        self.observation_space: gym.spaces.Dict = self.batch.observation_space
        self.action_space = self.batch.action_space
        self.render_mode = render_mode
        self.metadata = {**self.metadata, "render_fps": self.batch.frames_per_second}
        self._over, self._closed = True, False
        self._screen = Screen(self.batch.simulator, self.batch.task) if render_mode else None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, NDArray], dict[str, Any]]:
        """Begin an episode; ``seed`` restarts the random stream."""
        self._check_open()
        super().reset(seed=None if seed is None else check_seed(seed))
        if self.batch.draws_from(0) is not self.np_random:  # at first, and with every seed
            self.batch.draw_from(0, self.np_random)
        if self.spec is not None:  # then it is Gymnasium's wrapper that cuts off
            self.batch.max_episode_steps = FOREVER
        episode = check_options(options, ("episode",)).get("episode")
        self.batch.reset([0], {0: as_episode(episode)} if episode is not None else None)
        if self._screen:
            self._screen.begin(0)
            if self.render_mode == "human":
                self._screen.show(0)
        info = self._info()
        info["setup"] = self.episode.to_dict()
        self._over = False
        return self._observe(), info

    def step(self, action: Any) -> tuple[dict[str, NDArray], float, bool, bool, dict[str, Any]]:
        """Carry out one action; the sound of ``step_time`` seconds passes."""
        self._check_open()
        if self._over:
            raise gym.error.ResetNeeded("the episode is over or never began; call reset()")
        actions = self.batch.check_actions(np.asarray(action)[None])
        reward, terminated, truncated = self.batch.step(actions, _ONE)
        self._over = bool(terminated[0] or truncated[0])
        observation = self._observe()
        if self._screen:
            self._screen.follow(0)
            if self.render_mode == "human":
                self._screen.show(0)
        return observation, float(reward[0]), bool(terminated[0]), bool(truncated[0]), self._info()

    @property
    def action_names(self) -> tuple[str, ...]:
        """The names of the actions, or of the components of one."""
        return self.batch.task.actions.names

    @property
    def episode(self) -> Episode:
        """The episode under way."""
        check_begun(self.batch)
        return self.batch.task.episodes[0]

    def oracle_action(self) -> Any:
        """Return the action that somebody who knows everything would take."""
        check_begun(self.batch)
        return self.batch.task.oracle_action(0)

    def set_states(self, states: Mapping[str, str]) -> None:
        """Put things into other states, by name: ``{"hall-kitchen": "closed", "radio": "on"}``.

        What the robot sees, hears and bumps into follows at once, and so do the distances of the
        next step. See ``Simulator.set_states`` for what can go wrong.
        """
        check_begun(self.batch)
        self.batch.simulator.set_states(0, states)

    def render(self) -> Any:
        """Return the picture or text of the current moment, as ``render_mode`` says."""
        if self._screen is None:
            return None
        check_begun(self.batch)
        if self.render_mode == "human":
            return self._screen.show(0)
        return self._screen.text(0) if self.render_mode == "ansi" else self._screen.picture(0)

    def close(self) -> None:
        """Close the window, if there is one; the environment is of no more use."""
        self._closed = True
        self.batch.close()
        if self._screen:
            self._screen.close()

    def _check_open(self) -> None:
        if self._closed:
            raise gym.error.ClosedEnvironmentError(CLOSED)

    def _observe(self) -> dict[str, NDArray]:
        return {name: value[0] for name, value in self.batch.observe().items()}

    def _info(self) -> dict[str, Any]:
        info: dict[str, Any] = {
            group: {name: value.item() for name, value in values.items()}
            for group, values in self.batch.info().items()
        }
        setting = {name: value[0] for name, value in self.batch.setting().items()}
        return info | setting | {"passed_over": int(setting["passed_over"])}


def check_begun(batch: Batch) -> None:
    """Raise ``ResetNeeded`` if there was no first reset."""
    if not batch.task.episodes:
        raise gym.error.ResetNeeded("no episode has begun; call reset() first")


def check_options(options: Any, known: tuple[str, ...]) -> dict[str, Any]:
    """Return the options of a reset; ``ValueError`` where one is unknown."""
    if options is not None and not isinstance(options, Mapping):
        raise ValueError(f"options of reset is {options!r}; accepted: a mapping of {known}")
    for name in options or {}:
        if name not in known:
            raise ValueError(f"options of reset has {name!r}; {accepted(name, known)}")
    return dict(options or {})


def check_render_mode(render_mode: str | None, accepted: tuple[str, ...] = RENDER_MODES) -> None:
    """Raise ``ValueError`` if there is no such render mode."""
    if render_mode is not None and not (isinstance(render_mode, str) and render_mode in accepted):
        raise ValueError(f"render_mode is {render_mode!r}; accepted: {accepted} or None")
