"""Scenes of Habitat's datasets: a stage and objects, with their axes, units and places."""

import json
from pathlib import Path

import numpy as np
import pytest
from mesh_support import bounds, box_file
from numpy.testing import assert_allclose

import avenv
from avenv.core.errors import SceneError, SceneWarning
from avenv.scene.meshes import inspect_mesh
from avenv.simulation.loading import load_scene

CASES = Path(__file__).parent / "cases"


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))
    return path


@pytest.fixture
def dataset(tmp_path):
    """Return a folder with a 6 x 3 x 4 m stage (Y up) and a stool, 40 cm, as a dataset has them."""
    write(tmp_path / "small.scene_dataset_config.json", {})
    box_file(tmp_path / "stages" / "room.glb", (6, 3, 4), (0, 1.5, 0), inwards=True)
    write(tmp_path / "stages" / "room.stage_config.json", {"render_asset": "room.glb"})
    box_file(tmp_path / "objects" / "meshes" / "stool.glb", (0.4, 0.4, 0.4), (0, 0.2, 0))
    asset = {"render_asset": "meshes/stool.glb", "mass": 3}
    write(tmp_path / "objects" / "stool.object_config.json", asset)
    return tmp_path


def instance(dataset, *objects, **fields):
    data = {"stage_instance": {"template_name": "stages/room"}, "object_instances": objects}
    return write(dataset / "scenes" / "one.scene_instance.json", {**data, **fields})


def test_a_stage_stands_with_y_up_turned_to_z(dataset):
    world = load_scene(dataset / "stages" / "room.stage_config.json")
    assert_allclose(world.compiled.bounds, [[-3, -2, 0], [3, 2, 3]], atol=1e-5)
    assert world.walkable.islands.max() == 1


def test_up_front_and_units_are_those_of_the_asset(dataset):
    # The asset has Z up and looks along +Y, in centimetres: a room of 600 x 400 x 300.
    box_file(dataset / "stages" / "cm.glb", (600, 400, 300), (0, 0, 150), inwards=True)
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


def test_an_articulated_object_that_is_not_there_is_named(dataset):
    path = instance(dataset, articulated_object_instances=[{"template_name": "fridge"}])
    with pytest.raises(SceneError, match=r"there is no fridge\.ao_config\.json"):
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


# --- the dataset's configuration ------------------------------------------------------------------


def dataset_config(dataset, **sections):
    return write(dataset / "small.scene_dataset_config.json", sections)


@pytest.mark.filterwarnings("ignore::avenv.core.errors.SceneWarning")
def test_an_alias_is_the_thing_with_other_attributes():
    scenes = [CASES / "habitat_alias" / "scenes" / f"{n}.scene_instance.json" for n in "ab"]
    whole, small = (avenv.import_mesh(scene) for scene in scenes)
    assert_allclose(np.ptp(bounds(whole, "chair"), axis=0), [50, 50, 90], rtol=1e-5)
    assert_allclose(np.ptp(bounds(small, "small_chair"), axis=0), [25, 25, 45], rtol=1e-5)
    small = avenv.import_mesh(scenes[1], units_to_meters=True)
    assert_allclose(bounds(small, "small_chair"),
                    [[1.875, -2.125, 0.225], [2.125, -1.875, 0.675]], atol=1e-5)  # fmt: skip
    assert load_scene(scenes[0]).walkable.islands.max() >= 1


def test_what_habitat_sim_reads_and_does_not_apply_is_in_the_report():
    scene = CASES / "habitat_alias" / "scenes" / "a.scene_instance.json"
    with pytest.warns(SceneWarning, match=r"units_to_meters is 0\.01 of 1 of 2 templates"):
        _, report = inspect_mesh(scene)
    assert "pass units_to_meters=True to apply it" in str(report)


def test_settings_in_yaml_beside_a_habitat_scene(dataset):
    # Within its folder: the dataset's own folder is what the scene's files are read from.
    dataset_config(dataset, objects={"default_attributes": {"units_to_meters": 0.5}})
    scene = instance(dataset, {"template_name": "stool", "translation": [0, 0.2, 0]})
    beside = scene.with_name("one.yaml")
    beside.write_text("mesh: one.scene_instance.json\nunits_to_meters: true\n")
    size = np.ptp(bounds(load_scene(beside).compiled, "stool"), axis=0)
    assert_allclose(size, [0.2] * 3, rtol=1e-5)


@pytest.mark.parametrize("stage", ["stages/deep", "deep", "DEEP.glb", "stages/deep.glb"])
@pytest.mark.parametrize("paths", [{".glb": ["stages/*.glb"]}, {".glb": ["stages"]}])
def test_a_dataset_with_z_up_stands_upright(dataset, stage, paths):
    # 6 x 4 m and 3 m high, with Z up: every mesh of the dataset is, and no file says so itself.
    box_file(dataset / "stages" / "deep.glb", (6, 4, 3), (0, 0, 1.5), inwards=True)
    up = {"up": [0, 0, 1], "front": [0, 1, 0]}
    dataset_config(dataset, stages={"default_attributes": up, "paths": paths})
    path = instance(dataset, stage_instance={"template_name": stage})
    assert_allclose(load_scene(path).compiled.bounds, [[-3, -2, 0], [3, 2, 3]], atol=1e-5)


def test_defaults_go_behind_a_files_own_attributes(dataset):
    dataset_config(
        dataset,
        stages={"default_attributes": {"scale": [2, 2, 2], "up": [0, 0, 1]}},
        objects={"default_attributes": {"scale": [0.5, 0.5, 0.5], "COM": [0, 0, 0]}},
    )
    config = {"render_asset": "room.glb", "up": [0, 1, 0]}
    stage = write(dataset / "stages" / "room.stage_config.json", config)
    assert_allclose(load_scene(stage).compiled.bounds, [[-6, -4, 0], [6, 4, 6]], atol=1e-5)
    path = instance(dataset, {"template_name": "stool", "translation": [1, 0, 0]})
    # Its centre of mass, the middle of its base, is what is placed.
    expected = [[0.9, -0.1, 0], [1.1, 0.1, 0.2]]
    assert_allclose(bounds(load_scene(path).compiled, "stool"), expected, atol=1e-5)


def test_up_alone_turns_the_front_with_it(dataset):
    box_file(dataset / "stages" / "z.glb", (6, 4, 3), (0, 0, 1.5), inwards=True)
    config = {"render_asset": "z.glb", "up": [0, 0, 1]}
    path = write(dataset / "stages" / "z.stage_config.json", config)
    assert_allclose(load_scene(path).compiled.bounds, [[-3, -2, 0], [3, 2, 3]], atol=1e-5)


STOOL = "objects/stool.object_config.json"


@pytest.mark.parametrize(
    ("configs", "name", "size"),
    [
        ([{"original_file": STOOL, "template_handle": "tall", "attributes": {"scale": [1, 2, 1]}}],
         "tall", [0.4, 0.4, 0.8]),
        ([{"original_file": STOOL, "attributes": {"scale": [1, 2, 1]}}],
         "stool", [0.4, 0.4, 0.8]),
        ([{"template_handle": "new",
           "attributes": {"render_asset": "objects/meshes/stool.glb", "scale": [3, 1, 1]}}],
         "new", [1.2, 0.4, 0.4]),
        ([{"original_file": "stool", "template_handle": "one", "attributes": {"scale": [2, 1, 1]}},
          {"original_file": "one", "template_handle": "two", "attributes": {"mass": 2}}],
         "two", [0.8, 0.4, 0.4]),
        ([{"original_file": STOOL, "template_handle": "bar_stool_17",
           "attributes": {"scale": [1, 3, 1]}}],
         "Bar_Stool", [0.4, 0.4, 1.2]),
    ],
)  # fmt: skip
def test_configs_rename_change_and_make_templates(dataset, configs, name, size):
    dataset_config(dataset, objects={"paths": {".json": ["objects"]}, "configs": configs})
    path = instance(dataset, {"template_name": name, "translation": [1, 1, 0]})
    found = bounds(load_scene(path).compiled, name)
    assert_allclose(np.ptp(found, axis=0), size, rtol=1e-5)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"configs": [{"attributes": {}}]}, "needs an original_file or a template_handle"),
        ({"configs": [{"original_file": "sofa"}]}, "there is no 'sofa'"),
        ({"configs": [{"original_file": "../x.glb"}]}, "out of the scene's folder"),
        ({"paths": {".glb": ["../*.glb"]}}, "out of the scene's folder"),
        ({"paths": {".glb": ["a**b"]}}, r"paths: 'a\*\*b' is no pattern"),
        ({"default_attributes": 3}, r"default_attributes"),
        ({"default_attributes": {"scale": [1, 2]}}, r"scale"),
        ({"default_attributes": {"up": [0, 0, 1], "front": [0, 0, 1]}},
         r"up is \[0\.0, 0\.0, 1\.0\] and front \[0\.0, 0\.0, 1\.0\]"),
    ],
)  # fmt: skip
def test_a_wrong_dataset_configuration_is_named(dataset, section, message):
    dataset_config(dataset, objects=section)
    with pytest.raises(SceneError, match=message):
        load_scene(instance(dataset, {"template_name": "stool"}))


def test_an_uneven_scale_is_along_the_worlds_axes_and_not_the_assets(dataset):
    # Z up, looking along +Y: 1 x 2 x 3 m there are 1 wide, 3 high and 2 deep here. The scale makes
    # it twice as wide, thrice as high and as deep as before: 2, 9 and 2 m.
    box_file(dataset / "stages" / "turned.glb", (1, 2, 3), (0, 0, 1.5), inwards=True)
    config = {"render_asset": "turned.glb", "up": [0, 0, 1], "front": [0, 1, 0],
              "scale": [2, 3, 1]}  # fmt: skip
    path = write(dataset / "stages" / "turned.stage_config.json", config)
    assert_allclose(avenv.import_mesh(path).bounds, [[-1, -1, 0], [1, 1, 9]], atol=1e-5)


def test_the_centre_of_mass_is_scaled_with_the_thing(dataset):
    asset = {"render_asset": "meshes/stool.glb", "COM": [0, 0.4, 0], "scale": [0.5, 0.5, 0.5]}
    write(dataset / "objects" / "stool.object_config.json", asset)
    where = {"template_name": "objects/stool", "translation": [1, 0.2, 1]}
    compiled = load_scene(instance(dataset, where)).compiled
    assert_allclose(bounds(compiled, "stool"), [[0.9, -1.1, 0], [1.1, -0.9, 0.2]], atol=1e-5)
