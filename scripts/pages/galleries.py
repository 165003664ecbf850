"""Galleries: scenes, things and sounds, each of which can be seen or heard."""

from pathlib import Path

import soundfile
from PIL import Image

from avenv import load_scene
from avenv.drawing.blueprint import draw_blueprint
from avenv.scene.catalogue import kind, kind_names
from avenv.sounds import KINDS, load_sounds, synthesise

RATE = 16000
SCENES = ("apartment", *(f"homes:val/{k}" for k in range(6)))
TILE, LINE, COLUMNS = 120, 15, 11  # of docs/images/scenes_catalogue.jpg, see make_pictures_scenes


def write(docs: Path, out: Path, kept: Path) -> list[str]:
    """Write the galleries into a folder and what they load into another; return their names."""
    for folder in (out, kept):
        folder.mkdir(parents=True, exist_ok=True)
    (out / "scenes.md").write_text(scenes(out))
    (out / "sounds.md").write_text(sounds(kept))
    (out / "things.md").write_text(things(docs, kept))
    return ["scenes", "things", "sounds"]


def scenes(out: Path) -> str:
    """Return the page of scenes."""
    parts = [
        "# Scenes",
        "The apartment that is written by hand, and some of the homes that are made without end "
        "([scenes](../scenes.md)). `avenv play NAME` lets you stand in one.",
    ]
    for name in SCENES:
        world, file = load_scene(name), f"plan-{name.replace(':', '-').replace('/', '-')}.png"
        Image.fromarray(draw_blueprint(world, 800)).save(out / file, optimize=True)
        rooms = ", ".join(room.name.replace("_", " ") for room in world.compiled.rooms)
        parts += [f"## {name}", rooms.capitalize() + ".", f"![Plan of {name}]({file})"]
    return "\n\n".join(parts) + "\n"


def sounds(kept: Path) -> str:
    """Return the page of sounds, each with a player; write them into a folder."""
    heard = {sound.kind for sound in load_sounds("builtin:heard", RATE)}
    things_of: dict[str, list[str]] = {}
    for name in kind_names():
        if sound := kind(name).sound:
            things_of.setdefault(sound, []).append(name.replace("_", " "))
    rows = []
    for name in KINDS:
        made = synthesise(name, RATE)
        soundfile.write(kept / f"{name}.ogg", made.signal, RATE, format="OGG", subtype="VORBIS")
        player = (
            f'<audio controls preload="none" src="{name}.ogg" '
            f'aria-label="{name.replace("_", " ")}"></audio>'
        )
        which = "heard" if name in heard else "unheard"
        what = ", ".join(things_of.get(name, ()))
        rows.append(f"| `{name}` | {player} | {made.duration:.1f} s | {which} | {what} |")
    return (
        "# Sounds\n\nOne variant of each built-in kind, as its source plays it, dry and at 16 kHz. "
        "*Heard* kinds are those of `builtin:heard`, the others are kept for `builtin:unheard`. "
        "What rooms make of them is heard in `avenv play`.\n\n"
        "| kind | | lasts | set | made by |\n|---|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def things(docs: Path, kept: Path) -> str:
    """Return the page of things, with their pictures, cut from the sheet of all into a folder."""
    sheet = Image.open(docs / "images" / "scenes_catalogue.jpg")
    names = kind_names()
    size = COLUMNS * TILE, -(-len(names) // COLUMNS) * (TILE + LINE)
    if sheet.size != size:
        raise ValueError(f"the sheet of kinds is {sheet.size}, for those there are it would be "
                         f"{size}: run scripts/make_pictures_scenes.py")  # fmt: skip
    cards = []
    for k, name in enumerate(names):
        x, y = k % COLUMNS * TILE, k // COLUMNS * (TILE + LINE)
        sheet.crop((x, y, x + TILE, y + TILE)).save(kept / f"thing-{name}.jpg", quality=88)
        row = kind(name)
        facts = [
            row.category.replace("_", " "),
            " × ".join(f"{side:g}" for side in row.size) + " m",
        ]
        facts += [", ".join(row.states)] if row.states else []
        facts += [f'<a href="sounds.html">{row.sound}</a>'] if row.sound else []
        cards.append(f'<li><img src="thing-{name}.jpg" width="{TILE}" height="{TILE}" alt="">'
                     f"<code>{name}</code><br>{'<br>'.join(facts)}</li>")  # fmt: skip
    return (
        "# Things\n\nEvery kind that a scene can hold, with its category, depth × width × height, "
        'states and sound. `SceneBuilder.place("KIND", …)` puts one there; '
        '[scenes](../scenes.md#object-catalogue) has them as a table.\n\n<ul class="cards">\n'
        + "\n".join(cards)
        + "\n</ul>\n"
    )
