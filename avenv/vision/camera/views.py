"""Pictures of any projection: of a batch of cameras, and of a single one."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from numpy.typing import ArrayLike, NDArray

from avenv.core.frames import body_rotation
from avenv.scene.compiled import CompiledScene
from avenv.vision.camera.optics import Optics
from avenv.vision.camera.panorama import Panorama
from avenv.vision.camera.pictures import USUAL, Frames
from avenv.vision.camera.projection import Lens
from avenv.vision.raster.clusters import RasterScene, prepare
from avenv.vision.raster.instances import Instances
from avenv.vision.raster.render import finite, render


class Views(Protocol):
    """The pictures of n cameras of one kind.

    Attributes:
        pictures: (n, H, W, ...) by sensor, as in ``Pictures``, filled by ``draw``.
    """

    pictures: dict[str, NDArray]

    def draw(
        self,
        scenes: Sequence[RasterScene],
        scene_of: ArrayLike,
        positions: ArrayLike,
        rotations: ArrayLike,
        instances: Instances | None = None,
    ) -> None:
        """Fill the pictures; arguments as for ``render``."""


class Flat:
    """Perspective or orthographic pictures of n cameras."""

    def __init__(self, n: int, size: tuple[int, int], lens: Lens, sensors: Iterable[str]):
        self._lens = lens
        self._frames = Frames.allocate(n, *size, sensors)
        self.pictures = self._frames.sensors

    def draw(
        self,
        scenes: Sequence[RasterScene],
        scene_of: ArrayLike,
        positions: ArrayLike,
        rotations: ArrayLike,
        instances: Instances | None = None,
    ) -> None:
        """Fill the pictures; arguments as for ``render``."""
        render(
            scenes, scene_of, positions, rotations, self._lens, self._frames, instances=instances
        )


def make_views(n: int, optics: Optics, sensors: Iterable[str]) -> Views:
    """Make room for the pictures of n cameras.

    Raises:
        ValueError: there is no such sensor.
    """
    lens = optics.lens
    return Flat(n, optics.size, lens, sensors) if lens else Panorama(n, optics.size, sensors)


def render_view(
    scene: CompiledScene | RasterScene,
    position: ArrayLike,
    heading: float = 0.0,
    pitch: float = 0.0,
    size: tuple[int, int] = (128, 128),
    hfov: float | None = None,
    sensors: Iterable[str] = USUAL,
    projection: str = "perspective",
    span: float | None = None,
) -> dict[str, NDArray]:
    """Return what one camera sees, e.g. ``{"rgb": (H, W, 3), "depth": (H, W, 1), ...}``.

    Args:
        scene: a compiled scene, or what ``prepare`` made of it, which is faster for many pictures.
        position: of the eye, metres.
        heading: radians, counter-clockwise from +X.
        pitch: radians, positive when the gaze rises.
        size, projection, hfov, span: as in ``Optics``.
        sensors: the pictures wanted, of ``SENSORS``; rgb, depth and semantic by default.

    Raises:
        ValueError: an argument is out of its range; the message names it.
    """
    views = make_views(1, Optics(size, projection, hfov, span), sensors)
    raster = prepare(scene) if isinstance(scene, CompiledScene) else scene
    eye = finite("position", position, (3,))
    rotation = body_rotation(finite("heading", heading, ()), finite("pitch", pitch, ()))
    views.draw([raster], [0], eye[None], rotation[None])
    return {name: pictures[0] for name, pictures in views.pictures.items()}
