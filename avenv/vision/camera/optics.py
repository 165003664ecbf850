"""Size and projection of a camera's pictures, as plain data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from avenv.vision.camera.checks import is_number
from avenv.vision.camera.pictures import MAX_SIDE
from avenv.vision.camera.projection import focal_length

PROJECTIONS = ("perspective", "orthographic", "equirectangular")
"""How directions fall on a picture: through a pinhole, along parallel rays, or all of them."""

USUAL_HFOV = 90.0
"""Degrees that a perspective picture spans unless told otherwise."""

MAX_SPAN = 1000.0
"""Metres that an orthographic picture can span."""


@dataclass(frozen=True)
class Optics:
    """Size and projection of a camera's pictures.

    Attributes:
        size: (width, height), pixels, 1 to 8192.
        projection: ``"perspective"``; ``"orthographic"``, along parallel rays, as a plan is drawn;
            or ``"equirectangular"``, all directions: columns are azimuths, from 180° at the left
            edge through straight ahead in the middle, rows are elevations from 90° down to -90°.
        hfov: degrees that a perspective picture spans from left to right, 90 by default; other
            projections have none. Pixels are square.
        span: metres that an orthographic picture spans from left to right; others have none.

    Raises:
        ValueError: a setting is out of range or does not go with the projection; the message names
            it.
    """

    size: tuple[int, int] = (128, 128)
    projection: str = "perspective"
    hfov: float | None = None
    span: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", as_size("size", self.size))
        if self.projection not in PROJECTIONS:
            raise ValueError(
                f"projection is {self.projection!r}; accepted: {', '.join(PROJECTIONS)}"
            )
        if self.projection == "perspective":
            hfov = USUAL_HFOV if self.hfov is None else self.hfov
            object.__setattr__(self, "hfov", check_hfov(hfov))
        elif self.hfov is not None:
            raise ValueError(f"hfov is {self.hfov!r}; a picture that is {self.projection} has none")
        if self.projection == "orthographic":
            if not (is_number(self.span) and 0 < self.span <= MAX_SPAN):
                raise ValueError(
                    f"span is {self.span!r}; accepted: the metres that an orthographic picture "
                    f"spans, more than 0 and at most {MAX_SPAN:g}"
                )
        elif self.span is not None:
            raise ValueError(f"span is {self.span!r}; a picture that is {self.projection} has none")

    @property
    def focal(self) -> float:
        """Pixels that show a metre: 1 m ahead in perspective, at any depth along parallel rays.

        All round, where none are straight, at the horizon and 1 m away.
        """
        width = self.size[0]
        if self.span is not None:
            return width / self.span
        return focal_length(width, np.radians(self.hfov)) if self.hfov else width / (2 * np.pi)


def check_hfov(hfov: Any) -> float:
    """Return a horizontal field of view in degrees as a float.

    Raises:
        ValueError: it does not lie between 0 and 180 degrees.
    """
    if not (is_number(hfov) and 0 < hfov < 180):
        raise ValueError(f"hfov is {hfov!r}; accepted: more than 0 and less than 180 degrees")
    return float(hfov)


def as_size(name: str, size: Any) -> tuple[int, int]:
    """Return (width, height) as two integers.

    Raises:
        ValueError: it is something else, or a side is out of range; the message says ``name``.
    """
    sides = tuple(size) if isinstance(size, Sequence) else ()
    whole = all(isinstance(side, int | np.integer) and side is not True for side in sides)
    if not (len(sides) == 2 and whole and min(sides) >= 1 and max(sides) <= MAX_SIDE):
        raise ValueError(
            f"{name} is {size!r}; accepted: (width, height), whole pixels, 1 to {MAX_SIDE}"
        )
    return int(sides[0]), int(sides[1])
