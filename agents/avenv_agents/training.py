"""Train an audio-visual policy with PPO, and keep what it has learned."""

import inspect
from pathlib import Path
from typing import Any

import numpy as np

try:
    import torch  # noqa: F401 (said here that it is missing)
    from stable_baselines3 import PPO
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.utils import set_random_seed
    from stable_baselines3.common.vec_env import VecEnv, VecMonitor
except ImportError as error:
    raise ImportError(f'learning needs more ({error}): pip install "avenv[agents]"') from error

from avenv.core.interrupts import terminable
from avenv.envs.sb3 import make_sb3
from avenv.scene.problems import suggest
from avenv_agents.checkpoints import read_checkpoint
from avenv_agents.config import TrainingConfig
from avenv_agents.policies import policy_arguments, save_policy
from avenv_agents.runs import (
    BEST_FILE,
    CONFIG_FILE,
    LOG_NAME,
    POLICY_FILE,
    STEP_FILES,
    check_folder,
    remove_run,
)
from avenv_agents.sb3 import AudioVisualEncoder

FIXED = {
    "encoder": ("observation_space",),
    "ppo": (
        "policy", "env", "seed", "tensorboard_log", "policy_kwargs", "rollout_buffer_class",
        "rollout_buffer_kwargs", "_init_setup_model",
    ),
}  # fmt: skip
"""Arguments that the training itself gives, or that no configuration can."""

KEPT = 5
"""Checkpoints of single steps that are kept, the latest."""

ENOUGH = 20
"""Episodes, the latest, whose mean return says how good a policy is; of the last 100 at most."""

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


class Checkpoints(BaseCallback):
    """Keep what has been learned, every ``every`` environment steps and when it is the best.

    The best is that with the highest mean return of the latest episodes in training.

    Args:
        folder: of the run.
        every: environment steps.
        best: the highest mean return so far.
    """

    def __init__(self, folder: Path, every: int, best: float = -np.inf):
        super().__init__()
        self._folder, self._every, self._best = folder, every, best

    def _on_training_start(self) -> None:
        self._due = self.num_timesteps + self._every

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        # The policy that has played, before it learns from it.
        finished = self.model.ep_info_buffer or ()
        mean = float(np.mean([episode["r"] for episode in finished])) if finished else -np.inf
        if len(finished) >= ENOUGH and mean > self._best:
            self._best = mean
            save_policy(self._folder / BEST_FILE, self.model.policy, steps=self.num_timesteps)
        if self.num_timesteps >= self._due:
            self._due += self._every
            self.keep()
            name = STEP_FILES.replace("*", f"{self.num_timesteps:09d}")
            save_policy(self._folder / name, self.model.policy, steps=self.num_timesteps)
            for old in sorted(self._folder.glob(STEP_FILES))[:-KEPT]:
                old.unlink()

    def keep(self) -> None:
        """Save what has been learned and all that going on from it needs."""
        model = self.model
        assert isinstance(model, PPO)
        save_policy(
            self._folder / POLICY_FILE,
            model.policy,
            optimizer=model.policy.optimizer.state_dict(),
            steps=model.num_timesteps,
            updates=model._n_updates,
            best=self._best,
        )


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
        folder: receives ``policy.pt``, the policy learned last; ``best.pt``, the one whose latest
            episodes brought most; ``step-*.pt``, the latest checkpoints; ``config.yaml`` and the
            tensorboard log.
        resume: go on from the folder's policy for ``total_steps`` more; of its configuration only
            ``total_steps`` and ``checkpoint_every`` may differ.
        overwrite: replace the run in the folder.
        progress: show a progress bar.

    Returns:
        The trained model.

    Raises:
        ValueError: the configuration cannot be used, the folder holds a run and neither ``resume``
            nor ``overwrite`` is chosen, or there is nothing to resume.
        KeyboardInterrupt: by Ctrl-C or SIGTERM; it says what was saved.
    """
    folder = Path(folder)
    _check_arguments("encoder", config.encoder, AudioVisualEncoder)
    _check_arguments("ppo", config.ppo, PPO)
    text = config.to_yaml()
    check_folder(folder, config, resume, overwrite)
    envs = VecMonitor(make_sb3(num_envs=config.num_envs, **config.env))
    try:
        model = _new_model(folder, config, envs)
        checkpoints = Checkpoints(folder, config.checkpoint_every)
        if resume:
            checkpoints = _go_on(folder, config, model, envs)
        else:
            remove_run(folder)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / CONFIG_FILE).write_text(text, encoding="utf-8")
        with terminable():
            _learn(model, config, checkpoints, resume, progress)
    except KeyboardInterrupt as stop:
        if not (folder / POLICY_FILE).exists():
            raise
        steps = read_checkpoint(folder / POLICY_FILE)["steps"]
        raise type(stop)(
            f"{folder / POLICY_FILE} has what was learned in {steps:,} steps; --resume goes on"
        ) from stop
    finally:
        envs.close()
    return model


def _learn(
    model: PPO, config: TrainingConfig, checkpoints: Checkpoints, resume: bool, progress: bool
) -> None:
    """Learn, and keep what has been learned so far also where that is interrupted."""
    checkpoints.init_callback(model)
    try:
        model.learn(
            config.total_steps,
            callback=[EpisodeMetrics(), checkpoints],
            tb_log_name=LOG_NAME,
            reset_num_timesteps=not resume,
            progress_bar=progress,
        )
    finally:
        checkpoints.keep()


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
        if isinstance(value, float) and not np.isfinite(value):
            raise ValueError(f"{group}.{name} is {value!r}; accepted: a finite number")


def _new_model(folder: Path, config: TrainingConfig, envs: VecEnv) -> PPO:
    try:
        return PPO(
            "MultiInputPolicy",
            envs,
            seed=config.seed,
            tensorboard_log=str(folder),
            policy_kwargs=policy_arguments(config.encoder),
            **config.ppo,
        )
    # How stable-baselines3 and torch refuse values.
    except (AssertionError, AttributeError, RuntimeError, TypeError, ZeroDivisionError) as error:
        said = (str(error) or type(error).__name__).partition("\n")[0]
        raise ValueError(f"ppo: {said}") from error


def _go_on(folder: Path, config: TrainingConfig, model: PPO, envs: VecEnv) -> Checkpoints:
    """Put a model where the run in a folder has come to, and return what keeps its checkpoints."""
    file = folder / POLICY_FILE
    data = read_checkpoint(file)
    try:
        model.policy.load_state_dict(data["weights"])
        model.policy.optimizer.load_state_dict(data["optimizer"])
        model.num_timesteps, model._n_updates = data["steps"], data["updates"]
        best = data["best"]
    except (KeyError, RuntimeError, ValueError) as error:
        said = str(error).partition("\n")[0]
        raise ValueError(f"{file}: cannot be resumed: {said}") from error
    fresh = config.seed + model.num_timesteps  # not the episodes that the run began with
    set_random_seed(fresh)
    envs.seed(fresh)
    return Checkpoints(folder, config.checkpoint_every, best)
