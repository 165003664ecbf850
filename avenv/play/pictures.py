"""First-person pictures as JPEG, as large as there is time for."""

from io import BytesIO
from time import perf_counter

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from avenv import vision
from avenv.core.frames import body_rotation

SIZES = ((160, 120), (240, 180), (320, 240), (480, 360), (640, 480))
"""(width, height) in pixels that pictures may have."""

HFOV = 90.0
"""Horizontal field of view, degrees."""

_QUALITY = 82  # of a JPEG; below 75 edges fray, above 90 files double
_HALF = 0.55  # of the time there is, below which the next larger size would fit, too
_AFTER = 10  # pictures before the size changes again


def as_jpeg(rgb: NDArray[np.uint8], quality: int = _QUALITY) -> bytes:
    """Return a picture (H, W, 3) as JPEG."""
    file = BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=quality)
    return file.getvalue()


class Pictures:
    """Draws pictures of one eye, in the size for which there is time.

    Args:
        budget: seconds that a picture may take.
        size: (width, height) to begin with, one of ``SIZES``.
    """

    def __init__(self, budget: float, size: tuple[int, int] = (480, 360)):
        self.budget, self._size = budget, SIZES.index(size)
        self._renderers: dict[tuple[int, int], vision.Renderer] = {}
        self._seconds: list[float] = []

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the next picture."""
        return SIZES[self._size]

    def draw(
        self, scene: vision.RasterScene, eye: ArrayLike, heading: float, pitch: float,
        things: vision.Instances | None = None,
    ) -> bytes:  # fmt: skip
        """Return what an eye (3,) sees of a scene as JPEG.

        ``things`` says where those are that its body holds, and who walks about.
        """
        began = perf_counter()
        if self.size not in self._renderers:
            optics = vision.Optics(self.size, hfov=HFOV)
            self._renderers[self.size] = vision.make_renderer(1, optics, ("rgb",))
        renderer = self._renderers[self.size]
        rotation = body_rotation(np.array([heading]), np.array([pitch]))
        renderer.draw([scene], [0], np.array([eye]), rotation, things)
        jpeg = as_jpeg(renderer.pictures["rgb"][0])
        self.took(perf_counter() - began)
        return jpeg

    def took(self, seconds: float) -> None:
        """Take note of how long a picture took, and choose the size of the next by it."""
        self._seconds.append(seconds)
        if len(self._seconds) < _AFTER:
            return
        usual = float(np.median(self._seconds))
        self._seconds.clear()
        if usual > self.budget:
            self._size = max(self._size - 1, 0)
        elif self._size + 1 < len(SIZES):
            (w, h), (more_w, more_h) = SIZES[self._size], SIZES[self._size + 1]
            if usual * more_w * more_h / (w * h) < _HALF * self.budget:
                self._size += 1
