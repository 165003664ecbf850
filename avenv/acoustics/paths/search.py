"""Early paths from a source to one listener: direct, through walls, mirrored, and round edges.

Every path has a length, octave gains and directions. Kernels fill caller's arrays and return how
many paths there are.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.acoustics.paths.bends import (
    MAX_BENDS,
    MAX_PATHS,
    WEDGE_COLUMNS,
    bend_round,
    strongest_bends,
)
from avenv.acoustics.paths.clearance import MAX_NEAR, NEAR_COLUMNS, fade_past_edges
from avenv.acoustics.paths.image_sources import STEP_OFF
from avenv.core.kernels import inlined, inner, kernel, part
from avenv.geometry import closest_hit, segment_is_clear

DIRECT, TRANSMITTED, REFLECTED, DIFFRACTED = 0, 1, 2, 3

_INAUDIBLE = 1e-6  # pressure gain below which walls are taken to be silent: 120 dB
_NEAREST = 0.01  # metres: a source is no point, and is nowhere louder than here
_CANDIDATES = 2 * MAX_PATHS  # of the strongest ways round edges, that are tested for being free
_MARGIN = 1e-6  # metres by which a mirror's box is larger than its triangles
_TIE = 1e-12  # metres from a mirror within which a point is on it
_BEFORE = 0.01  # metres before a mirror, and behind, within which its own triangles may be


class Paths(NamedTuple):
    """Room for P early paths in B octave bands.

    Attributes:
        length: (P,) float32 metres.
        gain: (P, B) float32 pressure relative to 1 m from the source in the free field.
        arrival: (P, 3) float32 world unit vectors from the listener to where the sound comes from.
        departure: (P, 3) float32 world unit vectors from the source to where it leaves to.
        kind: (P,) int8 ``DIRECT``, ``TRANSMITTED``, ``REFLECTED`` or ``DIFFRACTED``.
    """

    length: NDArray[np.float32]
    gain: NDArray[np.float32]
    arrival: NDArray[np.float32]
    departure: NDArray[np.float32]
    kind: NDArray[np.int8]


@kernel
def allocate_paths(tree, bands):
    """Return room for all ``Paths`` that a source with these images can have to one listener."""
    number = len(tree.key) + MAX_PATHS
    return Paths(
        np.empty(number, np.float32),
        np.empty((number, bands), np.float32),
        np.empty((number, 3), np.float32),
        np.empty((number, 3), np.float32),
        np.empty(number, np.int8),
    )


@kernel
def find_paths(scene, tree, air, listener, paths):
    """``gather_paths`` by themselves, for Python."""
    return gather_paths(scene, tree, air, listener, paths)


@part
def gather_paths(scene, tree, air, listener, paths):
    """Fill paths with what reaches the listener (3,) from source and images; return their number.

    ``air`` (B,) is the attenuation of air in Np per metre, of pressure.
    """
    legs = max(1 if len(tree.order) == 0 else tree.order[-1] + 1, MAX_BENDS + 1)
    points, wedges = np.empty((legs + 1, 3)), np.empty((MAX_BENDS, WEDGE_COLUMNS))
    hits, which = np.empty(legs, np.int32), np.empty(_CANDIDATES, np.int64)
    near, near_edge = np.empty((MAX_NEAR, NEAR_COLUMNS)), np.empty(MAX_NEAR, np.int32)
    passed = np.zeros(len(scene.near_edges.bends), np.int64)
    count = _add_direct(scene, tree.position[0], air, listener, points, paths)
    for k in range(1, len(tree.key)):
        if _bounce_points(scene, tree, k, listener, points) and _is_open(
            scene, tree, k, points, hits
        ):
            gain = paths.gain[count]
            for b in range(len(gain)):
                gain[b] = 1.0
            for reflection in range(tree.order[k]):
                surface = scene.surface[hits[reflection]]
                for b in range(len(gain)):
                    gain[b] *= (1 - scene.absorption[surface, b]) * (
                        1 - scene.scattering[surface, b]
                    )
            for b in range(len(gain)):
                gain[b] = np.sqrt(gain[b])
            paths.kind[count] = REFLECTED
            _finish(paths, count, points, np.int64(tree.order[k] + 1), air)
            length = float(paths.length[count])
            fade_past_edges(scene, tree, k, points, length, near, near_edge, passed, gain)
            count += 1
    strongest_bends(scene, tree.bends, tree.position[0], listener, points, wedges, which)
    return _add_diffracted(scene, tree, air, listener, which, points, wedges, paths, count)


@inner
def _add_diffracted(scene, tree, air, listener, which, points, wedges, paths, count):
    """Append those of the ways round edges that are free; return the number of paths then."""
    source, bends = tree.position[0], tree.bends
    full = count + MAX_PATHS
    for k in range(len(which)):
        c = which[k]
        if c < 0 or count == full:
            break
        chain, number = bends.edge[c], bends.number[c]
        if bend_round(scene, chain, number, source, listener, points, wedges, paths.gain[count]):
            paths.kind[count] = DIFFRACTED
            _finish(paths, count, points, number + 1, air)
            count += 1
    return count


@inner
def _add_direct(scene, source, air, listener, points, paths):
    """Write the straight path; return 1, or 0 if what is in the way lets nothing through."""
    gain = paths.gain[0]
    for b in range(len(gain)):
        gain[b] = 1.0
    crossings = _cross_walls(scene, source, listener, gain)
    if crossings < 0:
        return 0
    for a in range(3):
        points[0, a], points[1, a] = listener[a], source[a]
    paths.kind[0] = TRANSMITTED if crossings else DIRECT
    _finish(paths, np.int64(0), points, np.int64(1), air)
    return 1


@inner
def _cross_walls(scene, source, listener, gain):
    """Multiply gain (B,) by what the surfaces between let through; return their number.

    -1 if nothing audible gets through.
    """
    x, y, z = source[0], source[1], source[2]
    dx, dy, dz = listener[0] - x, listener[1] - y, listener[2] - z
    distance = np.sqrt(dx * dx + dy * dy + dz * dz)
    if distance <= 2 * STEP_OFF:
        return 0
    dx, dy, dz = dx / distance, dy / distance, dz / distance
    done, crossings = STEP_OFF, 0
    while done < distance - STEP_OFF:
        t, triangle = closest_hit(
            scene.bvh, x + done * dx, y + done * dy, z + done * dz, dx, dy, dz,
            distance - STEP_OFF - done,
        )  # fmt: skip
        if triangle < 0:
            break
        loudest = 0.0
        for b in range(len(gain)):
            gain[b] *= np.sqrt(scene.transmission[scene.surface[triangle], b])
            loudest = max(loudest, gain[b])
        if loudest < _INAUDIBLE:
            return -1
        crossings += 1
        done += t + STEP_OFF
    return crossings


@inner
def _bounce_points(scene, tree, image, listener, points):
    """Construct the path of an image backwards; say whether it meets the boxes of its mirrors.

    Writes points (order + 2, 3): the listener, the points of reflection, the source.
    """
    x, y, z = listener[0], listener[1], listener[2]
    points[0, 0], points[0, 1], points[0, 2] = x, y, z
    n, before = 1, -1
    while image > 0:
        mirror = tree.mirror[image]
        p, plane, box = tree.position[image], scene.planes[mirror], scene.extents[mirror]
        here = x * plane[0] + y * plane[1] + z * plane[2] - plane[3]
        there = p[0] * plane[0] + p[1] * plane[1] + p[2] * plane[2] - plane[3]
        if n > 1 and abs(here) <= _TIE:
            # On the edge between two mirrors: the images in the one and the other, either way
            # round, are one. That which meets the mirrors in descending order counts.
            if mirror >= before:
                return False
        elif here * there >= 0:  # both on one side of the mirror
            return False
        s = here / (here - there)
        x, y, z = x + s * (p[0] - x), y + s * (p[1] - y), z + s * (p[2] - z)
        if (
            x < box[0] - _MARGIN or y < box[1] - _MARGIN or z < box[2] - _MARGIN
            or x > box[3] + _MARGIN or y > box[4] + _MARGIN or z > box[5] + _MARGIN
        ):  # fmt: skip
            return False
        points[n, 0], points[n, 1], points[n, 2] = x, y, z
        n, before, image = n + 1, mirror, tree.parent[image]
    source = tree.position[0]
    points[n, 0], points[n, 1], points[n, 2] = source[0], source[1], source[2]
    return True


@inlined
def _is_open(scene, tree, image, points, hits):
    """Say whether each leg of a path first meets the mirror it should; hits: where, triangles."""
    n, before = np.int64(0), np.int64(0)
    while image > 0:
        # Whether anything is in the way is sooner known than what the leg meets first.
        if not _is_clear_until(scene.bvh, points[n], points[n + 1]):
            return False
        triangle = _mirror_met(scene, tree, image, before, points[n], points[n + 1])
        if triangle < 0:
            return False
        hits[n] = triangle
        n, before, image = n + 1, image, tree.parent[image]
    a, b = points[n], points[n + 1]
    return segment_is_clear(scene.bvh, a[0], a[1], a[2], b[0], b[1], b[2])


@inner
def _is_clear_until(bvh, a, b):
    """Say whether nothing stands between a and a point shortly before b."""
    dx, dy, dz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    length = np.sqrt(dx * dx + dy * dy + dz * dz)
    if length <= _BEFORE:
        return True
    part = (length - _BEFORE) / length
    return segment_is_clear(
        bvh, a[0], a[1], a[2], a[0] + part * dx, a[1] + part * dy, a[2] + part * dz
    )


@inner
def _mirror_met(scene, tree, image, before, a, b):
    """Return the triangle of an image's mirror that a path from a, which is clear, meets at b.

    Or -1 if there is none.
    ``before`` is the image in whose mirror a is, 0 if a is the listener. Where a path bends twice
    in the corner between two mirrors, what is met there first may be either.
    """
    dx, dy, dz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    length = np.sqrt(dx * dx + dy * dy + dz * dz)
    beside, off = before, STEP_OFF if before > 0 else 0.0
    if length > 2 * off:
        dx, dy, dz = dx / length, dy / length, dz / length
        off = max(off, length - 2 * _BEFORE)  # up to there nothing is in the way
        t, triangle = closest_hit(
            scene.bvh,
            a[0] + off * dx,
            a[1] + off * dy,
            a[2] + off * dz,
            dx,
            dy,
            dz,
            length - off + _BEFORE,
        )
        met = scene.mirror[triangle] if triangle >= 0 else -1
        if met < 0 or met == tree.mirror[image]:
            return triangle if met >= 0 else -1
        if met != tree.mirror[before]:
            beside = tree.parent[image]
        if met != tree.mirror[beside] or abs(off + t - length) > 2 * STEP_OFF:
            return -1
    n, side = scene.planes[tree.mirror[image]], _front(scene, tree, image)
    m, along = scene.planes[tree.mirror[beside]], _front(scene, tree, beside)
    _, triangle = closest_hit(
        scene.bvh, b[0] + STEP_OFF * (side * n[0] + along * m[0]),
        b[1] + STEP_OFF * (side * n[1] + along * m[1]),
        b[2] + STEP_OFF * (side * n[2] + along * m[2]),
        -side * n[0], -side * n[1], -side * n[2], 3 * STEP_OFF,
    )  # fmt: skip
    return triangle if triangle >= 0 and scene.mirror[triangle] == tree.mirror[image] else -1


@inner
def _front(scene, tree, image):
    """Return the side (-1, 1) of its mirror on which an image is not."""
    p, plane = tree.position[image], scene.planes[tree.mirror[image]]
    return -1.0 if p[0] * plane[0] + p[1] * plane[1] + p[2] * plane[2] > plane[3] else 1.0


@inner
def _finish(paths, k, points, legs, air):
    """Set length and directions of path k through points, and put spread and air in its gain."""
    length = 0.0
    for leg in range(legs):
        a, b = points[leg], points[leg + 1]
        length += np.sqrt((b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2 + (b[2] - a[2]) ** 2)
    paths.length[k] = length
    for b in range(len(air)):
        paths.gain[k, b] *= np.exp(-air[b] * length) / max(length, _NEAREST)
    _point(points[0], points[1], paths.arrival[k])
    _point(points[legs], points[legs - 1], paths.departure[k])


@inner
def _point(a, b, out):
    """Set out (3,) to the unit vector from a to b; straight ahead (+X) if they are one point."""
    x, y, z = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    length = np.sqrt(x * x + y * y + z * z)
    if length > 0:
        out[0], out[1], out[2] = x / length, y / length, z / length
    else:
        out[0], out[1], out[2] = 1.0, 0.0, 0.0
