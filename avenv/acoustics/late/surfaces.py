"""What surfaces do to the rays of late sound: pass, mirror or scatter them.

One of the three is drawn, and the energy that a ray carries on makes up for its chance.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.acoustics.paths.image_sources import STEP_OFF, child_image
from avenv.acoustics.tables import AcousticTables
from avenv.core.hashing import STRIDE, mix
from avenv.core.kernels import inlined

_LEAST_CROSSING = 0.01  # chance of a ray to pass a surface that lets any sound through


class Chances(NamedTuple):
    """What may become of a ray at S surfaces, and of its energy in B bands.

    Attributes:
        passing: (2, S) float64 chance to pass a surface: from in front, and out of a solid, where
            it is 1.
        passed: (2, S, B) float64 energy that then passes, over that chance.
        scattering: (S,) float64 chance to be scattered of one that does not pass.
        returned: (S, B) float64 energy that does not pass and is not lost, over the chance of that.
    """

    passing: NDArray[np.float64]
    passed: NDArray[np.float64]
    scattering: NDArray[np.float64]
    returned: NDArray[np.float64]


def chances_at(scene: AcousticTables) -> Chances:
    """Return the chances at a scene's surfaces."""
    passes, returns = _mean(scene.transmission), 1 - _mean(scene.absorption)
    passing = np.ones((2, len(passes)))
    some = np.divide(passes, passes + np.maximum(returns, 0), where=passes > 0, out=passing[0] * 0)
    passing[0] = np.where(passes > 0, np.maximum(some, _LEAST_CROSSING), 0)
    passed, chance = np.zeros((2, *scene.transmission.shape)), passing[..., None]
    staying = 1 - passing[0, :, None]
    kept = 1 - scene.absorption.astype(np.float64)
    return Chances(
        passing=passing,
        passed=np.divide(scene.transmission, chance, where=chance > 0, out=passed),
        scattering=_mean(scene.scattering),
        returned=np.divide(kept, staying, where=staying > 0, out=np.zeros_like(kept)),
    )


def _mean(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the mean over the bands, summed one after the other."""
    return np.cumsum(values, axis=1, dtype=np.float64)[:, -1] / values.shape[1]


@inlined
def meet(scene, chances, tree, triangle, image, random, state, weight):
    """Pass, mirror or scatter a ray at a surface.

    Returns the image that it now stands for.

    While a ray stands for an image, its weights (B,) follow each band's own scattering, so that
    early and late sound add up in every band; afterwards all bands scatter with the mean of theirs,
    for otherwise the weights of the bands would drift apart without bound.
    """
    surface = scene.surface[triangle]
    n = scene.normals[triangle]
    slope = state[3] * n[0] + state[4] * n[1] + state[5] * n[2]
    leaving = 1 if slope > 0 and not scene.sheet[triangle] else 0
    side = -1.0 if slope > 0 else 1.0  # of the normal, towards where the ray came from
    if uniform(random) < chances.passing[leaving, surface]:
        passed = chances.passed[leaving, surface]
        for b in range(len(weight)):
            weight[b] *= passed[b]
        _step_off(state, n, -side)
        return 0 if image == 0 else -1
    scattered, returned = chances.scattering[surface], chances.returned[surface]
    scatters = uniform(random) < scattered
    if image >= 0:
        own = scene.scattering[surface]
        for b in range(len(weight)):
            share = own[b] / scattered if scatters else (1 - own[b]) / (1 - scattered)
            weight[b] *= returned[b] * share
    else:
        for b in range(len(weight)):
            weight[b] *= returned[b]
    if scatters:
        _lambert(state, n, side, uniform(random), uniform(random))
        _step_off(state, n, side)
        return -1
    for a in range(3):
        state[3 + a] -= 2 * slope * n[a]
    _step_off(state, n, side)
    return child_image(tree, image, scene.mirror[triangle], len(scene.planes))


@inlined
def _lambert(state, n, side, u, v):
    """Draw a direction round the normal with the density of Lambert's cosine law."""
    z, angle = 1 - 2 * u, 2 * np.pi * v
    r = np.sqrt(max(0.0, 1 - z * z))
    x, y, z = side * n[0] + r * np.cos(angle), side * n[1] + r * np.sin(angle), side * n[2] + z
    length = np.sqrt(x * x + y * y + z * z)
    if length < 1e-6:
        x, y, z, length = side * n[0], side * n[1], side * n[2], 1.0
    state[3], state[4], state[5] = x / length, y / length, z / length


@inlined
def _step_off(state, n, side):
    for a in range(3):
        state[a] += side * STEP_OFF * n[a]


@inlined
def uniform(random):
    """Return the next number in [0, 1) of the sequence whose state is random (1,) uint64."""
    random[0] += STRIDE
    return np.float64(mix(random[0]) >> np.uint64(11)) * (1.0 / 9007199254740992.0)
