"""The command line as a whole: what it offers, how light it is, how it says what is wrong."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from click.testing import CliRunner

import avenv.cli.commands
from avenv.benchmark import config_names, find_config, read_config, read_results
from avenv.cli import main

ROOT = Path(__file__).parents[1]

HUT = """
name: hut
rooms:
  - {name: room, polygon: [[0, 0], [5, 0], [5, 4], [0, 4]]}
"""

AGENT = """
import numpy as np

class Stops:
    options = {"sensors": ["depth"], "image_size": [32, 32]}

    def __init__(self, envs):
        assert set(envs.single_observation_space) == {"depth"}
        self.rows = envs.num_envs

    def reset(self, row, seed):
        pass

    def act(self, observation, info):
        return np.zeros(self.rows, int)
"""


def run(*arguments):
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


def evaluate(here, *arguments):
    """Return the results of an evaluation in the hut."""
    (here / "hut.yaml").write_text(HUT)
    done = run("evaluate", "--scene", "hut.yaml", "--out", "results", *arguments)
    assert done.exit_code == 0, done.output
    for metric in ("success", "spl", "soft_spl", "sna"):
        assert metric in done.stdout
    return read_results(here / "results")


def test_help_names_the_commands_of_all_packages_and_loads_nothing_heavy():
    code = (
        "import sys; from click.testing import CliRunner; from avenv.cli import main;"
        "print(CliRunner().invoke(main, ['--help']).output);"
        "print([m for m in ('numba', 'torch', 'scipy', 'av') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    named = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")}
    assert {"bake", "demo", "evaluate", "scene", "train", "view"} <= named
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_broken_package_takes_no_other_command_away(monkeypatch):
    broken = EntryPoint("broken", "nowhere_to_be_found:command", "avenv.commands")

    def entries(group, name="broken"):
        return [broken] if name == "broken" else []

    monkeypatch.setattr(avenv.cli.commands, "entry_points", entries)
    assert run("--help").exit_code == 0
    assert "broken" in run("--help").output
    assert run("scene", "--help").exit_code == 0
    done = run("broken", "--fast", "now")
    assert done.exit_code == 1
    assert done.output.startswith("Error: nowhere_to_be_found:command cannot be loaded: No module")


def test_training_says_what_to_install(here, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "avenv_agents.learning", raising=False)
    done = run("train", "apartment")
    assert done.exit_code == 1
    assert done.output.startswith("Error: ")
    assert done.output.endswith('pip install "avenv[agents]"\n')
    assert done.output.count("\n") == 1
    assert list(here.iterdir()) == []


def test_an_agent_in_the_current_folder_is_evaluated_in_what_it_asks_for(here):
    (here / "my_robot.py").write_text(AGENT)
    results = evaluate(here, "--agent", "my_robot:Stops", "--episodes", "2")
    assert results.heading["senses"]["sensors"] == ["depth"]
    assert results.values("num_actions").tolist() == [1, 1]


def test_only_an_agent_named_by_its_module_is_looked_for_in_the_current_folder(here, monkeypatch):
    (here / "soundfile.py").write_text("raise SystemExit('the code of a stranger has run')")
    script = "import sys; sys.path.remove(''); from avenv.cli import main; main()"
    arguments = ("evaluate", "--agent", "oracle", "--episodes", "1", "--sounds", "nowhere.wav")
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=here, capture_output=True, text=True
    )
    assert "nowhere.wav" in done.stderr
    assert "stranger" not in done.stderr


def test_the_environment_of_a_configuration_takes_the_place_of_what_the_agent_asks_for(here):
    (here / "env.yaml").write_text("env:\n  sensors: [depth]\n  image_size: [16, 24]\n")
    arguments = ("--agent", "random", "--episodes", "1", "--sounds", "phone")
    heading = evaluate(here, *arguments, "--config", "env.yaml").heading
    assert heading["senses"]["image_size"] == [16, 24]
    assert heading["rules"]["sounds"] == "phone"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("evaluate", "--agent", "folower"), "did you mean 'follower'?"),
        (("evaluate", "--agent", "zzz"), "known are: apartment, "),
        (("evaluate", "--agent", "."), "holds no trained policy"),
        (("evaluate", "--agent", "nowhere:Robot"), "No module named 'nowhere'"),
        (("evaluate", "--agent", "oracle", "--set", "audiogaol-v1"), "did you mean 'audiogoal-v1'"),
        (("evaluate", "--agent", "oracle", "--set", "x", "--sounds", "y"), "accepted: --set alone"),
        (("evaluate", "--agent", "oracle", "--shard", "0/3"), "shard is '0/3'"),
        (("evaluate", "--agent", "oracle", "--config", "apartmen"), "did you mean 'apartment'?"),
        (("train", "apartmen"), "did you mean 'apartment'?"),
        (("train", "zzz"), "known are: apartment"),
        (("train", "zzz.yaml"), "zzz.yaml: there is no such file"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(here, arguments, words):
    done = run(*arguments)
    assert done.exit_code == 1
    assert done.output.startswith("Error: ")
    assert done.output.count("\n") == 1
    assert words in done.output
    assert list(here.iterdir()) == []


def test_configurations_are_found_by_name_and_by_file(tmp_path):
    files = sorted((ROOT / "configs" / "train").glob("*.yaml"))
    assert config_names("train") == tuple(path.stem for path in files)
    assert read_config(find_config("train", "apartment")) == read_config(files[0])
    (tmp_path / "mine.yaml").write_text("rate: 3e-4\n")
    assert read_config(find_config("train", tmp_path / "mine.yaml")) == {"rate": 3e-4}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a\n", "accepted: a mapping"),
        ("3: a\n", "accepted: a mapping from names"),
        ("a: 1\nb: [1\n", "line 3, column 1: is not valid YAML"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(tmp_path, text, words):
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(ValueError, match=f"x.yaml: .*{words}"):
        read_config(tmp_path / "x.yaml")
