"""The environments keep Gymnasium's contract, their own metrics and their determinism."""

import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from support import task_options, two_rooms

import avenv
from avenv.core import parallel
from avenv.envs.testing import assert_same
from avenv.envs.vector import BatchEnv
from avenv.simulation.world import World
from avenv.sounds import load_sounds
from avenv.tasks import TASKS, Episode, EpisodeSource, Goal, Reference

SMALL = {"image_size": (32, 32), "sounds": "phone"}
PHONE = load_sounds("phone")[0]


@pytest.fixture(scope="module")
def world():
    return World(two_rooms())


@pytest.fixture
def make(world):
    def make_env(**options):
        return gym.make("avenv/AudioGoal-v0", scenes=world, **{**SMALL, **options})

    return make_env


def batch(world, num_envs, **options):
    return BatchEnv(num_envs=num_envs, scenes=world, **{**SMALL, **options})


def roll(env, steps=12, seed=7):
    """Return all observations, rewards and infos of a fixed course of actions."""
    course = np.random.default_rng(0).integers(1, 4, steps)
    record = [env.reset(seed=seed)]
    record += [env.step(action) for action in course]
    return record


@pytest.mark.parametrize("name", TASKS)
def test_every_registered_task_passes_gymnasiums_checker_without_a_warning(name):
    env = gym.make(f"avenv/{name}-v0", **task_options(name))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped, skip_render_check=True)


@pytest.mark.parametrize("name", TASKS)
def test_stable_baselines3s_checker_accepts_every_task(name):
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    with warnings.catch_warnings():
        # It would rather have every three-dimensional array be an 8-bit picture.
        warnings.filterwarnings("ignore", message=".*image.*", category=UserWarning)
        checker.check_env(gym.make(f"avenv/{name}-v0", **task_options(name)).unwrapped)


def test_the_spaces_are_the_documented_ones(make):
    space = make().observation_space
    assert space["rgb"].shape == (32, 32, 3)
    assert space["depth"].shape == (32, 32, 1)
    assert space["audio"].shape == (2, 16000)
    assert space["spectrogram"].shape == (65, 26, 2)


def test_the_same_seed_gives_the_same_bits_and_another_does_not(make):
    first = roll(make())
    assert_same(first, roll(make()))
    other = roll(make(), seed=8)
    assert not np.array_equal(first[0][0]["rgb"], other[0][0]["rgb"])
    assert not np.array_equal(first[-1][0]["audio"], other[-1][0]["audio"])


def test_two_threads_give_the_same_bits_as_one(world):
    records = []
    for threads in (1, 2):
        parallel.set_num_threads(threads)
        envs = batch(world, 3)
        record = [envs.reset(seed=3)]
        record += [envs.step(np.array([1, 2, 3])) for _ in range(4)]
        records.append(record)
    parallel.set_num_threads(None)
    assert_same(*records)


def test_a_row_of_a_batch_equals_a_single_environment(world, make):
    envs = batch(world, 5)
    course = np.random.default_rng(0).integers(1, 4, 12)
    observations = [envs.reset(seed=4)[0]]
    observations += [envs.step(np.full(5, action))[0] for action in course]
    single = [record[0] for record in roll(make(), seed=7)]
    for together, alone in zip(observations, single, strict=True):
        assert_same({name: value[3] for name, value in together.items()}, alone)


def test_what_is_seen_and_heard_is_not_overwritten_by_the_next_step(make):
    env = make()
    observation, _ = env.reset(seed=0)
    kept = {name: value.copy() for name, value in observation.items()}
    env.step(2)
    assert_same(observation, kept)


def test_rewards_add_up_to_the_distance_gained(make):
    env = make()
    _, info = env.reset(seed=1)
    start, total, count = info["metrics"]["distance_to_goal"], 0.0, 0
    done = False
    while not done:
        _, reward, terminated, truncated, info = env.step(env.unwrapped.oracle_action())
        total, count, done = total + reward, count + 1, terminated or truncated
    metrics = info["metrics"]
    assert metrics["success"] == 1
    assert metrics["num_actions"] == count
    assert total == pytest.approx(start - metrics["distance_to_goal"] + 10 - 0.01 * count)


def episode(source=(3.25, 2.0, 1.0), sound=PHONE, **changes):
    """Start in the left room facing +X, 2.5 m from a source in the same room."""
    world = World(two_rooms())
    playing = EpisodeSource(Reference(sound.name, sound.hash), source)
    plain = {
        "task": "AudioGoal", "scene": Reference(world.reference, world.content_hash),
        "start": (0.75, 2.0), "heading": 0.0, "sources": (playing,), "goals": (Goal(source=0),),
        "geodesic_distance": 2.5, "oracle_actions": 8,
    }  # fmt: skip
    return Episode(**{**plain, **changes})


def test_metrics_of_a_straight_walk_are_those_worked_out_by_hand(make):
    env = make()
    env.reset(seed=0, options={"episode": episode()})
    for action in (2, 3, 1, 1, 1, 1, 1, 1, 1, 1, 0):  # a needless turn and back, 2 m, stop
        _, _, terminated, _, info = env.step(action)
    metrics = info["metrics"]
    assert terminated
    assert metrics["success"] == 1
    assert metrics["path_length"] == pytest.approx(2.0)
    assert metrics["distance_to_goal"] == pytest.approx(0.5, abs=0.05)
    assert metrics["spl"] == pytest.approx(1.0), "the path is no longer than the shortest"
    assert metrics["sna"] == pytest.approx(8 / 11)
    assert metrics["soft_spl"] == pytest.approx(1 - metrics["distance_to_goal"] / 2.5)
    assert metrics["collisions"] == 0


def test_a_stop_too_far_away_ends_the_episode_without_success(make):
    env = make()
    env.reset(seed=0, options={"episode": episode()})
    _, reward, terminated, truncated, info = env.step(0)
    assert terminated
    assert not truncated
    assert reward == pytest.approx(-0.01)
    assert info["metrics"]["success"] == info["metrics"]["spl"] == info["metrics"]["sna"] == 0


def test_a_detour_lowers_spl_in_proportion(make):
    env = make()
    env.reset(seed=0, options={"episode": episode()})
    there_and_back = [1, 1] + [2] * 12 + [1, 1] + [2] * 12 + [1] * 7 + [0]
    for action in there_and_back:
        _, _, _, _, info = env.step(action)
    assert info["metrics"]["path_length"] == pytest.approx(11 * 0.25)
    assert info["metrics"]["spl"] == pytest.approx(2.5 / 2.75)


def test_the_truth_follows_the_head(make):
    env = make()
    _, info = env.reset(seed=0, options={"episode": episode()})
    truth = info["truth"]
    assert truth["source_azimuth"] == pytest.approx(0)
    assert truth["source_elevation"] == pytest.approx(np.arctan2(1.0 - 1.25, 2.5))
    assert truth["source_distance"] == pytest.approx(np.hypot(2.5, 0.25))
    assert truth["source_visible"]
    near = episode(start=(2.75, 2.0), source=(3.25, 2.0, 0.2))
    assert not env.reset(options={"episode": near})[1]["truth"]["source_visible"], "underfoot"
    env.reset(options={"episode": episode()})
    for _ in range(4):
        truth = env.step(2)[4]["truth"]  # a left turn moves the source to the right
    assert truth["source_azimuth"] == pytest.approx(-np.pi / 3)
    assert not truth["source_visible"], "60 degrees is outside a field of view of 90"


def test_a_source_behind_a_wall_is_not_visible(make):
    env = make()
    _, info = env.reset(options={"episode": episode(start=(1.0, 0.5), source=(7.0, 0.5, 1.0))})
    assert abs(info["truth"]["source_azimuth"]) < 1e-9
    assert not info["truth"]["source_visible"]


def test_the_nearer_ear_hears_more(make):
    env = make()
    # Of all frequencies: one tone may well be louder at the other ear.
    shower = load_sounds("shower")[0]
    levels = {}
    for side, y in (("left", 3.4), ("right", 0.6)):
        source = (0.75, y, 1.25)
        observation, _ = env.reset(seed=0, options={"episode": episode(source, shower)})
        levels[side] = np.sqrt((observation["audio"] ** 2).mean(axis=1))
    assert levels["left"][0] > 1.3 * levels["left"][1]
    assert levels["right"][1] > 1.3 * levels["right"][0]


def test_an_episode_is_cut_off_after_max_episode_steps(make, world):
    env = make(max_episode_steps=3)
    assert env.spec.max_episode_steps == 3
    env.reset(seed=0)
    outcomes = [env.step(2)[2:4] for _ in range(3)]
    assert outcomes == [(False, False), (False, False), (False, True)]
    envs = gym.make_vec(
        "avenv/AudioGoal-v0", num_envs=1, max_episode_steps=3, scenes=world, **SMALL
    )
    assert envs.spec.max_episode_steps == 3
    envs.reset(seed=0)
    assert [bool(envs.step([2])[3][0]) for _ in range(3)] == [False, False, True]


def test_episodes_last_500_steps_unless_somebody_says_otherwise(make):
    assert gym.spec("avenv/AudioGoal-v0").max_episode_steps == 500
    env = make(max_episode_steps=1000, sensors="pose", disable_env_checker=True)
    env.reset(seed=0)
    ends = [k for k in range(1000) if env.step(2)[3]]
    assert ends == [999]


def test_next_step_autoreset_is_gymnasiums(world):
    envs = batch(world, 2)
    _, before = envs.reset(seed=0)
    _, _, terminated, _, info = envs.step(np.array([0, 2]))
    assert terminated.tolist() == [True, False]
    assert info["metrics"]["num_actions"].tolist() == [1, 1]
    _, reward, terminated, truncated, info = envs.step(np.array([1, 2]))
    assert reward[0] == 0
    assert not terminated.any()
    assert not truncated.any()
    assert info["metrics"]["num_actions"].tolist() == [0, 2]
    assert info["metrics"]["distance_to_goal"][0] != before["metrics"]["distance_to_goal"][0]


def test_same_step_autoreset_hands_over_the_last_observation(world):
    envs = batch(world, 2, autoreset_mode=gym.vector.AutoresetMode.SAME_STEP)
    envs.reset(seed=0)
    observation, _, terminated, _, info = envs.step(np.array([0, 2]))
    assert terminated.tolist() == [True, False]
    assert info["_final_obs"].tolist() == [True, False]
    assert info["final_info"]["metrics"]["num_actions"][0] == 1
    assert info["metrics"]["num_actions"].tolist() == [0, 1]
    assert info["final_obs"][0]["rgb"].shape == (32, 32, 3)
    assert not np.array_equal(info["final_obs"][0]["rgb"], observation["rgb"][0])


def test_without_autoreset_a_finished_row_must_be_reset(world):
    envs = batch(world, 2, autoreset_mode=gym.vector.AutoresetMode.DISABLED)
    observation, _ = envs.reset(seed=0)
    _, _, done, _, _ = envs.step(np.array([0, 2]))
    with pytest.raises(gym.error.ResetNeeded, match=r"rows \[0\]"):
        envs.step(np.array([1, 1]))
    observation, _ = envs.reset(options={"reset_mask": done})
    after, _, _, _, _ = envs.step(np.array([2, 2]))
    assert not np.array_equal(after["audio"][0], observation["audio"][0])


def test_resetting_one_row_leaves_the_others_alone(world):
    envs = batch(world, 2)
    envs.reset(seed=0)
    before = envs.step(np.array([2, 2]))[0]
    after, _ = envs.reset(options={"reset_mask": np.array([True, False])})
    for name in before:
        np.testing.assert_array_equal(before[name][1], after[name][1])
    assert not np.array_equal(before["audio"][0], after["audio"][0])


def test_make_vec_returns_the_native_batch(world):
    envs = gym.make_vec("avenv/AudioGoal-v0", num_envs=3, scenes=world, **SMALL)
    assert isinstance(envs.unwrapped, BatchEnv)
    observation, info = envs.reset(seed=0)
    assert observation["audio"].shape == (3, 2, 16000)
    assert info["metrics"]["spl"].shape == (3,)
    assert observation in envs.observation_space


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sensors": ("rgb", "smell")}, "smell"),
        ({"sensors": ("rgb", "spectogram")}, "did you mean 'spectrogram'"),
        ({"sensors": ("rgb", "depth", "rgb")}, "sensors has 'rgb' twice"),
        ({"sensors": ("interaural",), "layout": "mono"}, "accepted: a layout with a left"),
        ({"num_envs": 2}, "accepted: gym.make_vec"),
        ({"max_steps": 9}, "did you mean 'max_episode_steps'"),
        ({"max_episode_steps": "a"}, "max_episode_steps is 'a'; accepted: 1 or more"),
        ({"success_radius": [1]}, r"success_radius is \[1\]; accepted: a number"),
        ({"body": {"radius": 9}}, "body.radius is 9; accepted"),
        ({"body": {"width": 1}}, "body is .*width"),
        ({"propagation": {"rays": 0}}, "rays is 0"),
        ({"actions": "continous"}, "did you mean 'continuous'"),
        ({"actuation_noise": {"turn": 2}}, "actuation_noise.turn is 2"),
        ({"microphone_noise": {"self_noise": "loud"}}, "self_noise is 'loud'"),
        ({"pose_noise": 3}, "pose_noise is 3; accepted: a PoseNoise"),
        ({"acoustics": "natvie"}, "acoustics is 'natvie'"),
        ({"sensors": ()}, "one or more"),
        ({"image_size": (0, 64)}, "image_size"),
        ({"hfov": 180.0}, "hfov"),
        ({"step_time": 0.0}, "step_time"),
        ({"step_time": 1e-6}, "a sample"),
        ({"window": 0.1}, "window"),
        ({"layout": "quadrophonic"}, "layout"),
        ({"goals": "nowhere"}, "goals"),
        ({"sounds": "scene"}, "goals='sources'"),
        ({"goals": "sources", "sounds": "scene"}, "sources is empty"),
        ({"success_radius": 0.0}, "success_radius"),
        ({"min_distance": 0.5}, "min_distance"),
        ({"success_radius": 0.1}, "success_radius"),
        ({"turn_angle": 400.0}, "turn_angle"),
        ({"hfov": "90"}, "hfov"),
        ({"image_size": 64}, "image_size"),
        ({"task": "Nope"}, "AudioGoal"),
        ({"scenes": [None]}, "accepted"),
        ({"colour": "red"}, "unknown option colour"),
        ({"render_mode": "hologram"}, "render_mode"),
        ({"scenes": []}, "scenes is empty"),
        ({"scenes": "no_such_scene"}, "no_such_scene"),
        ({"scenes": "home.blend"}, "blend"),
    ],
)
def test_unusable_options_are_named(world, options, message):
    with pytest.raises(ValueError, match=message):
        avenv.envs.env.Env(**{"scenes": world, **SMALL, **options})


@pytest.mark.parametrize("action", [-1, 4, 1.0, [1, 2], np.nan])
def test_unusable_actions_are_refused(make, action):
    env = make(disable_env_checker=True).unwrapped
    env.reset(seed=0)
    with pytest.raises(ValueError, match="0 to 3"):
        env.step(action)


def test_stepping_before_reset_or_after_the_end_is_refused(make):
    env = make(disable_env_checker=True).unwrapped
    with pytest.raises(gym.error.ResetNeeded):
        env.step(1)
    env.reset(seed=0)
    env.step(0)
    with pytest.raises(gym.error.ResetNeeded):
        env.step(0)


def test_the_first_reset_of_a_batch_is_of_all_rows(world):
    envs = batch(world, 2)
    with pytest.raises(ValueError, match="reset_mask"):
        envs.reset(options={"reset_mask": np.array([True, False])})


def test_a_refused_episode_changes_nothing(make):
    env = make()
    env.reset(seed=0, options={"episode": episode()})
    with pytest.raises(ValueError, match="no place to stand"):
        env.reset(options={"episode": episode(start=(1.0, 1.0), source=(4.1, 0.3, 1.0))})
    metrics = env.step(1)[4]["metrics"]
    assert metrics["path_length"] == pytest.approx(0.25)
    assert metrics["distance_to_goal"] == pytest.approx(2.25, abs=0.02)


def test_the_setup_of_an_episode_begins_it_again(make):
    env = make()
    first, info = env.reset(seed=5)
    again, _ = env.reset(options={"episode": info["setup"]})
    assert_same(first, again)


ELSEWHERE = {"name": "test", "hash": "0123456789abcdef"}
HUM = {"name": "hum", "hash": "?"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, r"episode.version is 2; accepted: 1"),
        ({"task": "PointGoal"}, "episode.task is 'PointGoal'; accepted here: 'AudioGoal'"),
        ({"scene": ELSEWHERE}, "has the hash that the episode says, and 'test' cannot be loaded"),
        ({"scene": {**ELSEWHERE, "name": "apartment"}}, "'apartment' has the hash .* and had 0123"),
        ({"geodesic_distance": 0.0}, "geodesic_distance"),
        ({"sources": [{"sound": HUM, "position": [3.25, 2, 1]}]}, "hum"),
        (
            {"sources": [{"sound": {"name": "phone/0", "hash": "0"}, "position": [3.25, 2, 1]}]},
            "'phone/0' has the hash .* and had 0",
        ),
        ({"goals": [{"source": 3}]}, "source is 3; accepted: 0 to 0"),
        ({"goals": [{}]}, "says not where it is"),
        ({"goals": []}, "goals is empty"),
        ({"goals": [{"object": "sofa"}]}, "no object 'sofa'"),
        ({"start": [float("nan"), 1.0]}, "not finite"),
        ({"start": [4.1, 0.3]}, "episode.start"),
        ({"start": "here"}, "episode.start is 'here'; accepted: a list"),
        ({"states": {"sofa": "fallen"}}, "no 'sofa' that has states"),
        ({"events": [{"time": -1, "states": {"a": "b"}}]}, "time is -1.0; accepted: 0"),
        ({"events": [{"time": 1, "states": {"a": "b"}}]}, "no 'a' that has states"),
        ({"events": [{"time": 1, "state": {"a": "b"}}]}, "'state'.*did you mean 'states'"),
        ({"expert": ["forward", "jump"]}, "action 'jump'; accepted: stop, forward"),
        ({"seed": -5}, "seed is -5"),
        ({"sauces": []}, "field 'sauces'; .*did you mean 'sources'"),
    ],
)
def test_an_episode_that_does_not_fit_is_refused(make, change, message):
    with pytest.raises(ValueError, match=message):
        make().reset(options={"episode": {**episode().to_dict(), **change}})


@pytest.mark.parametrize("place", [(4.1, 0.3, 1.0), (40.0, 0.3, 1.0)])
def test_an_episode_whose_goal_nobody_can_reach_is_refused(make, place):
    with pytest.raises(ValueError, match="no place to stand"):
        make().reset(options={"episode": episode(source=place)})


def test_an_episode_with_a_missing_field_is_refused(make):
    broken = episode().to_dict()
    del broken["start"]
    with pytest.raises(ValueError, match="start"):
        make().reset(options={"episode": broken})


@pytest.mark.parametrize("options", [{"episodes": []}, {"Episode": {}}, {"reset_mask": []}])
def test_options_of_a_reset_that_nobody_knows_are_refused(make, options):
    with pytest.raises(ValueError, match="accepted: episode"):
        make().reset(options=options)


def test_environments_survive_a_fork(world):
    envs = gym.vector.AsyncVectorEnv(
        [lambda: gym.make("avenv/AudioGoal-v0", scenes=world, **SMALL)] * 2, context="fork"
    )
    observation, _ = envs.reset(seed=[0, 1])
    alone, _ = gym.make("avenv/AudioGoal-v0", scenes=world, **SMALL).reset(seed=1)
    np.testing.assert_array_equal(observation["rgb"][1], alone["rgb"])
    envs.close()


def test_only_rows_that_have_changed_are_drawn_and_look_as_if_all_had_been(world):
    noisy = {"name": "eye", "sensors": ("rgb", "depth"), "size": (32, 24), "noise": {"shot": 0.1}}
    envs = batch(world, 3, sensors=("semantic",), cameras=(noisy,))
    envs.reset(seed=0)
    envs.step(np.array([2, 2, 3]))
    drawn = []
    for eye in envs.batch.simulator._rig.eyes:
        eye._renderer.draw = _noting(eye._renderer.draw, drawn)
    after, _ = envs.reset(options={"reset_mask": np.array([False, True, False])})
    assert drawn == [[1]] * 2
    for name, picture in envs.batch.observe().items():
        np.testing.assert_array_equal(after[name], picture)


def _noting(draw, drawn):
    def noted(*arguments):
        drawn.append(arguments[-1].tolist())
        draw(*arguments)

    return noted
