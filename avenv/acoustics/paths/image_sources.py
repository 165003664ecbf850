"""What early sound of a source can exist: a tree of image sources, and chains of edges.

A ray bundle finds the sequences of mirrors that sound can follow at all; each becomes an image of
the source (Allen & Berkley 1979, Borish 1984). A listener then checks these images only, and the
late field leaves out exactly the paths that they stand for.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.acoustics.paths.bends import NO_BENDS, Bends, find_bends, move_bends
from avenv.acoustics.tables import AcousticTables
from avenv.core import parallel
from avenv.core.kernels import borrowing, inlined
from avenv.geometry import closest_hit

_RAYS_PER_JOB = 2048
STEP_OFF = 1e-4
"""Metres by which a reflected ray starts off the surface, so as not to hit it again."""


class ImageTree(NamedTuple):
    """N image sources; number 0 is the source itself.

    Attributes:
        position: (N, 3) float64 metres.
        parent: (N,) int32 the image whose reflection this is; before it in the list, -1 for 0.
        mirror: (N,) int32 the mirror that it is reflected in, -1 for 0.
        order: (N,) int32 number of reflections.
        key: (N,) int64 parent * M + mirror, ascending; -1 for 0.
        bends: the edges that sound from the source itself goes round.
    """

    position: NDArray[np.float64]
    parent: NDArray[np.int32]
    mirror: NDArray[np.int32]
    order: NDArray[np.int32]
    key: NDArray[np.int64]
    bends: Bends = NO_BENDS


def find_images(
    scene: AcousticTables, source: NDArray[np.float64], order: int, rays: int
) -> ImageTree:
    """Return the images of a source (3,) up to ``order`` reflections that ``rays`` rays find.

    And the edges that it sounds round, on its own.
    """
    directions = spread_directions(rays)
    hits = np.full((rays, order), -1, np.int32)
    parallel.run(
        _follow_mirrors,
        (
            (scene, source, directions[s : s + _RAYS_PER_JOB], hits[s : s + _RAYS_PER_JOB])
            for s in range(0, rays, _RAYS_PER_JOB)
        ),
    )
    mirrors = max(1, len(scene.planes))
    levels = [np.array([-1], np.int64)]
    node = np.zeros(rays, np.int64)
    total = 1
    for depth in range(order):
        alive = hits[:, depth] >= 0
        hits, node = hits[alive], node[alive]
        reflection = node * mirrors + hits[:, depth]
        keys = np.unique(reflection)
        node = total + np.searchsorted(keys, reflection)
        levels.append(keys)
        total += len(keys)
    key = np.concatenate(levels)
    parent, mirror = (key // mirrors).astype(np.int32), (key % mirrors).astype(np.int32)
    mirror[0] = -1
    depth_of = np.repeat(np.arange(order + 1, dtype=np.int32), [len(k) for k in levels])
    position = np.empty((total, 3))
    position[0] = source
    _reflect(scene.planes, parent, mirror, position)
    return ImageTree(position, parent, mirror, depth_of, key, find_bends(scene, position[0]))


def move_images(scene: AcousticTables, tree: ImageTree, source: NDArray[np.float64]) -> ImageTree:
    """Return the tree of a source that has moved a little to (3,): the same mirrors, new images."""
    position = np.empty_like(tree.position)
    position[0] = source
    _reflect(scene.planes, tree.parent, tree.mirror, position)
    return tree._replace(position=position, bends=move_bends(scene, tree.bends, source))


@lru_cache(maxsize=4)
def spread_directions(number: int) -> NDArray[np.float64]:
    """Return unit vectors (number, 3) spread evenly over the sphere: a Fibonacci lattice."""
    k = np.arange(number)
    z = 1 - (2 * k + 1) / max(1, number)
    angle = k * np.pi * (3 - np.sqrt(5))
    r = np.sqrt(1 - z * z)
    directions = np.column_stack([r * np.cos(angle), r * np.sin(angle), z])
    directions.flags.writeable = False  # others are given the same
    return directions


@inlined
def child_image(tree, parent, mirror, mirrors):
    """Return the image of ``parent`` in ``mirror``, one of ``mirrors``; -1 if it is not listed."""
    if parent < 0 or mirror < 0:
        return -1
    key = np.int64(parent) * mirrors + mirror
    low, high = 0, len(tree.key)
    while low < high:
        middle = (low + high) // 2
        if tree.key[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low if low < len(tree.key) and tree.key[low] == key else -1


@borrowing
def _follow_mirrors(scene, source, directions, hits):
    """Write the mirrors that rays (R, 3) from the source meet to hits (R, order), else -1."""
    for r in range(len(directions)):
        x, y, z = source[0], source[1], source[2]
        dx, dy, dz = directions[r, 0], directions[r, 1], directions[r, 2]
        for depth in range(hits.shape[1]):
            t, triangle = closest_hit(scene.bvh, x, y, z, dx, dy, dz, 1e9)
            if triangle < 0 or scene.mirror[triangle] < 0:
                break
            hits[r, depth] = scene.mirror[triangle]
            n = scene.normals[triangle]
            slope = dx * n[0] + dy * n[1] + dz * n[2]
            off = -STEP_OFF if slope > 0 else STEP_OFF
            x, y, z = x + t * dx + off * n[0], y + t * dy + off * n[1], z + t * dz + off * n[2]
            dx, dy, dz = dx - 2 * slope * n[0], dy - 2 * slope * n[1], dz - 2 * slope * n[2]


@borrowing
def _reflect(planes, parent, mirror, position):
    for k in range(1, len(parent)):
        p, n = position[parent[k]], planes[mirror[k]]
        height = p[0] * n[0] + p[1] * n[1] + p[2] * n[2] - n[3]
        for a in range(3):
            position[k, a] = p[a] - 2 * height * n[a]
