"""Where the pictures of a batch of cameras are written."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

SENSORS = ("rgb", "depth", "semantic", "instance", "normal")
"""What a camera can see."""

USUAL = SENSORS[:3]
"""What it sees unless told otherwise."""

TILE_BITS = 3
TILE = 1 << TILE_BITS
"""Side in pixels of the tiles that occlusion is tested on; a multiple of the SIMD width."""

HIDDEN = np.float32(3e38)
"""A depth or nearness that no visible thing has."""

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
    def allocate(
        cls, n: int, width: int, height: int, sensors: Iterable[str] = USUAL
    ) -> "Pictures":
        """Make room for n cameras.

        Raises:
            ValueError: n or a side is out of range, or a sensor is unknown.
        """
        wanted = as_names(sensors)
        if n < 1:
            raise ValueError(f"n is {n}; at least 1 camera is needed")
        for side, pixels in (("width", width), ("height", height)):
            if not 1 <= pixels <= MAX_SIDE:
                raise ValueError(f"{side} is {pixels} pixels; 1 to {MAX_SIDE} is accepted")
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


class Frames(NamedTuple):
    """The ``Pictures`` of n cameras with the visibility buffers that they are drawn from.

    Attributes:
        rgb, depth, semantic, instance, normal: as in ``Pictures``.
        nearness: (n, H', W') float32 scratch: nearness of the nearest triangle; whole tiles.
        triangle: (n, H', W') int32 scratch: that triangle's number, -1 for nothing.
    """

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    semantic: NDArray[np.int32]
    instance: NDArray[np.int32]
    normal: NDArray[np.float32]
    nearness: NDArray[np.float32]
    triangle: NDArray[np.int32]

    @classmethod
    def allocate(cls, n: int, width: int, height: int, sensors: Iterable[str] = USUAL) -> "Frames":
        """Make room for n cameras.

        Raises:
            ValueError: n or a side is out of range, or a sensor is unknown.
        """
        pictures = Pictures.allocate(n, width, height, sensors)
        tiled = (n, -(-height // TILE) * TILE, -(-width // TILE) * TILE)
        return cls(
            *pictures, nearness=np.empty(tiled, np.float32), triangle=np.empty(tiled, np.int32)
        )

    @property
    def cameras(self) -> int:
        """Number of cameras."""
        return self.nearness.shape[0]

    @property
    def height(self) -> int:
        """Rows of a picture."""
        return self.rgb.shape[1]

    @property
    def width(self) -> int:
        """Columns of a picture."""
        return self.rgb.shape[2]

    @property
    def sensors(self) -> dict[str, NDArray]:
        """The arrays that were asked for, by name."""
        return Pictures(self.rgb, self.depth, self.semantic, self.instance, self.normal).sensors
