"""What bodies see: the pictures of all their cameras, each with its noise."""

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from avenv import vision
from avenv.core.frames import body_rotation
from avenv.simulation.cameras import Camera
from avenv.vision import Instances, RasterScene


class Sight:
    """The cameras of a batch of bodies.

    Args:
        cameras: those of every body.
        num_envs: number of bodies, E.
    """

    def __init__(self, cameras: Sequence[Camera], num_envs: int):
        self._cameras = tuple(cameras)
        self._renderers = [
            vision.make_renderer(num_envs, c.optics, c.sensors) for c in self._cameras
        ]

    def look(
        self,
        scenes: Sequence[RasterScene],
        scene_of: NDArray[np.int64],
        position: NDArray[np.float64],
        heading: NDArray[np.float64],
        seeds: NDArray[np.uint64],
        steps: NDArray[np.int64],
        carried: Instances | None = None,
    ) -> dict[str, NDArray]:
        """Draw what every camera sees.

        Args:
            scenes: the distinct scenes.
            scene_of: (E,) which of them each body is in.
            position: (E, 2) of the bodies, world metres.
            heading: (E,) of the bodies, radians.
            seeds: (E,) of their noise.
            steps: (E,) which observation of the episode this is, the time in the noise.
            carried: the parts of the scenes that bodies carry.

        Returns:
            (E, H, W, ...) by ``Camera.key``; the next call overwrites them.
        """
        pictures: dict[str, NDArray] = {}
        floor = np.pad(position, ((0, 0), (0, 1)))
        turn = body_rotation(heading)
        for camera, renderer in zip(self._cameras, self._renderers, strict=True):
            mount = body_rotation(np.deg2rad(camera.heading), np.deg2rad(camera.pitch))
            eyes = floor + turn @ np.array(camera.position)
            renderer.draw(scenes, scene_of, eyes, turn @ mount, carried)
            _disturb(camera, renderer.pictures, seeds, steps)
            pictures |= {camera.key(name): renderer.pictures[name] for name in camera.sensors}
        return pictures


def _disturb(
    camera: Camera,
    pictures: dict[str, NDArray],
    seeds: NDArray[np.uint64],
    steps: NDArray[np.int64],
) -> None:
    """Add a camera's noise; it depends on the camera's name, not on which others there are."""
    if camera.noise is None:
        return
    stream = zlib.crc32(camera.name.encode())
    for name, disturb in (("rgb", vision.disturb_rgb), ("depth", vision.disturb_depth)):
        if name in pictures:
            disturb(pictures[name], camera.noise, seeds, steps, stream)
