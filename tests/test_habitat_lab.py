"""habitat-lab itself, from the package index, on avenv's simulator; skipped where it is not.

It pins an old NumPy: ``pip install --no-deps -r tests/habitat_lab.txt`` installs it without.
"""

import sys
import warnings

import numpy as np
import pytest

from avenv.habitat import lab
from avenv.habitat.axes import to_habitat

pytest.importorskip("hydra", reason="habitat-lab is not installed")
try:
    WITHOUT_SIM = lab.enable_without_sim()
except ImportError:
    pytest.skip("habitat-lab is not installed", allow_module_level=True)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import habitat
    import quaternion
pytestmark = pytest.mark.filterwarnings("ignore")

SENSORS = "habitat.simulator.agents.main_agent.sim_sensors"
SMALL = (
    f"{SENSORS}.rgb_sensor.width=32", f"{SENSORS}.rgb_sensor.height=24",
    f"{SENSORS}.depth_sensor.width=32", f"{SENSORS}.depth_sensor.height=24",
    "habitat.dataset.count=2",
)  # fmt: skip
OPTIONS = {"scenes": "apartment", "sounds": "phone", "ahead": False}


def make(task="AudioGoal", *overrides, **options):
    config = lab.get_config(task, (*SMALL, *overrides), **OPTIONS, **options)
    return habitat.Env(config)


@pytest.fixture(scope="module")
def env():
    with make() as env:
        yield env


class Oracle(habitat.Agent):
    """Asks the environment, which no honest agent may."""

    def __init__(self, env):
        self.env = env

    def reset(self):
        self.steps = 0

    def act(self, observations):
        self.steps += 1
        return {"action": self.env.sim.batch.task.oracle_action(0)}


def play(env, agent):
    observations = env.reset()
    agent.reset()
    while not env.episode_over:
        observations = env.step(agent.act(observations))
    return observations, env.get_metrics()


def test_an_agent_of_habitats_hears_sees_and_arrives(env):
    observations, metrics = play(env, Oracle(env))
    assert {k: (v.shape, v.dtype) for k, v in observations.items()} == {
        "rgb": ((24, 32, 3), np.uint8),
        "depth": ((24, 32, 1), np.float32),
        "audiogoal": ((2, 16000), np.float32),
        "spectrogram": ((65, 26, 2), np.float32),
    }
    for name, value in observations.items():
        assert env.observation_space[name].contains(value)
    assert set(env.action_space.spaces) == {"stop", "move_forward", "turn_left", "turn_right"}
    assert metrics["success"] == metrics["sna"] == 1
    assert metrics["distance_to_goal"] <= 1.0


def test_the_same_actions_observe_what_avenv_does(env):
    import gymnasium as gym

    episode = env.episodes[1]
    ours = gym.make(
        "avenv/AudioGoal-v0", sensors=("rgb", "depth", "audio"), image_size=(32, 24),
        disable_env_checker=True, **OPTIONS,
    )  # fmt: skip
    there, _ = ours.reset(options={"episode": episode.setup})
    env.current_episode = episode
    here = env.reset()
    total = {"here": 0.0, "there": 0.0}
    for action in (2, 1, 1, 3, 1):
        np.testing.assert_array_equal(here["rgb"], there["rgb"])
        np.testing.assert_array_equal(here["audiogoal"], there["audio"])
        np.testing.assert_allclose(here["depth"], there["depth"] / 10, atol=1e-7)
        here = env.step(action)
        there, reward, *_ = ours.step(action)
        total["here"] += env.get_metrics()["reward"]
        total["there"] += reward
    assert total["here"] == total["there"]
    ours.close()


def test_poses_are_habitats_and_distances_avenvs(env):
    env.reset()
    env.step("turn_left")
    state, simulator = env.sim.get_agent_state(), env.sim.batch.simulator
    x, y = simulator.state.position[0]
    np.testing.assert_allclose(state.position, [x, 0, -y], atol=1e-5)
    heading = float(simulator.state.heading[0])
    looks = quaternion.rotate_vectors(state.rotation, [0.0, 0.0, -1.0])
    ahead = to_habitat([np.cos(heading), np.sin(heading), 0.0])
    np.testing.assert_allclose(looks, ahead, atol=1e-6)
    a, b = (env.sim.sample_navigable_point() for _ in range(2))
    assert env.sim.is_navigable(a)
    assert not env.sim.is_navigable([1000.0, 0.0, 0.0])
    one = env.sim.geodesic_distance(a, b)
    assert one >= np.linalg.norm(np.subtract(a, b)) - 1e-3
    assert env.sim.geodesic_distance(a, [b, a]) == pytest.approx(0, abs=1e-6)
    way = env.sim.get_straight_shortest_path_points(a, b)
    lengths = np.linalg.norm(np.diff(way, axis=0), axis=1)
    assert lengths.sum() == pytest.approx(one, rel=0.02)
    actions = [p.action for p in env.sim.action_space_shortest_path(
        habitat.core.simulator.AgentState(np.array(a), state.rotation),
        [habitat.core.simulator.AgentState(np.array(b), state.rotation)])]  # fmt: skip
    assert actions[-1] == 0
    assert actions.count(1) * 0.25 >= one - 1.0


def test_looking_from_elsewhere_leaves_the_body_where_it_is(env):
    env.reset()
    before, seen = env.sim.get_agent_state(), env.sim.step(None)
    place = env.sim.sample_navigable_point()
    there = env.sim.get_observations_at(place, [0, 0, 0, 1])
    assert (there["rgb"] != seen["rgb"]).any()
    np.testing.assert_array_equal(env.sim.step(None)["rgb"], seen["rgb"])
    np.testing.assert_array_equal(env.sim.get_agent_state().position, before.position)
    assert env.sim.get_observations_at([1000.0, 0, 0], [0, 0, 0, 1]) is None


def test_habitats_own_task_and_sensors_run_on_it():
    # Nav-v0 with its measures, and a PointNav dataset of one episode, as its files describe them.
    from habitat.tasks.nav.nav import NavigationEpisode, NavigationGoal

    tasks = ("habitat/task=pointnav", "+habitat/task/lab_sensors=[gps_sensor,compass_sensor]")
    tasks += ("habitat.task.measurements.success.success_distance=1.0",)
    silent = (f"~{SENSORS}.audiogoal_sensor", f"{SENSORS}.spectrogram_sensor.sensor=pose")
    config = lab.get_config("PointGoal", (*SMALL, *tasks, *silent), scenes="apartment", ahead=False)
    dataset = habitat.Dataset()
    goal = [4.0, 0.0, -3.0]
    dataset.episodes = [NavigationEpisode(
        episode_id="0", scene_id="apartment", start_position=[1.0, 0.0, -1.0],
        start_rotation=[0, 0, 0, 1], goals=[NavigationGoal(position=goal)])]  # fmt: skip
    with habitat.Env(config, dataset) as env:
        observations = env.reset()
        _told(env, observations, goal)
        start = env.get_metrics()["distance_to_goal"]
        assert start == pytest.approx(env.sim.geodesic_distance([1, 0, -1], goal), abs=1e-3)
        for action in ("turn_right", "move_forward", "turn_right", "move_forward"):
            observations = env.step(action)
        _told(env, observations, goal)
        last, metrics = play(env, Oracle(env))
        assert metrics["success"] == 1
        assert metrics["spl"] > 0.9
        assert last["compass"].shape == (1,)


def _told(env, observations, goal):
    """What Habitat's sensors say of pose and goal follows from the pose that avenv observes."""
    ahead, left, turned, _ = observations["spectrogram"]
    np.testing.assert_allclose(observations["gps"], [ahead, -left], atol=1e-4)
    np.testing.assert_allclose(observations["compass"], [turned], atol=1e-4)
    distance, azimuth = observations["pointgoal_with_gps_compass"]
    # At the start it looks along -z: the goal is 2 m ahead of it, and 3 m to its right.
    way = np.array([2 - ahead, -3 - left])
    assert distance == pytest.approx(np.linalg.norm(way), abs=1e-3)
    assert azimuth == pytest.approx(np.arctan2(way[1], way[0]) - turned, abs=1e-3)


def test_gym_and_reward_of_habitats(env):
    import habitat.gym

    config = lab.get_config("AudioGoal", SMALL, **OPTIONS)
    one = habitat.gym.make_gym_from_config(config)
    seen = one.reset()
    assert set(seen) == {"rgb", "depth", "audiogoal", "spectrogram"}
    _, reward, done, info = one.step(one.action_space.sample() * 0 + 1)
    assert (reward, done) == (info["reward"], False)
    one.close()


class Stopper(habitat.Agent):
    def reset(self):
        self.seen = []

    def act(self, observations):
        self.seen.append(set(observations))
        return "stop"


def test_the_benchmark_of_habitats_scores_an_agent(tmp_path):
    lab.register()
    path = tmp_path / "mine.yaml"
    own = [
        "  dataset:",
        "    count: 3",
        "  simulator:",
        "    options: {sounds: phone, ahead: false}",
    ]
    path.write_text(lab.CONFIG.read_text().replace("  simulator:", "\n".join(own), 1))
    agent = Stopper()
    scores = habitat.Benchmark(str(path)).evaluate(agent)
    assert scores["success"] == 0
    assert scores["distance_to_goal"] > 2
    assert agent.seen == [{"rgb", "depth", "audiogoal", "spectrogram"}]


def make_gym_env(config):
    from habitat.core.environments import get_env_class

    return get_env_class("GymHabitatEnv")(config=config)


def test_vector_environments_of_habitats_run_in_forks():
    config = lab.get_config("AudioGoal", SMALL, **OPTIONS)
    envs = habitat.VectorEnv(
        make_env_fn=make_gym_env, env_fn_args=[(config,)], multiprocessing_start_method="fork"
    )
    (seen,) = envs.reset()
    assert seen["rgb"].shape == (24, 32, 3)
    ((_, reward, done, info),) = envs.step([1])
    assert (reward, done) == (info["reward"], False)
    envs.close()


def test_episodes_of_avenvs_are_a_dataset(env):
    from avenv.tasks.episode import Episode

    one, two = (Episode.from_dict(episode.setup) for episode in env.episodes)
    dataset = lab.dataset_of({"first": one, "second": two})
    assert [episode.episode_id for episode in dataset.episodes] == ["first", "second"]
    config = lab.get_config("AudioGoal", SMALL, **OPTIONS)
    with habitat.Env(config, dataset) as other:
        other.current_episode = next(e for e in dataset.episodes if e.episode_id == "second")
        other.reset()
        assert other.sim.batch.task.episodes[0].to_dict() == two.to_dict()


@pytest.mark.parametrize(
    ("overrides", "options", "words"),
    [
        ((f"{SENSORS}.rgb_sensor.type=HabitatSimRGBSensr",), {}, "did you mean 'HabitatSimRGB"),
        ((f"{SENSORS}.audiogoal_sensor.sensor=adio",), {}, "'adio'; .*did you mean 'audio'"),
        ((f"{SENSORS}.depth_sensor.max_depth=20",), {}, "max_depth 20.0; accepted: .*10 m"),
        ((f"{SENSORS}.rgb_sensor.orientation=[0,0,1]",), {}, "rolls by 1.0"),
        ((f"{SENSORS}.rgb_sensor.noise_model=GaussianNoiseModel",), {}, "noise_model is 'Gauss"),
        ((), {"image_size": (8, 8)}, "options has 'image_size'; accepted: in Habitat's own fields"),
        ((), {"soundz": "phone"}, "unknown option soundz"),
        (("habitat.simulator.turn_angle=200",), {}, "turn_angle is 200"),
    ],
)
def test_what_a_configuration_cannot_ask_for_is_named(overrides, options, words):
    with pytest.raises(ValueError, match=words):
        make("AudioGoal", *overrides, **options)


def test_an_action_that_there_is_not_is_named(env):
    env.reset()
    with pytest.raises(ValueError, match="action is 4; accepted: 0 to 3: stop, move_forward"):
        env.sim.step(4)


def test_a_registry_that_differs_is_named(monkeypatch):
    from habitat.core.registry import Registry

    monkeypatch.delattr(Registry, "register_measure")
    with pytest.raises(ImportError, match=r"habitat-lab 0\.\d.* without register_measure"):
        lab.register()


@pytest.mark.skipif(not WITHOUT_SIM, reason="habitat_sim is installed")
def test_without_habitat_sim_nothing_pretends_to_be_it():
    from habitat.core.batch_rendering.env_batch_renderer import EnvBatchRenderer

    assert "habitat_sim" not in sys.modules
    with pytest.raises(ImportError, match="EnvBatchRenderer needs habitat_sim"):
        EnvBatchRenderer()
    with pytest.raises(ImportError, match="habitat_sim"):
        habitat.sims.make_sim("Sim-v0", config=None)
