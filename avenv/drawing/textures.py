"""Paint the image textures of imported meshes on plans."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from avenv.core.vectors import plane_cross
from avenv.scene import CompiledScene

_SMALL = 16.0  # pixels: a triangle of less area shows one colour of its texture
_CUT = 128  # alpha below which a surface is cut out

Pixels = NDArray[np.uint8]


@dataclass
class TexturePainter:
    """Looks up what a scene's textures show.

    Attributes:
        compiled: the scene.
        image: (S,) row in ``compiled.images`` of each surface; -1 for surfaces without.
    """

    compiled: CompiledScene
    image: NDArray[np.int64] = field(init=False)
    _reduced: dict[tuple[int, int], Pixels] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        names = self.compiled.surfaces.texture or ("plain",) * len(self.compiled.surfaces.names)
        self.image = np.array(
            [int(n.removeprefix("image:")) if n.startswith("image:") else -1 for n in names],
            np.int64,
        )

    def colors(self) -> NDArray[np.float64]:
        """Return the sRGB colour (T, 3), 0..255, in the middle of each triangle; NaN without."""
        out = np.full((len(self.compiled.triangles), 3), np.nan)
        row = self.image[self.compiled.surface]
        middle = self.compiled.uv.mean(axis=1, dtype=np.float64)
        for k in np.unique(row[row >= 0]).tolist():
            own = row == k
            out[own] = _look_up(self.compiled.images[k], middle[own])[:, :3]
        return out

    def patch(
        self, triangle: int, corners: NDArray[np.float64], size: tuple[int, int]
    ) -> tuple[Pixels, NDArray[np.bool_], tuple[int, int]] | None:
        """Return what a triangle shows: its pixels (h, w, 3), which of them, and their upper left.

        Args:
            triangle: row of the scene's.
            corners: (3, 2) where it lies in the picture.
            size: width and height of the picture, pixels.

        Returns:
            None for a triangle without texture, or too small to show more than one colour.
        """
        row = int(self.image[self.compiled.surface[triangle]])
        (a, b, c) = corners
        area = plane_cross(b - a, c - a)
        if row < 0 or abs(area) < 2 * _SMALL:
            return None
        left, top = np.clip(np.floor(corners.min(axis=0)), 0, size).astype(int)
        right, bottom = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, size).astype(int)
        if right <= left or bottom <= top:
            return None
        x, y = np.meshgrid(np.arange(left, right) + 0.5, np.arange(top, bottom) + 0.5)
        points = np.stack([x, y], axis=-1)
        second, third = plane_cross(points - a, c - a) / area, plane_cross(b - a, points - a) / area
        weights = np.stack([1 - second - third, second, third], axis=-1)
        slack = 1.0 / np.sqrt(abs(area))  # a pixel beyond the edge: no hairlines
        inside = (weights >= -slack).all(axis=-1)
        uv = self.compiled.uv[triangle].astype(np.float64)
        height, width = self.compiled.images[row].shape[:2]
        texels = float(abs(plane_cross(uv[1] - uv[0], uv[2] - uv[0]))) * height * width
        level = int(math.log2(max(texels / abs(float(area)), 1.0)) / 2)
        found = _look_up(self._smaller(row, level), weights @ uv)
        return found[..., :3], inside & (found[..., 3] >= _CUT), (int(left), int(top))

    def _smaller(self, row: int, level: int) -> Pixels:
        """Return an image reduced to a 2**level-th, so that no detail is finer than a pixel."""
        image = self.compiled.images[row]
        level = min(level, int(math.log2(min(image.shape[:2]))))
        if (row, level) not in self._reduced:
            small = Image.fromarray(image).reduce(2**level) if level else Image.fromarray(image)
            self._reduced[row, level] = np.asarray(small)
        return self._reduced[row, level]


def _look_up(image: Pixels, uv: NDArray[np.float64]) -> Pixels:
    """Return the texels (..., 4) at uv (..., 2) in periods of the image, v up."""
    height, width = image.shape[:2]
    column = np.minimum((np.mod(uv[..., 0], 1.0) * width).astype(int), width - 1)
    row = np.minimum((np.mod(-uv[..., 1], 1.0) * height).astype(int), height - 1)
    return image[row, column]
