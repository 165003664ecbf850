"""Views of many places at once, and backends other than the built-in one."""

import re
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from support import furnished, shoebox

import avenv
from avenv import vision
from avenv.core.frames import body_rotation
from avenv.simulation.world import World
from avenv.vision import SENSORS, Optics, prepare, render_view

EYES = np.array([[2.0, 2.0, 1.5], [7.5, 1.2, 1.8], [2.5, 0.6, 0.4], [1.0, 3.0, 1.1]])
HEADINGS = np.array([0.3, -2.0, 2.9, -1.0])
PITCHES = np.array([0.0, -0.7, 0.4, 1.2])
PROJECTIONS = {
    "perspective": {"hfov": 100.0},
    "orthographic": {"span": 5.0},
    "equirectangular": {},
}
DOCS = Path(__file__).parents[1] / "docs" / "vision.md"


@pytest.fixture(scope="module")
def home():
    return prepare(furnished())


@pytest.mark.parametrize("projection", PROJECTIONS)
def test_many_views_are_those_of_each_place_alone(home, projection):
    options = {"size": (31, 18), "sensors": SENSORS, "projection": projection}
    options |= PROJECTIONS[projection]
    views = render_view(home, EYES, HEADINGS, PITCHES, **options)
    for row, pose in enumerate(zip(EYES, HEADINGS, PITCHES, strict=True)):
        alone = render_view(home, *pose, **options)
        for name in SENSORS:
            assert views[name].shape == (4, *alone[name].shape)
            np.testing.assert_array_equal(views[name][row], alone[name])


def test_one_heading_and_pitch_serve_all_places(home):
    views = render_view(home, EYES, 0.7, pitch=-0.2, size=(20, 10))
    spelt_out = render_view(home, EYES, np.full(4, 0.7), np.full(4, -0.2), size=(20, 10))
    for name, pictures in views.items():
        np.testing.assert_array_equal(pictures, spelt_out[name])


def test_a_list_of_one_place_is_still_a_list(home):
    view = render_view(home, EYES[0], size=(20, 10))["depth"]
    views = render_view(home, [EYES[0]], size=(20, 10))["depth"]
    assert (view.shape, views.shape) == ((10, 20, 1), (1, 10, 20, 1))
    np.testing.assert_array_equal(views[0], view)


@pytest.mark.parametrize("projection", PROJECTIONS)
def test_a_place_that_is_none_leaves_its_row_without_pictures(home, projection):
    options = {"size": (20, 10), "sensors": SENSORS, "projection": projection}
    options |= PROJECTIONS[projection]
    eyes = EYES.copy()
    eyes[1, 2], eyes[2, 0] = np.nan, -np.inf
    views = render_view(home, eyes, HEADINGS, on_error="nan", **options)
    whole = render_view(home, EYES, HEADINGS, **options)
    for name in ("depth", "normal"):
        assert np.isnan(views[name][1:3]).all()
    for name in ("rgb", "semantic", "instance"):
        assert not views[name][1:3].any()
    for name in SENSORS:
        np.testing.assert_array_equal(views[name][[0, 3]], whole[name][[0, 3]])
    assert np.isnan(eyes[1, 2]), "the caller's array is left alone"


def test_a_single_place_that_is_none_can_be_nan_too(home):
    view = render_view(home, (1, np.nan, 1), on_error="nan", size=(20, 10))
    assert np.isnan(view["depth"]).all()
    assert view["depth"].shape == (10, 20, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"position": [[1, 1, 1], [1, np.nan, 1]]}, r"position\[1, 1\] is nan; a finite number"),
        ({"position": [1, np.inf, 1]}, r"position\[1\] is inf"),
        ({"position": np.ones((2, 2))}, r"position has shape \(2, 2\); \(3,\) or \(J, 3\)"),
        ({"position": np.ones((1, 2, 3))}, r"position has shape \(1, 2, 3\)"),
        ({"position": np.ones((0, 3))}, r"position has shape \(0, 3\)"),
        ({"position": [[1, 1, 1], [1, 1]]}, "position is .*numbers are needed"),
        ({"position": "here"}, "position is 'here'"),
        ({"heading": np.zeros(3)}, r"heading has shape \(3,\); \(\) or \(2,\) is needed"),
        ({"position": (1, 1, 1), "pitch": [0.0]}, r"pitch has shape \(1,\); \(\) is needed"),
        ({"heading": [0, np.nan]}, r"heading\[1\] is nan"),
        ({"heading": [0, np.nan], "on_error": "nan"}, r"heading\[1\] is nan"),
        ({"on_error": "ignore"}, "on_error is 'ignore'; accepted: 'raise', 'nan'"),
        ({"backend": "rasta"}, "vision is 'rasta'; accepted: raster; did you mean 'raster'"),
        ({"backend": None}, "vision is None; accepted: raster"),
    ],
)
def test_what_cannot_be_is_named(home, change, message):
    with pytest.raises(ValueError, match=message):
        render_view(**({"scene": home, "position": np.ones((2, 3))} | change))


def test_the_question_to_a_world_takes_arrays_too():
    world = World(shoebox((6, 4, 3)))
    eyes = np.array([[1.0, 2, 1.5], [2, 2, 1.5], [np.nan, 2, 1.5]])
    depth = avenv.render_view(world, eyes, size=(9, 9), hfov=20, on_error="nan")["depth"]
    np.testing.assert_allclose(depth[0], 5, rtol=1e-5)
    np.testing.assert_allclose(depth[1], 4, rtol=1e-5)
    assert np.isnan(depth[2]).all()
    with pytest.raises(ValueError, match=r"position\[2, 0\]"):
        avenv.render_view(world, eyes)


class Compass:
    """Pictures that are as dark as the gaze is far from north, and say which scene they are in."""

    def __init__(self, n, optics, sensors):
        width, height = optics.size
        self.pictures = {name: np.zeros((n, height, width, 1), np.float32) for name in sensors}

    def draw(self, scenes, scene_of, positions, rotations, instances=None):
        for picture in self.pictures.values():
            north = rotations[:, 1, 0] * np.array([scenes[k].level for k in scene_of])
            picture[:] = north[:, None, None, None]


@pytest.fixture
def compass(monkeypatch):
    """Return the name of a backend that stands in the table for the length of a test."""
    module = ModuleType("compass")
    module.prepare = lambda compiled, like=None: SimpleNamespace(
        compiled=compiled, parts=0, level=1.0
    )
    module.lit = lambda scene, light, rng=None: SimpleNamespace(
        **{**vars(scene), "level": vision.light.moods.mood(light, (), ())[1]}
    )
    module.make_renderer = Compass
    monkeypatch.setitem(vision.BACKENDS, "compass", module)
    return "compass"


def test_a_module_in_the_table_is_a_backend(compass):
    scene, headings = shoebox(), np.array([0.0, np.pi / 2, -np.pi / 6])
    options = {"size": (4, 2), "sensors": ["depth"], "backend": compass}
    seen = render_view(scene, EYES[:3], headings, **options)["depth"]
    assert seen.shape == (3, 2, 4, 1)
    np.testing.assert_allclose(seen[:, 0, 0, 0], [0, 1, -0.5], atol=1e-7)
    backend = vision.find_backend(compass)
    evening = backend.lit(backend.prepare(scene), "evening")
    seen = render_view(evening, EYES[0], np.pi / 2, **options)["depth"]
    np.testing.assert_allclose(seen, 0.1)


def test_the_rasteriser_is_what_the_room_offers_directly():
    raster = vision.find_backend("raster")
    for name in ("prepare", "lit", "make_renderer"):
        assert getattr(vision, name) is getattr(raster, name)


def test_every_backend_serves_any_batch(compass):
    """The contract of a backend: pictures of every row, whatever else is in the batch."""
    for name, backend in vision.BACKENDS.items():
        scene = backend.lit(backend.prepare(shoebox()), "day")
        assert (scene.compiled.name, scene.parts) == (shoebox().name, 0)
        turns = body_rotation(HEADINGS, PITCHES)
        together = backend.make_renderer(4, Optics((8, 6)), ("depth",))
        arrays = dict(together.pictures)
        together.draw([scene, scene], [0, 1, 1, 0], EYES, turns)
        alone = backend.make_renderer(1, Optics((8, 6)), ("depth",))
        for row in range(4):
            alone.draw([scene], [0], EYES[row : row + 1], turns[row : row + 1])
            np.testing.assert_array_equal(alone.pictures["depth"][0], arrays["depth"][row], name)


def test_the_documentation_runs():
    page, names = DOCS.read_text(), {}
    for heading in ("## Use", "### Views"):
        section = page[page.index(heading) :]
        exec(re.search(r"```python\n(.*?)```", section, re.DOTALL)[1], names)
    assert names["depth"].shape == (2, 128, 128, 1)
    assert names["clearance"].shape == (64,)
