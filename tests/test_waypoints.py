"""Waypoints: maps that a body draws, ways that it walks, and the published baselines at work."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from support import shoebox  # noqa: E402

from avenv.benchmark import evaluate, find_agent, find_config  # noqa: E402
from avenv.scene import SceneBuilder  # noqa: E402
from avenv_agents.config import TrainingConfig  # noqa: E402
from avenv_agents.learning import train  # noqa: E402
from avenv_agents.waypoints import WAYPOINTS, WaypointEnvs  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_torch_thread")

OPTIONS = {
    "sounds": "fridge",
    "sensors": ["depth", "spectrogram", "pose"],
    "image_size": [64, 64],
    "propagation": {"rays": 512},
}


@pytest.fixture
def envs():
    made = WaypointEnvs(2, scenes=shoebox((8.0, 8.0, 2.8)), **OPTIONS)
    yield made
    made.close()


def waypoint(ahead, left):
    """Return the action of a place, metres from the body."""
    return int(np.flatnonzero(((ahead, left) == WAYPOINTS).all(axis=1))[0])


def beginning(envs, position, heading):
    """Begin an episode in both rows at a pose, and return what is observed."""
    episodes = [
        replace(envs.batch.episode_of(seed), start=position, heading=heading) for seed in (0, 1)
    ]
    observation, _ = envs._envs.reset(options={"episodes": episodes})
    return envs._begun(observation, range(2))


def test_every_place_has_one_action_and_the_first_is_to_stop():
    assert len(np.unique(WAYPOINTS, axis=0)) == 81
    assert not WAYPOINTS[0].any()
    assert (np.abs(WAYPOINTS).max(axis=0) == 2).all()


def test_a_body_walks_to_its_waypoints(envs):
    beginning(envs, (2.0, 4.0), 0.0)
    ahead = np.full(2, waypoint(2.0, 0.0))
    observation, _, terminated, truncated, _ = envs.step(ahead)
    np.testing.assert_allclose(observation["pose"][:, :2], [[2, 0]] * 2, atol=0.01)  # 8 × 0.25 m
    assert not (terminated | truncated).any()
    # Six turns of 15° and four steps are the ten actions that a waypoint to the left is given.
    observation, *_ = envs.step(np.full(2, waypoint(0.0, 1.0)))
    np.testing.assert_allclose(observation["pose"][:, :2], [[2, 1]] * 2, atol=0.15)
    *_, terminated, _, info = envs.step(np.zeros(2, int))
    assert terminated.all()
    np.testing.assert_array_equal(info["final_info"]["metrics"]["num_actions"], [19, 19])
    assert info["final_obs"][0]["geometric_map"].shape == (200, 200, 2)


def test_maps_show_walls_and_where_it_was_how_loud(envs):
    # The wall is 2 m ahead: in the middle column, 20 cells above the middle of 200.
    observation = beginning(envs, (6.0, 4.0), 0.0)
    solid = observation["geometric_map"][0, :, 100, 0]
    assert 100 - np.flatnonzero(solid).max() == pytest.approx(20, abs=2)
    # Eyes 1.25 m above the floor that look down by 45° at most see it from 1.25 m on.
    seen = observation["geometric_map"][0, ..., 1].astype(bool)
    assert seen[82:87, 100].mean() > 0.5
    assert not seen[89:100].any()
    assert not seen[105:].any()  # behind it
    allowed = observation["action_mask"][0].astype(bool)
    assert allowed[0]
    assert allowed[waypoint(1.5, 0.0)]
    assert not allowed[waypoint(2.0, 0.0)] or not solid[80]
    acoustic = observation["acoustic_map"][0, ..., 0]
    assert (acoustic > 0).sum() == 1
    expected = observation["spectrogram"][0].mean()
    np.testing.assert_allclose(acoustic.max(), expected, rtol=1e-5)
    assert np.abs(np.argwhere(acoustic > 0)[0] - 9.5).max() < 1


@pytest.mark.parametrize("name", ["av_nav", "av_wan", "savi"])
def test_published_baselines_learn_and_act(name, tmp_path):
    published = TrainingConfig.from_yaml(find_config("train", name))
    scene = tmp_path / "room.yaml"
    builder = SceneBuilder("room")
    room = builder.room("room", size=(5, 4))
    builder.source(on=room.place("fan", against="north wall", along=1.2))
    builder.build().save(scene)
    env = {**OPTIONS, **published.env, "scenes": str(scene), "max_episode_steps": 8}
    if name == "savi":
        env["sounds"] = "heard"  # of things
    first = {"rollout_steps": 6, "batches": 1} if published.descriptor else {}
    run = replace(published, env=env, workers=1, num_envs=2, total_steps=12, validation={},
                  descriptor={**published.descriptor, **first},
                  ppo={**published.ppo, "rollout_steps": 6, "epochs": 1})  # fmt: skip
    policy = train(run, tmp_path / "run", progress=False)
    agent = find_agent(str(tmp_path / "run"))
    one, other = (
        evaluate(agent, episodes=3, num_envs=n, progress=False, **agent.options) for n in (1, 3)
    )
    assert one.episodes == other.episodes
    assert policy.actions == (81 if name == "av_wan" else 4)
