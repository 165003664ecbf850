"""The environments in RLlib's new API stack, one by one or as native batches.

RLlib knows an environment by a name and makes it where it is to be stepped, from an ``env_config``.
``register_rllib`` puts every task of avenv under the name that Gymnasium has it by; the
``env_config`` is the options of ``gym.make``. With ``gym_env_vectorize_mode="vector_entry_point"``
an env runner steps one native batch in place of many single environments.
"""

from functools import partial
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from avenv.envs.env import Env
from avenv.envs.vector import BatchEnv
from avenv.tasks import TASKS

VECTOR = "vector_entry_point"
"""RLlib's name for environments that are batches by themselves."""


def register_rllib() -> list[str]:
    """Let RLlib find every task of avenv, and return their names.

    Env runners in other processes are told by Ray; nothing is to be imported there.

    Raises:
        ImportError: RLlib is not installed.
    """
    try:
        from ray.tune.registry import register_env
    except ImportError as error:
        raise ImportError(f'{error}; it is in: pip install "ray[rllib]"') from error
    names = {f"avenv/{task}-v0": task for task in TASKS}
    for name, task in names.items():
        register_env(name, partial(make_rllib, task))
    return list(names)


def make_rllib(task: str, context: dict[str, Any]) -> Env | BatchEnv:
    """Return an environment, or, if RLlib says how many it wants at once, a native batch.

    Args:
        task: a name in ``avenv.tasks.TASKS``.
        context: options of the environment, and ``num_envs``, which RLlib adds.
    """
    options = dict(context)
    count = options.pop("num_envs", None)
    if count is None:
        return Env(task, **options)
    return RllibBatch(task, count, autoreset_mode=AutoresetMode.NEXT_STEP, **options)


class RllibBatch(BatchEnv):
    """A native batch whose infos are arrays throughout, words too, as RLlib takes them apart."""

    def reset(self, **how: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin new episodes."""
        observation, info = super().reset(**how)
        return observation, _as_arrays(info)

    def step(self, actions: Any) -> tuple:
        """Take a step in every row."""
        *result, info = super().step(actions)
        return (*result, _as_arrays(info))


def _as_arrays(info: dict[str, Any]) -> dict[str, Any]:
    """Return infos with arrays in place of tuples, at any depth."""
    arrays = dict(info)
    for name, value in info.items():
        if isinstance(value, dict):
            arrays[name] = _as_arrays(value)
        elif isinstance(value, tuple):
            arrays[name] = np.array(value, dtype=object)
    return arrays


def example_config(**options: Any) -> Any:
    """Return RLlib's PPO over a native batch, of what is heard and felt, as a place to begin.

    Args:
        **options: of the environment; ``sensors`` are vectors, which RLlib's own networks take when
            they are put one behind the other. Pictures need a network of one's own.

    Returns:
        a ``PPOConfig``, whose methods change what it says: ``env_runners(num_env_runners=8)`` for
        eight processes on a cluster.
    """
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.connectors.env_to_module import FlattenObservations

    register_rllib()
    given = {"sensors": ("binaural", "pose", "contact"), **options}
    config = PPOConfig().environment(f"avenv/{given.pop('task', 'AudioGoal')}-v0", env_config=given)
    return (
        config.env_runners(
            num_env_runners=0,
            num_envs_per_env_runner=16,
            gym_env_vectorize_mode=VECTOR,
            env_to_module_connector=lambda *_, **__: FlattenObservations(),
        )
        .training(train_batch_size_per_learner=4096, minibatch_size=512, num_epochs=4, lr=3e-4)
        .training(entropy_coeff=0.01, vf_clip_param=100.0)
    )
