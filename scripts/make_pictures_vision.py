"""Make the pictures of docs/vision.md again: `python scripts/make_pictures_vision.py`."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from avenv.scene import CATEGORIES, CompiledScene, SceneSpec, compile_scene, find_scene
from avenv.vision import SENSORS, RasterScene, prepare, relight, render_view
from avenv.vision.light import packed, plain_light

FOLDER = Path(__file__).parents[1] / "docs" / "images"

ROOMS = (  # position, heading and pitch in degrees
    ((4.9, 3.7, 1.45), 213, -12),
    ((5.9, 1.3, 1.45), 20, -10),
    ((3.4, 7.6, 1.5), 230, -14),
    ((5.75, 6.75, 1.55), 188, -18),
    ((6.8, 7.7, 1.5), -35, -14),
    ((4.1, 4.95, 1.45), 2, -10),
)


def look(scene: RasterScene, view: tuple, size: tuple[int, int], **kwargs) -> dict:
    """Return the pictures of one view; angles in degrees."""
    position, heading, pitch = view
    return render_view(
        scene, position, np.radians(heading), np.radians(pitch), size, hfov=85, **kwargs
    )


def sheet(pictures: list[np.ndarray], columns: int, gap: int = 4) -> np.ndarray:
    """Lay out pictures in rows, with white gaps."""
    padded = [np.pad(p, ((0, gap), (0, gap), (0, 0)), constant_values=255) for p in pictures]
    rows = [np.concatenate(padded[k : k + columns], axis=1) for k in range(0, len(padded), columns)]
    return np.concatenate(rows, axis=0)[:-gap, :-gap]


def rooms(scene: RasterScene) -> np.ndarray:
    """Show every room."""
    return sheet([look(scene, view, (320, 240))["rgb"] for view in ROOMS], 3)


def palette(count: int) -> np.ndarray:
    """Return distinct colours (count, 3) uint8, black for 0."""
    colors = np.random.default_rng(4).integers(40, 250, (count, 3)).astype(np.uint8)
    colors[0] = 0
    return colors


def sensors(compiled: CompiledScene, scene: RasterScene) -> np.ndarray:
    """Show what each sensor sees of one view."""
    seen = look(scene, ROOMS[0], (256, 192), sensors=SENSORS)
    depth = np.repeat(np.uint8(255 * (1 - seen["depth"] / 10) ** 2), 3, axis=2)
    semantic = palette(len(CATEGORIES))[seen["semantic"][..., 0]]
    instance = palette(len(compiled.objects) + 1)[seen["instance"][..., 0]]
    normal = np.uint8(127.5 + 127.5 * seen["normal"])
    return sheet([seen["rgb"], depth, semantic, instance, normal], 5)


def baking(scene: RasterScene) -> np.ndarray:
    """Show one view by plain light, by day and by night."""
    arrays = scene.arrays
    plain = arrays.light.copy()
    lights = packed(plain_light(arrays.planes[:, :3]))
    for chart, light in zip(arrays.chart, lights, strict=True):
        first, width, height = arrays.chart_record[chart, 12:15].astype(int)
        plain[first : first + width * height] = light
    views = [
        replace(scene, arrays=arrays._replace(light=plain)),
        relight(scene, 0, 1),
        relight(scene, 1, 0),
    ]
    return sheet([look(v, ROOMS[2], (320, 240))["rgb"] for v in views], 3)


def strip(scene: RasterScene) -> np.ndarray:
    """Show the rooms as an agent sees them at 64 x 64, three times enlarged."""
    small = [look(scene, view, (64, 64))["rgb"] for view in ROOMS]
    return sheet([p.repeat(3, axis=0).repeat(3, axis=1) for p in small], 6)


def save(name: str, picture: np.ndarray) -> None:
    """Write a picture with 256 colours, which keeps it small."""
    image = Image.fromarray(picture)
    colors = image.quantize(256, kmeans=2)
    image = image.quantize(palette=colors, dither=Image.Dither.FLOYDSTEINBERG)
    image.save(FOLDER / f"vision_{name}.png", optimize=True)


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    apartment = compile_scene(SceneSpec.from_yaml(find_scene("apartment")))
    lit = prepare(apartment)
    save("day", rooms(relight(lit, 0, 1)))
    save("night", rooms(relight(lit, 1, 0)))
    save("sensors", sensors(apartment, lit))
    save("baking", baking(lit))
    save("strip", strip(lit))
