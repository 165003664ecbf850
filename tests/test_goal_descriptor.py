"""The goal descriptor: what sounded and where, kept in silence; the two stages; instructions."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gymnasium import spaces  # noqa: E402
from support import small_flat  # noqa: E402

from avenv.benchmark import evaluate, find_agent  # noqa: E402
from avenv.scene import CATEGORIES  # noqa: E402
from avenv.simulation.vocabulary import tokens, vocabulary  # noqa: E402
from avenv_agents.checkpoints import load_checkpoint  # noqa: E402
from avenv_agents.config import TrainingConfig  # noqa: E402
from avenv_agents.descriptor import descriptor_losses, set_silence  # noqa: E402
from avenv_agents.encoders import make_encoder  # noqa: E402
from avenv_agents.encoders.ear import SILENT  # noqa: E402
from avenv_agents.encoders.goal import HABITS  # noqa: E402
from avenv_agents.learning import train  # noqa: E402
from avenv_agents.policy import PREVIOUS, Policy, PolicyConfig  # noqa: E402
from avenv_agents.transfer import start_from  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_torch_thread")

SPACE = spaces.Dict(
    binaural=spaces.Box(-5, 5, (396,), np.float32),
    pose=spaces.Box(-np.inf, np.inf, (4,), np.float32),
    contact=spaces.Box(0, 1, (1,), np.float32),
    depth=spaces.Box(0, 10, (64, 64, 1), np.float32),
    instruction=spaces.Box(0, len(vocabulary()), (32,), np.int32),
)


def make_descriptor(seed=0, **options):
    torch.manual_seed(seed)
    sizes = {"hidden": 8, "memory": 4, "width": 16, **options}
    encoder = make_encoder("goal_descriptor", SPACE, **sizes)
    torch.nn.init.normal_(encoder.estimator.heads.weight, std=0.1)
    return encoder


def heard(rows, loud=True, seed=0):
    """Windows (1, rows, 396) of some sound, or of silence."""
    sound = torch.randn(1, rows, 396, generator=torch.Generator().manual_seed(seed))
    return sound.clamp(min=-1) if loud else sound.clamp(max=SILENT)


def at(x, y, heading):
    return torch.tensor([[[x, y, heading, 0.0]]])


@torch.no_grad()
def follow(encoder, *steps):
    """Return what each step of one episode comes to, (binaural, pose) each."""
    state, begun, said = torch.zeros(1, encoder.state), torch.ones(1, 1, dtype=torch.bool), []
    for binaural, pose in steps:
        now = encoder.describe({"binaural": binaural, "pose": pose}, state, begun)
        state, begun = now.state, torch.zeros_like(begun)
        said.append(now)
    return said


def test_in_silence_the_body_carries_the_goal_along_and_nothing_else_changes():
    quiet = heard(1, loud=False)
    before, after = follow(
        make_descriptor(),
        (heard(1), at(0, 0, 0)),
        (quiet, at(1.0, 0.5, np.pi / 2)),  # it has walked 1 m ahead and 0.5 m aside, and turned
    )
    x, y = before.goal.place[0, 0].tolist()
    np.testing.assert_allclose(after.goal.place[0, 0], [y - 0.5, -(x - 1.0)], atol=1e-5)
    np.testing.assert_allclose(after.goal.category, before.goal.category, atol=1e-6)
    assert after.goal.spread.item() == pytest.approx(before.goal.spread.item())
    assert after.known.all()
    assert after.audible.item() == 0
    np.testing.assert_allclose(before.goal.place, before.at_once.place, atol=1e-6)


def test_estimates_are_blended_by_how_sure_they_are():
    encoder = make_descriptor()
    here = at(0, 0, 0)
    first, second = follow(encoder, (heard(1, seed=1), here), (heard(1, seed=2), here))
    one, other = (1 / s.at_once.spread.item() ** 2 for s in (first, second))
    share = other / (0.5 * one + other)  # half of what was believed stays
    expected = (1 - share) * first.at_once.place + share * second.at_once.place
    np.testing.assert_allclose(second.goal.place, expected, atol=1e-5)


def test_nothing_is_known_before_anything_was_heard():
    encoder = make_descriptor()
    with torch.no_grad():
        features = encoder({"binaural": heard(3, loud=False)[0], "pose": torch.zeros(3, 4)})
    assert (features[:, encoder.belief.features :] == 0).all()


@pytest.mark.parametrize("silence", HABITS)
def test_what_becomes_of_it_in_silence_can_be_chosen(silence):
    encoder = make_descriptor(silence=silence)
    state, begun = torch.zeros(1, encoder.state), torch.tensor([[True], [False], [False]])
    quiet = heard(1, loud=False)
    seen = {"binaural": torch.cat([heard(1), quiet, heard(1, seed=5)]),
            "pose": at(0, 0, 0).expand(3, 1, 4)}  # fmt: skip
    with torch.no_grad():
        features, _ = encoder.unroll(seen, state, begun)
    told = (features[:, 0, encoder.belief.features :] != 0).any(1).tolist()
    expected = {"kept": [True] * 3, "forgotten": [True, False, True], "withheld": [False] * 3}
    assert told == expected[silence]


def test_other_habits_are_refused():
    with pytest.raises(ValueError, match=r"silence is 'kep'; accepted: .*'kept'"):
        make_descriptor(silence="kep")


def test_steps_one_by_one_give_what_a_sequence_gives_and_episodes_are_apart():
    encoder = make_descriptor()
    random = torch.Generator().manual_seed(3)
    seen = {"binaural": torch.randn(6, 3, 396, generator=random),
            "pose": torch.randn(6, 3, 4, generator=random)}  # fmt: skip
    seen["binaural"][2:4] -= 9  # silence
    begun = torch.zeros(6, 3, dtype=torch.bool)
    begun[0] = begun[3, 1] = True
    state = torch.zeros(3, encoder.state)
    with torch.no_grad():
        whole, after = encoder.unroll(seen, state, begun)
        for t in range(6):
            now = {name: value[t : t + 1] for name, value in seen.items()}
            one, state = encoder.unroll(now, state, begun[t : t + 1])
            np.testing.assert_allclose(one[0], whole[t], atol=1e-5)
    np.testing.assert_allclose(state, after, atol=1e-5)
    assert (whole[3, 1, encoder.belief.features :] == 0).all()  # it began in silence
    assert (whole[3, 0, encoder.belief.features :] != 0).any()


def test_it_learns_what_sounds_and_where():
    """Of windows that tell both by plain formulas, and of silence afterwards."""
    encoder = make_descriptor(width=64)
    encoder.belief.requires_grad_(False)
    random = torch.Generator().manual_seed(0)
    steps, rows = 6, 64
    begun = torch.zeros(steps, rows, dtype=torch.bool)
    begun[0] = True
    optimizer = torch.optim.Adam(encoder.estimator.parameters(), 0.01)
    said = {}
    for _ in range(160):
        category = torch.randint(3, (rows,), generator=random)
        goal = 4 * torch.rand(rows, 2, generator=random) - 2
        vectors = torch.zeros(steps, rows, 396)
        vectors[..., :24] = SILENT
        vectors[:3, torch.arange(rows), category] = 1.0
        vectors[:3, :, 100:102] = goal
        pose = torch.zeros(steps, rows, 4)
        pose[3:, :, 0] = 1.0  # it walks a metre in silence
        truth = goal.expand(steps, rows, 2).clone()
        truth[3:, :, 0] -= 1.0
        batch = {
            "binaural": vectors,
            "pose": pose,
            "begun": begun,
            "played": torch.ones_like(begun),
            "goal": truth,
            "category": category.expand(steps, rows),
        }
        said = descriptor_losses(encoder, torch.zeros(rows, encoder.state), batch)
        optimizer.zero_grad()
        said["loss"].backward()
        optimizer.step()
    assert said["category_right"] > 0.9  # who guesses is right a third of the time
    assert said["place_error"] < 0.75  # who guesses the middle errs by 1.5
    assert said["silent_place_error"] < 0.75


# -- instructions ----------------------------------------------------------------------------------


def read(*instructions, encoder=None):
    torch.manual_seed(0)
    encoder = encoder or make_encoder("instruction", SPACE)
    return encoder({"instruction": torch.from_numpy(np.stack([tokens(s) for s in instructions]))})


def test_an_instruction_is_its_words_in_their_order():
    with torch.no_grad():
        one, same, other, none = read("Find the phone.", "find the phone", "Phone the find.", "")
    assert torch.equal(one, same)
    assert not torch.allclose(one, other, atol=1e-3)
    assert (none == 0).all()


def test_what_an_instruction_names_can_be_learned():
    torch.manual_seed(0)
    encoder = make_encoder("instruction", SPACE, features=16, words=16)
    head = torch.nn.Linear(16, 8)
    named = [name for name in CATEGORIES[6:] if "_" not in name][:8]
    optimizer = torch.optim.Adam([*encoder.parameters(), *head.parameters()], 0.02)
    for _ in range(60):
        logits = head(read(*(f"Find the {name}." for name in named), encoder=encoder))
        loss = torch.nn.functional.cross_entropy(logits, torch.arange(8))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert logits.argmax(1).tolist() == list(range(8))


# -- training --------------------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path):
    scene = tmp_path / "flat.yaml"
    small_flat().save(scene)
    env = {"task": "SemanticAudioGoal", "scenes": str(scene), "distractor": True,
           "sensors": ["binaural", "pose", "instruction"], "window": 0.5,
           "max_episode_steps": 20, "propagation": {"rays": 256}}  # fmt: skip
    encoders = {"goal_descriptor": {"hidden": 8, "memory": 4, "width": 8},
                "instruction": {"features": 8}, "pose": None, PREVIOUS: None}  # fmt: skip
    return TrainingConfig(
        env, 3, 96, 1, checkpoint_every=48, method="dagger",
        policy={"encoders": encoders, "features": 8, "memory_options": {"features": 8}},
        descriptor={"share": 0.5, "rollout_steps": 16, "batches": 2, "sequences": 4},
        dagger={"rollout_steps": 16, "batches": 2, "sequences": 4},
    )  # fmt: skip


@pytest.mark.parametrize("method", ["dagger", "ppo"])
def test_first_the_descriptor_learns_and_then_everything_else(config, tmp_path, method):
    more = {"ppo": {"rollout_steps": 16, "minibatches": 1}} if method == "ppo" else {}
    run, folder = replace(config, method=method, **more), tmp_path / "run"
    train(run, folder, progress=False)
    files = sorted(folder.glob("step-*.pt"))
    assert [file.stem for file in files] == ["step-000000000", "step-000000048", "step-000000096"]
    start, between, end = (load_checkpoint(file).state_dict() for file in files)

    def changed(one, other):
        names = {name for name in one if not torch.equal(one[name], other[name])}
        return {".".join(name.split(".")[:2]) for name in names}

    assert changed(start, between) == {"encoders.goal_descriptor"}
    after = changed(between, end)
    assert {"encoders.instruction", "actor.weight", "fusion.layers"} <= after
    assert "encoders.goal_descriptor" not in after
    # It goes on in the stage in which it was.
    whole = train(replace(run, total_steps=144), folder, resume=True, progress=False).state_dict()
    assert "encoders.goal_descriptor" not in changed(end, whole)
    text = (folder / "progress.csv").read_text()
    assert "category_right" in text

    agent = find_agent(str(folder))
    options = {**config.env, "max_episode_steps": 5}
    played = [evaluate(one, episodes=2, progress=False, **options).episodes
              for one in (agent, agent.configured({"silence": "withheld"}))]  # fmt: skip
    assert all(len(episodes) == 2 for episodes in played)
    assert agent.fingerprint != agent.configured({"silence": "withheld"}).fingerprint
    with pytest.raises(ValueError, match=r"takes no silense; accepted: silence"):
        agent.configured({"silense": "withheld"})


def test_without_a_first_stage_the_descriptor_stays_as_it_began(config, tmp_path):
    folder, short = tmp_path / "run", replace(config, descriptor={}, total_steps=48)
    with pytest.raises(ValueError, match=r"has goal_descriptor, which nothing would teach"):
        train(short, folder, progress=False)
    begun = tmp_path / "begun"
    train(replace(config, total_steps=16), begun, progress=False)
    end = train(replace(short, start_from=str(begun)), folder, progress=False)
    before, after = load_checkpoint(folder / "step-000000000.pt").state_dict(), end.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert any(name.startswith("encoders.instruction") for name in changed)
    assert not any(name.startswith("encoders.goal_descriptor") for name in changed)


def test_a_first_stage_needs_a_descriptor(config, tmp_path):
    parts = {**config.policy, "encoders": {"pose": None, PREVIOUS: None}}
    with pytest.raises(ValueError, match=r"descriptor is given; policy.encoders lacks"):
        train(replace(config, policy=parts), tmp_path / "run", progress=False)
    for bad, message in (
        ({"share": 1.0}, r"descriptor.share is 1.0"),
        ({"led": 2.0}, r"descriptor.led is 2.0"),
        ({"bathces": 3}, r"descriptor.bathces: there is no such option.*'batches'"),
    ):
        with pytest.raises(ValueError, match=message):
            train(replace(config, descriptor=bad), tmp_path / "run", progress=False)
    policy = Policy(SPACE, spaces.Discrete(4), PolicyConfig(**parts))
    with pytest.raises(ValueError, match="the policy has pose, previous_action only"):
        set_silence(policy, "kept")


def test_a_policy_begins_by_doing_what_the_one_did_whose_weights_it_takes():
    known = {
        "binaural_ears": {"features": 128},
        "eyes": {},
        "pose": {},
        "contact": {},
        PREVIOUS: {},
    }
    sizes = {"features": 512, "memory_options": {"features": 512}}
    other = load_checkpoint(find_homes())
    parts = {"goal_descriptor": {"weights": "homes"}, **known, "instruction": {}}
    policy = Policy(SPACE, spaces.Discrete(4), PolicyConfig(encoders=parts, **sizes)).eval()
    start_from(policy, "homes")
    SPACE.seed(0)
    rows = [SPACE.sample() for _ in range(2)]
    seen = {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in SPACE}
    seen["pose"] = torch.zeros(2, 4)
    seen[PREVIOUS], begun = torch.tensor([1, 2]), torch.tensor([True, False])
    with torch.no_grad():
        ours, theirs = (p.step(seen, p.initial(2), begun) for p in (policy, other))
    np.testing.assert_allclose(ours[0], theirs[0], atol=1e-4)
    np.testing.assert_allclose(ours[1], theirs[1], atol=1e-4)
    fewer = PolicyConfig(encoders={"pose": {}}, **sizes)
    with pytest.raises(ValueError, match=r"start_from: homes holds another policy .*are not read"):
        start_from(Policy(SPACE, spaces.Discrete(4), fewer), "homes")


def find_homes():
    from avenv_agents.runs import POLICY_FILE
    from avenv_agents.shipped import shipped_folder

    return shipped_folder("homes") / POLICY_FILE
