"""The learned agent: encoder, training, saving, loading."""

import base64
import json
import os
import pathlib
import pickle
import re
import shutil
import signal
import threading
import time
import zipfile
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")

from click.testing import CliRunner  # noqa: E402
from gymnasium import spaces  # noqa: E402

from avenv.benchmark import evaluate, find_agent, read_results  # noqa: E402
from avenv.cli import main  # noqa: E402
from avenv.scene import SceneBuilder  # noqa: E402
from avenv_agents import training  # noqa: E402
from avenv_agents.checkpoints import read_checkpoint  # noqa: E402
from avenv_agents.config import TrainingConfig  # noqa: E402
from avenv_agents.policies import load_policy  # noqa: E402
from avenv_agents.sb3 import AudioVisualEncoder  # noqa: E402
from avenv_agents.training import train  # noqa: E402

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
    (folder / "small.yaml").write_text(replace(config, seed=7).to_yaml())
    arguments = ["train", str(folder / "small.yaml"), "--out", str(folder / "run"), "--seed", "0"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    return config, folder / "run"


def test_a_policy_is_trained_saved_and_evaluated(run, tmp_path):
    config, folder = run
    assert {p.name for p in folder.iterdir()} == {"policy.pt", "config.yaml", "log_1"}
    assert TrainingConfig.from_yaml(folder / "config.yaml") == config
    assert any(p.name.startswith("events") for p in (folder / "log_1").iterdir())
    reports = [
        evaluate(find_agent(str(path)), episodes=3, num_envs=n, progress=False, **config.env)
        for path, n in ((folder, 1), (folder, 2), (folder / "policy.pt", 2))
    ]
    assert reports[0].episodes == reports[1].episodes == reports[2].episodes


def test_a_trained_policy_is_evaluated_where_it_was_trained(run, tmp_path):
    config, folder = run
    arguments = [
        "evaluate",
        "--agent",
        str(folder),
        "--episodes",
        "1",
        "--out",
        str(tmp_path / "r"),
    ]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    heading = read_results(tmp_path / "r").heading
    assert {**heading["rules"], **heading["senses"]} == config.env


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
    assert {p.name for p in folder.iterdir()} == {"policy.pt", "config.yaml", "log_1"}


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
        (
            "env: {}\nepochs: 3\n",
            "epochs: there is no such field; known are: checkpoint_every",
        ),
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


def test_a_file_that_holds_no_policy_is_refused_by_name(tmp_path):
    for name, content in (("no.pt", None), ("bad.pt", b"PK"), ("text.pt", b"weights")):
        if content:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"{name}: holds no weights"):
            load_policy(tmp_path / name)


class Touch:
    """An object whose pickle touches a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return pathlib.Path.touch, (self.path,)


def hostile(folder, mark, ending):
    """Write what a stranger may: a folder whose policy touches ``mark`` if it is unpickled."""
    if ending == "torch":
        torch.save({"format": 1, "weights": Touch(mark)}, folder / "policy.pt")
    elif ending == "pickle":
        (folder / "policy.pt").write_bytes(pickle.dumps({"format": 1, "weights": Touch(mark)}))
    else:  # as stable-baselines3 does: a pickle in base64 within JSON
        data = {"policy_kwargs": {":type:": "x", ":serialized:": base64.b64encode(
            pickle.dumps(Touch(mark))).decode()}}  # fmt: skip
        with zipfile.ZipFile(folder / "policy.zip", "w") as archive:
            archive.writestr("data", json.dumps(data))
            archive.writestr("policy.pth", b"")
        if ending == "renamed":
            (folder / "policy.zip").rename(folder / "policy.pt")


@pytest.mark.parametrize("ending", ["torch", "pickle", "zip", "renamed"])
def test_a_strangers_policy_runs_no_code(run, tmp_path, ending, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where results go
    _, before = run
    folder, mark = tmp_path / "run", tmp_path / "touched"
    folder.mkdir()
    shutil.copy(before / "config.yaml", folder)
    hostile(folder, mark, ending)
    for command in ("evaluate", "demo"):
        done = CliRunner().invoke(main, [command, "--agent", str(folder)])
        assert done.exit_code == 1
        assert "policy" in done.output
        assert ("--trust" in done.output) == (ending in ("zip", "renamed"))
    again = ["train", str(folder / "config.yaml"), "--out", str(folder), "--resume"]
    assert CliRunner().invoke(main, again).exit_code == 1
    assert not mark.exists()


def test_a_model_of_stable_baselines3_is_evaluated_if_it_is_trusted(run, tmp_path):
    config, folder = run
    train(config, tmp_path, progress=False).save(tmp_path / "policy.zip")
    (tmp_path / "policy.pt").unlink()
    with pytest.raises(ValueError, match="runs code of whoever made it"):
        find_agent(str(tmp_path))
    trusted, safe = (
        evaluate(agent, episodes=2, progress=False, **config.env)
        for agent in (find_agent(str(tmp_path), trust=True), find_agent(str(folder)))
    )
    assert trusted.episodes == safe.episodes  # the seed and all else are the same


def test_what_is_learned_is_kept_as_it_goes(run, tmp_path, monkeypatch):
    config, _ = run
    monkeypatch.setattr(training, "ENOUGH", 1)
    kept = []

    def spy(path, policy, **more):
        kept.append((path.name, more["steps"]))
        save(path, policy, **more)

    save = training.save_policy
    monkeypatch.setattr(training, "save_policy", spy)
    train(replace(config, total_steps=96, checkpoint_every=32), tmp_path, progress=False)
    latest = [steps for name, steps in kept if name == "policy.pt"]
    assert latest == [32, 64, 96, 96]
    assert [path.name for path in sorted(tmp_path.glob("step-*"))] == [
        "step-000000032.pt", "step-000000064.pt", "step-000000096.pt",
    ]  # fmt: skip
    assert read_checkpoint(tmp_path / "best.pt")["steps"] in (32, 64, 96)
    for name in ("best.pt", "step-000000032.pt"):
        evaluate(find_agent(str(tmp_path / name)), episodes=1, progress=False, **config.env)


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT"])
def test_a_training_that_is_stopped_says_what_it_has_saved(run, tmp_path, how):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs beside a shell ignores it
    config, _ = run
    (tmp_path / "long.yaml").write_text(replace(config, total_steps=10**6).to_yaml())
    out = tmp_path / "out"
    arguments = ["train", str(tmp_path / "long.yaml"), "--out", str(out)]
    signals = Stopping(out, getattr(signal, how))
    done = CliRunner().invoke(main, arguments)
    signals.join()
    assert done.exit_code == 128 + getattr(signal, how)
    assert "policy.pt has what was learned in" in done.output
    assert read_checkpoint(out / "policy.pt")["steps"] > 0
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


EMPTY = 100
"""Bytes of a log that says no more than that it is one, at most."""


class Stopping(threading.Thread):
    """Sends this process a signal when the training in a folder has logged what it learned."""

    def __init__(self, folder, number):
        super().__init__(daemon=True)
        self.folder, self.number = folder, number
        self.start()

    def run(self):
        until = time.monotonic() + 60
        while time.monotonic() < until and not any(
            log.stat().st_size > EMPTY for log in self.folder.glob("log_1/events*")
        ):
            time.sleep(0.05)
        time.sleep(0.5)
        os.kill(os.getpid(), self.number)
