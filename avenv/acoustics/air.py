"""Sound in air: how fast it is, and how it is absorbed."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

SPEED_OF_SOUND = 343.0
"""Metres per second."""


def air_absorption(
    frequency: ArrayLike,
    temperature: float = 20.0,
    humidity: float = 50.0,
    pressure: float = 101.325,
) -> NDArray[np.float64]:
    """Return the attenuation of pure tones in dB per metre.

    ISO 9613-1:1993, equations 3 to 5, B.2 and B.3.

    Args:
        frequency: Hz.
        temperature: degrees Celsius.
        humidity: percent relative.
        pressure: kPa.
    """
    f = np.asarray(frequency, np.float64)
    kelvin = temperature + 273.15
    t = kelvin / 293.15
    p = pressure / 101.325
    saturation = 10 ** (4.6151 - 6.8346 * (273.16 / kelvin) ** 1.261)
    h = humidity * saturation / p  # molar concentration of water vapour, percent
    oxygen = p * (24 + 4.04e4 * h * (0.02 + h) / (0.391 + h))  # relaxation frequencies, Hz
    nitrogen = p * t**-0.5 * (9 + 280 * h * np.exp(-4.170 * (t ** (-1 / 3) - 1)))
    classical = 1.84e-11 / p * t**0.5
    relaxed = t**-2.5 * (
        0.01275 * np.exp(-2239.1 / kelvin) / (oxygen + f**2 / oxygen)
        + 0.1068 * np.exp(-3352.0 / kelvin) / (nitrogen + f**2 / nitrogen)
    )
    return 8.686 * f**2 * (classical + relaxed)
