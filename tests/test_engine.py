"""Responses from scene to ear, and what they refuse."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from shapely.geometry import Polygon
from support import from_meshes, furnished, shoebox, solid, surfaces, two_rooms

from avenv.acoustics import Engine, MicrophoneArray, ResponseBatch, impulse_response
from avenv.acoustics import field as fields
from avenv.acoustics.measures import measures
from avenv.acoustics.scene import prepare
from avenv.acoustics.settings import AcousticSettings
from avenv.core import cache, parallel
from avenv.core.errors import SceneError
from avenv.scene.compiled import Room

QUICK = AcousticSettings(rays=512, mirror_rays=2048, max_time=0.5)
RATE = 16000


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AVENV_CACHE", str(tmp_path))
    monkeypatch.setattr(fields, "_memory", cache.MemoryCache(2**28))


def test_the_direct_sound_is_a_tap_of_one_over_r():
    scene = shoebox((12, 10, 8), absorption=1.0)
    response = impulse_response(scene, (3, 5, 4), (8, 5, 4), layout="mono")
    assert response.dtype == np.float32
    assert response.shape[0] == 1
    peak = np.abs(response[0]).argmax()
    assert peak / RATE == pytest.approx(5 / 343, abs=1e-4)
    # air takes 0.02 dB at 1 kHz; the tap lies between two samples
    spectrum = np.abs(np.fft.rfft(response[0], 8192))
    assert spectrum[500] == pytest.approx(1 / 5, rel=0.05)


def test_a_response_decays_as_its_late_field_does():
    scene = shoebox((7, 5.5, 4), absorption=0.2, scattering=0.7)
    response = impulse_response(scene, (2, 2, 2), (5, 4, 2), layout="mono")
    surface = 2 * (7 * 5.5 + 5.5 * 4 + 7 * 4)
    eyring = 0.161 * 7 * 5.5 * 4 / (-surface * np.log(1 - 0.2))
    assert measures(response, RATE)["t30"] == pytest.approx(eyring, rel=0.15)
    assert response.shape[1] / RATE == pytest.approx(eyring, rel=0.25)


def test_batches_and_threads_change_no_bit():
    scene = furnished(things=10)
    prepared = prepare(scene)
    engine = Engine(RATE, "binaural", settings=QUICK)
    field = engine.source_field(prepared, (2, 2, 1.5), 1.5)
    places = np.random.default_rng(0).uniform([1, 1, 1.5], [9, 7, 1.5], (16, 3))
    turns = np.arange(16.0)
    batch = ResponseBatch.of_source(field, places, turns)
    together = []
    for threads in (1, 2):
        parallel.set_num_threads(threads)
        together.append(engine.responses(batch))
    parallel.set_num_threads(None)
    alone = np.concatenate(
        [
            engine.responses(ResponseBatch.of_source(field, *pose))
            for pose in zip(places, turns, strict=True)
        ]
    )
    assert together[0].shape == (16, 2, QUICK.max_time * RATE)
    assert together[0].tobytes() == together[1].tobytes() == alone.tobytes()
    out = np.ones_like(alone)
    assert engine.responses(batch, out) is out
    assert out.tobytes() == alone.tobytes()


def test_seeds_give_other_tails_but_the_same_early_sound():
    scene = shoebox((7, 5.5, 4), absorption=0.2, scattering=0.3)
    prepared = prepare(scene)
    a, b, c = (
        impulse_response(prepared, (2, 2, 2), (4, 3, 2), settings=QUICK, length=4000, seed=s)
        for s in (0, 0, 1)
    )
    assert a.tobytes() == b.tobytes()
    direct = slice(0, int(2.6 / 343 * RATE))
    np.testing.assert_allclose(a[:, direct], c[:, direct], atol=0.01)
    assert np.abs(a[:, 1000:] - c[:, 1000:]).max() > 1e-3


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ((4.1, 0.5, 1.0), r"source \(4.100, 0.500, 1.000\) is inside a solid"),
        ((9.0, 0.5, 1.0), r"source \(9.000, 0.500, 1.000\) is outside the scene.*0.00..8.20"),
        ((np.nan, 0.5, 1.0), "is not a position"),
        ((1.0, 0.5), "is not a position"),
        ("here", "source 'here' is not a position"),
    ],
)
def test_a_source_must_be_in_the_air(place, message):
    scene = two_rooms()
    with pytest.raises(SceneError, match=message):
        impulse_response(scene, place, (1, 1, 1), settings=QUICK)


def test_a_listener_must_be_in_the_air():
    scene = two_rooms()
    with pytest.raises(SceneError, match=r"listener \(4.100, 0.500, 1.000\) is inside a solid"):
        impulse_response(scene, (1, 1, 1), (4.1, 0.5, 1.0), settings=QUICK)
    engine = Engine(RATE, "mono", settings=QUICK)
    field = engine.source_field(prepare(scene), (1, 1, 1), 1.0)
    with pytest.raises(ValueError, match=r"jobs\[0\]"):
        engine.responses(ResponseBatch.of_source(field, (1, np.nan, 1)))


ROOM = shoebox((5, 4, 3), absorption=0.1, scattering=0.3)


@pytest.mark.filterwarnings("error")  # nothing escapes
@pytest.mark.parametrize("sheet", [False, True])
@pytest.mark.parametrize(
    ("place", "off"),
    [
        ((1, 1, 0), (0, 0, 1)), ((0, 1, 1), (1, 0, 0)), ((1, 1, 3), (0, 0, -1)),
        ((0, 0, 1), (1, 1, 0)), ((0, 0, 0), (1, 1, 1)), ((5, 4, 3), (-1, -1, -1)),
        ((1, 1, 1e-6), (0, 0, 1)), ((1, 1, -1e-6), (0, 0, 1)),
    ],
)  # fmt: skip
def test_a_source_on_a_face_sounds_as_one_just_before_it(place, off, sheet):
    """All that it radiates stays in the room: late sound is as loud as from its middle.

    And the images in the faces add in phase: twice, four, eight times the direct pressure
    (Waterhouse 1958, "Output of a sound source in a reverberation chamber").
    """
    scene = replace(ROOM, double_sided=np.full(12, sheet), rooms=() if sheet else ROOM.rooms)
    settings = AcousticSettings(max_time=0.8)
    options = {"listener": (3.4, 2.9, 1.0), "layout": "mono", "settings": settings}
    on, before, middle = (
        impulse_response(scene, source, **options)[0].astype(float)
        for source in (place, np.add(place, 4e-3 * np.array(off)), (1.5, 1.3, 1.4))
    )
    assert 10 * np.log10((on**2).sum() / (before**2).sum()) == pytest.approx(0, abs=0.2)
    late = slice(1600, None)
    level = 10 * np.log10((on[late] ** 2).sum() / (middle[late] ** 2).sum())
    assert level == pytest.approx(0, abs=1)


def test_images_in_a_hard_wall_double_the_pressure_of_a_source_in_it():
    scene = shoebox((12, 10, 8), absorption=1.0)
    hard = np.ptp(scene.triangles[:, :, 2], axis=1) + scene.triangles[:, :, 2].max(axis=1) < 1e-3
    table = surfaces((1.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    scene = replace(scene, surfaces=table, surface=hard.astype(np.int32))
    on_floor = impulse_response(scene, (3, 5, 0), (8, 5, 4), layout="mono", settings=QUICK)[0]
    spectrum = np.abs(np.fft.rfft(on_floor, 8192))
    assert spectrum[500] == pytest.approx(2 / np.sqrt(41), rel=0.05)


def test_outside_of_a_room_that_is_not_convex_nobody_listens():
    plan = Polygon([(0, 0), (6, 0), (6, 3), (3, 3), (3, 5), (0, 5)])
    mesh = trimesh.creation.extrude_polygon(plan, 2.5)
    mesh.invert()
    room = Room("ell", np.array(plan.exterior.coords)[:-1], 0.0, 2.5)
    solid_walls = from_meshes([mesh], surfaces((0.2, 0.1, 0.0)), rooms=(room,))
    sheets = replace(solid_walls, double_sided=np.ones(len(mesh.faces), bool))
    for scene in (solid_walls, sheets):
        for notch in ((5.0, 4.5, 1.0), (3.05, 3.05, 1.0)):
            with pytest.raises(SceneError, match=r"inside a solid|outside the scene's rooms"):
                impulse_response(scene, (1, 1, 1), notch, settings=QUICK)
        for edge in ((3, 3, 1), (3, 4, 1), (1, 1, 2.5)):
            found = prepare(scene).check_position(edge, "listener")
            np.testing.assert_allclose(found, edge, atol=0.003)


def test_doorways_between_rooms_are_no_outside():
    prepared = prepare(two_rooms())
    for place in ((4.1, 2.0, 1.0), (4.02, 1.6, 1.9)):
        np.testing.assert_array_equal(prepared.check_position(place, "listener"), place)


def test_silence_is_warned_of():
    shell = solid((8.2, 4.0, 2.5), (4.1, 2.0, 1.25))
    shell.invert()
    wall = solid((0.2, 4.2, 2.7), (4.1, 2.0, 1.25))
    scene = from_meshes([shell, wall], surfaces((0.5, 0.5, 0.0)))
    with pytest.warns(UserWarning, match=r"from the source at \[1.0, 1.0, 1.0\] to the"):
        response = impulse_response(scene, (1, 1, 1), (6, 1, 1), settings=QUICK, layout="mono")
    assert not response.any()
    with pytest.warns(UserWarning, match=r"to the listener at \[8.0, 5.0, 4.0\] within 0.00625 s"):
        impulse_response(free_field(), (3, 5, 4), (8, 5, 4), settings=QUICK, length=100)


@pytest.mark.parametrize(("field", "value"), [
    *((name, -1) for name in ("rays", "bin", "cell", "slab", "max_time", "order", "seed")),
    ("rays", 10.5), ("max_time", np.inf), ("bin", np.nan), ("temperature", np.nan),
    ("humidity", 101),
])  # fmt: skip
def test_settings_that_make_no_sense_are_refused(field, value):
    with pytest.raises(ValueError, match=f"{field} is {value}; accepted: "):
        AcousticSettings(**{field: value})


def free_field():
    """Make a room that swallows all sound."""
    scene = shoebox((12, 10, 8), absorption=1.0)
    return prepare(scene)


@pytest.mark.filterwarnings("ignore:no sound gets")  # to where a cardioid sends none
@pytest.mark.parametrize(("facing", "gain"), [(0.0, 1.0), (np.pi / 2, 0.5), (np.pi, 0.0)])
def test_a_cardioid_source_is_loud_where_it_faces(facing, gain):
    args = free_field(), (3, 5, 4), (8, 5, 4)
    options = {"layout": "mono", "length": 1000, "settings": QUICK}
    even = impulse_response(*args, **options)
    turned = impulse_response(*args, **options, directivity="cardioid", facing=facing)
    np.testing.assert_allclose(turned, gain * even, atol=1e-3 * even.max())


def test_late_sound_has_the_mean_power_of_the_source():
    scene = shoebox((7, 5.5, 4), absorption=0.2, scattering=0.7)
    args = prepare(scene), (2, 2, 2), (5, 4, 2)
    options = {"layout": "mono", "length": 8000, "settings": QUICK}
    even = impulse_response(*args, **options)[0, 2000:]
    for facing in (0.0, 3.0):
        turned = impulse_response(*args, **options, directivity="cardioid", facing=facing)
        ratio = (turned[0, 2000:] ** 2).sum() / (even**2).sum()
        assert ratio == pytest.approx(1 / 3, rel=0.01)


def test_a_mirrored_scene_swaps_the_ears():
    scene = shoebox((6, 4, 3), absorption=0.5, scattering=0.5)
    prepared, levels = prepare(scene), []
    for middle, side in ((0.0, 1), (4.0, -1)):
        source, ear = (2.0, middle + side * 0.8, 1.5), (4.0, middle + side * 1.5, 1.4)
        response = impulse_response(prepared, source, ear, side * 1.2, length=1600)
        levels.append(10 * np.log10((response.astype(np.float64) ** 2).sum(axis=1))[::side])
    # rays and noise are not mirrored: levels are the same within chance
    np.testing.assert_allclose(levels[0], levels[1], atol=1)
    assert levels[0][0] - levels[0][1] > 2  # the source is on the left of the first


@pytest.mark.parametrize(
    ("layout", "channels"),
    [("stereo", 2), ("ambisonics1", 4), ("ambisonics3", 16), (MicrophoneArray([[0, 0, 0]] * 3), 3)],
)
def test_every_layout_can_be_asked_for(layout, channels):
    args = free_field(), (3, 5, 4), (8, 5, 4)
    response = impulse_response(*args, layout=layout, length=1000, settings=QUICK)
    mono = impulse_response(*args, layout="mono", length=1000, settings=QUICK)
    assert response.shape == (channels, 1000)
    assert np.isfinite(response).all()
    np.testing.assert_allclose(response[0].max(), mono.max(), rtol=0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layout": "surround"}, "layout is 'surround'"),
        ({"hrtf": "no.sofa"}, "no.sofa cannot be read"),
        ({"sample_rate": 100}, "sample_rate is 100"),
        ({"sample_rate": "16k"}, "sample_rate is '16k'"),
        ({"sample_rate": 16000.5}, "sample_rate is 16000.5"),
        ({"length": 0}, "length is 0"),
        ({"length": 99.5}, "length is 99.5"),
        ({"directivity": "laser"}, "directivity is 'laser'"),
        ({"facing": np.nan}, "facing is nan"),
        ({"heading": np.inf}, "heading is inf"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        impulse_response(free_field(), (3, 5, 4), (8, 5, 4), settings=QUICK, **options)


def test_gains_that_are_not_finite_are_refused():
    scene = shoebox((6, 4, 3), absorption=np.nan, scattering=0.5)
    with pytest.raises(ValueError, match="what arrives is not finite from the source at"):
        impulse_response(scene, (1, 1, 1), (3, 2, 1), settings=QUICK)


def test_an_output_of_another_kind_is_refused():
    prepared = free_field()
    engine = Engine(RATE, "mono", 100, QUICK)
    field = engine.source_field(prepared, (3, 5, 4), 4.0)
    batch = ResponseBatch.of_source(field, (8.0, 5, 4))
    for out in (np.empty((1, 1, 100)), np.empty((1, 2, 100), np.float32)):
        with pytest.raises(ValueError, match=r"out is .*accepted: float32"):
            engine.responses(batch, out)


def test_what_escapes_through_holes_is_warned_of():
    box = shoebox((6, 4, 3), absorption=0.2, scattering=0.3)
    roofless = np.flatnonzero(box.triangles[:, :, 2].min(axis=1) < 2.9)
    shell = trimesh.Trimesh(**trimesh.triangles.to_kwargs(box.triangles[roofless].astype(float)))
    scene = from_meshes([shell], box.surfaces)
    engine = Engine(RATE, "mono", settings=QUICK)
    with pytest.warns(UserWarning, match=r"test: \d\d% of the sound of the source at \[1.0, 1"):
        engine.source_field(prepare(scene), (1, 1, 1), 1.0)
