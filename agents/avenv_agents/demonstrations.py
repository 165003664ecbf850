"""Demonstrations: episodes of any agent as a data set in Minari's format, for learning offline.

Minari (Younis et al. 2024) is what Gymnasium's community keeps offline data in; d3rlpy, TorchRL and
others read it. Its own library writes the files, so that they are what it will read.

Episode k is the one that seed ``seed + k`` begins, as in the benchmark. Each is written down as it
ends, and the data set is made of them when all are there: a run that is interrupted goes on where
it stopped, and there is never half a data set.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from tqdm import tqdm

from avenv.benchmark.agent import AgentFactory
from avenv.benchmark.evaluate import plain
from avenv.benchmark.player import Crew
from avenv.benchmark.provenance import identity
from avenv.core.files import draft_of
from avenv.core.interrupts import terminable
from avenv.envs.batch import Batch
from avenv.envs.vector import BatchEnv

PARTS, DATA, SETTINGS = "episodes", "data", "settings.json"
"""In the folder: finished episodes, the data set made of them, and what they are of."""
ID = re.compile(r"[-_\w]+-v\d+")
"""Names that Minari takes for data sets."""


def make_demonstrations(
    agent: AgentFactory,
    name: str,
    folder: str | Path,
    episodes: int = 100,
    seed: int = 0,
    num_envs: int = 8,
    task: str = "AudioGoal",
    progress: bool = True,
    **options: Any,
) -> Path:
    """Let an agent act, and write what it saw, did and got as a data set of Minari.

    An episode of T steps has T + 1 observations, T actions and rewards, and in ``infos`` metrics
    and truth, (T + 1,) each. Its ``options`` hold the episode itself as JSON, which begins it
    again in any environment. Observations are as the environment gives them, without loss.

    Args:
        agent: makes the agent, given the vector environment.
        name: of the agent, for the data set's description.
        folder: whose name is that of the data set, and whose folder ``data`` receives it, where
            Minari looks for it: ``MINARI_DATASETS_PATH=demos`` and
            ``minari.load_dataset("oracle-v0")`` for ``demos/oracle-v0``.
        episodes: number of episodes.
        seed: of the first one.
        num_envs: environments stepped at once; the data do not depend on it.
        task: a name in ``avenv.tasks.TASKS``.
        progress: show a progress bar.
        **options: of the environment, see ``avenv.envs.batch.Batch``.

    Returns:
        the folder ``data``.

    Raises:
        ImportError: Minari is not installed.
        ValueError: the folder is not named as a data set is, holds one already, or episodes of
            other settings; an option is out of range.
    """
    folder = Path(folder)
    _check_folder(folder, episodes)
    settings = {"avenv": version("avenv"), "agent": name, "code": identity(agent),
                "task": task, "seed": seed, **plain(options)}  # fmt: skip
    missing = [k for k in range(episodes) if not _part(folder, k).exists()]
    rows = max(1, min(num_envs, len(missing)))
    envs = BatchEnv(task, rows, autoreset_mode=AutoresetMode.DISABLED, **options)
    try:
        _claim(folder, settings)
        with terminable(), tqdm(total=episodes, initial=episodes - len(missing), desc=name,
                                unit="episode", disable=not progress) as bar:  # fmt: skip
            for number, arrays in _played(envs, agent, missing, seed):
                with draft_of(_part(folder, number)) as draft, open(draft, "wb") as file:
                    np.savez(file, **arrays)  # type: ignore[arg-type]
                bar.update()
    finally:
        envs.close()
    return _assemble(folder, name, episodes, seed, envs, options)


def _check_folder(folder: Path, episodes: int) -> None:
    try:
        import minari  # noqa: F401 (said here that it is missing)
    except ImportError as error:
        raise ImportError(
            f'demonstrations need Minari ({error}): pip install "avenv[data]"'
        ) from error
    if not ID.fullmatch(folder.name):
        raise ValueError(f"{folder}: accepted: a folder named as a data set, such as oracle-v0")
    if (folder / DATA).exists():
        raise ValueError(f"{folder} holds a data set; accepted: another folder")
    if not isinstance(episodes, int | np.integer) or episodes < 1:
        raise ValueError(f"episodes is {episodes!r}; accepted: a whole number from 1")


def _claim(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write down what a folder's episodes are of; ``ValueError`` if they are of something else."""
    text = json.dumps(dict(settings), default=str, sort_keys=True, indent=1)
    file = folder / SETTINGS
    if file.exists():
        if file.read_text(encoding="utf-8") != text:
            raise ValueError(
                f"{folder} holds episodes of other settings, see {file}; accepted: the same "
                "settings, or another folder"
            )
        return
    (folder / PARTS).mkdir(parents=True, exist_ok=True)
    with draft_of(file) as draft:
        draft.write_text(text, encoding="utf-8")


def _part(folder: Path, number: int) -> Path:
    return folder / PARTS / f"{number:06d}.npz"


def _played(
    envs: BatchEnv, agent: AgentFactory, numbers: Sequence[int], seed: int
) -> Iterator[tuple[int, dict[str, NDArray]]]:
    """Yield the number and the arrays of every episode as it ends."""
    batch, crew, queue = envs.batch, Crew(agent, envs), iter(numbers)
    reward = np.zeros(envs.num_envs)
    playing: dict[int, tuple[int, dict[str, list]]] = {}  # by row: which episode, and its columns
    while True:
        free = [row for row in range(envs.num_envs) if row not in playing]
        begun = dict(zip(free, queue, strict=False))
        playing |= {row: (number, {}) for row, number in begun.items()}
        if not playing:
            return
        batch.reset(begun, {row: batch.episode_of(seed + k) for row, k in begun.items()})
        for row, number in begun.items():
            crew.reset(row, seed + number)
            playing[row][1]["episode"] = [json.dumps(batch.task.episodes[row].to_dict())]
        _note({row: playing[row][1] for row in begun}, batch)
        active = np.isin(np.arange(envs.num_envs), list(playing))
        actions = batch.check_actions(crew.act(active, reward))
        reward, terminated, truncated = batch.step(actions, active)
        columns = {row: own for row, (_, own) in playing.items()}
        _note(columns, batch)
        result = {"actions": actions, "rewards": reward, "terminations": terminated,
                  "truncations": truncated}  # fmt: skip
        for row, own in columns.items():
            for key, values in result.items():
                own.setdefault(key, []).append(np.array(values[row]))
        for row in np.flatnonzero((terminated | truncated) & active).tolist():
            number, own = playing.pop(row)
            yield number, {key: np.array(values) for key, values in own.items()}


def _note(columns: Mapping[int, dict[str, list]], batch: Batch) -> None:
    """Add to episodes' columns, by row, what is seen, how it goes and how it is in truth."""
    observation, info = batch.observe(), batch.info()
    found = {f"observations/{name}": value for name, value in observation.items()}
    found |= {f"infos/{group}/{k}": v for group, own in info.items() for k, v in own.items()}
    for row, own in columns.items():
        for name, value in found.items():
            own.setdefault(name, []).append(np.array(value[row]))


def _assemble(
    folder: Path, name: str, episodes: int, seed: int, envs: BatchEnv, options: Mapping[str, Any]
) -> Path:
    """Make the data set of a folder's episodes; it appears when it is whole."""
    from minari.data_collector import EpisodeBuffer
    from minari.dataset.minari_storage import MinariStorage

    draft = folder / f".{DATA}.tmp"
    shutil.rmtree(draft, ignore_errors=True)  # of a killed run
    spec = deepcopy(gym.spec(f"avenv/{envs.batch.task.name}-v0"))
    spec.kwargs |= {k: v for k, v in options.items() if k != "max_episode_steps"}
    spec.max_episode_steps = options.get("max_episode_steps", spec.max_episode_steps)
    space, actions = envs.single_observation_space, envs.single_action_space
    draft.mkdir(parents=True)
    storage = MinariStorage.new(draft, space, actions, spec, "hdf5", jpeg_encoding=False)
    for number in range(episodes):
        with np.load(_part(folder, number), allow_pickle=False) as file:
            arrays = dict(file)
        storage.update_episodes(
            [
                EpisodeBuffer(
                    seed=seed + number,
                    options={"episode": str(arrays["episode"][0])},
                    observations=_within(arrays, "observations"),
                    actions=list(arrays["actions"]),
                    rewards=list(arrays["rewards"]),
                    terminations=list(arrays["terminations"]),
                    truncations=list(arrays["truncations"]),
                    infos={
                        group: _within(arrays, f"infos/{group}") for group in ("metrics", "truth")
                    },
                )
            ]
        )
    storage.update_metadata(
        {
            "dataset_id": folder.name,
            "minari_version": version("minari"),
            "algorithm_name": name,
            "description": f"{episodes} episodes of {name}, made by avenv {version('avenv')}",
        }
    )
    os.replace(draft, folder / DATA)
    shutil.rmtree(folder / PARTS)
    return folder / DATA


def _within(arrays: Mapping[str, NDArray], group: str) -> dict[str, NDArray]:
    prefix = f"{group}/"
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
