"""What shines: lamps and other glowing surfaces, and windows that let daylight in."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.scene.compiled import CompiledScene

DAYLIGHT_EXITANCE = np.array([2.6, 2.75, 3.0])
"""Light that a window gives off per area by day, as a multiple of well-lit white paper's."""

SUN = np.array([1.15, 1.0, 0.8])
"""Light of the sun on a surface that faces it, in the same measure."""

SUN_DIRECTION = np.array([0.3528, -0.6762, 0.6468])
"""Unit vector towards the sun: south-south-east, 40 degrees up."""

POINTS, FEW_POINTS = 12, 8
"""On each luminaire; and in coarse light."""

_LIFT = 0.01  # m that the points float above the glowing surface, clear of its facets


class Luminaires(NamedTuple):
    """G luminaires in order of their layers, each stood for by some points; P points in all.

    Attributes:
        first: (G + 1,) int64 where the points of each start.
        layer: (G,) int64 index of its lamp in ``lamp_objects``; the number of lamps for windows.
        exitance: (G, 3) float64 light given off per area.
        area: (G,) float64 m2 that one of its points stands for.
        position: (P, 3) float64 metres.
        normal: (P, 3) float64 unit normals.
    """

    first: NDArray[np.int64]
    layer: NDArray[np.int64]
    exitance: NDArray[np.float64]
    area: NDArray[np.float64]
    position: NDArray[np.float64]
    normal: NDArray[np.float64]


def glow(compiled: CompiledScene) -> NDArray[np.float64]:
    """Return what each surface gives off per area while the lamps are on, (S, 3)."""
    color = compiled.surfaces.color.astype(np.float64)
    emission = np.array(compiled.surfaces.emission or np.zeros(len(color)))
    return emission[:, None] * color / np.maximum(color.max(axis=1, keepdims=True), 1e-9)


def is_window(compiled: CompiledScene) -> NDArray[np.bool_]:
    """Tell which objects (O,) show the sky: window panes, and what lies behind outer doors."""
    return np.array([o.kind in ("window", "sky") for o in compiled.objects], bool)


def lamp_objects(compiled: CompiledScene) -> NDArray[np.int64]:
    """Return the objects (K,), in order, that glow: what can be switched on and off by name."""
    glowing = np.any(glow(compiled), axis=1)[compiled.surface]
    lamps = np.unique(compiled.object[glowing]).astype(np.int64)
    return lamps[~is_window(compiled)[lamps]]


def find_luminaires(compiled: CompiledScene, number: int = POINTS) -> Luminaires:
    """Find what shines in a scene: every glowing surface of every object, and every window.

    Each is stood for by so many points: a multiple of 4, the neighbours that share the work.
    """
    shine, window = glow(compiled), is_window(compiled)
    glowing = np.any(shine, axis=1)
    lamps = lamp_objects(compiled)
    kinds = [(layer, thing, False) for layer, thing in enumerate(lamps)]
    kinds += [(len(lamps), thing, True) for thing in np.flatnonzero(window)]
    first, layer_of, exitance, area, points, normals = [0], [], [], [], [], []
    for layer, thing, day in kinds:
        own = np.flatnonzero((compiled.object == thing) & compiled.has_area)
        for surface in np.unique(compiled.surface[own]):
            if not (day or glowing[surface]):
                continue
            members = own[compiled.surface[own] == surface]
            position, normal, total = _spread(compiled, members, number)
            points.append(position)
            normals.append(normal)
            first.append(first[-1] + number)
            layer_of.append(layer)
            exitance.append(DAYLIGHT_EXITANCE if day else shine[surface])
            area.append(total / number)
    return Luminaires(
        first=np.array(first, np.int64),
        layer=np.array(layer_of, np.int64),
        exitance=np.array(exitance, np.float64).reshape(-1, 3),
        area=np.array(area, np.float64),
        position=np.concatenate([*points, np.empty((0, 3))]),
        normal=np.concatenate([*normals, np.empty((0, 3))]),
    )


def _spread(
    compiled: CompiledScene, members: NDArray[np.int64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Spread points evenly over some triangles; return them, their normals and the whole area.

    The points are a Hammersley set: one coordinate chooses the triangle by area, two more the place
    in it. They are shuffled by a stride, so that the first few already span the luminaire.
    """
    triangles = compiled.triangles[members].astype(np.float64)
    normal = compiled.normals[members].astype(np.float64)
    a, b, c = (triangles[:, k] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    index = np.arange(count) * 5 % count  # 5 divides neither 12 nor 8
    chosen = np.searchsorted(np.cumsum(area), (index + 0.5) / count * area.sum())
    chosen = np.minimum(chosen, len(members) - 1)
    root = np.sqrt((index * 0.7548776662466927 + 0.5) % 1.0)[:, None]
    share = ((index * 0.5698402909980532 + 0.5) % 1.0)[:, None]
    point = (1 - root) * a[chosen] + root * ((1 - share) * b[chosen] + share * c[chosen])
    return point + _LIFT * normal[chosen], normal[chosen], float(area.sum())
