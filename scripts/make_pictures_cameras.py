"""Make the pictures of cameras in docs/vision.md: `python scripts/make_pictures_cameras.py`."""

from pathlib import Path

import click
import numpy as np
from PIL import Image

import avenv
from avenv.vision import MAX_DEPTH, CameraNoise, disturb_depth, disturb_rgb

FOLDER = Path(__file__).parents[1] / "docs" / "images"
GAP = 4


def gray(depth: np.ndarray) -> np.ndarray:
    """Show depth (H, W, 1), near things bright and no depth black."""
    shade = np.where(depth > 0, 40 + 215 * (1 - depth / MAX_DEPTH) ** 2, 0)
    return np.repeat(np.uint8(shade), 3, axis=2)


def noisy(home: avenv.World) -> np.ndarray:
    """Show one view as it is and as a poor camera sees it: colour, then depth."""
    view = avenv.render_view(
        home, (5.9, 1.3, 1.45), np.radians(20), np.radians(-10), (320, 240), hfov=85
    )
    noise = CameraNoise(depth_growth=0.01, dropout=0.01, shot=0.1, exposure=-0.5)
    seeds, steps = np.zeros(1, np.uint64), np.zeros(1, np.int64)
    rgb, depth = view["rgb"][None].copy(), view["depth"][None].copy()
    disturb_rgb(rgb, noise, seeds, steps)
    disturb_depth(depth, noise, seeds, steps)
    return beside([view["rgb"], rgb[0], gray(view["depth"]), gray(depth[0])])


def projections(home: avenv.World) -> np.ndarray:
    """Show a room from above along parallel rays, and everything around its middle."""
    place, heading = (4.1, 3.0, 1.4), np.radians(200)
    around = avenv.render_view(
        home, place, heading, size=(904, 452), sensors=("rgb",), projection="equirectangular"
    )
    low, high = home.compiled.bounds
    plan = avenv.render_view(
        home, (*(low + high)[:2] / 2, 5.0), np.pi / 2, -np.pi / 2, (500, 452), sensors=("rgb",),
        projection="orthographic", span=high[0] - low[0] + 0.3,
    )  # fmt: skip
    return beside([around["rgb"], plan["rgb"]])


def beside(pictures: list[np.ndarray]) -> np.ndarray:
    """Put pictures side by side, with white gaps."""
    padded = [np.pad(p, ((0, 0), (0, GAP), (0, 0)), constant_values=255) for p in pictures]
    return np.concatenate(padded, axis=1)[:, :-GAP]


def save(folder: Path, name: str, picture: np.ndarray) -> None:
    """Write a picture with 256 colours, which keeps it small."""
    image = Image.fromarray(picture).quantize(256, kmeans=2)
    image.save(folder / f"vision_{name}.png", optimize=True)


@click.command(help=__doc__)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=FOLDER,
    help="Folder of the pictures; default: docs/images.",
)
def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    apartment = avenv.load_scene("apartment")
    save(out, "projections", projections(apartment))
    save(out, "noise", noisy(apartment))


if __name__ == "__main__":
    main()
