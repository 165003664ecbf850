"""The pictures of a batch of cameras, and what they can show."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

SENSORS = ("rgb", "depth", "semantic", "instance", "normal")
"""What a camera can see."""

USUAL = SENSORS[:3]
"""What it sees unless told otherwise."""

MAX_DEPTH = np.float32(10.0)
"""Farthest depth that a depth sensor tells, metres."""

MAX_SIDE = 8192
"""Largest width or height of a picture, pixels."""


def as_names(sensors: Any, accepted: tuple[str, ...] = SENSORS) -> tuple[str, ...]:
    """Return a choice of sensors, which may be a single name, as a tuple, each of them once.

    Raises:
        ValueError: it is empty, or something else than accepted names.
    """
    names = (sensors,) if isinstance(sensors, str) else sensors
    if not isinstance(names, Iterable) or not (names := tuple(names)):
        raise ValueError(f"sensors is {sensors!r}; accepted: one or more of {', '.join(accepted)}")
    for name in names:
        if name not in accepted:
            raise ValueError(f"sensors has {name!r}; accepted: {', '.join(accepted)}")
    return tuple(dict.fromkeys(names))


class Pictures(NamedTuple):
    """Pictures of n cameras, H x W pixels, row 0 on top; a sensor not asked for has no rows.

    Attributes:
        rgb: (n, H, W, 3) uint8, sRGB.
        depth: (n, H, W, 1) float32 metres along the optical axis (in a panorama, which has none:
            from the camera), at most 10; 0 for nothing.
        semantic: (n, H, W, 1) int32 category, 0 for nothing.
        instance: (n, H, W, 1) int32 row of the scene's objects plus 1, 0 for nothing.
        normal: (n, H, W, 3) float32 unit normal of the surface, on the side that is seen, in the
            *camera's* axes: forward, left, up. ``normal @ rotation.T`` turns it into the world's.
            0 for nothing.
    """

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    semantic: NDArray[np.int32]
    instance: NDArray[np.int32]
    normal: NDArray[np.float32]

    @classmethod
    def allocate(cls, n: int, size: tuple[int, int], sensors: Iterable[str] = USUAL) -> "Pictures":
        """Make room for n cameras with pictures of (width, height) pixels.

        Raises:
            ValueError: n is less than 1, or a sensor is unknown.
        """
        wanted = as_names(sensors)
        if n < 1:
            raise ValueError(f"n is {n}; at least 1 camera is needed")
        width, height = size
        rows = {sensor: n if sensor in wanted else 0 for sensor in SENSORS}
        return cls(
            rgb=np.zeros((rows["rgb"], height, width, 3), np.uint8),
            depth=np.zeros((rows["depth"], height, width, 1), np.float32),
            semantic=np.zeros((rows["semantic"], height, width, 1), np.int32),
            instance=np.zeros((rows["instance"], height, width, 1), np.int32),
            normal=np.zeros((rows["normal"], height, width, 3), np.float32),
        )

    @property
    def sensors(self) -> dict[str, NDArray]:
        """The arrays that were asked for, by name."""
        return {name: array for name, array in self._asdict().items() if len(array)}
