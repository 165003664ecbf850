"""The folder of a training run, and how the benchmark finds the policy in it."""

import hashlib
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from avenv.benchmark import Agent
from avenv.envs import BatchEnv
from avenv_agents.config import PRIVILEGE, TrainingConfig

POLICY_FILE = "policy.pt"
"""What was learned last, and all that going on from it needs."""

BEST_FILE = "best.pt"
"""The policy whose episodes in training brought most."""

STEP_FILES = "step-*.pt"
"""The policy after so many steps, of the latest checkpoints."""

CSV_FILE = "progress.csv"
"""A line for each update: steps, speed, how episodes went, losses, validation."""

CONFIG_FILE = "config.yaml"
LOG_NAME = "log"
"""Of the folders of the tensorboard log: ``log_1`` and on."""


def check_folder(folder: Path, config: TrainingConfig, resume: bool, overwrite: bool) -> None:
    """Raise ``ValueError`` if the run must not go to a folder."""
    if resume and overwrite:
        raise ValueError("resume and overwrite are both chosen; accepted: one of them")
    files = [folder / POLICY_FILE, folder / CONFIG_FILE]
    if not resume:
        if any(file.exists() for file in files) and not overwrite:
            raise ValueError(f"{folder} holds a run; resume goes on from it, overwrite replaces it")
        return
    for file in files:
        if not file.exists():
            raise ValueError(f"{file} does not exist; there is nothing to resume")
    before = vars(TrainingConfig.from_yaml(folder / CONFIG_FILE))
    now = yaml.safe_load(config.to_yaml())
    free = ("total_steps", "checkpoint_every", "workers", "minutes")
    if other := [k for k in now if k not in free and now[k] != before[k]]:
        raise ValueError(
            f"{folder / CONFIG_FILE} differs in {', '.join(other)} from the run that is to resume; "
            "accepted: that file as the configuration, or another folder"
        )


def remove_run(folder: Path) -> None:
    """Delete the files of a run."""
    for pattern in (POLICY_FILE, BEST_FILE, STEP_FILES, CSV_FILE, CONFIG_FILE):
        for file in folder.glob(pattern):
            file.unlink()
    for log in folder.glob(f"{LOG_NAME}*"):
        shutil.rmtree(log)


@dataclass(frozen=True)
class SavedPolicy:
    """Makes the agent that acts by a saved policy.

    Attributes:
        file: that ``train`` wrote, or, if it is trusted, a model of stable-baselines3.
        silence: what becomes of its goal descriptor when the sound has ended, as a control: a name
            in ``encoders.goal.HABITS``; empty: as it has learned.
    """

    file: Path
    silence: str = ""
    explains = True
    arguments = ("silence",)

    @property
    def options(self) -> dict[str, Any]:
        """Options of the environment it was trained in, from the configuration beside it."""
        return TrainingConfig.from_yaml(self.file.with_name(CONFIG_FILE)).env

    @property
    def privilege(self) -> str:
        """What it is told that others are not, if it has perfect ears; else nothing."""
        file = self.file.with_name(CONFIG_FILE)
        control = TrainingConfig.from_yaml(file).control if file.exists() else None
        return PRIVILEGE if control == "perfect_ear" else ""

    @property
    def fingerprint(self) -> str:
        """Digest of the file, which tells this policy from what later training makes of it."""
        digest = hashlib.sha256(self.file.read_bytes()).hexdigest()[:16]
        return f"{digest}, {self.silence}" if self.silence else digest

    @property
    def told(self) -> dict[str, Any]:
        """What is written down of its arguments."""
        return {"silence": self.silence} if self.silence else {}

    def configured(self, given: Mapping[str, Any]) -> "SavedPolicy":
        """Return it with arguments.

        Raises:
            ValueError: one is unknown.
        """
        if other := sorted(set(given) - set(self.arguments)):
            raise ValueError(f"{self.file} takes no {', '.join(other)}; accepted: silence")
        return replace(self, **given)

    def __call__(self, envs: BatchEnv) -> Agent:
        """Load the policy; this is when torch is needed."""
        from avenv_agents.checkpoints import load_checkpoint, read_checkpoint

        if not _is_model(self.file) and "policy" in read_checkpoint(self.file):
            from avenv_agents.agent import make_agent
            from avenv_agents.descriptor import set_silence

            policy = load_checkpoint(self.file)
            if self.silence:
                set_silence(policy, self.silence)
            return make_agent(envs, policy)
        if self.silence:
            raise ValueError(f"silence is {self.silence!r}; {self.file} has no goal descriptor")
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
