"""What users of ``avenv.habitat.lab`` call: registration, configurations, datasets."""

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from avenv.tasks.episode import Episode

CONFIG = Path(__file__).with_name("avenv.yaml")
"""The configuration that ``get_config`` composes; its groups can be used in others."""

_MODULES = ("configuration", "sensors", "episodes", "simulator", "task")
_NAMES = {
    "sim": ("register_simulator", "get_simulator", "Avenv-v0"),
    "task": ("register_task", "get_task", "AvenvTask-v0"),
    "dataset": ("register_dataset", "get_dataset", "Avenv-v0"),
    "sensor": ("register_sensor", "get_sensor", "AvenvSensor"),
    "measure": ("register_measure", "get_measure", "AvenvMeasure"),
}


def register() -> None:
    """Register avenv's simulator, task, dataset, sensor, measure and configurations.

    Raises:
        ImportError: habitat-lab cannot be imported; where habitat_sim is not installed,
            ``enable_without_sim`` comes first. Or it is a version whose registry differs.
    """
    try:
        registry = import_module("habitat.core.registry").registry
    except ImportError as error:
        raise ImportError(
            f"habitat-lab cannot be imported: {error}; without habitat_sim call "
            "avenv.habitat.lab.enable_without_sim() first"
        ) from error
    lacking = [m for names in _NAMES.values() for m in names[:2] if not hasattr(registry, m)]
    if lacking:
        raise ImportError(
            f"habitat-lab {_version()} has a registry without {', '.join(lacking)}; accepted: 0.3"
        )
    for name in _MODULES:
        import_module(f"avenv.habitat.lab.{name}")
    for _, get, name in _NAMES.values():
        if getattr(registry, get)(name) is None:
            raise ImportError(f"habitat-lab {_version()} does not keep {name!r}; accepted: 0.3")


def get_config(
    task: str = "AudioGoal",
    overrides: Sequence[str] = (),
    config_path: str | Path = CONFIG,
    **options: Any,
) -> Any:
    """Return a configuration of habitat-lab's in which ``habitat.Env`` runs a task of avenv's.

    Args:
        task: a name in ``avenv.tasks.TASKS``.
        overrides: of habitat-lab's fields, as Hydra takes them, such as
            ``"habitat.simulator.agents.main_agent.sim_sensors.rgb_sensor.width=64"``,
            ``"~habitat.simulator.agents.main_agent.sim_sensors.depth_sensor"`` or
            ``"habitat.dataset.count=10"``.
        config_path: of another configuration that has avenv's groups among its defaults.
        **options: of ``avenv.envs.batch.Batch``, such as ``scenes`` and ``sounds``.

    Raises:
        ImportError: as ``register``.
    """
    register()
    from habitat.config.default import get_config as compose
    from habitat.config.read_write import read_write
    from omegaconf import OmegaConf

    config = compose(str(config_path), list(overrides))
    with read_write(config):
        config.habitat.simulator.task = task
        config.habitat.simulator.options = OmegaConf.merge(
            config.habitat.simulator.options, options
        )
    return config


def dataset_of(episodes: Iterable[Episode] | Mapping[str, Episode]) -> Any:
    """Return episodes of avenv's as a dataset, for ``habitat.Env(config, dataset)``.

    Args:
        episodes: some, or some by their ids.

    Raises:
        ImportError: as ``register``.
    """
    register()
    from avenv.habitat.lab.episodes import dataset_from

    return dataset_from(episodes)


def _version() -> str:
    return str(getattr(import_module("habitat"), "__version__", "of an unknown version"))
