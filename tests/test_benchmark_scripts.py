"""The benchmark's table is made by one command, and its cost is measured."""

import importlib.util
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from set_support import small_set

SCRIPTS = Path(__file__).parents[1] / "scripts"


def script(name):
    """Return a script as a module."""
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return str(small_set(tmp_path_factory.mktemp("set"), 4))


def test_the_table_stands_in_its_page_and_is_made_on(path, tmp_path, monkeypatch):
    made = script("make_benchmark")
    page = tmp_path / "benchmark.md"
    page.write_text("before\n<!-- table -->\noutdated\n<!-- end of table -->\nafter\n")
    monkeypatch.setattr(made, "PAGE", page)
    arguments = ["--set", path, "--split", "test", "--results", str(tmp_path / "results")]
    arguments += ["--only", "oracle", "--only", "idle"]
    for _ in range(2):  # the second time nothing is left to play
        done = CliRunner().invoke(made.main, arguments)
        assert done.exit_code == 0, done.output
    text = page.read_text()
    assert text.startswith(
        "before\n<!-- table -->\n**small-v1, test**, 4 episodes. † oracle is told"
    )
    assert text.endswith("\n<!-- end of table -->\nafter\n")
    assert "outdated" not in text
    assert re.search(r"\| oracle† \| 1.00 \[0.51, 1.00\]", text)
    assert re.search(r"\| idle +\| 0.00 \[0.00, 0.49\]", text)
    # All four are the oracle's, none is the other's: 2 / 2^4.
    assert "| 0.125 |" in text


def test_an_evaluation_is_measured_beside_bare_stepping(path):
    arguments = ["--set", path, "--split", "test", "--rounds", "1", "--num-envs", "2"]
    done = CliRunner().invoke(script("measure_benchmark").main, arguments)
    assert done.exit_code == 0, done.output
    assert re.search(r"ratio \d+\.\d\d; \d+\.\d\d s an episode", done.output)
