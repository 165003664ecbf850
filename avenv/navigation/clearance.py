"""Kernels over the clearance field: may a body stand here, see there, slide along this.

Clearance is the distance from a point to the nearest obstacle. It is stored at cell centres and
interpolated bilinearly, which reproduces the distance to a straight wall exactly, whatever its
angle. A body of radius r may stand where the clearance is at least r.
"""

from math import ceil, hypot
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core.kernels import borrowing, inner

TOLERANCE = 1e-5
"""Metres by which a body may dent an obstacle: more than the rounding of float32."""

SIGHT_MARGIN = 0.005
"""Metres by which a line of sight may dent an obstacle; a body slides past."""

SAFE_SLOPE = 1.5
"""Bilinear clearance falls at most this many metres per metre (1-Lipschitz samples: sqrt 2)."""

MIN_SLOPE = 0.1
"""Where clearance rises more slowly (metres per metre) obstacles face each other: no way out."""


class Clearance(NamedTuple):
    """The field as kernels take it: values (ny, nx) at cell centres (x0 + ix cell, y0 + iy cell).

    ``limit`` is the smallest clearance at which a body may stand, metres.
    """

    values: NDArray[np.float32]
    x0: float
    y0: float
    cell: float
    limit: float


@inner
def clearance_at(field, x, y):
    """Return the clearance in metres at a point; 0 outside the field and for NaN."""
    ny, nx = field.values.shape
    u, v = (x - field.x0) / field.cell, (y - field.y0) / field.cell
    if not (0.0 <= u <= nx - 1 and 0.0 <= v <= ny - 1):
        return 0.0
    ix, iy = min(int(u), nx - 2), min(int(v), ny - 2)
    u -= ix
    v -= iy
    a, b, p, q = _corners(field, iy, ix)
    return (1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * p + u * q)


@inner
def _corners(field, iy, ix):
    # In float64: between two walkable cells the interpolation must not round to below the limit.
    c = field.values
    return (
        float(c[iy, ix]),
        float(c[iy, ix + 1]),
        float(c[iy + 1, ix]),
        float(c[iy + 1, ix + 1]),
    )


@inner
def _gradient_at(field, x, y):
    # Gradient (per metre) of the bilinear patch around the point; it points away from obstacles.
    ny, nx = field.values.shape
    u, v = (x - field.x0) / field.cell, (y - field.y0) / field.cell
    ix, iy = min(max(int(u), 0), nx - 2), min(max(int(v), 0), ny - 2)
    u -= ix
    v -= iy
    a, b, p, q = _corners(field, iy, ix)
    gx = (1 - v) * (b - a) + v * (q - p)
    gy = (1 - u) * (p - a) + u * (q - b)
    return gx / field.cell, gy / field.cell


@inner
def line_is_free(field, ax, ay, bx, by, limit):
    """Return whether the clearance is at least ``limit`` all along a segment (sphere tracing)."""
    length = hypot(bx - ax, by - ay)
    travelled = 0.0
    while travelled < length:
        t = travelled / length
        room = clearance_at(field, ax + t * (bx - ax), ay + t * (by - ay)) - limit
        if room < 0:
            return False
        travelled += max(room / SAFE_SLOPE, field.cell / 2)
    return clearance_at(field, bx, by) >= limit


@borrowing
def slide(field, x, y, dx, dy):
    """Return where a body at (x, y) ends that tries to move by (dx, dy).

    It goes in substeps of at most half a cell. Free motion ends exactly at (x + dx, y + dy). A
    substep that ends too near an obstacle is pushed out of it along the clearance gradient, which
    leaves the tangential part: the body slides. From a walkable point it never leaves walkable
    space.
    """
    length = hypot(dx, dy)
    if length == 0 or clearance_at(field, x, y) - field.limit > SAFE_SLOPE * length:
        return x + dx, y + dy
    n = ceil(length / (field.cell / 2))
    free = 0
    while free < n:
        t = (free + 1) / n
        if clearance_at(field, x + t * dx, y + t * dy) < field.limit:
            break
        free += 1
    if free == n:
        return x + dx, y + dy
    px, py = x + free / n * dx, y + free / n * dy
    for _ in range(free, n):
        px, py = _substep(field, px, py, dx / n, dy / n)
    return px, py


@inner
def _substep(field, x, y, sx, sy):
    # Newton steps to the iso-line; in a corner that is too tight they fail and the body stays.
    qx, qy = x + sx, y + sy
    for _ in range(5):
        missing = field.limit - clearance_at(field, qx, qy)
        if missing <= 0:
            return qx, qy
        gx, gy = _gradient_at(field, qx, qy)
        slope = hypot(gx, gy)
        if slope < MIN_SLOPE:
            break
        push = min((missing + 1e-9) / slope, field.cell / 2)
        qx += push * gx / slope
        qy += push * gy / slope
    return x, y
