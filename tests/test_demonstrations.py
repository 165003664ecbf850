"""Demonstrations are what the agent saw and did, and Minari reads them."""

import json

import gymnasium as gym
import numpy as np
import pytest

minari = pytest.importorskip("minari")

from click.testing import CliRunner  # noqa: E402

from avenv.benchmark import evaluate  # noqa: E402
from avenv.scene import SceneBuilder  # noqa: E402
from avenv.tasks import Episode  # noqa: E402
from avenv_agents import demonstrations  # noqa: E402
from avenv_agents.baselines import OracleAgent, RandomAgent  # noqa: E402
from avenv_agents.data_cli import data  # noqa: E402
from avenv_agents.demonstrations import make_demonstrations  # noqa: E402


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    builder = SceneBuilder("studio")
    builder.room("studio", size=(6, 4))
    path = tmp_path_factory.mktemp("scene") / "studio.yaml"
    builder.build().save(path)
    return {
        "scenes": str(path),
        "sounds": "phone",
        "sensors": ["rgb", "depth", "binaural", "pose"],
        "image_size": [12, 8],
        "max_episode_steps": 30,
        "propagation": {"rays": 512},
    }


@pytest.fixture(scope="module")
def oracle(options, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demos") / "oracle-v0"
    make_demonstrations(
        OracleAgent, "oracle", folder, 5, seed=3, num_envs=2, progress=False, **options
    )
    return folder


def test_minari_finds_the_data_set_by_its_name(oracle, options, monkeypatch):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(oracle.parent))
    found = minari.load_dataset("oracle-v0")
    assert found.total_episodes == 5
    assert found.id == "oracle-v0"
    assert [p.name for p in sorted(oracle.iterdir())] == ["data", "settings.json"]
    report = evaluate(OracleAgent, episodes=5, seed=3, num_envs=2, progress=False, **options)
    episodes = list(found.iterate_episodes())
    for name in ("success", "spl", "num_actions"):
        assert [e.infos["metrics"][name][-1] for e in episodes] == list(report.values(name))
    assert found.total_steps == report.values("num_actions").sum()


def test_episodes_are_what_the_environment_gives_again(oracle):
    found = minari.MinariDataset(oracle / "data")
    env = found.recover_environment()
    described = next(iter(found.storage.get_episode_metadata([1])))
    assert described["seed"] == 4
    kept = found[1]
    assert len(kept.observations["rgb"]) == len(kept.actions) + 1
    assert len(kept.infos["truth"]["source_azimuth"]) == len(kept.actions) + 1
    begun = Episode.from_dict(json.loads(described["options"]["episode"]))
    observation, _ = env.reset(options={"episode": begun})
    for t, action in enumerate(kept.actions):
        for name, value in observation.items():
            np.testing.assert_array_equal(value, kept.observations[name][t], err_msg=name)
        observation, reward, terminated, truncated, _ = env.step(action)
        assert reward == kept.rewards[t]
        assert (terminated, truncated) == (kept.terminations[t], kept.truncations[t])
    assert terminated
    assert isinstance(env.action_space, gym.spaces.Discrete)


def test_an_interrupted_run_goes_on_to_the_same_data(options, tmp_path, monkeypatch):
    small = {**options, "sensors": ["pose", "contact"]}
    whole, stopped = tmp_path / "a" / "random-v0", tmp_path / "b" / "random-v0"
    make_demonstrations(RandomAgent, "random", whole, 4, num_envs=1, progress=False, **small)
    draft_of, written = demonstrations.draft_of, []

    def interrupted(path):
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(path)
        return draft_of(path)

    monkeypatch.setattr(demonstrations, "draft_of", interrupted)
    arguments = RandomAgent, "random", stopped, 4
    with pytest.raises(KeyboardInterrupt):
        make_demonstrations(*arguments, num_envs=3, progress=False, **small)
    monkeypatch.undo()
    assert not (stopped / "data").exists()
    with pytest.raises(ValueError, match="other settings"):
        make_demonstrations(*arguments, seed=1, progress=False, **small)
    make_demonstrations(*arguments, num_envs=2, progress=False, **small)
    one, other = (minari.MinariDataset(folder / "data") for folder in (whole, stopped))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.actions, b.actions)
        np.testing.assert_array_equal(a.observations["pose"], b.observations["pose"])


def test_the_command_line_refuses_what_would_be_lost(options, oracle, tmp_path):
    scene = ["--scene", options["scenes"], "--episodes", "1"]
    done = CliRunner().invoke(data, ["episodes", str(oracle), *scene])
    assert "holds a data set" in str(done.exception)
    done = CliRunner().invoke(data, ["episodes", str(tmp_path / "no name"), *scene])
    assert "such as oracle-v0" in str(done.exception)
    (tmp_path / "small.yaml").write_text(
        f"env: {{sensors: [pose], sounds: phone, scenes: '{options['scenes']}'}}"
    )
    folder = tmp_path / "random-v1"
    config = ["--config", str(tmp_path / "small.yaml"), "--episodes", "2", "--agent", "random"]
    done = CliRunner().invoke(data, ["episodes", str(folder), *config])
    assert done.exit_code == 0, done.output
    assert minari.MinariDataset(folder / "data").total_episodes == 2
