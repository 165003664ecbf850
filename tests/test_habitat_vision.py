"""habitat-sim as a backend of pictures: on a stand-in that draws by casting rays, and itself."""

import sys
from importlib.util import find_spec

import gymnasium as gym
import numpy as np
import pytest
from habitat_stand_in import SimulatorOfPictures, stand_in_modules
from scipy.spatial.transform import Rotation
from support import two_rooms

from avenv.core.frames import body_rotation
from avenv.habitat.vision import camera_quaternion, register_vision
from avenv.simulation.world import World
from avenv.vision import BACKENDS, Instances, Optics, render_view

REAL = find_spec("habitat_sim") is not None


@pytest.fixture(params=["stand-in", pytest.param("real", marks=pytest.mark.skipif(
    not REAL, reason="habitat_sim is not installed"))])  # fmt: skip
def name(request, monkeypatch):
    """Register the backend under a name of its own, for one test."""
    if request.param == "stand-in":
        pytest.importorskip("embreex")
        for module, contents in stand_in_modules().items():
            monkeypatch.setitem(sys.modules, module, contents)
    register_vision("test-habitat")
    yield "test-habitat"
    del BACKENDS["test-habitat"]


def view(backend, sensors=("rgb",), **options):
    usual = {"position": (3, 2, 1.5), "heading": 0.0, "size": (8, 8)}
    return render_view(two_rooms(), **usual | options, sensors=sensors, backend=backend)


@pytest.mark.parametrize(("heading", "pitch"), [(0.0, 0.0), (1.1, 0.0), (-2.5, 0.4)])
def test_a_camera_is_turned_as_the_body_is(heading, pitch):
    # Habitat's camera looks along -z with y up; ours along the first column, with the third up.
    rotation = body_rotation(heading, pitch)
    turned = Rotation.from_quat(camera_quaternion(rotation))
    forward, _, up = (np.array([x, z, -y]) for x, y, z in rotation.T)
    np.testing.assert_allclose(turned.apply([0, 0, -1]), forward, atol=1e-12)
    np.testing.assert_allclose(turned.apply([0, 1, 0]), up, atol=1e-12)


def test_depth_is_that_of_avenvs_own_pictures(name):
    place = {"position": [(3, 2, 1.5), (1, 1, 1.2)], "heading": [0.7, -2.0], "pitch": [0.0, 0.3]}
    theirs, ours = (
        view(backend, ("rgb", "depth"), **place, size=(64, 48), hfov=80.0)
        for backend in (name, "raster")
    )
    assert theirs["rgb"].shape == ours["rgb"].shape == (2, 48, 64, 3)
    off = np.abs(theirs["depth"] - ours["depth"])
    assert (off < 0.01).mean() > 0.999
    assert theirs["rgb"].std() > 5


def test_an_environment_is_drawn_by_it(name):
    env = gym.make("avenv/AudioGoal-v0", scenes=World(two_rooms()), vision=name,
                   sensors=("rgb", "depth", "audio"), image_size=(16, 16), sounds="phone",
                   ahead=False, disable_env_checker=True)  # fmt: skip
    before, _ = env.reset(seed=1)
    after, *_ = env.step(2)
    assert env.observation_space.contains(after)
    assert (before["depth"] != after["depth"]).any()
    env.close()


def test_the_stage_says_which_way_is_up_and_asks_for_flat_shading(name):
    view(name, ("depth",))
    if name == "test-habitat" and not REAL:
        assert SimulatorOfPictures.stage["up"] == [0, 1, 0]
        assert SimulatorOfPictures.stage["front"] == [0, 0, -1]
        assert SimulatorOfPictures.stage["shader_type"] == "flat"
        assert SimulatorOfPictures.gpu_device_id == -1


def test_what_it_cannot_draw_is_refused(name):
    with pytest.raises(ValueError, match="sensors has 'semantic'; accepted: rgb, depth"):
        view(name, ("semantic",))
    with pytest.raises(ValueError, match="projection is 'orthographic'"):
        view(name, projection="orthographic", span=4.0)
    with pytest.raises(ValueError, match="light is 'night'; accepted by vision='habitat': 'full'"):
        World(two_rooms()).prepared_for(name, "night")
    scene = World(two_rooms()).prepared_for(name)
    moved = Instances(np.zeros((1, 1), np.int32), np.eye(3)[None, None], np.zeros((1, 1, 3)))
    with pytest.raises(ValueError, match="instances are to be drawn; accepted"):
        BACKENDS[name].make_renderer(1, Optics((8, 8)), ("rgb",)).draw(
            [scene], [0], np.ones((1, 3)), np.eye(3)[None], moved
        )


@pytest.mark.skipif(REAL, reason="habitat_sim is installed")
def test_without_habitat_sim_it_says_so():
    with pytest.raises(ImportError, match="needs habitat_sim, which cannot be imported"):
        register_vision()
    with pytest.raises(ValueError, match="vision is 'habitat'; accepted: raster"):
        gym.make("avenv/AudioGoal-v0", vision="habitat")
