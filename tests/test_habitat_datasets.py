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
    HOUSE,
    IN_ROOM,
    ROOM,
    TABLE,
    Z_AXES,
    Z_UP,
    box,
    cad_dataset,
    category,
    changed,
    labelled_ply,
    materials,
    save,
    scan,
    write,
)
from mesh_support import bounds
from numpy.testing import assert_allclose

from avenv.cli.check import look
from avenv.core.errors import SceneError, SceneWarning
from avenv.habitat import read_episodes
from avenv.simulation.loading import load_scene
from avenv.simulation.worlds import load_worlds

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


@pytest.fixture(scope="module")
def cad(tmp_path_factory):
    return cad_dataset(tmp_path_factory.mktemp("cad"))


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
    assert "3.10" in str(look(reference).report)
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
