"""Where a body can put down what it holds: on an even surface before it, with room for it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core.frames import body_rotation, forward, wrap_angle
from avenv.geometry import cast_rays, lines_of_sight
from avenv.simulation.body import Body
from avenv.simulation.reach import REACH, SIDE
from avenv.simulation.world import World

HIGHEST = 1.02
"""Metres above the floor of what a body can put things on, at most."""

_FAR = 100.0  # m; a ray that meets nothing falls so far
_EVEN = 0.01  # m by which a surface may vary below a thing
_SPACING = 0.03  # m between the points below a thing that are tried
_CLEAR = 0.02  # m between a thing and the body
_LEVELS = 0.05  # m by which one surface must be higher than another to be preferred


class Spot(NamedTuple):
    """Where a thing can be put.

    Attributes:
        position: middle of its base, world metres.
        heading: of its front, radians: it faces the body.
        on: name of the object that it stands on.
    """

    position: NDArray[np.float64]
    heading: float
    on: str


def find_spot(
    world: World, body: Body, position: NDArray[np.float64], heading: float, thing: str
) -> Spot | None:
    """Return where a body can put a thing that it holds, None where there is no room.

    The spot is before the body, within its reach. All of the thing's base finds the surface below
    at one level, nothing comes in between from there to above the thing, and the body sees that. Of
    several spots it is one on the highest surface, which is a table rather than the floor before
    it, and of these the one nearest to the hands.

    Args:
        world: where the body is.
        body: what it is like.
        position: (2,) of the body, world metres.
        heading: of the body, radians.
        thing: name of what it holds.
    """
    compiled = world.compiled
    size = compiled.objects[compiled.row_of[thing]].size
    level = world.level_for(body)
    middles, turns = _middles(body, position, heading, np.hypot(*size[:2]) / 2)
    base, rows = _grid(size[:2]), len(middles)
    if rows == 0:
        return None
    turned = np.einsum("rij,pj->rpi", body_rotation(turns)[:, :2, :2], base)
    top = level + HIGHEST + size[2]
    starts = np.concatenate([middles[:, None] + turned, np.full((rows, len(base), 1), top)], axis=2)
    down = np.broadcast_to([0.0, 0.0, -1.0], starts.shape)
    fall, below = cast_rays(compiled.bvh, starts.reshape(-1, 3), down.reshape(-1, 3))
    fall, below = np.minimum(fall, _FAR).reshape(rows, -1), below.reshape(rows, -1)
    even = fall.max(axis=1) - fall.min(axis=1) <= _EVEN
    even &= (fall.min(axis=1) >= size[2]) & (fall.max(axis=1) < _FAR)
    eyes = np.broadcast_to([*position, level + body.eye_height], starts.shape)
    free = lines_of_sight(compiled.bvh, eyes.reshape(-1, 3), starts.reshape(-1, 3))
    good = np.flatnonzero(even & free.reshape(rows, -1).all(axis=1))
    if len(good) == 0:
        return None
    surface = top - fall.min(axis=1)
    hands = position + body_rotation(heading)[:2, :2] @ np.array(body.hands[:2])
    away = np.linalg.norm(middles - hands, axis=1)
    best = min(good.tolist(), key=lambda k: (-round(surface[k] / _LEVELS), away[k], k))
    on = compiled.objects[compiled.object[below[best, 0]]].name
    return Spot(np.array([*middles[best], surface[best]]), float(turns[best]), on)


def _middles(
    body: Body, position: NDArray[np.float64], heading: float, half: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return places (R, 2) before a body that are tried, and how a thing faces it from there."""
    nearest = body.radius + half + _CLEAR
    away, aside = np.meshgrid(np.arange(nearest, REACH, 0.05), np.linspace(-SIDE, SIDE, 7))
    direction = heading + aside.ravel()
    middles = position + forward(direction) * away.ravel()[:, None]
    # To the centimetre and to a hundredth: as the state's name keeps them.
    return np.round(middles, 2), np.round(wrap_angle(direction + np.pi), 2)


def _grid(size: tuple[float, ...]) -> NDArray[np.float64]:
    """Return points (P, 2) all over a base of a size (2,), to its edges."""
    axes = [np.linspace(-s / 2, s / 2, 2 + int(s / _SPACING)) for s in size]
    return np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
