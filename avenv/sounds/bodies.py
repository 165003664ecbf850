"""Bodies that ring when struck: modes of bars, boards, discs and cups, and what damps them.

Modal synthesis (Gaver, What in the world do we hear?, Ecological Psychology 5, 1993; van den Doel &
Pai, The sounds of physical shapes, Presence 7, 1998): a struck body is a bank of decaying sines.
Shape and size give their frequencies, the material their decay, what strikes it their amplitudes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Modes = NDArray[np.float64]
"""Frequencies (M,) in Hz, ascending."""

_POISSON = 0.3
_DISC = np.sort((5.253, 12.23, 21.6, 33.1, 9.084, 20.52, 35.25, 52.91, 73.1, 38.55, 59.86, 83.9))
"""Eigenvalues of a disc with a free rim: Leissa, Vibration of Plates, NASA SP-160 (1969)."""


@dataclass(frozen=True)
class Substance:
    """What a body is made of.

    Attributes:
        speed: of longitudinal waves in a thin bar, sqrt(Young's modulus / density), m/s.
        loss: internal friction: the part of a cycle's energy that turns to heat, over 2 pi.
        contact: how long a blow on a stone floor lasts, s; the softer, the longer.
    """

    speed: float
    loss: float
    contact: float


MATERIALS = {
    "oak": Substance(3900, 0.018, 6e-4),
    "pine": Substance(4700, 0.03, 8e-4),
    "beech": Substance(4300, 0.022, 5e-4),
    "steel": Substance(5050, 0.0009, 1.2e-4),
    "brass": Substance(3400, 0.0012, 1.5e-4),
    "aluminium": Substance(5000, 0.0016, 1.8e-4),
    "soda_glass": Substance(5200, 0.0022, 1.2e-4),
    "crystal": Substance(4000, 0.0011, 1.2e-4),
    "porcelain": Substance(5100, 0.004, 1.4e-4),
    "earthenware": Substance(3600, 0.011, 2e-4),
    "abs": Substance(1500, 0.045, 7e-4),
    "acrylic": Substance(1650, 0.06, 6e-4),
    "polypropylene": Substance(1200, 0.09, 1.2e-3),
    "cardboard": Substance(2000, 0.07, 1.8e-3),
    "corrugated": Substance(1500, 0.1, 2.6e-3),
    "down": Substance(120, 0.6, 1.2e-2),
    "foam": Substance(200, 0.4, 8e-3),
    "wool": Substance(150, 0.5, 1e-2),
}
"""Speeds and order of the losses: Fletcher & Rossing, The Physics of Musical Instruments (1998),
chapter 22, and Cremer, Heckl & Petersson, Structure-Borne Sound (2005), chapter 3; board and what
is soft are estimates."""


@dataclass(frozen=True)
class Floor:
    """What things fall on.

    Attributes:
        contact: how much longer than on stone a blow lasts, s.
        modes: its own resonances, Hz.
        decays: their decay times, s.
        level: amplitude of its thump, relative to the body's sound.
        restitution: how much of the speed a hard thing keeps when it bounces.
    """

    contact: float
    modes: tuple[float, ...]
    decays: tuple[float, ...]
    level: float
    restitution: float


FLOORS = {
    "tile": Floor(0.0, (260.0, 640.0, 1450.0), (0.012, 0.008, 0.004), 0.12, 0.62),
    "laminate": Floor(6e-5, (125.0, 290.0, 610.0, 1100.0), (0.04, 0.025, 0.014, 0.008), 0.5, 0.5),
    "parquet": Floor(1.2e-4, (92.0, 185.0, 330.0, 560.0), (0.07, 0.045, 0.03, 0.018), 0.6, 0.45),
    "carpet": Floor(1e-3, (64.0, 118.0, 190.0), (0.04, 0.03, 0.02), 1.2, 0.2),
}


def bar(length: float, thickness: float, speed: float, count: int = 8) -> Modes:
    """Return the bending modes of a bar with free ends; sizes in metres.

    f_n = beta_n^2 / (2 pi sqrt(12)) * speed * thickness / length^2, with beta_n the roots of
    cosh(b) cos(b) = 1, which lie exp(-b) from (n + 1/2) pi (Euler & Bernoulli).
    """
    beta = (np.arange(1, count + 1) + 0.5) * np.pi
    for _ in range(3):  # Newton's steps on cos(b) - 1 / cosh(b)
        beta += (np.cos(beta) - 1 / np.cosh(beta)) / (np.sin(beta) - np.tanh(beta) / np.cosh(beta))
    return beta**2 / (2 * np.pi * np.sqrt(12)) * speed * thickness / length**2


def board(length: float, width: float, thickness: float, speed: float, count: int = 16) -> Modes:
    """Return the bending modes of a rectangular plate with supported edges; sizes in metres.

    f_mn = pi / 2 * stiffness * ((m / length)^2 + (n / width)^2).
    """
    m, n = np.meshgrid(np.arange(1, 8), np.arange(1, 8))
    waves = (m / length) ** 2 + (n / width) ** 2
    return np.sort(np.pi / 2 * _stiffness(thickness, speed) * waves, axis=None)[:count]


def disc(radius: float, thickness: float, speed: float) -> Modes:
    """Return the bending modes of a round plate with a free rim; sizes in metres."""
    return _DISC / (2 * np.pi * radius**2) * _stiffness(thickness, speed)


def cup(radius: float, thickness: float, speed: float, count: int = 7) -> Modes:
    """Return the modes in which the rim of a cup, a bowl or a glass bends; sizes in metres.

    f_n = speed * thickness / (2 pi sqrt(12) radius^2) * n (n^2 - 1) / sqrt(n^2 + 1), n = 2, 3, ...
    (Hoppe 1871; Rayleigh, The Theory of Sound, section 233).
    """
    n = np.arange(2, count + 2)
    shape = n * (n**2 - 1) / np.sqrt(n**2 + 1)
    return shape * speed * thickness / (2 * np.pi * np.sqrt(12) * radius**2)


def loaded(frequencies: ArrayLike, mass: float) -> Modes:
    """Return bending modes (M,) of a plate that moves ``mass`` times its own mass with it.

    f' = f / sqrt(1 + mass): Cremer, Heckl & Petersson, Structure-Borne Sound (2005), chapter 2.
    """
    return np.asarray(frequencies) / np.sqrt(1 + mass)


def air(length: float, width: float, height: float, count: int = 3) -> Modes:
    """Return the lowest modes of the air in a closed box; sizes in metres.

    f = c / 2 * sqrt((l / length)^2 + (m / width)^2 + (n / height)^2) (Kuttruff, Room Acoustics,
    section 3.1).
    """
    numbers = np.stack(np.meshgrid(*[np.arange(3)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)[1:]
    waves = np.linalg.norm(numbers / np.array([length, width, height]), axis=1)
    return np.sort(343.0 / 2 * waves)[:count]


def decays(frequencies: ArrayLike, loss: float, support: float = 0.0) -> NDArray[np.float64]:
    """Return decay times (M,) in seconds: 1 / (pi f loss + support), ``support`` in 1/s."""
    return 1 / (np.pi * np.asarray(frequencies) * loss + support)


def blow(frequencies: ArrayLike, seconds: float) -> NDArray[np.float64]:
    """Return how strongly a blow that lasts ``seconds`` drives modes (M,): 1 for slow ones.

    The spectrum of half a sine, |cos(pi f T) / (1 - (2 f T)^2)|: the longer, the duller.
    """
    x = 2 * np.asarray(frequencies, float) * seconds
    near = np.abs(x - 1) < 1e-6  # where both vanish
    ratio = np.abs(np.cos(np.pi * x / 2) / np.where(near, 1.0, 1 - x**2))
    return np.where(near, np.pi / 4, ratio)


def _stiffness(thickness: float, speed: float) -> float:
    """Return sqrt(bending stiffness / mass) of a plate, m^2/s."""
    return thickness * speed / np.sqrt(12 * (1 - _POISSON**2))
