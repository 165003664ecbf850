"""Procedural textures: how a material's reflectance varies over its surface.

A pattern is a tileable square of relative reflectance with mean 1; it is made from a seed of its
own, so a scene looks the same on every machine. ``avenv.scene.materials.TEXTURES`` lists the names
that a material may use.
"""

import zlib
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Pattern = NDArray[np.float64]
"""(n, n) or (n, n, 3) relative reflectance; rows run along v, columns along u."""


class PatternMaker(NamedTuple):
    """How a pattern is made, how many metres one tile of it spans, and its side in texels."""

    make: Callable[[np.random.Generator, int], Pattern]
    metres: float
    texels: int


@cache
def pattern(name: str) -> Pattern:
    """Return the pattern of this name as (n, n, 3) float64 with mean 1 per channel."""
    maker = PATTERNS[name]
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    made = np.maximum(maker.make(rng, maker.texels), 0.02)
    made = np.broadcast_to(made.reshape(*made.shape[:2], -1), (*made.shape[:2], 3))
    return made / made.mean(axis=(0, 1))


def reflectance(name: str, color: NDArray[np.floating]) -> Pattern:
    """Return the texture (n, n, 3) of a material whose mean linear reflectance is ``color`` (3,).

    Where the pattern would reflect more light than falls on it, its contrast is lowered.
    """
    relief = pattern(name) - 1.0
    highest = np.maximum(relief.max(axis=(0, 1)), 1e-9)
    room = 1.0 / np.maximum(color, 1e-9) - 1.0
    return color * (1.0 + relief * np.minimum(1.0, room / highest).min())


def _noise(rng: np.random.Generator, n: int, across: float, down: float) -> Pattern:
    """Return periodic Gaussian noise (n, n), unit variance, blurred by so many texels."""
    u, v = np.meshgrid(np.fft.rfftfreq(n), np.fft.fftfreq(n))
    blur = np.exp(-2 * np.pi**2 * ((u * across) ** 2 + (v * down) ** 2))
    field = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((n, n))) * blur, s=(n, n))
    field -= field.mean()
    return field / field.std()


def _cloud(rng: np.random.Generator, n: int, *blurs: float) -> Pattern:
    """Return the mean of noises of several sizes, unit variance."""
    return sum(_noise(rng, n, b, b) for b in blurs) / np.sqrt(len(blurs))


def _grid(n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    row, column = np.mgrid[:n, :n]
    return row, column


def _planks(
    rng: np.random.Generator, n: int, rows: int, columns: int, joint: int
) -> tuple[NDArray[np.int64], Pattern]:
    """Lay staggered planks or bricks: return the number (n, n) of each and 1 on the joints."""
    row, column = _grid(n)
    line = row * rows // n
    shift = (np.arange(rows) % 2 * n // (2 * columns) + rng.integers(0, 2, rows) * joint)[line]
    along = (column + shift) % n
    width, height = n // columns, n // rows
    seam = (along % width < joint) | (row % height < joint)
    return line * columns + along // width, seam.astype(float)


def _wood(rng: np.random.Generator, n: int) -> Pattern:
    rings = _noise(rng, n, 40.0, 4.0)
    lines = np.sin(2 * np.pi * (3 * _grid(n)[0] / n + 0.9 * rings))
    return 1 + 0.09 * lines + 0.08 * _noise(rng, n, 30.0, 0.7) + 0.04 * rings


def _boards(rng: np.random.Generator, n: int) -> Pattern:
    return _wood(rng, n).T.copy()


def _parquet(rng: np.random.Generator, n: int) -> Pattern:
    board, seam = _planks(rng, n, 16, 2, 1)
    tone = rng.uniform(0.8, 1.2, board.max() + 1)[board]
    grain = 1 + 0.09 * _noise(rng, n, 20.0, 0.7) + 0.05 * _noise(rng, n, 8.0, 2.0)
    return tone * grain * (1 - 0.45 * seam)


def _panel(rng: np.random.Generator, n: int) -> Pattern:
    return _parquet(rng, n).T.copy()


def _tiles(rng: np.random.Generator, n: int) -> Pattern:
    row, column = _grid(n)
    side, joint = n // 4, n // 64
    seam = (row % side < joint) | (column % side < joint)
    tile = row // side * 4 + column // side
    tone = rng.uniform(0.94, 1.06, 16)[tile] * (1 + 0.015 * _cloud(rng, n, 3.0, 8.0))
    return np.where(seam, 0.62, tone)


def _brick(rng: np.random.Generator, n: int) -> Pattern:
    brick, seam = _planks(rng, n, 16, 4, n // 64)
    tone = rng.uniform(0.72, 1.25, brick.max() + 1)[brick]
    face = (tone * (1 + 0.12 * _cloud(rng, n, 1.0, 4.0)))[..., None] * np.ones(3)
    mortar = np.array([1.5, 2.6, 3.2])  # grey beside red clay
    return np.where(seam[..., None] > 0, mortar, face)


def _plaster(rng: np.random.Generator, n: int) -> Pattern:
    return 1 + 0.022 * _cloud(rng, n, 0.8, 2.0, 6.0) + 0.015 * _noise(rng, n, 16.0, 16.0)


def _concrete(rng: np.random.Generator, n: int) -> Pattern:
    pits = _noise(rng, n, 0.8, 0.8) > 2.4
    return 1 + 0.07 * _cloud(rng, n, 1.0, 5.0, 16.0) - 0.3 * pits


def _stone(rng: np.random.Generator, n: int) -> Pattern:
    block, seam = _planks(rng, n, 4, 2, n // 64)
    tone = rng.uniform(0.85, 1.15, block.max() + 1)[block]
    return tone * (1 + 0.09 * _cloud(rng, n, 1.0, 4.0, 10.0)) * (1 - 0.35 * seam)


def _marble(rng: np.random.Generator, n: int) -> Pattern:
    row, column = _grid(n)
    drift = 0.8 * _noise(rng, n, 36.0, 36.0) + 0.12 * _cloud(rng, n, 5.0, 12.0)
    veins = np.abs(np.sin(np.pi * ((row + 2 * column) / n + 0.55 * drift)))
    return 1 - 0.35 * np.exp(-9 * veins) + 0.03 * _cloud(rng, n, 1.0, 6.0)


def _fabric(rng: np.random.Generator, n: int) -> Pattern:
    row, column = _grid(n)
    over = (row // 2 + column // 2) % 2
    weave = np.where(over, np.sin(np.pi * (row % 2 + 0.5) / 2), np.cos(np.pi * (column % 2) / 4))
    return 0.86 + 0.2 * weave + 0.05 * _noise(rng, n, 6.0, 0.6) + 0.05 * _noise(rng, n, 0.6, 6.0)


def _leather(rng: np.random.Generator, n: int) -> Pattern:
    cells = np.abs(_noise(rng, n, 1.5, 1.5))
    return 0.82 + 0.25 * np.minimum(cells, 1.2) + 0.08 * _noise(rng, n, 14.0, 14.0)


def _carpet(rng: np.random.Generator, n: int) -> Pattern:
    return 1 + 0.16 * _noise(rng, n, 0.7, 0.7) + 0.07 * _cloud(rng, n, 2.0, 8.0)


def _rug(rng: np.random.Generator, n: int) -> Pattern:
    row, column = (np.abs(2 * g / n - 1) for g in _grid(n))
    rhomb = row + column
    bands = (rhomb * 6).astype(int) % 4
    tint = np.array([[1.0, 1.0, 1.0], [1.45, 1.5, 1.6], [1.0, 1.0, 1.0], [0.5, 0.45, 0.6]])[bands]
    return tint * (1 + 0.12 * _noise(rng, n, 0.7, 0.7))[..., None]


def _metal(rng: np.random.Generator, n: int) -> Pattern:
    return 1 + 0.045 * _noise(rng, n, 30.0, 0.5) + 0.02 * _noise(rng, n, 12.0, 4.0)


def _paper(rng: np.random.Generator, n: int) -> Pattern:
    return 1 + 0.03 * _noise(rng, n, 5.0, 0.6) + 0.03 * _cloud(rng, n, 0.7, 3.0)


def _speckle(rng: np.random.Generator, n: int) -> Pattern:
    return 1 + 0.13 * _noise(rng, n, 0.9, 0.9) + 0.08 * _cloud(rng, n, 3.0, 9.0)


def _foliage(rng: np.random.Generator, n: int) -> Pattern:
    ribs = np.sin(2 * np.pi * (6 * _grid(n)[1] / n + 0.4 * _noise(rng, n, 10.0, 10.0)))
    tone = 1 + 0.16 * ribs + 0.14 * _cloud(rng, n, 1.5, 6.0)
    yellow = 0.12 * _noise(rng, n, 8.0, 8.0)
    return tone[..., None] + yellow[..., None] * np.array([1.0, 0.5, -0.4])


def _screen(rng: np.random.Generator, n: int) -> Pattern:
    hues = np.stack([_cloud(rng, n, 6.0, 14.0) for _ in range(3)], axis=-1)
    scan = 1 - 0.08 * (_grid(n)[0] % 4 == 0)
    return np.exp(0.6 * hues) * scan[..., None]


def _broadcast(rng: np.random.Generator, n: int) -> Pattern:
    hues = np.stack([_cloud(rng, n, 5.0, 9.0) for _ in range(3)], axis=-1)
    bright = _cloud(rng, n, 7.0)[..., None]
    return np.exp(0.7 * bright + 0.8 * hues) * (1 - 0.06 * (_grid(n)[0] % 4 == 0))[..., None]


def _sheen(rng: np.random.Generator, n: int) -> Pattern:
    """Draw what one sees of a mirror that shows no room: slanting glints."""
    down, across = _grid(n)
    place = (down + across) / n % 1.0
    glints = sum(np.exp(-(((place - at) / wide) ** 2)) for at, wide in ((0.3, 0.09), (0.52, 0.04)))
    return 1 + 0.9 * glints + 0.04 * _cloud(rng, n, 8.0)


PATTERNS: dict[str, PatternMaker] = {
    "wood": PatternMaker(_wood, 0.8, 128),
    "boards": PatternMaker(_boards, 0.8, 128),
    "parquet": PatternMaker(_parquet, 2.0, 256),
    "panel": PatternMaker(_panel, 2.0, 256),
    "tiles": PatternMaker(_tiles, 1.2, 128),
    "brick": PatternMaker(_brick, 1.0, 256),
    "plaster": PatternMaker(_plaster, 1.6, 128),
    "concrete": PatternMaker(_concrete, 2.0, 256),
    "stone": PatternMaker(_stone, 1.6, 128),
    "marble": PatternMaker(_marble, 1.5, 256),
    "fabric": PatternMaker(_fabric, 0.24, 64),
    "leather": PatternMaker(_leather, 0.4, 128),
    "carpet": PatternMaker(_carpet, 0.8, 128),
    "rug": PatternMaker(_rug, 0.6, 128),
    "metal": PatternMaker(_metal, 0.5, 64),
    "paper": PatternMaker(_paper, 0.3, 64),
    "speckle": PatternMaker(_speckle, 0.5, 64),
    "foliage": PatternMaker(_foliage, 0.12, 64),
    "screen": PatternMaker(_screen, 0.6, 64),
    "broadcast": PatternMaker(_broadcast, 0.9, 128),
    "sheen": PatternMaker(_sheen, 0.8, 64),
}
"""Every texture by its name."""
