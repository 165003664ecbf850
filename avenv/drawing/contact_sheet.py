"""A contact sheet of a scene: its plan, and a picture of every room."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from avenv import vision
from avenv.drawing.blueprint import save_picture
from avenv.drawing.plan import INK, PAPER
from avenv.drawing.topdown import TopDownMap
from avenv.drawing.viewpoints import HFOV, PITCH, Viewpoint, find_viewpoints
from avenv.simulation.world import World

_GAP = 12  # pixels between pictures
_CAPTION = 34  # pixels below a picture
_COLUMNS = 3


def draw_contact_sheet(
    world: World, light: str = "full", picture: tuple[int, int] = (480, 360)
) -> NDArray[np.uint8]:
    """Draw the plan of a scene and a view of each of its rooms (H, W, 3) uint8.

    Args:
        world: the scene.
        light: of ``vision.LIGHTS``.
        picture: (width, height) of one view in pixels.

    Raises:
        ValueError: there is no such light.
    """
    raster = world.prepared_for("raster", light)
    views = find_viewpoints(world)
    columns = min(_COLUMNS, len(views))
    rows = -(-len(views) // columns)
    cell = np.array([picture[0] + _GAP, picture[1] + _CAPTION + _GAP])
    height = int(rows * cell[1] + _GAP)
    plan = _plan(world, height - 2 * _GAP)
    left = plan.width + 2 * _GAP
    sheet = Image.new("RGB", (int(left + columns * cell[0]), height), PAPER)
    sheet.paste(plan, (_GAP, _GAP))
    paint, font = ImageDraw.Draw(sheet), ImageFont.load_default(20)
    for k, view in enumerate(views):
        x, y = (int(v) for v in (left, _GAP) + cell * (k % columns, k // columns))
        sheet.paste(Image.fromarray(_photograph(raster, view, picture)), (x, y))
        at = (x + picture[0] / 2, y + picture[1] + _CAPTION / 2)
        paint.text(at, view.title.replace("_", " "), INK, font, "mm")
    return np.asarray(sheet)


def save_contact_sheet(world: World, path: str | Path, light: str = "full") -> None:
    """Draw a contact sheet into a picture file (.png, .jpg, .webp, ...).

    Raises:
        ValueError: the file's ending is that of no picture, or there is no such light.
    """
    save_picture(path, lambda: draw_contact_sheet(world, light))


def _plan(world: World, height: int) -> Image.Image:
    """Draw the plan as large as it fits into the height, and in a width half as much again."""
    low, high = world.compiled.bounds[:, :2]
    aspect = float(np.clip((high[0] - low[0]) / max(high[1] - low[1], 1e-6), 0.4, 1.5))
    width = round(aspect * height)
    return Image.fromarray(TopDownMap(world.compiled, (width, height), margin=0.2).background)


def _photograph(
    raster: vision.RasterScene, view: Viewpoint, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Draw twice as large, and reduce: smooth edges."""
    fine = (2 * size[0], 2 * size[1])
    pictures = vision.render_view(
        raster, view.position, view.heading, PITCH, fine, HFOV, sensors=("rgb",)
    )
    rgb = pictures["rgb"]
    return np.asarray(Image.fromarray(rgb).reduce(2))
