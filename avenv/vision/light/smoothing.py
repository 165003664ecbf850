"""Smoothing of light maps within their charts."""

import numpy as np
from numpy.typing import NDArray

from avenv.core import parallel
from avenv.core.kernels import inner, kernel
from avenv.vision.light.charts import Charts

_JOB = 512  # charts


def smooth(charts: Charts, light: NDArray[np.float32], passes: int) -> NDArray[np.float32]:
    """Return light (L, K, 3) blurred by (1, 2, 1) / 4 along rows and columns, so many times.

    Charts are mirrored at their rims, so that a blur mixes four neighbours equally there too. The
    facets of curved surfaces are left alone.
    """
    count, is_curved, shape = len(charts.first), charts.is_curved, light.shape
    light = light.reshape(shape[0], -1)  # so long rows that they fill the processor's vectors
    for _ in range(passes):
        blurred = np.empty_like(light)
        parallel.run(
            _blur,
            (
                (charts.first, charts.width, charts.height, is_curved, light, blurred, start,
                 min(start + _JOB, count))
                for start in range(0, count, _JOB)
            ),
        )  # fmt: skip
        light = blurred
    return light.reshape(shape)


# Layout: samples of chart c are first[c] + row * width[c] + column; light (L, 3 K).
@kernel
def _blur(first, width, height, is_curved, light, blurred, start, stop):
    for c in range(start, stop):
        columns, rows = width[c], height[c]
        if is_curved[c]:
            for i in range(first[c], first[c] + 4):
                for n in range(light.shape[1]):  # Numba is long about a row that might not fit
                    blurred[i, n] = light[i, n]
            continue
        for row in range(rows):
            for column in range(columns):
                mixed = blurred[first[c] + row * columns + column]
                mixed[:] = 0
                for down in range(-1, 2):
                    r = _mirrored(row + down, rows)
                    for right in range(-1, 2):
                        j = first[c] + r * columns + _mirrored(column + right, columns)
                        weight = np.float32((2 - abs(down)) * (2 - abs(right))) / np.float32(16)
                        other = light[j]
                        for n in range(len(mixed)):
                            mixed[n] += weight * other[n]


@inner
def _mirrored(k, count):
    if k < 0:
        return min(-k, count - 1)
    return k if k < count else max(2 * count - 2 - k, 0)
