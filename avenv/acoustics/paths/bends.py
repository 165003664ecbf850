"""Diffracted paths: taut strings from a source round edges to a listener.

Once per source, a search finds the chains of edges that sound can follow from it. Per listener, a
string is pulled tight round each chain: where it bends about its edges and meets nothing else,
there is a path, whose gain is the product of its edges' gains.

An edge counts where the string bends round it, and, so that the sum with the direct sound has no
jump, fading out, up to ``_LIT`` on the near side of the shadow boundary.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.acoustics.paths.wedges import (
    DIFFERENCE,
    FACE,
    OPENING,
    PLACE,
    TOTAL,
    WAY,
    WEDGE_COLUMNS,
    angle_round,
    beside,
    couple,
    distance,
    ease,
    face_at,
    likely_gain,
    merge_thin,
    pressure_gain,
    shape,
)
from avenv.acoustics.tables import AcousticTables
from avenv.core import parallel
from avenv.core.kernels import inlined, inner, kernel, part
from avenv.geometry import segment_is_clear

MAX_BENDS = 3
"""Edges in a row that a path may go round."""
MAX_PATHS = 8
"""Diffracted paths that a listener hears at most: the strongest."""

_CHAINS_PER_EDGE = 3
_CHAINS = 192  # of one length that the search goes on from, the strongest
_SAMPLE = 0.75  # metres between the places on an edge where the search listens
_EDGES_PER_JOB = 64
_LIT, _LIT_FULL = np.radians(30), np.radians(5)  # on the near side, edges fade out between
_FAINTEST, _FAINT = 0.003, 0.01  # relative pressure at which a path ends, and begins to fade
_END = 0.2  # metres from the end of an edge over which its path fades
# Radians by which the sides of a boundary are told apart as the rays do: the straight way stops at
# an edge that it touches, but the legs of a string pass it, as they run beside their own edges.
_ON_BOUNDARY, _BESIDE_BOUNDARY = 1e-9, -2e-5
_NEWTON = 6  # steps at most
_RANKING = 2  # the octave, 500 Hz, by which paths are ranked

_STEP, _DIAGONAL, _BESIDE = OPENING, DIFFERENCE, TOTAL  # while a string is tightened


class Bends(NamedTuple):
    """C chains of edges that sound from a source can go round, sorted by their last edge.

    Attributes:
        edge: (C, MAX_BENDS) int32 edges of the scene, that next to the listener, the last, first;
            -1 beyond.
        number: (C,) int64 edges in a chain.
        arrival: (C, 2) float64 least and greatest angle round its last edge, radians, from which
            the string comes there.
    """

    edge: NDArray[np.int32]
    number: NDArray[np.int64]
    arrival: NDArray[np.float64]


NO_BENDS = Bends(np.zeros((0, MAX_BENDS), np.int32), np.zeros(0, np.int64), np.zeros((0, 2)))


def find_bends(scene: AcousticTables, source: NDArray[np.float64]) -> Bends:
    """Return the chains of edges that sound from a source (3,) can follow."""
    edges = len(scene.edges.length)
    levels = [NO_BENDS]
    front = NO_BENDS
    for depth in range(MAX_BENDS):
        chain = np.full((edges, _CHAINS_PER_EDGE), -1, np.int64)
        strength = np.zeros((edges, _CHAINS_PER_EDGE))
        parallel.run(
            _extend,
            (
                (scene, source, front, depth, e, min(e + _EDGES_PER_JOB, edges), chain, strength)
                for e in range(0, edges, _EDGES_PER_JOB)
            ),
        )
        last, slot = np.nonzero(chain >= 0)
        best = np.sort(np.argsort(-strength[last, slot], kind="stable")[:_CHAINS])
        last, slot = last[best], slot[best]
        edge = np.full((len(last), MAX_BENDS), -1, np.int32)
        edge[:, 0] = last
        if depth:
            edge[:, 1:] = front.edge[chain[last, slot], :-1]
        number = np.full(len(last), depth + 1)
        front = Bends(edge, number, _arrivals(scene.edges, source, edge, number))
        levels.append(front)
    edge, number, arrival = (np.concatenate(column) for column in zip(*levels, strict=True))
    order = np.argsort(edge[:, 0], kind="stable")
    return Bends(edge[order], number[order], arrival[order])


def move_bends(scene: AcousticTables, bends: Bends, source: NDArray[np.float64]) -> Bends:
    """Return the chains of a source that has moved a little to (3,): the same edges."""
    arrival = _arrivals(scene.edges, source, bends.edge, bends.number)
    return bends._replace(arrival=arrival)


@kernel
def _extend(scene, source, chains, depth, first, last, chain, strength):
    """Find which chains of ``depth`` edges reach edges first..last, and write the strongest.

    The edge listens at a few places along it. To chain and strength (E, _CHAINS_PER_EDGE).
    """
    edges = scene.edges
    points, wedges = np.empty((MAX_BENDS + 2, 3)), np.empty((MAX_BENDS, WEDGE_COLUMNS))
    place = np.empty(3)
    for e in range(first, last):
        samples = 1 + np.int64(edges.length[e] / _SAMPLE)
        for s in range(samples):
            place[0], place[1], place[2] = beside(edges, e, edges.length[e] * (s + 0.5) / samples)
            if depth == 0:
                clear = segment_is_clear(
                    scene.bvh, source[0], source[1], source[2], place[0], place[1], place[2]
                )
                if clear and _can_bend(edges, e, source):
                    chain[e, 0] = 0
                    strength[e, 0] = max(strength[e, 0], 1 / distance(source, place))
                continue
            ahead, angle = -1, -1.0
            for c in range(len(chains.number)):
                if chains.edge[c, 0] != ahead:  # chains are sorted by their last edge
                    ahead = chains.edge[c, 0]
                    angle = angle_round(edges, ahead, place)
                if not _may_bend(angle, chains.arrival[c]):
                    continue
                gain, _ = _pull(scene, chains.edge[c], depth, source, place, points, wedges)
                if (
                    gain > strength[e].min()
                    and _can_bend(edges, e, points[1])
                    and _legs_are_clear(scene, chains.edge[c], depth, points, wedges)
                ):
                    _keep(c, gain, chain[e], strength[e])


@kernel
def _arrivals(edges, source, edge, number):
    """Return ``Bends.arrival`` of chains (C, MAX_BENDS) of number (C,) edges."""
    arrival = np.empty((len(edge), 2))
    end = np.empty(3)
    for c in range(len(edge)):
        last = edge[c, 0]
        if number[c] == 1:
            arrival[c] = angle_round(edges, last, source)
            continue
        before = edge[c, 1]
        arrival[c, 0], arrival[c, 1] = np.inf, -np.inf
        for t in (0.0, edges.length[before]):
            _put(edges, before, t, end)
            angle = angle_round(edges, last, end)
            if angle < 0:  # partly behind the wedge: may be anything
                arrival[c, 0], arrival[c, 1] = 0.0, np.pi * edges.opening[last]
                break
            arrival[c, 0] = min(arrival[c, 0], angle)
            arrival[c, 1] = max(arrival[c, 1], angle)
    return arrival


@inner
def _can_bend(edges, e, point):
    """Say whether sound from a point may bend round edge e to anywhere."""
    angle = angle_round(edges, e, point)
    return angle >= 0 and max(angle, np.pi * edges.opening[e] - angle) > np.pi - _LIT


@inner
def _keep(c, gain, chain, strength):
    """Put c into chain (K,) in place of itself, or of the weakest, unless it is weaker."""
    slot = strength.argmin()
    for k in range(len(chain)):
        if chain[k] == c:
            slot = k
    if gain > strength[slot]:
        chain[slot], strength[slot] = c, gain


@part
def strongest_bends(scene, bends, source, listener, points, wedges, which):
    """Write the chains whose strings to the listener (3,) are strongest to which (K,), -1 beyond.

    What may be in their way is not looked at. Scratch: ``points`` (MAX_BENDS + 2, 3) and ``wedges``
    (MAX_BENDS, WEDGE_COLUMNS).
    """
    strength = np.zeros(len(which))
    which[:] = -1
    last, angle = -1, -1.0
    for c in range(len(bends.number)):
        if bends.edge[c, 0] != last:
            last = bends.edge[c, 0]
            angle = angle_round(scene.edges, last, listener)
        if not _may_bend(angle, bends.arrival[c]):
            continue
        gain = _pull(scene, bends.edge[c], bends.number[c], source, listener, points, wedges)[0]
        if gain > strength[-1]:
            k = len(which) - 1
            while k > 0 and gain > strength[k - 1]:
                strength[k], which[k] = strength[k - 1], which[k - 1]
                k -= 1
            strength[k], which[k] = gain, c


@inner
def bend_round(scene, chain, number, source, listener, points, wedges, gain):
    """Set points (number + 2, 3) from listener to source and gain (B,), without spreading and air.

    Says whether the way is free; if it is not, gain is left alone. Scratch: ``wedges``.
    """
    _, weight = _pull(scene, chain, number, source, listener, points, wedges)
    if weight == 0 or not _legs_are_clear(scene, chain, number, points, wedges):
        return False
    merge_thin(scene, chain, number, points, wedges)
    shape(number, wedges)
    for b in range(len(gain)):
        gain[b] = weight * pressure_gain(scene, chain, number, wedges, b)
    return True


@inlined
def _pull(scene, chain, number, source, listener, points, wedges):
    """Pull a string tight; return its pressure relative to the straight way, and its weight.

    Both are 0 where it slips off an edge or does not bend. The weight fades where paths end. The
    pressure is about that of 500 Hz.
    """
    # most slip off: to hand a whole scene on to a function takes longer than to see that
    if number > 1 and not _may_touch(scene.edges, chain, number, source, listener, wedges):
        return 0.0, 0.0
    return _pull_tight(scene, chain, number, source, listener, points, wedges)


@inner
def _pull_tight(scene, chain, number, source, listener, points, wedges):
    """Do so where the string may touch all its edges."""
    edges = scene.edges
    for a in range(3):
        points[0, a], points[number + 1, a] = listener[a], source[a]
    _tighten(edges, chain, number, points, wedges)
    weight, length, face = 1.0, 0.0, -1
    for i in range(number):
        e = chain[i]
        opening, t = np.pi * edges.opening[e], wedges[i, PLACE]
        inside = min(t, edges.length[e] - t) / min(_END, edges.length[e] / 2)
        before, after = angle_round(edges, e, points[i]), angle_round(edges, e, points[i + 2])
        if inside <= 0 or before < 0 or after < 0 or abs(before - after) <= np.pi - _LIT:
            return 0.0, 0.0
        aside = _ON_BOUNDARY if number == 1 else _BESIDE_BOUNDARY
        before += aside if before > after else -aside
        difference = abs(before - after)
        weight *= ease(inside) * ease((difference - np.pi + _LIT) / (_LIT - _LIT_FULL))
        length += distance(points[i], points[i + 1])
        wedges[i, OPENING], wedges[i, DIFFERENCE] = edges.opening[e], difference
        wedges[i, TOTAL], wedges[i, WAY], wedges[i, FACE] = before + after, length, -1
        if face >= 0 and face_at(opening, before) >= 0:
            wedges[i - 1, FACE] = face
        face = face_at(opening, after)
    length += distance(points[number], points[number + 1])
    couple(edges, chain, number, points, wedges, length)
    gain = weight * likely_gain(scene, chain, number, wedges, _RANKING)
    strength = abs(gain) * distance(listener, source) / length
    fade = ease((strength - _FAINTEST) / (_FAINT - _FAINTEST))
    return strength * fade, weight * fade


@inner
def _may_touch(edges, chain, number, source, listener, wedges):
    """Say whether a tight string may touch all its edges, rather than slip off one.

    Where it touches an edge lies between where its neighbours are, along that edge. So neighbours
    narrow each other's places down, from the listener on and back again; what is then left of an
    edge is in ``wedges``. Nothing is refused that touches them all.
    """
    for i in range(number):
        wedges[i, PLACE], wedges[i, OPENING] = 0.0, edges.length[chain[i]]
    for k in range(2 * number - 1):
        i = k if k < number else 2 * number - 2 - k
        e = chain[i]
        if i == 0:
            low = high = _place_along(edges, e, listener, edges.along[e], 0.0)
        else:
            low, high = _span_along(edges, e, chain[i - 1], wedges[i - 1])
        if i == number - 1:
            near = far = _place_along(edges, e, source, edges.along[e], 0.0)
        else:
            near, far = _span_along(edges, e, chain[i + 1], wedges[i + 1])
        wedges[i, PLACE] = max(wedges[i, PLACE], min(low, near))
        wedges[i, OPENING] = min(wedges[i, OPENING], max(high, far))
        if wedges[i, PLACE] >= wedges[i, OPENING]:
            return False
    return True


@inner
def _span_along(edges, e, other, wedge):
    """Return the least and the greatest place along edge e of what is left of another edge."""
    start, along = edges.start[other], edges.along[other]
    a = _place_along(edges, e, start, along, wedge[PLACE])
    b = _place_along(edges, e, start, along, wedge[OPENING])
    return min(a, b), max(a, b)


@inner
def _place_along(edges, e, start, along, t):
    """Return how far along edge e a point is, t metres from a start."""
    place = 0.0
    for a in range(3):
        place += (start[a] + t * along[a] - edges.start[e, a]) * edges.along[e, a]
    return place


@inner
def _tighten(edges, chain, number, points, wedges):
    """Place points 1..number on the edges such that the string is shortest, by Newton's method.

    Writes where along the edges they are to wedges. Starts from the solution for one edge, which is
    the unfolding of its two faces.
    """
    for i in range(number - 1, -1, -1):
        e = chain[i]
        t, across_t = _along(edges, e, points[0])
        s, across_s = _along(edges, e, points[i + 2])
        wedges[i, PLACE] = (t * across_s + s * across_t) / max(across_t + across_s, 1e-9)
        _put(edges, e, wedges[i, PLACE], points[i + 1])
    if number == 1:
        return
    for _ in range(_NEWTON):
        _newton_step(edges, chain, number, points, wedges)
        largest = 0.0
        for i in range(number):
            largest = max(largest, abs(wedges[i, _STEP]))
            t = wedges[i, PLACE] - wedges[i, _STEP]
            wedges[i, PLACE] = min(max(t, -1.0), edges.length[chain[i]] + 1.0)
            _put(edges, chain[i], wedges[i, PLACE], points[i + 1])
        if largest < 1e-4:
            break


@inner
def _newton_step(edges, chain, number, points, wedges):
    """Solve the tridiagonal system of the string's length for the steps along the edges."""
    for i in range(number):
        u = edges.along[chain[i]]
        p, before, after = points[i + 1], points[i], points[i + 2]
        l0, l1 = max(distance(p, before), 1e-9), max(distance(p, after), 1e-9)
        c0, c1, turn, ahead = 0.0, 0.0, 0.0, 0.0
        v = edges.along[chain[min(i + 1, number - 1)]]
        for a in range(3):
            c0 += u[a] * (p[a] - before[a]) / l0
            c1 += u[a] * (p[a] - after[a]) / l1
            ahead += v[a] * (p[a] - after[a]) / l1
            turn += u[a] * v[a]
        wedges[i, _STEP] = c0 + c1
        wedges[i, _DIAGONAL] = max((1 - c0 * c0) / l0 + (1 - c1 * c1) / l1, 1e-9)
        wedges[i, _BESIDE] = (c1 * ahead - turn) / l1
    for i in range(1, number):
        share = wedges[i - 1, _BESIDE] / wedges[i - 1, _DIAGONAL]
        wedges[i, _DIAGONAL] = max(wedges[i, _DIAGONAL] - share * wedges[i - 1, _BESIDE], 1e-9)
        wedges[i, _STEP] -= share * wedges[i - 1, _STEP]
    wedges[number - 1, _STEP] /= wedges[number - 1, _DIAGONAL]
    for i in range(number - 2, -1, -1):
        wedges[i, _STEP] = (wedges[i, _STEP] - wedges[i, _BESIDE] * wedges[i + 1, _STEP]) / wedges[
            i, _DIAGONAL
        ]


@inner
def _legs_are_clear(scene, chain, number, points, wedges):
    """Say whether nothing is in the way of a string; it runs just ``beside`` its edges."""
    x, y, z = points[0, 0], points[0, 1], points[0, 2]
    for i in range(number + 1):
        if i < number:
            u, v, w = beside(scene.edges, chain[i], wedges[i, PLACE])
        else:
            u, v, w = points[i + 1, 0], points[i + 1, 1], points[i + 1, 2]
        if not segment_is_clear(scene.bvh, x, y, z, u, v, w):
            return False
        x, y, z = u, v, w
    return True


@inner
def _may_bend(angle, arrival):
    """Say whether a string from arrival (2,) round an edge, on to an angle, may bend there."""
    return angle >= 0 and max(angle - arrival[0], arrival[1] - angle) > np.pi - _LIT


@inner
def _along(edges, e, point):
    """Return how far along edge e a point is, and how far from its line, metres."""
    t, square = 0.0, 0.0
    for a in range(3):
        d = point[a] - edges.start[e, a]
        t += d * edges.along[e, a]
        square += d * d
    return t, np.sqrt(max(square - t * t, 0.0))


@inner
def _put(edges, e, t, out):
    for a in range(3):
        out[a] = edges.start[e, a] + t * edges.along[e, a]
