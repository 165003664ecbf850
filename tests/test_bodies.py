"""What bodies sense of themselves and how well, and what they are like."""

from dataclasses import replace

import numpy as np
import pytest
from episode_support import QUICK, begin, episode, flat_builder, reference
from support import two_rooms

import avenv
from avenv.envs import BatchEnv, Env
from avenv.simulation.noise import FULL_SCALE
from avenv.simulation.world import World
from avenv.tasks import EpisodeSource


@pytest.fixture(scope="module")
def flat():
    return avenv.load_scene(flat_builder().build())


def test_the_pose_is_that_from_the_start(flat):
    env, observation, _ = begin(flat, ("pose",), heading=0.5)
    np.testing.assert_allclose(observation["pose"], 0)
    for action in (1, 2, 1):
        observation, *_ = env.step(action)
    turn = np.deg2rad(15)
    ahead, left = 0.25 + 0.25 * np.cos(turn), 0.25 * np.sin(turn)
    np.testing.assert_allclose(observation["pose"], [ahead, left, turn, 0.75], atol=1e-6)


def test_a_wall_is_felt(flat):
    env, *_ = begin(flat, ("contact",), heading=np.pi)
    felt = [float(env.step(1)[0]["contact"][0]) for _ in range(8)]
    assert felt[0] == 0
    assert felt[-1] == 1
    assert env.step(2)[0]["contact"][0] == 0


def test_noise_is_as_large_as_it_says(flat):
    noise = {"position": 0.02, "heading": 0.01}
    options = {"scenes": flat, "sounds": "phone", "num_envs": 200, **QUICK}
    envs = BatchEnv(sensors=("pose",), pose_noise=noise, **options)
    envs.reset(seed=0)
    for _ in range(4):
        observation = envs.step(np.full(200, 2))[0]
    error = observation["pose"] - [0, 0, 4 * np.deg2rad(15), 1.0]
    # Four steps' errors add up as their squares do.
    np.testing.assert_allclose(error.std(axis=0)[:3], [0.04, 0.04, 0.02], rtol=0.15)


def test_legs_obey_as_well_as_they_are_said_to(flat):
    options = {"scenes": flat, "sounds": "phone", "num_envs": 200, **QUICK}
    noise = {"distance": 0.1, "drift": 0.0, "turn": 0.2}
    envs = BatchEnv(sensors=("pose",), actuation_noise=noise, **options)
    envs.reset(seed=0)
    turned = envs.step(np.full(200, 2))[0]["pose"][:, 2]
    assert turned.mean() == pytest.approx(np.deg2rad(15), rel=0.05)
    assert turned.std() == pytest.approx(0.2 * np.deg2rad(15), rel=0.15)


def test_microphones_hiss_as_loud_as_they_are_said_to(flat):
    quiet = EpisodeSource(reference("shower"), (7.5, 1.0, 1.0), onset=60.0)
    heard = {}
    for name, noise in (("noisy", {"self_noise": 40.0, "mismatch": 0.0}), ("quiet", None)):
        env = Env(scenes=flat, sensors=("audio",), sounds="phone", microphone_noise=noise, **QUICK)
        env.reset(seed=0, options={"episode": episode(flat, sources=(quiet,))})
        heard[name] = [env.step(2)[0]["audio"] for _ in range(3)]
    rms = np.sqrt(np.mean(np.square(heard["noisy"])))
    assert 20 * np.log10(rms) + FULL_SCALE == pytest.approx(40.0, abs=0.3)
    assert not np.any(heard["quiet"])
    first, second, _ = heard["noisy"]
    np.testing.assert_array_equal(first[:, 4000:], second[:, :-4000], "heard once, it stays so")


def test_continuous_actions_walk_and_turn_as_far_as_they_say(flat):
    env = Env(scenes=flat, sensors=("pose",), sounds="phone", actions="continuous", **QUICK)
    env.reset(seed=0, options={"episode": episode(flat)})
    observation, _, terminated, *_ = env.step(np.array([0.1, 0.2, 0.0], np.float32))
    expected = [0.1 * np.cos(0.2), 0.1 * np.sin(0.2), 0.2, 0.25]
    np.testing.assert_allclose(observation["pose"], expected, atol=1e-6)
    assert not terminated
    assert env.action_names == ("ahead", "turn", "stop")
    with pytest.raises(ValueError, match="accepted: ahead, turn, stop from"):
        env.step(np.array([3.0, 0.0, 0.0], np.float32))
    done = False
    while not done:
        *_, done, _, info = env.step(env.oracle_action())
    assert info["metrics"]["success"] == 1


def test_a_body_that_fits_through_no_door_is_refused(flat):
    with pytest.raises(avenv.SceneError, match=r"passes through no door of flat, .* 0.9 m"):
        Env(scenes=flat, sounds="phone", body={"radius": 0.5})


def test_a_high_head_looks_and_listens_from_there(flat):
    env = Env(scenes=flat, sensors=("rgb", "audio"), sounds="phone",
              body={"eye_height": 1.8, "ear_height": 1.7}, **QUICK)  # fmt: skip
    _, info = env.reset(seed=0, options={"episode": episode(flat)})
    assert info["truth"]["source_elevation"] < np.arctan2(1.0 - 1.25, 6.0)
    assert env.batch.simulator.state.eyes()[0, 2] == 1.8


def test_a_body_stands_on_the_floor_wherever_that_is(flat):
    """A scan whose floor lies at -1.3 m, say, is seen and heard as if it lay at 0."""
    low = two_rooms()
    raised = replace(
        low,
        triangles=low.triangles + np.float32([0, 0, 3.5]),
        rooms=tuple(replace(room, floor=room.floor + 3.5) for room in low.rooms),
    )
    seen = []
    for scene in (low, raised):
        env = Env(scenes=World(scene), sensors=("depth", "audio"), sounds="phone", **QUICK)
        observation, info = env.reset(seed=3)
        seen.append((observation, info))
    np.testing.assert_allclose(seen[1][0]["depth"], seen[0][0]["depth"], atol=1e-4)
    assert seen[1][1]["truth"]["source_elevation"] == pytest.approx(
        seen[0][1]["truth"]["source_elevation"], abs=1e-6
    )
    levels = [np.sqrt(np.mean(observation["audio"] ** 2)) for observation, _ in seen]
    assert levels[1] == pytest.approx(levels[0], rel=0.1), "rays are others"
