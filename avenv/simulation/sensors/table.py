"""The table of sensors, by the names of their observations."""

import re
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from avenv.simulation.sensors.sensor import Rig, Sensor

_HERE = "avenv.simulation.sensors"

SENSORS: "dict[str, str | Callable[[Rig], Sensor]]" = {
    "rgb": f"{_HERE}.pictures:Rgb",
    "depth": f"{_HERE}.pictures:Depth",
    "semantic": f"{_HERE}.pictures:Semantic",
    "instance": f"{_HERE}.pictures:Instance",
    "normal": f"{_HERE}.pictures:Normal",
    "audio": f"{_HERE}.audio:Audio",
    "spectrogram": f"{_HERE}.spectrogram:Spectrogram",
    "logmel": f"{_HERE}.logmel:LogMel",
    "interaural": f"{_HERE}.interaural:Interaural",
    "gcc_phat": f"{_HERE}.gcc_phat:GccPhat",
    "binaural": f"{_HERE}.binaural:Binaural",
    "pose": f"{_HERE}.pose:Pose",
    "contact": f"{_HERE}.contact:Contact",
    "instruction": f"{_HERE}.instruction:Instruction",
    "answer": f"{_HERE}.instruction:Answer",
    "pointgoal": f"{_HERE}.pointgoal:PointGoal",
    "pointgoal_with_gps_compass": f"{_HERE}.pointgoal:PointGoalNow",
}
"""Every sensor: what makes one for a ``Rig``, or where that is, as ``"module:name"``."""


def sensor_names() -> tuple[str, ...]:
    """Return the names of all sensors."""
    return tuple(SENSORS)


def register_sensor(name: str, make: "Callable[[Rig], Sensor]") -> None:
    """Let ``sensors=(name, ...)`` choose a sensor of your own.

    Args:
        name: of its observation: letters, digits and ``_``.
        make: a class derived from ``Sensor``, or a function of a ``Rig`` that returns one.

    Raises:
        ValueError: the name is none, or another sensor has it.
    """
    if not re.fullmatch(r"\w+", name):
        raise ValueError(f"the sensor's name is {name!r}; accepted: letters, digits and _")
    if SENSORS.get(name, make) is not make:
        raise ValueError(f"there is a sensor {name!r} already; accepted: another name")
    SENSORS[name] = make


def make_sensors(rig: "Rig") -> "dict[str, Sensor]":
    """Return the sensors that a rig's settings choose, by the names of their observations."""
    sensors: dict[str, Sensor] = {}
    for name in rig.settings.names:
        make = SENSORS[name]
        if isinstance(make, str):
            module, _, attribute = make.partition(":")
            make = getattr(import_module(module), attribute)
        sensors[name] = make(rig)
    from avenv.simulation.sensors.pictures import Picture

    for camera in rig.settings.cameras:
        for picture in camera.sensors:
            sensors[camera.key(picture)] = Picture(rig, picture, rig.eye(camera))
    return sensors
