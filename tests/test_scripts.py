"""What people run from a checkout runs: the scripted scenes and the measurement of speed."""

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


def test_speed_is_measured(tmp_path):
    done = run(Path("scripts/measure_speed.py"), "--repeats", "1", "--triangles", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for words in ("RGB-D 128x128", "full step, batch 16", "Embree", "peak memory"):
        assert words in done.stdout
