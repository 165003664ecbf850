"""RLlib trains on the environments, one by one and as native batches."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("tree", reason="RLlib is not installed: ray[rllib]")
pytest.importorskip("ray.rllib", reason="RLlib is not installed: ray[rllib]")

import ray

from avenv_agents.rllib import VECTOR, example_config, register_rllib

ROOM = "name: room\nrooms:\n- {name: a, polygon: [[0, 0], [6, 0], [6, 5], [0, 5]]}\n"


@pytest.fixture(scope="module", autouse=True)
def _alone():
    yield
    ray.shutdown()


def test_every_task_is_there():
    assert {"avenv/AudioGoal-v0", "avenv/PointGoal-v0"} <= set(register_rllib())


@pytest.mark.parametrize("mode", ["sync", VECTOR])
def test_the_example_trains(mode, tmp_path):
    (tmp_path / "room.yaml").write_text(ROOM)
    config = example_config(
        scenes=str(tmp_path / "room.yaml"), sounds="phone", sensors=("pose", "contact"),
        acoustics="anechoic", max_episode_steps=20,
    )  # fmt: skip
    config = (
        config.env_runners(num_envs_per_env_runner=2, gym_env_vectorize_mode=mode)
        .training(train_batch_size_per_learner=64, minibatch_size=32, num_epochs=1)
        .rl_module(model_config={"fcnet_hiddens": [8]})
    )
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
