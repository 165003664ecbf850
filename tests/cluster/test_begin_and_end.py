"""Commands that begin a cluster of their own, or find none."""

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from click.testing import CliRunner
from cluster_support import SOON, ray, wait_until

from avenv.cli import main


@pytest.mark.parametrize("address", ["127.0.0.1:9", "nowhere"])
def test_an_address_without_a_cluster_is_named(address, room):
    assert not ray.is_initialized()  # by a test before; then that cluster would be meant
    arguments = ["evaluate", "--agent", "random", "--scene", "room.yaml", "--episodes", "1"]
    done = CliRunner().invoke(main, [*arguments, "--cluster", address, "--out", "out"])
    assert done.exit_code == 1
    assert address in done.output
    done = CliRunner().invoke(main, [*arguments, "--workers", "2"])
    assert "--cluster as well" in done.output


def marked(mark):
    """Return the processes that were begun, by whomever, in a command with a mark."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes()[:80])
        except OSError:
            continue
    return found


def has_lines(journal):
    return journal.exists() and len(journal.read_bytes().splitlines()) > 1


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_ctrl_c_leaves_results_and_no_processes(room):
    options = "\n".join(["scenes: room.yaml", "sounds: phone", "acoustics: anechoic",
                         "sensors: [pose]", "max_episode_steps: 30"])  # fmt: skip
    Path("options.yaml").write_text(options)
    command = ["evaluate", "--agent", "test_cluster:Slow", "--config", "options.yaml",
               "--episodes", "8", "--num-envs", "1", "--out", "out"]  # fmt: skip
    mark, journal = uuid.uuid4().hex, Path("out/episodes.jsonl")
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    process = subprocess.Popen(
        [sys.executable, "-m", "avenv", *command, "--cluster", "local", "--workers", "1"],
        env={**os.environ, "PYTHONPATH": path, "CLUSTER_TEST": mark},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    wait_until(lambda: has_lines(journal) or process.poll() is not None)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=SOON)
    assert process.returncode == 130, said
    assert "from which the same command goes on" in said
    wait_until(lambda: not marked(mark))  # Ray's own notice late that their machine is gone
    assert marked(mark) == []
    before = journal.read_bytes().splitlines()
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    after = journal.read_bytes().splitlines()
    assert 1 < len(before) < len(after) == 9
    assert set(before) < set(after)
