"""Policies of stable-baselines3 as files of weights, which run no code, and as agents."""

from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

try:
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.policies import (
        ActorCriticPolicy,
        BasePolicy,
        MultiInputActorCriticPolicy,
    )
    from torch.distributions import Categorical
except ImportError as error:
    raise ImportError(f'learning needs more ({error}): pip install "avenv[agents]"') from error

from avenv.core.files import draft_of
from avenv.envs.vector import BatchEnv
from avenv_agents.checkpoints import FORMAT, read_checkpoint, space_data, space_of
from avenv_agents.sb3 import AudioVisualEncoder


def policy_arguments(encoder: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a policy with an ``AudioVisualEncoder`` of these arguments."""
    return {
        "features_extractor_class": AudioVisualEncoder,
        "features_extractor_kwargs": encoder,
        "normalize_images": True,
    }


def save_policy(path: Path, policy: BasePolicy, **more: Any) -> None:
    """Write a policy's weights and what it acts on; the file appears when it is whole.

    Args:
        path: of the file.
        policy: with an ``AudioVisualEncoder``.
        **more: tensors and plain data to keep beside it.

    Raises:
        ValueError: it acts on or by what is no ``Box`` and no ``Discrete`` space.
    """
    assert isinstance(policy.observation_space, spaces.Dict)
    data = {
        "format": FORMAT,
        "observations": {name: space_data(s) for name, s in policy.observation_space.items()},
        "actions": space_data(policy.action_space),
        "encoder": dict(policy.features_extractor_kwargs),
        "weights": policy.state_dict(),
        **more,
    }
    with draft_of(path) as draft:
        torch.save(data, draft)


def load_policy(path: Path) -> ActorCriticPolicy:
    """Return a policy that ``save_policy`` wrote, to act; no code in the file is run.

    Raises:
        ValueError: it is not such a file.
    """
    data = read_checkpoint(path)
    try:
        policy = MultiInputActorCriticPolicy(
            spaces.Dict({name: space_of(s) for name, s in data["observations"].items()}),
            space_of(data["actions"]),
            lambda _: 0.0,  # it learns no more
            **policy_arguments(data["encoder"]),
        )
        policy.load_state_dict(data["weights"])
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        said = str(error).partition("\n")[0]
        raise ValueError(f"{path}: its weights are of another policy: {said}") from error
    policy.set_training_mode(False)
    return policy


def load_trusted(path: Path) -> ActorCriticPolicy:
    """Return the policy of a model that stable-baselines3 saved.

    Loading it runs code that its maker may have put there.
    """
    policy = PPO.load(path, device="cpu").policy
    assert isinstance(policy, ActorCriticPolicy)
    return policy


class PolicyAgent:
    """A trained policy as the benchmark wants it: each row draws its actions from its own stream.

    Args:
        envs: the environments it acts in, with the observations it was trained on.
        policy: as ``load_policy`` returns it.

    Raises:
        ValueError: it was trained on other observations or actions.
    """

    def __init__(self, envs: BatchEnv, policy: ActorCriticPolicy):
        self._policy = policy
        wanted, offered = policy.observation_space, envs.single_observation_space
        assert isinstance(offered, spaces.Dict)
        if not isinstance(wanted, spaces.Dict):
            raise ValueError(f"the policy was trained on {wanted}; accepted: named observations")
        self._names = sorted(wanted)
        if not set(wanted) <= set(offered):
            raise ValueError(f"sensors are {sorted(offered)}; the policy needs {self._names}")
        for name in self._names:  # stable-baselines3 moves the channels of pictures to the front
            if sorted(wanted[name].shape or ()) != sorted(offered[name].shape or ()):
                raise ValueError(
                    f"{name} has the shape {offered[name].shape}; the policy was trained on "
                    f"{wanted[name].shape}"
                )
        if not isinstance(envs.single_action_space, spaces.Discrete) or (
            policy.action_space != envs.single_action_space
        ):
            raise ValueError(
                f"actions are {envs.single_action_space}; the policy's are "
                f"{policy.action_space}, and accepted are the same, discrete ones"
            )
        self._random = [np.random.default_rng(row) for row in range(envs.num_envs)]

    def reset(self, row: int, seed: int) -> None:
        """Restart one row's random stream; the policy itself has no memory."""
        self._random[row] = np.random.default_rng((seed, 1))

    def act(self, observation: dict[str, NDArray], info: dict[str, Any]) -> NDArray[np.int64]:
        """Return an action for each row (E,)."""
        seen, _ = self._policy.obs_to_tensor({name: observation[name] for name in self._names})
        with torch.no_grad():
            choice = self._policy.get_distribution(seen).distribution
        assert isinstance(choice, Categorical)
        probabilities = choice.probs.numpy()
        shares = np.cumsum(probabilities, axis=1, dtype=np.float64)
        draws = np.array([random.random() for random in self._random]) * shares[:, -1]
        return (draws[:, None] >= shares).sum(axis=1)
