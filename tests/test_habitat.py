"""Scenes of Habitat's datasets: a stage and objects, with their axes, units and places."""

import json

import numpy as np
import pytest
import trimesh
from numpy.testing import assert_allclose

import avenv
from avenv.core.errors import SceneError, SceneWarning
from avenv.simulation.world import load_scene


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))
    return path


def mesh(path, extents, centre, inwards=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = trimesh.creation.box(extents)
    shape.apply_translation(centre)
    if inwards:
        shape.invert()
    look = trimesh.visual.material.PBRMaterial(name="oak", baseColorFactor=[1.0, 1.0, 1.0, 1.0])
    shape.visual = trimesh.visual.TextureVisuals(material=look)
    shape.export(path)


@pytest.fixture
def dataset(tmp_path):
    """Return a folder with a 6 x 3 x 4 m stage (Y up) and a stool, 40 cm, as a dataset has them."""
    write(tmp_path / "small.scene_dataset_config.json", {})
    mesh(tmp_path / "stages" / "room.glb", (6, 3, 4), (0, 1.5, 0), inwards=True)
    write(tmp_path / "stages" / "room.stage_config.json", {"render_asset": "room.glb"})
    mesh(tmp_path / "objects" / "meshes" / "stool.glb", (0.4, 0.4, 0.4), (0, 0.2, 0))
    asset = {"render_asset": "meshes/stool.glb", "mass": 3}
    write(tmp_path / "objects" / "stool.object_config.json", asset)
    return tmp_path


def instance(dataset, *objects, **fields):
    data = {"stage_instance": {"template_name": "stages/room"}, "object_instances": objects}
    return write(dataset / "scenes" / "one.scene_instance.json", {**data, **fields})


def bounds(compiled, name):
    number = [o.name for o in compiled.objects].index(name)
    points = compiled.triangles[compiled.object == number].reshape(-1, 3)
    return np.array([points.min(axis=0), points.max(axis=0)])


def test_a_stage_stands_with_y_up_turned_to_z(dataset):
    world = load_scene(dataset / "stages" / "room.stage_config.json")
    assert_allclose(world.compiled.bounds, [[-3, -2, 0], [3, 2, 3]], atol=1e-5)
    assert world.walkable.islands.max() == 1


def test_up_front_and_units_are_those_of_the_asset(dataset):
    # The asset has Z up and looks along +Y, in centimetres: a room of 600 x 400 x 300.
    mesh(dataset / "stages" / "cm.glb", (600, 400, 300), (0, 0, 150), inwards=True)
    config = {"render_asset": "cm.glb", "up": [0, 0, 1], "front": [0, 1, 0],
              "units_to_meters": 0.01}  # fmt: skip
    path = write(dataset / "stages" / "cm.stage_config.json", config)
    with pytest.warns(SceneWarning, match=r"units_to_meters is 0\.01 of 1 .* not applied"):
        as_habitat = avenv.import_mesh(path)
    assert_allclose(as_habitat.bounds, [[-300, -200, 0], [300, 200, 300]], atol=1e-3)
    applied = avenv.import_mesh(path, units_to_meters=True)
    assert_allclose(applied.bounds, [[-3, -2, 0], [3, 2, 3]], atol=1e-5)


def test_objects_stand_where_the_scene_puts_them(dataset):
    # Habitat's (x, y, z) is (x, -z, y) here. A quarter turn about its vertical axis.
    half = float(np.sqrt(0.5))
    path = instance(
        dataset,
        {"template_name": "stool", "translation": [1.0, 0.0, -0.5], "uniform_scale": 2.0},
        {"template_name": "objects/stool", "translation": [-2.0, 0.0, 1.0],
         "rotation": [half, 0.0, half, 0.0], "non_uniform_scale": [2.0, 1.0, 1.0]},
        translation_origin="asset_local",
    )  # fmt: skip
    compiled = load_scene(path).compiled
    assert_allclose(bounds(compiled, "stool"), [[0.6, 0.1, 0], [1.4, 0.9, 0.8]], atol=1e-5)
    turned = [[-2.2, -1.4, 0], [-1.8, -0.6, 0.4]]  # its length of 0.8 m lies along y now
    assert_allclose(bounds(compiled, "stool_2"), turned, atol=1e-5)
    outwards = compiled.triangles[compiled.object == 1]
    normals = compiled.normals[compiled.object == 1]
    middle = outwards.reshape(-1, 3).mean(axis=0)
    assert (np.einsum("td,td->t", normals, outwards.mean(axis=1) - middle) > 0).all()


def test_without_a_local_origin_the_middle_of_an_object_is_placed(dataset):
    path = instance(dataset, {"template_name": "stool", "translation": [0.0, 0.2, 0.0]})
    expected = [[-0.2, -0.2, 0], [0.2, 0.2, 0.4]]
    assert_allclose(bounds(load_scene(path).compiled, "stool"), expected, atol=1e-5)


def test_articulated_objects_are_left_out_with_a_warning(dataset):
    path = instance(dataset, articulated_object_instances=[{"template_name": "fridge"}])
    with pytest.warns(SceneWarning, match="1 articulated objects are left out"):
        load_scene(path)


@pytest.mark.parametrize(
    ("placement", "message"),
    [
        ({"template_name": "sofa"}, r"there is no sofa\.object_config\.json"),
        ({"template_name": "../../secret"}, "out of the scene's folder"),
        ({"template_name": "stool", "uniform_scale": 0}, r"object_instances\[0\]\.uniform_scale"),
        ({"template_name": "stool", "rotation": [1, 0]}, r"object_instances\[0\]\.rotation"),
        ({}, r"object_instances\[0\]\.template_name: is missing"),
    ],
)  # fmt: skip
def test_a_wrong_placement_is_named(dataset, placement, message):
    with pytest.raises(SceneError, match=rf"(?s)one\.scene_instance\.json.*{message}"):
        load_scene(instance(dataset, placement))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"render_asset": "gone.glb"}, r"gone\.glb"),
        ({"render_asset": "../../x.glb"}, "render_asset.*out of the scene's folder"),
        ({"render_asset": "room.glb", "up": [0, 0, 1], "front": [0, 0, 1]}, "right angles"),
        ({"render_asset": "room.glb", "units_to_meters": -1}, "units_to_meters"),
        ([], "valid mapping$"),
    ],
)  # fmt: skip
def test_a_wrong_stage_is_named(dataset, config, message):
    path = write(dataset / "stages" / "room.stage_config.json", config)
    with pytest.raises(SceneError, match=rf"(?s)stage_config\.json.*{message}"):
        load_scene(path)


def test_what_is_no_json_is_refused(dataset):
    path = dataset / "stages" / "room.stage_config.json"
    path.write_text("{")
    with pytest.raises(SceneError, match="not valid JSON"):
        load_scene(path)
