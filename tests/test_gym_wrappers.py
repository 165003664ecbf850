"""Gymnasium's own wrappers work on the environments, single and in batches."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import wrappers

from avenv.scene import SceneBuilder
from avenv.simulation.loading import load_scene

OPTIONS = {
    "sounds": "phone",
    "sensors": ("depth", "spectrogram"),
    "image_size": (32, 32),
    "window": 0.25,
}
TURN = 2


@pytest.fixture(scope="module")
def room():
    builder = SceneBuilder("room")
    builder.room("room", size=(5, 4))
    return load_scene(builder.build())


@pytest.fixture
def env(room):
    def make(**options):
        return gym.make("avenv/AudioGoal-v0", scenes=room, disable_env_checker=True,
                        **OPTIONS | options)  # fmt: skip

    return make


@pytest.fixture
def envs(room):
    def make(**options):
        return gym.make_vec("avenv/AudioGoal-v0", 2, scenes=room, **OPTIONS | options)

    return make


def frames(folder):
    """Return how many frames each video in a folder has."""
    av = pytest.importorskip("av")
    counts = {}
    for path in folder.glob("*.mp4"):
        with av.open(str(path)) as film:
            counts[path.name] = sum(1 for _ in film.decode(video=0))
    return counts


def test_time_runs_out_where_the_limit_says(env):
    limited = wrappers.TimeLimit(env(), 3)
    limited.reset(seed=0)
    ends = [limited.step(TURN)[2:4] for _ in range(3)]
    assert ends == [(False, False), (False, False), (False, True)]


def test_the_length_and_return_of_an_episode_are_counted(env):
    counted = wrappers.RecordEpisodeStatistics(env(max_episode_steps=4))
    counted.reset(seed=0)
    rewards = []
    for _ in range(4):
        *_, info = step = counted.step(TURN)
        rewards.append(step[1])
    assert info["episode"]["l"] == 4
    assert info["episode"]["r"] == pytest.approx(sum(rewards))


def test_the_lengths_and_returns_of_rows_are_counted(envs):
    counted = wrappers.vector.RecordEpisodeStatistics(envs(max_episode_steps=4))
    counted.reset(seed=0)
    rewards = np.zeros(2)
    for _ in range(4):
        _, reward, _, truncated, info = counted.step([TURN, TURN])
        rewards += reward
    assert truncated.all()
    assert info["episode"]["l"].tolist() == [4, 4]
    np.testing.assert_allclose(info["episode"]["r"], rewards, rtol=1e-6)


def test_the_latest_observations_are_stacked(env):
    stacked = wrappers.FrameStackObservation(env(), 3)
    first, _ = stacked.reset(seed=0)
    second, *_ = stacked.step(TURN)
    assert stacked.observation_space.contains(second)
    assert second["depth"].shape == (3, 32, 32, 1)
    np.testing.assert_array_equal(second["depth"][:2], first["depth"][1:])
    assert not np.array_equal(second["depth"][2], second["depth"][1])


def test_observations_are_flattened(env, envs):
    flat = wrappers.FlattenObservation(env())
    alone, _ = flat.reset(seed=1)
    assert flat.observation_space.contains(alone)
    parts = env().reset(seed=1)[0]
    np.testing.assert_array_equal(alone, np.concatenate([parts[k].ravel() for k in sorted(parts)]))
    rows = wrappers.vector.FlattenObservation(envs())
    together, _ = rows.reset(seed=0)
    assert rows.observation_space.contains(together)
    np.testing.assert_array_equal(together[1], alone)


def test_arrays_become_tensors_and_back(env, envs):
    torch = pytest.importorskip("torch")
    pytest.importorskip("array_api_compat")
    single = wrappers.NumpyToTorch(env())
    seen, _ = single.reset(seed=0)
    assert all(isinstance(value, torch.Tensor) for value in seen.values())
    np.testing.assert_array_equal(seen["depth"], env().reset(seed=0)[0]["depth"])
    _, reward, terminated, _, info = single.step(torch.tensor(0))
    assert terminated
    assert isinstance(reward, float)
    assert info["metrics"]["num_actions"] == 1
    rows = wrappers.vector.NumpyToTorch(envs())
    rows.reset(seed=0)
    seen, reward, terminated, _, info = rows.step(torch.tensor([0, TURN]))
    assert seen["spectrogram"].shape[0] == 2
    assert reward.shape == (2,)
    assert terminated.tolist() == [True, False]
    assert info["metrics"]["num_actions"].tolist() == [1, 1]


def test_episodes_are_filmed(env, envs, tmp_path):
    pytest.importorskip("moviepy")
    filmed = env(render_mode="rgb_array", max_episode_steps=2)
    film = wrappers.RecordVideo(filmed, str(tmp_path / "one"), episode_trigger=lambda k: k == 0)
    film.reset(seed=0)
    film.step(TURN)
    film.step(TURN)
    film.close()
    assert frames(tmp_path / "one") == {"rl-video-episode-0.mp4": 3}
    films = wrappers.vector.RecordVideo(
        envs(render_mode="rgb_array"),
        str(tmp_path / "two"),
        step_trigger=lambda k: k == 0,
        video_length=3,
    )
    films.reset(seed=0)
    for _ in range(3):
        films.step([TURN, TURN])
    films.close()
    assert list(frames(tmp_path / "two").values()) == [3]
