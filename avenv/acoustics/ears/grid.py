"""Where on a layout's grid of directions a vector points."""

import numpy as np

from avenv.core.kernels import fast_inner

_SERIES = (
    -0.0161657367, 0.0429096138, -0.0752896400, 0.1065626393, -0.1420889944, 0.1999355085,
    -0.3333314528, 1.0,
)  # fmt: skip


@fast_inner
def grid_cell(vector, heading, grid):
    """Return rows, columns and weights of the four grid (E, A, ...) directions round a vector."""
    cos, sin = np.cos(heading), np.sin(heading)
    ahead = cos * vector[0] + sin * vector[1]
    left = cos * vector[1] - sin * vector[0]
    elevation = _angle(vector[2], np.sqrt(ahead * ahead + left * left))
    last, around = grid.shape[0] - 1, grid.shape[1]
    row, column = (elevation + 0.25) * (2 * last), _angle(left, ahead) * around
    if column < 0:
        column += around
    r, a = min(np.int64(row), max(last - 1, 0)), min(np.int64(column), around - 1)
    up, on = np.float32(row - r), np.float32(column - a)
    above, beside = min(r + 1, last), a + 1 if a + 1 < around else 0
    one = np.float32(1)
    weights = (one - up) * (one - on), (one - up) * on, up * (one - on), up * on
    return (r, r, above, above), (a, beside, a, beside), weights


@fast_inner
def _angle(y, x):
    """Return the angle of (x, y) in turns, -1/2 to 1/2, within 3e-9; 0 of (0, 0).

    By the series of Abramowitz & Stegun, 4.4.49: a third of the time that the exact one takes.
    """
    high, low = max(abs(x), abs(y)), min(abs(x), abs(y))
    t = low / max(high, 1e-300)
    s = t * t
    series = 0.0028662257
    for term in _SERIES:
        series = series * s + term
    angle = t * series / (2 * np.pi)
    if abs(y) > abs(x):
        angle = 0.25 - angle
    if x < 0:
        angle = 0.5 - angle
    return -angle if y < 0 else angle
