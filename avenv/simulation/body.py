"""The robot's body: how large it is, where its eyes, ears and hands are, and how well it obeys."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from avenv.core.errors import SceneError

if TYPE_CHECKING:
    from avenv.simulation.world import World

EYE_HEIGHT = 1.25
"""Metres above the floor of the usual body's eyes, and of its ears."""


@dataclass(frozen=True)
class Body:
    """The robot: a disc on the floor with a head, in metres.

    Attributes:
        radius: of the disc; it is everywhere this far from obstacles.
        height: what hangs higher is not in its way.
        step: what is lower it steps over.
        eye_height: above the floor.
        ear_height: above the floor.
        hands: where it holds things: ahead of it, to its left, above the floor.

    Raises:
        ValueError: a length is out of range; the message names it.
    """

    radius: float = 0.18
    height: float = 1.5
    step: float = 0.10
    eye_height: float = EYE_HEIGHT
    ear_height: float = EYE_HEIGHT
    hands: tuple[float, float, float] = (0.5, 0.0, 0.85)

    def __post_init__(self) -> None:
        hands = tuple(self.hands) if isinstance(self.hands, Sequence) else (self.hands,)
        object.__setattr__(self, "hands", hands)  # YAML brings lists
        for field in fields(self):
            value = getattr(self, field.name)
            numbers = value if field.name == "hands" else (value,)
            if not all(isinstance(v, int | float) and np.isfinite(v) for v in numbers):
                raise ValueError(f"body.{field.name} is {value!r}; accepted: metres")
        if len(self.hands) != 3:
            raise ValueError(f"body.hands is {self.hands!r}; accepted: three lengths in metres")
        if not 0.05 <= self.radius <= 2:
            raise ValueError(f"body.radius is {self.radius!r}; accepted: 0.05 to 2 m")
        if not 0 < self.step < self.height:
            raise ValueError(
                f"body.step is {self.step!r} and body.height {self.height!r}; accepted: "
                "0 < step < height"
            )
        for name in ("eye_height", "ear_height"):
            if not 0 < getattr(self, name) <= 10:
                raise ValueError(f"body.{name} is {getattr(self, name)!r}; accepted: up to 10 m")


def check_fits(body: Body, world: "World") -> None:
    """Raise ``SceneError`` if a scene has doors, and the body passes through none of them."""
    doors = world.doors
    if doors and not any(2 * body.radius <= wide and body.height <= high for wide, high in doors):
        widest, highest = (max(sizes) for sizes in zip(*doors, strict=True))
        raise SceneError(
            f"body.radius is {body.radius} and body.height {body.height}: it passes through no "
            f"door of {world.name}, of which the widest is {widest} m and the highest {highest} m; "
            f"accepted there: a radius up to {widest / 2:.2f} m"
        )
