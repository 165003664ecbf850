"""avenv beside habitat-sim itself, where that is installed: the eye, the ear, and the scene."""

import json

import numpy as np
import pytest
import trimesh
from mesh_support import box_file
from numpy.testing import assert_allclose

import avenv
from avenv.habitat import AudioSensorSpec, attach, compare_navmesh, read_navmesh, register_vision
from avenv.habitat.axes import to_habitat
from avenv.habitat.live import things_of
from avenv.simulation.loading import load_scene
from avenv.vision import BACKENDS, render_view

habitat_sim = pytest.importorskip("habitat_sim")
mn = pytest.importorskip("magnum")

BOXES = {"up": [0, 1, 0], "front": [0, 0, -1], "requires_lighting": False}


@pytest.fixture
def sim(tmp_path):
    """Yield a simulator of a room of oak, 6 x 3 x 4 m, with a camera at the agent's eyes."""
    box_file(tmp_path / "room.glb", (6, 3, 4), (0, 1.5, 0), inwards=True)
    stage = tmp_path / "room.stage_config.json"
    stage.write_text(json.dumps({"render_asset": "room.glb", **BOXES}))
    backend = habitat_sim.SimulatorConfiguration()
    backend.scene_id, backend.gpu_device_id, backend.enable_physics = str(stage), -1, True
    camera = habitat_sim.CameraSensorSpec()
    camera.uuid, camera.sensor_type = "depth", habitat_sim.SensorType.DEPTH
    camera.resolution, camera.position = [32, 32], mn.Vector3(0.0, 1.5, 0.0)
    agent = habitat_sim.AgentConfiguration(sensor_specifications=[camera])
    made = habitat_sim.Simulator(habitat_sim.Configuration(backend, [agent]))
    yield made
    made.close()


def stand(sim, x, y, z):
    state = habitat_sim.AgentState()
    state.position = np.array([x, y, z], np.float32)
    sim.get_agent(0).set_state(state)


def put(sim, path, place):
    """Put a mesh into the scene as an object that is moved by hand, and return it."""
    templates = sim.get_object_template_manager()
    template = templates.create_new_template(str(path), False)
    template.render_asset_handle = str(path)
    number = templates.register_template(template, "screen")
    thing = sim.get_rigid_object_manager().add_object_by_template_id(number)
    thing.motion_type = habitat_sim.physics.MotionType.KINEMATIC
    thing.translation = mn.Vector3(*place)
    return thing


def mono():
    spec = AudioSensorSpec()
    spec.channelLayout.channelType, spec.channelLayout.channelCount = "Mono", 1
    spec.acousticsConfig.sampleRate, spec.acousticsConfig.irTime = 16000, 0.3
    return spec


def level(response):
    return 10 * np.log10((np.asarray(response, float) ** 2).sum())


def test_the_apartment_is_as_deep_as_in_our_own_pictures():
    register_vision("real-habitat")
    try:
        world, rng = load_scene("apartment"), np.random.default_rng(0)
        places = np.column_stack([world.walkable.sample(rng, 8), np.full(8, 1.25)])
        look = {"position": places, "heading": rng.uniform(-np.pi, np.pi, 8), "size": (128, 128)}
        theirs, ours = (
            render_view(world.compiled, **look, sensors=("rgb", "depth"), backend=backend)
            for backend in ("real-habitat", "raster")
        )
    finally:
        del BACKENDS["real-habitat"]
    assert (np.abs(theirs["depth"] - ours["depth"]) < 0.01).mean() > 0.999
    assert theirs["rgb"].shape == ours["rgb"].shape
    # The same textures in another light: what is bright there is bright here.
    grey = [seen["rgb"].mean(axis=-1).ravel() for seen in (theirs, ours)]
    assert np.corrcoef(*grey)[0, 1] > 0.5


def test_a_source_behind_a_door_is_heard_through_it(sim, tmp_path):
    # The door is a wall across the room; then it is drawn aside, behind the listener.
    door = put(sim, box_file(tmp_path / "door.glb", (0.1, 2.8, 3.8), (0, 0, 0), name="wood_door"),
               (0, 1.41, 0))  # fmt: skip
    sensor = attach(sim, mono())
    sensor.setAudioSourceTransform([-2, 1.2, 0.5])
    stand(sim, 2, 0, -0.5)
    seen = sim.get_sensor_observations()
    assert set(seen) == {"depth", "audio_sensor"}
    behind = seen["audio_sensor"]
    assert behind.shape == (1, 4800)
    assert not sensor.sourceIsVisible()
    assert sim.get_agent(0)._sensors["audio_sensor"] is sensor
    door.translation = mn.Vector3(2.8, 1.41, 0.0)
    beside = sim.get_sensor_observations()["audio_sensor"]
    assert sensor.sourceIsVisible()
    assert level(beside) > level(behind) + 5


def test_what_is_heard_in_a_room_is_what_avenv_hears_in_its_file(sim, tmp_path):
    sensor = attach(sim, mono())
    sensor.setAudioSourceTransform([-2, 1.2, 0.5])
    stand(sim, 1, 0, -0.5)
    settings = avenv.acoustics.AcousticSettings(max_time=0.3, rays=5000, all_heights=True)
    ours = avenv.impulse_response(
        avenv.import_mesh(tmp_path / "room.glb"), (-2, -0.5, 1.2), (1, 0.5, 1.5), np.pi / 2,
        layout="mono", settings=settings, length=4800,
    )  # fmt: skip
    assert_allclose(sim.get_sensor_observations()["audio_sensor"], 0.25 * ours, atol=1e-6)


def test_a_thing_is_where_the_camera_sees_it(sim, tmp_path):
    # Its mesh is off its origin, so that habitat-sim moves it by its centre of mass.
    path = box_file(tmp_path / "box.glb", (0.4, 0.6, 0.8), (0.5, 0.3, 0.2))
    put(sim, path, (0.0, 1.5, -1.0))
    stand(sim, 0, 0, 1)
    depth = sim.get_sensor_observations()["depth"]
    placed = {thing.name: thing for thing in things_of(sim)}
    thing = next(found for name, found in placed.items() if name != "stage")
    corners = trimesh.load(path, force="mesh").vertices
    world = corners @ thing.matrix[:3, :3].T + thing.matrix[:3, 3]
    # The camera is at z = 1 and looks along -z: straight ahead is the box's nearest face.
    assert depth[16, 16] == pytest.approx(1 - world[:, 2].max(), abs=0.01)


def test_its_navmesh_is_read(sim, tmp_path):
    settings = habitat_sim.NavMeshSettings()
    settings.set_defaults()
    settings.agent_radius = 0.2
    assert sim.recompute_navmesh(sim.pathfinder, settings)
    assert sim.pathfinder.save_nav_mesh(str(tmp_path / "room.navmesh"))
    mesh = read_navmesh(tmp_path / "room.navmesh")
    assert mesh.radius == pytest.approx(0.2)
    area = sum(polygon_area(polygon[:, :2]) for polygon in mesh.polygons)
    assert area == pytest.approx(sim.pathfinder.navigable_area, rel=0.02)
    compared = compare_navmesh(load_scene(tmp_path / "room.glb"), mesh)
    assert compared.agreement > 0.9
    x, y, z = to_habitat([1.0, 0.5, 0.2])
    assert sim.pathfinder.is_navigable(np.array([x, y, z], np.float32))
    assert mesh.contains([(1.0, 0.5)], level=0.0).all()


def polygon_area(corners):
    x, y = corners.T
    return abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
