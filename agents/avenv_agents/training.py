"""Train an audio-visual policy with PPO, save it, load it, and let it act in a benchmark."""

import inspect
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from gymnasium import spaces
from numpy.typing import NDArray

try:
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.vec_env import VecEnv, VecMonitor
    from torch.distributions import Categorical
except ImportError as error:
    raise ImportError(f'learning needs more ({error}): pip install "avenv[agents]"') from error

from avenv.envs.sb3 import make_sb3
from avenv.envs.vector import BatchEnv
from avenv.scene.problems import suggest
from avenv_agents.config import TrainingConfig
from avenv_agents.runs import CONFIG_FILE, LOG_NAME, POLICY_FILE
from avenv_agents.sb3 import AudioVisualEncoder

FIXED = {
    "encoder": ("observation_space",),
    "ppo": ("policy", "env", "seed", "tensorboard_log", "policy_kwargs", "_init_setup_model"),
}
"""Arguments that the training itself gives."""

_PLAIN: dict[type, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
}
"""Types that an argument accepts whose default is of a type, and their names."""


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
    config: TrainingConfig,
    folder: str | Path,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool = True,
) -> PPO:
    """Train a policy and save it with its configuration.

    Args:
        config: the run.
        folder: receives ``policy.zip``, ``config.yaml`` and the tensorboard log.
        resume: go on from the folder's policy for ``total_steps`` more; of its configuration only
            ``total_steps`` may differ.
        overwrite: replace the run in the folder.
        progress: show a progress bar.

    Returns:
        The trained model.

    Raises:
        ValueError: the configuration cannot be used, the folder holds a run and neither ``resume``
            nor ``overwrite`` is chosen, or there is nothing to resume.
    """
    folder = Path(folder)
    _check_arguments("encoder", config.encoder, AudioVisualEncoder)
    _check_arguments("ppo", config.ppo, PPO)
    text = config.to_yaml()
    _check_folder(folder, config, resume, overwrite)
    envs = VecMonitor(make_sb3(num_envs=config.num_envs, **config.env))
    try:
        if resume:
            model = _reload(folder, config, envs)
        else:
            model = _new_model(folder, config, envs)
            _remove_run(folder)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / CONFIG_FILE).write_text(text, encoding="utf-8")
        try:
            model.learn(
                config.total_steps,
                callback=EpisodeMetrics(),
                tb_log_name=LOG_NAME,
                reset_num_timesteps=not resume,
                progress_bar=progress,
            )
        finally:  # what has been learned so far is kept, also when training is interrupted
            partial = folder / f".{POLICY_FILE}"
            model.save(partial)
            partial.replace(folder / POLICY_FILE)
    finally:
        envs.close()
    return model


def _check_arguments(group: str, given: dict[str, Any], kind: type) -> None:
    """Raise ``ValueError`` if a class takes no such arguments, or other numbers."""
    accepted = inspect.signature(kind).parameters
    names = [name for name in accepted if name not in FIXED[group]]
    for name, value in given.items():
        if name not in names:
            raise ValueError(f"{group}.{name}: there is no such option{suggest(name, names)}")
        types, words = _PLAIN.get(type(accepted[name].default), ((), ""))
        if types and type(value) not in types:
            raise ValueError(f"{group}.{name} is {value!r}; accepted: {words}")


def _check_folder(folder: Path, config: TrainingConfig, resume: bool, overwrite: bool) -> None:
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
    if other := [k for k in now if k != "total_steps" and now[k] != before[k]]:
        raise ValueError(
            f"{folder / CONFIG_FILE} differs in {', '.join(other)} from the run that is to resume; "
            "accepted: that file as the configuration, or another folder"
        )


def _new_model(folder: Path, config: TrainingConfig, envs: VecEnv) -> PPO:
    try:
        return PPO(
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
    except AssertionError as error:  # how stable-baselines3 refuses values
        raise ValueError(f"ppo: {error}") from error


def _reload(folder: Path, config: TrainingConfig, envs: VecEnv) -> PPO:
    model = PPO.load(folder / POLICY_FILE, env=envs, tensorboard_log=str(folder))
    envs.seed(config.seed + model.num_timesteps)  # not the episodes that the run began with
    return model


def _remove_run(folder: Path) -> None:
    for name in (POLICY_FILE, CONFIG_FILE):
        (folder / name).unlink(missing_ok=True)
    for log in folder.glob(f"{LOG_NAME}_*"):
        shutil.rmtree(log)


class PolicyAgent:
    """A trained policy as the benchmark wants it: each row draws its actions from its own stream.

    Args:
        envs: the environments it acts in, with the observations it was trained on.
        path: a folder that ``train`` wrote, or the file in it.

    Raises:
        ValueError: there is no policy, or it was trained on other observations or actions.
    """

    def __init__(self, envs: BatchEnv, path: str | Path):
        path = Path(path)
        path = path / POLICY_FILE if path.is_dir() else path
        if not path.exists():
            raise ValueError(f"{path} does not exist; accepted: a policy that `avenv train` saved")
        self._policy = PPO.load(path, device="cpu").policy
        wanted, offered = self._policy.observation_space, envs.single_observation_space
        assert isinstance(wanted, spaces.Dict)
        assert isinstance(offered, spaces.Dict)
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
            self._policy.action_space != envs.single_action_space
        ):
            raise ValueError(
                f"actions are {envs.single_action_space}; the policy's are "
                f"{self._policy.action_space}, and accepted are the same, discrete ones"
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
