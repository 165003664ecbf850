"""avenv's groups of habitat-lab's configuration: simulator, task, dataset and sensors."""

from dataclasses import dataclass, field
from typing import Any

from habitat.config.default_structured_configs import (
    DatasetConfig,
    LabSensorConfig,
    MeasurementConfig,
    SimulatorConfig,
    TaskConfig,
)
from hydra.core.config_store import ConfigStore


@dataclass
class AvenvSimulatorConfig(SimulatorConfig):
    """``habitat.simulator``: the ``task`` is one of avenv's, ``options`` are those of its batch."""

    type: str = "Avenv-v0"
    turn_angle: int = 15
    task: str = "AudioGoal"
    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class AvenvTaskConfig(TaskConfig):
    """``habitat.task``: the reward is avenv's, and nothing is added to it."""

    type: str = "AvenvTask-v0"
    reward_measure: str | None = "reward"
    success_measure: str | None = "success"
    success_reward: float = 0.0
    slack_reward: float = 0.0
    goal_sensor_uuid: str = "spectrogram"
    actions: dict[str, Any] = field(default_factory=dict)


@dataclass
class AvenvDatasetConfig(DatasetConfig):
    """``habitat.dataset``: ``count`` episodes that avenv makes up, of the seeds from ``seed``."""

    type: str = "Avenv-v0"
    count: int = 20
    seed: int = 0
    simulator: Any = "${habitat.simulator}"


@dataclass
class AvenvSensorConfig(LabSensorConfig):
    """``sim_sensors.*``: an observation of avenv's, and what it is called."""

    type: str = "AvenvSensor"
    sensor: str = "audio"
    uuid: str = "audiogoal"


@dataclass
class AvenvSpectrogramConfig(AvenvSensorConfig):
    """The spectrogram of SoundSpaces."""

    sensor: str = "spectrogram"
    uuid: str = "spectrogram"


@dataclass
class AvenvMeasureConfig(MeasurementConfig):
    """``measurements.*``: a metric of avenv's task, or ``reward``."""

    type: str = "AvenvMeasure"
    metric: str = "success"


_STORE = ConfigStore.instance()
_STORE.store("avenv", AvenvSimulatorConfig, "habitat/simulator", "habitat.simulator")
_STORE.store("avenv", AvenvTaskConfig, "habitat/task", "habitat.task")
_STORE.store("avenv", AvenvDatasetConfig, "habitat/dataset", "habitat.dataset")
_STORE.store("audiogoal_sensor", AvenvSensorConfig, "habitat/simulator/sim_sensors")
_STORE.store("spectrogram_sensor", AvenvSpectrogramConfig, "habitat/simulator/sim_sensors")
_STORE.store("avenv_measure", AvenvMeasureConfig, "habitat/task/measurements")
