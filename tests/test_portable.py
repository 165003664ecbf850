"""Policies in files that need no torch act as they do with it."""

import os
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from click.testing import CliRunner  # noqa: E402

from avenv.benchmark import evaluate, options_of  # noqa: E402
from avenv.envs import BatchEnv  # noqa: E402
from avenv.scene import SceneBuilder  # noqa: E402
from avenv_agents.agent import RecurrentAgent  # noqa: E402
from avenv_agents.checkpoints import save_checkpoint  # noqa: E402
from avenv_agents.config import TrainingConfig  # noqa: E402
from avenv_agents.decision import DECISIONS  # noqa: E402
from avenv_agents.export_cli import export  # noqa: E402
from avenv_agents.policy import Policy, PolicyConfig  # noqa: E402
from avenv_agents.portable import find_portable, save_portable  # noqa: E402
from avenv_agents.weights import load_weights, save_weights  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_torch_thread")


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    builder = SceneBuilder("studio")
    builder.room("studio", size=(6, 4))
    path = tmp_path_factory.mktemp("scene") / "studio.yaml"
    builder.build().save(path)
    return {
        "scenes": str(path),
        "sounds": "phone",
        "sensors": ["depth", "binaural", "pose"],
        "image_size": [40, 36],
        "max_episode_steps": 15,
    }


def policy_for(options, **config):
    torch.manual_seed(0)
    envs = BatchEnv(num_envs=1, **options)
    encoders = {"eyes": {"features": 16}, "belief_ears": {"hidden": 16, "memory": 8},
                "pose": {}, "previous_action": {}}  # fmt: skip
    config = {"encoders": encoders, "features": 16, "memory_options": {"features": 8}, **config}
    policy = Policy(envs.single_observation_space, envs.single_action_space, PolicyConfig(**config))
    torch.nn.init.normal_(policy.actor.weight)
    return policy.eval()


@pytest.mark.parametrize("decision", DECISIONS)
def test_a_portable_policy_does_what_the_policy_does(options, decision, tmp_path):
    policy, file = policy_for(options, decision=decision), tmp_path / "policy.npz"
    save_portable(file, policy, options)
    portable = find_portable(file)
    assert options_of(portable) == options
    agents = portable, lambda envs: RecurrentAgent(envs, policy)
    one, other = (evaluate(a, episodes=3, num_envs=2, progress=False, **options) for a in agents)
    assert one.episodes == other.episodes
    assert np.mean(one.values("num_actions")) > 3  # it did something


def test_a_run_is_exported_from_the_command_line(options, tmp_path):
    run, file = tmp_path / "run", tmp_path / "policy.npz"
    run.mkdir()
    save_checkpoint(run / "policy.pt", policy_for(options))
    (run / "config.yaml").write_text(TrainingConfig(options).to_yaml())
    done = CliRunner().invoke(export, [str(run), str(file)])
    assert done.exit_code == 0, done.output
    assert f"wrote {file}, 0." in done.output
    assert find_portable(file).options == options
    cautious = tmp_path / "cautious.npz"
    done = CliRunner().invoke(export, [str(run), str(cautious), "--caution", "2"])
    assert done.exit_code == 0, done.output
    bias = [load_weights(f)[0]["actor.bias"] for f in (file, cautious)]
    np.testing.assert_allclose(bias[1] - bias[0], [-2, 0, 0, 0], atol=1e-6)
    drawing = tmp_path / "drawing.npz"
    done = CliRunner().invoke(export, [str(run), str(drawing), "--decision", "drawn"])
    assert done.exit_code == 0, done.output
    assert [load_weights(f)[1]["decision"] for f in (file, drawing)] == ["resolute", "drawn"]
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "torch.py").write_text("raise ImportError('there is no torch')")
    code = (
        "from avenv.benchmark import evaluate\n"
        "from avenv_agents.portable import PortablePolicy\n"
        f"agent = PortablePolicy({str(file)!r})\n"
        "evaluate(agent, episodes=1, num_envs=1, progress=False, **agent.options)"
    )
    path = os.pathsep.join([str(tmp_path / "without"), *sys.path])
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": path})


def test_what_cannot_travel_or_is_no_policy_is_refused(options, tmp_path):
    file = tmp_path / "policy.npz"
    attentive = policy_for(options, memory="transformer", memory_options={"features": 8})
    with pytest.raises(ValueError, match="memory 'transformer' needs torch"):
        save_portable(file, attentive, options)
    assert not file.exists()
    assert find_portable(tmp_path) is None
    save_portable(file, policy_for(options), options)
    weights, description = load_weights(file)
    save_weights(tmp_path / "old.npz", weights, {**description, "decision": None})
    with pytest.raises(ValueError, match=r"old.npz: is a policy of another release"):
        find_portable(tmp_path / "old.npz")
    agent = find_portable(file)
    for other, words in (
        ({"sensors": ["depth", "pose"]}, "the policy needs .* binaural is missing"),
        ({"image_size": [40, 40]}, r"depth has the shape \(40, 40, 1\)"),
        ({"actions": "continuous"}, r"accepted: the policy's, Discrete\(4\)"),
    ):
        with pytest.raises(ValueError, match=words):
            evaluate(agent, episodes=1, progress=False, **{**options, **other})
