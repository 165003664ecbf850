"""TorchRL plays single environments, and its own batches of them."""

import gymnasium as gym
import numpy as np
import pytest

torch = pytest.importorskip("torch")
envs = pytest.importorskip("torchrl.envs", reason="TorchRL is not installed: pip install torchrl")

import avenv  # noqa: E402, F401 (registers the environments)

ROOM = "name: room\nrooms:\n- {name: a, polygon: [[0, 0], [6, 0], [6, 5], [0, 5]]}\n"


def test_torchrl_plays_what_gymnasium_plays(tmp_path):
    (tmp_path / "room.yaml").write_text(ROOM)
    options = {"scenes": str(tmp_path / "room.yaml"), "sounds": "phone", "acoustics": "anechoic",
               "sensors": ("pose", "contact"), "max_episode_steps": 20}  # fmt: skip

    def make():
        return envs.GymWrapper(gym.make("avenv/AudioGoal-v0", **options))

    together = envs.SerialEnv(2, make)
    together.set_seed(0)
    played = together.rollout(10, break_when_any_done=False)
    assert played.batch_size == (2, 10)
    env = make()
    env.set_seed(3)
    torch.manual_seed(1)  # of its actions: an episode that stops at once shows little
    walk = env.rollout(10, break_when_any_done=False)
    again = gym.make("avenv/AudioGoal-v0", **options)
    again.reset(seed=3)  # as TorchRL's set_seed does
    seen, _ = again.reset()
    for t, action in enumerate(walk["action"].argmax(-1)):
        np.testing.assert_array_equal(walk["pose"][t], seen["pose"])
        seen, reward, terminated, truncated, _ = again.step(int(action))
        assert walk["next", "reward"][t].item() == pytest.approx(reward, abs=1e-6)
        if terminated or truncated:
            break
    assert t > 0, walk["action"].argmax(-1)
