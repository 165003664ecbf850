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
    out = tmp_path / "results"
    arguments = ["--set", path, "--split", "test", "--out", str(out), "--per-cell", "1"]
    for row in ("oracle", "idle"):  # what is there already stands in the table, too
        done = CliRunner().invoke(made.main, [*arguments, "--row", row])
        assert done.exit_code == 0, done.output
    assert re.search(r"s of CPU an episode, .*: for the 4 of test \d+ min", done.output)
    assert sorted(folder.name for folder in (out / "small-v1-test-1-per-cell").iterdir()) == [
        "idle", "oracle",
    ]  # fmt: skip
    written = page.read_text()
    done = CliRunner().invoke(made.main, [*arguments, "--row", "oracle"])  # nothing is left to play
    assert "s of CPU" not in done.output
    text = page.read_text()
    assert text == written
    assert text.startswith(
        "before\n<!-- table -->\n**small-v1, test**, the first 1 of each cell of sounds and homes, "
        "4 of 4 episodes. † oracle is told"
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
    assert re.search(r"ratio \d+\.\d\d \(goal: at most 1.3\)", done.output)
    assert re.search(r"500 episodes: \d+\.\d min of CPU", done.output)


def test_a_row_that_cannot_be_evaluated_does_not_stop_the_others(path, tmp_path, monkeypatch):
    made = script("make_benchmark")
    find = made.find_agent

    def found(name):
        if name == "oracle":
            raise ValueError("it is broken")
        return find(name)

    monkeypatch.setattr(made, "find_agent", found)
    arguments = ["--set", path, "--split", "test", "--out", str(tmp_path), "--no-page"]
    rows = ["--row", "oracle", "--row", "idle"]
    done = CliRunner().invoke(made.main, [*arguments, *rows])
    assert done.exit_code == 1
    assert "Error: not evaluated: small-v1-test/oracle" in done.output
    assert re.search(r"\| idle +\| 0.00 \[0.00, 0.49\]", done.output)
    done = CliRunner().invoke(made.main, [*arguments, "--per-cell", "9"])
    assert "per-cell is 9; test has 1 episodes in its smallest cell" in done.output
    done = CliRunner().invoke(made.main, [*arguments, "--row", "idel"])
    assert "row is 'idel'; accepted: search, oracle" in done.output
