"""Full steps of this checkout against those of another commit, in turns.

Each round is a process of the one and then of the other, of one thread: CPU time a row and step.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from speed.stopwatch import Timing, ratio

HERE = Path(__file__).parents[2]
BATCH, STEPS = 16, 60

FULL = "rgb,depth,audio,spectrogram"
COMPARED = {
    "full step, RGB-D 128²": ((FULL, 128), (FULL, 128)),
    "depth 64² + binaural, against depth 64² + spectrogram": (
        ("depth,binaural", 64),
        ("depth,spectrogram", 64),
    ),
}
"""Sensors and size of pictures, here and there."""

CHILD = """
import sys, time
import gymnasium as gym, numpy as np
import avenv

sensors, side, batch, steps = sys.argv[1].split(","), *map(int, sys.argv[2:])
envs = gym.make_vec("avenv/AudioGoal-v0", num_envs=batch, scenes="apartment", sounds="phone",
                    sensors=sensors, image_size=(side, side))
envs.reset(seed=0)
rng = np.random.default_rng(0)
courses = rng.choice([1, 2, 3], (steps + 5, batch), p=[0.6, 0.2, 0.2])
for actions in courses[:5]:
    envs.step(actions)
start, passed = time.process_time(), time.perf_counter()
for actions in courses[5:]:
    envs.step(actions)
each = 1e6 / steps / batch
print(each * (time.process_time() - start), each * (time.perf_counter() - passed))
"""


def measure_against(commit: str, rounds: int) -> tuple[list[dict], list[dict]]:
    """Return rows of full steps, here and at another commit, and how many times as fast these are.

    Args:
        commit: what Git calls it, or a folder that it is checked out to.
        rounds: of which the first, in which kernels are compiled, does not count.
    """
    rows, ratios = [], []
    with _checkout(commit) as there:
        for name, (ours, theirs) in COMPARED.items():
            pairs = [[_step(HERE, *ours), _step(there, *theirs)] for _ in range(1 + rounds)][1:]
            times = np.array(pairs)  # (rounds, here and there, CPU and wall)
            timings = {
                who: Timing(times[:, k, 0], times[:, k, 1])
                for k, who in enumerate((f"{name}, batch {BATCH}", f"the same at {commit}"))
            }
            rows += [timing.row(who) for who, timing in timings.items()]
            ratios.append(ratio(f"{name}: {commit} over now", timings, *reversed(timings)))
    return rows, ratios


@contextmanager
def _checkout(commit: str) -> Iterator[Path]:
    """Give the folder of a commit, for a while."""
    if Path(commit).is_dir():
        yield Path(commit).resolve()
        return
    git = ["git", "-C", str(HERE), "worktree"]
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder) / "there"
        subprocess.run([*git, "add", "--quiet", "--detach", there, commit], check=True)
        try:
            yield there
        finally:
            subprocess.run([*git, "remove", "--force", there], check=True)


def _step(checkout: Path, sensors: str, side: int) -> list[float]:
    """Return the microseconds of CPU time and of time per step and row in a fresh process."""
    path = os.pathsep.join([str(checkout), str(checkout / "agents")])
    done = subprocess.run(
        [sys.executable, "-c", CHILD, sensors, str(side), str(BATCH), str(STEPS)],
        env=os.environ | {"PYTHONPATH": path, "AVENV_NUM_THREADS": "1"},
        check=True, capture_output=True, text=True, cwd=checkout,
    )  # fmt: skip
    return list(map(float, done.stdout.split()[-2:]))
