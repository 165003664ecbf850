"""On other kinds of processors agents see, hear and do the same, but for the last bits.

Where observations change, as the changelog then says, renew the pins, those of the kinds of
processors that this one can stand in for among them:

    python tests/test_benchmark_pins.py
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from set_support import small_set
from test_benchmark import Dreamer

from avenv.benchmark import evaluate_set, load_set
from avenv.benchmark.provenance import instructions

PINS = Path(__file__).with_name("pins_benchmark.json")
"""Digests of the actions in 20 episodes, by vector instructions; and what is seen and heard first
in each, once for all of them."""

TOLERANCE = 1e-5

STAND_INS = {
    "x86_64 avx2 fma": {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma",
                        "OPENBLAS_CORETYPE": "Haswell"},
    "x86_64": {"NUMBA_CPU_NAME": "nehalem", "NUMBA_CPU_FEATURES": "+sse4.2",
               "OPENBLAS_CORETYPE": "Nehalem"},
}  # fmt: skip
"""What makes a processor that can do more compute as one of these instructions does."""


class Observer(Dreamer):
    """Notes numbers of what it saw and heard first in each episode, and then acts by it."""

    noticed: dict = {}  # noqa: RUF012

    def __init__(self, envs):
        super().__init__(envs)
        self.seen /= 30  # what it saw before counts as much as what it sees
        self.steps = np.zeros(envs.num_envs, int)

    def reset(self, row, seed):
        super().reset(row, 0)  # seeds know of the scenes' folder, which is another each time
        self.steps[row] = 0
        self.fresh = getattr(self, "fresh", {}) | {row: seed}

    def act(self, observation, info):
        for row, seed in self.fresh.items():
            depth, audio = observation["depth"][row], observation["audio"][row]
            self.noticed[seed] = [*depth.mean((1, 2))[::5].tolist(), *audio.std(1).tolist()]
        self.fresh = {}
        super().act(observation, info)
        self.steps += 1  # each time others of its neurons decide; it never stops
        deciding = self.steps[:, None] % 60 + np.arange(3)
        return 1 + np.take_along_axis(self.memory, deciding, axis=1).argmax(axis=1)


def noted(folder):
    """Return the digest of the actions of 20 episodes, and the numbers of their observations."""
    Observer.noticed = {}
    episodes = load_set(small_set(folder, 20))
    results = evaluate_set(Observer, "it", episodes, "test", progress=False)
    actions = [record["actions"] for record in results.episodes]
    numbers = [Observer.noticed[one.episode.seed] for one in episodes.split("test")]
    return hashlib.sha256(json.dumps(actions).encode()).hexdigest()[:16], numbers


def test_other_machines_see_hear_and_do_the_same(tmp_path):
    pins = json.loads(PINS.read_text())
    digest, numbers = noted(tmp_path)
    np.testing.assert_allclose(numbers, pins["observations"], rtol=TOLERANCE, atol=TOLERANCE)
    if instructions() not in pins["actions"]:
        pytest.skip(
            f"nobody has pinned actions for {instructions()}; what is seen and heard agrees within "
            f"{TOLERANCE}"
        )
    assert digest == pins["actions"][instructions()]


def test_the_instructions_that_kernels_are_compiled_for_are_known(monkeypatch):
    from numba import config

    monkeypatch.setattr(config, "CPU_NAME", "haswell")
    monkeypatch.setattr(config, "CPU_FEATURES", "+avx2,-avx512f,+fma")
    assert instructions().endswith(" avx2 fma")


def renew():
    """Pin what this process sees, hears and does."""
    with tempfile.TemporaryDirectory() as made:
        os.environ["AVENV_CACHE"] = made
        digest, numbers = noted(Path(made))
    pins = json.loads(PINS.read_text()) if PINS.exists() else {"actions": {}, "observations": []}
    known = np.array(pins["observations"])
    same = known.shape == np.shape(numbers) and np.allclose(numbers, known, TOLERANCE, TOLERANCE)
    if not same:  # those of other machines were of other observations
        pins = {"actions": {}, "observations": numbers}
    pins["actions"][instructions()] = digest
    PINS.write_text(json.dumps(pins, indent=1, sort_keys=True) + "\n")
    print(f"{instructions()}: {digest}, observations {'as pinned' if same else 'are new'}")


if __name__ == "__main__":
    renew()
    able = set(instructions().split())
    if not any(name.startswith("NUMBA_CPU_") for name in os.environ):
        for kind, environment in STAND_INS.items():
            if set(kind.split()) < able:
                subprocess.run(
                    [sys.executable, __file__], env={**os.environ, **environment}, check=True
                )
