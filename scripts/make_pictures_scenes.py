"""Make the pictures and tables of docs/scenes.md again: `python scripts/make_pictures_scenes.py`.

The tables of fields come from the models, that of kinds from the catalogue; a test holds the page
to them. `--tables` leaves the pictures.
"""

import re
from pathlib import Path

import click
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from avenv import SceneBuilder, load_scene
from avenv.drawing.blueprint import draw_blueprint
from avenv.scene.catalogue import kind, kind_names
from avenv.scene.episode_spec import EpisodeSourceSpec, EpisodeSpec, EventSpec
from avenv.scene.object_spec import ObjectSpec
from avenv.scene.opening_spec import DoorSpec, WindowSpec
from avenv.scene.spec import RoomSpec, SceneSpec, SourceSpec
from avenv.vision import render_view

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "scenes.md"
SPECS = {
    "scene": SceneSpec,
    "rooms": RoomSpec,
    "doors": DoorSpec,
    "windows": WindowSpec,
    "objects": ObjectSpec,
    "sources": SourceSpec,
    "events": EventSpec,
    "episodes": EpisodeSpec,
    "episode sources": EpisodeSourceSpec,
}
TILE, COLUMNS = 120, 11  # pixels, and pictures in a row


def field_table(spec: type) -> str:
    """Return a table of a model's fields: name, default, and what its docstring says of it."""
    text = re.sub(r"\s+", " ", spec.__doc__.split("Attributes:")[1])
    names = list(spec.model_fields)
    # Each field's words run to the next field's name; some speak for others ("so are ...").
    parts = re.split(rf" ({'|'.join(names)}): ", text)
    said = dict(zip(parts[1::2], parts[2::2], strict=True))
    rows = ["| field | default | |", "|---|---|---|"]
    for name in names:
        default = spec.model_fields[name]
        shown = "required" if default.is_required() else _plain(default.default)
        speaker = next((n for n in names if f"``{name}``" in said.get(n, "")), "")
        words = said.get(name, f"as `{speaker}`").strip()
        rows.append(f"| `{name}` | {shown} | {words.replace('``', '`')} |")
    return "\n".join(rows)


def _plain(value: object) -> str:
    return "" if value is None or value in ((), {}) else f"`{value}`"


def kind_table() -> str:
    """Return a table of the kinds of objects."""
    rows = ["| kind | category | depth × width × height, m | on | sound | states |",
            "|---|---|---|---|---|---|"]  # fmt: skip
    for name in kind_names():
        row = kind(name)
        size = " × ".join(f"{s:g}" for s in row.size)
        states = ", ".join(row.states)
        rows.append(
            f"| `{name}` | {row.category} | {size} | {row.mounted} | {row.sound or ''} | {states} |"
        )
    return "\n".join(rows)


def tables() -> dict[str, str]:
    """Return every table of the page by the name of its mark."""
    return {**{part: field_table(spec) for part, spec in SPECS.items()}, "kinds": kind_table()}


def write_tables() -> None:
    """Put the tables between their marks in the page."""
    page = PAGE.read_text()
    for name, table in tables().items():
        mark = rf"(<!-- {name} -->\n)(?:.*?\n)??(<!-- end -->)"
        page = re.sub(mark, lambda m, t=table: f"{m[1]}{t}\n{m[2]}", page, flags=re.DOTALL)
    PAGE.write_text(page)


def portrait(name: str) -> Image.Image:
    """Return a picture of one kind in an empty room, from its front left."""
    depth, width, height = kind(name).size
    b = SceneBuilder(name)
    room = b.room("room", size=(6, 6), height=2.7, floor="laminate")
    for wall in ("east wall", "north wall"):  # behind the camera, for the light
        room.window(wall, width=4, height=1.8, sill=0.6)
    lift = {"wall": 1.2 - height / 2, "ceiling": None}.get(kind(name).mounted, 0.0)
    room.place(name, at=(2.4, 3), z=lift)
    scene = load_scene(b.build())
    bottom = 2.7 - height if lift is None else lift
    centre = np.array([2.4, 3.0, bottom + height / 2])
    azimuth, elevation = np.deg2rad(35), np.deg2rad(18 if lift is not None else -18)
    reach = np.linalg.norm([depth, width, height])
    away = reach * np.array([np.cos(azimuth) * np.cos(elevation),
                             np.sin(azimuth) * np.cos(elevation), np.sin(elevation)])  # fmt: skip
    eye = np.clip(centre + away, 0.08, [5.9, 5.9, 2.6])
    way = centre - eye
    heading, pitch = np.arctan2(way[1], way[0]), np.arctan2(way[2], np.hypot(*way[:2]))
    seen = render_view(scene.raster, eye, heading, pitch, (3 * TILE, 3 * TILE), hfov=62)
    return Image.fromarray(seen["rgb"]).reduce(3)


def catalogue() -> Image.Image:
    """Return one sheet of all kinds with their names."""
    names, line = kind_names(), 15
    rows = -(-len(names) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * TILE, rows * (TILE + line)), "white")
    paint, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for k, name in enumerate(names):
        x, y = k % COLUMNS * TILE, k // COLUMNS * (TILE + line)
        sheet.paste(portrait(name), (x, y))
        paint.text((x + TILE / 2, y + TILE + line / 2), name, (40, 40, 50), font, "mm")
    return sheet


@click.command(help=__doc__)
@click.option("--tables", is_flag=True, help="Write the tables only.")
def main(tables: bool) -> None:
    write_tables()
    if not tables:
        plan = Image.fromarray(draw_blueprint(load_scene("apartment"), 900))
        plan.save(DOCS / "images" / "scenes_plan.png", optimize=True)
        catalogue().save(DOCS / "images" / "scenes_catalogue.jpg", quality=88)


if __name__ == "__main__":
    main()
