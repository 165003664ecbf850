"""Textures as the shading kernel reads them: mip pyramids of packed texels in one array."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from avenv.core.cache import common
from avenv.core.color import linear as linear_light
from avenv.core.errors import SceneError
from avenv.core.locks import make_lock
from avenv.scene.compiled import SurfaceTable
from avenv.vision.light.codes import pack
from avenv.vision.raster.patterns import PATTERNS, reflectance

LEVELS = 11
"""Mip levels of the largest texture."""

LARGEST = 1 << (LEVELS - 1)
"""Longest side of a texture, texels."""

IMAGE = "image:"
"""What the name of an image in the table of surfaces begins with."""

OPAQUE = np.uint64(1 << 63)
"""Bit of a texel that is not cut out; the lanes leave it free."""

_ROOM = 2**22
"""Texels that scenes have in common, 32 MiB; those of all homes together are 11 MiB."""

Texture = tuple[str, tuple[float, float, float]]
"""Its name in the table of surfaces, and a colour."""


class Atlas(NamedTuple):
    """K textures with all their mip levels; sides are powers of two.

    Attributes:
        texels: (M,) uint64 packed, row by row upwards; images also have ``OPAQUE`` bits. There may
            be others among them: scenes without images have their textures in common.
        first: (K, LEVELS) int32 first texel of each level; the last one, 1 x 1, is repeated.
        log_size: (K, 2) int32 log2 of the width and height of level 0 in texels.
        per_unit: (K, 2) float32 texels of level 0 that a unit of u and of v spans: a metre, or the
            whole of an image; 0 where the texture is plain.
        cut: (K,) bool, has holes.
    """

    texels: NDArray[np.uint64]
    first: NDArray[np.int32]
    log_size: NDArray[np.int32]
    per_unit: NDArray[np.float32]
    cut: NDArray[np.bool_]


def build_atlas(surfaces: SurfaceTable, images: Sequence[NDArray[np.uint8]] = ()) -> Atlas:
    """Draw the texture of every surface (K = S), with its mip levels.

    Raises:
        SceneError: a surface names an image that is not there.
    """
    names = surfaces.texture or ("plain",) * len(surfaces.names)
    colors = map(tuple, surfaces.color.astype(np.float64).tolist())
    textures = list(zip(names, colors, strict=True))
    if any(name.startswith(IMAGE) for name in names) or (shelf := _common_shelf(textures)) is None:
        pyramids = {texture: _texture(texture, images) for texture in textures}
        shelf = _Shelf(sum(level.size for levels in pyramids.values() for level in levels))
        for texture, levels in pyramids.items():
            shelf.put(texture, levels)
    places = [shelf.places[texture] for texture in textures]
    sides = np.array([place.sides for place in places], np.int64).reshape(-1, 2)
    units = [1.0 if n.startswith(IMAGE) else PATTERNS[n].metres if n in PATTERNS else np.inf
             for n in names]  # fmt: skip
    return Atlas(
        texels=shelf.texels[: shelf.used],
        first=np.array([place.first for place in places], np.int32).reshape(-1, LEVELS),
        log_size=np.log2(sides).astype(np.int32),
        per_unit=(sides / np.reshape(units, (-1, 1))).astype(np.float32),
        cut=np.array([place.is_cut for place in places], bool),
    )


def no_atlas(surfaces: SurfaceTable) -> Atlas:
    """Return an atlas of no colours and no holes, for cameras that see none."""
    count = len(surfaces.names)
    texels, first = np.zeros(1, np.uint64), np.zeros((count, LEVELS), np.int32)
    log_size, per_unit = np.zeros((count, 2), np.int32), np.zeros((count, 2), np.float32)
    return Atlas(texels, first, log_size, per_unit, np.zeros(count, bool))


def without_others(
    texels: NDArray[np.uint64], first: NDArray[np.int32]
) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Return ``Atlas.texels`` without those of no texture of its own, and ``first`` in them."""
    is_own = np.zeros(len(texels), bool)
    for start, last in zip(first[:, 0], first[:, -1], strict=True):
        is_own[start : last + 1] = True
    if is_own.all():  # then copies of several scenes can still have them in common
        return texels, first
    place = np.cumsum(is_own, dtype=np.int32) - np.int32(1)
    return texels[is_own], place[first]


class _Place(NamedTuple):
    """Where a texture is on a shelf: the ``first`` texel of each level, and its sides."""

    first: NDArray[np.int64]
    sides: tuple[int, int]
    is_cut: bool


class _Shelf:
    """Room for so many texels. What was put there stays as it is, whoever reads it meanwhile."""

    def __init__(self, room: int):
        self.texels = np.empty(room, np.uint64)
        self.used = 0
        self.places: dict[Texture, _Place] = {}

    def put(self, texture: Texture, levels: list[NDArray[np.uint64]]) -> bool:
        """Put the mip levels of a texture where there is room, if there is."""
        ends = self.used + np.cumsum([level.size for level in levels])
        if ends[-1] > len(self.texels):
            return False
        np.concatenate([level.ravel() for level in levels], out=self.texels[self.used : ends[-1]])
        first = np.append([self.used], ends[:-1])
        first = first[np.minimum(np.arange(LEVELS), len(levels) - 1)]
        is_cut = texture[0].startswith(IMAGE) and not (levels[0] & OPAQUE).all()
        height, width = levels[0].shape
        self.places[texture] = _Place(first, (width, height), is_cut)
        self.used = int(ends[-1])
        return True


_shelf: _Shelf | None = None
_shelving = make_lock()


def _common_shelf(textures: Sequence[Texture]) -> _Shelf | None:
    """Return a shelf that has these textures, and may have others; None if they are too many.

    A full one is left to the scenes that are drawn from it, and goes with the last of them.
    """
    global _shelf
    with _shelving:
        for shelf in (_shelf, None):
            if shelf is None:
                shelf = _Shelf(_ROOM)
                common(shelf.texels)
            lacking = (texture for texture in textures if texture not in shelf.places)
            if all(shelf.put(texture, _texture(texture)) for texture in lacking):
                _shelf = shelf
                return shelf
    return None


def _texture(
    texture: Texture, images: Sequence[NDArray[np.uint8]] = ()
) -> list[NDArray[np.uint64]]:
    """Return the mip levels of a texture."""
    name, color = texture
    if name == "plain":
        return _pyramid(np.reshape(color, (1, 1, 3)))
    if not name.startswith(IMAGE):
        return _pyramid(reflectance(name, np.array(color)))
    row = name.removeprefix(IMAGE)
    if not row.isdecimal() or int(row) >= len(images):
        raise SceneError(f"texture is {name!r}, but the scene has {len(images)} images")
    return image_pyramid(images[int(row)])


def _pyramid(linear: NDArray[np.float64]) -> list[NDArray[np.uint64]]:
    # Averaged before they are encoded: a distant wall is as bright as a near one.
    levels = [pack(linear)]
    while max(linear.shape[:2]) > 1:
        linear = _halved(linear)
        levels.append(pack(linear))
    return levels


def image_pyramid(image: NDArray[np.uint8]) -> list[NDArray[np.uint64]]:
    """Return the mip levels of an image (H, W, 4), rows turned to run upwards.

    Sides are stretched to powers of two, ``LARGEST`` at most. What is cut out takes no part in the
    colours. Only the first level knows the holes, which are looked up there at any distance: an
    average of a fence is neither solid nor a hole.
    """
    solid = (image[::-1, :, 3:] >= 128).astype(np.float64)
    color = linear_light(image[::-1, :, :3] / 255)
    linear = _stretched(np.concatenate([color * solid, solid], axis=2))
    while max(linear.shape[:2]) > LARGEST:
        linear = _halved(linear)
    levels = [linear]
    while max(linear.shape[:2]) > 1:
        linear = _halved(linear)
        levels.append(linear)
    color = np.zeros((1, 1, 3))
    packed = []
    for level in levels[::-1]:
        weight = level[..., 3:]
        # Holes take the colours of the level above, so that no dark rim shows round them.
        repeats = [a // b for a, b in zip(level.shape[:2], color.shape[:2], strict=True)]
        color = color.repeat(repeats[0], axis=0).repeat(repeats[1], axis=1)
        color = np.where(weight > 0, level[..., :3] / np.maximum(weight, 1e-9), color)
        packed.append(pack(color) | np.where(weight[..., 0] >= 0.5, OPAQUE, np.uint64(0)))
    return packed[::-1]


def _halved(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the image with both sides halved by averaging, if longer than a texel."""
    tall, wide = linear.shape[:2]
    down, right = min(tall, 2), min(wide, 2)
    blocks = linear.reshape(tall // down, down, wide // right, right, linear.shape[2])
    return blocks.mean(axis=(1, 3))


def _stretched(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the repeating image stretched to the next powers of two."""
    zoom = [2.0 ** np.ceil(np.log2(side)) / side for side in linear.shape[:2]]
    if zoom == [1.0, 1.0]:
        return linear
    return ndimage.zoom(linear, (*zoom, 1), order=1, mode="grid-wrap", grid_mode=True)
