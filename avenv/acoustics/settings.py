"""What a sound field is computed with: one plain, frozen record, part of every cache key."""

import math
from dataclasses import dataclass, fields
from numbers import Integral

_WHOLE = {
    "order": (0, 16),
    "mirror_rays": (0, 2**22),
    "rays": (1, 2**22),
    "seed": (0, 2**64 - 1),
}  # their least and most
_POSITIVE = ("bin", "cell", "slab", "max_time")

MAX_BINS = 1000
"""Bins of time that a late field may have: ``max_time`` over ``bin``."""


@dataclass(frozen=True)
class AcousticSettings:
    """How finely sound is traced.

    Attributes:
        order: reflections that image sources compute exactly; 0 leaves all to the late field.
        mirror_rays: rays per source that look for such reflections.
        rays: rays per source that trace the late field; its error falls as their square root.
        bin: seconds of a time bin of the late field.
        cell: metres, width of the late field's cells.
        slab: metres, height of the cells, centred on the listener's ear.
        all_heights: fill the scene with layers of cells, about ``slab`` high, so that one field
            serves listeners at any height; else there is one layer, at the height of the ears.
        max_time: seconds after which a ray is given up; responses are no longer than this.
        seed: of the late field's rays.
        temperature: of the air, degrees Celsius.
        humidity: of the air, percent relative.

    Raises:
        ValueError: a setting is out of range; the message names it.
    """

    order: int = 2
    mirror_rays: int = 16384
    rays: int = 4096
    bin: float = 0.01
    cell: float = 0.5
    slab: float = 1.0
    all_heights: bool = False
    max_time: float = 1.0
    seed: int = 0
    temperature: float = 20.0
    humidity: float = 50.0

    def __post_init__(self) -> None:
        for name, (least, most) in _WHOLE.items():
            value = getattr(self, name)
            whole = isinstance(value, Integral) and not isinstance(value, bool)
            if not (whole and least <= value <= most):
                raise ValueError(
                    f"{name} is {value!r}; accepted: whole numbers from {least} to {most}"
                )
        for name in _POSITIVE:
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)!r}; accepted: more than 0")
        if self.max_time > MAX_BINS * self.bin:
            raise ValueError(
                f"max_time is {self.max_time!r} and bin {self.bin!r}; accepted: up to {MAX_BINS} "
                f"bins of time, as max_time={MAX_BINS * self.bin:g} or "
                f"bin={self.max_time / MAX_BINS:g} have them"
            )
        if not -50 <= self.temperature <= 50:
            raise ValueError(f"temperature is {self.temperature!r}; accepted: -50 to 50 °C")
        if not 0 <= self.humidity <= 100:
            raise ValueError(f"humidity is {self.humidity!r}; accepted: 0 to 100 percent")

    @property
    def key(self) -> str:
        """A text that differs wherever two settings differ."""
        return ";".join(f"{f.name}={getattr(self, f.name)!r}" for f in fields(self))
