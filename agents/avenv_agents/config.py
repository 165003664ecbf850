"""What a training run is made of, as YAML."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

import yaml

from avenv.benchmark import read_config
from avenv.core.suggest import accepted
from avenv.scene.problems import suggest

OUTSIDE = ("num_envs", "seed", "autoreset_mode")
"""Arguments of the environments that are not the configuration's ``env`` to give."""


METHODS = ("sb3", "dagger", "ppo")
"""By which a policy can be trained."""

CONTROLS = ("deaf", "blind", "perfect_ear")
"""What a policy may learn without: its ears, its eyes; or the truth in place of its ears."""

PRIVILEGE = "where the source is"
"""What a policy with a perfect ear is told."""

LEAST = {"num_envs": 1, "workers": 1, "total_steps": 1, "checkpoint_every": 1, "seed": 0}
"""Fields that are whole numbers, and the least that they may be."""


@dataclass(frozen=True)
class TrainingConfig:
    """One training run.

    Attributes:
        env: options of the environment; see ``avenv.envs.batch.Batch``. ``task`` may be one.
        num_envs: environments stepped at once, by each worker.
        total_steps: environment steps in all, rounded up to whole rollouts.
        seed: of environments and networks.
        encoder: arguments of ``AudioVisualEncoder``, of the method "sb3".
        ppo: numbers of the method "ppo", see ``PpoConfig``; of "sb3", arguments of
            stable-baselines3's ``PPO``.
        checkpoint_every: environment steps after which what has been learned is saved.
        method: "dagger" or "ppo", with a memory; "sb3": stable-baselines3's PPO, without one.
        workers: processes that play; 1: this one.
        policy: what the policy is made of, see ``PolicyConfig``; not of the method "sb3".
        dagger: numbers of the method "dagger", see ``DaggerConfig``.
        validation: of "dagger" and "ppo": ``every`` so many steps, so many ``episodes``, and
            options that differ from ``env``: ``scenes`` that were held back.
        descriptor: numbers of the first stage, see ``DescriptorConfig``, in which the policy's
            ``goal_descriptor`` learns alone; "dagger" or "ppo" is the second. Empty: there is none.
        start_from: a policy whose weights to begin with, its file or name; of the same parts, or
            with fewer encoders.
        control: of "dagger" and "ppo": a name in ``CONTROLS``, for a policy that learns without a
            sense, or with the truth in place of sound; else as it is.
        minutes: of "dagger" and "ppo": after which the run ends, if its steps are not all taken.

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
    method: str = "sb3"
    workers: int = 1
    policy: dict[str, Any] = field(default_factory=dict)
    dagger: dict[str, Any] = field(default_factory=dict)
    descriptor: dict[str, Any] = field(default_factory=dict)
    validation: dict[str, Any] = field(default_factory=dict)
    start_from: str | None = None
    minutes: float | None = None
    control: str | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method is {self.method!r}; {accepted(self.method, METHODS)}")
        for name in ("env", "encoder", "ppo", "policy", "dagger", "descriptor", "validation"):
            value = getattr(self, name)
            if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
                raise ValueError(f"{name} is {value!r}; accepted: a mapping from names to values")
        for name, least in LEAST.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name} is {value!r}; accepted: a whole number from {least}")
        if self.control is not None and (self.control not in CONTROLS or self.method == "sb3"):
            raise ValueError(
                f"control is {self.control!r} with the method {self.method!r}; accepted: "
                f'{", ".join(CONTROLS)}, or none, with "dagger" or "ppo"'
            )
        if self.minutes is not None and not (
            isinstance(self.minutes, int | float) and 0 < self.minutes < float("inf")
        ):
            raise ValueError(f"minutes is {self.minutes!r}; accepted: more than 0, or none")
        for name in ("every", "episodes"):
            value = self.validation.get(name, 1)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"validation.{name} is {value!r}; accepted: a whole number from 1")
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
