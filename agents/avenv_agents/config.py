"""What a training run is made of, as YAML."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

import yaml

from avenv.benchmark import read_config
from avenv.scene.problems import suggest

OUTSIDE = ("num_envs", "seed", "autoreset_mode")
"""Arguments of the environments that are not the configuration's ``env`` to give."""


LEAST = {"num_envs": 1, "total_steps": 1, "checkpoint_every": 1, "seed": 0}
"""Fields that are whole numbers, and the least that they may be."""


@dataclass(frozen=True)
class TrainingConfig:
    """One training run.

    Attributes:
        env: options of the environment; see ``avenv.envs.batch.Batch``. ``task`` may be one.
        num_envs: environments stepped at once.
        total_steps: environment steps in all, rounded up to whole rollouts.
        seed: of environments and networks.
        encoder: arguments of ``AudioVisualEncoder``.
        ppo: arguments of stable-baselines3's ``PPO``.
        checkpoint_every: environment steps after which what has been learned is saved.

    Raises:
        ValueError: a value is out of range; the message names the field.
    """

    env: dict[str, Any] = field(default_factory=dict)
    num_envs: int = 8
    total_steps: int = 20_000
    seed: int = 0
    encoder: dict[str, Any] = field(default_factory=dict)
    ppo: dict[str, Any] = field(default_factory=dict)
    checkpoint_every: int = 10_000

    def __post_init__(self) -> None:
        for name in ("env", "encoder", "ppo"):
            value = getattr(self, name)
            if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
                raise ValueError(f"{name} is {value!r}; accepted: a mapping from names to values")
        for name, least in LEAST.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name} is {value!r}; accepted: a whole number from {least}")
        for name in OUTSIDE:
            if name in self.env:
                raise ValueError(f"env.{name}: is no option of an environment in training")

    @classmethod
    def from_yaml(cls, path: str | Path) -> Self:
        """Read a configuration.

        Raises:
            ValueError: the file cannot be read, is not YAML, has an unknown field or a value that
                is out of range; the message names file and field.
        """
        data = read_config(path)
        known = [f.name for f in fields(cls)]
        for name in data:
            if name not in known:
                raise ValueError(f"{path}: {name}: there is no such field{suggest(name, known)}")
        try:
            return cls(**data)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def to_yaml(self) -> str:
        """Return the configuration as YAML.

        Raises:
            ValueError: it holds a value that YAML cannot, such as a scene made by a script.
        """
        data = {f.name: getattr(self, f.name) for f in fields(self)}
        try:
            return yaml.safe_dump(data, sort_keys=False)
        except yaml.representer.RepresenterError as error:
            raise ValueError(
                f"the configuration holds {error.args[-1]!r:.60}; accepted: names, numbers, lists "
                "and mappings, so that it can be saved beside the policy"
            ) from error
