"""``rgb``, ``depth``, ``semantic``, ``instance`` and ``normal``: the pictures of cameras."""

from functools import partial

from gymnasium import spaces
from numpy.typing import NDArray

from avenv.simulation.cameras import picture_space
from avenv.simulation.eyes import Eye
from avenv.simulation.sensors.sensor import Rig, Sensor


class Picture(Sensor):
    """One kind of picture (E, H, W, C) of one camera.

    Args:
        rig: what it is mounted on.
        kind: of picture, in ``avenv.vision.SENSORS``.
        eye: what draws all pictures of its camera; by default the one that looks straight ahead.
    """

    def __init__(self, rig: Rig, kind: str, eye: Eye | None = None):
        super().__init__(rig)
        self._kind, self._eye = kind, eye or rig.eye()

    def space(self) -> spaces.Box:
        """Return uint8, int32 or float32 (H, W, C)."""
        return picture_space(self._kind, self._eye.camera.size)

    def observe(self, out: NDArray) -> None:
        """Copy what the eye has drawn."""
        out[:] = self._eye.pictures[self._kind]


Rgb = partial(Picture, kind="rgb")
Depth = partial(Picture, kind="depth")
Semantic = partial(Picture, kind="semantic")
Instance = partial(Picture, kind="instance")
Normal = partial(Picture, kind="normal")
