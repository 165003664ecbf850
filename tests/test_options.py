"""Options of the wrong type or out of range are refused by name, and so is what is closed."""

import math

import gymnasium as gym
import numpy as np
import pytest
from support import shoebox

import avenv
from avenv.envs import BatchEnv, Env
from avenv.simulation.emitters import Emitter
from avenv.simulation.world import World
from avenv.sounds import Sound

PLAIN = {"sensors": ("depth",), "image_size": (8, 8), "sounds": "phone"}


class Thing:
    """What nobody expects."""

    def __repr__(self):
        return "thing"


NO_NUMBER = ("a", [1], None, {}, True, b"x", math.nan, math.inf, Thing())


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


@pytest.mark.parametrize("value", [1, [1], {"a": 1}, 2.5, Thing(), np.zeros(2)], ids=repr)
@pytest.mark.parametrize(
    "name",
    [
        "task",
        "acoustics",
        "vision",
        "light",
        "layout",
        "actions",
        "goals",
        "background",
        "episodes",
        "render_mode",
        "autoreset_mode",
    ],
)
def test_what_is_no_name_is_refused_by_name(world, name, value):
    with pytest.raises(ValueError, match=name):
        BatchEnv(scenes=world, **{**PLAIN, name: value})


@pytest.mark.parametrize("name", ["sounds", "hrtf", "propagation", "body", "actuation_noise"])
def test_other_options_of_the_wrong_type_are_refused_by_name(world, name):
    for value in (3, 2.5, Thing()):
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


NO_NAME = (1, [1], {"a": 1}, Thing(), np.zeros(2), b"x")
QUESTIONS = {
    avenv.impulse_response: (
        {"source": (1, 1, 1.5), "listener": (3, 2, 1.5)},
        {"heading": ("a", {}, Thing()), "facing": ("a", {}), "hrtf": (1, [1], np.zeros(2), "\0"),
         "length": (True, 2.5, 0, 10**12), "seed": (True, "a"), "settings": (1, "a", {"rais": 1}),
         "layout": NO_NAME, "directivity": NO_NAME, "acoustics": NO_NAME, "on_error": NO_NAME},
    ),
    avenv.render_view: (
        {"position": (3, 2, 1.5)},
        {"position": ("a", {}), "heading": ("a", {}), "size": ("a", [True, True], 3),
         "hfov": (True, "a"), "light": NO_NAME, "projection": NO_NAME, "on_error": NO_NAME},
    ),
    avenv.geodesic_distance: (
        {"start": (1, 1), "goal": (3, 2)},
        {"start": ("a", {}, 1, (1, 2, 3)), "goal": ("a", {}, [[1, 2]]), "on_error": NO_NAME},
    ),
    avenv.render_audio: (
        {"emitters": Emitter((1, 1, 1.5), Sound("hum", "hum", np.ones(80, np.float32), 16000)),
         "positions": [(3, 2, 1.5)] * 2, "headings": 0.0, "times": (0.0, 0.1)},
        {"emitters": (None, [], [1], "a"), "positions": ("a", {}), "headings": ("a",),
         "times": ("a",), "step_time": ("a", True, [1]), "sample_rate": ("a", True),
         "settings": (1, {"rais": 1}), "hrtf": (1,), "layout": NO_NAME, "acoustics": NO_NAME},
    ),
}  # fmt: skip


@pytest.mark.parametrize("ask", QUESTIONS, ids=lambda ask: ask.__name__)
def test_questions_refuse_what_is_no_argument_of_theirs_by_name(world, ask):
    right, wrong = QUESTIONS[ask]
    for name, values in wrong.items():
        for value in values:
            with pytest.raises(ValueError, match=name):
                ask(world, **{**right, name: value})


def test_an_emitter_refuses_what_it_cannot_be_by_name():
    sound = Sound("hum", "hum", np.ones(80, np.float32), 16000)
    for name, value in (("sound", "hum"), ("level", "loud"), ("offset", True), ("onset", [1]),
                        ("directivity", []), ("facing", "north"), ("end", Thing())):  # fmt: skip
        with pytest.raises(ValueError, match=f"{name} is"):
            Emitter(**{"position": (1, 1, 1), "sound": sound, name: value})


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
