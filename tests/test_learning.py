"""Policies with a memory: how they are rolled out, how they learn, how they are kept."""

import shutil
import signal
import time
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gymnasium import spaces  # noqa: E402
from gymnasium.vector import AutoresetMode  # noqa: E402

from avenv.benchmark import Impaired, evaluate, find_agent  # noqa: E402
from avenv.core.interrupts import Terminated  # noqa: E402
from avenv.envs.vector import BatchEnv  # noqa: E402
from avenv.scene import SceneBuilder  # noqa: E402
from avenv_agents import course, ppo  # noqa: E402
from avenv_agents.checkpoints import load_checkpoint, save_checkpoint  # noqa: E402
from avenv_agents.config import TrainingConfig  # noqa: E402
from avenv_agents.dagger import DaggerConfig, Memory, dagger_losses, discounted  # noqa: E402
from avenv_agents.decision import DECISIONS  # noqa: E402
from avenv_agents.factories import TrainingEnvs, share_of_homes  # noqa: E402
from avenv_agents.learning import train  # noqa: E402
from avenv_agents.policy import PREVIOUS, Policy, PolicyConfig, as_tensors  # noqa: E402
from avenv_agents.rollout import Collector, Guide, Rollout, joined  # noqa: E402
from avenv_agents.workers import STRIDE, Workers  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_torch_thread")

SMALL = {
    "encoders": {"binaural_ears": {"features": 8, "hidden": 8}, "pose": None, PREVIOUS: None},
    "features": 8,
    "memory_options": {"features": 8},
}
LEARNER = {
    "encoders": {
        "binaural_ears": {"features": 64, "hidden": 96},
        "pose": {},
        "contact": {},
        PREVIOUS: {},
    },
    "features": 64,
    "memory_options": {"features": 64},
}


@pytest.fixture(scope="module")
def env(tmp_path_factory):
    builder = SceneBuilder("studio")
    builder.room("studio", size=(6, 5))
    path = tmp_path_factory.mktemp("scene") / "studio.yaml"
    builder.build().save(path)
    return {
        "scenes": str(path),
        "sounds": "fridge",
        "sensors": ["binaural", "pose", "contact"],
        "window": 0.5,
        "max_episode_steps": 60,
        "propagation": {"rays": 1024},
    }


@pytest.fixture
def config(env):
    return TrainingConfig(
        {**env, "max_episode_steps": 5}, 2, 48, 3, checkpoint_every=24, method="ppo", policy=SMALL,
        ppo={"rollout_steps": 12, "epochs": 2, "minibatches": 2, "learning_rate": 0.01},
        validation={"every": 24, "episodes": 2},
    )  # fmt: skip


def make_policy(observation_space=None, seed=0, **options):
    torch.manual_seed(seed)
    space = observation_space or spaces.Dict(
        binaural=spaces.Box(-5, 5, (396,), np.float32),
        pose=spaces.Box(-np.inf, np.inf, (4,), np.float32),
    )
    return Policy(space, spaces.Discrete(4), PolicyConfig(**{**SMALL, **options}))


def make_envs(env, rows=3, **options):
    return BatchEnv(num_envs=rows, autoreset_mode=AutoresetMode.SAME_STEP, **{**env, **options})


def random_sequence(steps, rows, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {
        "binaural": torch.randn(steps, rows, 396, generator=generator),
        "pose": torch.randn(steps, rows, 4, generator=generator),
        PREVIOUS: torch.randint(4, (steps, rows), generator=generator),
    }


BEGUN = torch.tensor([[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 1, 0], [0, 1, 0]], dtype=torch.bool)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"memory": "frames", "memory_options": {"frames": 3}},
        {"memory": "transformer", "memory_options": {"features": 16, "length": 3, "heads": 2}},
        {"encoders": {"belief_ears": {"hidden": 8, "memory": 4}, PREVIOUS: {}}},
    ],
)
def test_sequences_give_what_single_steps_give(options):
    policy, seen = make_policy(**options), random_sequence(5, 3)
    start = memory = torch.rand(policy.initial(3).shape) * (policy.state > 0)
    if options.get("memory") == "transformer":
        start = memory = policy.initial(3)  # its last number is a count
    logits, values = [], []
    for t in range(5):
        now = {name: value[t] for name, value in seen.items()}
        one, value, memory = policy.step(now, memory, BEGUN[t])
        logits.append(one)
        values.append(value)
    whole = policy.unroll(seen, start, BEGUN)
    for one, many in ((logits, whole.logits), (values, whole.value)):
        np.testing.assert_allclose(torch.stack(one).detach(), many.detach(), atol=2e-5)
    np.testing.assert_allclose(memory.detach(), whole.memory.detach(), atol=2e-5)


def test_nothing_is_remembered_across_the_beginning_of_an_episode():
    policy, seen = make_policy(), random_sequence(5, 3)
    other = {name: value.clone() for name, value in seen.items()}
    for name, value in random_sequence(3, 3, seed=1).items():
        other[name][:3] = value
    other[PREVIOUS][3] = (seen[PREVIOUS][3] + 1) % 4  # of the episode before
    memory = policy.initial(3)
    a, b = (policy.unroll(s, memory, BEGUN).logits for s in (seen, other))
    np.testing.assert_array_equal(a[3:, 1].detach(), b[3:, 1].detach())
    assert not torch.equal(a[3:, 0], b[3:, 0])


def test_an_untrained_policy_hardly_stops():
    policy = make_policy()
    logits, _, _ = policy.step(
        {name: value[0] for name, value in random_sequence(1, 3).items()},
        policy.initial(3),
        BEGUN[0],
    )
    # exp(-3) / (exp(-3) + 3), but for the small weights of the actor
    assert logits.softmax(-1)[:, 0].max() < 0.02


def test_rollouts_begin_where_episodes_end(env):
    envs = make_envs(env, max_episode_steps=5)
    policy = make_policy(envs.single_observation_space)
    collector = Collector(envs, policy, seed=2)
    first, second = collector.collect(12), collector.collect(12)
    assert first.begun[0].all()
    ended = np.concatenate([first.ended, second.ended])
    begun = np.concatenate([first.begun, second.begun])
    np.testing.assert_array_equal(begun[1:], ended[:-1])
    # The pose says so too: zero seconds since the start.
    time_since = np.concatenate([r.observation["pose"][..., 3] for r in (first, second)])
    np.testing.assert_array_equal(begun, time_since == 0)
    stopped = np.concatenate([first.action, second.action]) == 0
    bootstrap = np.concatenate([first.bootstrap, second.bootstrap])
    np.testing.assert_array_equal(bootstrap != 0, ended & ~stopped)
    assert (ended & ~stopped).any()
    assert len(first.episodes) == first.ended.sum()


def test_what_was_played_is_what_is_learned_from(env):
    envs = make_envs(env, max_episode_steps=7)
    policy = make_policy(envs.single_observation_space)
    collector = Collector(envs, policy, seed=0)
    collector.collect(3)
    rollout = collector.collect(10)
    seen = as_tensors(rollout.observation, [*policy.reads, PREVIOUS])
    result = policy.unroll(seen, torch.from_numpy(rollout.memory), torch.from_numpy(rollout.begun))
    np.testing.assert_allclose(result.value.detach(), rollout.value, atol=1e-5)
    index = torch.from_numpy(rollout.action)[..., None]
    taken = result.logits.log_softmax(-1).gather(-1, index)[..., 0]
    np.testing.assert_allclose(taken.detach(), rollout.log_probability, atol=1e-5)


def test_the_oracle_helps_as_it_is_told(env):
    envs = make_envs(env, 4)
    policy = make_policy(envs.single_observation_space, stop_bias=30.0)  # it would always stop
    rollout = Collector(envs, policy, seed=0).collect(20, Guide(True, 0.0, 0.5))
    wrong = (rollout.action == 0) & (rollout.expert != 0)
    assert not wrong[:, :2].any()
    assert wrong[:, 2:].all()
    np.testing.assert_array_equal(rollout.action[:, :2], rollout.expert[:, :2])
    assert len(rollout.episodes) == rollout.ended[:, 2:].sum()


def by_hand(**fields):
    none = np.zeros((3, 1), np.float32)
    usual = dict.fromkeys(Rollout._fields, none)
    usual |= {"next_value": np.array([4.0], np.float32), "observation": {}, "episodes": []}
    usual |= {"played": np.ones((3, 1), bool)}
    return Rollout(**{**usual, **fields})


def test_advantages_stop_at_the_end_of_episodes():
    column = lambda *values: np.array(values, np.float32)[:, None]  # noqa: E731
    rollout = by_hand(
        reward=column(1, 2, 3), value=column(10, 20, 30), bootstrap=column(0, 6, 0),
        ended=column(0, 1, 0).astype(bool),
    )  # fmt: skip
    # Errors with discount 0.5: 1 + 10 - 10, 2 + 3 - 20 (truncated), 3 + 2 - 30.
    result = ppo.advantages(rollout, 0.5, 0.5)
    np.testing.assert_allclose(result[:, 0], [1 + 0.25 * -15, -15, -25])
    np.testing.assert_allclose(discounted(rollout, 0.5)[:, 0], [1 + 2.5, 5, 5])


def cut(rollout, steps):
    """Return the beginning of a rollout, of so many steps."""
    fields = rollout._asdict()
    columns = {n: v[:steps] for n, v in fields.items()
               if n not in ("observation", "episodes", "memory", "next_value")}  # fmt: skip
    seen = {name: value[:steps] for name, value in rollout.observation.items()}
    return rollout._replace(observation=seen, **columns)


def test_what_was_not_played_is_not_learned_from(env):
    envs = make_envs(env, max_episode_steps=7)
    policy = make_policy(envs.single_observation_space)
    whole = Collector(envs, policy, seed=0).collect(12, Guide(asked=True))
    short = cut(whole, 8)
    # Beside one of no rows that was played to its end, the last steps of the other are missing.
    empty = whole._replace(
        observation={n: v[:, :0] for n, v in whole.observation.items()},
        memory=whole.memory[:0], next_value=whole.next_value[:0], episodes=[],
        **{n: getattr(whole, n)[:, :0] for n in Rollout._fields
           if n not in ("observation", "memory", "next_value", "episodes")},
    )  # fmt: skip
    padded = joined([empty, short])
    assert padded.begun.shape == (12, 3)
    assert padded.steps == 24
    numbers, own = ppo.PpoConfig(auxiliary=0.1), DaggerConfig(rollout_steps=12)
    batches = [ppo.batch_of(numbers, rollout, "cpu") for rollout in (short, padded)]
    for made in batches:  # garbage where nothing was played changes nothing
        made["returns"][8:] = made["advantage"][8:] = 1e3
    losses = [ppo.ppo_losses(numbers, policy, batch, 0.1, False) for batch in batches]
    losses += [
        dagger_losses(own, policy, batch | {"expert": torch.from_numpy(rollout.expert)})
        for batch, rollout in zip(batches, (short, padded), strict=True)
    ]
    for one, other in (losses[:2], losses[2:]):
        for name in one:
            np.testing.assert_allclose(one[name].detach(), other[name].detach(), rtol=1e-4)


def test_memory_keeps_rollouts_of_any_size(env):
    policy = make_policy((envs := make_envs(env, max_episode_steps=7)).single_observation_space)
    collector = Collector(envs, policy, seed=0)
    rollouts = [collector.collect(6, Guide(asked=True)) for _ in range(4)]
    memory = Memory(kept=2, steps=6, device="cpu", seed=0)
    for rollout in (rollouts[0], joined([rollouts[1], cut(rollouts[2], 4)]), cut(rollouts[3], 3)):
        memory.add(rollout)
    sample = memory.sample(100)
    assert sample["played"].shape == (6, 6)  # two rollouts' rows
    # The oldest went; of the second and third, 3 rows of 3 or 4 steps, and whole ones, are left.
    assert sorted(sample["played"].sum(0).tolist()) == [3, 3, 3, 4, 4, 4]


def test_workers_play_what_one_process_plays(env):
    make = TrainingEnvs(env, 2, 2)
    workers = Workers(make, 2, 7, PolicyConfig(**SMALL))
    try:
        policy = make_policy(workers.spaces[0])
        workers.start(policy, 6)
        played = workers.finish()
    finally:
        workers.close()
    alone = [
        Collector(make(k), policy, 7 + k * STRIDE).collect(6).observation["binaural"]
        for k in range(2)
    ]
    np.testing.assert_array_equal(played.observation["binaural"], np.concatenate(alone, axis=1))


def fails(number):
    raise ZeroDivisionError(f"of worker {number}")


def test_a_worker_that_fails_says_why(env):
    with pytest.raises(ValueError, match=r"^there is no authored scene 'nowhere'"):
        Workers(TrainingEnvs({**env, "scenes": "nowhere"}, 1, 2), 2, 0, PolicyConfig())
    with pytest.raises(RuntimeError, match=r"(?s)worker 0: Traceback.*of worker 0"):
        Workers(fails, 2, 0, PolicyConfig())


def test_each_worker_has_its_own_homes():
    shares = [share_of_homes("homes:train/10-16", k, 3) for k in range(3)]
    assert shares == ["homes:train/10-11", "homes:train/12-13", "homes:train/14-16"]
    assert share_of_homes("apartment", 1, 3) == "apartment"


def test_a_killed_run_goes_on_to_the_same_curve(config, tmp_path, monkeypatch):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    keep = course.Course.keep

    def keep_a_copy(self):
        keep(self)
        if self.steps == 24:  # as a killed run leaves it
            shutil.copytree(self.folder, killed)

    monkeypatch.setattr(course.Course, "keep", keep_a_copy)
    train(config, whole, progress=False)
    monkeypatch.undo()
    train(config, killed, resume=True, progress=False)
    a, b = (load_checkpoint(folder / "policy.pt").state_dict() for folder in (whole, killed))
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)
    lines = [(folder / "progress.csv").read_text().splitlines() for folder in (whole, killed)]
    names = lines[0][0].split(",")
    free = [k for k, name in enumerate(names) if "second" in name]
    tables = [[[v for k, v in enumerate(line.split(",")) if k not in free] for line in x]
              for x in lines]  # fmt: skip
    assert len(tables[0]) == 3
    assert tables[0] == tables[1]


def test_a_run_that_is_stopped_says_what_it_has_saved(config, tmp_path, monkeypatch):
    keep = course.Course.keep

    def keep_and_stop(self):
        keep(self)
        if self.steps:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(course.Course, "keep", keep_and_stop)
    with pytest.raises(Terminated, match=r"policy\.pt has what was learned in 24 steps; --resume"):
        train(config, tmp_path, progress=False)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_the_critic_alone_learns_at_first_of_a_run_that_goes_on_from_another(config, tmp_path):
    ears = {**SMALL["encoders"], "belief_ears": {"weights": "homes"}}  # which are frozen
    taught = replace(config, policy={**SMALL, "encoders": ears}, total_steps=24, validation={})
    train(taught, tmp_path / "taught", progress=False)
    weights = tmp_path / "taught" / "policy.pt"
    more = replace(taught, start_from=str(weights), ppo={**config.ppo, "critic_updates": 1})
    train(more, tmp_path / "more", progress=False)
    before, after = (
        load_checkpoint(f).state_dict() for f in (weights, tmp_path / "more/policy.pt")
    )
    changed = {name.partition(".")[0] for name in before if not before[name].equal(after[name])}
    assert changed == {"critic"}
    weights.unlink()  # to go on, it is not needed
    policy = train(replace(more, total_steps=48), tmp_path / "more", resume=True, progress=False)
    assert not policy.state_dict()["actor.weight"].equal(after["actor.weight"])
    with pytest.raises(ValueError, match=r"start_from: .* holds another policy"):
        train(replace(more, policy=SMALL, start_from=str(tmp_path / "more/policy.pt")),
              tmp_path / "other", progress=False)  # fmt: skip


def test_a_trained_folder_is_an_agent_whatever_the_batch(config, tmp_path):
    train(replace(config, total_steps=24), tmp_path, progress=False)
    agent = find_agent(str(tmp_path))
    for decision in DECISIONS:
        policy = load_checkpoint(tmp_path / "policy.pt")
        object.__setattr__(policy.config, "decision", decision)
        save_checkpoint(tmp_path / "policy.pt", policy)
        a, b = (
            evaluate(agent, episodes=4, num_envs=n, progress=False, **agent.options).values("spl")
            for n in (1, 3)
        )
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match=r"needs .*binaural"):
        evaluate(agent, episodes=1, progress=False, **{**agent.options, "sensors": ["pose"]})


def test_files_that_run_code_are_not_loaded(tmp_path):
    torch.save({"format": 1, "policy": print}, tmp_path / "policy.pt")
    with pytest.raises(ValueError, match="holds no weights"):
        load_checkpoint(tmp_path / "policy.pt")


@pytest.mark.parametrize(
    ("control", "reads"),
    [
        ("deaf", ["depth", "pose"]),
        ("blind", ["binaural", "pose"]),
        ("perfect_ear", ["depth", "pose"]),
    ],
)
def test_a_policy_can_learn_without_a_sense_or_with_the_truth(config, tmp_path, control, reads):
    parts = {**SMALL, "encoders": {"eyes": {"features": 4}, **SMALL["encoders"]}}
    env = {**config.env, "sensors": ["depth", "binaural", "pose"], "image_size": [36, 36]}
    run = replace(config, env=env, policy=parts, control=control, total_steps=24)
    policy = train(run, tmp_path, progress=False)
    assert policy.reads == reads
    agent = find_agent(str(tmp_path))
    assert bool(agent.privilege) == (control == "perfect_ear")
    assert len(evaluate(agent, episodes=2, progress=False, **agent.options).episodes) == 2


def test_perfect_ears_are_told_where_the_source_is(env):
    envs = make_envs(env, max_episode_steps=4)
    parts = {"encoders": {"perfect_ears": {}, "pose": None}}
    rollout = Collector(envs, make_policy(envs.single_observation_space, **parts), 0).collect(6)
    cosine, sine, log_distance = np.moveaxis(rollout.observation["truth"], -1, 0)
    np.testing.assert_allclose(np.arctan2(sine, cosine), rollout.azimuth, atol=1e-5)
    assert (np.exp(log_distance) < np.hypot(6, 5)).all()
    assert rollout.bootstrap[rollout.ended].any()


@pytest.mark.parametrize("method", ["dagger", "ppo"])
def test_half_precision_learns_alike_and_leaves_full_weights(config, tmp_path, method):
    parts = {**SMALL, "encoders": {"belief_ears": {"hidden": 8, "memory": 4}, **SMALL["encoders"]}}
    numbers = {"rollout_steps": 12, "learning_rate": 0.0}
    losses = []
    for bf16 in (False, True):
        run = replace(config, method=method, policy=parts, total_steps=24, validation={},
                      **{method: {**numbers, "bf16": bf16}})  # fmt: skip
        policy = train(run, tmp_path / str(bf16), progress=False)
        assert {p.dtype for p in policy.parameters()} == {torch.float32}
        lines = (tmp_path / str(bf16) / "progress.csv").read_text().splitlines()
        losses.append(dict(zip(*(line.split(",") for line in lines), strict=True))["loss"])
    full, half = map(float, losses)
    assert half == pytest.approx(full, rel=0.02)
    assert half != full


def test_losses_that_are_no_numbers_stop_the_run(config, tmp_path):
    bad = replace(config, ppo={**config.ppo, "learning_rate": 1e30, "entropy": 0.0})
    with pytest.raises(ValueError, match="last good weights"):
        train(replace(bad, total_steps=96, checkpoint_every=96), tmp_path, progress=False)
    weights = load_checkpoint(tmp_path / "policy.pt").state_dict()
    assert all(torch.isfinite(value).all() for value in weights.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "ppoo"}, "method is 'ppoo'.*'ppo'"),
        ({"ppo": {"clipp": 1}}, "ppo.clipp: there is no such option"),
        ({"ppo": {"bf16": 1}}, "ppo.bf16 is 1; accepted: true or false"),
        ({"ppo": {"clip": "wide"}}, "ppo.clip is 'wide'; accepted: a number"),
        ({"policy": {**SMALL, "memory": "gruu"}}, "memory is 'gruu'"),
        ({"policy": {"encoders": {"eyes": {}}}}, "eyes need rgb or depth"),
        ({"minutes": -1}, "minutes is -1"),
        ({"validation": {"every": 0}}, "validation.every is 0"),
        ({"control": "mute"}, "control is 'mute'.*deaf, blind, perfect_ear"),
        ({"control": "blind"}, "control is 'blind'; the policy has binaural_ears, pose"),
    ],
)
def test_bad_configurations_are_refused_and_nothing_written(config, tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        train(replace(config, **change), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_runs_are_not_mixed_up(config, tmp_path):
    train(replace(config, total_steps=24), tmp_path, progress=False)
    with pytest.raises(ValueError, match="holds a run"):
        train(config, tmp_path, progress=False)
    other = replace(config, policy={**SMALL, "features": 16})
    with pytest.raises(ValueError, match="differs in policy"):
        train(other, tmp_path, resume=True, progress=False)


def test_a_policy_learns_to_find_what_it_hears_and_deaf_it_does_not(env, tmp_path):
    run = TrainingConfig(
        env, 16, 30_000, 0, checkpoint_every=30_000, method="dagger", policy=LEARNER,
        dagger={"rollout_steps": 32, "batches": 8, "sequences": 32, "learning_rate": 0.001,
                "auxiliary": 0.3, "value": 0.0},
    )  # fmt: skip
    began = time.process_time()
    train(run, tmp_path, progress=False)
    agent = find_agent(str(tmp_path))
    options = {"episodes": 60, "seed": 1000, "num_envs": 20, "progress": False, **env}
    heard, deaf = (
        evaluate(one, **options).values("success").mean()
        for one in (agent, Impaired(agent, "deaf"))
    )
    spent = time.process_time() - began
    print(f"success {heard:.2f}, deaf {deaf:.2f}; {spent:.0f} s of CPU, evaluations included")
    assert heard >= 0.8
    assert deaf <= 0.3
