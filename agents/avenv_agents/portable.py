"""Policies that act without torch: files of weights in NumPy's format, and the agent.

`avenv export RUN FILE` writes such a file from a trained policy; the benchmark and the demo
find it by its path.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from scipy.special import softmax

from avenv.benchmark import Agent
from avenv.envs.vector import BatchEnv
from avenv_agents.decision import DECISIONS, decide
from avenv_agents.inference import PolicyForward
from avenv_agents.weights import load_weights, save_weights

if TYPE_CHECKING:
    from avenv_agents.policy import Policy

KIND = "policy"
ACTING = ("encoders", "fusion", "memory", "actor")
"""Parts of a policy that acting needs."""
PREVIOUS = "previous_action"


def save_portable(path: str | Path, policy: "Policy", options: dict[str, Any]) -> None:
    """Write what a policy needs to act.

    Args:
        path: of the file, ``*.npz``.
        policy: that was trained.
        options: of the environment that it was trained in.

    Raises:
        ValueError: a part of it needs torch.
    """
    config, encoders = policy.portable_config(), list(policy.encoders.values())
    if any(getattr(encoder, "silence", "kept") != "kept" for encoder in encoders):
        raise ValueError("a goal descriptor that is not kept in silence needs torch")
    seen = {name: policy.observation_space[name] for name in policy.reads}
    description = {
        "kind": KIND,
        "encoders": list(policy.encoders),
        "fusion": config.fusion,
        "memory": config.memory,
        "states": [*(int(e.state) for e in encoders), int(policy.memory.state)],  # type: ignore
        "highest": {
            name: float(space.high.max())
            for name, space in seen.items()
            if isinstance(space, spaces.Box) and name.rpartition("/")[2] == "depth"
        },
        "observations": {name: list(space.shape or ()) for name, space in seen.items()},
        "actions": policy.actions,
        "decision": config.decision,
        "options": options,
    }
    weights = {
        name: value.cpu().numpy()
        for name, value in policy.state_dict().items()
        if name.partition(".")[0] in ACTING
    }
    PolicyForward(weights, description)  # raises where a part has no twin
    save_weights(path, weights, description)


class PortableAgent:
    """Acts by a policy in NumPy: each row has its own memory and its own random stream.

    Args:
        envs: the environments it acts in, with the observations it was trained on.
        weights, description: as ``load_weights`` returns them.

    Raises:
        ValueError: it was trained on other observations or actions.
    """

    def __init__(self, envs: BatchEnv, weights: dict[str, NDArray], description: dict[str, Any]):
        offered = envs.single_observation_space
        assert isinstance(offered, spaces.Dict)
        wanted = {name: tuple(shape) for name, shape in description["observations"].items()}
        for name, shape in wanted.items():
            if name not in offered.spaces:
                raise ValueError(
                    f"sensors are {sorted(offered.spaces)}; the policy needs {sorted(wanted)}, and "
                    f"{name} is missing"
                )
            if offered[name].shape != shape:
                raise ValueError(
                    f"{name} has the shape {offered[name].shape}; the policy was trained on {shape}"
                )
        if envs.single_action_space != spaces.Discrete(description["actions"]):
            raise ValueError(
                f"actions are {envs.single_action_space}; accepted: the policy's, "
                f"Discrete({description['actions']})"
            )
        self._policy = PolicyForward(weights, description)
        self._decision, self._names = description["decision"], sorted(wanted)
        rows = envs.num_envs
        self._memory = self._policy.initial(rows)
        self._begun = np.ones(rows, bool)
        self._previous = np.zeros(rows, np.int64)
        self._random = [np.random.default_rng(row) for row in range(rows)]

    def reset(self, row: int, seed: int) -> None:
        """Forget the past of one row and restart its random stream."""
        self._begun[row] = True
        # Not the stream that the episode itself is drawn from.
        self._random[row] = np.random.default_rng((seed, 1))

    def act(self, observation: dict[str, NDArray], info: dict[str, Any]) -> NDArray[np.int64]:
        """Return an action for each row (E,)."""
        seen = {name: observation[name] for name in self._names} | {PREVIOUS: self._previous}
        logits, self._memory = self._policy.step(seen, self._memory, self._begun)
        self._logits = logits
        action = decide(logits, self._decision, self._random)
        self._begun = np.zeros(len(action), bool)
        self._previous = action
        return action

    def explain(self) -> dict[str, NDArray]:
        """Return how probable each action was, (E, A), before it was decided."""
        return {"probability": softmax(self._logits, axis=-1)}


@dataclass(frozen=True)
class PortablePolicy:
    """Makes the agent that acts by a file that ``save_portable`` wrote.

    Attributes:
        file: of the policy.
    """

    file: Path
    explains = True

    @property
    def options(self) -> dict[str, Any]:
        """Options of the environment it was trained in."""
        return dict(load_weights(self.file)[1]["options"])

    @property
    def fingerprint(self) -> str:
        """Digest of the file, which tells this policy from others."""
        return hashlib.sha256(self.file.read_bytes()).hexdigest()[:16]

    def __call__(self, envs: BatchEnv) -> Agent:
        """Load the policy."""
        return PortableAgent(envs, *load_weights(self.file))


def find_portable(path: Path, trust: bool = False) -> PortablePolicy | None:
    """Return the policy in a file that ``save_portable`` wrote, or None if it is none.

    Args:
        path: of the file.
        trust: whether its maker is trusted; nothing in it is run either way.

    Raises:
        ValueError: it is a policy that says otherwise, or not, how it decides.
    """
    if not (path.is_file() and path.suffix == ".npz"):
        return None
    _, description = load_weights(path)
    if description.get("kind") != KIND:
        return None
    if description.get("decision") not in DECISIONS:
        raise ValueError(f"{path}: is a policy of another release; accepted: export it again")
    return PortablePolicy(path)
