"""Where on a layout's grid of directions a vector points."""

import numpy as np

from avenv.core.kernels import fast_inner


@fast_inner
def grid_cell(vector, heading, grid):
    """Return rows, columns and weights of the four grid (E, A, ...) directions round a vector."""
    cos, sin = np.cos(heading), np.sin(heading)
    ahead = cos * vector[0] + sin * vector[1]
    left = cos * vector[1] - sin * vector[0]
    elevation = np.arctan2(vector[2], np.hypot(ahead, left))
    last, around = grid.shape[0] - 1, grid.shape[1]
    row = (elevation / np.pi + 0.5) * last
    column = np.arctan2(left, ahead) / (2 * np.pi) * around % around
    r, a = min(np.int64(row), max(last - 1, 0)), min(np.int64(column), around - 1)
    up, on = np.float32(row - r), np.float32(column - a)
    above, beside = min(r + 1, last), (a + 1) % around
    one = np.float32(1)
    weights = (one - up) * (one - on), (one - up) * on, up * (one - on), up * on
    return (r, r, above, above), (a, beside, a, beside), weights
