"""Wrappers: do they keep Gymnasium's contract and their own promises?"""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from avenv.acoustics.signal import features as stft
from avenv.envs import wrappers
from avenv.scene import SceneBuilder

RATE = 16000
FORMS = {
    "log_mel": (wrappers.LogMel, wrappers.VectorLogMel, {"sample_rate": RATE, "bands": 40}),
    "interaural": (wrappers.InterauralFeatures, wrappers.VectorInterauralFeatures, {}),
    "gcc_phat": (wrappers.GccPhat, wrappers.VectorGccPhat, {"max_lag": 12}),
}
SHAPES = {"log_mel": (40, 51, 2), "interaural": (257, 51, 3), "gcc_phat": (25, 51, 1)}
OPTIONS = {"sounds": "phone", "sensors": ("audio",), "window": 0.5}


@pytest.fixture(scope="module")
def room():
    builder = SceneBuilder("room")
    builder.room("room", size=(5, 4))
    return builder.build()


def make(room, **options):
    return gym.make("avenv/AudioGoal-v0", scenes=room, disable_env_checker=True,
                    **OPTIONS | options)  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*is different from the unwrapped version")
@pytest.mark.parametrize("name", FORMS)
def test_wrapped_environments_keep_the_contract(room, name):
    kind, _, options = FORMS[name]
    env = kind(make(room), **options)
    check_env(env, skip_render_check=True)
    observation, _ = env.reset(seed=3)
    assert observation[name].shape == SHAPES[name]
    assert observation[name].dtype == np.float32
    for action in (1, 2, 3, 1):
        observation, *_ = env.step(action)
        assert env.observation_space.contains(observation)


@pytest.mark.parametrize("name", FORMS)
def test_vector_environments_give_the_same_bits(room, name):
    kind, vector_kind, options = FORMS[name]
    envs = gym.make_vec("avenv/AudioGoal-v0", 2, scenes=room, **OPTIONS)
    envs = vector_kind(envs, **options)
    together, _ = envs.reset(seed=5)
    assert envs.observation_space.contains(together)
    assert envs.single_observation_space[name].shape == SHAPES[name]
    alone, _ = kind(make(room), **options).reset(seed=6)
    np.testing.assert_array_equal(together[name][1], alone[name])


def test_wrappers_can_be_stacked(room):
    env = make(room)
    for kind, _, options in FORMS.values():
        env = kind(env, **options)
    observation, _ = env.reset(seed=0)
    assert set(observation) == {"audio", *FORMS}
    np.testing.assert_array_equal(observation["gcc_phat"], stft.gcc_phat(observation["audio"], 12))


def test_what_cannot_be_heard_is_refused(room):
    with pytest.raises(ValueError, match="no observation 'audio'"):
        wrappers.GccPhat(make(room, sensors=("depth",)))
    with pytest.raises(ValueError, match=r"80 samples; accepted: 160 \(one hop\) or more"):
        wrappers.LogMel(make(room, step_time=0.005, window=0.005), RATE)
    with pytest.raises(ValueError, match="1 channels"):
        wrappers.InterauralFeatures(make(room, layout="mono"))
    with pytest.raises(ValueError, match="already"):
        wrappers.GccPhat(wrappers.GccPhat(make(room)))
    with pytest.raises(ValueError, match="max_lag is 113"):
        wrappers.GccPhat(make(room), max_lag=113)
