"""Options of the wrong type or out of range are refused by name, and so is what is closed."""

import math

import gymnasium as gym
import numpy as np
import pytest
from support import shoebox

from avenv.envs import BatchEnv, Env
from avenv.simulation.world import World

PLAIN = {"sensors": ("depth",), "image_size": (8, 8), "sounds": "phone"}
NO_NUMBER = ("a", [1], None, {}, True, b"x", math.nan, math.inf, object())


@pytest.fixture(scope="module")
def world():
    return World(shoebox((5, 4, 3)))


@pytest.mark.parametrize("value", NO_NUMBER, ids=repr)
@pytest.mark.parametrize(
    "name",
    [
        "num_envs", "max_episode_steps", "episodes_per_scene", "success_radius", "success_reward",
        "step_penalty", "forward_step", "turn_angle", "min_distance", "hfov", "sample_rate",
        "step_time", "window", "mel_bands", "max_lag",
    ],
)  # fmt: skip
def test_what_is_no_number_is_refused_by_name(world, name, value):
    if (name, value) == ("max_episode_steps", None):
        assert BatchEnv(scenes=world, **PLAIN).batch.max_episode_steps == 500  # the task's own
        return
    with pytest.raises(ValueError, match=rf"{name} is .*; accepted"):
        BatchEnv(scenes=world, **{**PLAIN, name: value})


@pytest.mark.parametrize("value", [1, [1], {"a": 1}, 2.5, object(), np.zeros(2)], ids=repr)
@pytest.mark.parametrize(
    "name", ["task", "acoustics", "vision", "light", "layout", "actions", "goals", "background"]
)
def test_what_is_no_name_is_refused_by_name(world, name, value):
    with pytest.raises(ValueError, match=name):
        BatchEnv(scenes=world, **{**PLAIN, name: value})


@pytest.mark.parametrize("name", ["sounds", "hrtf", "propagation", "body", "actuation_noise"])
def test_other_options_of_the_wrong_type_are_refused_by_name(world, name):
    for value in (3, 2.5, object()):
        with pytest.raises(ValueError, match=name):
            BatchEnv(scenes=world, **{**PLAIN, name: value})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"propagation": {"rays": True}}, "propagation.rays is True; accepted: a whole number"),
        ({"propagation": {"rays": 10**9}}, "rays is 1000000000; accepted: whole numbers from 1 to"),
        ({"propagation": {"max_time": 1e9}}, "max_time is 1000000000.0 and bin 0.01; accepted: up"),
        ({"propagation": {"bin": 1e-9}}, "bin 1e-09; accepted: up to 1000 bins of time"),
        ({"propagation": {"all_heights": "no"}}, "propagation.all_heights is 'no'; accepted: true"),
        ({"body": {"radius": "wide"}}, "body.radius is 'wide'; accepted: a number"),
        ({"body": {"radius": math.inf}}, "body.radius is inf; accepted: a number"),
        ({"num_envs": 10**30}, "num_envs is 1000"),
        ({"num_envs": 10**6}, "num_envs is 1000000; accepted: up to 65536"),
        ({"vision": "rasters"}, "did you mean 'raster'"),
    ],
)
def test_messages_say_what_is_accepted(world, options, words):
    with pytest.raises(ValueError, match=words):
        BatchEnv(scenes=world, **{**PLAIN, **options})


@pytest.mark.parametrize("seed", [-1, 2.5, "a", True])
def test_a_seed_that_is_none_is_refused_in_our_words(world, seed):
    for env in (Env(scenes=world, **PLAIN), BatchEnv(scenes=world, num_envs=2, **PLAIN)):
        with pytest.raises(ValueError, match=f"seed is {seed!r}; accepted: a whole number from 0"):
            env.reset(seed=seed)
    with pytest.raises(ValueError, match="seed is -1"):
        BatchEnv(scenes=world, num_envs=2, **PLAIN).reset(seed=[0, -1])


@pytest.mark.parametrize("kind", [Env, BatchEnv])
def test_what_is_closed_says_so(world, kind):
    env = kind(scenes=world, **PLAIN)
    env.reset(seed=0)
    env.close()
    env.close()
    for use in (env.reset, lambda: env.step(np.ones(1, int) if kind is BatchEnv else 1)):
        with pytest.raises(gym.error.ClosedEnvironmentError, match="has been closed"):
            use()
