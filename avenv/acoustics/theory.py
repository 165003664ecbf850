"""What theory says of sound in simple places: formulas to check simulations against.

Energies are squared pressures relative to 1 m from the source in the free field, as everywhere.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import hankel1

from avenv.acoustics.air import SPEED_OF_SOUND

Array = NDArray[np.float64]


def eyring_time(
    volume: float, surface: float, absorption: ArrayLike, air: ArrayLike = 0.0
) -> Array:
    """Return the reverberation time in seconds of a diffuse room (Eyring 1930).

    ``surface`` in m² has the mean ``absorption`` of energy; ``air`` takes energy in Np per metre.
    """
    area = -surface * np.log1p(-np.asarray(absorption)) + 4 * np.asarray(air) * volume
    return 24 * np.log(10) / SPEED_OF_SOUND * volume / area


def diffuse_energy(
    volume: float, surface: float, absorption: ArrayLike, air: ArrayLike = 0.0
) -> Array:
    """Return the energy of all reflections together in a diffuse room (Kuttruff, 5.44).

    16 π over the room constant; air takes its share on the mean free path, 4 V / S, of each flight.
    """
    left = (1 - np.asarray(absorption)) * np.exp(-np.asarray(air) * 4 * volume / surface)
    return 16 * np.pi / surface * left / (1 - left)


def coupled_rooms(volumes: ArrayLike, areas: ArrayLike, opening: float, times: ArrayLike) -> Array:
    """Return the energies (2, ...) of two coupled rooms after a source in the first is cut off.

    Power balance (Cremer & Müller, "Principles and Applications of Room Acoustics", II.3) of two
    diffuse fields, with the ``volumes`` (2,) in m³, absorption ``areas`` (2,) and an ``opening``
    in m² between them, at ``times`` (...) in seconds after steady state; at 0 s the first has 1.
    The decay is a sum of two exponentials, in either room of its own proportions.
    """
    volumes, areas = np.asarray(volumes, float), np.asarray(areas, float)
    losses = np.diag(areas + opening) - opening * (1 - np.eye(2))
    steady = np.linalg.solve(losses, [1.0, 0.0])
    rates, modes = np.linalg.eig(SPEED_OF_SOUND / 4 * losses / volumes[:, None])
    weights = np.linalg.solve(modes, steady / steady[0])
    decays = np.exp(-np.multiply.outer(rates, np.asarray(times, float)))
    return np.tensordot(modes * weights, decays, axes=1)


def half_plane_pressure(
    source: ArrayLike, listener: ArrayLike, frequency: ArrayLike
) -> NDArray[np.complex128]:
    """Return the pressure of a point source behind or before a rigid half-plane, exactly.

    Macdonald's solution (1915) in the form of Bowman, Senior & Uslenghi, "Electromagnetic and
    Acoustic Scattering by Simple Shapes", 8.3: the incident and the mirrored wave each end, not at
    the edge of a shadow, but in an integral over a Hankel function. The half-plane is y = 0, x >= 0
    and its edge the z axis; positions (3,) in metres, frequencies (...) in Hz.
    """
    s, p = np.asarray(source, float), np.asarray(listener, float)
    k = 2 * np.pi * np.asarray(frequency, float) / SPEED_OF_SOUND
    angles = [np.arctan2(v[1], v[0]) % (2 * np.pi) for v in (s, p)]
    round_edge = np.hypot(np.hypot(*s[:2]) + np.hypot(*p[:2]), s[2] - p[2])
    total = np.zeros(k.shape, np.complex128)
    for image, angle in ((s, angles[1] - angles[0]), (s * [1, -1, 1], angles[1] + angles[0])):
        straight = float(np.linalg.norm(p - image))
        beyond = _beyond_the_edge(k, straight, np.sqrt(k * (round_edge - straight)))
        lit = np.cos(angle / 2) > 0
        total += np.exp(1j * k * straight) / straight - beyond if lit else beyond
    return total


def _beyond_the_edge(k: Array, straight: float, m: Array) -> NDArray[np.complex128]:
    """Return i k ∫ H1(kR + µ²) / √(µ² + 2 kR) dµ from m to infinity, for m >= 0.

    Along µ = m + t exp(iπ/4) the integrand does not oscillate but falls as exp(-t²).
    """
    nodes, weights = np.polynomial.legendre.leggauss(200)
    t, weights = 3.5 * (nodes + 1), 3.5 * weights  # to 7: exp(-49) is nothing
    turn = np.exp(0.25j * np.pi)
    mu = m[..., None] + turn * t
    near = (k * straight)[..., None]
    integrand = hankel1(1, near + mu**2) / np.sqrt(mu**2 + 2 * near)
    return 1j * k * turn * (integrand @ weights)


def woodworth_delay(azimuth: ArrayLike, radius: float = 0.0875) -> Array:
    """Return the seconds by which sound reaches the left ear of a sphere before the right one.

    For far sources in the horizontal plane (Woodworth & Schlosberg 1954), azimuth in radians.
    """
    lateral = np.arcsin(np.sin(np.asarray(azimuth, float)))
    return radius / SPEED_OF_SOUND * (lateral + np.sin(lateral))
