"""The folder of a training run, and how the benchmark finds the policy in it."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avenv.benchmark import Agent
from avenv.envs import BatchEnv
from avenv_agents.config import TrainingConfig

POLICY_FILE = "policy.zip"
CONFIG_FILE = "config.yaml"
LOG_NAME = "log"
"""Of the folders of the tensorboard log: ``log_1`` and on."""


@dataclass(frozen=True)
class SavedPolicy:
    """Makes the agent that acts by a saved policy.

    Attributes:
        file: that ``train`` wrote.
    """

    file: Path

    @property
    def options(self) -> dict[str, Any]:
        """Options of the environment it was trained in, from the configuration beside it."""
        return TrainingConfig.from_yaml(self.file.with_name(CONFIG_FILE)).env

    def __call__(self, envs: BatchEnv) -> Agent:
        """Load the policy; this is when torch is needed."""
        from avenv_agents.training import PolicyAgent

        return PolicyAgent(envs, self.file)


def find_policy(path: Path) -> SavedPolicy | None:
    """Return the policy in the folder of a run, or in a file, or None if there is none."""
    file = path / POLICY_FILE if path.is_dir() else path
    if not zipfile.is_zipfile(file):
        return None
    with zipfile.ZipFile(file) as archive:  # as stable-baselines3 saves its models
        return SavedPolicy(file) if "policy.pth" in archive.namelist() else None
