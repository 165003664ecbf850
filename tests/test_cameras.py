"""The cameras of a body: where they sit, how they are called, what their pictures suffer."""

import json
import warnings
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from support import from_meshes, shoebox, solid, surfaces, two_rooms

import avenv
from avenv import Camera, CameraNoise
from avenv.core import parallel
from avenv.envs.vector import BatchEnv
from avenv.scene import SceneBuilder, compile_scene
from avenv.simulation.settings import SensorSettings
from avenv.simulation.simulator import Simulator
from avenv.simulation.state import Start
from avenv.simulation.world import World
from avenv.vision import SENSORS, render_view

PLAIN = {"sounds": "phone", "sensors": ("rgb", "depth"), "image_size": (24, 16)}
RIG = (
    Camera("rear", ("depth", "instance"), (20, 10), heading=180),
    Camera("around", SENSORS, (32, 16), projection="equirectangular", noise=CameraNoise()),
    Camera("plan", "semantic", (16, 8), None, (0, 0, 3), 0, -90, "orthographic", 4.0),
)


@pytest.fixture(scope="module")
def world():
    return World(two_rooms())


def make(world, **options):
    return gym.make("avenv/AudioGoal-v0", scenes=world, **{**PLAIN, **options})


def see(cameras, scene=None, position=(2.0, 2.0), heading=0.4, seed=0, step=0):
    """Return what one body sees."""
    world = World(scene or shoebox())
    simulator = Simulator([world], SensorSettings((), cameras=tuple(cameras)))
    simulator.begin({0: Start(world, position, heading, seed=seed)})
    for _ in range(step):
        simulator.wait(np.ones(1, bool))
    return {key: picture[0] for key, picture in simulator.observe().items()}


def assert_same(a, b):
    assert a.keys() == b.keys()
    for key in a:
        np.testing.assert_array_equal(a[key], b[key], err_msg=key)


@pytest.mark.parametrize(
    "change",
    [
        {"sensors": SENSORS},
        {"sensors": ("audio", *SENSORS), "cameras": RIG, "camera_noise": CameraNoise()},
        {"sensors": (), "cameras": RIG},
    ],
)
def test_gymnasiums_checker_accepts_every_choice_of_cameras(world, change):
    env = make(world, **change).unwrapped
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env, skip_render_check=True)
    observation, _ = env.reset(seed=3)
    for _ in range(5):
        assert observation in env.observation_space
        observation = env.step(2)[0]


def test_observations_are_called_after_their_cameras(world):
    observation, _ = make(world, sensors=("audio", "rgb"), cameras=RIG).reset(seed=0)
    assert set(observation) == {
        "audio", "rgb", "rear/depth", "rear/instance", "plan/semantic",
        *(f"around/{name}" for name in SENSORS),
    }  # fmt: skip
    assert observation["rgb"].shape == (16, 24, 3)
    assert observation["rear/depth"].shape == (10, 20, 1)
    assert observation["around/normal"].shape == (16, 32, 3)


def test_a_camera_sits_where_its_body_carries_it():
    camera = Camera("c", SENSORS, (33, 21), 70.0, (0.3, -0.2, 0.9), heading=50, pitch=-20)
    seen = see([camera], heading=0.4)
    ahead, left = np.array([np.cos(0.4), np.sin(0.4)]), np.array([-np.sin(0.4), np.cos(0.4)])
    eye = (*(np.array([2.0, 2.0]) + 0.3 * ahead - 0.2 * left), 0.9)
    view = render_view(shoebox(), eye, 0.4 + np.radians(50), np.radians(-20), (33, 21), 70, SENSORS)
    for name in ("depth", "normal"):
        np.testing.assert_allclose(seen[f"c/{name}"], view[name], atol=1e-4)
    assert np.mean(seen["c/instance"] == view["instance"]) == 1


def test_the_distance_ahead_shrinks_as_the_camera_is_put_forward():
    cameras = [Camera(f"x{k}", "depth", (9, 9), 30, (k / 10, 0, 1)) for k in range(4)]
    seen = see(cameras, heading=0.0)  # a wall at x = 5, the body at x = 2
    for k in range(4):
        np.testing.assert_allclose(seen[f"x{k}/depth"], 3 - k / 10, rtol=1e-5)


def test_plain_options_are_a_camera_at_the_eye_that_looks_ahead(world):
    eye = Camera("eye", ("rgb", "depth"), (24, 16))
    observation, _ = make(world, cameras=[eye]).reset(seed=4)
    np.testing.assert_array_equal(observation["rgb"], observation["eye/rgb"])
    np.testing.assert_array_equal(observation["depth"], observation["eye/depth"])


def test_cameras_can_be_written_as_plain_data(world):
    data = [
        {"name": "rear", "sensors": ["depth", "instance"], "size": [20, 10], "heading": 180},
        {"name": "around", "sensors": list(SENSORS), "size": [32, 16],
         "projection": "equirectangular", "noise": {}},
        {"name": "plan", "sensors": "semantic", "size": [16, 8], "position": [0, 0, 3],
         "pitch": -90, "projection": "orthographic", "span": 4.0},
    ]  # fmt: skip
    assert SensorSettings(cameras=data).cameras == RIG
    assert SensorSettings(camera_noise={"dropout": 0}).camera_noise == CameraNoise(dropout=0)


def test_the_space_does_not_depend_on_the_scenes(world):
    space = make(world, sensors="instance").observation_space["instance"]
    assert space.high.max() >= 100_000
    assert space.dtype == np.int32


def test_noise_is_another_at_every_step_and_the_same_again_in_a_replay(world):
    env = make(world, camera_noise=CameraNoise(), cameras=RIG)
    first, info = env.reset(seed=5)
    second = env.step(0)[0]  # a stop: the picture would be the same
    for key in ("rgb", "depth", "around/rgb", "around/depth"):
        assert not np.array_equal(first[key], second[key])
    np.testing.assert_array_equal(first["rear/depth"], second["rear/depth"])
    setup = json.loads(json.dumps(info["setup"]))  # as a file of episodes would keep it
    again, _ = env.reset(options={"episode": setup})
    assert_same(first, again)
    assert_same(second, env.step(0)[0])
    other, _ = env.reset(seed=6)
    assert not np.array_equal(other["depth"] == 0, first["depth"] == 0)


def test_noise_is_that_of_the_formulas(world):
    clean = see([Camera("c", ("rgb", "depth"), (200, 150))])
    noise = CameraNoise(dropout=0.01, shot=0.05)
    noisy = see([Camera("c", ("rgb", "depth"), (200, 150), noise=noise)], seed=9, step=2)
    lost = noisy["c/depth"] == 0
    assert lost.mean() == pytest.approx(0.01 * (clean["c/depth"] ** 2).mean(), rel=0.1)
    error = (noisy["c/depth"] - clean["c/depth"])[~lost]
    z = clean["c/depth"][~lost]
    assert error.std() == pytest.approx(
        np.sqrt(np.mean((0.0012 + 0.0019 * np.maximum(z - 0.4, 0) ** 2) ** 2)), rel=0.03
    )
    assert (noisy["c/rgb"] != clean["c/rgb"]).mean() > 0.5


def test_the_noise_of_a_camera_does_not_depend_on_the_others():
    noisy = [Camera(name, "depth", (20, 20), noise=CameraNoise()) for name in "abc"]
    together, alone = see(noisy), see(noisy[1:2])
    np.testing.assert_array_equal(together["b/depth"], alone["b/depth"])
    assert not np.array_equal(together["a/depth"], together["b/depth"])


def test_rows_of_a_batch_see_what_they_would_alone(world):
    options = {**PLAIN, "scenes": world, "cameras": RIG, "camera_noise": CameraNoise()}
    envs = BatchEnv(num_envs=4, **options)
    together = [envs.reset(seed=1)[0], *(envs.step(np.full(4, a))[0] for a in (1, 2, 3))]
    parallel.set_num_threads(1)
    try:
        env = gym.make("avenv/AudioGoal-v0", **options)
        alone = [env.reset(seed=3)[0], *(env.step(a)[0] for a in (1, 2, 3))]
    finally:
        parallel.set_num_threads(None)
    for batch, single in zip(together, alone, strict=True):
        assert_same({key: value[2] for key, value in batch.items()}, single)


def test_resetting_one_row_leaves_the_noise_of_the_others_alone(world):
    envs = BatchEnv(num_envs=2, scenes=world, **PLAIN, camera_noise=CameraNoise())
    envs.reset(seed=0)
    before = envs.step(np.array([2, 2]))[0]
    after, _ = envs.reset(options={"reset_mask": np.array([True, False])})
    np.testing.assert_array_equal(before["rgb"][1], after["rgb"][1])


def test_a_camera_inside_something_looks_out_of_it():
    scene = from_meshes([solid((1, 1, 1), (0, 0, 0.5)), solid((0.2, 2, 2), (3, 0, 0))],
                        surfaces((0.1, 0, 0)))  # fmt: skip
    seen = see([Camera("c", "depth", (5, 5), 20, (0, 0, 0.5))], scene, (0, 0), 0.0)
    np.testing.assert_allclose(seen["c/depth"], 2.9, rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "a/b"}, "name is 'a/b'"),
        ({"name": 3}, "name is 3"),
        ({"sensors": ()}, r"'c': sensors is \(\)"),
        ({"sensors": ("rgb", "sonar")}, "'c': sensors has 'sonar'"),
        ({"sensors": None}, "'c': sensors is None"),
        ({"size": (0, 5)}, "'c': size is"),
        ({"size": (64.0, 64)}, "'c': size is"),
        ({"size": 64}, "'c': size is 64"),
        ({"size": (64, 10**6)}, "'c': size is"),
        ({"hfov": 0}, "'c': hfov is 0"),
        ({"hfov": 180}, "'c': hfov is 180"),
        ({"hfov": -90.0}, "'c': hfov is -90"),
        ({"hfov": np.nan}, "'c': hfov is nan"),
        ({"hfov": "wide"}, "'c': hfov is 'wide'"),
        ({"hfov": 90, "projection": "equirectangular"}, "'c': hfov is 90; .* has none"),
        ({"span": 5.0}, "'c': span is 5.0; .* has none"),
        ({"projection": "orthographic"}, "'c': span is None"),
        ({"projection": "fisheye"}, "'c': projection is 'fisheye'"),
        ({"position": (0, np.inf, 1)}, "'c': position is"),
        ({"position": (0, 1)}, "'c': position is"),
        ({"position": (0, 0, 99)}, "'c': position is"),
        ({"heading": np.nan}, "'c': heading is nan"),
        ({"pitch": 91}, "'c': pitch is 91"),
        ({"noise": "loud"}, "'c': noise is 'loud'"),
        ({"noise": {"dropout": 2}}, "'c': noise.dropout is 2"),
        ({"noise": {"snow": 2}}, "'c': noise is .*snow"),
    ],
)
def test_settings_of_a_camera_that_cannot_be_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        Camera(**{"name": "c", **change})


@pytest.mark.parametrize(
    ("cameras", "message"),
    [
        ([Camera("a"), Camera("a")], r"named \['a', 'a'\]"),
        ([Camera("")], "none empty"),
        ("rear", "cameras is 'rear'"),
        (Camera("a"), "accepted: a list"),
        ([7], "cameras has 7"),
        ([{"size": [3, 4]}], "needs its name"),
        ([{"name": "a", "hfov": True}], "hfov is True"),
        ([{"name": "a", "fov": 90}], "fov"),
    ],
)
def test_rigs_that_cannot_be_are_refused(world, cameras, message):
    with pytest.raises(ValueError, match=message):
        make(world, cameras=cameras)


def test_one_sensor_can_be_named_without_a_tuple(world):
    assert set(make(world, sensors="depth").observation_space) == {"depth"}
    assert replace(RIG[0], sensors="depth").sensors == ("depth",)


def test_render_view_draws_any_sensor_and_projection():
    view = avenv.render_view(World(shoebox()), (2, 2, 1.5), size=(20, 10), sensors=SENSORS,
                             projection="equirectangular")  # fmt: skip
    assert {name: picture.shape for name, picture in view.items()} == {
        "rgb": (10, 20, 3), "depth": (10, 20, 1), "semantic": (10, 20, 1),
        "instance": (10, 20, 1), "normal": (10, 20, 3),
    }  # fmt: skip
    with pytest.raises(ValueError, match="hfov"):
        avenv.render_view(World(shoebox()), (2, 2, 1.5), hfov=60, projection="equirectangular")


def test_cameras_that_make_no_rgb_see_the_same_without_light(monkeypatch):
    builder = SceneBuilder("lit")
    room = builder.room("lit", size=(4, 4))
    builder.place("floor_lamp", at=(3, 3), room=room)
    scene = compile_scene(builder.build())
    kinds = ("depth", "semantic", "instance", "normal")
    colourless = Camera("eye", kinds, (32, 24), 90)
    lit = see([replace(colourless, sensors=("rgb", *kinds))], scene)
    monkeypatch.setattr("avenv.vision.light.lighting.bake", None)  # to call it is an error
    dark = see([colourless], scene)
    assert_same(dark, {key: lit[key] for key in dark})


def test_a_world_is_lit_when_a_camera_first_makes_rgb():
    world = World(two_rooms())
    pictures = []
    for sensors in ("depth", "rgb"):
        simulator = Simulator([world], SensorSettings((sensors,), image_size=(32, 24)))
        simulator.begin({0: Start(world, (2.0, 2.0), 0.4)})
        pictures.append(simulator.observe()[sensors])
    np.testing.assert_array_equal(
        pictures[1][0],
        render_view(world.compiled, (2.0, 2.0, simulator.body.eye_height), 0.4, size=(32, 24))[
            "rgb"
        ],
    )
