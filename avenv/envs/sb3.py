"""The native vector environment as stable-baselines3 wants it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.vec_env import VecEnv

from avenv.envs.vector import BatchEnv


class BatchVecEnv(VecEnv):
    """A ``BatchEnv`` behind the interface of stable-baselines3.

    A finished row begins anew in the same step; its last observation is in
    ``infos[row]["terminal_observation"]``.

    Args:
        **options: see ``avenv.envs.vector.BatchEnv``.
    """

    def __init__(self, **options: Any):
        self.envs = BatchEnv(autoreset_mode=AutoresetMode.SAME_STEP, **options)
        self._actions = np.zeros(self.envs.num_envs, np.int64)
        super().__init__(
            self.envs.num_envs,
            self.envs.single_observation_space,
            self.envs.single_action_space,
        )

    def reset(self) -> dict[str, np.ndarray]:
        """Begin an episode in every row, with the seeds given to ``seed()``."""
        seeds = self._seeds if any(s is not None for s in self._seeds) else None
        observation, info = self.envs.reset(seed=seeds)
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
        for row in np.flatnonzero(done):
            infos[row]["terminal_observation"] = info["final_obs"][row]
            infos[row]["TimeLimit.truncated"] = bool(truncated[row])
        return observation, reward.astype(np.float32), done, infos

    def close(self) -> None:
        """Release the environments."""
        self.envs.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute; the rows share one object."""
        return [getattr(self.envs, attr_name) for _ in self._rows(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute of the object that the rows share."""
        setattr(self.envs, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method of the object that the rows share, once, and repeat its result."""
        result = getattr(self.envs, method_name)(*method_args, **method_kwargs)
        return [result for _ in self._rows(indices)]

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """Return False for each row: nothing wraps them."""
        return [False for _ in self._rows(indices)]

    def get_images(self) -> Sequence[np.ndarray | None]:
        """Return one picture per row, where the render mode allows."""
        return self.envs.render() or [None] * self.num_envs

    def _rows(self, indices: Any) -> Sequence[int]:
        return list(self._get_indices(indices))
