"""Episodes between habitat-lab and avenv, and a dataset of them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attr
import numpy as np
from habitat.core.dataset import Dataset
from habitat.core.registry import registry
from habitat.tasks.nav.nav import NavigationEpisode, NavigationGoal

from avenv.envs.batch import Batch
from avenv.habitat.axes import from_habitat, heading_of, quaternion_of, to_habitat
from avenv.habitat.lab.batch import make_batch
from avenv.habitat.soundspaces import habitat_scene
from avenv.simulation.loading import load_scene
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
    world = load_scene(habitat_scene(episode.scene_id))
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
    """Episodes that avenv makes up.

    Args:
        config: ``habitat.dataset``, an ``AvenvDatasetConfig``: ``count`` episodes of the
            environment that ``simulator`` describes, of the seeds from ``seed`` on. None: there are
            none yet.

    Raises:
        SceneError, SoundError: a scene or sound cannot be used.
    """

    def __init__(self, config: Any = None):
        self.episodes: list[AvenvEpisode] = []
        if config is None:
            return
        batch = make_batch(config.simulator, blind=True)
        seeds = np.arange(config.count) + int(config.seed)
        found = [as_habitat(batch.episode_of(seed), seed) for seed in seeds.tolist()]
        wanted = self.build_content_scenes_filter(config)
        self.episodes = [episode for episode in found if wanted(episode)]

    @staticmethod
    def scene_from_scene_path(scene_path: str) -> str:
        """Return the name of a scene: of a file without folder and ending, of a home all of it."""
        return Path(scene_path).stem if Path(scene_path).suffix else scene_path

    @staticmethod
    def check_config_paths_exist(config: Any) -> bool:
        """Say that there is nothing to be downloaded."""
        return True


def dataset_from(episodes: Iterable[Episode] | Mapping[str, Episode]) -> AvenvDataset:
    """Return a dataset of some episodes of avenv's, with their ids where they have such."""
    named = episodes.items() if isinstance(episodes, Mapping) else enumerate(episodes)
    made = AvenvDataset()
    made.episodes = [as_habitat(episode, name) for name, episode in named]
    return made


def _place(goal: Goal, episode: Episode) -> Point | None:
    """Return where a goal is when its episode begins; None: its scene would have to be asked."""
    if goal.position is None and goal.source is not None:
        return episode.sources[goal.source].position
    return goal.position
