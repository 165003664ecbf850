"""Light by name: the time of day, and what people have switched on."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from avenv.vision.raster.clusters import RasterScene, relight

LIGHTS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"full": (1.0, 1.0), "day": (0.0, 1.0), "evening": (1.0, 0.1), "night": (1.0, 0.0)}
)
"""Level of the lamps that are on, and daylight, by name."""

RANDOM = "random"
"""The name of light that is drawn by lot."""

_NIGHTS = 1 / 3  # share of the random lights without daylight
_ON_BY_DAY, _ON_BY_NIGHT = 0.4, 0.85  # chance of a lamp to be on


def check_light(light: str) -> None:
    """Raise ``ValueError`` if there is no such light."""
    if light not in (*LIGHTS, RANDOM):
        raise ValueError(f"light is {light!r}; accepted: {', '.join(LIGHTS)}, {RANDOM}")


def lit(scene: RasterScene, light: str, rng: np.random.Generator | None = None) -> RasterScene:
    """Return the scene in a light of ``LIGHTS``, or in one drawn by lot.

    By lot the day is of any brightness, or it is night, and lamps that are on by the scene may be
    off. What sounds stays as it is: a crackling fire burns.

    Args:
        scene: what ``prepare`` made.
        light: a name in ``LIGHTS``, or ``"random"``.
        rng: what decides a random light.

    Raises:
        ValueError: there is no such light, or nothing to decide a random one.
    """
    check_light(light)
    if light in LIGHTS:
        return relight(scene, *LIGHTS[light])
    if rng is None:
        raise ValueError(
            f"light is {RANDOM!r}, which only episodes draw; accepted here: {', '.join(LIGHTS)}"
        )
    daylight = 0.0 if rng.random() < _NIGHTS else float(rng.random())
    chance = _ON_BY_NIGHT + daylight * (_ON_BY_DAY - _ON_BY_NIGHT)
    sounding = {source.object for source in scene.compiled.sources}
    is_off = rng.random(len(scene.lamps)) >= chance
    off = [name for name, dark in zip(scene.lamps, is_off, strict=True) if dark]
    return relight(scene, {name: 0.0 for name in off if name not in sounding}, daylight)
