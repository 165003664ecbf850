"""Renderers by projection: what draws flat pictures, and the table of all."""

from collections.abc import Callable, Iterable, Sequence

from numpy.typing import ArrayLike

from avenv.vision.camera.optics import Optics
from avenv.vision.camera.pictures import Pictures
from avenv.vision.camera.projection import intrinsics
from avenv.vision.raster.buffer import VisibilityBuffer
from avenv.vision.raster.panorama import PanoramaRenderer
from avenv.vision.raster.render import render
from avenv.vision.raster.scene import RasterScene
from avenv.vision.renderer import Instances, Renderer


class FlatRenderer:
    """Perspective or orthographic pictures of n cameras.

    Args:
        n: cameras.
        optics: of all of them.
        sensors: the pictures wanted, of ``SENSORS``.

    Attributes:
        pictures: (n, H, W, C) by sensor, filled by ``draw``.
    """

    def __init__(self, n: int, optics: Optics, sensors: Iterable[str]):
        self._lens = intrinsics(optics.size, optics.focal, optics.projection == "perspective")
        self._pictures = Pictures.allocate(n, optics.size, sensors)
        self._buffer = VisibilityBuffer.allocate(n, optics.size)
        self.pictures = self._pictures.sensors

    def draw(
        self,
        scenes: Sequence[RasterScene],
        scene_of: ArrayLike,
        positions: ArrayLike,
        rotations: ArrayLike,
        instances: Instances | None = None,
        cameras: ArrayLike | None = None,
    ) -> None:
        """Fill the pictures; arguments as for ``render``."""
        render(
            scenes, scene_of, positions, rotations, self._lens, self._pictures, self._buffer,
            instances, cameras,
        )  # fmt: skip


_RENDERERS: dict[str, Callable[[int, Optics, Iterable[str]], Renderer]] = {
    "perspective": FlatRenderer,
    "orthographic": FlatRenderer,
    "equirectangular": PanoramaRenderer,
}


def make_renderer(n: int, optics: Optics, sensors: Iterable[str]) -> Renderer:
    """Make room for the pictures of n cameras of one kind, and return what draws them.

    Args:
        n: cameras.
        optics: size and projection of their pictures.
        sensors: the pictures wanted, of ``SENSORS``.

    Raises:
        ValueError: n is less than 1, or there is no such sensor.
    """
    return _RENDERERS[optics.projection](n, optics, sensors)
