"""Make the contact sheet of homes again: `python scripts/make_pictures_homes.py`."""

from pathlib import Path

import click
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from shapely import Polygon, contains_xy
from tqdm import tqdm

import avenv
from avenv.drawing.plan import INK, PAPER, draw_plan, fit, write_room_names
from avenv.scene import CATEGORIES
from avenv.scene.homes import generate_home
from avenv.simulation.loading import load_scene
from avenv.simulation.world import World

OUT = Path(__file__).parents[1] / "docs" / "images" / "homes.jpg"
COLUMNS = 4
TILE = (400, 300)  # pixels of a plan, and of the view below it
FINE = 2
FURNITURE = CATEGORIES.index("window") + 1  # the categories of objects follow
ROOMS = ("living room", "kitchen", "bedroom", "living room", "study", "bathroom")


def plan_of(world: World) -> Image.Image:
    """Draw a home from above, with the names of its rooms."""
    size = (FINE * TILE[0], FINE * TILE[1])
    view = fit(world.compiled, size, 0.3)
    plan = draw_plan(world.compiled, size, view)
    write_room_names(world.compiled, plan, view, FINE * 11)
    return plan.image.reduce(FINE)


def view_of(world: World, name: str) -> Image.Image:
    """Render a room from where one sees most of what is in it."""
    room = next((r for r in world.compiled.rooms if r.name == name), world.compiled.rooms[0])
    grid, shape = world.walkable, Polygon(room.polygon)
    iy, ix = np.nonzero(grid.islands == 1)
    spots = grid.origin + grid.cell * (np.stack([ix, iy], axis=1) + 0.5)
    spots = spots[contains_xy(shape, spots)]
    middle = spots.mean(axis=0)
    far = np.hypot(*(spots - middle).T)
    chosen = spots[np.argsort(-far)[: len(spots) // 3 : max(1, len(spots) // 60)]]
    looks = [(*eye, float(np.arctan2(*(middle - eye)[::-1]))) for eye in chosen]
    best = max(looks, key=lambda look: interest(world, look))
    return Image.fromarray(look_from(world, best, FINE)["rgb"]).reduce(FINE)


def look_from(world: World, look: tuple[float, float, float], fine: float) -> dict[str, np.ndarray]:
    """Render what one sees who stands at x, y and looks that way."""
    size = (int(fine * TILE[0]), int(fine * TILE[1]))
    return avenv.render_view(world, (*look[:2], 1.5), look[2], pitch=-0.14, size=size, hfov=85)


def interest(world: World, look: tuple[float, float, float]) -> float:
    """Return the share of a picture that shows furniture, less what is right before the eye."""
    seen = look_from(world, look, 0.1)
    return float((seen["semantic"] >= FURNITURE).mean() - 3 * (seen["depth"] < 0.9).mean())


def sheet(seeds: range, rooms: tuple[str, ...]) -> Image.Image:
    """Draw a plan and a view of a room for each home."""
    width, height = TILE
    rows = -(-len(seeds) // COLUMNS)
    picture = Image.new("RGB", (COLUMNS * width, rows * 2 * height), PAPER)
    paint, font = ImageDraw.Draw(picture), ImageFont.load_default(13)
    for k, seed in enumerate(tqdm(seeds, desc="homes")):
        world = load_scene(generate_home(seed))
        left, top = k % COLUMNS * width, k // COLUMNS * 2 * height
        picture.paste(plan_of(world), (left, top))
        picture.paste(view_of(world, rooms[k % len(rooms)]), (left, top + height))
        paint.text((left + 6, top + 4), f"seed {seed}", INK, font)
    return picture


@click.command()
@click.option("--first", default=0, show_default=True, help="The first seed.")
@click.option("--count", default=12, show_default=True, help="How many homes.")
@click.option("--out", default=str(OUT), help="The picture to write.")
def main(first: int, count: int, out: str) -> None:
    """Draw homes: plan and one room of each."""
    sheet(range(first, first + count), ROOMS).save(out, quality=62, optimize=True)
    click.echo(f"{out}: {Path(out).stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
