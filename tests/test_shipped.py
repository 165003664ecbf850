"""Policies that come with the package: the same with torch and without, agents by their names."""

import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import avenv_agents.shipped
from avenv.benchmark import options_of
from avenv_agents.inference import PolicyForward
from avenv_agents.shipped import find_shipped, shipped_folder, shipped_names, shipped_policy
from avenv_agents.weights import load_weights

ROOT = Path(__file__).parents[1]
CAUTION = {"homes": 2.2}
"""By which the logit of stopping was lowered when they were exported."""


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_policy_says_the_same_without_torch(name):
    torch = pytest.importorskip("torch")
    from avenv_agents.checkpoints import load_checkpoint

    policy = load_checkpoint(shipped_folder(name) / "policy.pt")
    weights, description = load_weights(shipped_folder(name) / "policy.npz")
    forward = PolicyForward(weights, description)
    policy.observation_space.seed(0)
    memory, kept = policy.initial(3), forward.initial(3)
    for step in range(4):
        rows = [policy.observation_space.sample() for _ in range(3)]
        seen = {n: np.nan_to_num(np.stack([row[n] for row in rows])) for n in policy.reads}
        seen["previous_action"] = np.arange(3)
        begun = np.full(3, step == 0)
        tensors = {n: torch.from_numpy(x) for n, x in seen.items()}
        with torch.no_grad():
            logits, _, memory = policy.step(tensors, memory, torch.from_numpy(begun))
        found, kept = forward.step(seen, kept, begun)
        found[:, 0] += CAUTION.get(name, 0.0)
        np.testing.assert_allclose(found, logits, atol=1e-5, rtol=1e-5)
    assert max(f.stat().st_size for f in shipped_folder(name).iterdir()) < 20e6


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_policies_are_agents_by_their_names(name):
    agent = getattr(avenv_agents.shipped, name)
    assert agent == shipped_policy(name)
    assert {"depth", "binaural", "pose"} <= set(options_of(agent)["sensors"])
    assert find_shipped(name) == shipped_folder(name)
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    assert declared["avenv.agents"][name] == f"avenv_agents.shipped:{name}"


def test_what_does_not_ship_is_refused():
    with pytest.raises(ValueError, match=r"nowhere does not exist; accepted: .*apartment, homes"):
        find_shipped("nowhere")


def test_agents_that_ship_need_no_torch():
    code = "import avenv_agents.shipped, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
