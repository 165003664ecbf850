"""The Gymnasium environment: a batch of one."""

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from avenv.drawing.screen import Screen
from avenv.envs.batch import Batch
from avenv.tasks import Episode

RENDER_MODES = ("rgb_array", "human", "ansi")
_ONE = np.ones(1, bool)


class Env(gym.Env[dict[str, Any], np.int64]):
    """One audio-visual environment.

    Args:
        task: a name in ``avenv.tasks.TASKS``; ``gym.make("avenv/AudioGoal-v0")`` fills it in.
        render_mode: ``"rgb_array"`` (the view beside a map), ``"human"`` (the same in a window),
            ``"ansi"`` (text) or ``None``.
        **options: see ``avenv.envs.batch.Batch``.

    Raises:
        ValueError: an option is unknown or out of range.
        SceneError, SoundError: a scene or sound cannot be used.

    ``reset(options={"episode": episode})`` begins that ``Episode`` instead of a sampled one.
    ``info`` holds ``metrics`` and ``truth``; ``reset`` adds the ``setup``, the episode as data.
    """

    metadata = {"render_modes": list(RENDER_MODES)}  # noqa: RUF012 (Gymnasium's)

    def __init__(self, task: str = "AudioGoal", render_mode: str | None = None, **options: Any):
        check_render_mode(render_mode)
        self.batch = Batch(task, 1, **options)
        self.observation_space: gym.spaces.Dict = self.batch.observation_space
        self.action_space = self.batch.action_space
        self.render_mode = render_mode
        self.metadata = {**self.metadata, "render_fps": self.batch.frames_per_second}
        self._over = True
        self._screen = Screen(self.batch) if render_mode else None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, NDArray], dict[str, Any]]:
        """Begin an episode; ``seed`` restarts the random stream."""
        super().reset(seed=seed)
        if self.batch.random[0] is not self.np_random:  # at first, and with every seed
            self.batch.draw_from(0, self.np_random)
        episode = (options or {}).get("episode")
        self.batch.reset([0], {0: as_episode(episode)} if episode is not None else None)
        if self._screen:
            self._screen.begin(0)
            if self.render_mode == "human":
                self._screen.show(0)
        info = self._info()
        info["setup"] = self.batch.task.episodes[0].to_dict()
        self._over = False
        return self._observe(~_ONE), info

    def step(
        self, action: int | np.int64
    ) -> tuple[dict[str, NDArray], float, bool, bool, dict[str, Any]]:
        """Carry out one action; the sound of ``step_time`` seconds passes."""
        if self._over:
            raise gym.error.ResetNeeded("the episode is over or never began; call reset()")
        actions = self.batch.check_actions(np.asarray(action)[None])
        reward, terminated, truncated = self.batch.task.act(actions, _ONE)
        self._over = bool(terminated[0] or truncated[0])
        observation = self._observe(_ONE)
        if self._screen:
            self._screen.follow(0)
            if self.render_mode == "human":
                self._screen.show(0)
        return observation, float(reward[0]), bool(terminated[0]), bool(truncated[0]), self._info()

    def oracle_action(self) -> int:
        """Return the action that a body with a map would take."""
        return int(self.batch.task.oracle_actions()[0])

    def set_states(self, states: Mapping[str, str]) -> None:
        """Put things into other states, by name: ``{"hall-kitchen": "closed", "radio": "on"}``.

        What the robot sees, hears and bumps into follows at once; distances in ``info`` stay those
        of the home as the episode began. See ``Simulator.set_states`` for what can go wrong.
        """
        self.batch.simulator.set_states(0, states)

    def render(self) -> Any:
        """Return the picture or text of the current moment, as ``render_mode`` says."""
        if self._screen is None:
            return None
        if self.render_mode == "human":
            return self._screen.show(0)
        return self._screen.text(0) if self.render_mode == "ansi" else self._screen.picture(0)

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._screen:
            self._screen.close()

    def _observe(self, advance: NDArray[np.bool_]) -> dict[str, NDArray]:
        return {name: value[0] for name, value in self.batch.observe(advance).items()}

    def _info(self) -> dict[str, Any]:
        return {
            group: {name: value[0].item() for name, value in values.items()}
            for group, values in self.batch.info().items()
        }


def as_episode(episode: Episode | dict[str, Any]) -> Episode:
    """Return an ``Episode``, made from plain data where that is given."""
    return episode if isinstance(episode, Episode) else Episode.from_dict(episode)


def check_render_mode(render_mode: str | None, accepted: tuple[str, ...] = RENDER_MODES) -> None:
    """Raise ``ValueError`` if there is no such render mode."""
    if render_mode is not None and render_mode not in accepted:
        raise ValueError(f"render_mode is {render_mode!r}; accepted: {accepted} or None")
