"""The boundary element method in the plane: sound round a thick screen, with no theory of edges.

Nothing but tests uses it. Time goes as exp(-i w t), points are (x, y) in metres.
"""

import numpy as np
from scipy.special import hankel1

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(4)


def thick_screen_pressure(k, thickness, source, listeners, length=5.0):
    """Return the pressure (J,) of a line source round the rigid slab x < 0, |y| < thickness / 2.

    Collocation with constant elements of a tenth of a wavelength, finer towards the edges. The far
    half of the ``length`` that is there takes up sound, so that none comes from its other end.
    """
    begin, end = _outline(k, thickness, length)
    middle = (begin + end) / 2
    double, single, size = _integrals(k, middle, begin, end)
    np.fill_diagonal(double, 0)
    itself = 0.25j * (1 + 2j / np.pi * (np.log(k * size / 4) + np.euler_gamma - 1))
    np.fill_diagonal(single, size * itself)
    admittance = np.clip((-middle[:, 0] - 0.5 * length) / (0.45 * length), 0, 1) ** 2
    system = 0.5 * np.eye(len(middle)) - double - 1j * k * single * admittance
    on_surface = np.linalg.solve(system, _free_field(k, source, middle))
    double, single, _ = _integrals(k, listeners, begin, end)
    return _free_field(k, source, listeners) + (double + 1j * k * single * admittance) @ on_surface


def _free_field(k, source, points):
    return 0.25j * hankel1(0, k * np.linalg.norm(points - np.asarray(source), axis=1))


def _outline(k, thickness, length):
    """Return where the elements begin and end, (N, 2) each, counter-clockwise."""
    coarse = 2 * np.pi / k / 10
    steps = [min(coarse, thickness / 6)]
    while sum(steps) < length:
        steps.append(min(1.15 * steps[-1], coarse))
    x = -np.concatenate([[0], np.cumsum(steps)]) * length / sum(steps)
    y = -np.cos(np.linspace(0, np.pi, 13)) * thickness / 2
    half = np.full(len(x), thickness / 2)
    sides = [
        np.column_stack([x[::-1], -half]), np.column_stack([np.zeros(13), y]),
        np.column_stack([x, half]), np.column_stack([np.full(13, -length), -y]),
    ]  # fmt: skip
    return np.concatenate([s[:-1] for s in sides]), np.concatenate([s[1:] for s in sides])


def _integrals(k, points, begin, end):
    """Return double and single layers (P, N) of unit density, and the elements' lengths (N,).

    Of the double layer the static part is the angle that an element takes up, exactly.
    """
    along = end - begin
    size = np.linalg.norm(along, axis=1)
    normal = np.column_stack([along[:, 1], -along[:, 0]]) / size[:, None]
    a, b = begin - points[:, None], end - points[:, None]
    cross, dot = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0], (a * b).sum(axis=2)
    double, single = -np.arctan2(cross, dot) / (2 * np.pi) + 0j, np.zeros(dot.shape, complex)
    for node, weight in zip(_NODES, _WEIGHTS / 2, strict=True):
        offset = points[:, None] - (begin + (node + 1) / 2 * along)
        r = np.linalg.norm(offset, axis=2) + 1e-30
        slope = (offset * normal).sum(axis=2) / r
        double += weight * size * slope * (0.25j * k * hankel1(1, k * r) - 1 / (2 * np.pi * r))
        single += weight * size * 0.25j * hankel1(0, k * r)
    return double, single, size
