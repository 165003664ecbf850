"""The sensors that a simulator of habitat-lab's has: pictures as Habitat scales them, and ours."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gym import spaces
from habitat.core.registry import registry
from habitat.core.simulator import Sensor, SensorTypes
from numpy.typing import NDArray

from avenv.core.suggest import accepted
from avenv.simulation.cameras import Camera
from avenv.vision import MAX_DEPTH


class Kind(NamedTuple):
    """A type of habitat-lab's cameras.

    Attributes:
        picture: what avenv calls it.
        projection: of ``avenv.vision.Optics``.
        type: for those who ask.
    """

    picture: str
    projection: str
    type: SensorTypes


KINDS = {
    f"HabitatSim{shape}{name}Sensor": Kind(picture, projection, kind)
    for shape, projection in (("", "perspective"), ("Equirectangular", "equirectangular"))
    for name, picture, kind in (
        ("RGB", "rgb", SensorTypes.COLOR),
        ("Depth", "depth", SensorTypes.DEPTH),
        ("Semantic", "semantic", SensorTypes.SEMANTIC),
    )
}
"""The cameras that there are, by ``sim_sensors.*.type``."""


class PictureSensor(Sensor):
    """A camera's pictures, scaled and shaped as ``HabitatSim*Sensor`` do.

    Depth is clipped to ``min_depth`` and ``max_depth``, and brought to 0 to 1 if
    ``normalize_depth`` says so; where nothing is hit it is ``min_depth``. Semantics are avenv's
    categories.
    """

    def __init__(self, name: str, config: Any, kind: Kind, key: str):
        self.key, self._kind, self._name = key, kind, name
        if kind.picture == "depth":
            self._low, self._high = float(config.min_depth), float(config.max_depth)
            self._normalize = bool(config.normalize_depth)
            if not 0 <= self._low < self._high <= MAX_DEPTH:
                raise ValueError(
                    f"sim_sensors.{name}: min_depth is {self._low} and max_depth {self._high}; "
                    f"accepted: 0 <= min_depth < max_depth <= {MAX_DEPTH:g} m"
                )
        super().__init__(config=config)

    def _get_uuid(self, *args: Any, **kwargs: Any) -> str:
        return self._name.removesuffix("_sensor")

    def _get_sensor_type(self, *args: Any, **kwargs: Any) -> SensorTypes:
        return self._kind.type

    def _get_observation_space(self, *args: Any, **kwargs: Any) -> spaces.Box:
        size = int(self.config.height), int(self.config.width)
        if self._kind.picture == "rgb":
            return spaces.Box(0, 255, (*size, 3), np.uint8)
        if self._kind.picture == "semantic":
            return spaces.Box(0, np.iinfo(np.int32).max, (*size, 1), np.int32)
        low, high = (0.0, 1.0) if self._normalize else (self._low, self._high)
        return spaces.Box(low, high, (*size, 1), np.float32)

    def get_observation(self, seen: Mapping[str, NDArray]) -> NDArray:
        """Return the picture of what avenv observed."""
        picture = seen[self.key]
        if self._kind.picture != "depth":
            return picture
        depth = np.clip(picture, self._low, self._high)
        if self._normalize:
            depth = (depth - self._low) / (self._high - self._low)
        return depth.astype(np.float32, copy=False)


@registry.register_sensor(name="AvenvSensor")
class AvenvSensor(Sensor):
    """Any observation of avenv's: ``sensor`` says which, ``uuid`` what it is called here."""

    def __init__(self, config: Any, space: gymnasium.Space):
        self.key, self._space = str(config.sensor), space
        super().__init__(config=config)

    def _get_uuid(self, *args: Any, **kwargs: Any) -> str:
        return self.key

    def _get_sensor_type(self, *args: Any, **kwargs: Any) -> SensorTypes:
        return SensorTypes.PATH  # as SoundSpaces' audio sensors

    def _get_observation_space(self, *args: Any, **kwargs: Any) -> spaces.Box:
        if not isinstance(self._space, gymnasium.spaces.Box):
            raise ValueError(
                f"sim_sensors has the sensor {self.key!r}, which is no array; accepted: one that is"
            )
        box = self._space
        return spaces.Box(box.low, box.high, box.shape, box.dtype)

    def get_observation(self, seen: Mapping[str, NDArray]) -> NDArray:
        """Return what avenv observed."""
        return seen[self.key]


class Mounted(NamedTuple):
    """The sensors of an agent, as avenv's environment is to have them.

    Attributes:
        cameras: one for each place and way of looking.
        names: of avenv's other sensors.
        keys: of what a camera's sensor observes, by the name of the sensor in the configuration.
    """

    cameras: tuple[Camera, ...]
    names: tuple[str, ...]
    keys: dict[str, str]


def mount(sim_sensors: Mapping[str, Any]) -> Mounted:
    """Return what the sensors of an agent's configuration need.

    Cameras that stand and look alike are one, so that the scene is drawn once.

    Raises:
        ValueError: a sensor's type is unknown, or a camera cannot be as it is described.
    """
    cameras: dict[Camera, Camera] = {}
    names: list[str] = []
    keys: dict[str, str] = {}
    for name, config in sim_sensors.items():
        if config.type == "AvenvSensor":
            names.append(str(config.sensor))
            continue
        if config.type not in KINDS:
            known = ("AvenvSensor", *KINDS)
            raise ValueError(
                f"sim_sensors.{name}.type is {config.type!r}; {accepted(str(config.type), known)}"
            )
        kind = KINDS[config.type]
        alike = _camera(name, config, kind)
        made = cameras.get(alike, replace(alike, name=f"camera{len(cameras)}"))
        seen = (*made.sensors, kind.picture) if alike in cameras else (kind.picture,)
        cameras[alike] = made = replace(made, sensors=tuple(dict.fromkeys(seen)))
        keys[name] = made.key(kind.picture)
    return Mounted(tuple(cameras.values()), tuple(dict.fromkeys(names)), keys)


def make_sensors(sim_sensors: Mapping[str, Any], space: gymnasium.spaces.Dict) -> Iterator[Sensor]:
    """Yield habitat-lab's sensors of an agent, whose environment observes ``space``."""
    keys = mount(sim_sensors).keys
    for name, config in sim_sensors.items():
        if config.type == "AvenvSensor":
            yield AvenvSensor(config, space[str(config.sensor)])
        else:
            yield PictureSensor(name, config, KINDS[config.type], keys[name])


def _camera(name: str, config: Any, kind: Kind) -> Camera:
    """Return the camera of a configuration, without a name of its own.

    Its place is (right, up, back) of the agent's feet, and its orientation Euler angles in radians
    about these axes: up, to the left, and about the line of sight.
    """
    right, up, back = (float(x) for x in config.position)
    pitch, yaw, roll = (float(x) for x in config.orientation)
    if roll:
        raise ValueError(
            f"sim_sensors.{name}.orientation rolls by {roll}; accepted: [pitch, yaw, 0]"
        )
    if getattr(config, "noise_model", "None") != "None":
        raise ValueError(
            f"sim_sensors.{name}.noise_model is {config.noise_model!r}; accepted: 'None', and "
            "avenv's camera noise"
        )
    if getattr(config, "sensor_subtype", "PINHOLE") != "PINHOLE":
        raise ValueError(
            f"sim_sensors.{name}.sensor_subtype is {config.sensor_subtype!r}; accepted: 'PINHOLE'"
        )
    flat = kind.projection == "perspective"
    return Camera(
        "",
        ("rgb",),
        (int(config.width), int(config.height)),
        float(config.hfov) if flat else None,
        (-back, -right, up),
        float(np.rad2deg(yaw)),
        float(np.rad2deg(pitch)),
        kind.projection,
    )
