"""The cameras of a body: where each sits, what it sees and how well."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from avenv.core.records import as_record
from avenv.scene import CATEGORIES
from avenv.simulation.body import EYE_HEIGHT
from avenv.vision import MAX_DEPTH, CameraNoise, Optics
from avenv.vision.camera.checks import is_number
from avenv.vision.camera.optics import as_size
from avenv.vision.camera.pictures import as_names

FARTHEST = 10.0
"""Metres that a camera can be away from its body."""


@dataclass(frozen=True)
class Camera:
    """One camera of a body; its observations are called ``name/sensor``, e.g. ``rear/rgb``.

    Attributes:
        name: letters, digits, ``_`` and ``-``. The camera that the plain options ``sensors``,
            ``image_size``, ``hfov`` and ``camera_noise`` describe has an empty name, and its
            observations have no prefix.
        sensors: what it sees: one or more of rgb, depth, semantic, instance, normal.
        size: (width, height) of its pictures, pixels.
        hfov: horizontal field of view in degrees, 90 by default; of perspective pictures only.
        position: (x, y, z) metres in the frame of the body: forward, left, and up from the floor.
        heading: degrees to the left of where the body faces.
        pitch: degrees above the horizon.
        projection: ``"perspective"``; ``"orthographic"``, which needs a ``span``; or
            ``"equirectangular"``, all round. See ``avenv.vision.Optics``.
        span: metres from left to right; of orthographic pictures only.
        noise: what its pictures suffer, or None.

    Raises:
        ValueError: a setting is out of range; the message names camera and setting.
    """

    name: str
    sensors: tuple[str, ...] = ("rgb", "depth")
    size: tuple[int, int] = (128, 128)
    hfov: float | None = None
    position: tuple[float, float, float] = (0.0, 0.0, EYE_HEIGHT)
    heading: float = 0.0
    pitch: float = 0.0
    projection: str = "perspective"
    span: float | None = None
    noise: CameraNoise | None = None

    def __post_init__(self) -> None:
        if not (isinstance(self.name, str) and re.fullmatch(r"[\w-]*", self.name)):
            raise ValueError(
                f"a camera's name is {self.name!r}; accepted: letters, digits, _ and -"
            )
        try:
            self._check()
        except ValueError as error:
            raise ValueError(f"camera {self.name!r}: {error}") from None

    def _check(self) -> None:
        # YAML and JSON bring lists and mappings; the fields promise tuples and noise.
        position = tuple(self.position) if isinstance(self.position, list | tuple) else ()
        if len(position) != 3 or not all(is_number(x) and abs(x) <= FARTHEST for x in position):
            raise ValueError(
                f"position is {self.position!r}; accepted: (forward, left, up) in metres, each "
                f"within ±{FARTHEST:g}"
            )
        for name, limit in (("heading", 360), ("pitch", 90)):
            angle = getattr(self, name)
            if not (is_number(angle) and abs(angle) <= limit):
                raise ValueError(f"{name} is {angle!r}; accepted: degrees from -{limit} to {limit}")
        object.__setattr__(self, "sensors", as_names(self.sensors))
        object.__setattr__(self, "position", position)
        object.__setattr__(self, "size", as_size("size", self.size))
        object.__setattr__(self, "noise", as_noise("noise", self.noise))
        _ = self.optics  # raises if projection, hfov and span do not go together

    @property
    def optics(self) -> Optics:
        """Size and projection of the pictures."""
        return Optics(self.size, self.projection, self.hfov, self.span)

    def key(self, sensor: str) -> str:
        """Return the name of an observation."""
        return f"{self.name}/{sensor}" if self.name else sensor


def as_camera(camera: Any) -> Camera:
    """Return a ``Camera``, made from plain data where that is given.

    Raises:
        ValueError: it is neither, or a field is unknown or out of range.
    """
    return as_record("cameras has", camera, Camera)


def as_noise(name: str, noise: Any) -> CameraNoise | None:
    """Return ``CameraNoise``, made from plain data where that is given; None stays None.

    Raises:
        ValueError: it is something else, or a field is unknown or out of range.
    """
    return None if noise is None else as_record(f"{name} is", noise, CameraNoise)


def picture_space(sensor: str, size: tuple[int, int]) -> spaces.Box:
    """Return the space of one sensor's pictures of (width, height) pixels."""
    low, high, channels, dtype = _RANGES[sensor]
    return spaces.Box(low, high, (size[1], size[0], channels), dtype)  # type: ignore[arg-type]


_RANGES: dict[str, tuple[float, float, int, type[np.generic]]] = {
    "rgb": (0, 255, 3, np.uint8),
    "depth": (0, float(MAX_DEPTH), 1, np.float32),
    "semantic": (0, len(CATEGORIES) - 1, 1, np.int32),
    # Scenes differ in their number of objects, and homes without end have no greatest one; the
    # space must not depend on which are loaded.
    "instance": (0, np.iinfo(np.int32).max, 1, np.int32),
    "normal": (-1, 1, 3, np.float32),
}
