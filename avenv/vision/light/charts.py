"""Charts: flat patches of surface, each with its own small light map.

A chart is a connected set of coplanar triangles of one object and one surface that continue each
other's texture coordinates. A point of it is found by two affine functions of the world, its u and
v in metres; texture and light map are both laid out along u and v.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from avenv.core.errors import SceneError
from avenv.core.kernels import inner, kernel
from avenv.core.rows import distinct_rows
from avenv.core.vectors import cross
from avenv.scene.compiled import CompiledScene
from avenv.scene.primitives import surface_uv
from avenv.vision.light.curves import NO_CURVES, Curves, find_curves, number_rows

PITCH = 0.16
"""Metres between light samples on large faces."""

FINE = 0.08
"""Metres between them on what one can walk on: shadows of furniture and the sun fall there."""

_FLOOR = 1.2  # m: what faces up and is wider and longer counts as floor

MAX_SAMPLES = 16_000_000
"""Light samples of the largest scene: a hundred bytes each, and rays from each."""

SMALLEST = 0.1
"""A face narrower than this has one sample across."""

_GRAIN = 98.3  # steps in which texture frames are compared; no round length is half a step
_INSET = 0.015  # m that samples keep from the rim, so that none lies within an adjoining wall


class Charts(NamedTuple):
    """C charts of T triangles, L light samples.

    Attributes:
        of_triangle: (T,) int32 chart of each triangle, -1 for one without area.
        frame: (C, 2, 4) float32 rows u and v: row · (x, y, z, 1) is metres along the surface.
        place: (C, 4) float32: the column of the light map is ``place[0] * u + place[1]``, the row
            ``place[2] * v + place[3]``, in samples.
        first: (C,) int32 first sample; samples run row by row.
        width: (C,) int32 samples in a row.
        height: (C,) int32 rows.
        leader: (C,) int64 a triangle of each.
        surface: (C,) int32 row of the scene's surfaces.
        object: (C,) int32 row of the scene's objects.
        area: (C,) float64 m2 of its triangles.
        position: (L, 3) float32 the samples, metres.
        normal: (L, 3) float32 their unit normals.
        curves: the charts among them that are facets of something curved: their samples lie at
            their corners, and ``interpolate`` makes light maps of what is found there.
    """

    of_triangle: NDArray[np.int32]
    frame: NDArray[np.float32]
    place: NDArray[np.float32]
    first: NDArray[np.int32]
    width: NDArray[np.int32]
    height: NDArray[np.int32]
    leader: NDArray[np.int64]
    surface: NDArray[np.int32]
    object: NDArray[np.int32]
    area: NDArray[np.float64]
    position: NDArray[np.float32]
    normal: NDArray[np.float32]
    curves: Curves

    @property
    def is_curved(self) -> NDArray[np.bool_]:
        """Whether each chart (C,) is one of ``curves``."""
        curved = np.zeros(len(self.first), bool)
        curved[self.curves.chart] = True
        return curved


def affine(triangles: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (T, K, 4) rows m with m · (x, y, z, 1) = the K values given at the corners (T, 3, K).

    Off the triangle's plane they do not change.
    """
    a, b, c = (triangles[:, k] for k in range(3))
    normal = cross(b - a, c - a)
    normal /= np.einsum("td,td->t", normal, normal)[:, None]
    towards_b, towards_c = cross(c - a, normal), cross(normal, b - a)
    step = values - values[:, :1]
    slope = step[:, 1, :, None] * towards_b[:, None] + step[:, 2, :, None] * towards_c[:, None]
    offset = values[:, 0] - np.einsum("tkd,td->tk", slope, a)
    return np.concatenate([slope, offset[..., None]], axis=2)


def make_charts(compiled: CompiledScene, grain: float = 1.0) -> Charts:
    """Cut a scene's triangles into charts and lay out their light samples.

    Args:
        compiled: the scene.
        grain: how many times as far apart as ``PITCH`` and ``FINE`` the samples are.
    """
    kept = np.flatnonzero(compiled.has_area)
    triangles = compiled.triangles[kept].astype(np.float64)
    uv = _usable_uv(triangles, compiled.uv[kept].astype(np.float64))
    frames = affine(triangles, uv)
    everywhere = np.zeros((len(compiled.triangles), 3, 2))
    everywhere[kept] = uv
    posture = _postures(compiled, everywhere)[kept]
    chart, leaders = _group(compiled, kept, triangles, frames, posture)
    count = len(leaders)
    low, high = np.full((count, 2), np.inf), np.full((count, 2), -np.inf)
    for corner in range(3):
        np.minimum.at(low, chart, uv[:, corner])
        np.maximum.at(high, chart, uv[:, corner])
    frame = frames[leaders]
    stretch = np.linalg.norm(frame[..., :3], axis=2)  # of u and v per metre
    metres = (high - low) / stretch
    normal = compiled.normals[kept[leaders]].astype(np.float64)
    is_floor = (normal[:, 2] > 0.9) & (metres > _FLOOR).all(axis=1)
    pitch = grain * np.where(is_floor, FINE, PITCH)[:, None]
    size = np.where(metres < SMALLEST, 1, np.maximum(np.rint(metres / pitch), 1) + 1)
    size = size.astype(np.int64)
    body = compiled.object[kept].astype(np.int64) * len(compiled.surfaces.names)
    body += compiled.surface[kept]
    square = (uv - low[chart][:, None]) / np.maximum(high - low, 1e-9)[chart][:, None]
    curves, corners = find_curves(body, chart, triangles, square, normal, metres)
    size[curves.chart] = 2
    _check_size(compiled.name, int(size.prod(axis=1).sum()), metres)
    scale = np.divide(size - 1, high - low, out=np.zeros_like(low), where=size > 1)
    place = np.stack([scale[:, 0], -scale[:, 0] * low[:, 0],
                      scale[:, 1], -scale[:, 1] * low[:, 1]], axis=1)  # fmt: skip
    first = np.concatenate([[0], np.cumsum(size.prod(axis=1))])
    of_triangle = np.full(len(compiled.triangles), -1, np.int32)
    of_triangle[kept] = chart
    position = np.empty((first[-1], 3))
    order = np.argsort(chart, kind="stable")
    starts = np.searchsorted(chart[order], np.arange(count + 1))
    inset = np.minimum(_INSET * stretch, 0.25 * (high - low))
    _lay_samples(triangles[order], uv[order], starts, low + inset, high - inset, size, first,
                 position)  # fmt: skip
    normals = np.repeat(normal, size.prod(axis=1), axis=0)
    slots = first[curves.chart][:, None] + np.arange(4)
    position[slots], normals[slots] = corners.position, corners.normal
    return Charts(
        of_triangle=of_triangle,
        frame=frame.astype(np.float32),
        place=place.astype(np.float32),
        first=first[:-1].astype(np.int32),
        width=size[:, 0].astype(np.int32),
        height=size[:, 1].astype(np.int32),
        leader=kept[leaders],
        surface=compiled.surface[kept[leaders]],
        object=compiled.object[kept[leaders]],
        area=np.bincount(chart, _areas(triangles), count).astype(np.float64),
        position=position.astype(np.float32),
        normal=normals.astype(np.float32),
        curves=curves,
    )


def no_charts(triangles: int) -> Charts:
    """Return no charts of so many triangles, for cameras that see no surface's colour."""
    of_triangle = np.full(triangles, -1, np.int32)
    none, points = np.empty(0, np.int32), np.empty((0, 3), np.float32)
    return Charts(
        of_triangle, np.empty((0, 2, 4), np.float32), np.empty((0, 4), np.float32),
        none, none, none, np.empty(0, np.int64), none, none, np.empty(0), points, points,
        NO_CURVES,
    )  # fmt: skip


def _check_size(name: str, samples: int, metres: NDArray[np.float64]) -> None:
    """Raise ``SceneError`` before more samples are laid than a scene may have."""
    if samples > MAX_SAMPLES:
        raise SceneError(
            f"{name}: its light needs {samples:,} samples, {FINE} m apart on floors and {PITCH} m "
            f"elsewhere; accepted: up to {MAX_SAMPLES:,} (charts.MAX_SAMPLES). Its largest surface "
            f"is {metres[metres.prod(axis=1).argmax()].max():,.0f} m long: is it in centimetres?"
        )


def moved_frames(charts: Charts, whole: CompiledScene, now: CompiledScene) -> NDArray[np.float32]:
    """Return ``Charts.frame`` (C, 2, 4) where things have moved, their charts with them.

    Args:
        charts: of ``whole``.
        whole: the scene that the charts were made of.
        now: the same triangles, some of them elsewhere, or nowhere.
    """
    was, here = whole.triangles[charts.leader], now.triangles[charts.leader]
    moved = np.any(was != here, axis=(1, 2)) & np.any(now.normals[charts.leader], axis=1)
    frame = charts.frame.copy()
    corners = np.concatenate([was[moved], np.ones((moved.sum(), 3, 1), np.float32)], axis=2)
    uv = np.einsum("tkd,tnd->tnk", frame[moved].astype(np.float64), corners)
    frame[moved] = affine(here[moved].astype(np.float64), uv)
    return frame


def _postures(compiled: CompiledScene, uv: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return a number (T,) for each triangle: those with the same one always move as one body.

    ``uv`` (T, 3, 2) are their texture coordinates; 0 stands for what never moves.
    """
    posture = np.zeros(len(compiled.triangles), np.int64)
    for switch in compiled.switches:
        rows: list[NDArray] = []
        for state in (s for s in switch.states.values() if not s.is_moved):
            corners = state.corners.astype(np.float64)
            frame = np.zeros((len(corners), 8))
            there = np.flatnonzero(_areas(corners) > 0)
            frame[there] = affine(corners[there], uv[switch.triangles][there]).reshape(-1, 8)
            rows += [np.round(frame * 100), state.surface[:, None]]
        _, kind = distinct_rows(np.concatenate(rows, axis=1))
        posture[switch.triangles] = 1 + kind
    return posture


def _usable_uv(triangles: NDArray[np.float64], uv: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return uv, replaced by a flat projection where it does not span the triangle."""
    b, c = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    spanned = np.abs(b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0]) / 2
    # One image may span a whole building, so that a square metre is little of it.
    return np.where((spanned > 1e-7 * _areas(triangles))[:, None, None], uv, surface_uv(triangles))


def _areas(triangles: NDArray[np.float64]) -> NDArray[np.float64]:
    a, b, c = (triangles[:, k] for k in range(3))
    return np.linalg.norm(cross(b - a, c - a), axis=1) / 2


def _group(
    compiled: CompiledScene,
    kept: NDArray[np.int64],
    triangles: NDArray[np.float64],
    frames: NDArray[np.float64],
    posture: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the chart (N,) of each kept triangle, and the first triangle (C,) of each chart."""
    normal = compiled.normals[kept].astype(np.float64)
    offset = np.einsum("td,td->t", normal, triangles[:, 0])
    key = np.column_stack([
        compiled.object[kept], compiled.surface[kept], posture,
        np.round(normal * 500), np.round(offset * 500), np.round(frames.reshape(-1, 8) * _GRAIN),
    ]).astype(np.int64)  # fmt: skip
    plane = number_rows(key)
    corners = np.round(triangles.reshape(-1, 3) * 5000).astype(np.int64)
    node = number_rows(np.column_stack([np.repeat(plane, 3), corners]))
    members = np.repeat(np.arange(len(kept)), 3)
    shape = (len(kept), int(node.max(initial=-1)) + 1)
    touches = coo_matrix((np.ones(len(members), np.int8), (members, node)), shape).tocsr()
    _, chart = connected_components(touches @ touches.T, directed=False)
    _, leaders, chart = np.unique(chart, return_index=True, return_inverse=True)
    return chart.ravel(), leaders


# Layout: chart c has triangles starts[c] to starts[c + 1] and samples from first[c].
@kernel
def _lay_samples(triangles, uv, starts, low, high, size, first, position):
    """Write where in the world (L, 3) each sample lies: on its chart, a little off the rim."""
    boxes = np.empty((len(uv), 4))
    for t in range(len(uv)):
        for a in range(2):
            boxes[t, a] = min(uv[t, 0, a], uv[t, 1, a], uv[t, 2, a])
            boxes[t, 2 + a] = max(uv[t, 0, a], uv[t, 1, a], uv[t, 2, a])
    for c in range(len(size)):
        columns, rows = size[c]
        for row in range(rows):
            for column in range(columns):
                u = low[c, 0] + (high[c, 0] - low[c, 0]) * _fraction(column, columns)
                v = low[c, 1] + (high[c, 1] - low[c, 1]) * _fraction(row, rows)
                best, chosen, share_b, share_c = np.inf, starts[c], 1 / 3, 1 / 3
                for t in range(starts[c], starts[c + 1]):
                    if _is_beyond(boxes[t], u, v, best):
                        continue
                    distance, s, r = _nearest(uv[t], u, v)
                    if distance < best:
                        best, chosen, share_b, share_c = distance, t, s, r
                    if best == 0:
                        break
                _place(triangles[chosen], share_b, share_c,
                       position[first[c] + row * columns + column])  # fmt: skip


@inner
def _is_beyond(box, u, v, best):
    """Return whether a box (4,) is farther from (u, v) than the square root of ``best``."""
    du, dv = max(box[0] - u, u - box[2], 0.0), max(box[1] - v, v - box[3], 0.0)
    return du * du + dv * dv > best


@inner
def _fraction(k, count):
    return 0.5 if count == 1 else k / (count - 1)


@kernel
def _nearest(corners, u, v):
    """Return the squared distance of (u, v) from a triangle (3, 2), and the nearest point of it.

    The point is given as its shares of corners 1 and 2.
    """
    ax, ay = corners[0, 0], corners[0, 1]
    bx, by, cx, cy = corners[1, 0] - ax, corners[1, 1] - ay, corners[2, 0] - ax, corners[2, 1] - ay
    x, y = u - ax, v - ay
    det = bx * cy - by * cx
    s, r = (x * cy - y * cx) / det, (bx * y - by * x) / det
    if s >= 0 and r >= 0 and s + r <= 1:
        return 0.0, s, r
    best, best_s, best_r = np.inf, 0.0, 0.0
    for edge in range(3):
        s0, r0 = (0.0, 0.0) if edge == 0 else ((1.0, 0.0) if edge == 1 else (0.0, 1.0))
        s1, r1 = (1.0, 0.0) if edge == 0 else ((0.0, 1.0) if edge == 1 else (0.0, 0.0))
        ex, ey = (s1 - s0) * bx + (r1 - r0) * cx, (s1 - s0) * by + (r1 - r0) * cy
        px, py = x - s0 * bx - r0 * cx, y - s0 * by - r0 * cy
        along = min(max((px * ex + py * ey) / max(ex * ex + ey * ey, 1e-12), 0.0), 1.0)
        distance = (px - along * ex) ** 2 + (py - along * ey) ** 2
        if distance < best:
            best, best_s, best_r = distance, s0 + along * (s1 - s0), r0 + along * (r1 - r0)
    return best, best_s, best_r


@kernel
def _place(triangle, share_b, share_c, point):
    """Write the point (3,) of a triangle, moved towards its middle, by _INSET at most."""
    square = 0.0
    for a in range(3):
        middle = (triangle[0, a] + triangle[1, a] + triangle[2, a]) / 3
        point[a] = (triangle[0, a] + share_b * (triangle[1, a] - triangle[0, a])
                    + share_c * (triangle[2, a] - triangle[0, a]))  # fmt: skip
        square += (middle - point[a]) ** 2
    pull = min(0.25, _INSET / max(np.sqrt(square), 1e-9))
    for a in range(3):
        middle = (triangle[0, a] + triangle[1, a] + triangle[2, a]) / 3
        point[a] += pull * (middle - point[a])
