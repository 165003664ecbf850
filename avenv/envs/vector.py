"""The native vector environment: all rows share scenes, caches and kernels' launches."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from avenv.core.suggest import accepted
from avenv.drawing.screen import Screen
from avenv.envs.batch import Batch, check_seed
from avenv.envs.env import CLOSED, FOREVER, check_begun, check_options, check_render_mode
from avenv.simulation.body import Body
from avenv.simulation.settings import SensorSettings
from avenv.tasks.episode import Episode, as_episode


class BatchEnv(VectorEnv):
    """E environments stepped at once, ``gym.make_vec("avenv/AudioGoal-v0", num_envs=E)``.

    Row i with seed s is the same, bit for bit, as a single environment with seed s + i.

    Args:
        task: a name in ``avenv.tasks.TASKS``.
        num_envs: number of environments, E.
        render_mode: ``"rgb_array"`` or ``None``.
        autoreset_mode: when a finished row begins anew: ``NEXT_STEP`` (Gymnasium's default),
            ``SAME_STEP`` or ``DISABLED`` (then call ``reset(options={"reset_mask": ...})``).
        max_episode_steps: actions after which an episode is truncated; -1: never.
        **options: see ``avenv.envs.batch.Batch``.

    ``reset(options={"episodes": [...]})`` begins those episodes, one per row, instead of sampled
    ones. ``info`` holds ``metrics`` and ``truth``, one array (E,) for each name, and the arrays
    ``instruction`` (words), ``passed_over`` (homes that lack what the task needs) and, with
    ``oracle=True``, ``answer`` (words).

    Attributes:
        before_autoreset: functions of a list of rows, called within a ``SAME_STEP`` step when those
            have finished and not yet begun anew: ``render`` shows how they ended.
        folder: None: an agent that is made with it has nowhere to keep files.
    """

    folder = None

    def __init__(
        self,
        task: str = "AudioGoal",
        num_envs: int = 1,
        render_mode: str | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        max_episode_steps: int | None = None,
        **options: Any,
    ):
        check_render_mode(render_mode, ("rgb_array",))
        forever = (
            isinstance(max_episode_steps, int) and max_episode_steps == -1
        )  # as gym.make has it
        limit = FOREVER if forever else max_episode_steps
        self.batch = Batch(task, num_envs, max_episode_steps=limit, **options)
        modes = [mode.value for mode in AutoresetMode]
        if str(getattr(autoreset_mode, "value", autoreset_mode)) not in modes:
            raise ValueError(
                f"autoreset_mode is {autoreset_mode!r}; {accepted(autoreset_mode, modes)}"
            )
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {
            "render_modes": ["rgb_array"],
            "render_fps": self.batch.frames_per_second,
            "autoreset_mode": self.autoreset_mode,
        }
        self.render_mode = render_mode
        self.num_envs = num_envs
        self.single_observation_space = self.batch.observation_space
        self.single_action_space = self.batch.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.before_autoreset: list[Callable[[list[int]], None]] = []
        self._finished = np.zeros(num_envs, bool)
        self._begun = False
        self._spec: Any = None
        self._screen = Screen(self.batch.simulator, self.batch.task) if render_mode else None

    @property
    def spec(self) -> Any:
        """What it was made of, as Gymnasium has it; it says how long episodes are."""
        return self._spec

    @spec.setter
    def spec(self, spec: Any) -> None:
        if spec is not None:
            limit = self.batch.max_episode_steps
            spec.max_episode_steps = None if limit == FOREVER else limit
        self._spec = spec

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"before_autoreset": []}  # who listens does not come along

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict | None = None
    ) -> tuple[dict[str, NDArray], dict[str, Any]]:
        """Begin an episode in every row, or in those of ``options["reset_mask"]`` (E,) bool."""
        self._check_open()
        options = check_options(options, ("reset_mask", "episodes"))
        mask = np.asarray(options.get("reset_mask", np.ones(self.num_envs, bool)))
        if mask.shape != (self.num_envs,) or mask.dtype != bool:
            raise ValueError(
                f"reset_mask has shape {mask.shape} and type {mask.dtype}; accepted: "
                f"{self.num_envs} booleans"
            )
        if not mask.any() or not (self._begun or mask.all()):
            raise ValueError("reset_mask must name a row, and the first reset all rows")
        seeds, episodes = self._seeds(seed), self._episodes(options.get("episodes"))
        rows = np.flatnonzero(mask).tolist()
        for row in rows:
            if (own := seeds[row]) is not None:
                self.batch.seed(row, own)
        self._begin(rows, episodes)
        self._begun = True
        return self.batch.observe(anew=False), self._info()

    def step(
        self, actions: Any
    ) -> tuple[
        dict[str, NDArray],
        NDArray[np.float64],
        NDArray[np.bool_],
        NDArray[np.bool_],
        dict[str, Any],
    ]:
        """Carry out one action (E,) in each row; a finished row begins anew as the mode says."""
        self._check_open()
        if not self._begun:
            raise gym.error.ResetNeeded("call reset() before step()")
        actions = self.batch.check_actions(actions)
        finished = self._finished.copy()
        if self.autoreset_mode == AutoresetMode.DISABLED and finished.any():
            raise gym.error.ResetNeeded(
                f"rows {np.flatnonzero(finished).tolist()} have finished; reset them first"
            )
        reward, terminated, truncated = self.batch.step(actions, ~finished)
        self._finished = terminated | truncated
        if self._screen:
            for row in np.flatnonzero(~finished).tolist():
                self._screen.follow(row)
        self._begin(np.flatnonzero(finished).tolist())
        observation, info = self.batch.observe(), self._info()
        if self.autoreset_mode == AutoresetMode.SAME_STEP and self._finished.any():
            observation, info = self._reset_at_once(observation, info)
        return observation, reward, terminated, truncated, info

    @property
    def action_names(self) -> tuple[str, ...]:
        """The names of the actions, or of the components of one."""
        return self.batch.task.actions.names

    @property
    def settings(self) -> SensorSettings:
        """What the bodies sense."""
        return self.batch.simulator.settings

    @property
    def body(self) -> Body:
        """What the bodies are like."""
        return self.batch.simulator.body

    @property
    def task_options(self) -> Any:
        """The numbers of the task: what actions do, what success is."""
        return self.batch.task.options

    @property
    def episodes(self) -> tuple[Episode, ...]:
        """The episodes under way, one per row."""
        check_begun(self.batch)
        return tuple(self.batch.task.episodes[row] for row in range(self.num_envs))

    def oracle_actions(self) -> NDArray:
        """Return the action (E, ...) that somebody who knows everything would take in each row."""
        check_begun(self.batch)
        return np.array([self.batch.task.oracle_action(row) for row in range(self.num_envs)])

    def set_states(self, row: int, states: Mapping[str, str]) -> None:
        """Put things around one row into other states, as ``Env.set_states``."""
        check_begun(self.batch)
        self.batch.simulator.set_states(row, states)

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """Return one picture per row."""
        if self._screen is None:
            return None
        check_begun(self.batch)
        return tuple(self._screen.picture(row) for row in range(self.num_envs))

    @staticmethod
    def row_of(info: dict[str, Any], row: int) -> dict[str, Any]:
        """Return what an ``info`` says of one row, as ``Env`` gives it."""
        own: dict[str, Any] = {
            group: {k: v[row].item() for k, v in info[group].items() if not k.startswith("_")}
            for group in ("metrics", "truth")
        }
        told = {name: info[name][row] for name in ("instruction", "answer") if name in info}
        return own | told | {"passed_over": int(info["passed_over"][row])}

    def _reset_at_once(
        self, last: dict[str, NDArray], last_info: dict[str, Any]
    ) -> tuple[dict[str, NDArray], dict[str, Any]]:
        # Gymnasium's contract: final_obs is an object array, None where a row goes on.
        done = self._finished.copy()
        final = np.full(self.num_envs, None, object)
        for row in np.flatnonzero(done):
            final[row] = {name: value[row] for name, value in last.items()}
        rows = np.flatnonzero(done).tolist()
        for listener in self.before_autoreset:
            listener(rows)
        self._begin(rows)
        observation, info = self.batch.observe(anew=False), self._info()
        info |= {"final_obs": final, "_final_obs": done}
        info |= {"final_info": last_info, "_final_info": done}
        return observation, info

    def close_extras(self, **kwargs: Any) -> None:
        """Let nothing more be made ready."""
        self.batch.close()

    def _check_open(self) -> None:
        if self.closed:
            raise gym.error.ClosedEnvironmentError(CLOSED)

    def _begin(self, rows: list[int], episodes: dict[int, Episode] | None = None) -> None:
        self.batch.reset(rows, episodes)
        self._finished[rows] = False
        if self._screen:
            for row in rows:
                self._screen.begin(row)

    def _info(self) -> dict[str, Any]:
        everywhere = np.ones(self.num_envs, bool)
        info: dict[str, Any] = {}
        for group, values in self.batch.info().items():
            masks = {f"_{name}": everywhere for name in values}
            info |= {group: values | masks, f"_{group}": everywhere}
        for name, value in self.batch.setting().items():
            info |= {name: value, f"_{name}": everywhere}
        return info

    def _seeds(self, seed: int | Sequence[int | None] | None) -> list[int | None]:
        if seed is None:
            return [None] * self.num_envs
        if not isinstance(seed, Iterable):
            return [check_seed(seed) + row for row in range(self.num_envs)]
        seeds = [None if own is None else check_seed(own) for own in seed]
        if len(seeds) != self.num_envs:
            raise ValueError(f"seed has {len(seeds)} entries; accepted: {self.num_envs}")
        return seeds

    def _episodes(self, episodes: Sequence | None) -> dict[int, Episode] | None:
        if episodes is None:
            return None
        if not isinstance(episodes, list | tuple | np.ndarray):
            raise ValueError(f"episodes is {episodes!r:.80}; accepted: a list, one for each row")
        if len(episodes) != self.num_envs:
            raise ValueError(f"episodes has {len(episodes)} entries; accepted: {self.num_envs}")
        return {row: as_episode(e) for row, e in enumerate(episodes) if e is not None}
