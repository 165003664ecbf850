"""Light by name: the time of day, and what people have switched on."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from avenv.core.suggest import accepted

LIGHTS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"full": (1.0, 1.0), "day": (0.0, 1.0), "evening": (1.0, 0.1), "night": (1.0, 0.0)}
)
"""Level of the lamps that are on, and daylight, by name."""

RANDOM = "random"
"""The name of light that is drawn by lot."""

UNLIT = "unlit"
"""The name of no light at all, for cameras that make no rgb: none is baked."""

COARSE_UP_TO = 128
"""Pixels across of the largest pictures for which coarse light will do."""

_NIGHTS = 1 / 3  # share of the random lights without daylight
_ON_BY_DAY, _ON_BY_NIGHT = 0.4, 0.85  # chance of a lamp to be on


def check_light(light: str) -> None:
    """Raise ``ValueError`` if there is no such light."""
    if light not in (*LIGHTS, RANDOM):
        raise ValueError(f"light is {light!r}; {accepted(light, (*LIGHTS, RANDOM))}")


def mood(
    light: str,
    lamps: Sequence[str],
    sounding: Collection[str | None],
    rng: np.random.Generator | None = None,
) -> tuple[float | dict[str, float], float]:
    """Return the level of all lamps, or levels of some by name, and daylight, each 0 to 1.

    By lot the day is of any brightness, or it is night, and lamps that are on by the scene may be
    off. What sounds stays as it is: a crackling fire burns.

    Args:
        light: a name in ``LIGHTS``, or ``"random"``.
        lamps: names of all lamps of the scene.
        sounding: names of the objects that sound; None is no object.
        rng: what decides a random light.

    Raises:
        ValueError: there is no such light, or nothing to decide a random one.
    """
    check_light(light)
    if light in LIGHTS:
        return LIGHTS[light]
    if rng is None:
        raise ValueError(
            f"light is {RANDOM!r}, which only episodes draw; accepted here: {', '.join(LIGHTS)}"
        )
    daylight = 0.0 if rng.random() < _NIGHTS else float(rng.random())
    chance = _ON_BY_NIGHT + daylight * (_ON_BY_DAY - _ON_BY_NIGHT)
    is_off = rng.random(len(lamps)) >= chance
    off = [name for name, dark in zip(lamps, is_off, strict=True) if dark]
    return {name: 0.0 for name in off if name not in sounding}, daylight
