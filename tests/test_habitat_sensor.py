"""The ear for habitat-sim, on a stand-in with the interface of habitat-sim."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from habitat_stand_in import (
    Agent,
    ArticulatedObject,
    Attributes,
    LaterAgent,
    RigidObject,
    Simulator,
)
from mesh_support import box_file
from numpy.testing import assert_allclose

import avenv
from avenv.core.errors import SceneError
from avenv.habitat import (
    AudioSensor,
    AudioSensorSpec,
    AudioStream,
    Replay,
    attach,
    read_keyframes,
    read_materials,
)
from avenv.habitat.axes import from_habitat, heading_of, quaternion_of
from avenv.scene.meshes import load_mesh


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """Return the path of an empty room of oak, 6 x 3 x 4 m, with Habitat's y up."""
    return box_file(
        tmp_path_factory.mktemp("room") / "room.glb", (6, 3, 4), (0, 1.5, 0), inwards=True
    )


def spec(layout="Binaural", count=2, **acoustics):
    made = AudioSensorSpec()
    made.channelLayout.channelType = layout
    made.channelLayout.channelCount = count
    for name, value in {"sampleRate": 16000, "irTime": 0.3, **acoustics}.items():
        setattr(made.acousticsConfig, name, value)
    return made


def levels(response):
    return 10 * np.log10((np.asarray(response, float) ** 2).sum(axis=-1))


@pytest.mark.parametrize("turn", [0.0, 0.5, np.pi / 2, -2.0])
def test_a_heading_is_a_turn_about_y_and_a_quarter(turn):
    quaternion = [np.cos(turn / 2), 0, np.sin(turn / 2), 0]
    # Turned by ``turn`` about y, -z goes to (-sin, 0, -cos), which is our (-sin, cos, 0).
    assert_allclose(np.tan(heading_of(quaternion) - turn - np.pi / 2), 0, atol=1e-12)
    assert_allclose(from_habitat([1, 2, 3]), [1, -3, 2])
    assert_allclose(quaternion_of(heading_of(quaternion)), quaternion, atol=1e-12)


def test_the_response_is_that_of_avenv_times_the_volume(room):
    sim = Simulator(room)
    sensor = attach(sim, spec())
    sensor.setAudioSourceTransform([-2, 1.2, 0.5])
    sim.stand([1, 0, -0.5], turn=0.3)
    seen = sim.get_sensor_observations()
    assert set(seen) == {"rgb", "audio_sensor"}
    settings = avenv.acoustics.AcousticSettings(max_time=0.3, rays=5000, all_heights=True)
    ours = avenv.impulse_response(
        load_mesh(room)[0], (-2, -0.5, 1.2), (1, 0.5, 1.5), np.pi / 2 + 0.3, settings=settings,
        length=4800,
    )  # fmt: skip
    assert seen["audio_sensor"].shape == (2, 4800)
    assert_allclose(seen["audio_sensor"], 0.25 * ours, atol=1e-6)


@pytest.mark.parametrize("agent", [Agent, LaterAgent])
def test_a_simulator_goes_through_its_sensors_as_if_ours_were_not_there(room, agent):
    sim = Simulator(room, agent=agent)
    named = spec("Mono", 1, indirect=False)
    named.uuid = "other"
    sensor, other = attach(sim, spec("Mono", 1, indirect=False)), attach(sim, named)
    body = sim.get_agent(0)
    assert body._sensors["audio_sensor"] is sensor  # as SoundSpaces asks for it
    assert body._sensors["other"] is other
    assert list(body._sensors) == list(sim._sensors) == ["rgb"]
    with pytest.raises(KeyError):
        body._sensors["third"]
    for one in (sensor, other):
        one.setAudioSourceTransform([-2, 1.2, 0.5])
    sim.stand([1, 0, -0.5])
    assert set(sim.reset()) == {"rgb", "audio_sensor", "other"}
    sim._agents = [agent(sim._sensors)]  # as sim.reconfigure does
    assert set(sim.get_sensor_observations()) == {"rgb", "audio_sensor", "other"}
    assert sim.get_agent(0)._sensors["audio_sensor"] is sensor
    with pytest.raises(ValueError, match="a sensor 'other' already"):
        attach(sim, named)
    sim.close()


def test_the_left_ear_hears_what_is_on_the_left(room):
    sim = Simulator(room)
    sensor = attach(sim, spec(indirect=False))
    sensor.setAudioSourceTransform([-1.5, 1.5, 0])
    sim.stand([0, 0, 0])  # looks along -z: -x is on the left
    left, right = levels(sim.get_sensor_observations()["audio_sensor"])
    assert left > right + 6
    sim.stand([0, 0, 0], turn=np.pi)
    left, right = levels(sim.get_sensor_observations()["audio_sensor"])
    assert right > left + 6


def test_both_dialects_say_the_same(room):
    theirs = SimpleNamespace(
        uuid="audio_sensor",
        position=(0, 1.5, 0),
        enableMaterials=False,
        channelLayout=SimpleNamespace(type=SimpleNamespace(name="Mono"), channelCount=1),
        acousticsConfig=SimpleNamespace(
            sampleRate=16000, maxIRLength=0.3, directRayCount=500, temporalCoherence=True
        ),
    )
    ours = spec("Mono", 1, enableMaterials=False)
    heard = []
    for one in (theirs, ours):
        sensor = AudioSensor(Simulator(room), one)
        sensor.setAudioSourceTransform([-2, 1.2, 0.5])
        heard.append(sensor.listen([1, 1.5, 0], [1, 0, 0, 0]))
    assert heard[0].shape == (1, 4800)
    np.testing.assert_array_equal(*heard)


def test_without_reflections_direct_sound_falls_with_distance(room):
    sensor = AudioSensor(Simulator(room), spec("Mono", 1, indirect=False, globalVolume=1.0))
    sensor.setAudioSourceTransform([-2, 1.5, 0])
    near, far = (sensor.listen([x, 1.5, 0], [1, 0, 0, 0]) for x in (-1, 2))
    assert levels(near)[0] - levels(far)[0] == pytest.approx(20 * np.log10(4), abs=0.2)


def test_ambisonics_are_n3d_in_the_worlds_axes(room):
    # N3D: a plane wave from (x, y, z) gives 1, √3 y, √3 z and √3 x, in ACN order, whatever the
    # listener's heading; Habitat's own x, y and z.
    sensor = AudioSensor(Simulator(room), spec("Ambisonics", 4, indirect=False))
    towards = np.array([1.2, 0.7, -0.9])
    sensor.setAudioSourceTransform(towards + np.array([0, 1, 0]))
    x, y, z = towards / np.linalg.norm(towards)
    for turn in (0.0, 1.0):
        heard = sensor.listen([0, 1, 0], quaternion_of(np.pi / 2 + turn))
        gains = heard @ heard[0] / (heard[0] @ heard[0])
        assert_allclose(gains, [1, *(np.sqrt(3) * np.array([y, z, x]))], atol=0.03)


def test_what_moves_is_heard_at_once(room, tmp_path):
    # A solid wall across the room with nothing else; then it is drawn aside.
    screen = box_file(tmp_path / "screen.glb", (0.1, 2.8, 3.8), (0, 0, 0), name="concrete")
    wall = RigidObject(Attributes(screen), [0, 1.41, 0])
    sim = Simulator(room, {"screen_:0000": wall})
    sensor = attach(sim, spec("Mono", 1))
    sensor.setAudioSourceTransform([-2, 1.2, 0.5])
    sim.stand([2, 0, -0.5])
    behind = sim.get_sensor_observations()["audio_sensor"]
    assert not sensor.sourceIsVisible()
    assert sim.get_sensor_observations()["audio_sensor"] is not behind
    np.testing.assert_array_equal(sim.get_sensor_observations()["audio_sensor"], behind)
    wall.transformation = wall.transformation.copy()
    wall.transformation[0, 3] = 2.8  # behind the listener
    beside = sim.get_sensor_observations()["audio_sensor"]
    assert sensor.sourceIsVisible()
    assert levels(beside)[0] > levels(behind)[0] + 5


HINGED = """<robot name="gate">
  <link name="post"><inertial><origin xyz="0 0 0.1"/></inertial></link>
  <link name="leaf"><visual><origin xyz="0 0 1.9"/><geometry><box size="0.1 2.8 3.8"/></geometry>
    </visual></link>
  <joint name="slide" type="prismatic"><parent link="post"/><child link="leaf"/>
    <axis xyz="1 0 0"/></joint>
</robot>
"""


def test_a_door_that_moves_on_its_joint_is_heard_at_once(room, tmp_path):
    # A leaf of 10 cm across the room, that slides along x; the post's centre of mass is 10 cm off.
    urdf = tmp_path / "gate.urdf"
    urdf.write_text(HINGED)
    gate = ArticulatedObject(urdf, [0, 1.41, -1.8], {"slide": 0.0}, 1)
    sim = Simulator(room, categories=("void", "door"), articulated={"gate_:0000": gate})
    sensor = attach(sim, spec("Mono", 1))
    sensor.setAudioSourceTransform([-2, 1.2, 0.5])
    sim.stand([2, 0, -0.5])
    behind = sim.get_sensor_observations()["audio_sensor"]
    compiled = sensor._scene().compiled
    number = [thing.name for thing in compiled.objects].index("gate")
    corners = compiled.triangles[compiled.object == number].reshape(-1, 3)
    assert_allclose(corners.min(axis=0), [-0.05, -1.9, 0.01], atol=1e-5)
    assert_allclose(corners.max(axis=0), [0.05, 1.9, 2.81], atol=1e-5)
    assert avenv.scene.CATEGORIES[compiled.objects[number].category] == "door"
    assert not sensor.sourceIsVisible()
    gate.joint_positions = [2.8]
    beside = sim.get_sensor_observations()["audio_sensor"]
    assert sensor.sourceIsVisible()
    assert levels(beside)[0] > levels(behind)[0] + 5


def keyframe(room, screen, place, turn=(1, 0, 0, 0)):
    """Return a keyframe as habitat-sim's recorder writes it: Keyframe.h, JsonEspTypes.h."""
    frame = {"up": [0, 1, 0], "front": [0, 0, -1], "origin": [0, 0, 0]}
    files = {7: str(room), 9: str(screen)}
    return {
        "loads": [{"type": 3, "filepath": path, "frame": frame} for path in files.values()],
        "creations": [{"instanceKey": key, "creation": {"filepath": path, "scale": scale,
                       "isStatic": False, "isRGBD": True, "isSemantic": False}}
                      for (key, path), scale in zip(files.items(), (None, [1, 1, 3.8]),
                                                       strict=True)],
        "deletions": [],
        "stateUpdates": [
            {"instanceKey": 7, "state": {"absTransform": {"translation": [0, 0, 0],
                                                          "rotation": [1, 0, 0, 0]}}},
            {"instanceKey": 9, "state": {"absTransform": {"translation": place,
                                                          "rotation": list(turn)}}}],
        "metadata": [{"instanceKey": 9, "metadata": {"objectId": 1, "semanticId": 2}}],
    }  # fmt: skip


def test_a_recording_is_heard_keyframe_by_keyframe(room, tmp_path):
    # The screen of a metre is scaled to the room's depth; what the simulator has is the same.
    screen = box_file(tmp_path / "screen.glb", (0.1, 2.8, 1.0), (0, 0, 0), name="concrete")
    first = keyframe(room, screen, [0, 1.41, 0])
    moved = {"stateUpdates": [{"instanceKey": 9, "state": {"absTransform": {
        "translation": [2.8, 1.41, 0], "rotation": [1, 0, 0, 0]}}}]}  # fmt: skip
    file = tmp_path / "replay.json"
    file.write_text(json.dumps({"keyframes": [first, moved]}))
    replay = Replay({2: "door"})
    sensor = AudioSensor(spec=spec("Mono", 1), replay=replay)
    sensor.setAudioSourceTransform([-2, 1.2, 0.5])
    wall = RigidObject(Attributes(screen, scale=(1, 1, 3.8)), [0, 1.41, 0], 2)
    live = AudioSensor(Simulator(room, {"screen_:0": wall}, ["", "", "door"]), spec("Mono", 1))
    live.setAudioSourceTransform([-2, 1.2, 0.5])
    for one, x in zip(read_keyframes(file), (0, 2.8), strict=True):
        replay.add(one)
        wall.transformation[0, 3] = x
        heard, expected = (s.listen([2, 1.5, -0.5], [1, 0, 0, 0]) for s in (sensor, live))
        assert_allclose(heard, expected, atol=1e-6)
    replay.add(json.dumps({"keyframe": {"deletions": [9]}}))
    assert [thing.name for thing in replay.things()] == ["room"]


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ("[]", "is no keyframe"),
        ({"creations": [{"creation": {}}]}, "is no keyframe of gfx-replay: KeyError"),
        ({"creations": [{"instanceKey": 1, "creation": {"filepath": "cubeSolid"}}]},
         "'cubeSolid', which is no file"),
        ({"stateUpdates": [{"instanceKey": 1, "state": {"absTransform": {
            "translation": [0, 0, 0], "rotation": [0, 0, 0, 0]}}}]}, "accepted: a quaternion"),
    ],
)  # fmt: skip
def test_a_keyframe_that_is_none_is_named(tmp_path, frame, words):
    with pytest.raises(SceneError, match=words):
        Replay().add(frame)
    with pytest.raises(SceneError, match="the replay has nothing in it yet"):
        Replay().things()
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(SceneError, match="is no file of gfx-replay"):
        read_keyframes(tmp_path / "x.json")
    with pytest.raises(ValueError, match="accepted: one of sim"):
        AudioSensor(Simulator("x"), replay=Replay())


def test_a_stream_is_what_was_emitted_through_the_response(room):
    # Nothing moves: all steps together are the plain convolution of sound and response.
    sensor = AudioSensor(Simulator(room), spec())
    sensor.setAudioSourceTransform([-2, 1.2, 0.5])
    sensor.setAudioListenerTransform([1, 1.5, -0.5])
    stream = AudioStream(sensor, 0.1, 0.5)
    sound = np.random.default_rng(0).normal(size=4000).astype(np.float32)
    stream.play(sound, loop=False)
    heard = np.concatenate([stream.step() for _ in range(4)], axis=1)
    response = sensor.getIR()
    for channel in range(2):
        expected = np.convolve(sound, response[channel])[: heard.shape[1]]
        assert_allclose(heard[channel, 1600:], expected[1600:], atol=2e-4)
    assert_allclose(stream.window[:, -1600:], heard[:, -1600:])


def test_a_stream_goes_on_where_the_listener_goes(room):
    sensor = AudioSensor(Simulator(room), spec("Mono", 1, indirect=False))
    sensor.setAudioSourceTransform([-2, 1.2, 0.5])
    stream = AudioStream(sensor, 0.1)
    stream.play("fan")
    levels_heard = []
    for x in (2.0, 2.0, 2.0, -1.6, -1.6, -1.6):
        sensor.setAudioListenerTransform([x, 1.5, 0.5])
        levels_heard.append(levels(stream.step())[0])
    assert levels_heard[5] > levels_heard[2] + 10
    stream.silence()
    for _ in range(5):
        heard = stream.step()
    assert np.abs(heard).max() < 1e-3
    assert np.abs(stream.window).max() > 1e-3


def test_a_stream_without_sound_is_refused(room):
    sensor = AudioSensor(Simulator(room), spec())
    stream = AudioStream(sensor)
    with pytest.raises(ValueError, match=r"nothing plays; call play\(\) first"):
        stream.step()
    with pytest.raises(ValueError, match=r"no step has passed"):
        _ = stream.window
    with pytest.raises(ValueError, match="accepted: finite samples"):
        stream.play(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="0 < step_time <= window"):
        AudioStream(sensor, step_time=2, window=1)


def test_several_sources_are_heard_one_by_one(room):
    sensor = AudioSensor(Simulator(room), spec())
    places = {0: [-2, 1.2, 0.5], 7: [2, 1.2, 1.5]}
    for number, place in places.items():
        sensor.setAudioSourceTransform(place, source=number)
    sensor.setAudioListenerTransform([0, 1.5, -1])
    sensor.runSimulation()
    for number, place in places.items():
        alone = AudioSensor(Simulator(room), spec())
        alone.setAudioSourceTransform(place)
        np.testing.assert_array_equal(
            sensor.getIR(number), alone.listen([0, 1.5, -1], [1, 0, 0, 0])
        )


def materials(path, absorption, labels):
    rows = [{"name": "lining", "labels": labels, "absorption": [125, absorption, 8000, absorption],
             "scattering": [125, 0.3], "transmission": [125, 0.0]}]  # fmt: skip
    path.write_text(json.dumps({"materials": rows}))
    return path


def test_materials_by_label_dry_the_room(room, tmp_path):
    heard = []
    for absorption in (0.05, 0.6):
        sensor = AudioSensor(Simulator(room), spec("Mono", 1))
        sensor.setAudioMaterialsJSON(materials(tmp_path / "m.json", absorption, ["default"]))
        sensor.setAudioSourceTransform([-2, 1.2, 0.5])
        heard.append(levels(sensor.listen([1, 1.5, 0], [1, 0, 0, 0]))[0])
    assert heard[0] > heard[1] + 6


def test_a_category_of_the_semantic_scene_chooses_the_material(room, tmp_path):
    thing = box_file(tmp_path / "thing.glb", (1, 1, 1), (0, 0, 0))
    sim = Simulator(room, {"thing_:0000": RigidObject(Attributes(thing), [1, 0.5, 1], 1)},
                    ["void", "cushion"])  # fmt: skip
    sensor = AudioSensor(sim, spec("Mono", 1))
    sensor.setAudioMaterialsJSON(materials(tmp_path / "m.json", 0.77, ["Cushion"]))
    sensor.setAudioSourceTransform([-2, 1.2, 0.5])
    sensor.listen([1, 1.5, 0], [1, 0, 0, 0])
    compiled = sensor._scene().compiled
    number = [thing.name for thing in compiled.objects].index("thing")
    rows = np.unique(compiled.surface[compiled.object == number])
    assert [compiled.surfaces.names[row] for row in rows] == ["lining"]
    assert_allclose(compiled.surfaces.absorption[rows], 0.77, atol=1e-6)


def test_coefficients_are_interpolated_over_the_logarithm_of_frequency(tmp_path):
    path = tmp_path / "m.json"
    row = {"labels": ["rug"], "absorption": [250, 0.1, 1000, 0.3], "transmission": [125, 0.9]}
    path.write_text(json.dumps({"materials": [row]}))
    made = read_materials(path)["rug"]
    assert_allclose(made.absorption, [0.1, 0.1, 0.2, 0.3, 0.3, 0.3, 0.3], atol=1e-12)
    assert_allclose(made.transmission, made.absorption)  # never more than does not come back


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "has no list of 'materials'"),
        ('{"materials": [3]}', r"materials\[0\] is 3"),
        ('{"materials": [{"labels": ["a"], "absorption": [125]}]}', r"absorption is \[125\]"),
        ('{"materials": [{"labels": ["a"], "absorption": [125, 2]}]}', "0 to 1"),
        ('{"materials": [{"labels": ["a"], "absorption": [500, 0, 125, 0]}]}', "ascending"),
        ('{"materials": [{"labels": "a"}]}', "a list of names"),
    ],
)
def test_materials_that_are_none_are_named(tmp_path, text, words):
    path = tmp_path / "materials.json"
    path.write_text(text)
    with pytest.raises(SceneError, match=words) as caught:
        read_materials(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: spec("Quad", 4), "channelType is 'Quad'; accepted: mono, stereo, binaural"),
        (lambda: spec("Mono", 2), "channelCount is 2 and the layout mono; accepted: 1"),
        (lambda: spec("Ambisonics", 5), "channelCount is 5 of ambisonics; accepted: 4, 9, 16"),
        (lambda: spec(sampelRate=3), "the field 'sampelRate'; .*sampleRate"),
        (lambda: spec(irTime=0), "irTime is 0; accepted: a number above 0"),
    ],
)
def test_what_a_specification_cannot_ask_for_is_named(room, made, words):
    with pytest.raises(ValueError, match=words):
        AudioSensor(Simulator(room), made())


def test_what_is_asked_for_in_vain_is_said(room):
    with pytest.warns(UserWarning, match="diffraction is False: sound always bends"):
        AudioSensor(Simulator(room), spec(diffraction=False))


def test_what_is_not_ready_is_named(room, tmp_path):
    sim = Simulator(room)
    sensor = attach(sim, spec())
    with pytest.raises(ValueError, match="no source; call setAudioSourceTransform"):
        sim.get_sensor_observations()
    with pytest.raises(ValueError, match="a sensor 'audio_sensor' already"):
        attach(sim, spec())
    with pytest.raises(ValueError, match="source 0 has no response yet"):
        sensor.getIR()
    with pytest.raises(ValueError, match="accepted: a quaternion"):
        sensor.setAudioListenerTransform([0, 1, 0], [0, 0, 0, 0])
    with pytest.raises(ValueError, match=r"source is \[1, 2\]"):
        sensor.setAudioSourceTransform([1, 2])
    lost = AudioSensor(Simulator(tmp_path / "lost.glb"), spec())
    lost.setAudioSourceTransform([0, 1, 0])
    with pytest.raises(SceneError, match="is no file"):
        lost.listen([1, 1, 0], [1, 0, 0, 0])
