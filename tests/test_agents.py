"""The learned agent: encoder, stable-baselines3 adapter, training, saving, loading."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")

from gymnasium import spaces  # noqa: E402

from avenv.benchmark import evaluate  # noqa: E402
from avenv.envs.sb3 import BatchVecEnv  # noqa: E402
from avenv.scene import SceneBuilder  # noqa: E402
from avenv_agents.encoders import AudioVisualEncoder  # noqa: E402
from avenv_agents.training import PolicyAgent, TrainingConfig, train  # noqa: E402


@pytest.fixture(scope="module")
def env(tmp_path_factory):
    builder = SceneBuilder("studio")
    builder.room("studio", size=(6, 4))
    path = tmp_path_factory.mktemp("scene") / "studio.yaml"
    builder.build().save(path)
    return {
        "scenes": str(path),
        "sounds": "phone",
        "sensors": ["rgb", "depth", "spectrogram"],
        "image_size": [48, 48],
        "max_episode_steps": 20,
    }


@pytest.fixture
def space():
    return spaces.Dict(
        rgb=spaces.Box(0, 255, (3, 48, 48), np.uint8),
        depth=spaces.Box(0, 10, (48, 48, 1), np.float32),
        spectrogram=spaces.Box(0, 6, (65, 26, 2), np.float32),
        **{
            "rear/depth": spaces.Box(0, 10, (40, 60, 1), np.float32),
            "around/rgb": spaces.Box(0, 255, (3, 40, 80), np.uint8),
        },
    )


def observe(space, seed):
    torch.manual_seed(seed)
    scale = {"rgb": 1.0, "depth": 10.0, "spectrogram": 6.0}
    return {
        name: scale[name.split("/")[-1]] * torch.rand(4, *box.shape) for name, box in space.items()
    }


def test_every_sense_reaches_the_fused_features(space):
    encoder = AudioVisualEncoder(space, features=16, features_dim=32)
    seen = observe(space, 0)
    features = encoder(seen)
    assert features.shape == (4, 32)
    for name in space:
        other = {**seen, name: observe(space, 1)[name]}
        assert not torch.allclose(features, encoder(other)), name


@pytest.mark.parametrize("names", [("rgb",), ("spectrogram",), ("depth", "spectrogram")])
def test_any_choice_of_senses_will_do(space, names):
    chosen = spaces.Dict({name: space[name] for name in names})
    assert AudioVisualEncoder(chosen, features=16, features_dim=8)(observe(chosen, 0)).shape[1] == 8


def test_observations_that_no_encoder_reads_do_no_harm(env, tmp_path):
    cameras = [{"name": "rear", "sensors": ["rgb", "depth", "semantic"], "size": [40, 36]}]
    sensors = ["rgb", "depth", "semantic", "instance", "normal", "spectrogram"]
    options = {**env, "sensors": sensors, "cameras": cameras}
    small = {"n_steps": 4, "batch_size": 4, "n_epochs": 1}
    config = TrainingConfig(options, 1, 4, 0, {"features": 8, "features_dim": 8}, small)
    model = train(config, tmp_path, progress=False)
    assert set(model.policy.features_extractor.senses) == {"sight", "sight/rear", "hearing"}


def test_an_encoder_without_a_sense_is_refused():
    with pytest.raises(ValueError, match="needs rgb, depth or spectrogram"):
        AudioVisualEncoder(spaces.Dict(audio=spaces.Box(-1, 1, (2, 16000))))


def test_the_adapter_follows_stable_baselines3(env):
    envs = BatchVecEnv(num_envs=2, **env)
    envs.seed(0)
    observation = envs.reset()
    assert observation["rgb"].shape == (2, 48, 48, 3)
    observation, reward, done, infos = envs.step(np.array([0, 2]))
    assert done.tolist() == [True, False]
    assert reward.dtype == np.float32
    assert infos[0]["terminal_observation"]["rgb"].shape == (48, 48, 3)
    assert infos[0]["TimeLimit.truncated"] is False
    assert infos[0]["metrics"]["num_actions"] == 1
    assert infos[1]["metrics"]["num_actions"] == 1
    assert "terminal_observation" not in infos[1]


def test_a_policy_is_trained_saved_reloaded_and_evaluated(env, tmp_path):
    small = {"n_steps": 16, "batch_size": 16, "n_epochs": 1}
    encoder = {"features": 16, "features_dim": 32}
    config = TrainingConfig(env, 2, 32, 0, encoder, small)
    train(config, tmp_path / "run", progress=False)
    names = {p.name for p in (tmp_path / "run").iterdir()}
    assert {"policy.zip", "config.yaml"} <= names
    assert any(p.name.startswith("events") for p in (tmp_path / "run").rglob("*"))

    def agent(envs):
        return PolicyAgent(envs, tmp_path / "run")

    reports = [evaluate(agent, episodes=3, num_envs=n, progress=False, **env) for n in (1, 2)]
    assert reports[0].episodes == reports[1].episodes

    resumed = train(config, tmp_path / "run", resume=True, progress=False)
    assert resumed.num_timesteps == 64


def test_pictures_that_are_too_small_are_refused(space):
    space.spaces["rgb"] = spaces.Box(0, 255, (3, 16, 16), np.uint8)
    with pytest.raises(ValueError, match="36x36"):
        AudioVisualEncoder(space)


def test_resuming_nothing_is_refused(env, tmp_path):
    with pytest.raises(ValueError, match="nothing to resume"):
        train(TrainingConfig(env), tmp_path, resume=True)


def test_a_configuration_with_an_unknown_key_is_refused(tmp_path):
    (tmp_path / "run.yaml").write_text("env: {}\nepochs: 3\n")
    with pytest.raises(ValueError, match="epochs"):
        TrainingConfig.from_yaml(tmp_path / "run.yaml")


def test_a_policy_that_is_not_there_is_refused(env, tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        evaluate(lambda e: PolicyAgent(e, tmp_path / "no.zip"), episodes=1, progress=False, **env)
