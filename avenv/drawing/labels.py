"""Put names on a plan so that none lies on another."""

import numpy as np
from numpy.typing import NDArray
from PIL import ImageDraw, ImageFont

from avenv.drawing.plan import PAPER, Box

Ink = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_NEARER = (20, 200)  # of the places, in order, how many are tried before the next are
_RINGS = 40  # steps of half a line that a name may move away from its place


class Labels:
    """Writes names one after another, each as near to its place as there is room.

    Args:
        paint: what to draw on.
        size: of the picture, pixels.
        boxes: where no name may lie.
        line: width of the paper's edge round the letters, and half of the leaders', pixels.
    """

    def __init__(
        self, paint: ImageDraw.ImageDraw, size: tuple[int, int], boxes: list[Box], line: int
    ) -> None:
        self.boxes = list(boxes)
        self._paint, self._size, self._line = paint, size, line

    def write(self, label: str, at: tuple[float, float], font: Font, ink: Ink) -> bool:
        """Write a name in the middle of a point, or beside it with a line to the point.

        Returns whether there was room.
        """
        left, top, right, bottom = self._paint.textbbox((0, 0), label, font, "mm")
        extent = np.array([left, top, right, bottom]) + self._line * np.array([-1, -1, 1, 1])
        places = np.asarray(at) + _offsets(right - left, bottom - top)
        for near in np.split(places, _NEARER):  # most names find room at once
            free = near[self._are_free(extent + np.tile(near, 2))]
            if len(free):
                break
        else:
            return False
        x, y = free[0].tolist()
        left, top, right, bottom = (extent + np.tile(free[0], 2)).tolist()
        box = (left, top, right, bottom)
        self.boxes.append(box)
        if not (box[0] <= at[0] <= box[2] and box[1] <= at[1] <= box[3]):
            self._lead(at, box, ink)
        self._paint.text(
            (x, y), label, ink, font, "mm", stroke_width=self._line, stroke_fill=(*PAPER, 170)
        )
        return True

    def _are_free(self, boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say (N,) which boxes (N, 4) lie in the picture and on no other."""
        inside = (boxes[:, :2] >= 0).all(axis=1) & (boxes[:, 2:] <= self._size).all(axis=1)
        others = np.array(self.boxes, np.float64).reshape(-1, 4)
        left, top, right, bottom = boxes.T[:, :, None]
        met = (left < others[:, 2]) & (others[:, 0] < right)
        met &= (top < others[:, 3]) & (others[:, 1] < bottom)
        return np.asarray(inside & ~met.any(axis=1))

    def _lead(self, at: tuple[float, float], box: Box, ink: Ink) -> None:
        """Draw a line from a point to the nearest point of the box of its name."""
        near = (np.clip(at[0], box[0], box[2]), np.clip(at[1], box[1], box[3]))
        self._paint.line([at, (float(near[0]), float(near[1]))], (*ink, 150), self._line // 2 or 1)


def _offsets(width: float, height: float) -> NDArray[np.float64]:
    """Return offsets (N, 2) from near to far; a name goes up or down rather than aside."""
    down, across = np.mgrid[-_RINGS : _RINGS + 1, -12:13].reshape(2, -1)
    offsets = np.stack([across * width / 4, down * height / 2], axis=1)
    return offsets[np.argsort(np.hypot(0.6 * offsets[:, 0], offsets[:, 1]), kind="stable")]
