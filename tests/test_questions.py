"""Questions about many places at once get the answers of as many single ones."""

import contextlib
import math
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support import shoebox, two_rooms

import avenv
from avenv import geodesic_distance, impulse_response
from avenv.acoustics import AcousticSettings
from avenv.core.errors import SceneError
from avenv.simulation.emitters import Emitter
from avenv.simulation.world import World
from avenv.sounds import Sound

QUICK = AcousticSettings(rays=256, mirror_rays=1024, max_time=0.3)
PAGE = Path(__file__).parents[1] / "docs" / "acoustics.md"


@pytest.fixture(scope="module")
def rooms():
    return World(two_rooms())


@pytest.mark.parametrize("backend", ["native", "anechoic"])
def test_a_map_is_what_single_listeners_hear(rooms, backend):
    x, y = np.meshgrid(np.arange(0.6, 8.0, 1.75), (0.5, 2.0))
    ears = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, 1.5)])
    turns = np.linspace(0, 3, len(ears))
    ask = {"settings": QUICK, "acoustics": backend, "length": 3000}
    source = (1.0, 1.0, 1.5)
    together = impulse_response(rooms, source, ears, turns, on_error="nan", **ask)
    assert together.shape == (10, 2, 3000)
    walls = (ears[:, 0] > 4.0) & (ears[:, 0] < 4.2) & (ears[:, 1] < 1.5)
    assert walls.sum() == 1
    np.testing.assert_array_equal(np.isnan(together).any(axis=(1, 2)), walls)
    for response, ear, turn in zip(together, ears, turns, strict=True):
        if np.isfinite(response).all():
            alone = impulse_response(rooms, source, ear, turn, **ask)
            np.testing.assert_array_equal(response, alone)
    with pytest.raises(SceneError, match=r"listener \(4.100, 0.500, 1.500\) is inside a solid"):
        impulse_response(rooms, source, ears, **ask)


def test_the_longest_decay_sets_the_length(rooms):
    ears = [(2.0, 2.0, 1.5), (7.0, 3.0, 1.5)]
    ask = {"layout": "mono", "settings": QUICK}
    together = impulse_response(rooms, (1, 1, 1.5), ears, **ask)
    alone = [impulse_response(rooms, (1, 1, 1.5), ear, **ask).shape[1] for ear in ears]
    assert together.shape == (2, 1, max(alone))


def test_heads_of_several_heights_hear_what_each_would(rooms):
    ears = [(2.0, 2.0, 1.5), (2.0, 2.0, 0.6), (3.0, 1.0, 1.5)]
    ask = {"layout": "mono", "settings": QUICK, "length": 2000}
    together = impulse_response(rooms, (1, 1, 1.5), ears, **ask)
    for response, ear in zip(together, ears, strict=True):
        np.testing.assert_array_equal(response, impulse_response(rooms, (1, 1, 1.5), ear, **ask))


@pytest.mark.parametrize("listener", [(4.1, 0.5, 1.5), (1.0, np.nan, 1.5), (99.0, 1.0, 1.5)])
def test_where_no_head_can_be_there_is_nan(rooms, listener):
    response = impulse_response(rooms, (1, 1, 1.5), listener, settings=QUICK, on_error="nan")
    assert response.shape[0] == 2
    assert np.isnan(response).all()


def test_what_is_no_listener_is_always_refused(rooms):
    for listener in ("here", (1, 1), [(1, 1)], np.zeros((1, 1, 3))):
        with pytest.raises(SceneError, match="is not a position"):
            impulse_response(rooms, (1, 1, 1.5), listener, on_error="nan")
    with pytest.raises(SceneError, match=r"source \(4.100, 0.500, 1.500\) is inside"):
        impulse_response(rooms, (4.1, 0.5, 1.5), [(1, 1, 1.5)], on_error="nan")
    with pytest.raises(
        ValueError, match=r"heading has shape \(2,\); accepted: a number, or \(3,\)"
    ):
        impulse_response(rooms, (1, 1, 1.5), [(1, 2, 1.5)] * 3, [0.0, 1.0])
    with pytest.raises(ValueError, match="on_error is 'zero'; accepted: 'raise', 'nan'"):
        impulse_response(rooms, (1, 1, 1.5), (1, 2, 1.5), on_error="zero")


def test_distances_from_many_places_are_those_from_each(rooms):
    starts = np.array([(1.0, 1.0), (3.0, 0.5), (7.0, 3.0), (4.1, 0.5)])
    together = geodesic_distance(rooms, starts, (6.0, 1.0))
    assert together.shape == (4,)
    alone = [geodesic_distance(rooms, start, (6.0, 1.0)) for start in starts]
    assert all(isinstance(d, float) for d in alone)
    np.testing.assert_array_equal(together, alone)
    assert together[2] == pytest.approx(np.hypot(1, 2), rel=0.02)


def test_a_place_far_from_any_floor_has_no_distance():
    room = World(shoebox())
    starts = np.array([(1.0, 1.0), (9.0, 1.0), (np.nan, 1.0)])
    found = geodesic_distance(room, starts, (3.0, 1.0), on_error="nan")
    np.testing.assert_allclose(found, [2.0, np.nan, np.nan], rtol=0.02)
    with pytest.raises(SceneError, match=r"\(9.00, 1.00\) is .* m away from walkable floor"):
        geodesic_distance(room, starts[:2], (3.0, 1.0))
    with pytest.raises(SceneError, match="away from walkable floor"):
        geodesic_distance(room, (1.0, 1.0), (9.0, 1.0), on_error="nan")
    with pytest.raises(ValueError, match=r"start has shape \(3,\); accepted: \(2,\) or \(J, 2\)"):
        geodesic_distance(room, (1.0, 1.0, 1.0), (3.0, 1.0))


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The names that the examples of docs/acoustics.md leave behind, and the folder they ran in."""
    names: dict = {}
    folder = tmp_path_factory.mktemp("page")
    with contextlib.chdir(folder):
        for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
            exec(block, names)
    return names | {"folder": folder}


def test_the_walk_of_the_page_leads_to_the_phone(page):
    heard, rate = soundfile.read(page["folder"] / "walk.wav", dtype="float32")
    np.testing.assert_array_equal(heard.T, page["heard"])
    assert (heard.shape, rate) == ((7 * 16000, 2), 16000)
    way = page["poses"], [np.pi, np.pi, -np.pi / 2, np.pi], [0, 3, 5, 7]
    noise = np.random.default_rng(0).standard_normal(16000).astype(np.float32)
    steady = Emitter(page["ringing"].position, Sound("noise", "noise", noise, 16000))
    heard = avenv.render_audio(page["home"], steady, *way, step_time=0.05)
    levels = 10 * np.log10((heard.astype(float) ** 2).reshape(2, 14, -1).mean(axis=2))
    assert (levels[:, -1] > levels[:, 0] + 6).all()  # from the hall to near it
    assert (np.diff(levels.mean(axis=0)[::3]) > 0).all()
    left, right = levels[:, 9]
    assert right > left + 1  # who comes through the doorway faces south, and has it on the right
    before = avenv.render_audio(page["home"], page["carried"], *way)[:, :8000]
    np.testing.assert_allclose(before, page["heard"][:, :8000], atol=1e-5)  # it does not ring yet


def test_the_map_of_the_page_is_one(page):
    names = page
    level, metres = names["level"], names["metres"]
    free = np.isfinite(level)
    assert 0.5 < free.mean() < 1
    assert level[free].min() > -60
    source = np.hypot(names["x"] - 1.5, names["y"] - 2.0)
    loudest = np.nanargmax(level)  # one of the four that are nearest
    assert source.ravel()[loudest] == pytest.approx(source.min())
    assert metres[-1, -1] > source[-1, -1] + 0.5  # round the walls between


def test_degrees_are_told_from_radians(rooms):
    here, there = (1.0, 1.0, 1.5), (2.0, 2.0, 1.5)
    for name in ("heading", "facing"):
        with pytest.raises(ValueError, match=rf"{name} is 90, .*radians .*\(90\) = 1.571"):
            impulse_response(rooms, here, there, **{name: 90}, settings=QUICK)
    with pytest.raises(ValueError, match=r"heading is -180, .*= -3.142"):
        impulse_response(rooms, here, [there] * 2, [0.0, -180.0], settings=QUICK)
    for name in ("heading", "pitch"):
        with pytest.raises(ValueError, match=f"{name} is 45, more than a turn"):
            avenv.render_view(rooms, here, **{name: 45})
    turned = [impulse_response(rooms, here, there, angle, length=800, settings=QUICK)
              for angle in (math.pi, -math.pi)]  # fmt: skip
    np.testing.assert_allclose(*turned, atol=1e-5)
    impulse_response(rooms, here, there, 2 * math.pi, length=800, settings=QUICK)
