"""The folder of a training run, and how the benchmark finds the policy in it."""

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avenv.benchmark import Agent
from avenv.envs import BatchEnv
from avenv_agents.config import TrainingConfig

POLICY_FILE = "policy.pt"
"""What was learned last, and all that going on from it needs."""

BEST_FILE = "best.pt"
"""The policy whose episodes in training brought most."""

STEP_FILES = "step-*.pt"
"""The policy after so many steps, of the latest checkpoints."""

CONFIG_FILE = "config.yaml"
LOG_NAME = "log"
"""Of the folders of the tensorboard log: ``log_1`` and on."""


@dataclass(frozen=True)
class SavedPolicy:
    """Makes the agent that acts by a saved policy.

    Attributes:
        file: that ``train`` wrote, or, if it is trusted, a model of stable-baselines3.
    """

    file: Path

    @property
    def options(self) -> dict[str, Any]:
        """Options of the environment it was trained in, from the configuration beside it."""
        return TrainingConfig.from_yaml(self.file.with_name(CONFIG_FILE)).env

    @property
    def fingerprint(self) -> str:
        """Digest of the file, which tells this policy from what later training makes of it."""
        return hashlib.sha256(self.file.read_bytes()).hexdigest()[:16]

    def __call__(self, envs: BatchEnv) -> Agent:
        """Load the policy; this is when torch is needed."""
        from avenv_agents.policies import PolicyAgent, load_policy, load_trusted

        load = load_trusted if _is_model(self.file) else load_policy
        return PolicyAgent(envs, load(self.file))


def find_policy(path: Path, trust: bool) -> SavedPolicy | None:
    """Return the policy in the folder of a run, or in a file, or None if there is none.

    Raises:
        ValueError: it is a model of stable-baselines3, which is not trusted.
    """
    for file in (path / POLICY_FILE, path / "policy.zip") if path.is_dir() else (path,):
        if _is_model(file) and not trust:
            raise ValueError(
                f"{file} is a model of stable-baselines3, which runs code of whoever made it when "
                f"it is loaded; accepted: the {POLICY_FILE} of a training, which runs none, or "
                "with --trust (in Python trust=True) a model whose maker you trust"
            )
        if _is_model(file) or any(name.endswith("/data.pkl") for name in _names(file)):
            return SavedPolicy(file)
    return None


def _is_model(file: Path) -> bool:
    """Say whether a file is a model as stable-baselines3 saves it: its ``data`` is a pickle."""
    return "policy.pth" in _names(file)


def _names(file: Path) -> list[str]:
    """Return what is in a zip file, as torch and stable-baselines3 write them."""
    if not (file.is_file() and zipfile.is_zipfile(file)):
        return []
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise ValueError(f"{file}: is damaged: {error}") from error
