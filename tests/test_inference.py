"""What NumPy computes without torch is what torch computes, within 1e-5."""

import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from test_networks import SPACE, observe  # noqa: E402

from avenv_agents import fusion, inference, inference_layers, memory  # noqa: E402
from avenv_agents.encoders import make_encoder  # noqa: E402
from avenv_agents.weights import load_weights, save_weights  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_torch_thread")
ROWS, STEPS = 4, 5


def weights_of(module):
    """Random weights, those that begin as zeros and ones too, as NumPy has them."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.dim() < 2 or not parameter.any():
                parameter += 0.1 * torch.randn_like(parameter)
    return {name: value.numpy() for name, value in module.state_dict().items()}


def begun_now():
    return torch.rand(STEPS, ROWS, generator=torch.Generator().manual_seed(0)) < 0.3


@pytest.mark.parametrize("name", inference.ENCODERS)
def test_an_encoder_has_a_twin(name):
    torch.manual_seed(0)
    encoder = make_encoder(name, SPACE).eval()
    weights = weights_of(encoder)
    seen, begun = observe(STEPS, ROWS), begun_now()
    with torch.no_grad():
        features, state = encoder.unroll(seen, torch.zeros(ROWS, encoder.state), begun)
    kept = np.zeros((ROWS, encoder.state), np.float32)
    for t in range(STEPS):
        now = {n: seen[n][t].numpy() for n in encoder.reads}
        highest = {"depth": 10.0, "rear/depth": 10.0}
        sense = inference.Sense(weights, now, kept, begun[t].numpy(), highest)
        out, kept = inference.ENCODERS[name](sense)
        np.testing.assert_allclose(out, features[t], atol=1e-5, rtol=1e-5)
        assert out.dtype == np.float32
    np.testing.assert_allclose(kept, state, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("sizes", [(5,), (5, 3, 8)])
@pytest.mark.parametrize("name", inference.FUSIONS)
def test_a_fusion_has_a_twin(name, sizes):
    torch.manual_seed(0)
    module = fusion.make_fusion(name, sizes, 16)
    weights = weights_of(module)
    parts = [torch.randn(ROWS, size) for size in sizes]
    with torch.no_grad():
        fused = module(parts)
    out = inference.FUSIONS[name](weights, [x.numpy() for x in parts])
    np.testing.assert_allclose(out, fused, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", inference.MEMORIES)
def test_a_memory_has_a_twin(name):
    torch.manual_seed(0)
    module = memory.make_memory(name, 6)
    weights = weights_of(module)
    x, begun = torch.randn(STEPS, ROWS, 6), begun_now()
    with torch.no_grad():
        y, state = module.unroll(x, torch.zeros(ROWS, module.state), begun)
    kept = np.zeros((ROWS, module.state), np.float32)
    for t in range(STEPS):
        out, kept = inference.MEMORIES[name](weights, x[t].numpy(), kept, begun[t].numpy())
        np.testing.assert_allclose(out, y[t], atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(kept, state, atol=1e-5, rtol=1e-5)


def test_a_policy_has_a_twin():
    torch.manual_seed(0)
    names = ["eyes", "belief_ears", "pose", "previous_action"]
    parts = torch.nn.ModuleDict()
    parts["encoders"] = torch.nn.ModuleDict({name: make_encoder(name, SPACE) for name in names})
    encoders = [parts["encoders"][name] for name in names]
    parts["fusion"] = fusion.make_fusion("concatenation", [e.features for e in encoders], 16)
    parts["memory"] = memory.make_memory("gru", 16, features=8)
    parts["actor"] = torch.nn.Linear(8, 4)
    weights = weights_of(parts.eval())
    states = [*(e.state for e in encoders), parts["memory"].state]
    seen, begun = observe(STEPS, ROWS), begun_now()
    with torch.no_grad():
        known = {**seen, "previous_action": torch.where(begun, 4, seen["previous_action"])}
        features = [e.unroll(known, torch.zeros(ROWS, e.state), begun)[0] for e in encoders]
        fused = parts["fusion"]([x.flatten(0, 1) for x in features]).unflatten(0, (STEPS, ROWS))
        logits = parts["actor"](parts["memory"].unroll(fused, torch.zeros(ROWS, 8), begun)[0])
    forward = inference.PolicyForward(
        weights,
        {"encoders": names, "fusion": "concatenation", "memory": "gru", "states": states,
         "highest": {"depth": 10.0, "rear/depth": 10.0}},
    )  # fmt: skip
    kept = forward.initial(ROWS)
    for t in range(STEPS):
        now = {n: value[t].numpy() for n, value in seen.items()}
        out, kept = forward.step(now, kept, begun[t].numpy())
        np.testing.assert_allclose(out, logits[t], atol=1e-5, rtol=1e-5)


def test_functions_are_as_torch_has_them():
    x = torch.linspace(-90, 90, 361)
    for name, function in (
        ("sigmoid", torch.sigmoid),
        ("softplus", torch.nn.functional.softplus),
        ("relu", torch.relu),
    ):
        ours = getattr(inference_layers, name)(x.numpy())
        np.testing.assert_allclose(ours, function(x), atol=1e-6, err_msg=name)
    rows = torch.randn(3, 7) * 50
    np.testing.assert_allclose(inference_layers.softmax(rows.numpy()), rows.softmax(-1), atol=1e-6)
    log = inference_layers.log_softmax(rows.numpy())
    np.testing.assert_allclose(log, rows.log_softmax(-1), atol=1e-5, rtol=1e-6)


def test_what_has_no_twin_says_that_torch_is_needed():
    with pytest.raises(ValueError, match="memory 'transformer' needs torch; without it: accepted:"):
        inference.twin("memory", "transformer", inference.MEMORIES)


def test_inference_needs_no_torch():
    code = "import sys; sys.modules['torch'] = None; import avenv_agents.inference"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_weights_come_back_with_their_description(tmp_path):
    file = tmp_path / "some.npz"
    save_weights(file, {"a.weight": np.eye(2, dtype=np.float32)}, {"kind": "test"})
    weights, description = load_weights(file)
    assert description == {"kind": "test"}
    np.testing.assert_array_equal(weights["a.weight"], np.eye(2))
    assert [p.name for p in tmp_path.iterdir()] == ["some.npz"]


def test_files_that_hold_no_weights_are_refused_and_run_nothing(tmp_path):
    file = tmp_path / "some.npz"
    with pytest.raises(ValueError, match="does not exist"):
        load_weights(file)
    save_weights(file, {"a": np.zeros(1000)}, {})
    whole = file.read_bytes()
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    np.savez(tmp_path / "objects.npz", a=np.array([print], object), **{"description.json": []})
    (tmp_path / "half.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.npz").write_text("weights")
    for name in ("other", "objects", "half", "text"):
        with pytest.raises(ValueError, match=rf"{name}\.npz holds no weights"):
            load_weights(tmp_path / f"{name}.npz")
