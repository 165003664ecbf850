"""RLlib trains on the environments, one by one and as native batches."""

import numpy as np
import pytest
from gymnasium.vector import SyncVectorEnv

from avenv.envs import BatchEnv

pytest.importorskip("torch")
pytest.importorskip("tree", reason="RLlib is not installed: ray[rllib]")
ray = pytest.importorskip("ray", reason="RLlib is not installed: ray[rllib]")
runners = pytest.importorskip("ray.rllib.env.single_agent_env_runner", reason="ray[rllib]")

from avenv_agents.rllib import VECTOR, example_config, register_rllib  # noqa: E402

ROOM = "name: room\nrooms:\n- {name: a, polygon: [[0, 0], [6, 0], [6, 5], [0, 5]]}\n"


@pytest.fixture(scope="module", autouse=True)
def _alone():
    yield
    ray.shutdown()


@pytest.fixture
def config(tmp_path):
    (tmp_path / "room.yaml").write_text(ROOM)
    config = example_config(
        scenes=str(tmp_path / "room.yaml"), sounds="phone", sensors=("pose", "contact"),
        acoustics="anechoic", max_episode_steps=20,
    )  # fmt: skip
    return (
        config.env_runners(num_envs_per_env_runner=2)
        .training(train_batch_size_per_learner=64, minibatch_size=32, num_epochs=1)
        .rl_module(model_config={"fcnet_hiddens": [8]})
    )


def test_every_task_is_there():
    assert {"avenv/AudioGoal-v0", "avenv/PointGoal-v0"} <= set(register_rllib())


@pytest.mark.parametrize(("mode", "kind"), [("sync", SyncVectorEnv), (VECTOR, BatchEnv)])
def test_an_env_runner_plays_one_by_one_or_a_native_batch(config, mode, kind):
    config = config.env_runners(gym_env_vectorize_mode=mode)
    runner = runners.SingleAgentEnvRunner(config=config)
    assert isinstance(runner.env.unwrapped, kind)
    episodes = runner.sample(num_timesteps=64)
    # A step in which one of the two rows begins anew counts once, and may be the last but one.
    assert sum(len(episode) for episode in episodes) in (64, 65)
    assert max(len(episode) for episode in episodes) <= 20
    whole = next(episode for episode in episodes if episode.is_done)
    assert whole.get_infos(-1)["metrics"]["num_actions"] == len(whole)
    assert whole.get_infos(0)["instruction"] == "Walk to what sounds and stop there."
    runner.stop()


def test_the_example_trains(config):
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100 * 2**20)
    algorithm = config.build_algo()
    try:
        for _ in range(2):
            result = algorithm.train()
        learner = result["learners"]["default_policy"]
        assert np.isfinite(float(learner["total_loss"]))
        assert result["env_runners"]["num_env_steps_sampled_lifetime"] >= 128
        assert result["env_runners"]["episode_len_max"] <= 20
    finally:
        algorithm.stop()
