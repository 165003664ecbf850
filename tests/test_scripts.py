"""What people run from a checkout runs: the scripted scenes and the measurement of speed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(script, *arguments, cwd):
    return subprocess.run(
        [sys.executable, ROOT / script, *arguments],
        cwd=cwd,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("script", sorted(p.name for p in (ROOT / "scenes").glob("*.py")))
def test_a_scripted_scene_keeps_its_promises_and_is_saved(script, tmp_path):
    done = run(Path("scenes") / script, "scene.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "scene.yaml").exists()


def test_networks_are_measured(tmp_path):
    pytest.importorskip("torch")
    script = Path("scripts/measure_networks.py")
    done = run(script, "--rows", "1", "--repeats", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    # 396 · 256 + 256, 256 · 256 + 256, and two normalisations of 256 each
    assert "| encoder | `binaural_ears` | 168,448 |" in done.stdout
    assert "| memory | `transformer` |" in done.stdout


def test_learning_is_measured(tmp_path):
    pytest.importorskip("torch")
    numbers = ["--rows", "2", "--steps", "4", "--rollouts", "1", "--epochs", "1", "--bf16"]
    done = run(Path("scripts/measure_learning.py"), *numbers, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    names = ("environment", "acting", "learning", "all")
    lines = dict(zip(names, done.stdout.splitlines()[2:6], strict=True))
    cost = {n: float(line.split("|")[2].replace(",", "")) for n, line in lines.items()}
    assert cost["all"] == pytest.approx(sum(cost[n] for n in names[:3]), abs=2)
    assert "of the learner's on environments that cost nothing" in done.stdout


def test_networks_are_compared_and_what_is_there_is_not_learned_again(tmp_path):
    pytest.importorskip("torch")
    some = ["--only", "no memory", "--jobs", "2"]
    numbers = ["--steps", "512", "--episodes", "3", "--seeds", "1", "--out", "networks"]
    script = Path("scripts/compare_networks.py")
    done = run(script, *numbers, *some, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "512 steps each, 1 seeds, 3 episodes" in done.stdout
    rows = [line.split(" | ")[0] for line in done.stdout.splitlines()[4:]]
    assert rows[1:4] == ["| no memory", "| PPO after it", "| made deaf"]
    again = run(script, *numbers, "--table", cwd=tmp_path)
    assert again.stdout == done.stdout


def test_speed_is_measured(tmp_path):
    page = tmp_path / "speed.md"
    page.write_text("before\n<!-- measured: begin -->\nstale\n<!-- measured: end -->\nafter\n")
    done = run(
        Path("scripts/measure_speed.py"), "--quick", "--json", "speed.json", "--docs", str(page),
        "--sections", "pictures", "--sections", "sound", "--sections", "resets",
        "--sections", "stages", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    measured = json.loads((tmp_path / "speed.json").read_text())
    assert measured["machine"]["cores"] >= 1
    names = [
        row["name"] for part in ("pictures", "sound", "resets") for row in measured[part]["rows"]
    ]
    for words in ("RGB-D 128²", "Embree", "binaural response, caches flushed", "one home, warm"):
        assert any(words in name for name in names), words
    for ratio in measured["sound"]["ratios"]:
        assert 0 < ratio["low"] <= ratio["ratio"] <= ratio["high"]
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| **pyroomacoustics over a binaural response, caches warm** |" in text
    assert "stale" not in text
    assert "| pyroomacoustics over a new binaural response, caches flushed |" in text
    met = {goal["what"]: goal["met"] for goal in measured["goals"]}
    told = next(goal for goal in measured["goals"] if goal["what"] == "a warm reset over a step")
    assert told["goal"] == "≤ 3 ×"
    assert met[told["what"]] is (float(told["measured"].split()[0].replace(",", "")) <= 3)


def test_every_script_says_how_it_is_used_and_touches_nothing(tmp_path):
    def state():
        files = [p for part in ("docs", "scripts", "scenes") for p in (ROOT / part).rglob("*")]
        return {p: p.stat().st_mtime_ns for p in files if p.suffix != ".pyc" and p.is_file()}

    before = state()
    scripts = sorted((ROOT / "scripts").glob("*.py"))
    running = [
        subprocess.Popen([sys.executable, script, "--help"], cwd=tmp_path, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for script in scripts
    ]  # fmt: skip
    for script, process in zip(scripts, running, strict=True):
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        assert out.startswith(f"Usage: {script.name} [OPTIONS]"), script.name
        assert "--help" in out
    assert state() == before
    assert list(tmp_path.iterdir()) == []


def test_a_soak_reports_what_it_sees(tmp_path):
    done = run("scripts/soak.py", "--minutes", "0.03", "--every", "1", "--num-envs", "2",
               "--scenes", "apartment", "--grown", "9", cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for words in ("MiB", "0 not finite", "0 silent", "resets/s", "on average in the second half"):
        assert words in done.stdout
