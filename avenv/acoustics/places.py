"""Where in a scene sound can be: in the air, among rooms, and off the faces of things."""

from itertools import combinations, product

import numpy as np
import shapely
from numba import int32
from numpy.typing import NDArray

from avenv.acoustics.paths.image_sources import spread_directions
from avenv.acoustics.tables import AcousticTables, is_inside_solid
from avenv.core.kernels import borrowing, inlined
from avenv.geometry import cast_rays, lines_of_sight, local_array
from avenv.geometry.bvh import MAX_DEPTH
from avenv.geometry.lanes import BOXES
from avenv.scene.compiled import Room

CLEARANCE = 2e-3
"""Metres between a face and what is put on it: so little that, within 0.2 dB up to 6 kHz, the image
of a source in a hard wall adds to it in phase, as it does of a source in the wall itself."""

_TOUCH = 1e-4  # metres within which a place is on a face
_ALIKE = 0.95  # cosine between normals that count as one: the facets of something round
_MOST_FACES = 32
_MOST_NORMALS = 5
_THROUGH = 0.01  # metres behind the line between doorway and room
_DEEPEST = 1.0  # metres of a doorway
_STACK = MAX_DEPTH * (BOXES - 1) + 1
_PROBES = spread_directions(64)

Array = NDArray[np.float64]


def off_faces(scene: AcousticTables, point: Array) -> Array:
    """Return a point (3,), moved ``CLEARANCE`` into the air if it is on a face, edge or corner.

    Rays that start on a face may leave through it. Just before it, all they carry stays in the
    room: half of them are mirrored at once, and the image in the face joins the direct sound. Of
    two sides of a sheet it takes the one that more surfaces surround, and of a solid the outside.
    What is on a face and between solids stays where it is.
    """
    normals, heights, sheets = _touched(scene, point)
    if len(normals) == 0:
        return point
    for number in range(len(normals), 0, -1):
        best, most = None, -1
        for faces in map(list, combinations(range(len(normals)), number)):
            sides = product(*((1.0, -1.0) if sheets[f] else (1.0,) for f in faces))
            for side in map(np.array, sides):
                way = CLEARANCE * side - heights[faces]
                moved = point + np.linalg.lstsq(normals[faces], way, rcond=1e-6)[0]
                ahead = (normals[faces] @ (moved - point) + heights[faces]) * side
                if ahead.min() < CLEARANCE / 2 or is_inside_solid(scene, *moved.tolist()):
                    continue
                if (surrounded := _surrounded(scene, moved)) > most:
                    best, most = moved, surrounded
        if best is not None:
            return best
    return point


class Floors:
    """The plan of a scene's rooms.

    Args:
        scene: what stands between them.
        rooms: at least one.
    """

    def __init__(self, scene: AcousticTables, rooms: tuple[Room, ...]):
        self._scene = scene
        self._plans = np.array([shapely.Polygon(room.polygon) for room in rooms])
        self._floor = np.array([room.floor for room in rooms])
        self._top = self._floor + [room.height for room in rooms]
        shapely.prepare(self._plans)

    def hold(self, point: Array) -> bool:
        """Say whether a point (3,) is in a room, or in an opening that leads into one."""
        inside = shapely.contains_xy(self._plans, point[0], point[1])
        if (inside & (self._floor <= point[2]) & (point[2] <= self._top)).any():
            return True
        lines = shapely.shortest_line(shapely.Point(point[:2]), self._plans)
        near = shapely.get_coordinates(lines)[1::2]
        way = np.column_stack([near, np.clip(point[2], self._floor, self._top)]) - point
        distance = np.linalg.norm(way, axis=1)
        if (distance <= _TOUCH).any():
            return True
        way, distance = way[distance <= _DEEPEST], distance[distance <= _DEEPEST, None]
        beyond = point + way * (1 + _THROUGH / distance)
        seen = lines_of_sight(self._scene.bvh, np.tile(point, (len(beyond), 1)), beyond)
        return bool(seen.any())


def _touched(scene: AcousticTables, point: Array) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Return normals (F, 3) of the faces at a point (3,), its heights (F,) over them, and sheets.

    ``sheets`` (F,) says which of them have air on either side.
    """
    found, height = np.empty(_MOST_FACES, np.int32), np.empty(_MOST_FACES)
    count = _find_touching(scene.bvh, scene.normals, *point.tolist(), found, height)
    if count == 0:
        return np.empty((0, 3)), height[:0], scene.sheet[:0]
    kept: list[int] = []
    for k in range(count):
        n, sheet = scene.normals[found[k]], scene.sheet[found[k]]
        for other in kept:
            cosine = float(n @ scene.normals[found[other]])
            if (abs(cosine) if sheet and scene.sheet[found[other]] else cosine) > _ALIKE:
                break
        else:
            kept.append(k)
    rows = found[kept[:_MOST_NORMALS]]
    return scene.normals[rows].astype(float), height[kept[:_MOST_NORMALS]], scene.sheet[rows]


def _surrounded(scene: AcousticTables, point: Array) -> int:
    """Return how many of some directions from a point (3,) end on a surface."""
    _, triangle = cast_rays(scene.bvh, np.tile(point, (len(_PROBES), 1)), _PROBES)
    return int((triangle >= 0).sum())


@borrowing
def _find_touching(bvh, normals, x, y, z, found, height):
    """Write the triangles at a point to found (F,), and to height (F,) how far it is above them.

    Return how many there are, F at most.
    """
    waiting = local_array(int32, _STACK)
    waiting[0] = np.int32(0)
    pending, count = 1, 0
    while pending and count < len(found):
        pending -= 1
        number = waiting[pending]
        if number >= 0:
            for k in range(bvh.boxes.shape[2]):
                if _holds(bvh.boxes[number], k, x, y, z):
                    waiting[pending] = bvh.child[number, k]
                    pending += 1
            continue
        leaf = -1 - number
        for k in range(bvh.triangle.shape[1]):
            triangle = bvh.triangle[leaf, k]
            if triangle < 0 or count == len(found):
                continue
            n, corners = normals[triangle], bvh.corners[leaf, :, :, k]
            h = _above(n[0], n[1], n[2], corners[0], x, y, z)
            if abs(h) <= _TOUCH and _is_over(n, corners, x, y, z):
                found[count], height[count] = triangle, h
                count += 1
    return count


@inlined
def _holds(boxes, k, x, y, z):
    """Say whether a point is in the k-th of boxes (6, K), or ``_TOUCH`` metres from it."""
    return (
        boxes[0, k] - _TOUCH <= x <= boxes[3, k] + _TOUCH
        and boxes[1, k] - _TOUCH <= y <= boxes[4, k] + _TOUCH
        and boxes[2, k] - _TOUCH <= z <= boxes[5, k] + _TOUCH
    )


@inlined
def _is_over(n, corners, x, y, z):
    """Say whether a point is within the edges of a triangle (corner, axis), or near them."""
    for c in range(3):
        a, b = corners[c], corners[(c + 1) % 3]
        ex, ey, ez = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        length = np.sqrt(ex * ex + ey * ey + ez * ez)
        inwards = n[1] * ez - n[2] * ey, n[2] * ex - n[0] * ez, n[0] * ey - n[1] * ex
        if _above(inwards[0], inwards[1], inwards[2], a, x, y, z) < -_TOUCH * length:
            return False
    return True


@inlined
def _above(nx, ny, nz, corner, x, y, z):
    return nx * (x - corner[0]) + ny * (y - corner[1]) + nz * (z - corner[2])
