"""Things with states: doors, lids, screens, lamps, what falls, breaks or is carried."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from avenv.core.errors import SceneError
from avenv.geometry import lines_of_sight
from avenv.scene import SceneBuilder, SceneSpec, compile_scene
from avenv.scene.catalogue import build_mesh, kind, kind_names
from avenv.scene.materials import material
from avenv.vision import prepare, relight, render_view


def flat(**door):
    b = SceneBuilder("flat")
    b.room("a", size=(5, 4))
    b.room("b", size=(4, 4), at=(5, 0))
    b.door("a", "b", name="door", **door)
    b.place("tv", at=(1, 2), name="tv")
    b.place("fridge", at=(4, 3), facing=-90, name="fridge")
    b.place("chair", at=(2.5, 1), facing=40, name="chair")
    b.place("vase", at=(2, 3.4), name="vase")
    b.place("ceiling_lamp", at=(2.5, 2), name="lamp")
    b.place("table", at=(7, 1), name="table")
    return b


@pytest.fixture(scope="module")
def scene():
    return compile_scene(flat().build())


def of(scene, name):
    """Return the triangles of an object that have an area."""
    number = [thing.name for thing in scene.objects].index(name)
    return scene.triangles[(scene.object == number) & np.any(scene.normals, axis=1)]


@pytest.mark.parametrize("name", kind_names())
def test_rows_of_states_make_sense(name):
    row = kind(name)
    assert len(row.states) != 1
    for state, how in row.states.items():
        assert all(part in row.materials and material(m) for part, m in how.materials.items())
        assert 0 <= how.light <= 1
        assert how.pose in (None, "fallen", "held")
        parts = build_mesh(name, state=state)
        assert {p.name for p in parts} == set(row.materials)
        corners = np.concatenate([p.triangles.reshape(-1, 3) for p in parts])
        assert np.isfinite(corners).all()
        assert corners[:, 2].min() >= -1e-4  # nothing sinks into what it stands on
        if next(iter(row.states)) == state:
            extent = corners.max(axis=0) - corners.min(axis=0)
            assert_allclose(extent, row.size, atol=1e-4)


def test_an_object_may_be_given_a_state(scene):
    spec = flat().build().to_dict()
    spec["objects"][0]["state"] = "on"
    spec["doors"][0]["state"] = "closed"
    given = compile_scene(SceneSpec.from_dict(spec))
    posed = scene.posed({"tv": "on", "door": "closed"})
    assert given.states == posed.states
    assert given.states["tv"] == "on"
    assert np.array_equal(given.triangles, posed.triangles)
    assert np.array_equal(given.surface, posed.surface)


def test_a_state_moves_only_its_thing_and_keeps_the_list(scene):
    closed = scene.posed({"door": "closed"})
    moved = np.any(closed.triangles != scene.triangles, axis=(1, 2))
    assert {scene.objects[k].name for k in scene.object[moved]} == {"door"}
    assert np.array_equal(closed.surface, scene.surface)
    assert closed.rest is scene


def test_back_to_rest_is_the_very_same_scene(scene):
    other = scene.posed({"door": "closed", "vase": "broken"})
    assert other.posed({"door": "open"}).states["vase"] == "broken"
    assert other.posed({"door": "open", "vase": "whole"}) is scene
    again = scene.posed({"vase": "broken", "door": "closed"})
    assert again.fingerprint == other.fingerprint != scene.fingerprint


@pytest.mark.parametrize("name", ["door", "tv", "fridge", "chair", "vase", "lamp"])
def test_what_is_known_of_a_scene_at_rest_serves_its_variants(scene, name):
    for state in scene.possible_states(name):
        variant = scene.posed({name: state})
        alone = replace(variant, rest=None, like=None)  # nothing else is known of it
        for what in ("normals", "has_area", "bounds"):
            np.testing.assert_array_equal(getattr(variant, what), getattr(alone, what))
        assert variant.lamps == alone.lamps
        assert variant.lit.states == alone.lit.states


def test_a_closed_door_fills_its_opening(scene):
    eyes, goals = np.array([[4.0, 2, 1.0]]), np.array([[6.0, 2, 1.0]])
    assert lines_of_sight(scene.bvh, eyes, goals).all()
    assert not lines_of_sight(scene.posed({"door": "closed"}).bvh, eyes, goals).any()


def test_a_fallen_chair_lies_on_its_front(scene):
    depth, _, height = kind("chair").size
    upright, fallen = of(scene, "chair"), of(scene.posed({"chair": "fallen"}), "chair")
    assert_allclose(upright[..., 2].max(), height, atol=1e-4)
    assert_allclose([fallen[..., 2].min(), fallen[..., 2].max()], [0, depth], atol=1e-4)
    assert_allclose(volume(fallen), volume(upright), rtol=1e-4)  # turned, not mirrored


def volume(triangles):
    a, b, c = np.moveaxis(triangles.astype(float), 1, 0)
    return np.einsum("td,td->", a, np.cross(b, c)) / 6


def test_a_held_thing_is_no_longer_there(scene):
    assert len(of(scene.posed({"vase": "held"}), "vase")) == 0


def test_a_switched_screen_looks_different_and_sounds_the_same(scene):
    lit = scene.posed({"tv": "on"})
    assert np.array_equal(lit.triangles, scene.triangles)
    assert lit.fingerprint != scene.fingerprint
    assert lit.acoustic_fingerprint == scene.acoustic_fingerprint
    names = {scene.surfaces.names[k] for k in lit.surface[lit.surface != scene.surface]}
    assert names == {"screen_lit"}


def test_lamps_have_levels(scene):
    assert scene.lamps == {"lamp": 1.0, "tv": 0.0}
    assert scene.posed({"lamp": "off", "tv": "on"}).lamps == {"lamp": 0.0, "tv": 1.0}
    assert scene.lit.states["tv"] == "on"


def test_switching_on_adds_a_source_and_switching_off_removes_it(scene):
    assert scene.sources == ()
    (source,) = scene.posed({"tv": "on"}).sources
    assert (source.name, source.sound, source.object) == ("tv", "tv", "tv")
    x, y, z = source.position
    assert_allclose((x, y), (1, 2))
    assert z > kind("tv").size[2]
    b = flat()
    b.source(on="tv", level=-3.0)
    loud = compile_scene(b.build())
    assert loud.states["tv"] == "on"  # a source on it says so
    off = loud.posed({"tv": "off"})
    assert off.sources == ()
    assert off.posed({"tv": "on"}).sources[0].level == -3.0


def test_everywhere_has_room_for_every_state(scene):
    whole = scene.whole.triangles
    assert np.array_equal(whole[np.any(scene.normals, axis=1)],
                          scene.triangles[np.any(scene.normals, axis=1)])  # fmt: skip
    a, b, c = np.moveaxis(whole.astype(float), 1, 0)
    assert (np.linalg.norm(np.cross(b - a, c - a), axis=1) > 0).all()


def test_unknown_things_and_states_are_named(scene):
    with pytest.raises(SceneError, match=r"no 'tvv' that has states.*tv"):
        scene.posed({"tvv": "on"})
    with pytest.raises(SceneError, match="'table'"):
        scene.posed({"table": "on"})
    with pytest.raises(SceneError, match=r"'door' has no state 'ajar'; it has open, closed"):
        scene.posed({"door": "ajar"})
    with pytest.raises(SceneError, match=r"'door' has no state \['closed'\]; it has open"):
        scene.posed({"door": ["closed"]})
    with pytest.raises(SceneError, match=r"states are 'door'; accepted: a mapping"):
        scene.posed("door")


@pytest.mark.parametrize(
    ("row", "field", "message"),
    [
        ("objects", {"kind": "tv", "position": [4, 1], "state": "loud"}, "never 'loud'.*off or on"),
        ("objects", {"kind": "table", "position": [4, 1], "state": "on"}, "it has no states"),
    ],
)
def test_bad_states_in_a_spec_are_named(row, field, message):
    spec = flat().build().to_dict()
    spec[row].append(field)
    with pytest.raises(SceneError, match=message):
        compile_scene(SceneSpec.from_dict(spec))


def test_a_source_on_a_thing_that_is_off_is_a_mistake():
    spec = flat().build().to_dict()
    spec["objects"][0]["state"] = "off"
    spec["sources"] = [{"on": "tv"}]
    with pytest.raises(SceneError, match=r"sources\[0\].on: 'tv' is 'off', and silent.*on"):
        compile_scene(SceneSpec.from_dict(spec))


def seen(raster, name, heading=0.0, position=(2.2, 2.0, 1.25)):
    views = render_view(raster, position, heading, size=(64, 64), sensors=("rgb", "instance"))
    number = [thing.name for thing in raster.compiled.objects].index(name)
    return views["rgb"], views["instance"][..., 0] == number + 1


def test_a_variant_looks_as_if_it_had_been_compiled_so_but_for_baked_shadows(scene):
    raster = prepare(scene)
    shut = prepare(scene.posed({"door": "closed"}), like=raster)
    assert shut.arrays.texels is raster.arrays.texels  # textures are drawn once
    rgb, door = seen(shut, "door")
    before, open_door = seen(raster, "door")
    assert door[30:34, 30:34].all()
    assert not open_door[30:34, 30:34].any()
    elsewhere = ~door & ~open_door
    np.testing.assert_allclose(rgb[elsewhere].astype(int), before[elsewhere], atol=16)
    assert rgb[door].mean() > 40  # a lit leaf, not a black one


def test_a_screen_lights_up_and_a_lamp_goes_out(scene):
    raster = prepare(scene)
    lit, screen = seen(prepare(scene.posed({"tv": "on"}), like=raster), "tv", np.pi)
    dark, _ = seen(raster, "tv", np.pi)
    assert lit[screen].mean() > dark[screen].mean() + 50
    night, _ = seen(relight(prepare(scene.posed({"lamp": "off"}), like=raster), daylight=0), "tv")
    evening, _ = seen(relight(raster, daylight=0), "tv")
    assert night.mean() < 0.5 * evening.mean()


def test_what_falls_takes_its_texture_along(scene):
    """A texel of the chair's seat is found where the seat has gone."""
    raster = prepare(scene)
    fallen = prepare(scene.posed({"chair": "fallen"}), like=raster)
    charts = raster.charts
    number = [thing.name for thing in scene.objects].index("chair")
    own = np.flatnonzero((scene.object == number) & np.any(scene.normals, axis=1))
    chart = charts.of_triangle[own]
    for compiled, drawn in ((scene, raster), (fallen.compiled, fallen)):
        frame = drawn.arrays.chart_frame[chart, :8].reshape(-1, 2, 4).astype(float)
        points = np.concatenate([compiled.triangles[own], np.ones((len(own), 3, 1))], axis=2)
        uv = np.einsum("tkd,tnd->tnk", frame, points)
        assert_allclose(uv, scene.uv[own], atol=1e-3)


def test_a_room_whose_only_lamp_is_a_screen_that_is_off_is_not_dark():
    b = SceneBuilder("den")
    b.room("den", size=(4, 4))
    b.place("tv", at=(1, 2), name="tv")
    den = compile_scene(b.build())
    raster = prepare(den)
    dark, screen = seen(raster, "tv", np.pi)
    lit, _ = seen(prepare(den.posed({"tv": "on"}), like=raster), "tv", np.pi)
    assert dark[~screen].mean() > 40
    assert lit[screen].mean() > dark[screen].mean() + 50
