"""A scene ready to be drawn, and the light that shines in it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core.pinned import Pinned
from avenv.scene.compiled import CompiledScene
from avenv.vision.light.charts import Charts
from avenv.vision.light.lighting import Lighting
from avenv.vision.light.moods import mood
from avenv.vision.raster.mipmaps import Atlas, without_others

if TYPE_CHECKING:
    from avenv.vision.raster.guests import Guests


class RasterArrays(NamedTuple):
    """What the kernels read of one scene: T triangles in C clusters, V corners.

    The fixed scene and each of its M movable parts have a tree of their own; 1 + M parts in all.
    Each cluster has room for ``CLUSTER_SIZE`` triangles, T in all, and for its corners in whole
    vectors of ``LANES``, V in all; the rest is filled with zeros, triangles that nobody sees.

    Attributes:
        boxes: (G, 6, 8) float32 nodes of the trees: centre (rows 0 to 2) and half size (3 to 5) of
            the axis-aligned boxes of their eight children, metres.
        first_child: (G,) int32 first child: a cluster, or C plus a node.
        root: (1 + M,) int32 each part's topmost node.
        part_start: (2 + M,) int32 where each part's triangles start.
        first_vector: (C + 1,) int32 where each cluster's corners start, in vectors.
        vertices: (3 * V,) float32 corners, metres: x of all of a cluster, y, z, then the next
            cluster's; shared within a cluster, repeated between them.
        corners: (C, 3, CLUSTER_SIZE) uint8 corners of each triangle, counted from its cluster's
            first one.
        planes: (C, 4, CLUSTER_SIZE) float32 unit normal n and -n·p of a point p on the triangle.
        kind: (T,) uint8 bits ``TWO_SIDED`` and ``CUT_OUT``.
        chart: (T,) int32 chart of each triangle.
        chart_frame: (C', 16) float32 one line of the processor's cache for each chart:
            ``Charts.frame`` (8), ``Charts.place`` (4), texels of level 0 on a square metre.
        chart_table: (C', 4) int32 first light sample, samples in a row, rows, texture.
        light: (L,) uint64 packed light on each sample; a margin at the end lets the filter read on
            past the last one.
        texels, first_texel, log_size, texels_per_unit: the atlas of textures, as in ``Atlas``.
        category: (T,) int32 semantic id.
        object: (T,) int32 row of the compiled scene's objects.
    """

    boxes: NDArray[np.float32]
    first_child: NDArray[np.int32]
    root: NDArray[np.int32]
    part_start: NDArray[np.int32]
    first_vector: NDArray[np.int32]
    vertices: NDArray[np.float32]
    corners: NDArray[np.uint8]
    planes: NDArray[np.float32]
    kind: NDArray[np.uint8]
    chart: NDArray[np.int32]
    chart_frame: NDArray[np.float32]
    chart_table: NDArray[np.int32]
    light: NDArray[np.uint64]
    texels: NDArray[np.uint64]
    first_texel: NDArray[np.int32]
    log_size: NDArray[np.int32]
    texels_per_unit: NDArray[np.float32]
    category: NDArray[np.int32]
    object: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class RasterScene:
    """A scene ready to be drawn.

    Attributes:
        compiled: what it was made of.
        arrays: what the kernels read, under the light that shines now.
        charts: of all triangles that the scene has in any of its states.
        lighting: the light of each lamp and of the day, from which ``relight`` mixes another;
            None: it is for cameras that make no rgb.
        atlas: the textures of its surfaces, which it shares with its variants.
        guests: who walks about in it, if anybody does.
    """

    compiled: CompiledScene
    arrays: RasterArrays
    charts: Charts
    lighting: Lighting | None
    atlas: Atlas
    guests: "Guests | None" = None

    @cached_property
    def pinned(self) -> Pinned[RasterArrays]:
        """The arrays, as the kernels take them."""
        return Pinned(self.arrays)

    def __getstate__(self) -> dict[str, Any]:
        """Return what copies and pickles have: none of the textures that are others' alone."""
        texels, first = without_others(self.arrays.texels, self.arrays.first_texel)
        arrays = self.arrays._replace(texels=texels, first_texel=first)
        # Guests' textures come after the scene's own.
        atlas = self.atlas._replace(texels=texels, first=first[: len(self.atlas.first)])
        state = {**vars(self), "arrays": arrays, "atlas": atlas}
        state.pop("pinned", None)  # it has the arrays as they were
        return state

    @property
    def lamps(self) -> tuple[str, ...]:
        """Names of the objects that ``relight`` can switch on and off."""
        return self.lighting.lamps if self.lighting else ()

    @property
    def parts(self) -> int:
        """Number M of parts that ``Instances`` move; the last are held objects, then guests."""
        return len(self.arrays.root) - 1

    @property
    def standing(self) -> int:
        """Number of parts that are in their places when nothing is said of them: the first."""
        guests = self.guests.parts.values() if self.guests else ()
        return self.parts - len(self.compiled.held) - sum(map(len, guests))

    @property
    def lights(self) -> tuple[int, int]:
        """How many lights guests can stand in, and light samples from one to the next."""
        return (self.guests.spots, len(self.guests.plain)) if self.guests else (1, 0)


def relight(
    scene: RasterScene, lamps: float | Mapping[str, float] = 1.0, daylight: float = 1.0
) -> RasterScene:
    """Return the scene with its lamps and the day shining so brightly, 0 to 1; by default both.

    Nothing is traced again: the light of each was stored apart when the scene was prepared.

    Args:
        scene: what ``prepare`` made.
        lamps: share of their light that all lamps give which are on, or levels by the names in
            ``scene.lamps``, the others as they are.
        daylight: 0 at night, 1 at noon.

    Raises:
        ValueError: a level is not within 0..1, there is no such lamp, or no light was baked.
    """
    if scene.lighting is None:
        name = scene.compiled.name
        raise ValueError(f"{name} was prepared without light; accepted: what `prepare` made")
    levels = scene.lighting.levels(lamps, scene.compiled.lamps)
    own = scene.guests.own if scene.guests else len(scene.arrays.light)
    light = scene.lighting.packed(levels, daylight, own)
    light = scene.guests.lit(light) if scene.guests else light
    return replace(scene, arrays=scene.arrays._replace(light=light))


def lit(scene: RasterScene, light: str, rng: np.random.Generator | None = None) -> RasterScene:
    """Return the scene in a light of ``vision.LIGHTS``, or in one drawn by lot, as ``mood`` says.

    Args:
        scene: what ``prepare`` made.
        light: a name in ``LIGHTS``, or ``"random"``.
        rng: what decides a random light.

    Raises:
        ValueError: there is no such light, or nothing to decide a random one.
    """
    sounding = {source.object for source in scene.compiled.sources}
    return relight(scene, *mood(light, scene.lamps, sounding, rng))
