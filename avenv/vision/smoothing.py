"""Smoothing of light maps within their charts."""

import numpy as np
from numpy.typing import NDArray

from avenv.vision.charts import Charts
from avenv.vision.kernels import kernel


def smooth(
    charts: Charts, light: NDArray[np.float32], is_open: NDArray[np.bool_], passes: int
) -> NDArray[np.float32]:
    """Return light (2, L, 3) blurred by (1, 2, 1) / 4 along rows and columns, so many times.

    Samples that are buried in something, not open (L,), give nothing and take the mean of their
    open neighbours: no dark rim shows round what stands against a wall.
    """
    known = is_open.copy()
    for _ in range(passes):
        blurred, known_next = np.empty_like(light), np.empty_like(known)
        _blur(charts.first, charts.width, charts.height, light, known, blurred, known_next)
        light, known = blurred, known_next
    return light


# Layout: samples of chart c are first[c] + row * width[c] + column; light (2, L, 3), known (L,).
@kernel
def _blur(first, width, height, light, known, blurred, known_next):
    total = np.empty((2, 3), np.float32)
    for c in range(len(first)):
        for row in range(height[c]):
            for column in range(width[c]):
                i = first[c] + row * width[c] + column
                total[:] = 0
                weights = np.float32(0)
                for r in range(max(row - 1, 0), min(row + 2, height[c])):
                    for k in range(max(column - 1, 0), min(column + 2, width[c])):
                        j = first[c] + r * width[c] + k
                        if known[j]:
                            weight = np.float32((2 - abs(r - row)) * (2 - abs(k - column)))
                            weights += weight
                            for layer in range(2):
                                for channel in range(3):
                                    total[layer, channel] += weight * light[layer, j, channel]
                known_next[i] = weights > 0
                for layer in range(2):
                    for channel in range(3):
                        blurred[layer, i, channel] = total[layer, channel] / max(
                            weights, np.float32(1)
                        )
