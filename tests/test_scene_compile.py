"""A spec compiles to one list of triangles with honest tables."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from numpy.testing import assert_allclose
from shapely import MultiPoint, Polygon
from support import shoebox

from avenv.geometry import lines_of_sight
from avenv.navigation import build_grid
from avenv.scene import CATEGORIES, SceneBuilder, SceneSpec, compile_scene, find_scene
from avenv.scene.catalogue import kind
from avenv.scene.materials import material


@pytest.fixture(scope="module")
def apartment():
    return compile_scene(SceneSpec.from_yaml(find_scene("apartment")))


def corners_of(scene, name):
    number = [thing.name for thing in scene.objects].index(name)
    return scene.triangles[scene.object == number].reshape(-1, 3)


def den(**fields):
    builder = SceneBuilder("den", **fields)
    builder.room("den", size=(5, 4), elevation=0.5)
    return builder


def test_tables_have_one_row_for_each_index(apartment):
    count = len(apartment.triangles)
    assert apartment.triangles.shape == (count, 3, 3)
    assert apartment.uv.shape == (count, 3, 2)
    assert apartment.triangles.dtype == apartment.uv.dtype == np.float32
    assert apartment.surface.dtype == apartment.object.dtype == np.int32
    states = [state for switch in apartment.switches for state in switch.states.values()]
    used = np.concatenate([apartment.surface, *(state.surface for state in states)])
    assert set(used) == set(range(len(apartment.surfaces.names)))
    assert set(apartment.object) == set(range(len(apartment.objects)))
    names = [thing.name for thing in apartment.objects]
    assert len(set(names)) == len(names)
    normal = np.linalg.norm(apartment.normals, axis=1)
    stateless = np.ones(count, bool)
    for switch in apartment.switches:
        stateless[switch.triangles] = False
    assert np.all(normal[stateless] > 0.99)  # nothing degenerate, but for what a state lacks
    assert np.all((normal > 0.99) | (normal == 0))
    assert np.all(apartment.surfaces.transmission <= apartment.surfaces.absorption)


def test_surfaces_are_not_repeated(apartment):
    table = apartment.surfaces
    rows = [(n, *t) for n, t in zip(table.names, table.transmission.tolist(), strict=True)]
    assert len(set(rows)) == len(rows)


def test_compiling_twice_gives_the_same_bits(apartment):
    again = compile_scene(SceneSpec.from_yaml(find_scene("apartment")))
    assert again.fingerprint == apartment.fingerprint


def test_a_solid_carries_its_loss_in_two_halves():
    table = compile_scene(den().build()).surfaces
    row = table.names.index("plaster")
    passed = -10 * np.log10(table.transmission[row].astype(float))
    assert_allclose(2 * passed, material("plaster").transmission_loss, rtol=1e-5)


def test_a_sheet_carries_all_its_loss():
    builder = den()
    builder.place("curtain", at=(2.5, 0.12), facing=90, z=0.1)
    scene = compile_scene(builder.build())
    row = scene.surfaces.names.index("curtain")
    passed = -10 * np.log10(scene.surfaces.transmission[row].astype(float))
    assert_allclose(passed, material("curtain").transmission_loss, rtol=1e-5)
    assert np.all(scene.double_sided == (scene.surface == row))


@pytest.mark.parametrize("facing", [0, 90, -30])
def test_objects_stand_where_they_are_put(facing):
    builder = den()
    builder.place("sofa", at=(2, 2), facing=facing, size=(0.9, 2.0, 0.8))
    scene = compile_scene(builder.build())
    thing = next(t for t in scene.objects if t.name == "sofa")
    assert CATEGORIES[thing.category] == "sofa"
    assert thing.position == (2, 2, 0.5)
    assert_allclose(thing.heading, np.deg2rad(facing))
    offset = corners_of(scene, "sofa") - (2, 2, 0.5)
    front = np.array([np.cos(thing.heading), np.sin(thing.heading)])
    assert_allclose((offset[:, :2] @ front).max(), 0.45, atol=1e-3)
    assert_allclose((offset[:, :2] @ [-front[1], front[0]]).max(), 1.0, atol=1e-3)
    assert_allclose(offset[:, 2].min(), 0, atol=1e-3)
    assert_allclose(offset[:, 2].max(), 0.8, atol=1e-3)


def test_things_stand_on_things():
    builder = den()
    radio = builder.place("radio", on="table", offset=(0.2, 0.5), facing=10)  # before its table
    builder.place("table", at=(2, 2), facing=90, size=(0.9, 1.6, 0.75))
    builder.source(on=radio)
    scene = compile_scene(builder.build())
    thing = next(t for t in scene.objects if t.name == "radio")
    # The table faces +y: its forward is +y and its left is -x.
    assert_allclose(thing.position, (2 - 0.5, 2 + 0.2, 0.5 + 0.75), atol=1e-9)
    (source,) = scene.sources
    assert source.name == "radio"
    assert source.sound == kind("radio").sound
    top = corners_of(scene, "radio")[:, 2].max()
    assert_allclose(source.position, (1.5, 2.2, top + 0.02), atol=1e-5)


def test_things_hang():
    builder = den()
    builder.place("ceiling_lamp", at=(2, 2))
    builder.place("picture", at=(2, 0.08), facing=90, size=(0.04, 0.8, 0.6))
    builder.place("smoke_alarm", at=(3, 3))
    builder.source(on="smoke_alarm")
    scene = compile_scene(builder.build())
    ceiling = 0.5 + 2.6
    assert_allclose(corners_of(scene, "ceiling_lamp")[:, 2].max(), ceiling, atol=1e-3)
    assert_allclose(corners_of(scene, "picture")[:, 2].mean(), 0.5 + 1.5, atol=0.05)
    assert scene.sources[0].position[2] < corners_of(scene, "smoke_alarm")[:, 2].min()


def test_sounds_in_files_are_found_beside_the_scene(tmp_path):
    (tmp_path / "purr.wav").touch()
    scene = tmp_path / "den.yaml"
    scene.write_text("""
name: den
rooms: [{name: den, polygon: [[0, 0], [5, 0], [5, 4], [0, 4]]}]
sources: [{position: [1, 1, 1], sound: purr.wav, level: 3}]
""")
    (source,) = compile_scene(SceneSpec.from_yaml(scene)).sources
    assert source.name == "purr"
    assert source.sound == str((tmp_path / "purr.wav").resolve())
    assert source.level == 3


def test_the_apartment_is_closed_and_furnished(apartment):
    shell_of = {"floor", "ceiling", "wall", "window", "sky"}
    built = [k for k, t in enumerate(apartment.objects) if t.kind in shell_of]
    triangles = apartment.triangles[np.isin(apartment.object, built)]
    shell = trimesh.Trimesh(**trimesh.triangles.to_kwargs(triangles))
    assert shell.is_watertight
    assert shell.is_winding_consistent
    assert len(apartment.rooms) == 6
    spec = SceneSpec.from_yaml(find_scene("apartment"))
    assert len(spec.objects) >= 45
    assert {s.name for s in apartment.sources} == {"phone"}


def test_a_robot_can_walk_into_every_room_of_the_apartment(apartment):
    grid = build_grid(apartment)
    assert grid.islands.max() == 1  # one island: nothing is cut off
    rows, columns = np.nonzero(grid.islands)
    walkable = MultiPoint(grid.origin + (np.stack([columns, rows], axis=1) + 0.5) * grid.cell)
    for room in apartment.rooms:
        assert len(Polygon(room.polygon).intersection(walkable).geoms) > 100


def test_the_apartments_phone_is_in_the_open(apartment):
    phone = np.array([apartment.sources[0].position])
    assert lines_of_sight(apartment.bvh, phone, np.array([[4.7, 3.6, 1.5]])).all()
    assert not lines_of_sight(apartment.bvh, phone, np.array([[1.5, 7.5, 1.5]])).any()


def test_another_image_on_a_surface_is_another_scene():
    scene = shoebox()
    red, blue = (np.full((2, 2, 4), c, np.uint8) for c in ([255, 0, 0, 255], [0, 0, 255, 255]))
    prints = {replace(scene, images=i).fingerprint for i in ((), (red,), (blue,), (red, blue))}
    assert len(prints) == 4
    assert replace(scene, images=(red.copy(),)).fingerprint in prints
    assert replace(scene, images=(red.reshape(1, 4, 4),)).fingerprint not in prints
