"""The environments as stable-baselines3 sees them."""

import importlib
import sys

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import (
    VecFrameStack,
    VecMonitor,
    VecNormalize,
    VecTransposeImage,
)

from avenv.envs import Env
from avenv.envs.sb3 import make_sb3
from avenv.scene import SceneBuilder
from avenv.simulation.loading import load_scene

pytestmark = pytest.mark.usefixtures("one_torch_thread")

OPTIONS = {
    "sounds": "phone",
    "sensors": ("rgb", "depth", "audio"),
    "image_size": (36, 36),
    "window": 0.25,
    "max_episode_steps": 20,
}


@pytest.fixture(scope="module")
def flat():
    builder = SceneBuilder("flat")
    hall = builder.room("hall", size=(4, 4))
    room = builder.room("room", size=(4, 4), at=(4, 0))
    builder.door(hall, room, name="door")
    return load_scene(builder.build())


@pytest.fixture
def make(flat):
    return lambda **options: make_sb3(**{"num_envs": 2, "scenes": flat, **OPTIONS, **options})


def same(one, other):
    return all(np.array_equal(one[name], other[name]) for name in one)


def test_rows_are_the_single_environments_of_successive_seeds(make, flat):
    envs, env = make(seed=5), Env(scenes=flat, **OPTIONS)
    together = envs.reset()
    alone, info = env.reset(seed=6)
    assert same(alone, {name: value[1] for name, value in together.items()})
    assert envs.reset_infos[1]["metrics"] == info["metrics"]
    for action in (1, 2, 1):
        together, reward, _, infos = envs.step(np.array([3, action]))
        alone, gain, _, _, info = env.step(action)
        assert same(alone, {name: value[1] for name, value in together.items()})
        assert reward[1] == np.float32(gain)
        assert infos[1] == info


def test_a_finished_row_begins_anew_in_the_same_step(make):
    envs = make(seed=0)
    envs.reset()
    observation, reward, done, infos = envs.step(np.array([0, 2]))
    assert done.tolist() == [True, False]
    assert reward.dtype == np.float32
    assert infos[0]["terminal_observation"]["rgb"].shape == (36, 36, 3)
    assert infos[0]["TimeLimit.truncated"] is False
    assert [info["metrics"]["num_actions"] for info in infos] == [1, 1]
    assert "terminal_observation" not in infos[1]
    assert not same(infos[0]["terminal_observation"], {n: v[0] for n, v in observation.items()})
    _, _, _, infos = envs.step(np.array([2, 2]))
    assert [info["metrics"]["num_actions"] for info in infos] == [1, 2]


def test_an_episode_that_runs_out_of_steps_is_said_to(make):
    envs = make(max_episode_steps=2)
    envs.reset()
    envs.step(np.array([2, 2]))
    _, _, done, infos = envs.step(np.array([2, 2]))
    assert done.all()
    assert all(info["TimeLimit.truncated"] for info in infos)


def test_states_are_set_in_the_chosen_rows_alone(make, flat):
    envs = make(seed=5)
    envs.reset()
    assert envs.env_method("set_states", {"door": "closed"}, indices=[1]) == [None]
    together, *_ = envs.step(np.array([3, 3]))
    for row, closed in enumerate((False, True)):
        env = Env(scenes=flat, **OPTIONS)
        env.reset(seed=5 + row)
        if closed:
            env.set_states({"door": "closed"})
        alone, *_ = env.step(3)
        assert same(alone, {name: value[row] for name, value in together.items()})


def test_methods_of_all_rows_give_each_its_part(make):
    envs = make(num_envs=3, seed=1)
    envs.reset()
    everywhere = envs.env_method("oracle_actions")
    assert len(everywhere) == 3
    assert envs.env_method("oracle_actions", indices=2) == [everywhere[2]]
    with pytest.raises(ValueError, match="'reset'; call it on the vector environment"):
        envs.env_method("reset")


def test_attributes_are_those_of_a_row_and_set_for_all(make):
    envs = make()
    assert envs.get_attr("observation_space") == [envs.observation_space] * 2
    assert envs.get_attr("action_space", indices=0) == [envs.action_space]
    assert envs.observation_space["rgb"].shape == (36, 36, 3)
    assert not envs.has_attr("curriculum")
    with pytest.raises(AttributeError):
        envs.set_attr("curriculum", 3)
    with pytest.raises(ValueError, match="all rows, which share render_mode"):
        envs.set_attr("render_mode", None, indices=[0])


def test_options_begin_episodes_row_by_row(make, flat):
    env = Env(scenes=flat, **OPTIONS)
    alone, info = env.reset(seed=3)
    envs = make(seed=0)
    sampled = envs.reset()
    envs.seed(0)
    envs.set_options([{}, {"episode": info["setup"]}])
    together = envs.reset()
    assert same(alone, {name: value[1] for name, value in together.items()})
    assert np.array_equal(together["rgb"][0], sampled["rgb"][0])
    envs.set_options({"epsiode": 3})
    with pytest.raises(ValueError, match="options has epsiode; accepted: episode"):
        envs.reset()


def test_pictures_are_shown_where_the_render_mode_allows(make):
    envs = make(render_mode="rgb_array")
    envs.reset()
    picture = envs.render()
    assert picture.ndim == 3
    one = envs.get_images()[0].shape
    assert picture.shape[0] * picture.shape[1] >= 2 * one[0] * one[1]


@pytest.mark.parametrize(
    "wrap",
    [
        VecMonitor,
        VecTransposeImage,
        lambda envs: VecFrameStack(envs, 2),
        lambda envs: VecNormalize(envs, norm_obs_keys=["depth", "audio"]),
    ],
    ids=["monitor", "transpose", "stack", "normalize"],
)
def test_ppo_trains_through_stable_baselines3s_wrappers(make, wrap):
    envs = wrap(make())
    model = PPO("MultiInputPolicy", envs, n_steps=32, batch_size=32, n_epochs=1, seed=0)
    model.learn(64)
    assert model.num_timesteps == 64


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "stable_baselines3.common.vec_env", None)
    monkeypatch.delitem(sys.modules, "avenv.envs.sb3")
    with pytest.raises(ImportError, match=r'pip install "avenv\[agents\]"'):
        importlib.import_module("avenv.envs.sb3")


def test_an_unknown_option_is_refused(make):
    with pytest.raises(ValueError, match="image_sise"):
        make(image_sise=(36, 36))
