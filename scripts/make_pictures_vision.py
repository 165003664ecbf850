"""Make the pictures of docs/vision.md again: `python scripts/make_pictures_vision.py`."""

from dataclasses import replace
from pathlib import Path

import click
import numpy as np
from PIL import Image

import avenv
from avenv.drawing.contact_sheet import draw_contact_sheet
from avenv.drawing.viewpoints import HFOV, PITCH, Viewpoint, find_viewpoints
from avenv.scene import CATEGORIES, CompiledScene
from avenv.vision import SENSORS, RasterScene, relight, render_view
from avenv.vision.light.codes import pack
from avenv.vision.light.lighting import LIGHT_RANGE, plain_maps

FOLDER = Path(__file__).parents[1] / "docs" / "images"


def look(scene: RasterScene, view: Viewpoint, size: tuple[int, int], **options) -> dict:
    """Return the pictures of one view."""
    return render_view(scene, view.position, view.heading, PITCH, size, HFOV, **options)


def photograph(scene: RasterScene, view: Viewpoint, size: tuple[int, int]) -> np.ndarray:
    """Draw twice as large and reduce, for smooth edges."""
    fine = look(scene, view, (2 * size[0], 2 * size[1]), sensors=("rgb",))["rgb"]
    return np.asarray(Image.fromarray(fine).reduce(2))


def sheet(pictures: list[np.ndarray], columns: int, gap: int = 4) -> np.ndarray:
    """Lay out pictures in rows, with white gaps."""
    padded = [np.pad(p, ((0, gap), (0, gap), (0, 0)), constant_values=255) for p in pictures]
    rows = [np.concatenate(padded[k : k + columns], axis=1) for k in range(0, len(padded), columns)]
    return np.concatenate(rows, axis=0)[:-gap, :-gap]


def rooms(scene: RasterScene, views: list[Viewpoint]) -> np.ndarray:
    """Show every room."""
    return sheet([photograph(scene, view, (400, 300)) for view in views], 3)


def palette(count: int) -> np.ndarray:
    """Return distinct colours (count, 3) uint8, black for 0."""
    colors = np.random.default_rng(4).integers(40, 250, (count, 3)).astype(np.uint8)
    colors[0] = 0
    return colors


def sensors(compiled: CompiledScene, scene: RasterScene, view: Viewpoint) -> np.ndarray:
    """Show what each sensor sees of one view."""
    seen = look(scene, view, (256, 192), sensors=SENSORS)
    depth = np.repeat(np.uint8(255 * (1 - seen["depth"] / 10) ** 2), 3, axis=2)
    semantic = palette(len(CATEGORIES))[seen["semantic"][..., 0]]
    instance = palette(len(compiled.objects) + 1)[seen["instance"][..., 0]]
    normal = np.uint8(127.5 + 127.5 * seen["normal"])
    return sheet([seen["rgb"], depth, semantic, instance, normal], 5)


def plainly_lit(scene: RasterScene) -> RasterScene:
    """Return the scene as it would look without lamps and windows."""
    light = scene.arrays.light.copy()
    plain = pack(plain_maps(scene.charts) / np.float32(LIGHT_RANGE))
    light[: len(plain)] = plain
    return replace(scene, arrays=scene.arrays._replace(light=light))


def switches(scene: RasterScene, view: Viewpoint) -> np.ndarray:
    """Show one view in plain light, by day, at night, and by the fire alone."""
    others = {name: 0.0 for name in scene.lamps if name != "fireplace"}
    lights = [
        plainly_lit(scene),
        relight(scene, lamps=0, daylight=1),
        relight(scene, lamps=1, daylight=0),
        relight(scene, lamps=others, daylight=0),
    ]
    return sheet([photograph(light, view, (400, 300)) for light in lights], 2)


def strip(scene: RasterScene, views: list[Viewpoint]) -> np.ndarray:
    """Show the rooms as an agent sees them at 64 x 64, three times enlarged."""
    small = [look(scene, view, (64, 64), sensors=("rgb",))["rgb"] for view in views]
    return sheet([p.repeat(3, axis=0).repeat(3, axis=1) for p in small], 6)


def save(folder: Path, name: str, picture: np.ndarray) -> None:
    """Write a picture; JPEG for photographs, whose colours are many and edges few."""
    options = {"quality": 85, "optimize": True} if name.endswith(".jpg") else {"optimize": True}
    Image.fromarray(picture).save(folder / f"vision_{name}", **options)


@click.command(help=__doc__)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=FOLDER,
    help="Folder of the pictures; default: docs/images.",
)
def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    world = avenv.load_scene("apartment")
    views = find_viewpoints(world)
    save(out, "sheet.jpg", draw_contact_sheet(world, "full", (320, 240)))
    save(out, "day.jpg", rooms(world.prepared_for("raster", "day"), views))
    save(out, "night.jpg", rooms(world.prepared_for("raster", "night"), views))
    save(out, "sensors.png", sensors(world.compiled, world.raster, views[0]))
    save(out, "switches.jpg", switches(world.raster, views[0]))
    save(out, "strip.png", strip(world.raster, views))


if __name__ == "__main__":
    main()
