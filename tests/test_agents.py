"""The learned agent: encoder, training, saving, loading."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")

from click.testing import CliRunner  # noqa: E402
from gymnasium import spaces  # noqa: E402

from avenv.benchmark import evaluate, find_agent  # noqa: E402
from avenv.cli import main  # noqa: E402
from avenv.scene import SceneBuilder  # noqa: E402
from avenv_agents.config import TrainingConfig  # noqa: E402
from avenv_agents.sb3 import AudioVisualEncoder  # noqa: E402
from avenv_agents.training import PolicyAgent, train  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_torch_thread")

SMALL = {"n_steps": 16, "batch_size": 16, "n_epochs": 1}


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
    extractor = model.policy.features_extractor
    assert set(extractor.cameras) == {"sight", "sight/rear"}
    assert set(extractor.senses) == {"sight", "hearing"}


def test_an_encoder_without_a_sense_is_refused():
    with pytest.raises(ValueError, match="needs rgb, depth or spectrogram"):
        AudioVisualEncoder(spaces.Dict(audio=spaces.Box(-1, 1, (2, 16000))))


@pytest.fixture(scope="module")
def run(env, tmp_path_factory):
    """A run of 32 steps, from the command line: its configuration and its folder."""
    folder = tmp_path_factory.mktemp("runs")
    config = TrainingConfig(env, 2, 32, 0, {"features": 16, "features_dim": 32}, SMALL)
    (folder / "small.yaml").write_text(config.to_yaml())
    arguments = ["train", str(folder / "small.yaml"), "--out", str(folder / "run")]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    return config, folder / "run"


def test_a_policy_is_trained_saved_and_evaluated(run, tmp_path):
    config, folder = run
    assert {p.name for p in folder.iterdir()} == {"policy.zip", "config.yaml", "log_1"}
    assert TrainingConfig.from_yaml(folder / "config.yaml") == config
    assert any(p.name.startswith("events") for p in (folder / "log_1").iterdir())
    reports = [
        evaluate(find_agent(str(path)), episodes=3, num_envs=n, progress=False, **config.env)
        for path, n in ((folder, 1), (folder, 2), (folder / "policy.zip", 2))
    ]
    assert reports[0].episodes == reports[1].episodes == reports[2].episodes


def test_a_trained_policy_is_evaluated_where_it_was_trained(run, tmp_path):
    config, folder = run
    out = tmp_path / "report.json"
    arguments = ["evaluate", "--agent", str(folder), "--episodes", "1", "--out", str(out)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert json.loads(out.read_text())["settings"] == {"task": "AudioGoal", "seed": 0, **config.env}


def test_a_run_is_resumed_or_replaced_as_its_owner_chooses(run, tmp_path):
    config, before = run
    folder = tmp_path / "run"
    shutil.copytree(before, folder)
    with pytest.raises(ValueError, match="holds a run; resume goes on from it, overwrite"):
        train(config, folder, progress=False)
    with pytest.raises(ValueError, match="accepted: one of them"):
        train(config, folder, resume=True, overwrite=True, progress=False)
    with pytest.raises(ValueError, match=r"config\.yaml differs in seed, ppo from"):
        train(replace(config, seed=3, ppo={}), folder, resume=True, progress=False)
    assert train(config, folder, resume=True, progress=False).num_timesteps == 64
    other = replace(config, seed=3)
    assert train(other, folder, overwrite=True, progress=False).num_timesteps == 32
    assert TrainingConfig.from_yaml(folder / "config.yaml") == other
    assert {p.name for p in folder.iterdir()} == {"policy.zip", "config.yaml", "log_1"}


def test_a_policy_acts_only_on_what_it_was_trained_on(run):
    config, folder = run
    agent = find_agent(str(folder))
    for options, words in (
        ({"sensors": ["rgb"]}, "the policy needs"),
        ({"image_size": [36, 48]}, r"the policy was trained on \(48, 48, 1\)"),
    ):
        with pytest.raises(ValueError, match=words):
            evaluate(agent, episodes=1, progress=False, **{**config.env, **options})


def test_pictures_that_are_too_small_are_refused(space):
    space.spaces["rgb"] = spaces.Box(0, 255, (3, 16, 16), np.uint8)
    with pytest.raises(ValueError, match="36x36"):
        AudioVisualEncoder(space)


def test_resuming_nothing_is_refused(env, tmp_path):
    with pytest.raises(ValueError, match="nothing to resume"):
        train(TrainingConfig(env), tmp_path, resume=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("env: {}\nepochs: 3\n", "epochs: there is no such field; known are: encoder, env"),
        ("num_env: 3\n", "num_env: there is no such field; did you mean 'num_envs'"),
        ("num_envs: eight\n", "num_envs is 'eight'; accepted: a whole number from 1"),
        ("num_envs: true\n", "num_envs is True; accepted: a whole number from 1"),
        ("total_steps: 0\n", "total_steps is 0; accepted: a whole number from 1"),
        ("env:\n", "env is None; accepted: a mapping"),
        ("env: {num_envs: 2}\n", "env.num_envs: is no option of an environment in training"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused_by_file_and_field(tmp_path, text, words):
    (tmp_path / "run.yaml").write_text(text)
    with pytest.raises(ValueError, match="run.yaml: " + re.escape(words)):
        TrainingConfig.from_yaml(tmp_path / "run.yaml")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ppo": {"batchsize": 3}}, "ppo.batchsize: there is no such option; did you mean"),
        ({"ppo": {"learning_rate": "fast"}}, "ppo.learning_rate is 'fast'; accepted: a number"),
        ({"ppo": {"n_steps": 2.5}}, "ppo.n_steps is 2.5; accepted: a whole number"),
        ({"ppo": {"batch_size": 1}}, "ppo: `batch_size` must be greater than 1"),
        ({"encoder": {"feature": 3}}, "encoder.feature: there is no such option; did you mean"),
        ({"env": {"scenes": object}}, "accepted: names, numbers, lists and mappings"),
    ],
)
def test_what_cannot_be_trained_leaves_nothing_behind(env, tmp_path, options, words):
    config = TrainingConfig(**{"env": env, **options})
    with pytest.raises(ValueError, match=re.escape(words)):
        train(config, tmp_path / "run", progress=False)
    assert list(tmp_path.iterdir()) == []


def test_a_policy_that_is_not_there_is_refused(env, tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        evaluate(lambda e: PolicyAgent(e, tmp_path / "no.zip"), episodes=1, progress=False, **env)
