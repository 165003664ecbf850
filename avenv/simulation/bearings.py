"""Where points are from bodies: on which side of the head, how far, and whether in sight."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core import frames
from avenv.core.kernels import borrowing


class Bearings(NamedTuple):
    """Where a point is from each of E bodies, (E,) each.

    Attributes:
        azimuth: radians to the left of where the head faces.
        elevation: radians above the ears.
        distance: metres from the centre of the head.
        visible: whether it is in the picture of the camera at the eye, with nothing between.
    """

    azimuth: NDArray[np.float64]
    elevation: NDArray[np.float64]
    distance: NDArray[np.float64]
    visible: NDArray[np.bool_]


def find_bearings(
    points: NDArray[np.float64],
    positions: NDArray[np.float64],
    levels: NDArray[np.float64],
    heights: tuple[float, float],
    headings: NDArray[np.float64],
    reach: float,
    size: tuple[int, int],
) -> Bearings:
    """Return where points (E, 3) are from bodies, visible as if nothing stood between.

    Args:
        points: one for each body, world metres.
        positions: (E, 2) of the bodies.
        levels: (E,) of the floors that they stand on, metres.
        heights: of their ears and eyes above these, metres.
        headings: (E,) radians.
        reach: half the width of what the camera sees a metre ahead, metres.
        size: width and height of its picture, pixels.
    """
    seen, distance = np.empty((len(points), 3)), np.empty(len(points))
    visible = np.empty(len(points), np.bool_)
    pose = positions, levels, headings
    _find(points, pose, heights, reach, size, seen, distance, visible)
    return Bearings(*frames.azimuth_elevation(seen), distance, visible)


@borrowing
def _find(points, pose, heights, reach, size, seen, distance, visible):
    """Set seen (E, 3) to the points in the frames of the heads, and what else bearings are."""
    positions, levels, headings = pose
    for row in range(len(points)):
        x, y = points[row, 0] - positions[row, 0], points[row, 1] - positions[row, 1]
        z = points[row, 2] - (levels[row] + heights[0])
        ahead, left = frames.ahead_and_left(x, y, headings[row])
        seen[row, 0], seen[row, 1], seen[row, 2] = ahead, left, z
        distance[row] = np.sqrt(x * x + y * y + z * z)
        side = ahead * reach
        up = abs(points[row, 2] - (levels[row] + heights[1]))
        visible[row] = ahead > 0 and abs(left) <= side and up <= side * size[1] / size[0]
