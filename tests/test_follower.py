from itertools import pairwise

import numpy as np
import pytest
from support import furnished, shoebox, two_rooms

from avenv.navigation import build_grid, follower, geodesic_field, move
from avenv.navigation.follower import (
    FORWARD,
    STOP,
    TURN_LEFT,
    TURN_RIGHT,
    count_actions,
    next_action,
)

STEP, TURN, STOP_DISTANCE = 0.25, np.radians(15), 0.9


def walk(grid, field, position, heading, limit=500):
    """Do what the oracle says with the motion of the environment; return its actions and end."""
    actions = []
    while len(actions) < limit:
        action = next_action(grid, field, position, heading, STEP, TURN, STOP_DISTANCE)
        actions.append(action)
        if action == STOP:
            break
        if action == FORWARD:
            step = STEP * np.array([[np.cos(heading), np.sin(heading)]])
            position = move(grid, [position], step)[0][0]
        else:
            heading += TURN if action == TURN_LEFT else -TURN
    return actions, position


@pytest.fixture(scope="module")
def corridor():
    grid = build_grid(shoebox((10.0, 4.0, 3.0)))
    return grid, geodesic_field(grid, (8.0, 2.0))


@pytest.mark.parametrize(("heading", "turns"), [(0, 0), (90, 6), (-90, 6), (45, 3), (-180, 12)])
def test_straight_to_the_goal(corridor, heading, turns):
    # From 6 m away 21 steps of 0.25 m come within 0.9 m, at 0.75 m; then STOP.
    grid, field = corridor
    assert count_actions(grid, field, (2.0, 2.0), np.radians(heading)) == turns + 21 + 1


@pytest.mark.parametrize(("heading", "turns"), [(7, 0), (-7.4, 0), (172, 11)])
def test_headings_between_the_turns_cost_little(corridor, heading, turns):
    # No turn hits the goal's direction; one or two corrections on the way are enough.
    grid, field = corridor
    actions, _ = walk(grid, field, np.array([2.0, 2.0]), np.radians(heading))
    assert turns + 22 <= len(actions) <= turns + 24


def test_turns_to_the_nearer_side(corridor):
    grid, field = corridor
    assert next_action(grid, field, (2.0, 2.0), np.radians(60)) == TURN_RIGHT
    assert next_action(grid, field, (2.0, 2.0), np.radians(-60)) == TURN_LEFT
    assert next_action(grid, field, (2.0, 2.0), 0.0) == FORWARD
    assert next_action(grid, field, (7.2, 2.0), 0.0) == STOP
    assert next_action(grid, field, (2.0, 2.0), np.radians(60 + 720)) == TURN_RIGHT


def test_count_is_what_stepping_takes_and_turns_never_oscillate():
    grid = build_grid(furnished())
    field = geodesic_field(grid, (6.0, 6.0))
    rng = np.random.default_rng(0)
    for start in grid.sample(rng, 30):
        heading = rng.uniform(-np.pi, np.pi)
        actions, end = walk(grid, field, start, heading)
        assert actions[-1] == STOP
        assert field.at([end])[0] <= STOP_DISTANCE
        assert count_actions(grid, field, start, heading) == len(actions)
        pairs = set(pairwise(actions))
        assert (TURN_LEFT, TURN_RIGHT) not in pairs
        assert (TURN_RIGHT, TURN_LEFT) not in pairs


@pytest.mark.parametrize("seed", range(3))
def test_reaches_every_goal_among_furniture(seed):
    grid = build_grid(furnished(seed))
    rng = np.random.default_rng(seed)
    for goal in grid.sample(rng, 5):
        field = geodesic_field(grid, goal)
        for start in grid.sample(rng, 60):
            actions = count_actions(grid, field, start, rng.uniform(-np.pi, np.pi))
            # Straight lines cost T / 0.25 steps; the rest are turns and what turns cost.
            assert actions <= 40 + 2 * field.at([start])[0] / STEP


@pytest.mark.parametrize("door", [0.38, 0.5, 0.9])
def test_passes_through_narrow_doors(door):
    grid = build_grid(two_rooms(door))
    field = geodesic_field(grid, (7.0, 0.5))
    rng = np.random.default_rng(1)
    starts = np.concatenate([grid.sample(rng, 50), [(0.2, 3.8), (3.8, 0.2), (3.8, 3.8)]])
    for start in starts:
        assert count_actions(grid, field, start, rng.uniform(-np.pi, np.pi)) < 100


def test_coarse_actions_arrive_too():
    grid = build_grid(furnished(4))
    rng = np.random.default_rng(2)
    field = geodesic_field(grid, grid.sample(rng, 1))
    for start in grid.sample(rng, 50):
        assert count_actions(grid, field, start, 0.3, step=0.4, turn=np.radians(45)) < 150


def test_limit_and_errors(corridor):
    grid, field = corridor
    assert count_actions(grid, field, (2.0, 2.0), 0.0, limit=10) == 10
    assert count_actions(grid, field, (8.0, 2.0), 0.0) == 1
    with pytest.raises(ValueError, match=r"\(0.000, 2.000\) has no way to the goal"):
        next_action(grid, field, (0.0, 2.0), 0.0)
    with pytest.raises(ValueError, match=r"position\[0\] is \[nan, 2.0\]"):
        count_actions(grid, field, (np.nan, 2.0), 0.0)
    with pytest.raises(ValueError, match="turn is 0"):
        next_action(grid, field, (2.0, 2.0), 0.0, turn=0.0)


def test_a_counted_walk_ends_where_a_walked_one_does(corridor):
    actions, end = walk(*corridor, (1.0, 1.0), 0.3)
    taken, place, heading = follower.walk(*corridor, (1.0, 1.0), 0.3)
    assert taken == len(actions) == count_actions(*corridor, (1.0, 1.0), 0.3)
    np.testing.assert_allclose(place, end, atol=1e-9)
    assert next_action(*corridor, place, heading) == STOP
