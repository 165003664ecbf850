"""Instructions: in words in every info, and as numbers of words that never change their meaning."""

from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
from support import two_rooms

from avenv.core.errors import SceneError
from avenv.scene import CATEGORIES
from avenv.scene.catalogue import kind_names
from avenv.simulation.vocabulary import LENGTH, can_say, tokens, vocabulary, words
from avenv.simulation.world import World
from avenv.sounds.builtin import KINDS
from avenv.tasks import TASKS, find_task
from avenv.tasks.audiogoal import AudioGoal

WORLD = World(two_rooms())
QUICK = {"scenes": WORLD, "sounds": "phone", "sensors": ("instruction",)}


def test_a_word_has_the_number_of_its_line():
    a, phone = vocabulary().index("a") + 1, vocabulary().index("phone") + 1
    assert tokens("A phone!").tolist() == [a, phone] + [0] * (LENGTH - 2)
    assert vocabulary()[0] == "a"
    assert len(set(vocabulary())) == len(vocabulary())


def test_all_that_tables_name_can_be_said():
    for name in (*CATEGORIES, *kind_names(), *KINDS, "the second room on your left"):
        assert tokens(name)[0] > 0
    assert words("Find the alarm_clock.") == ["find", "the", "alarm", "clock"]
    for name in TASKS:
        assert can_say(find_task(name).instruction), name


@pytest.mark.parametrize(
    ("said", "message"),
    [("find the phonne", "'phonne'.*did you mean 'phone'"), ("find " * 33, "33 words; accepted")],
)
def test_what_cannot_be_said_is_refused_and_changes_nothing(said, message):
    env = gym.make("avenv/AudioGoal-v0", **QUICK).unwrapped
    env.reset(seed=1)
    before, setup = env.episode, env.episode.to_dict()
    with pytest.raises(ValueError, match=message):
        env.reset(options={"episode": setup | {"instruction": said}})
    assert env.episode == before
    # Who does not choose the sensor may say anything.
    deaf = gym.make("avenv/AudioGoal-v0", **{**QUICK, "sensors": ("pose",)})
    _, info = deaf.reset(options={"episode": setup | {"instruction": said}})
    assert info["instruction"] == said


def test_the_instruction_is_in_every_info_and_observed():
    env = gym.make("avenv/AudioGoal-v0", **QUICK).unwrapped
    observation, info = env.reset(seed=1)
    assert info["instruction"] == "Walk to what sounds and stop there."
    assert (observation["instruction"] == tokens(info["instruction"])).all()
    assert observation["instruction"] in env.observation_space["instruction"]
    own = env.episode.to_dict() | {"instruction": "Find the phone."}
    envs = gym.make_vec("avenv/AudioGoal-v0", num_envs=2, **QUICK)
    observation, info = envs.reset(seed=1, options={"episodes": [None, own]})
    assert info["instruction"] == ("Walk to what sounds and stop there.", "Find the phone.")
    assert info["_instruction"].all()
    np.testing.assert_array_equal(observation["instruction"][1], tokens("find the phone"))
    assert envs.unwrapped.row_of(info, 1)["instruction"] == "Find the phone."


def test_homes_that_lack_something_are_passed_over_and_counted(monkeypatch):
    def check_world(self, world):
        if int(world.name.rpartition("-")[2]) % 3:
            raise SceneError(f"{world.name}: a number that 3 divides is needed")

    monkeypatch.setattr(AudioGoal, "check_world", check_world)
    options = QUICK | {"scenes": "homes:train/1-4", "sensors": ("pose",)}
    seen = []
    for _ in range(2):
        env = gym.make("avenv/AudioGoal-v0", **options).unwrapped
        _, info = env.reset(seed=2)
        assert env.episode.scene.name == "homes:train/3"
        seen.append(info["passed_over"])
    assert seen[0] == seen[1] > 0
    # Fixed turns: that of a home that does not do goes to the next.
    assert env.batch.episode_of(4).scene.name == "homes:train/3"
    with pytest.raises(SceneError, match=r"100 scenes in a row.*a number that 3 divides"):
        gym.make("avenv/AudioGoal-v0", **options | {"scenes": "homes:train/1-2"}).reset(seed=0)
    four = World(replace(two_rooms(), name="flat-4"))
    with pytest.raises(SceneError, match="flat-4: a number that 3 divides is needed"):
        gym.make("avenv/AudioGoal-v0", **QUICK | {"scenes": ["homes:train/3", four]})
