"""Which surfaces of a mesh bound solids, and which are open sheets.

A closed solid carries its material's transmission loss in two halves and is seen from outside; a
sheet carries all of it and is seen from both sides. Nothing in a mesh file tells reliably which is
which, so it is found from the triangles.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

_WELD = 1e-4  # m within which corners are one
_ROOM = 1.8  # m: what is larger than this every way, and mostly hollow, is a room and no thing
_FULL = 1 / 3  # least share of its box that a room fills


class Solidity(NamedTuple):
    """What is closed.

    Attributes:
        sheet: (T,) bool not part of a closed solid.
        open_share: share of the length of all edges that only one triangle has: rims of holes.
    """

    sheet: NDArray[np.bool_]
    open_share: float


def find_solids(triangles: NDArray[np.float64]) -> Solidity:
    """Tell solids from sheets among triangles (T, 3, 3), metres.

    A surface is closed where every edge is run through as often one way as the other. Closed
    surfaces that face outwards are solids, and those of the size of a room that face inwards are
    rooms. One as large as a room that faces outwards was meant to be entered all the same, and a
    small one turned inside out was meant to be seen: both count as sheets, as all open ones do.
    """
    count = len(triangles)
    faces = _welded(triangles.reshape(-1, 3)).reshape(-1, 3)
    begin, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    key = np.minimum(begin, end) * (int(faces.max(initial=0)) + 1) + np.maximum(begin, end)
    _, edge = np.unique(key, return_inverse=True)
    edge = edge.ravel()
    balance = np.bincount(edge, np.sign(end - begin))
    used = np.bincount(edge)
    length = np.linalg.norm(triangles - np.roll(triangles, -1, axis=1), axis=2).ravel()
    longest = np.zeros(len(used))
    np.maximum.at(longest, edge, length)
    rim = (used == 1) & (longest > 0)

    owner = np.repeat(np.arange(count), 3)
    joints = coo_matrix(
        (np.ones(3 * count, np.int8), (owner, edge + count)), 2 * (count + len(used),)
    )  # a graph of triangles and edges, each triangle joined to its own edges
    _, body = connected_components(joints, directed=False)
    body = np.unique(body[:count], return_inverse=True)[1].ravel()
    bodies = int(body.max(initial=-1)) + 1
    leaks = np.zeros(bodies, bool)
    leaks[body[owner[balance[edge] != 0]]] = True

    centre = triangles.reshape(-1, 3).mean(axis=0) if count else np.zeros(3)
    a, b, c = (triangles[:, k] - centre for k in range(3))
    volume = np.bincount(body, np.einsum("td,td->t", a, np.cross(b, c)) / 6, bodies)
    low, high = np.full((bodies, 3), np.inf), np.full((bodies, 3), -np.inf)
    np.minimum.at(low, body, triangles.min(axis=1))
    np.maximum.at(high, body, triangles.max(axis=1))
    size = high - low
    room = (size.min(axis=1) > _ROOM) & (np.abs(volume) > _FULL * size.prod(axis=1))
    solid = ~leaks & np.where(room, volume < 0, volume > 0)
    return Solidity(~solid[body], float(longest[rim].sum() / max(longest.sum(), 1e-9)))


def _welded(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return a number (N,) for each point (N, 3): points in one place have the same.

    One axis after the other, because sorting numbers is much faster than sorting rows.
    """
    number = np.zeros(len(points), np.int64)
    for axis in range(3):
        step = np.round(points[:, axis] / _WELD).astype(np.int64)
        step -= step.min(initial=0)
        key = number * (int(step.max(initial=0)) + 1) + step
        number = np.unique(key, return_inverse=True)[1].ravel()
    return number
