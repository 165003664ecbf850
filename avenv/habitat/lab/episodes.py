"""Episodes between habitat-lab and avenv, and a dataset of them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attr
import numpy as np
from habitat.core.dataset import Dataset
from habitat.core.registry import registry
from habitat.tasks.nav.nav import NavigationEpisode, NavigationGoal

from avenv.benchmark.sets import load_set
from avenv.core.suggest import accepted
from avenv.envs.batch import Batch
from avenv.habitat.axes import from_habitat, heading_of, quaternion_of, to_habitat
from avenv.habitat.lab.batch import make_batch
from avenv.simulation.world import load_scene
from avenv.tasks.episode import Episode, Goal, Point, Reference, as_episode


@attr.s(auto_attribs=True, kw_only=True)
class AvenvEpisode(NavigationEpisode):
    """An episode of avenv's: ``setup`` is all of it, as plain data; the rest is what Habitat asks.

    The height of ``start_position`` is that of the floor once the episode has begun.
    """

    setup: dict[str, Any] = attr.ib(factory=dict)


def as_habitat(episode: Episode, number: int | str) -> AvenvEpisode:
    """Return an episode of avenv's as habitat-lab has them."""
    w, x, y, z = quaternion_of(episode.heading).tolist()
    places = [_place(goal, episode) for goal in episode.goals]
    return AvenvEpisode(  # type: ignore[call-arg]  # the fields are those of Habitat's episodes
        episode_id=str(number),
        scene_id=episode.scene.name,
        start_position=to_habitat((*episode.start, 0.0)).tolist(),
        start_rotation=[x, y, z, w],
        goals=[NavigationGoal(position=to_habitat(p).tolist()) for p in places if p is not None],
        info={"geodesic_distance": episode.geodesic_distance, "num_action": episode.oracle_actions},
        setup=episode.to_dict(),
    )


def as_avenv(episode: Any, batch: Batch) -> Episode:
    """Return an episode of habitat-lab's as avenv has them.

    One of Habitat's own datasets has a scene, a start and goals, and no sound: it fits the tasks
    that need none, as ``PointGoal``.

    Raises:
        ValueError: it does not fit the task.
        SceneError: its scene cannot be loaded.
    """
    if setup := getattr(episode, "setup", None):
        return as_episode(setup)
    world = load_scene(episode.scene_id)
    x, y, _ = from_habitat(episode.start_position).tolist()
    i, j, k, w = episode.start_rotation
    return Episode(
        task=batch.task.name,
        scene=Reference(world.reference, world.content_hash),
        start=(x, y),
        heading=heading_of((w, i, j, k)),
        goals=tuple(
            Goal(position=tuple(from_habitat(goal.position).tolist()))
            for goal in episode.goals or ()
        ),
    )


@registry.register_dataset(name="Avenv-v0")
class AvenvDataset(Dataset):
    """Episodes that avenv makes up, or those of one of its sets.

    Args:
        config: ``habitat.dataset``, an ``AvenvDatasetConfig``: with a ``data_path`` the episodes of
            ``split`` of that set (a name, or a file); else ``count`` episodes of the environment
            that ``simulator`` describes, of the seeds from ``seed`` on. None: there are none yet.

    Raises:
        ValueError: there is no such set or split.
        SceneError, SoundError: a scene or sound cannot be used.
    """

    def __init__(self, config: Any = None):
        self.episodes: list[AvenvEpisode] = []
        if config is None:
            return
        found = _of_set(config) if config.data_path else _made_up(config)
        wanted = self.build_content_scenes_filter(config)
        self.episodes = [episode for episode in found if wanted(episode)]

    @staticmethod
    def scene_from_scene_path(scene_path: str) -> str:
        """Return the name of a scene: of a file without folder and ending, of a home all of it."""
        return Path(scene_path).stem if Path(scene_path).suffix else scene_path

    @staticmethod
    def check_config_paths_exist(config: Any) -> bool:
        """Return whether the set is there."""
        try:
            return not config.data_path or bool(load_set(config.data_path).split(config.split))
        except ValueError:
            return False


def dataset_from(episodes: Iterable[Episode]) -> AvenvDataset:
    """Return a dataset of some episodes of avenv's."""
    made = AvenvDataset()
    made.episodes = [as_habitat(episode, k) for k, episode in enumerate(episodes)]
    return made


def _place(goal: Goal, episode: Episode) -> Point | None:
    """Return where a goal is when its episode begins; None: its scene would have to be asked."""
    if goal.position is None and goal.source is not None:
        return episode.sources[goal.source].position
    return goal.position


def _of_set(config: Any) -> list[AvenvEpisode]:
    found = load_set(config.data_path)
    task = config.simulator.task
    if task != found.task:
        raise ValueError(
            f"dataset.data_path is a set of {found.task}, and simulator.task is {task!r}; "
            f"{accepted(task, [found.task])}"
        )
    return [as_habitat(one.episode, one.id) for one in found.split(config.split)]


def _made_up(config: Any) -> list[AvenvEpisode]:
    batch = make_batch(config.simulator, blind=True)
    seeds = np.arange(config.count) + int(config.seed)
    return [as_habitat(batch.episode_of(seed), seed) for seed in seeds.tolist()]
