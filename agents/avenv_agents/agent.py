"""A policy with a memory as the benchmark wants it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray

from avenv.envs.vector import BatchEnv
from avenv_agents.config import PRIVILEGE
from avenv_agents.decision import decide
from avenv_agents.policy import PREVIOUS, TRUTH, Policy, as_tensors, truth_of
from avenv_agents.waypoints import MAPS, WaypointAgent


@dataclass(frozen=True)
class Acting:
    """Makes the agent that acts by a policy.

    Attributes:
        policy: on the CPU.
    """

    policy: Policy
    explains = True

    @property
    def privilege(self) -> str:
        """What it is told that others are not, if it has perfect ears; else nothing."""
        return PRIVILEGE if TRUTH in self.policy.added else ""

    def __call__(self, envs: Any) -> "RecurrentAgent | WaypointAgent":
        """Return the agent."""
        return make_agent(envs, self.policy)


def make_agent(envs: BatchEnv, policy: Policy) -> "RecurrentAgent | WaypointAgent":
    """Return the agent that acts by a policy: by waypoints if it reads the maps for them."""
    kind = WaypointAgent if set(MAPS) & set(policy.reads) else RecurrentAgent
    return kind(envs, policy)


class RecurrentAgent:
    """Acts by a trained policy: each row has its own memory and its own random stream.

    What a row does depends on its own episode alone, not on the other rows. A policy with perfect
    ears is told the truth.

    Args:
        envs: the environments it acts in, with the observations it was trained on.
        policy: as ``load_checkpoint`` returns it.

    Raises:
        ValueError: it was trained on other observations or actions.
    """

    def __init__(self, envs: BatchEnv, policy: Policy):
        offered = envs.single_observation_space
        assert isinstance(offered, spaces.Dict)
        if missing := sorted(set(policy.reads) - set(offered.spaces)):
            raise ValueError(
                f"sensors are {sorted(offered.spaces)}; the policy needs {policy.reads}, and "
                f"{', '.join(missing)} is missing"
            )
        for name in policy.reads:
            if policy.observation_space[name].shape != offered[name].shape:
                raise ValueError(
                    f"{name} has the shape {offered[name].shape}; the policy was trained on "
                    f"{policy.observation_space[name].shape}"
                )
        if envs.single_action_space != spaces.Discrete(policy.actions):
            raise ValueError(
                f"actions are {envs.single_action_space}; accepted: the policy's, "
                f"{spaces.Discrete(policy.actions)}"
            )
        self._envs, self._policy = envs, policy
        rows = envs.num_envs
        self._memory = policy.initial(rows)
        self._begun = np.ones(rows, bool)
        self._previous = np.zeros(rows, np.int64)
        self._random = [np.random.default_rng(row) for row in range(rows)]

    def reset(self, row: int, seed: int) -> None:
        """Forget the past of one row and restart its random stream."""
        self._begun[row] = True
        self._random[row] = np.random.default_rng((seed, 1))

    @torch.no_grad()
    def act(self, observation: dict[str, NDArray], info: dict[str, Any]) -> NDArray[np.int64]:
        """Return an action for each row (E,)."""
        seen = {**observation, PREVIOUS: self._previous}
        if TRUTH in self._policy.added:
            seen[TRUTH] = truth_of(self._envs.batch.task.truth())
        logits, value, self._memory = self._policy.step(
            as_tensors(seen, [*self._policy.reads, *self._policy.added]),
            self._memory,
            torch.from_numpy(self._begun),
        )
        self._thought = {"value": value.numpy(), "probability": logits.softmax(-1).numpy()}
        action = decide(logits.numpy(), self._policy.config.decision, self._random)
        self._begun = np.zeros(len(action), bool)
        self._previous = action
        return action

    def explain(self) -> dict[str, NDArray]:
        """Return the value (E,) that is expected, and how probable each action was, (E, A)."""
        return self._thought
