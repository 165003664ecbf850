"""How classical agents get about: they explore a home, and believe in places."""

import numpy as np
import pytest

from avenv.core.frames import forward
from avenv.tasks.actions import FORWARD, TURN_LEFT, TURN_RIGHT
from avenv_agents.exploring import Explorer
from avenv_agents.hearing import SourceBelief
from avenv_agents.listeners import REACH, Walker
from avenv_agents.mapping import CellMap, DepthCamera

STRIDE, TURN, HEIGHT = 0.25, np.deg2rad(15), 1.25
CAMERA = DepthCamera((64, 64), np.pi / 2, HEIGHT)
FOCAL = 32.0


def look(position, heading, size):
    """Return the depth picture (64, 64) of somebody in an empty room of size (x, y)."""
    across = (31.5 - np.arange(64)) / FOCAL
    ahead, left = forward(heading), forward(heading + np.pi / 2)
    ways = ahead + across[:, None] * left  # (64, 2) for each column
    with np.errstate(divide="ignore"):
        walls = np.where(ways > 0, (size - position) / ways, -position / ways).min(axis=1)
        floor = HEIGHT / np.maximum(-across, 1e-9)
    return np.minimum(walls[None], floor[:, None]).astype(np.float32)


def test_an_explorer_sees_a_whole_room_and_stays_off_its_walls():
    size, start = np.array([9.0, 6.0]), np.array([1.0, 1.0])
    walker = Walker(CAMERA, STRIDE, TURN)
    explorer = Explorer(walker, REACH)
    position, heading, actions = start.copy(), 0.0, 0
    while True:
        depth = look(position, heading, size)
        walker.see(depth)
        explorer.look(CAMERA.floor(depth))
        action = explorer.next_action()
        if action is None or actions == 300:
            break
        heading += {TURN_LEFT: TURN, TURN_RIGHT: -TURN}.get(action, 0.0)
        if action == FORWARD:
            position = position + STRIDE * forward(heading)
            assert (position > 0.1).all()
            assert (position < size - 0.1).all()
        walker.action = action
        actions += 1
    assert explorer.has_seen_all
    assert np.allclose(walker.position, position - start)
    inside = np.array([[1.0, 1.0], [8.5, 1.0], [8.5, 5.5], [1.0, 5.5], [4.5, 3.0]]) - start
    assert explorer.is_near_floor(inside).all()
    assert np.linalg.norm(explorer.middle - (size / 2 - start)) < 1.0


def test_outer_walls_are_those_that_nobody_has_seen_behind():
    walker = Walker(CAMERA, STRIDE, TURN)
    explorer = Explorer(walker, REACH)
    # Two rooms of 4 m by 3 m, a wall of 0.2 m between.
    x, y = np.meshgrid(np.arange(-4.05, 4.2, 0.1), np.arange(0.05, 3, 0.1))
    floor = np.stack([x, y], axis=-1).reshape(-1, 2)
    explorer._floor.add(floor[np.abs(floor[:, 0]) > 0.1])
    walker.obstacles.add(floor[np.abs(floor[:, 0]) <= 0.1])
    inner, outer = [0.0, 1.5], [-4.0, 1.5]
    assert explorer.is_outer(np.array([inner, outer])).tolist() == [False, True]


def test_a_belief_is_asked_about_some_places_only():
    belief = SourceBelief(3.0)
    places = belief.places()
    belief.probability[:] = 0
    belief.probability[12, 4] = 1.0
    assert np.allclose(belief.best(), places[12, 4], atol=0.31)
    left = places[..., 0] > 0
    belief.probability[3, 15] = 0.1
    assert np.allclose(belief.best(left), places[3, 15], atol=0.31)


def test_marks_are_near_within_some_metres():
    marks = CellMap(2.0)
    marks.add(np.array([[0.55, 0.05]]))
    assert marks.near(np.array([[0.85, 0.05], [1.25, 0.05]]), 0.4).tolist() == [True, False]
    assert marks.centres(np.array([25]), np.array([20])) == pytest.approx(np.array([[0.55, 0.05]]))
