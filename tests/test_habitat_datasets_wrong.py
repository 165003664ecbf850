"""What is missing or wrong in datasets of Habitat's is named, with its file."""

import pytest
from habitat_home import FRIDGE, HOUSE, cad_dataset, changed, scan, write

from avenv.core.errors import SceneError
from avenv.simulation.loading import load_scene
from avenv.simulation.worlds import load_worlds


@pytest.fixture(scope="module")
def cad(tmp_path_factory):
    return cad_dataset(tmp_path_factory.mktemp("cad"))


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
