"""The native vector environment for stable-baselines3.

>>> model = stable_baselines3.PPO("MultiInputPolicy", make_sb3(num_envs=8, scenes="apartment"))
"""

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

try:
    from stable_baselines3.common.vec_env import VecEnv
except ImportError as error:
    raise ImportError(
        f'avenv.envs.sb3 needs stable-baselines3 ({error}): pip install "avenv[agents]"'
    ) from error

from avenv.envs.vector import BatchEnv

__all__ = ["BatchVecEnv", "make_sb3"]

CONTROL = ("close", "reset", "step")
"""Methods that move all rows and belong to the adapter itself."""


def make_sb3(
    task: str = "AudioGoal", num_envs: int = 8, seed: int | None = None, **options: Any
) -> VecEnv:
    """Return environments that step together, for the algorithms of stable-baselines3.

    A finished row begins anew in the same step; ``infos[row]`` has its ``terminal_observation``,
    and ``metrics`` and ``truth`` of every step.

    Args:
        task: a name in ``avenv.tasks.TASKS``.
        num_envs: number of environments.
        seed: of the first row's episodes; row i has ``seed + i``. An algorithm with a seed of its
            own replaces it.
        **options: see ``avenv.envs.vector.BatchEnv``.

    Raises:
        ValueError: an option is unknown or out of range.
        SceneError, SoundError: a scene or sound cannot be used.
    """
    envs = BatchVecEnv(task=task, num_envs=num_envs, **options)
    if seed is not None:
        envs.seed(seed)
    return envs


class BatchVecEnv(VecEnv):
    """A ``BatchEnv`` behind the interface of stable-baselines3.

    ``set_options({"episode": ...})``, or a list with one entry per row, lets the next reset begin
    those episodes.

    Args:
        **options: see ``avenv.envs.vector.BatchEnv``.
    """

    def __init__(self, **options: Any):
        self.envs = BatchEnv(autoreset_mode=AutoresetMode.SAME_STEP, **options)
        self._actions: NDArray = np.zeros(self.envs.num_envs, np.int64)
        super().__init__(
            self.envs.num_envs,
            self.envs.single_observation_space,
            self.envs.single_action_space,
        )

    def reset(self) -> dict[str, np.ndarray]:
        """Begin an episode in every row, with the seeds and options given before.

        Raises:
            ValueError: options are unknown, or not one for each row.
        """
        options = self._episodes()
        seeds = self._seeds if any(s is not None for s in self._seeds) else None
        observation, info = self.envs.reset(seed=seeds, options=options)
        self.reset_infos = [self.envs.row_of(info, row) for row in range(self.num_envs)]
        self._reset_seeds()
        self._reset_options()
        return observation

    def step_async(self, actions: np.ndarray) -> None:
        """Remember the actions of the next step."""
        self._actions = np.asarray(actions)

    def step_wait(self) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray, list[dict]]:
        """Carry out the remembered actions."""
        observation, reward, terminated, truncated, info = self.envs.step(self._actions)
        done = terminated | truncated
        final = info.get("final_info", info)
        infos: list[dict[str, Any]] = [
            self.envs.row_of(final if done[row] else info, row) for row in range(self.num_envs)
        ]
        for row in np.flatnonzero(done).tolist():
            infos[row]["terminal_observation"] = info["final_obs"][row]
            infos[row]["TimeLimit.truncated"] = bool(truncated[row] and not terminated[row])
        return observation, reward.astype(np.float32), done, infos

    def close(self) -> None:
        """Release the environments."""
        self.envs.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute of the ``BatchEnv`` for each row; spaces are those of one row."""
        single = f"single_{attr_name}"
        name = single if hasattr(self.envs, single) else attr_name
        return [getattr(self.envs, name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute of the ``BatchEnv``.

        Raises:
            AttributeError: it has none of this name.
            ValueError: it is not for all rows, which share it.
        """
        getattr(self.envs, attr_name)
        if len(set(self._get_indices(indices))) < self.num_envs:
            raise ValueError(f"indices is {indices!r}; accepted: all rows, which share {attr_name}")
        setattr(self.envs, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method of the ``BatchEnv`` and return what it says of each row.

        One that takes a row, such as ``set_states``, is called for each row with the other
        arguments; any other is called once, and each row is given its part of the result if that
        has one for every row.

        Raises:
            ValueError: it is a method of the adapter itself.
        """
        if method_name in CONTROL:
            raise ValueError(f"method_name is {method_name!r}; call it on the vector environment")
        method = getattr(self.envs, method_name)
        rows = list(self._get_indices(indices))
        if next(iter(inspect.signature(method).parameters), None) == "row":
            return [method(row, *method_args, **method_kwargs) for row in rows]
        result = method(*method_args, **method_kwargs)
        parts = isinstance(result, np.ndarray | Sequence) and len(result) == self.num_envs
        return [result[row] if parts else result for row in rows]

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """Return False for each row: nothing wraps them."""
        return [False for _ in self._get_indices(indices)]

    def get_images(self) -> Sequence[np.ndarray | None]:
        """Return one picture per row, where the render mode allows."""
        return self.envs.render() or [None] * self.num_envs

    def _episodes(self) -> dict[str, Any] | None:
        """Return the options of the ``BatchEnv`` for the next reset."""
        if len(self._options) != self.num_envs:
            raise ValueError(f"options has {len(self._options)} entries; accepted: {self.num_envs}")
        unknown = sorted({name for row in self._options for name in row} - {"episode"})
        if unknown:
            raise ValueError(f"options has {', '.join(unknown)}; accepted: episode")
        if not any(self._options):
            return None
        return {"episodes": [row.get("episode") for row in self._options]}
