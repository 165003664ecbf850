"""Make the picture and the table of sounds in docs/scenes.md again.

`python scripts/make_pictures_sounds.py` draws one variant of each kind into docs/images/sounds.png
and prints the table; with kinds as arguments it draws eight variants of each into KIND.png.
"""

from pathlib import Path

import click
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from avenv.scene.catalogue import kind, kind_names
from avenv.sounds import KINDS, synthesise
from avenv.sounds.recipes import RECIPES, Range, Words

FOLDER = Path(__file__).parents[1] / "docs" / "images"
RATE = 16000
TOP = 8000.0  # Hz
ROWS = 96  # of a picture, evenly spaced in octaves above and hertz below some 500 Hz


def warp(frequency: np.ndarray | float) -> np.ndarray:
    """Return places on the ear's frequency scale: ERB numbers (Glasberg & Moore 1990)."""
    return 21.4 * np.log10(1 + 0.00437 * np.asarray(frequency))


def spectrogram(signal: np.ndarray, size: int = 1024, hop: int = 160) -> np.ndarray:
    """Return the level (ROWS, frames) in dB re its loudest of a sound that is played in a loop."""
    starts = np.arange(0, len(signal), hop)[:, None] + np.arange(size)
    frames = np.take(signal, starts, mode="wrap") * np.hanning(size)
    power = np.abs(np.fft.rfft(frames)) ** 2
    edges = np.linspace(warp(40.0), warp(TOP), ROWS + 1)
    bins = np.searchsorted(edges, warp(np.fft.rfftfreq(size, 1 / RATE))) - 1
    picture = np.full((ROWS, len(frames)), np.nan)
    centres = (edges[:-1] + edges[1:]) / 2
    grid = warp(np.fft.rfftfreq(size, 1 / RATE))
    for row in range(ROWS):
        inside = power[:, bins == row]
        if inside.shape[1]:
            picture[row] = inside.max(axis=1)
        else:  # narrower than a bin: take the nearest
            picture[row] = power[:, np.argmin(np.abs(grid - centres[row]))]
    return 10 * np.log10(np.maximum(picture / picture.max(), 1e-9))


def sheet(names: list[str], columns: int) -> plt.Figure:
    """Return a figure with the spectrogram of each sound."""
    rows = -(-len(names) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(2.05 * columns, 1.25 * rows), sharey=True)
    ticks = (100, 300, 1000, 3000)
    for axis, name in zip(axes.flat, names, strict=False):
        sound = synthesise(name, RATE)
        extent = (0, sound.duration, warp(40.0), warp(TOP))
        axis.imshow(spectrogram(sound.signal), origin="lower", aspect="auto", extent=extent,
                    vmin=-60, vmax=0, cmap="magma")  # fmt: skip
        axis.set_title(name, fontsize=7, pad=2)
        axis.set_yticks(warp(np.array(ticks)), [f"{f / 1000:g}k" for f in ticks], fontsize=5)
        axis.set_xticks(range(0, int(sound.duration) + 1, 2))
        axis.tick_params(labelsize=5, length=2, pad=1)
    for axis in axes.flat[len(names) :]:
        axis.axis("off")
    figure.tight_layout(pad=0.3)
    return figure


def save(figure: plt.Figure, path: Path) -> None:
    """Save a figure in 40 colours, which is a quarter of the size."""
    figure.set_dpi(96)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    Image.fromarray(pixels).quantize(40, dither=Image.Dither.NONE).save(path, optimize=True)


def table() -> str:
    """Return the Markdown table of all kinds."""
    lines = ["| kind | set | loop | centre | active | parameters | objects |", "|---" * 7 + "|"]
    for name in KINDS:
        recipe = RECIPES[name]
        drawn = {p: (v["heard"], v["unheard"]) for p, v in recipe.parameters.items()}
        values = ", ".join(
            f"{p} {write(a)}" + (f" ({write(b)})" if a != b else "") for p, (a, b) in drawn.items()
        )
        objects = ", ".join(k for k in kind_names() if name in (kind(k).sound, kind(k).falls))
        centre, active = measure(synthesise(name, RATE).signal)
        lines.append(
            f"| `{name}` | {recipe.set} | {recipe.seconds} s | {centre:.0f} Hz | {active:.0%} | "
            f"{values} | {objects} |"
        )
    return "\n".join(lines)


def write(values: Range | Words) -> str:
    """Return the values of a parameter as the table shows them."""
    return (
        "/".join(values.words) if isinstance(values, Words) else f"{values.low:g}–{values.high:g}"
    )


def measure(signal: np.ndarray) -> tuple[float, float]:
    """Return the centre of the power spectrum in Hz, and the part of the loop that sounds."""
    power = np.abs(np.fft.rfft(signal)) ** 2
    centre = power @ np.fft.rfftfreq(len(signal), 1 / RATE) / power.sum()
    blocks = np.mean(signal[: len(signal) // 800 * 800].reshape(-1, 800) ** 2, axis=1)
    return centre, float(np.mean(blocks > 1e-3 * blocks.max()))  # 50 ms, 30 dB below the loudest


@click.command(help=__doc__)
@click.argument("kinds", nargs=-1, type=click.Choice(list(KINDS)), metavar="[KIND]...")
def main(kinds: tuple[str, ...]) -> None:
    for name in kinds:
        variants = [f"{name}{split}/{v}" for split in ("", "/unheard") for v in range(4)]
        sheet(variants, 4).savefig(f"{name}.png", dpi=110)
    if not kinds:
        FOLDER.mkdir(parents=True, exist_ok=True)
        save(sheet(list(KINDS), 6), FOLDER / "sounds.png")
        click.echo(table())


if __name__ == "__main__":
    main()
