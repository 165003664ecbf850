"""Maps seen from above: the plan, and on it what happens."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import ImageDraw

from avenv.drawing.plan import draw_plan, fit, write_room_names
from avenv.scene import CompiledScene

Colour = tuple[int, int, int]

TRAIL: Colour = (32, 98, 214)
"""Blue of the path walked."""

_ROUTE = (84, 92, 108)
_SOURCE = (226, 74, 40)
_GOAL = (22, 150, 92)
_WHITE = (255, 255, 255)
_FINE = 2  # drawn this many times as large, then reduced, for smooth lines


class TopDownMap:
    """A plan of a scene, drawn once, on which each frame draws the agent and its path.

    The world's Y axis points up in the picture and X to the right.

    Args:
        compiled: the scene.
        size: (width, height) in pixels.
        margin: metres of paper round the scene.

    Raises:
        ValueError: the size is below 32 pixels.
    """

    def __init__(
        self, compiled: CompiledScene, size: tuple[int, int] = (480, 480), margin: float = 0.3
    ):
        if min(size) < 32:
            raise ValueError(f"size is {size}; width and height must be at least 32")
        self.size = size
        self._unit = _FINE * min(size) / 480  # pixels, so that a small map has small signs
        large = (_FINE * size[0], _FINE * size[1])
        self._view = fit(compiled, large, margin)
        text = max(8, round(12 * self._unit))
        plan = draw_plan(compiled, large, self._view)
        write_room_names(compiled, plan, self._view, text)
        self._plan = plan.image

    @property
    def background(self) -> NDArray[np.uint8]:
        """The plan alone (H, W, 3)."""
        return np.asarray(self._plan.reduce(_FINE))

    def to_pixels(self, xy: ArrayLike) -> NDArray[np.float64]:
        """Return pixel coordinates (..., 2), x to the right and y down, of world points."""
        return self._view.pixels(xy) / _FINE

    def draw(
        self,
        position: ArrayLike,
        heading: float,
        path: ArrayLike | None = None,
        sources: Iterable[ArrayLike] = (),
        goal: ArrayLike | None = None,
        route: ArrayLike | None = None,
        hfov: float = 90.0,
        trail: Colour = TRAIL,
    ) -> NDArray[np.uint8]:
        """Draw one frame (H, W, 3) uint8.

        Args:
            position: (2,) world metres of the agent, an arrow on a disc.
            heading: radians.
            path: (N, 2) where it has walked.
            sources: (2,) each, sounding, drawn as concentric arcs.
            goal: (2,) where it should stop, a ring.
            route: (N, 2) the shortest way, dotted.
            hfov: degrees, opening of the cone ahead of the agent.
            trail: colour of the path and the agent.
        """
        image = self._plan.copy()
        paint = ImageDraw.Draw(image, "RGBA")
        if route is not None:
            self._dots(paint, route)
        if goal is not None:
            self._ring(paint, goal)
        if path is not None:
            self._trail(paint, path, trail)
        for source in sources:
            draw_source(paint, self._pixels(source)[0], self._unit)
        self._agent(paint, position, heading, hfov, trail)
        return np.asarray(image.reduce(_FINE))

    def _pixels(self, xy: ArrayLike) -> list[tuple[float, float]]:
        """Return points (N, 2) or one point (2,) of the world as Pillow wants them."""
        return [(float(x), float(y)) for x, y in self._view.pixels(xy).reshape(-1, 2)]

    def _trail(self, paint: ImageDraw.ImageDraw, path: ArrayLike, colour: Colour) -> None:
        points, unit = self._pixels(path), self._unit
        for width, ink in ((6, (*_WHITE, 150)), (3, (*colour, 255))):
            paint.line(points, ink, round(width * unit), joint="curve")
        for start in points[:1]:
            _disc(paint, start, 4.5 * unit, fill=_WHITE, outline=colour, width=round(2 * unit))

    def _dots(self, paint: ImageDraw.ImageDraw, route: ArrayLike) -> None:
        points = np.array(self._pixels(route))
        along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
        at = np.arange(0, along[-1], 9 * self._unit)
        for x, y in zip(*(np.interp(at, along, axis) for axis in points.T), strict=True):
            _disc(paint, (x, y), 1.8 * self._unit, fill=(*_ROUTE, 220))

    def _ring(self, paint: ImageDraw.ImageDraw, goal: ArrayLike) -> None:
        [centre] = self._pixels(goal)
        width = round(2.5 * self._unit)
        _disc(paint, centre, 12 * self._unit, fill=(*_GOAL, 50), outline=_GOAL, width=width)

    def _agent(
        self,
        paint: ImageDraw.ImageDraw,
        position: ArrayLike,
        heading: float,
        hfov: float,
        colour: Colour,
    ) -> None:
        [(x, y)], unit = self._pixels(position), self._unit
        facing, half = -np.degrees(heading), hfov / 2  # the picture's y points down
        for length in (46, 34, 22):  # the cone fades with distance
            box = _box((x, y), length * unit)
            paint.pieslice(box, facing - half, facing + half, (*colour, 34))
        _disc(paint, (x, y), 9.5 * unit, fill=colour, outline=_WHITE, width=round(2 * unit))
        turn = heading + np.radians([0, 140, 180, 220])
        reach = unit * np.array([6.5, 5.5, 2.0, 5.5])
        arrow = np.stack([x + reach * np.cos(turn), y - reach * np.sin(turn)], axis=1)
        paint.polygon(arrow.ravel().tolist(), _WHITE)


def draw_source(paint: ImageDraw.ImageDraw, centre: tuple[float, float], unit: float) -> None:
    """Draw concentric arcs round a point in pixels; the outermost are 21 ``unit`` away."""
    for radius, alpha in ((9, 255), (15, 190), (21, 120)):
        box = _box(centre, radius * unit)
        for side in (0, 180):
            ink, width = (*_SOURCE, alpha), round(2.5 * unit)
            paint.arc(box, side - 52, side + 52, ink, width)
    _disc(paint, centre, 4.5 * unit, fill=_SOURCE, outline=_WHITE, width=round(unit))


def _box(centre: tuple[float, float], radius: float) -> tuple[float, float, float, float]:
    x, y = centre
    return x - radius, y - radius, x + radius, y + radius


def _disc(
    paint: ImageDraw.ImageDraw, centre: tuple[float, float], radius: float, **style: Any
) -> None:
    paint.ellipse(_box(centre, radius), **style)
