"""The engine of pyroomacoustics: does it get the same room?"""

import numpy as np
import pytest
import trimesh
from shapely.affinity import rotate
from shapely.geometry import Polygon
from support import from_meshes, shoebox, surfaces, two_rooms

from avenv.acoustics import AcousticSettings, impulse_response, measures
from avenv.acoustics import pyroom as reference
from avenv.core.errors import SceneError
from avenv.envs.env import Env
from avenv.scene import SceneBuilder
from avenv.scene.compiled import Room

RATE = 16000
QUICK = AcousticSettings(rays=256, max_time=0.3)
L_SHAPE = Polygon([(0, 0), (6, 0), (6, 3), (3, 3), (3, 5), (0, 5)])


def prism(plan, height=2.5, absorption=0.2, scattering=0.1):
    """Make an empty room over a plan."""
    mesh = trimesh.creation.extrude_polygon(plan, height)
    mesh.invert()
    room = Room("prism", np.array(plan.exterior.coords)[:-1], 0.0, height)
    return from_meshes([mesh], surfaces((absorption, scattering, 0.0)), rooms=(room,))


def respond(scene, source, listener, settings=QUICK):
    return impulse_response(
        scene, source, listener, backend="pyroomacoustics", layout="mono", settings=settings
    )


def images(scene, source, listener):
    """Return the lengths and dampings of the library's image sources, in the order of arrival."""
    room = reference.Engine(RATE, settings=QUICK).room(scene, np.array(source), np.array(listener))
    room.image_source_model()
    seen = room.visibility[0][0].astype(bool)
    offset = room.sources[0].images[:, seen].T - room.mic_array.R.T
    length, damping = np.linalg.norm(offset, axis=1), room.sources[0].damping[:, seen].T
    order = np.lexsort((damping[:, 0].round(4), length.round(4)))
    return length[order], damping[order]


def test_the_direct_sound_is_a_tap_of_one_over_r():
    response = respond(shoebox((12, 10, 8), absorption=1.0), (3, 5, 4), (3 + 3.43, 5, 4))
    assert response.shape == (1, 0.3 * RATE)
    assert np.abs(response[0]).argmax() == 160
    assert response[0, 160] == pytest.approx(1 / 3.43, rel=0.03)  # air takes its share


def test_a_turned_box_has_the_images_of_the_box():
    plan = Polygon([(0, 0), (5, 0), (5, 4), (0, 4)])
    source, listener = np.array([1.2, 1.1, 1.4]), np.array([3.9, 2.7, 1.7])
    turned = rotate(plan, 30, origin=(0, 0))
    turn = np.array([[np.sqrt(3) / 2, -0.5, 0], [0.5, np.sqrt(3) / 2, 0], [0, 0, 1]])
    box = images(prism(plan), source, listener)
    other = images(prism(turned), turn @ source, turn @ listener)
    assert len(box[0]) == 25  # up to the second order
    np.testing.assert_allclose(box[0], other[0], atol=1e-4)
    np.testing.assert_allclose(box[1], other[1], atol=1e-4)


def test_a_room_of_six_walls_is_no_box():
    length, _ = images(prism(L_SHAPE), (5.5, 1.0, 1.2), (1.0, 1.0, 1.2))
    box, _ = images(prism(Polygon([(0, 0), (6, 0), (6, 5), (0, 5)])), (5.5, 1, 1.2), (1, 1, 1.2))
    # 4.5 m straight on, and mirrored in the floor, the ceiling, and the wall y = 3 or y = 5
    np.testing.assert_allclose(length[0], 4.5)
    mirrored = [np.hypot(4.5, d) for d in (2.4, 2.6, 4.0)]
    assert all(np.abs(length - m).min() < 1e-3 for m in mirrored[:2])
    assert np.abs(box - np.hypot(4.5, 8.0)).min() < 1e-3
    assert np.abs(length - np.hypot(4.5, 8.0)).min() > 1e-3


def test_an_opening_absorbs_all_that_meets_it():
    scene = two_rooms(door=1.0, absorption=0.2)
    source, listener = np.array([1.0, 1.0, 1.2]), np.array([2.0, 3.0, 1.2])
    room = reference.Engine(RATE, settings=QUICK).room(scene, source, listener)
    absorption = {wall.name: wall.absorption[0] for wall in room.walls}
    assert absorption.pop("east") == pytest.approx(0.2 + 0.8 * (1.0 * 2.0) / (4.0 * 2.5), abs=0.01)
    assert list(absorption.values()) == pytest.approx([0.2] * 5, rel=1e-5)


def test_the_decay_is_that_of_the_room():
    scene = shoebox((7, 5.5, 4), absorption=0.3, scattering=0.7)
    settings = AcousticSettings(rays=2048, max_time=0.8)
    response = respond(scene, (2, 2, 2), (5, 4, 2), settings)
    surface, volume = 2 * (7 * 5.5 + 5.5 * 4 + 7 * 4), 7 * 5.5 * 4
    eyring = 24 * np.log(10) / 343 * volume / (-surface * np.log(1 - 0.3))
    assert measures(response, RATE)["t20"] == pytest.approx(eyring, rel=0.2)


def test_the_same_seed_gives_the_same_response():
    places = shoebox(scattering=0.5), (1, 1, 1), (4, 3, 2)
    one, two = (respond(*places) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    other = respond(*places, AcousticSettings(rays=256, max_time=0.3, seed=1))
    assert (one != other).any()


def test_what_it_cannot_do_is_said():
    scene = two_rooms()
    with pytest.raises(SceneError, match="has no rooms; the pyroomacoustics engine hears rooms"):
        respond(from_meshes([trimesh.creation.box((1, 1, 1))], surfaces((0.1, 0.1, 0))),
                (2, 0, 0), (3, 0, 0))  # fmt: skip
    with pytest.raises(ValueError, match=r"layout is 'binaural'.*'mono'"):
        reference.Engine(RATE, "binaural")
    with pytest.raises(ValueError, match="sample_rate is 100; accepted: 8000"):
        reference.Engine(100)
    with pytest.raises(ValueError, match="acoustics is 'loud'; accepted: native, pyroom"):
        impulse_response(scene, (1, 1, 1), (2, 1, 1), backend="loud")


@pytest.mark.parametrize("plan", [Polygon([(0, 0), (5, 0), (5, 4), (0, 4)]), L_SHAPE])
def test_a_listener_in_the_source_hears_it_from_a_centimetre(plan):
    scene, source = prism(plan), (2.0, 2.0, 1.5)
    away = respond(scene, source, (2.01, 2.0, 1.5))
    for distance in (0.0, 1e-6, 0.005):
        np.testing.assert_array_equal(respond(scene, source, (2.0, 2.0 + distance, 1.5)), away)


def test_between_rooms_there_is_silence_and_a_warning():
    scene = two_rooms()
    with pytest.warns(UserWarning, match=r"source at \[6.0, 1.0, 1.0\].*room, 'room 0'"):
        response = respond(scene, (6, 1, 1), (1, 1, 1))
    assert response.shape == (1, 0.3 * RATE)
    assert not response.any()


def test_environments_can_be_heard_through_it():
    builder = SceneBuilder("studio")
    builder.room("studio", size=(4, 3))
    scene = builder.build()
    given = {"scenes": scene, "sensors": ("audio",), "layout": "mono", "sounds": "builtin:heard"}
    env, native = (Env(acoustics=name, **given) for name in ("pyroomacoustics", "native"))
    heard = [e.reset(seed=0)[0]["audio"] for e in (env, native)]
    assert heard[0].shape == heard[1].shape == (1, RATE)
    levels = [10 * np.log10((x.astype(float) ** 2).mean()) for x in heard]
    assert levels[0] == pytest.approx(levels[1], abs=6)
    assert np.abs(env.step(1)[0]["audio"]).max() > 0
