"""The plan of a scene as a picture, on which the page draws who and what moves."""

from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from avenv.drawing import TopDownMap
from avenv.simulation.world import World

LONGEST = 900
"""Pixels of the longer side."""


@dataclass(frozen=True)
class Plan:
    """A plan as PNG, and where the world is on it.

    Attributes:
        png: the picture.
        width, height: pixels.
        scale: pixels a metre; x goes to the right, y up.
        left, top: pixels of the world's origin.
    """

    png: bytes
    width: int
    height: int
    scale: float
    left: float
    top: float

    def place(self) -> dict[str, Any]:
        """Return all but the picture, as JSON has it."""
        return {name: value for name, value in asdict(self).items() if name != "png"}


def draw_plan(world: World) -> Plan:
    """Draw a world from above, as things are in it now."""
    low, high = world.compiled.bounds[:, :2]
    extent = np.maximum(high - low, 0.1)
    width, height = np.maximum(LONGEST * extent / extent.max(), LONGEST / 4).round().astype(int)
    size = int(width), int(height)
    drawn = TopDownMap(world.compiled, size)
    (left, top), (right, _) = drawn.to_pixels([(0.0, 0.0), (1.0, 0.0)]).tolist()
    file = BytesIO()
    Image.fromarray(drawn.background).save(file, "PNG")
    return Plan(file.getvalue(), *size, right - left, left, top)
