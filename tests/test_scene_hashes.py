"""The hash of a scene: what it is, not where it lies or in which states its things are."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import trimesh
from PIL import Image

import avenv
from avenv.scene import SceneSpec, compile_scene, content, find_scene
from avenv.scene.homes import make_home

SPEC = {
    "name": "den",
    "rooms": [{"name": "den", "polygon": [[0, 0], [4, 0], [4, 3], [0, 3]]}],
    "objects": [{"kind": "table", "name": "table", "position": [2, 1.5], "facing": 30.0},
                {"kind": "vase", "name": "vase", "on": "table"}],
}  # fmt: skip


def hash_of(**fields):
    return SceneSpec.from_dict({**SPEC, **fields}).content_hash


def test_a_described_scene_is_its_description(tmp_path):
    assert re.fullmatch("[0-9a-f]{16}", hash_of())
    assert hash_of() == SceneSpec.from_dict(dict(reversed(SPEC.items()))).content_hash
    assert hash_of(wall_thickness=0.12) == hash_of()  # its default
    assert hash_of(wall_thickness=0.13) != hash_of()
    SceneSpec.from_dict(SPEC).save(tmp_path / "den.yaml")
    assert SceneSpec.from_yaml(tmp_path / "den.yaml").content_hash == hash_of()


def test_the_last_bits_of_another_machine_do_not_count():
    one, other = ({"kind": "table", "position": [x, 1.5]} for x in (1.1, np.nextafter(1.1, 2)))
    assert hash_of(objects=[one]) == hash_of(objects=[other])
    moved = {"kind": "table", "position": [1.1001, 1.5]}
    assert hash_of(objects=[one]) != hash_of(objects=[moved])
    west, zero = ({"kind": "table", "position": [x + 2, 1], "gap": x} for x in (-0.0, 0.0))
    assert hash_of(objects=[west]) == hash_of(objects=[zero])


def test_events_and_episodes_are_not_the_place():
    episode = {"name": "one", "start": [1.0, 1.0], "goal": "vase"}
    event = {"time": 1.0, "states": {"vase": "fallen"}}
    assert hash_of(episodes=[episode], events=[event]) == hash_of()


def test_the_compilers_version_counts(monkeypatch):
    before = hash_of()
    monkeypatch.setattr(content, "SCENE_VERSION", content.SCENE_VERSION + 1)
    assert hash_of() != before


def test_sound_files_count_by_their_bytes(tmp_path):
    path = tmp_path / "den.yaml"
    SceneSpec.from_dict({**SPEC, "sources": [{"on": "table", "sound": "bell.wav"}]}).save(path)
    tone = np.sin(np.arange(8000) / 5)
    soundfile.write(tmp_path / "bell.wav", 0.1 * tone, 16000)
    before = SceneSpec.from_yaml(path).content_hash
    shutil.copytree(tmp_path, tmp_path / "elsewhere")
    assert SceneSpec.from_yaml(tmp_path / "elsewhere" / "den.yaml").content_hash == before
    soundfile.write(tmp_path / "bell.wav", 0.2 * tone, 16000)
    assert SceneSpec.from_yaml(path).content_hash != before


def test_a_compiled_scene_keeps_the_hash_in_all_its_states():
    scene = compile_scene(SceneSpec.from_dict(SPEC))
    assert scene.content_hash == hash_of()
    assert scene.posed({"vase": "broken"}).content_hash == hash_of()


def test_the_authored_scenes_and_homes_have_hashes_of_their_own():
    specs = [SceneSpec.from_yaml(find_scene("apartment")), *(make_home("val", k) for k in range(3))]
    assert len({spec.content_hash for spec in specs}) == 4
    assert make_home("val", 1).content_hash == specs[2].content_hash


@pytest.fixture
def house(tmp_path):
    """Return the path of an OBJ with a material file and a texture: a room, 4 x 3 x 2.5 m."""
    room = trimesh.creation.box((4, 2.5, 3))
    room.apply_translation((0, 1.25, 0))
    room.invert()
    vertices = "".join("v {} {} {}\n".format(*v) for v in room.vertices)
    faces = "".join("f {}/1 {}/1 {}/1\n".format(*(f + 1)) for f in room.faces)
    (tmp_path / "house.obj").write_text(f"mtllib a.mtl\n{vertices}vt 0 0\nusemtl wall\n{faces}")
    (tmp_path / "a.mtl").write_text("newmtl wall\nmap_Kd wall.png\n")
    paint(tmp_path / "wall.png", 200)
    return tmp_path / "house.obj"


def paint(path, grey):
    Image.new("RGB", (4, 4), (grey, grey, grey)).save(path)


def imported(path, **settings):
    scene = avenv.import_mesh(path, **settings)
    return scene.content_hash


def test_a_mesh_is_the_bytes_of_all_its_files(house, tmp_path):
    first = imported(house)
    assert imported(house) == first
    moved = shutil.copytree(tmp_path, tmp_path / "elsewhere") / "house.obj"
    assert imported(moved.rename(moved.with_name("home.obj"))) == first
    paint(tmp_path / "wall.png", 100)
    assert (second := imported(house)) != first
    (tmp_path / "a.mtl").write_text("newmtl wall\nmap_Kd wall.png\nNs 1\n")
    assert (third := imported(house)) != second
    house.write_text(house.read_text() + "# as it was\n")
    assert imported(house) != third


def test_how_a_mesh_is_read_counts(house, tmp_path):
    plain = imported(house)
    assert imported(house, default="brick") != plain
    assert imported(house, up="Z") != plain
    rules = tmp_path / "rules.yaml"
    rules.write_text("materials: [{words: [wall], material: brick}]")
    assert imported(house, rules=rules) != plain
    world = avenv.load_scene(house)
    assert world.report.content_hash == world.compiled.content_hash == plain


@pytest.mark.filterwarnings("ignore::avenv.core.errors.SceneWarning")
def test_buffers_and_configurations_count(tmp_path):
    box = trimesh.creation.box((4, 2.5, 3))
    box.invert()
    box.export(tmp_path / "room.glb")
    config = tmp_path / "room.stage_config.json"
    config.write_text(json.dumps({"render_asset": "room.glb"}))
    first = avenv.load_scene(config).compiled.content_hash
    config.write_text(json.dumps({"render_asset": "room.glb", "note": 1}))
    assert (second := avenv.load_scene(config).compiled.content_hash) != first
    box.apply_translation((0, 0, 0.5))
    box.export(tmp_path / "room.glb")
    assert avenv.load_scene(config).compiled.content_hash != second


def test_a_scene_of_arrays_is_what_it_holds():
    scene = replace(compile_scene(SceneSpec.from_dict(SPEC)), origin="")
    assert scene.content_hash == replace(scene).content_hash
    assert scene.posed({"vase": "fallen"}).content_hash == scene.content_hash
    for other in (replace(scene, triangles=scene.triangles + 1), replace(scene, switches=()),
                  replace(scene, rooms=())):  # fmt: skip
        assert other.content_hash != scene.content_hash
