"""Habitat's datasets as scenes: small homes in the layout of each, read right to 1 mm.

Every fixture is the home of ``habitat_home``.
"""

import gzip
import json
import os

import gymnasium as gym
import numpy as np
import pytest
import soundfile
import trimesh
from habitat_home import (
    AT_TABLE,
    IN_ROOM,
    ROOM,
    TABLE,
    Z_AXES,
    Z_UP,
    bounds,
    box,
    category,
    labelled_ply,
    materials,
    save,
    scan,
    write,
)
from numpy.testing import assert_allclose

from avenv.core.errors import SceneError, SceneWarning
from avenv.habitat import read_episodes
from avenv.simulation.world import load_scene, load_worlds

pytestmark = pytest.mark.filterwarnings("ignore:.*surfaces without texture or colour")


def check(compiled, table, room=None):
    """Check geometry, categories, materials and, where there is one, the room."""
    assert_allclose(compiled.bounds, IN_ROOM, atol=1e-3)
    assert_allclose(bounds(compiled, table), AT_TABLE, atol=1e-3)
    assert category(compiled, table) == "table"
    assert materials(compiled, table) == {"oak"}
    assert [one.name for one in compiled.rooms] == ([room] if room else [])
    for one in compiled.rooms:
        polygon = np.array([one.polygon.min(axis=0), one.polygon.max(axis=0)])
        assert_allclose(polygon, [[-3, -2], [3, 2]], atol=1e-3)
        assert_allclose([one.floor, one.height], [0, 3], atol=1e-3)
        assert compiled.rooms[compiled.objects[-1].room] is one


HOUSE = """ASCII 1.1
H room label 0 0 4 1 0 2 2 1 0 1 0 0 0 0 0 -3 -2 0 3 2 3 0 0 0 0 0
L 0 1 x 0 0 0 -3 -2 0 3 2 3 0 0 0 0 0
R 0 0 0 0 k 0 0 0 -3 -2 0 3 2 3 3 0 0 0 0
S 0 0 0 f 0 0 0 0 0 1 -3 -2 0 3 2 0 0 0 0 0 0
V 0 0 f -3 -2 0 0 0 1 0 0 0
V 1 0 f 3 -2 0 0 0 1 0 0 0
V 2 0 f 3 2 0 0 0 1 0 0 0
V 3 0 f -3 2 0 0 0 1 0 0 0
C 0 1 wall 1 wall 0 0 0 0 0
C 1 2 dining#table 5 table 0 0 0 0 0
O 7 0 0 0 0 1.5 1 0 0 0 1 0 3 2 1.5 0 0 0 0 0 0 0 0
O 9 0 1 1 0.5 0.4 1 0 0 0 1 0 0.5 1 0.4 0 0 0 0 0 0 0 0
"""


@pytest.fixture(scope="module")
def mp3d(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mp3d") / "scans/17DRP5sb8fy"
    scan(folder / "17DRP5sb8fy.glb")
    labelled_ply(folder / "17DRP5sb8fy_semantic.ply", (7, 9))
    write(folder / "17DRP5sb8fy.house", HOUSE)
    return folder.parents[1]


def test_matterport(mp3d):
    world = load_scene(f"habitat:{mp3d}")
    check(world.compiled, "table_9", "kitchen")
    assert world.reference.endswith("17DRP5sb8fy.glb")
    assert load_scene(world.reference).content_hash == world.content_hash


def test_hm3d(tmp_path):
    # Things are known by their colours in the semantic mesh; regions have no outlines of their own.
    folder = tmp_path / "00800-x"
    scan(folder / "x.basis.glb")
    whole = trimesh.Scene()
    floor = box((6, 0.001, 4), (0, -0.0005, 0), False, Z_UP)
    for k, (shape, color) in enumerate(
        (
            (box(*ROOM, True, Z_UP), 0x2A3B4C),
            (box(*TABLE, False, Z_UP), 0x112233),
            (floor, 0x445566),
        )
    ):
        factor = [color >> 16, color >> 8 & 255, color & 255, 255]
        linear = [((c / 255 + 0.055) / 1.055) ** 2.4 if c > 10 else c / 255 / 12.92 for c in factor]
        look = trimesh.visual.material.PBRMaterial(name=f"m{k}")
        look._data["baseColorFactor"] = np.array([*linear[:3], 1.0])
        shape.visual = trimesh.visual.TextureVisuals(material=look)
        whole.add_geometry(shape)
    whole.export(folder / "x.semantic.glb")
    lines = ["HM3D Semantic Annotations", '1,2A3B4C,"wall",0', '2,112233,"table, long",0',
             '3,445566,"floor",0']  # fmt: skip
    write(folder / "x.semantic.txt", "\n".join(lines) + "\n")
    config = {"stages": {"default_attributes": {**Z_AXES, "semantic_asset":
              "%%CONFIG_NAME_AS_ASSET_FILENAME%%.semantic.glb", "semantic_descriptor_filename":
              "%%CONFIG_NAME_AS_ASSET_FILENAME%%.semantic.txt"},
              "paths": {".glb": ["*/*.basis.glb"]}}}  # fmt: skip
    file = write(tmp_path / "hm3d.scene_dataset_config.json", config)
    compiled = load_scene(f"habitat:{file}").compiled
    name = "table,_long_2"
    assert_allclose(bounds(compiled, name), AT_TABLE, atol=1e-3)
    assert category(compiled, name) == "table"
    assert [room.name for room in compiled.rooms] == ["region 0"]
    assert_allclose(compiled.rooms[0].height, 3, atol=1e-3)


def test_gibson(tmp_path):
    scan(tmp_path / "Allensville.glb")
    labelled_ply(tmp_path / "Allensville_semantic.ply", (1, 4))
    things = [{"id": 1, "class_": "wall"}, {"id": 4, "class_": "dining table",
              "location": [1, 0.5, 0.4], "size": [1, 2, 0.8]}]  # fmt: skip
    write(tmp_path / "Allensville.scn", {"objects": things})
    check(load_scene(f"habitat:{tmp_path}").compiled, "dining_table_4")


def test_ai2thor(tmp_path):
    # As AI2THOR-Hab has them: Y up, assets below their configurations, all glass and wood named by
    # a lexicon, the floor plan as regions of the scene.
    root = tmp_path / "ai2thor-hab"
    save(root / "assets/stages/ProcTHOR/FloorPlan_1.glb", box(*ROOM, True))
    write(root / "configs/stages/ProcTHOR/FloorPlan_1.stage_config.json",
          {"render_asset": "../../../assets/stages/ProcTHOR/FloorPlan_1.glb",
           "force_flat_shading": False})  # fmt: skip
    save(root / "assets/objects/Dining_Table_2.glb", box((1, 0.8, 2), (0, 0.4, 0)))
    write(root / "configs/objects/Dining_Table_2.object_config.json",
          {"render_asset": "../../assets/objects/Dining_Table_2.glb", "semantic_id": 5},
    )  # fmt: skip
    classes = {"classes": [{"id": 5, "name": "dining_table"}]}
    write(root / "configs/ai2thor_semantic_lexicon.json", classes)
    instance = {
        "stage_instance": {"template_name": "stages/ProcTHOR/FloorPlan_1"},
        "object_instances": [{"template_name": "Dining_Table_2", "translation": [1, 0, -0.5],
                              "translation_origin": "ASSET_LOCAL", "motion_type": "STATIC"}],
        "semantic_scene_instance": "ai2thor_lexicon",
    }  # fmt: skip
    write(root / "configs/scenes/ProcTHOR/ProcTHOR-Train-1.scene_instance.json", instance)
    config = {
        "stages": {"paths": {".json": ["configs/stages/*"]}},
        "objects": {"paths": {".json": ["configs/objects"]}},
        "scene_instances": {"paths": {".json": ["configs/scenes/*"]}},
        "semantic_scene_descriptor_instances": {
            "ai2thor_lexicon": "configs/ai2thor_semantic_lexicon.json"},
    }  # fmt: skip
    file = write(root / "ai2thor-hab.scene_dataset_config.json", config)
    check(load_scene(f"habitat:{file}").compiled, "Dining_Table_2")


def test_replica(tmp_path):
    room = tmp_path / "apartment_0"
    ply = labelled_ply(room / "habitat/mesh_semantic.ply", (0, 17))
    classes = [{"id": 3, "name": "wall"}, {"id": 80, "name": "table"}]
    things = [{"id": 0, "class_id": 3}, {"id": 17, "class_id": 80}]
    write(ply.with_name("info_semantic.json"), {"classes": classes, "objects": things})
    config = {**Z_AXES, "render_asset": "mesh_semantic.ply", "semantic_asset": "mesh_semantic.ply",
              "semantic_descriptor_filename": "info_semantic.json"}  # fmt: skip
    write(room / "habitat/replica_stage.stage_config.json", config)
    check(load_scene(f"habitat:{tmp_path}").compiled, "table_17")


FRIDGE = """<?xml version="1.0"?>
<robot name="fridge">
  <link name="body"><visual><origin xyz="0 0.9 0"/><geometry><box size="0.6 1.8 0.6"/></geometry>
    </visual></link>
  <link name="door"><visual><origin rpy="0 0 0" xyz="0.3 0.9 0"/>
    <geometry><mesh filename="door.glb" scale="1 2 1"/></geometry></visual></link>
  <joint name="hinge" type="revolute"><parent link="body"/><child link="door"/>
    <origin xyz="-0.3 0 0.35"/><axis xyz="0 1 0"/></joint>
</robot>
"""


@pytest.fixture(scope="module")
def cad(tmp_path_factory):
    """Return a dataset as ReplicaCAD and HSSD have them, its scenes in folders."""
    root = tmp_path_factory.mktemp("cad")
    save(root / "stages/deep/shell.glb", box(*ROOM, True))
    write(root / "stages/shell.stage_config.json", {"render_asset": "deep/shell.glb"})
    # Half as wide, and twice as deep before the scale; turned by a quarter about y in the scene.
    save(root / "objects/a/b/plank.glb", box((1, 0.8, 1), (0, 0.4, 0)))
    write(root / "objects/a/plank.object_config.json",
          {"render_asset": "b/plank.glb", "semantic_id": 12})  # fmt: skip
    save(root / "urdf/fridge/door.glb", box((0.6, 0.9, 0.1), (0, 0, 0)))
    write(root / "urdf/fridge/fridge.urdf", FRIDGE)
    write(root / "urdf/fridge/fridge.ao_config.json",
          {"urdf_filepath": "fridge.urdf", "semantic_id": 13})  # fmt: skip
    classes = [{"id": 12, "name": "table"}, {"id": 13, "name": "refrigerator"}]
    write(root / "semantics/lexicon.json", {"classes": classes})
    loop = [[-3, 0, -2], [3, 0, -2], [3, 0, 2], [-3, 0, 2]]
    write(root / "semantics/one.semantic_config.json", {
        "semantic_descriptor_filename": "lexicon.json",
        "region_annotations": [{"name": "r0", "label": "kitchen", "poly_loop": loop,
                                "floor_height": 0.0, "extrusion_height": 3.0}]})  # fmt: skip
    instance = {
        "stage_instance": {"template_name": "shell"},
        "default_lighting": "none",
        "translation_origin": "asset_local",
        "object_instances": [{"template_name": "tabletop", "translation": [1, 0, -0.5],
                              "rotation": [np.sqrt(0.5), 0, np.sqrt(0.5), 0],
                              "non_uniform_scale": [2, 1, 1]}],
        "articulated_object_instances": [{
            "template_name": "fridge", "translation": [-2, 0, 1], "fixed_base": True,
            "initial_joint_pose": {"hinge": -np.pi / 2}}],
    }  # fmt: skip
    write(root / "configs/scenes/one.scene_instance.json", instance)
    closed = {**instance, "articulated_object_instances": [
        {"template_name": "fridge", "translation": [-2, 0, 1]}]}  # fmt: skip
    write(root / "configs/scenes/two.scene_instance.json",
          {**closed, "semantic_scene_instance": "kitchens"})  # fmt: skip
    write(root / "cad.scene_dataset_config.json", {
        "stages": {"paths": {".json": ["stages"]}},
        "objects": {"paths": {".json": ["objects/*"]}, "configs": [
            {"original_file": "objects/a/plank.object_config.json", "template_handle": "tabletop",
             "attributes": {"mass": 4}}]},
        "articulated_objects": {"paths": {".json": ["urdf/*"]}},
        "scene_instances": {
            "default_attributes": {"semantic_scene_instance":
                                   "%%CONFIG_NAME_AS_ASSET_FILENAME%%.semantic_config.json"},
            "paths": {".json": ["configs/scenes"]}},
        "semantic_scene_descriptor_instances": {
            "paths": {".json": ["semantics"]}, "kitchens": "semantics/one.semantic_config.json"},
    })  # fmt: skip
    return root


def test_scenes_of_a_dataset(cad):
    worlds = load_worlds(f"habitat:{cad / 'cad.scene_dataset_config.json'}")
    assert len(worlds) == 2
    assert worlds.at_hand == ()
    for world in (worlds[0], worlds[1]):
        compiled = world.compiled
        assert_allclose(bounds(compiled, "tabletop"), AT_TABLE, atol=1e-3)
        assert category(compiled, "tabletop") == "table"
        assert materials(compiled, "tabletop") == {"oak"}
        assert [room.name for room in compiled.rooms] == ["kitchen"]
        assert_allclose(compiled.rooms[0].polygon.min(axis=0), [-3, -2], atol=1e-3)
        assert materials(compiled, "fridge") == {"steel"}
    assert worlds[0] is worlds[0]


def test_joints_of_articulated_objects_are_where_the_scene_has_them(cad):
    worlds = load_worlds(f"habitat:{cad}")
    # The body is 0.6 m wide and deep about (-2, ., 1), so x -2.3..-1.7 and our y -1.3..-0.7; the
    # closed door, 10 cm, stands 5 cm before it (our y down to -1.4).
    assert_allclose(bounds(worlds[1].compiled, "fridge"),
                    [[-2.3, -1.4, 0], [-1.7, -0.7, 1.8]], atol=1e-3)  # fmt: skip
    # Opened by a quarter turn about its hinge at Habitat's (-2.3, ., 1.35), it reaches 0.6 m out.
    assert_allclose(bounds(worlds[0].compiled, "fridge"),
                    [[-2.35, -1.95, 0], [-1.7, -0.7, 1.8]], atol=1e-3)  # fmt: skip


def test_articulated_objects_out_of_the_folder_are_not_looked_for(cad, tmp_path):
    # habitat-sim's own test data name such a folder, and place none of its objects.
    config = json.loads((cad / "cad.scene_dataset_config.json").read_text())
    config["articulated_objects"]["paths"][".urdf"] = ["../../urdf/*"]
    world = changed(cad, tmp_path, "cad.scene_dataset_config.json", json.dumps(config))
    assert "fridge" in [thing.name for thing in world.compiled.objects]


def test_a_dataset_is_played(cad):
    env = gym.make("avenv/AudioGoal-v0", scenes=f"habitat:{cad}", sounds="phone",
                   sensors=("audio",), episodes_per_scene=1, ahead=False,
                   disable_env_checker=True)  # fmt: skip
    names = set()
    for seed in range(6):
        _, info = env.reset(seed=seed)
        names.add(info["setup"]["scene"]["name"].rpartition("/")[2])
    assert names == {"one.scene_instance.json", "two.scene_instance.json"}
    first, _ = env.reset(options={"episode": info["setup"]})
    again, _ = env.reset(options={"episode": info["setup"]})
    np.testing.assert_array_equal(first["audio"], again["audio"])
    env.close()


def test_a_storey_has_the_rooms_of_its_own(tmp_path):
    upper = box((6, 3, 4), (0, 4.6, 0), True)
    save(tmp_path / "two.glb", box(*ROOM, True), upper)
    loop = [[-3, 0, -2], [3, 0, -2], [3, 0, 2], [-3, 0, 2]]
    rows = [{"label": f"room {k}", "poly_loop": loop, "floor_height": 3.1 * k,
             "extrusion_height": 3.0} for k in range(2)]  # fmt: skip
    write(tmp_path / "two.semantic_config.json", {"region_annotations": rows})
    named = {"semantic_descriptor_filename": "two.semantic_config.json"}
    write(tmp_path / "two.stage_config.json", {"render_asset": "two.glb", **named})
    beside = write(tmp_path / "upper.yaml", "mesh: two.stage_config.json\nfloor: 3.1\n")
    with pytest.warns(SceneWarning, match="has 2 storeys"):
        lower = load_scene(tmp_path / "two.stage_config.json").compiled
    assert [room.name for room in lower.rooms] == ["room 0"]
    reference = f"habitat:{tmp_path / 'two.stage_config.json'}@3.1"
    for scene in (beside, reference):
        rooms = load_scene(scene).compiled.rooms
        assert [(room.name, round(room.floor, 3)) for room in rooms] == [("room 1", 3.1)]
    assert load_scene(reference).reference == reference
    with pytest.raises(SceneError, match=r"floor is 7; the storeys' floors are z = 0\.00, 3\.10 m"):
        load_scene(reference.replace("@3.1", "@7"))


def test_episodes_are_on_the_storey_that_they_start_on(tmp_path):
    upper = box((6, 3, 4), (0, 4.6, 0), True, Z_UP)
    save(tmp_path / "scans/two/two.glb", box(*ROOM, True, Z_UP), upper)
    noise = 0.1 * np.random.default_rng(0).normal(size=16000)
    soundfile.write(tmp_path / "telephone.wav", noise, 16000)
    records = [
        {"scene_id": "mp3d/two/two.glb", "start_position": [-2, level, 1], "sound_id": "telephone",
         "start_rotation": [0, 0, 0, 1], "goals": [{"position": [2.5, level, 1.5]}]}
        for level in (0, 3.1)
    ]  # fmt: skip
    path = tmp_path / "val.json"
    path.write_text(json.dumps({"episodes": records}))
    with pytest.warns(SceneWarning, match="has 2 storeys"):
        lower, upper = read_episodes(path, tmp_path / "scans", tmp_path)[0]
    assert lower.scene.name.endswith("two.glb")
    assert upper.scene.name.endswith("two.glb@3.1")
    assert load_scene(upper.scene.name).walkable.level == pytest.approx(3.1, abs=1e-3)


def test_episodes_in_a_bare_glb_of_habitat_stand_on_its_floor(mp3d, tmp_path):
    sounds = tmp_path / "telephone.wav"
    soundfile.write(sounds, 0.1 * np.random.default_rng(0).normal(size=16000), 16000)
    record = {
        "scene_id": "mp3d/17DRP5sb8fy/17DRP5sb8fy.glb", "start_position": [-2, 0, 1],
        "start_rotation": [0, 0, 0, 1], "goals": [{"position": [2.5, 0, 1.5]}],
        "sound_id": "telephone",
    }  # fmt: skip
    path = tmp_path / "val.json.gz"
    path.write_bytes(gzip.compress(json.dumps({"episodes": [record]}).encode()))
    episodes, _ = read_episodes(path, mp3d / "scans", tmp_path)
    assert episodes[0].start == (-2, -1)
    assert_allclose(load_scene(episodes[0].scene.name).compiled.bounds, IN_ROOM, atol=1e-3)
    env = gym.make("avenv/AudioGoal-v0", scenes=episodes[0].scene.name, sounds="phone",
                   sensors=("audio",), disable_env_checker=True)  # fmt: skip
    env.reset(options={"episode": episodes[0]})
    env.close()


ASSETS = os.environ.get("HABITAT_TEST_ASSETS", "")


@pytest.mark.skipif(not ASSETS, reason="HABITAT_TEST_ASSETS is not habitat-sim's data/test_assets")
@pytest.mark.filterwarnings("ignore")
def test_habitat_sims_own_scenes_load():
    names = []
    for number in (0, 1):
        for world in load_worlds(f"habitat:{ASSETS}/dataset_tests/dataset_{number}"):
            names.append(world.name.partition(".")[0])
            things = [thing.name for thing in world.compiled.objects]
            placed = [name for name in things if "object" in name]
            assert placed == ["dataset_test_object1", "dataset_test_object2"]
            assert any(name.startswith("light_") for name in things)
    assert names == ["dataset_test_scene", "dataset_test_scene_0", "dataset_test_scene_1"]


def test_what_habitat_sim_does_not_apply_is_said(cad, tmp_path):
    path = cad / "configs/scenes/one.scene_instance.json"
    data = json.loads(path.read_text())
    data["stage_instance"]["translation"] = [1, 2, 3]
    moved = write(cad / "configs/moved/one.scene_instance.json", data)
    with pytest.warns(SceneWarning, match="stage's translation is not applied, as in habitat-sim"):
        assert_allclose(load_scene(f"habitat:{moved}").compiled.bounds, IN_ROOM, atol=1e-3)
    moved.unlink()
    moved.parent.rmdir()


# -- what is wrong ---------------------------------------------------------------------------------


def house_without(tmp_path, *words):
    kept = [line for line in HOUSE.splitlines() if not line.startswith(words)]
    return write(tmp_path / "a/a.house", "\n".join(kept) + "\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("O 9",), "is cut off: it has 1 of 2 lines 'O'"),
        (("R 0",), "is cut off: it has 0 of 1 lines 'R'"),
        (("H ",), "is cut off: it has no line 'H'"),
    ],
)
def test_a_house_that_is_cut_off_is_named(tmp_path, words, message):
    scan(tmp_path / "a/a.glb")
    house_without(tmp_path, *words)
    with pytest.raises(SceneError, match=rf"a\.house: {message}"):
        load_scene(f"habitat:{tmp_path}")


def test_a_line_of_a_house_that_is_cut_off_is_named(tmp_path):
    scan(tmp_path / "a/a.glb")
    write(tmp_path / "a/a.house", HOUSE.rstrip().rpartition("\n")[0] + "\nO 9 0\n")
    with pytest.raises(SceneError, match=r"a\.house: a line has fewer fields than it should"):
        load_scene(f"habitat:{tmp_path}")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.semantic.txt", "something", "neither 'ASCII 1.1' nor 'HM3D"),
        ("a.semantic.txt", "HM3D Semantic Annotations\n1,2A3B4C,wall,0\n", "line 2 is '1,2A3B4C"),
        ("a.scn", '{"objects": [{"id": 1}]}', r"objects\[0\] is .* accepted: an id, and class_"),
        ("a.scn", "[]", "accepted: an object"),
    ],
)
def test_a_descriptor_that_is_none_is_named(tmp_path, name, content, message):
    scan(tmp_path / "a.glb")
    write(tmp_path / name, content)
    with pytest.raises(SceneError, match=message):
        load_scene(f"habitat:{tmp_path}")


def changed(cad, tmp_path, name, text):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(cad, copy)
    file = copy / name
    file.unlink() if text is None else file.write_text(text)
    return load_worlds(f"habitat:{copy}")[0]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("semantics/lexicon.json", '{"classes": [{"id": 13, "name": "fridge"}]}',
         "'tabletop' has the semantic_id 12, which the lexicon lacks; it has 13 to 13"),
        ("semantics/lexicon.json", '{"classes": [{"name": "fridge"}]}', "classes: accepted"),
        ("semantics/lexicon.json", None, "semantic_descriptor_filename: there is no file"),
        ("semantics/one.semantic_config.json", '{"region_annotations": [{"poly_loop": [[0, 0]]}]}',
         r"region_annotations\[0\]: three corners or more"),
        ("objects/a/b/plank.glb", None, "render_asset: there is no file"),
        ("urdf/fridge/fridge.urdf", None, "urdf_filepath: there is no file"),
        ("urdf/fridge/door.glb", None, "mesh: there is no file"),
        ("urdf/fridge/fridge.urdf", "<robot>", "is not valid XML"),
        ("urdf/fridge/fridge.urdf", "<robot/>", "has 0 links"),
        ("urdf/fridge/fridge.urdf", '<!DOCTYPE r [<!ENTITY a "b">]><robot/>', "declares a"),
        ("urdf/fridge/fridge.urdf", FRIDGE.replace('scale="1 2 1"', 'scale="1 2"'),
         "mesh: scale is '1 2'; accepted: 3 numbers"),
        ("urdf/fridge/fridge.urdf", FRIDGE.replace('"door.glb"', '"../../../../x.glb"'),
         "leads out of the scene's folder"),
    ],
)  # fmt: skip
def test_what_is_missing_or_wrong_in_a_dataset_is_named(cad, tmp_path, name, text, message):
    with pytest.raises(SceneError, match=message):
        changed(cad, tmp_path, name, text)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere", "there is no file or folder"),
        ("", "there are no scenes in it"),
        ("x.txt", r"accepted: a folder, \*.scene_dataset_config.json"),
    ],
)
def test_what_is_no_dataset_is_named(tmp_path, path, message):
    write(tmp_path / "x.txt", "x") if path == "x.txt" else None
    with pytest.raises(SceneError, match=message):
        load_worlds(f"habitat:{tmp_path / path}")


def test_one_of_many_has_to_be_chosen(cad):
    with pytest.raises(SceneError, match=r"are 2 scenes; accepted here: one of them, as 'habitat:"):
        load_scene(f"habitat:{cad}")
