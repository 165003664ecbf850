"""The check of tasks finds what is wrong with a task, and writes its table where it belongs."""

from dataclasses import replace

import pytest
from click.testing import CliRunner
from support import two_rooms

from avenv.benchmark import task_check
from avenv.benchmark.task_check import Trial, check_task, write_table
from avenv.cli import main
from avenv.simulation.world import World
from avenv.tasks import TASKS
from avenv.tasks.audiogoal import AudioGoal
from avenv.tasks.registry import Check

WORLD = World(two_rooms())


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    check = Check("a guess", WORLD, {"sounds": "phone"})
    monkeypatch.setitem(TASKS, "AudioGoal", replace(TASKS["AudioGoal"], check=check))


def test_a_sound_task_has_no_problems():
    trial = check_task("AudioGoal", episodes=4, progress=False)
    assert trial.problems == []
    assert trial.scores == {"expert": 1, "random": 0, "nothing": 0}
    # A circle of a metre about a place, or what the walls leave of it, of the floor of two rooms.
    free = WORLD.walkable.swept_area()
    assert 3.15 / 4 / free < trial.chance < 3.15 / free


def test_a_task_that_guessing_solves_is_found_out(monkeypatch):
    monkeypatch.setattr(AudioGoal, "succeeded", lambda self: self._distance > 0)
    monkeypatch.setattr(AudioGoal, "oracle_action", lambda self, row: 2)
    trial = check_task("AudioGoal", episodes=1, progress=False)
    said = "\n".join(trial.problems)
    assert "the expert reaches 0.000, below 0.98" in said
    assert "nothing reaches 1.000" in said


def test_the_classical_agent_must_be_between():
    scores = {"expert": 1.0, "classical": 0.2, "random": 0.0, "nothing": 0.0, "deaf": 0.3}
    problems = Trial("AudioGoal", 9, "success", 0.2, scores).problems
    assert [p.split(":")[1].split(" reaches")[0] for p in problems] == [
        " deaf", " the classical agent"
    ]  # fmt: skip
    assert (
        Trial("AudioGoal", 9, "success", 0.2, scores | {"classical": 0.5, "deaf": 0.2}).problems
        == []
    )


def test_a_table_keeps_the_rows_of_the_other_tasks(tmp_path, monkeypatch):
    path = tmp_path / "tasks.md"
    path.write_text("before\n<!-- check -->\n<!-- end -->\nafter\n")
    monkeypatch.setitem(TASKS, "Other", TASKS["AudioGoal"])
    scores = {"expert": 1.0, "random": 0.0, "nothing": 0.0}
    write_table(path, [Trial("Other", 9, "success", 0.5, scores)])
    write_table(path, [Trial("AudioGoal", 9, "success", 0.1, scores)])
    write_table(path, [Trial("AudioGoal", 9, "success", 0.2, scores)])
    lines = path.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("before", "after")
    assert [line.split(" | ")[::3][:2] for line in lines if "success" in line] == [
        ["| AudioGoal", "0.20"], ["| Other", "0.50"]
    ]  # fmt: skip
    with pytest.raises(ValueError, match="has no table"):
        write_table(__file__.replace("task_check", "readme"), [])


def test_the_commands(tmp_path, monkeypatch):
    listed = CliRunner().invoke(main, ["tasks", "list"])
    assert "AudioGoal" in listed.output
    assert "Find the one thing that sounds." in listed.output
    path = tmp_path / "tasks.md"
    path.write_text("<!-- check --><!-- end -->")
    monkeypatch.setattr(task_check, "EXPERT", 1.01)
    arguments = ["tasks", "check", "AudioGoal", "--episodes", "1", "--docs", str(path)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert "AudioGoal: the expert reaches 1.000, below 1.01" in result.output
    assert "| AudioGoal | 1 | `success`" in path.read_text()
    assert (
        "task is 'AudioGol'; accepted"
        in CliRunner().invoke(main, ["tasks", "check", "AudioGol"]).output
    )
