"""Train an audio-visual policy with PPO, save it, load it, and let it act in a benchmark."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecMonitor

from avenv.benchmark import read_options
from avenv.envs.sb3 import BatchVecEnv
from avenv.envs.vector import BatchEnv
from avenv_agents.encoders import AudioVisualEncoder

POLICY_FILE = "policy.zip"
CONFIG_FILE = "config.yaml"


@dataclass(frozen=True)
class TrainingConfig:
    """One training run.

    Attributes:
        env: options of the environment; see ``avenv.envs.batch.Batch``.
        num_envs: environments stepped at once.
        total_steps: environment steps in all.
        seed: of environments and networks.
        encoder: arguments of ``AudioVisualEncoder``.
        ppo: arguments of stable-baselines3's ``PPO``.
    """

    env: dict[str, Any] = field(default_factory=dict)
    num_envs: int = 8
    total_steps: int = 20_000
    seed: int = 0
    encoder: dict[str, Any] = field(default_factory=dict)
    ppo: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_yaml(cls, path: str | Path) -> "TrainingConfig":
        """Read a configuration.

        Raises:
            ValueError: the file is missing, is not YAML, or has an unknown key.
        """
        data = read_options(path)
        known = {f.name for f in fields(cls)}
        if set(data) - known:
            raise ValueError(
                f"{path}: unknown {sorted(set(data) - known)}; accepted: {sorted(known)}"
            )
        return cls(**data)

    def save(self, path: str | Path) -> None:
        """Write the configuration as YAML."""
        data = {f.name: getattr(self, f.name) for f in fields(self)}
        Path(path).write_text(yaml.safe_dump(data, sort_keys=False))


class EpisodeMetrics(BaseCallback):
    """Log the mean metrics of the episodes that finished in each rollout."""

    def _on_training_start(self) -> None:
        self._finished: list[dict[str, float]] = []

    def _on_step(self) -> bool:
        for done, info in zip(self.locals["dones"], self.locals["infos"], strict=True):
            if done:
                self._finished.append(info["metrics"])
        return True

    def _on_rollout_end(self) -> None:
        for name in self._finished[0] if self._finished else ():
            mean = float(np.mean([metrics[name] for metrics in self._finished]))
            self.logger.record(f"metrics/{name}", mean)
        self._finished.clear()


def train(
    config: TrainingConfig, folder: str | Path, resume: bool = False, progress: bool = True
) -> PPO:
    """Train a policy and save it with its configuration.

    Args:
        config: the run.
        folder: receives ``policy.zip``, ``config.yaml`` and the tensorboard log.
        resume: go on from the folder's policy, with its networks and its PPO settings, instead of
            starting anew.
        progress: show a progress bar.

    Raises:
        ValueError: the configuration cannot be used, or there is nothing to resume.
    """
    folder = Path(folder)
    if resume and not (folder / POLICY_FILE).exists():
        raise ValueError(f"{folder / POLICY_FILE} does not exist; there is nothing to resume")
    envs = VecMonitor(BatchVecEnv(num_envs=config.num_envs, **config.env))
    folder.mkdir(parents=True, exist_ok=True)
    if resume:
        model = PPO.load(folder / POLICY_FILE, env=envs, tensorboard_log=str(folder))
    else:
        model = PPO(
            "MultiInputPolicy",
            envs,
            seed=config.seed,
            tensorboard_log=str(folder),
            policy_kwargs={
                "features_extractor_class": AudioVisualEncoder,
                "features_extractor_kwargs": config.encoder,
                "normalize_images": True,
            },
            **config.ppo,
        )
        config.save(folder / CONFIG_FILE)
    try:
        model.learn(
            config.total_steps,
            callback=EpisodeMetrics(),
            tb_log_name="log",
            reset_num_timesteps=not resume,
            progress_bar=progress,
        )
    finally:  # what has been learned so far is kept, also when training is interrupted
        partial = folder / f".{POLICY_FILE}"
        model.save(partial)
        partial.replace(folder / POLICY_FILE)
        envs.close()
    return model


class PolicyAgent:
    """A trained policy as the benchmark wants it: each row draws its actions from its own stream.

    Args:
        envs: the environments it acts in, with the observations it was trained on.
        path: a folder that ``train`` wrote, or a ``policy.zip``.

    Raises:
        ValueError: there is no policy, or it was trained on other observations.
    """

    def __init__(self, envs: BatchEnv, path: str | Path):
        path = Path(path)
        path = path / POLICY_FILE if path.is_dir() else path
        if not path.exists():
            raise ValueError(
                f"{path} does not exist; accepted: a policy that scripts/train.py saved"
            )
        self._policy = PPO.load(path, device="cpu").policy
        wanted = set(self._policy.observation_space.spaces)
        offered = set(envs.single_observation_space.spaces)
        if not wanted <= offered:
            raise ValueError(f"sensors are {sorted(offered)}; the policy needs {sorted(wanted)}")
        self._names = sorted(wanted)
        self._random = [np.random.default_rng(row) for row in range(envs.num_envs)]

    def reset(self, row: int, seed: int) -> None:
        """Restart one row's random stream; the policy itself has no memory."""
        self._random[row] = np.random.default_rng((seed, 1))

    def act(self, observation: dict[str, NDArray], info: dict[str, Any]) -> NDArray[np.int64]:
        """Return an action for each row (E,)."""
        seen, _ = self._policy.obs_to_tensor({name: observation[name] for name in self._names})
        with torch.no_grad():
            probabilities = self._policy.get_distribution(seen).distribution.probs.numpy()
        shares = np.cumsum(probabilities, axis=1, dtype=np.float64)
        draws = np.array([random.random() for random in self._random]) * shares[:, -1]
        return (draws[:, None] >= shares).sum(axis=1)
