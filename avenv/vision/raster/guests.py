"""Who walks about in a scene and is no part of it: people, pets, robots.

A *guest* is joined to a scene that is ready to be drawn, at the end of all its arrays, and is drawn
only where ``Instances`` say. Nothing is prepared or baked anew, and of the scene no bit changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from avenv.scene.looks import compile_look
from avenv.vision.light.charts import Charts
from avenv.vision.light.codes import GAMMA, HIGHEST, LANE_BITS, unpack
from avenv.vision.raster.clusters import prepare, prepare_unlit
from avenv.vision.raster.scene import RasterArrays, RasterScene

SPOT = 3.0
"""Metres: guests stand in the mean light of so large a piece of a room's floor."""


@dataclass(frozen=True, eq=False)
class Guests:
    """The guests of a scene, and the light that falls on them.

    Each of S spots of the floor has light of its own, and the guests' light samples are stored once
    for each: a guest is lit as its spot is, more from above and from ahead on its left.

    Attributes:
        parts: numbers of the parts that each guest is, by look: as it stands, then its strides.
        own: light samples of the scene without them.
        plain: (B,) even light on the samples of the guests, 1 on the average, to the power of
            ``1 / GAMMA``, as codes are.
        samples: (N,) light samples of the scene's floors.
        spot: (N,) the spot that each lies in.
        places: of these samples, (N, 3) metres, to find the nearest.
    """

    parts: dict[str, tuple[int, ...]]
    own: int
    plain: NDArray[np.float32]
    samples: NDArray[np.int64]
    spot: NDArray[np.int64]
    places: cKDTree | None

    @property
    def spots(self) -> int:
        """Number S of spots; one, all dark, in a scene without light."""
        return int(self.spot.max(initial=0)) + 1

    def spot_at(self, places: ArrayLike) -> NDArray[np.int64]:
        """Return the spot of each of some places (K, 3): that of the nearest piece of floor."""
        points = np.asarray(places, np.float64)
        if self.places is None:
            return np.zeros(len(points), np.int64)
        return self.spot[self.places.query(points)[1]]

    def lit(self, light: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return the scene's light (own,) with that of its guests behind it, (own + S * B,)."""
        if self.places is None:
            return np.append(light[: self.own], np.zeros(len(self.plain), np.uint64))
        here, count = unpack(light[self.samples]), np.bincount(self.spot)
        falling = np.zeros((self.spots, len(self.plain)), np.uint64)
        for lane in range(3):  # codes are multiplied as the colours are that they stand for
            mean = (np.bincount(self.spot, here[:, lane]) / count).astype(np.float32)
            code = HIGHEST * mean[:, None] ** np.float32(1 / GAMMA) * self.plain
            code = np.minimum(code + np.float32(0.5), HIGHEST).astype(np.uint64)
            falling |= code << np.uint64(LANE_BITS * lane)
        return np.append(light[: self.own], falling.ravel())


def with_guests(scene: RasterScene, looks: Sequence[str]) -> RasterScene:
    """Return a scene in which somebody walks about, with further parts that are nowhere as yet.

    In the pictures ``instance`` the k-th of the guests is the number of the scene's objects plus
    1 + k.

    Args:
        scene: ready to be drawn, without guests.
        looks: kinds of the catalogue.

    Raises:
        SceneError: the catalogue has no such kind.
    """
    if not looks:
        return scene
    is_lit = scene.lighting is not None
    arrays, parts, plain = scene.arrays, {}, []
    for number, look in enumerate(looks):
        guest = _guest(look, is_lit)
        first = len(arrays.root) - 1
        parts[look] = tuple(range(first, first + guest.parts))
        row = np.int32(len(scene.compiled.objects) + number)
        shown = guest.arrays._replace(object=np.full_like(guest.arrays.object, row))
        arrays = _joined(arrays, shown)
        plain.append(unpack(guest.arrays.light)[:, 0])
    samples, spot, places = _spots(scene) if is_lit else _NO_SPOTS
    even = np.concatenate(plain)
    even = (even / even[even > 0].mean()) ** (1 / GAMMA) if is_lit else even
    own = len(scene.arrays.light)
    guests = Guests(parts, own, even.astype(np.float32), samples, spot, places)
    arrays = arrays._replace(light=guests.lit(scene.arrays.light))
    return replace(scene, arrays=arrays, guests=guests)


@lru_cache(maxsize=32)
def _guest(look: str, is_lit: bool) -> RasterScene:
    """Return a kind of the catalogue ready to be drawn; each of its shapes is a movable part."""
    compiled = compile_look(look)
    make = prepare if is_lit else prepare_unlit
    return make(compiled, movable=range(len(compiled.objects)))


_NO_SPOTS = np.empty(0, np.int64), np.empty(0, np.int64), None


def _spots(scene: RasterScene) -> tuple[NDArray[np.int64], NDArray[np.int64], cKDTree | None]:
    """Return the light samples (N,) of a scene's floors, their spots (N,) and their places.

    Where nothing is a floor, what is turned upwards is one, or else all.
    """
    charts, things = scene.charts, scene.compiled.objects
    owner = _owners(charts)
    if len(owner) == 0:
        return _NO_SPOTS
    is_floor = np.array([thing.kind == "floor" for thing in things])[charts.object][owner]
    upward = charts.normal[:, 2] > 0.9
    samples = np.flatnonzero(next(s for s in (is_floor & upward, upward, upward | True) if s.any()))
    room = np.array([thing.room for thing in things])[charts.object][owner[samples]]
    cell = np.floor(charts.position[samples, :2] / SPOT).astype(np.int64)
    level = np.round(charts.position[samples, 2]).astype(np.int64)
    _, spot = np.unique(np.column_stack([room, level, cell]), axis=0, return_inverse=True)
    return samples, spot.ravel(), cKDTree(charts.position[samples])


def _owners(charts: Charts) -> NDArray[np.int64]:
    """Return the chart (L,) of each light sample."""
    return np.repeat(np.arange(len(charts.first)), charts.width * charts.height)


def _joined(a: RasterArrays, b: RasterArrays) -> RasterArrays:
    """Return arrays of two scenes as one, the parts of the second behind those of the first.

    All that the second has moves; its light lies behind that of the first.
    """
    clusters, others = len(a.planes), len(b.planes)
    # Clusters are numbered before nodes.
    of_a = np.where(a.first_child < clusters, a.first_child, a.first_child + others)
    of_b = np.where(b.first_child < others, b.first_child, b.first_child + len(a.boxes)) + clusters
    chart = np.where(b.chart < 0, -1, b.chart + len(a.chart_frame))
    table = b.chart_table + np.array([len(a.light), 0, 0, len(a.log_size)])
    texels, first_texel = _texels(a, b)
    joined = {
        "first_child": np.concatenate([of_a, of_b]),
        "root": np.concatenate([a.root, b.root[1:] + len(a.boxes)]),
        "part_start": np.concatenate([a.part_start[:-1], b.part_start[1:] + a.part_start[-1]]),
        "first_vector": np.concatenate([a.first_vector, b.first_vector[1:] + a.first_vector[-1]]),
        "chart": np.concatenate([a.chart, chart]),
        "chart_table": np.concatenate([a.chart_table, table]),
        "texels": texels,
        "first_texel": first_texel,
    }
    for name in ("boxes", "vertices", "corners", "planes", "kind", "chart_frame", "light",
                 "log_size", "texels_per_unit", "category", "object"):  # fmt: skip
        joined[name] = np.concatenate([getattr(a, name), getattr(b, name)])
    return RasterArrays(
        **{
            name: np.ascontiguousarray(array, getattr(a, name).dtype)
            for name, array in joined.items()
        }
    )


def _texels(a: RasterArrays, b: RasterArrays) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Return the texels of two scenes and ``first_texel`` of both; most have them in common."""
    if a.texels.base is not None and a.texels.base is b.texels.base:
        return max(a.texels, b.texels, key=len), np.concatenate([a.first_texel, b.first_texel])
    first = np.concatenate([a.first_texel, b.first_texel + len(a.texels)])
    return np.concatenate([a.texels, b.texels]), first
