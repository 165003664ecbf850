"""What the edges that a string bends round leave of its sound, alone and with their neighbours.

Edges far apart count one by one, with the correction for neighbours of Pierce, "Diffraction of
sound around corners and over wide barriers", JASA 55 (1974). That holds where the leg s between two
of them is long, k s >> 1. The two edges of a thin solid are one to a long wave: as k s goes to 0
they become the edge of the wedge that the solid's two wide faces make, of a wall that of a half
plane. Between the two ways of seeing a solid each band passes smoothly.

Kernels note about the wedges of one string in a scratch table, a row for each edge.
"""

import numpy as np

from avenv.acoustics.air import SPEED_OF_SOUND
from avenv.acoustics.paths.diffraction import both_ways, boundary, boundary_term, wedge_gain
from avenv.acoustics.paths.twins import THICKEST
from avenv.core.bands import OCTAVE_CENTRES
from avenv.core.kernels import inner

# Columns of the table: where along its edge a string bends, metres; the angle of the air over pi;
# the difference and the sum of its angles; metres from the listener, along the string; L, metres;
# a measure of how far the shadow boundary is; a face that the leg to the next edge lies in, or -1.
PLACE, OPENING, DIFFERENCE, TOTAL, WAY, RANGE, _FAR, FACE = range(8)
# Of the edge of a thin solid: how much it counts as one with its twin, 0 if there is none; whether
# the next row is the twin; metres to it; those times how far both bend; how nearly both bend alike;
# how much the narrow face does as a mirror, where along it sound creeps; and of the one edge that
# the two are: its opening, difference, sum and L, and whether its sound is this string's.
_THIN, _PAIR, _THICKNESS, _BEND, _EVEN, _MIRROR = range(8, 14)
_ONE_OPENING, _ONE_DIFFERENCE, _ONE_TOTAL, _ONE_RANGE, _IS_ONE = range(14, 19)
# Sines and factors of the four boundaries of the edge, and of the one that it and its twin are.
_SHAPES, _ONE_SHAPES, WEDGE_COLUMNS = 19, 27, 35

_WAVE_NUMBERS = tuple(2 * np.pi * f / SPEED_OF_SOUND for f in OCTAVE_CENTRES)
_FLUSH = 1e-3  # radians from a face within which a leg lies in it
_OFF = 5e-6  # metres off the edge, so that a string does not touch the faces
_ROUNDED = 4e-6  # metres by which float32 may place a corner beside it
_THIN_ENOUGH = 0.4  # metres of thickness from which on twins part, up to ``THICKEST``


@inner
def couple(edges, chain, number, points, wedges, length):
    """Write the range L of each wedge, in metres, corrected for its neighbours.

    With the ways a and b from a wedge to the ends of the string, L = a b sin²(beta) / (a + b). Of
    two neighbours, a leg s apart, that nearer to its shadow boundary has its L multiplied by
    s (a + b) / (a' b), as Pierce (1974) does with the square of his B; far from boundaries that is
    the product of Kouyoumjian & Pathak's coefficients. Here it passes from one to the other
    smoothly.
    """
    for i in range(number):
        way = wedges[i, WAY]
        slope = 0.0
        for a in range(3):
            slope += edges.along[chain[i], a] * (points[i + 1, a] - points[i, a])
        slope /= max(distance(points[i], points[i + 1]), 1e-9)
        wedges[i, RANGE] = way * (length - way) / length * max(1 - slope * slope, 1e-6)
        wedges[i, _ONE_RANGE] = wedges[i, RANGE]
        wedges[i, _FAR] = (wedges[i, RANGE] * (1 + np.cos(wedges[i, DIFFERENCE]))) ** 2
    for i in range(number - 1):
        factor = _nearness(wedges[i, WAY], wedges[i + 1, WAY], length)
        both = wedges[i, _FAR] + wedges[i + 1, _FAR] + 1e-12
        wedges[i, RANGE] *= factor ** (wedges[i + 1, _FAR] / both)
        wedges[i + 1, RANGE] *= factor ** (wedges[i, _FAR] / both)


@inner
def _nearness(near, far, length):
    """Return the square of Pierce's B of two wedges at ways along a string: 0 in one place."""
    return max((far - near) * length / (far * (length - near)), 1e-6)


@inner
def merge_thin(scene, chain, number, points, wedges):
    """Note of edges of thin solids what they and their twins are together, to long waves.

    The two make one path, not several: that of the string which bends round both, or of the one
    edge that is in its way; where neither is, of that nearer to its shadow boundary.
    """
    edges, twins = scene.edges, scene.twins
    length = wedges[number - 1, WAY] + distance(points[number], points[number + 1])
    i = np.int64(0)
    while i < number:
        e = chain[i]
        twin, thickness, top = twins.edge[e], twins.thickness[e], int(twins.face[e])
        wedges[i, _THIN], wedges[i, _PAIR], wedges[i, _MIRROR] = 0.0, 0.0, 0.0
        if twin < 0:
            i += 1
            continue
        wedges[i, _THIN] = ease((THICKEST - thickness) / (THICKEST - _THIN_ENOUGH))
        wedges[i, _THICKNESS] = thickness
        one = min(edges.opening[e] + edges.opening[twin] - 1, 2.0)
        wedges[i, _ONE_OPENING], wedges[i, _IS_ONE] = one, 1.0
        opening, difference = np.pi * edges.opening[e], wedges[i, DIFFERENCE]
        here = _from_wide_face(angle_round(edges, e, points[i]), opening, top)
        if i + 1 < number and chain[i + 1] == twin:
            beyond = wedges[i + 1, DIFFERENCE]
            wedges[i, _PAIR], wedges[i, FACE] = 1.0, top
            wedges[i, _ONE_DIFFERENCE] = difference + beyond - np.pi
            wedges[i, _ONE_TOTAL] = 2 * here + wedges[i, _ONE_DIFFERENCE]
            bend = np.sqrt((1 + np.cos(difference)) * (1 + np.cos(beyond)))
            less, more = sorted_pair(difference - np.pi, beyond - np.pi)
            wedges[i, _BEND], wedges[i, _EVEN] = thickness * bend, ease(4 * less / more)
            if less <= 0:
                wedges[i, _IS_ONE] = 0.0
            wedges[i, _ONE_RANGE] *= _of_the_middle(wedges[i, WAY], wedges[i + 1, WAY], length)
        else:
            there = _from_wide_face(angle_round(edges, e, points[i + 2]), opening, top)
            wedges[i, _ONE_DIFFERENCE], wedges[i, _ONE_TOTAL] = difference, here + there
            above, also = sorted_pair(here - opening + np.pi, there - opening + np.pi)
            if above > 0:  # neither end is beside the solid
                wedges[i, _MIRROR] = ease(2 * above / also)
                a, b = angle_round(edges, twin, points[i]), angle_round(edges, twin, points[i + 2])
                if a >= 0 and b >= 0 and abs(a - b) > difference:
                    wedges[i, _IS_ONE] = 0.0
        last = i + int(wedges[i, _PAIR])
        if number > 1:
            _couple_one(number, i, last, wedges, length)
        i = last + 1


@inner
def _of_the_middle(a, b, length):
    """Return by how much L is longer in the middle between ways a and b than at a."""
    middle = (a + b) / 2
    return middle * (length - middle) / max(a * (length - a), 1e-12)


@inner
def _couple_one(number, first, last, wedges, length):
    """Correct the range of the one edge that wedges first..last are for those beside it."""
    way = (wedges[first, WAY] + wedges[last, WAY]) / 2
    far = (wedges[first, _ONE_RANGE] * (1 + np.cos(wedges[first, _ONE_DIFFERENCE]))) ** 2
    if first > 0:
        other = wedges[first - 1, _FAR]
        factor = _nearness(wedges[first - 1, WAY], way, length)
        wedges[first, _ONE_RANGE] *= factor ** (other / (far + other + 1e-12))
    if last < number - 1:
        other = wedges[last + 1, _FAR]
        factor = _nearness(way, wedges[last + 1, WAY], length)
        wedges[first, _ONE_RANGE] *= factor ** (other / (far + other + 1e-12))


@inner
def likely_gain(scene, chain, number, wedges, band):
    """Return about what a string's wedges leave in a band, by which strings are ranked.

    Each counts on its own, that of a thin solid without what its narrow face reflects.
    """
    gain = 1.0
    for i in range(number):
        twin = scene.twins.edge[chain[i]]
        alone = twin >= 0 and not (
            (i > 0 and chain[i - 1] == twin) or (i + 1 < number and chain[i + 1] == twin)
        )
        first, second = _reflectances(scene, chain[i], band, 0.0 if alone else 1.0)
        likely = wedge_gain(
            wedges[i, OPENING], wedges[i, DIFFERENCE], wedges[i, TOTAL],
            _WAVE_NUMBERS[band] * wedges[i, RANGE], first, second,
        )  # fmt: skip
        gain *= likely / _shared(scene, chain[i], wedges, i, band)
    return gain


@inner
def shape(number, wedges):
    """Note what the gains of a string's wedges are made of in all bands, after ``merge_thin``."""
    for i in range(number):
        _shape(wedges[i], OPENING, DIFFERENCE, TOTAL, _SHAPES)
        if wedges[i, _THIN] > 0:
            _shape(wedges[i], _ONE_OPENING, _ONE_DIFFERENCE, _ONE_TOTAL, _ONE_SHAPES)


@inner
def _shape(wedge, opening, difference, total, place):
    for k in range(4):
        angle = wedge[difference] if k < 2 else wedge[total]
        sine, slope = boundary(wedge[opening], angle if k % 2 else -angle)
        wedge[place + 2 * k], wedge[place + 2 * k + 1] = sine, slope


@inner
def _shaped_gain(wedge, place, distance, reflectance_0, reflectance_1):
    """Return ``wedge_gain`` of a wedge whose shape is noted."""
    gain = 0.0
    for k in range(4):
        weight = 1.0 if k < 2 else reflectance_0 if k == 2 else reflectance_1
        gain += weight * boundary_term(wedge[place + 2 * k], wedge[place + 2 * k + 1], distance)
    return gain


@inner
def pressure_gain(scene, chain, number, wedges, band):
    """Return the product of the gains of a string's wedges in a band, after ``shape``."""
    gain = 1.0
    i = np.int64(0)
    while i < number:
        pair = wedges[i, _PAIR] > 0
        apart = _gain_of(
            scene, chain[i], wedges, i, band, _narrow(scene, chain[i], wedges, i, band)
        )
        if pair:
            apart *= _gain_of(scene, chain[i + 1], wedges, i + 1, band, 1.0)
        if wedges[i, _THIN] > 0:
            k = _WAVE_NUMBERS[band]
            one = 0.0
            if wedges[i, _IS_ONE] > 0:
                one = _gain_of_one(scene, chain[i], wedges, i, band)
            together = one + share_apart(k * wedges[i, _THICKNESS]) * (apart - one)
            if pair and one > 0 and apart > 0:
                gain_of_both = both_ways(one, apart, k * wedges[i, _BEND])
                together += wedges[i, _EVEN] * (gain_of_both - together)
            apart += wedges[i, _THIN] * (together - apart)
        gain *= apart
        i += 2 if pair else 1
    return gain


@inner
def share_apart(distance):
    """Return how much two edges count one by one, at k times the distance between them."""
    return distance * distance / (1 + distance * distance)


@inner
def _narrow(scene, e, wedges, i, band):
    """Return the share of what is reflected along a narrow face that it reflects in this path."""
    as_mirror = wedges[i, _MIRROR]
    if as_mirror == 0:
        return 1.0
    triangle = scene.edges.triangle[e, scene.twins.face[e]]
    mirrored = 0.0
    if scene.mirror[triangle] >= 0:
        mirrored = np.sqrt(1 - scene.scattering[scene.surface[triangle], band])
    return 1 + as_mirror * (mirrored - 1)


@inner
def _gain_of(scene, e, wedges, i, band, narrow):
    """Return the gain of one wedge, of whose narrow face's reflection a share counts."""
    first, second = _reflectances(scene, e, band, narrow)
    distance = _WAVE_NUMBERS[band] * wedges[i, RANGE]
    gain = _shaped_gain(wedges[i], _SHAPES, distance, first, second)
    return gain / _shared(scene, e, wedges, i, band)


@inner
def _reflectances(scene, e, band, narrow):
    """Return what the faces of an edge reflect, the narrow one a share of it."""
    first, second = scene.reflectance[e, 0, band], scene.reflectance[e, 1, band]
    if narrow < 1:
        if scene.twins.face[e] == 0:
            first *= narrow
        else:
            second *= narrow
    return first, second


@inner
def _shared(scene, e, wedges, i, band):
    """Return the sum of a sound and its reflection in a face that two edges share, else 1.

    A leg that lies in such a face is that sum, and arrives as one: it is divided out again.
    """
    face = int(wedges[i, FACE])
    return 1.0 if face < 0 else 1 + scene.reflectance[e, face, band]


@inner
def _gain_of_one(scene, e, wedges, i, band):
    """Return the gain of the edge that edge e and its twin are to long waves."""
    twins = scene.twins
    twin = twins.edge[e]
    return _shaped_gain(
        wedges[i], _ONE_SHAPES, _WAVE_NUMBERS[band] * wedges[i, _ONE_RANGE],
        scene.reflectance[e, 1 - twins.face[e], band],
        scene.reflectance[twin, 1 - twins.face[twin], band],
    )  # fmt: skip


@inner
def _from_wide_face(angle, opening, top):
    """Return an angle round an edge counted from the face that is not ``top``."""
    return angle if top == 1 else opening - angle


@inner
def sorted_pair(a, b):
    """Return two numbers, the lesser first."""
    return min(a, b), max(a, b)


@inner
def angle_round(edges, e, point):
    """Return the angle (radians) of a point round edge e; -1 if it is on it or in its wedge."""
    x, y = 0.0, 0.0
    for a in range(3):
        d = point[a] - edges.start[e, a]
        x += d * edges.face[e, a]
        y += d * edges.normal[e, a]
    square = x * x + y * y
    if square < 1e-8:
        return -1.0
    angle, opening = np.arctan2(y, x), np.pi * edges.opening[e]
    flush = _FLUSH + _ROUNDED / np.sqrt(square)
    if angle < -flush:
        angle += 2 * np.pi
    return min(max(angle, 0.0), opening) if angle < opening + flush else -1.0


@inner
def beside(edges, e, t):
    """Return the point (x, y, z) t metres along edge e, a little off it, amid its air."""
    angle = np.pi * edges.opening[e] / 2
    cos, sin = _OFF * np.cos(angle), _OFF * np.sin(angle)
    start, along, face, normal = edges.start[e], edges.along[e], edges.face[e], edges.normal[e]
    return (
        start[0] + t * along[0] + cos * face[0] + sin * normal[0],
        start[1] + t * along[1] + cos * face[1] + sin * normal[1],
        start[2] + t * along[2] + cos * face[2] + sin * normal[2],
    )


@inner
def face_at(opening, angle):
    """Return the face, 0 or 1, that a direction lies in, -1 if in neither."""
    return 0 if angle < _FLUSH else 1 if angle > opening - _FLUSH else -1


@inner
def distance(a, b):
    """Return the metres between two points."""
    return np.sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2)


@inner
def ease(x):
    """Return 0 up to 0, 1 from 1 on, and a smooth way between."""
    x = min(max(x, 0.0), 1.0)
    return x * x * (3 - 2 * x)
