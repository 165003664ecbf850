"""Makers of environments for workers: each its own homes, and its own share of the validation."""

from dataclasses import dataclass
from typing import Any

from gymnasium.vector import AutoresetMode

from avenv.benchmark import evaluate
from avenv.envs.vector import BatchEnv
from avenv.scene.homes import find_homes, home_reference, is_reference
from avenv.simulation.settings import SensorSettings
from avenv.simulation.world import World
from avenv.simulation.worlds import load_worlds
from avenv.tasks.registry import find_registered
from avenv_agents.agent import Acting
from avenv_agents.policy import Policy
from avenv_agents.waypoints import WaypointEnvs


@dataclass(frozen=True)
class TrainingEnvs:
    """Makes the environments of a worker; of a set of homes, each worker has its own share.

    A home and the sound of its sources are computed by one worker alone, so that many workers do
    not do the same.

    Attributes:
        options: of the environments.
        rows: E of each worker.
        workers: how many there are.
        waypoints: whether actions are waypoints.
    """

    options: dict[str, Any]
    rows: int
    workers: int
    waypoints: bool = False

    def __call__(self, worker: int) -> BatchEnv | WaypointEnvs:
        """Return the environments of a worker."""
        options = dict(self.options)
        if "scenes" in options:
            options["scenes"] = share_of_homes(options["scenes"], worker, self.workers)
        if self.waypoints:
            return WaypointEnvs(self.rows, **options)
        return BatchEnv(num_envs=self.rows, autoreset_mode=AutoresetMode.SAME_STEP, **options)


def share_of_homes(scenes: Any, worker: int, workers: int) -> Any:
    """Return a worker's share of scenes: of one set of homes a run of it, else all of them."""
    if not (isinstance(scenes, str) and is_reference(scenes)):
        return scenes
    homes = find_homes(scenes)
    count = len(homes)
    if count < workers:
        return scenes
    first, end = worker * count // workers, (worker + 1) * count // workers
    return home_reference(homes.split, homes.numbers[first], homes.numbers[end - 1])


@dataclass(frozen=True)
class Validation:
    """Plays a worker's share of the validation's episodes; the same ones each time.

    Of a set of homes, each worker has its own, as in training.

    Attributes:
        options: of the environments.
        episodes: of all workers together.
        workers: how many there are.
        seed: of the first episode.
        rows: episodes that a worker plays at once.
    """

    options: dict[str, Any]
    episodes: int
    workers: int
    seed: int = 0
    rows: int = 8

    def __call__(self, policy: Policy, worker: int) -> list[dict[str, float]]:
        """Return the metrics of each episode of a worker's share."""
        first = worker * self.episodes // self.workers
        count = (worker + 1) * self.episodes // self.workers - first
        if count == 0:
            return []
        usual = find_registered(self.options.get("task", "AudioGoal")).scenes
        scenes = share_of_homes(self.options.get("scenes", usual), worker, self.workers)
        options = {"sensors": SensorSettings.names, **self.options, "scenes": _kept_worlds(scenes)}
        report = evaluate(
            Acting(policy),
            episodes=count,
            seed=self.seed + first,
            num_envs=min(self.rows, count),
            progress=False,
            **options,
        )
        return [
            {name: float(value) for name, value in record["metrics"].items()}
            for record in report.episodes
        ]


_worlds: dict[str, list[World]] = {}


def _kept_worlds(scenes: Any) -> Any:
    """Return the worlds of a finite set of scenes, kept from one validation to the next."""
    key = repr(scenes)
    if key not in _worlds:
        _worlds[key] = list(load_worlds(scenes))
    return _worlds[key]
