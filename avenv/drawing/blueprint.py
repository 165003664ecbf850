"""The blueprint of a scene: its plan with all names, the walkable floor, sources and a scale.

For people who script scenes: where things are in metres, what they are called, and where a body
can walk.
"""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from avenv.drawing.plan import INK, PAPER, Box, Projection, draw_plan, fit, write_room_names
from avenv.drawing.topdown import draw_source
from avenv.scene import CompiledScene
from avenv.simulation.world import World

_FINE = 2  # drawn this many times as large, then reduced, for smooth lines
_MARGIN = 0.6  # m of paper round the scene, for the scale
_WALK = np.array([70, 170, 110])  # green of the walkable floor
_POCKET = np.array([220, 150, 60])  # orange of floor that is cut off from it
_SHARE = 0.28  # of these colours in the floor's
_SOURCE_INK = (170, 40, 15)


def draw_blueprint(world: World, width: int = 1200) -> NDArray[np.uint8]:
    """Draw a scene from above (H, W, 3) uint8, X to the right and Y up.

    Walkable floor is tinted green, walkable floor that is cut off from it orange. The frame is
    ruled in metres.

    Args:
        world: the scene.
        width: of the picture, pixels.
    """
    compiled = world.compiled
    extent = _extent(compiled) + 2 * _MARGIN
    size = (_FINE * width, round(_FINE * width * float(extent[1] / extent[0])))
    view = fit(compiled, size, _MARGIN)
    text = _FINE * max(8, round(width / 85))
    plan = draw_plan(compiled, size, view)
    plan = plan._replace(image=_tint(plan.image, world, view))
    boxes = write_room_names(compiled, plan, view, round(1.4 * text))
    paint = ImageDraw.Draw(plan.image, "RGBA")
    _write_objects(compiled, paint, view, text, boxes)
    _draw_sources(compiled, paint, view, text, boxes)
    _rule(paint, size, view, text)
    return np.asarray(plan.image.reduce(_FINE))


def save_blueprint(world: World, path: str | Path, width: int = 1200) -> None:
    """Draw a scene as ``draw_blueprint`` does into a picture file (.png, .jpg, .webp, ...).

    Raises:
        ValueError: the file's ending is that of no picture.
    """
    save_picture(path, lambda: draw_blueprint(world, width))


def save_picture(path: str | Path, draw: Callable[[], NDArray[np.uint8]]) -> None:
    """Write what ``draw`` returns (H, W, 3) into a picture file, which appears when it is whole.

    Raises:
        ValueError: the file's ending is that of no picture; nothing is drawn then.
    """
    path = Path(path)
    if path.suffix.lower() not in Image.registered_extensions():
        raise ValueError(f"{path}: ends in {path.suffix!r}; accepted are .png, .jpg, .webp, ...")
    image = Image.fromarray(draw())
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        image.save(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _extent(compiled: CompiledScene) -> NDArray[np.float64]:
    """Return width and height (2,) of what ``fit`` brings into the picture, metres."""
    unit = fit(compiled, (1000, 1_000_000), 0.0), fit(compiled, (1_000_000, 1000), 0.0)
    return 1000 / np.array([projection.scale for projection in unit])


def _tint(image: Image.Image, world: World, view: Projection) -> Image.Image:
    """Return the plan with the walkable floor tinted."""
    grid = world.walkable
    rows, columns = grid.islands.shape
    low, high = grid.origin, grid.origin + grid.cell * np.array([columns, rows])
    (left, bottom), (right, top) = view.pixels(low), view.pixels(high)
    colour = np.where((grid.islands == 1)[:, :, None], _WALK, _POCKET)
    share = np.where(grid.islands > 0, round(255 * _SHARE), 0)
    tint = np.concatenate([colour, share[:, :, None]], axis=2).astype(np.uint8)[::-1]
    tinted = image.convert("RGBA")
    patch = Image.fromarray(tint).resize(
        (round(right - left), round(bottom - top)), Image.Resampling.NEAREST
    )
    layer = Image.new("RGBA", image.size)
    layer.paste(patch, (round(left), round(top)))
    return Image.alpha_composite(tinted, layer).convert("RGB")


def _write_objects(
    compiled: CompiledScene,
    paint: ImageDraw.ImageDraw,
    view: Projection,
    text: int,
    boxes: list[Box],
) -> None:
    """Write the names of doors and furniture, each as near to its middle as there is room."""
    font = ImageFont.load_default(text)
    built = ("floor", "ceiling", "wall", "window", "sky")
    sounding = {source.name for source in compiled.sources}
    for thing in compiled.objects:
        if thing.kind in built or thing.name in sounding:
            continue
        x, y = view.pixels(thing.position[:2])
        _write(paint, thing.name.replace("_", " "), (x, y), font, INK, boxes)


def _draw_sources(
    compiled: CompiledScene,
    paint: ImageDraw.ImageDraw,
    view: Projection,
    text: int,
    boxes: list[Box],
) -> None:
    font = ImageFont.load_default(text)
    for source in compiled.sources:
        x, y = view.pixels(source.position[:2])
        draw_source(paint, (x, y), text / 13)
        _write(paint, source.name, (x, y - 1.5 * text), font, _SOURCE_INK, boxes)


def _write(
    paint: ImageDraw.ImageDraw,
    label: str,
    at: tuple[float, float],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    ink: tuple[int, int, int],
    boxes: list[Box],
) -> None:
    """Write a label at a point, or above or below it where others stand; note its box."""
    height = paint.textbbox((0, 0), label, font, "mm")[3] * 2.2
    places = [
        paint.textbbox((at[0], at[1] + step * height), label, font, "mm")
        for step in (0, 1, -1, 2, -2, 3, -3)
    ]
    overlap = [sum(_overlap(box, other) for other in boxes) for box in places]
    left, top, right, bottom = best = places[int(np.argmin(overlap))]
    boxes.append(best)
    middle = ((left + right) / 2, (top + bottom) / 2)
    paint.text(middle, label, ink, font, "mm", stroke_width=2 * _FINE, stroke_fill=(*PAPER, 170))


def _overlap(a: Box, b: Box) -> float:
    across = min(a[2], b[2]) - max(a[0], b[0])
    down = min(a[3], b[3]) - max(a[1], b[1])
    return max(0.0, across) * max(0.0, down)


def _rule(paint: ImageDraw.ImageDraw, size: tuple[int, int], view: Projection, text: int) -> None:
    """Mark whole metres along the lower and the left edge of the picture."""
    font = ImageFont.load_default(text)
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500) if s * view.scale > 3 * text)
    width, height = size
    west, north = (-view.left / view.scale, view.top / view.scale)
    east, south = west + width / view.scale, north - height / view.scale
    tick, edge = 0.4 * text, 0.4 * text
    for x in np.arange(np.ceil(west / step) * step, east, step):
        at = float(view.pixels((x, 0))[0])
        paint.line([(at, height), (at, height - tick)], INK, _FINE)
        if edge + 2 * text < at < width - 2 * text:
            paint.text((at, height - tick - 0.2 * text), f"{x + 0:g}", INK, font, "mb")
    for y in np.arange(np.ceil(south / step) * step, north, step):
        at = float(view.pixels((0, y))[1])
        paint.line([(0, at), (tick, at)], INK, _FINE)
        if text < at < height - 2 * text:
            paint.text((tick + 0.2 * text, at), f"{y + 0:g}", INK, font, "lm")
    paint.text((width - edge, height - tick), "m", INK, font, "rb")
