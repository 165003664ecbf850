"""Make the spectrogram sheets of the sounds again: `python scripts/make_pictures_sounds.py`."""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from avenv.sounds import KINDS, synthesise

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


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for kind in sys.argv[1:]:
        variants = [f"{kind}{split}/{v}" for split in ("", "/unheard") for v in range(4)]
        sheet(variants, 4).savefig(f"{kind}.png", dpi=110)
    if not sys.argv[1:]:
        sheet(list(KINDS), 6).savefig(FOLDER / "sounds.png", dpi=100)
