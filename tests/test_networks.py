"""The parts of policies: encoders, fusion, memory; the ear's histograms and its belief."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gymnasium import spaces  # noqa: E402

from avenv_agents.encoders import ENCODERS, make_encoder  # noqa: E402
from avenv_agents.encoders.ear import (  # noqa: E402
    DIRECTIONS,
    STEP,
    Belief,
    azimuth_of,
    histogram_of,
    turned,
)
from avenv_agents.fusion import FUSIONS, make_fusion  # noqa: E402
from avenv_agents.memory import MEMORIES, make_memory  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_torch_thread")

SPACE = spaces.Dict(
    {
        "rgb": spaces.Box(0, 255, (48, 40, 3), np.uint8),
        "depth": spaces.Box(0, 10, (48, 40, 1), np.float32),
        "rear/depth": spaces.Box(0, 10, (40, 36, 1), np.float32),
        "spectrogram": spaces.Box(0, 6, (65, 26, 2), np.float32),
        "binaural": spaces.Box(-5, 5, (396,), np.float32),
        "pose": spaces.Box(-100, 100, (4,), np.float32),
        "contact": spaces.Box(0, 1, (1,), np.float32),
        "geometric_map": spaces.Box(0, 1, (60, 60, 2), np.uint8),
        "acoustic_map": spaces.Box(0, 6, (20, 20, 1), np.float32),
        "truth": spaces.Box(-3, 3, (3,), np.float32),
        "previous_action": spaces.Discrete(5),
        "instruction": spaces.Box(0, 361, (32,), np.int32),
    }
)


def observe(*shape, seed=0):
    SPACE.seed(seed)
    rows = [SPACE.sample() for _ in range(int(np.prod(shape)))]
    return {
        name: torch.from_numpy(np.array([row[name] for row in rows])).unflatten(0, shape)
        for name in SPACE.spaces
    }


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_returns_what_it_promises_of_every_observation_it_reads(name):
    torch.manual_seed(0)
    encoder = make_encoder(name, SPACE).eval()
    seen, other = observe(3, seed=1), observe(3, seed=2)
    features = encoder(seen)
    assert features.shape == (3, encoder.features)
    assert features.dtype == torch.float32
    only = {read: seen[read] for read in encoder.reads}
    assert torch.equal(encoder(only), features)
    for read in encoder.reads:
        assert not torch.equal(encoder({**only, read: other[read]}), features), read


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_says_what_it_misses(name):
    with pytest.raises(ValueError, match=r"observations are \['audio'\]"):
        make_encoder(name, spaces.Dict(audio=spaces.Box(-1, 1, (2, 16000))))


def test_unknown_names_and_options_are_refused_by_name():
    with pytest.raises(ValueError, match=r"encoder is 'eye'; accepted: .*did you mean 'eyes'"):
        make_encoder("eye", SPACE)
    with pytest.raises(ValueError, match=r"encoder 'eyes'.*colour"):
        make_encoder("eyes", SPACE, colour=True)
    with pytest.raises(ValueError, match=r"fusion is 'flim'.*'film'"):
        make_fusion("flim", [3])
    with pytest.raises(ValueError, match="nothing to fuse"):
        make_fusion("film", [])
    with pytest.raises(ValueError, match=r"memory is 'lstm'; accepted: none, frames, gru"):
        make_memory("lstm", 3)
    with pytest.raises(ValueError, match=r"memory 'gru'.*length"):
        make_memory("gru", 3, length=2)


@pytest.mark.parametrize("name", ["eyes", "residual_eyes"])
def test_pictures_look_the_same_in_bytes_and_shares_of_one_channels_first_or_last(name):
    pictures = observe(2)
    shares = {**pictures, "rgb": pictures["rgb"].permute(0, 3, 1, 2) / 255}
    first = spaces.Dict({**SPACE.spaces, "rgb": spaces.Box(0, 255, (3, 48, 40), np.uint8)})
    features = []
    for space, seen in ((SPACE, pictures), (first, shares)):
        torch.manual_seed(0)
        features.append(make_encoder(name, space)(seen))
    torch.testing.assert_close(*features)


@pytest.mark.parametrize("sizes", [(5,), (5, 3, 8)])
@pytest.mark.parametrize("name", FUSIONS)
def test_every_part_reaches_the_fusion_and_has_a_gradient(name, sizes):
    torch.manual_seed(0)
    fusion = make_fusion(name, sizes, 16)
    parts = [torch.randn(4, size, requires_grad=True) for size in sizes]
    fused = fusion(parts)
    assert fused.shape == (4, fusion.features)
    assert fusion.features == (sum(sizes) if name == "side_by_side" else 16)
    (fused * torch.randn(fusion.features)).sum().backward()
    assert all(part.grad.abs().sum() > 0 for part in parts)


@pytest.mark.parametrize(
    ("name", "options"),
    [("none", {}), ("frames", {"frames": 3}), ("gru", {"features": 8}),
     ("transformer", {"features": 8, "length": 4, "heads": 2})],
)  # fmt: skip
def test_steps_one_by_one_are_steps_at_once_and_episodes_do_not_leak(name, options):
    torch.manual_seed(0)
    memory = make_memory(name, 6, **options)
    steps, rows = 12, 5
    x = torch.randn(steps, rows, 6)
    begun = torch.rand(steps, rows) < 0.2
    begun[0, :2] = True
    state = torch.zeros(rows, memory.state)
    _, state = memory.unroll(torch.randn(7, rows, 6), state, torch.zeros(7, rows) > 0)
    at_once, last = memory.unroll(x, state, begun)
    assert at_once.shape == (steps, rows, memory.features)
    one_by_one, kept = [], state
    for t in range(steps):
        y, kept = memory.unroll(x[t : t + 1], kept, begun[t : t + 1])
        one_by_one.append(y)
    torch.testing.assert_close(torch.cat(one_by_one), at_once, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(kept, last, rtol=1e-5, atol=1e-6)
    fresh = memory.unroll(x, torch.zeros_like(state), begun)[0]
    torch.testing.assert_close(fresh[:, :2], at_once[:, :2])  # begun at once: no past
    if name != "none":
        assert not torch.allclose(fresh[0, 2:], at_once[0, 2:])


def test_frames_are_the_last_inputs_of_the_episode():
    memory = make_memory("frames", 1, frames=3)
    x = torch.arange(1.0, 6)[:, None, None]
    begun = torch.tensor([True, False, False, True, False])[:, None]
    frames, state = memory.unroll(x, torch.zeros(1, memory.state), begun)
    assert frames[:, 0].tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [0, 0, 4], [0, 4, 5]]
    assert state.tolist() == [[4, 5]]


def test_scene_memory_attends_to_as_many_steps_as_it_has():
    torch.manual_seed(0)
    memory = make_memory("transformer", 3, features=8, length=4, heads=2)
    x = torch.randn(9, 1, 3)
    begun = (torch.arange(9) == 0)[:, None]
    before = memory.unroll(x, torch.zeros(1, memory.state), begun)[0][8]
    for changed, matters in ((4, False), (5, True), (8, True)):
        other = x.clone()
        other[changed] += 1
        after = memory.unroll(other, torch.zeros(1, memory.state), begun)[0][8]
        assert torch.allclose(before, after) != matters, changed


def test_all_memories_are_known():
    assert set(MEMORIES) == {"none", "frames", "gru", "transformer"}


# -- the ear ---------------------------------------------------------------------------------------


def test_a_histogram_tells_its_azimuth():
    azimuth = torch.linspace(-3.14, 3.14, 101)
    histogram = histogram_of(azimuth)
    torch.testing.assert_close(histogram.sum(-1), torch.ones(101))
    error = azimuth_of(histogram.log()) - azimuth
    error = (error + torch.pi) % (2 * torch.pi) - torch.pi
    assert error.abs().max() < np.deg2rad(0.5)


def test_histograms_turn_by_whole_directions_and_in_between():
    histogram = torch.zeros(DIRECTIONS)
    histogram[0] = 1  # ahead
    left = turned(histogram, torch.tensor(STEP))
    assert left.argmax() == 1
    assert left[1] == pytest.approx(1, abs=1e-5)
    half = turned(histogram, torch.tensor(-STEP / 2))
    assert half[0] == pytest.approx(0.5)
    assert half[-1] == pytest.approx(0.5)
    random = torch.randn(4, DIRECTIONS)
    angle = torch.tensor([1, -3, 7, 24]) * STEP
    torch.testing.assert_close(turned(turned(random, angle), -angle), random, atol=1e-4, rtol=0)


def sound(steps, rows, loud=0.0):
    """Vectors (T, E, D) of a sound that is heard, or with ``loud=-2.5`` of silence."""
    vectors = torch.zeros(steps, rows, 396)
    vectors[..., :24] = loud
    return vectors


def belief(seed=0, **sizes):
    torch.manual_seed(seed)
    return Belief(396, 16, 8, **sizes).eval()


def test_a_belief_turns_with_the_body_and_silence_changes_nothing():
    ear = belief()
    heading = torch.tensor([0.0, 1.0, 2.0, 5.0]) * STEP
    pose = torch.zeros(4, 1, 4)
    pose[:, 0, 2] = heading
    vectors = sound(4, 1)
    vectors[0, 0, 24:] = torch.randn(372)
    vectors[1:] = sound(3, 1, -2.5)
    begun = (torch.arange(4) == 0)[:, None]
    believed, _, _ = ear.unroll(vectors, pose, torch.zeros(1, ear.state), begun)
    for t in range(1, 4):  # to the right of where it was, for the body has turned to the left
        expected = turned(believed.source[0, 0], -heading[t])
        torch.testing.assert_close(believed.source[t, 0], expected, atol=2e-3, rtol=0)


def test_being_near_is_the_mean_of_what_was_heard_of_it_and_silence_hardly_counts():
    ear = belief()
    vectors = torch.randn(3, 1, 396)
    vectors[..., :24] = torch.tensor([0.0, -2.5, 0.0]).view(3, 1, 1)
    begun = (torch.arange(3) == 0)[:, None]
    still = torch.zeros(3, 1, 4), torch.zeros(1, ear.state)
    believed = ear.unroll(vectors, *still, begun)[0].near[:, 0]
    alone = ear.ear(vectors)[0].near[:, 0]
    torch.testing.assert_close(believed[0], alone[0])
    torch.testing.assert_close(believed[1], (1.01 * alone[0] + 0.01 * alone[1]) / 1.02)
    whole = (1.01 * alone[0] + 0.01 * alone[1] + 1.01 * alone[2]) / 2.03
    torch.testing.assert_close(believed[2], whole)


def test_silence_from_the_beginning_tells_no_direction():
    ear = belief()
    begun = torch.ones(1, 2) > 0
    silent = sound(1, 2, -2.5)
    believed = ear.unroll(silent, torch.zeros(1, 2, 4), torch.zeros(2, ear.state), begun)[0]
    flat = torch.full((1, 2, DIRECTIONS), -np.log(DIRECTIONS), dtype=torch.float32)
    torch.testing.assert_close(believed.source, flat)


def test_a_belief_step_by_step_is_the_belief_at_once_and_begins_anew():
    ear = belief()
    torch.nn.init.normal_(ear.correction.weight)
    steps, rows = 9, 3
    vectors, pose = torch.randn(steps, rows, 396), torch.randn(steps, rows, 4)
    begun = torch.rand(steps, rows) < 0.3
    begun[0] = True
    state = torch.randn(rows, ear.state)
    at_once, features, last = ear.unroll(vectors, pose, state, begun)
    assert features.shape == (steps, rows, ear.features)
    fresh = ear.unroll(vectors, pose, torch.zeros_like(state), begun)[1]
    torch.testing.assert_close(features, fresh)
    kept = state
    for t in range(steps):
        one, _, kept = ear.unroll(vectors[t, None], pose[t, None], kept, begun[t, None])
        torch.testing.assert_close(one.source[0], at_once.source[t], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(kept, last, rtol=1e-4, atol=1e-4)


def test_the_belief_of_a_body_that_only_turns_is_the_sum_of_what_it_heard():
    ear = belief()
    torch.nn.init.normal_(ear.ear.weights.weight)
    vectors = torch.randn(6, 3, 396)
    pose = torch.zeros(6, 3, 4)
    pose[..., 2] = torch.arange(6)[:, None] * STEP
    begun = (torch.arange(6) == 0)[:, None].expand(6, 3)
    believed = ear.unroll(vectors, pose, torch.zeros(3, ear.state), begun)[0]
    heard, hidden = ear.ear(vectors)
    weights, heading = ear.ear.weigh(vectors, hidden), pose[..., 2]
    pairs = (heard.source, believed.source), (heard.leg, believed.leg)
    for k, (alone, together) in enumerate(pairs):
        total = (weights[..., k, None] * turned(alone, heading)).sum(0)
        expected = turned(total, -heading[-1]).log_softmax(-1)
        torch.testing.assert_close(together[-1], expected, rtol=1e-4, atol=1e-3)


def test_what_is_heard_of_the_source_fades_as_the_body_walks():
    ear = belief()
    vectors = sound(2, 1)
    vectors[0, 0, 24:] = torch.randn(372)
    vectors[1] = sound(1, 1, -2.5)
    begun = torch.tensor([[True], [False]])
    spread = []
    for metres in (0.0, 0.25, 2.5):
        pose = torch.zeros(2, 1, 4)
        pose[1, 0, 0] = metres
        source = ear.unroll(vectors, pose, torch.zeros(1, ear.state), begun)[0].source[1, 0]
        spread.append((source - source.mean()).abs().sum().item())
    assert spread[1] / spread[0] == pytest.approx(np.exp(-0.4 * 0.25), abs=2e-3)
    assert spread[2] / spread[0] == pytest.approx(np.exp(-0.4 * 2.5), abs=2e-3)
