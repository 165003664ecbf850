"""The classical agent of FindFallen: it maps heights, tells things by their shape, and hears."""

import numpy as np
import pytest

from avenv.envs.vector import BatchEnv
from avenv_agents.hearing import SourceBelief
from avenv_agents.heights import HeightMap, Thing
from avenv_agents.listeners import Walker
from avenv_agents.mapping import DepthCamera
from avenv_agents.retriever import RetrieverAgent
from avenv_agents.shapes import TABLES, is_table, may_have_fallen


def block(heights, x, y, height):
    """Let somebody have seen a block from x[0] to x[1] and from y[0] to y[1], metres."""
    axes = [np.arange(low + 0.025, high, 0.05) for low, high in (x, y)]
    places = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    heights.raise_to(places, np.full(len(places), height))


@pytest.fixture
def room():
    """A room of 6 m by 4 m whose far side nobody has seen."""
    heights = HeightMap(5.0)
    block(heights, (-3, 3), (-2, 2), 0.0)
    return heights


def test_small_things_are_found_beside_furniture_and_are_told_from_it(room):
    block(room, (0.0, 1.4), (1.0, 1.7), 0.75)  # a desk
    block(room, (0.5, 0.7), (0.8, 1.0), 0.1)  # a bottle that lies in front of it
    block(room, (-2.0, -1.2), (-1.0, -0.2), 0.3)  # a pet's bed, too large
    block(room, (-3.0, 3.0), (1.95, 2.0), 0.07)  # a skirting board
    (thing,) = room.things()
    assert thing.place == pytest.approx([0.6, 0.9], abs=0.03)
    assert thing.width == pytest.approx(0.2)
    assert thing.height == pytest.approx(0.1)


def test_tables_are_even_and_large_and_one_does_not_lean_on_them(room):
    block(room, (0.0, 1.4), (1.0, 1.7), 0.75)  # a desk,
    block(room, (0.6, 0.8), (1.3, 1.5), 1.0)  # on which something stands
    block(room, (-2.0, -0.2), (-1.6, -0.8), 0.43)  # a seat
    block(room, (-2.2, -0.0), (-1.9, -1.6), 0.85)  # with its back,
    block(room, (-2.2, -2.0), (-1.6, -0.8), 0.65)  # and arms
    block(room, (-0.2, -0.0), (-1.6, -0.8), 0.65)
    block(room, (1.5, 2.6), (-1.2, -0.6), 0.42)  # a low table
    found = {
        sort: [top for top in room.tops(sort.low, sort.high, sort.least) if is_table(top, sort)]
        for sort in TABLES
    }
    (desk,), (low,), none = found.values()
    assert desk.area == pytest.approx(1.4 * 0.7, abs=0.1)
    assert low.cells.mean(axis=0) == pytest.approx([2.05, -0.9], abs=0.03)
    assert none == []


@pytest.mark.parametrize(
    ("width", "height", "fallen"),
    [
        (0.3, 0.08, True),  # a bottle on its side
        (0.05, 0.18, True),  # a remote control on its edge
        (0.2, 0.2, False),  # a ball
        (0.45, 0.3, False),  # a box
        (0.05, 0.38, False),  # a leg
    ],
)
def test_what_has_fallen_lies(width, height, fallen):
    assert may_have_fallen(Thing(np.zeros(2), width, height)) == fallen


def test_a_body_that_is_told_its_pose_notices_walls_by_not_moving():
    walker = Walker(DepthCamera((8, 8), np.pi / 2, 1.25), stride=0.25, turn=0.3)
    nothing = np.zeros((8, 8), np.float32)
    walker.see(nothing, np.array([1.0, 2.0, 0.0]))
    assert walker.position == pytest.approx([1.0, 2.0])
    walker.action = 1
    walker.see(nothing, np.array([1.25, 2.0, 0.0]))
    assert not walker.obstacles.cells.any()
    walker.see(nothing, np.array([1.25, 2.0, 0.0]))
    assert walker.obstacles.near(np.array([[1.55, 2.0]]), 0.05).all()


def test_what_is_held_is_not_taken_for_an_obstacle():
    camera = DepthCamera((9, 9), np.pi / 2, 1.25)
    depth = np.full((9, 9), 3.0, np.float32)
    depth[6, 4] = 0.5  # straight ahead, below the eyes
    seen = camera.without(depth, np.array([0.5, 0.0]), 0.35)
    assert seen[6, 4] == 0
    assert np.count_nonzero(seen == 0) == 1


def test_a_belief_says_how_likely_places_are():
    belief = SourceBelief(3.0)
    places = belief.places()[[4, 12], [15, 3]]
    belief.probability[:] = 0.001
    belief.probability[4, 15], belief.probability[12, 3] = 0.5, 0.05
    assert belief.log_at(places) == pytest.approx([0.0, -np.log(10)])


def test_it_brings_what_has_fallen_to_a_table():
    envs = BatchEnv("FindFallen", 1, scenes="homes:val", sensors=RetrieverAgent.sensors)
    batch, agent = envs.batch, RetrieverAgent(envs)
    batch.reset([0], {0: batch.episode_of(9)})
    agent.reset(0, 9)
    over = False
    while not over:
        outcome = batch.step(agent.act(batch.observe(), batch.info()), np.ones(1, bool))
        over = (outcome.terminated | outcome.truncated)[0]
    assert batch.task.metrics()["success"][0] == 1
