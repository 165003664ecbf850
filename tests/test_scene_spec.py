"""A spec is its YAML, and what is wrong with one is said field by field."""

from itertools import pairwise

import pytest

from avenv.core.errors import SceneError
from avenv.scene import SceneBuilder, SceneSpec, check_scene, find_scene

FLAT = """
name: flat
rooms:
  - {name: living, polygon: [[0, 0], [5, 0], [5, 4], [0, 4]]}
  - {name: kitchen, type: kitchen, polygon: [[5, 0], [8, 0], [8, 4], [5, 4]], floor: linoleum}
doors:
  - {between: [living, kitchen], position: [5, 2.5]}
windows:
  - {room: living, position: [0, 2]}
objects:
  - {kind: table, position: [2, 2], facing: 90}
  - {kind: chair, position: [2, 3.2], facing: -90, materials: {seat: leather}}
  - {kind: chair, position: [2, 0.8], facing: 90}
sources:
  - {name: bell, on: table, sound: phone, level: -3}
"""


@pytest.fixture
def flat(tmp_path):
    """Return a function that reads the flat with one text replaced by another."""

    def read(old="", new=""):
        assert old in FLAT
        path = tmp_path / "flat.yaml"
        path.write_text(FLAT.replace(old, new, 1) if old else FLAT)
        return SceneSpec.from_yaml(path)

    return read


def test_a_spec_survives_its_yaml(flat, tmp_path):
    spec = flat()
    spec.save(tmp_path / "copy.yaml")
    assert SceneSpec.from_yaml(tmp_path / "copy.yaml") == spec
    assert SceneSpec.from_dict(spec.to_dict()) == spec
    assert spec.rooms[0].height == 2.6  # defaults need not be written
    assert spec != flat("level: -3", "level: -4")


def test_saving_leaves_no_other_files(flat, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    flat().save(folder / "flat.yaml")
    assert [p.name for p in folder.iterdir()] == ["flat.yaml"]


def test_a_good_scene_passes(flat):
    check_scene(flat())


def test_polygons_may_run_clockwise(flat):
    check_scene(flat("[[0, 0], [5, 0], [5, 4], [0, 4]]", "[[0, 0], [0, 4], [5, 4], [5, 0]]"))


@pytest.mark.parametrize(
    ("old", "new", "field", "text"),
    [
        ("name: flat", "nam: flat", "nam", "did you mean 'name'"),
        ("facing: 90", "facng: 90", "objects[0].facng", "did you mean 'facing'"),
        ("name: living, ", "", "rooms[0].name", "is missing"),
        ("[5, 2.5]", "[5, .nan]", "doors[0].position[1]", "finite"),
        ("[0, 2]", "[0, two]", "windows[0].position[1]", "'two'"),
        ("[0, 2]", "[0, 2, 3]", "windows[0].position", "The list should have at most 2 items"),
        ("[5, 2.5]", "[5000, 2.5]", "doors[0].position[0]", "less than or equal to 1000"),
        ("type: kitchen", "height: 0", "rooms[1].height", "greater than 0"),
        ("type: kitchen", "height: -2.5", "rooms[1].height", "greater than 0"),
        ("linoleum", "linoleumm", "rooms[1].floor", "did you mean 'linoleum'"),
        ("kind: table", "kind: tabel", "objects[0].kind", "did you mean 'table'"),
        ("seat: leather", "seat: lether", "objects[1].materials.seat", "did you mean 'leather'"),
        ("seat: leather", "sat: leather", "objects[1].materials", "did you mean 'seat'"),
        ("between: [living", "between: [livin", "doors[0].between", "did you mean 'living'"),
        ("[living, kitchen]", "[living, living]", "doors[0].between", "share no wall"),
        ("[5, 2.5]", "[4, 2.5]", "doors[0].position", "1.00 m from the wall between"),
        ("[5, 2.5]", "[5, 3.8]", "doors[0].position", "may lie from [4.94, 0.56] to [4.94, 3.44]"),
        ("[5, 2.5]", "[5, 2.5], width: 4", "doors[0].width", "up to 3.78 m fits"),
        ("[5, 2.5]", "[5, 2.5], height: 3", "doors[0].height", "at most 2.60 m fits"),
        ("[5, 2.5]", "[5, 2.5], into: bath", "doors[0].into", "neither 'living' nor 'kitchen'"),
        ("[0, 2]", "[5, 1]", "windows[0].position", "not on an outer wall: 'kitchen'"),
        ("[0, 2]", "[1, 2]", "windows[0].position", "1.00 m from the nearest wall"),
        ("[0, 2]", "[0, 2], sill: 2", "windows[0].height", "at most 0.60 m fits"),
        ("[[5, 0], [8, 0], [8, 4], [5, 4]]", "[[4, 0], [8, 0], [8, 4], [4, 4]]",
         "rooms[1].polygon", "overlaps 'living' by 4 m2"),
        ("[[5, 0], [8, 0], [8, 4], [5, 4]]", "[[5, 0], [8, 4], [8, 0], [5, 4]]",
         "rooms[1].polygon", "Self-intersection"),
        ("[[5, 0], [8, 0], [8, 4], [5, 4]]", "[[5, 0], [8, 0], [6, 0]]",
         "rooms[1].polygon", "bad shape"),
        ("[[5, 0], [8, 0], [8, 4], [5, 4]]", "[[5, 0], [5.1, 0], [5.1, 4], [5, 4]]",
         "rooms[1].polygon", "too narrow"),
        ("name: kitchen", "name: living", "rooms[1].name", "names rooms[0] too"),
        ("position: [2, 2]", "position: [0.3, 2]", "objects[0].position", "into a wall of"),
        ("position: [2, 2]", "position: [5, 1]", "objects[0].position", "in a wall or outside"),
        ("position: [2, 2]", "position: [2, 2], room: kitchen", "objects[0].position",
         "is in 'living', not in 'kitchen'"),
        ("position: [2, 2]", "position: [2, 2], z: 2", "objects[0]", "reaches from 2.00 to 2.75"),
        ("position: [2, 2]", "size: [9, 1, 0.7], position: [2, 2]", "objects[0].size", "from ["),
        ("position: [2, 2]", "on: sofa", "objects[0].on", "there is no object 'sofa'"),
        ("position: [2, 2]", "on: table", "objects[0].on", "'table' is on 'table': a circle"),
        ("position: [2, 2], ", "", "objects[0]", "says not where it is"),
        ("on: table", "on: tabl", "sources[0].on", "did you mean 'table'"),
        ("sound: phone, ", "", "sources[0]", "makes no sound of its own"),
        ("sound: phone", "sound: phone.wav", "sources[0].sound", "there is no file"),
        ("on: table", "position: [2, 2, 0.74]", "sources[0].position", "the solid 'table'"),
        ("on: table", "position: [2, 2, 3]", "sources[0].position", "in no room"),
        ("on: table", "position: [9, 2, 1]", "sources[0].position", "in no room"),
    ],
)  # fmt: skip
def test_mistakes_are_named(flat, old, new, field, text):
    with pytest.raises(SceneError) as caught:
        check_scene(flat(old, new))
    lines = [line for line in str(caught.value).splitlines() if f"flat.yaml: {field}: " in line]
    assert lines, str(caught.value)
    assert any(text in line for line in lines), lines


def test_openings_of_one_wall_keep_apart(flat):
    twice = "[5, 2.5]}\n  - {name: second, between: [kitchen, living], position: [5, 1.8]"
    with pytest.raises(SceneError, match="'second' and 'living-kitchen' overlap") as caught:
        check_scene(flat("[5, 2.5]", twice))
    assert len(str(caught.value).splitlines()) == 1  # though it is so on both sides
    check_scene(flat("[5, 2.5]", twice.replace("1.8", "1.5")))


def test_all_mistakes_are_named_at_once(flat):
    with pytest.raises(SceneError) as caught:
        check_scene(flat("[[0, 0], [5, 0]", "[[0, 0], [6, 0]"))
    assert "rooms[1].polygon" in str(caught.value)
    with pytest.raises(SceneError) as caught:
        check_scene(flat("seat: leather}}", "seat: mud}}\n  - {kind: boat, position: [1, 1]}"))
    assert "objects[1].materials.seat" in str(caught.value)
    assert "objects[2].kind" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("name: [a]]", "line 1"),
        ("name: a\nname: b", "'name' comes twice"),
        ("- a\n- b", "expected a mapping"),
        ("", "expected a mapping"),
    ],
)
def test_a_file_that_is_no_scene(tmp_path, content, text):
    path = tmp_path / "bad.yaml"
    path.write_text(content)
    with pytest.raises(SceneError, match=r"bad\.yaml") as caught:
        SceneSpec.from_yaml(path)
    assert text in str(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(SceneError, match=r"none\.yaml: cannot be read: No such file"):
        SceneSpec.from_yaml(tmp_path / "none.yaml")


def test_authored_scenes_are_found_by_name():
    assert find_scene("apartment").name == "apartment.yaml"
    with pytest.raises(SceneError, match="'apartmen'; did you mean 'apartment'"):
        find_scene("apartmen")


def test_a_builder_writes_the_same_spec(flat):
    b = SceneBuilder("flat")
    living = b.room("living", size=(5, 4))
    kitchen = b.room("kitchen", size=(3, 4), at=(5, 0), type="kitchen", floor="linoleum")
    b.door(living, kitchen, at=(5, 2.5))
    b.window(living, at=(0, 2))
    table = b.place("table", at=(2, 2), facing=90)
    b.place("chair", at=(2, 3.2), facing=-90, materials={"seat": "leather"})
    assert b.place("chair", at=(2, 0.8), facing=90) == "chair_2"
    b.source("bell", on=table, sound="phone", level=-3)
    built, read = b.build().to_dict(), flat().to_dict()
    for part in ("doors", "windows", "objects"):
        for piece in built[part]:
            piece.pop("name")  # the builder names everything
    assert built == read


def test_a_builder_reports_on_build():
    b = SceneBuilder("hut")
    b.room("hut", size=(3, 3))
    b.place("chair", at=(9, 9), faceing=3)
    with pytest.raises(SceneError, match=r"hut: objects\[0\].faceing: unknown field; did you mean"):
        b.build()
    with pytest.raises(ValueError, match="either a size"):
        b.room("other")


BOMB = "name: bomb\na: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in pairwise("abcdefghij")
)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (BOMB, "holds more than 100,000 values"),
        ("name: a\nrooms: &r [*r]", "holds more than 100,000 values"),
        ("name: " + 2000 * "[" + 2000 * "]", "nesting depth"),
        ("name: a\nrooms: " + 5000 * "9", "5,000 digits"),
        ("name: a\nrooms: 2020-13-45", "rooms: '2020-13-45'"),
        ("name: a\nrooms: !!python/object/apply:os.getcwd []", "could not determine a constructor"),
        ("name: a\x00b", "control characters are not allowed"),
        ("1: 2\n[a]: b", "is not valid YAML"),
        ("1: 2", "Keys should be strings"),
        ("name: a\nrooms: {a: b}", "rooms: "),
        ("name: a\nrooms: []", "rooms: []"),
        ("name: [a]\nrooms: [{1: 2}, 3, null]", "rooms[0]"),
    ],
)
def test_a_hostile_file_is_refused(tmp_path, content, text):
    path = tmp_path / "bad.yaml"
    path.write_text(content)
    with pytest.raises(SceneError) as caught:
        SceneSpec.from_yaml(path)
    assert text in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_huge_file_is_refused(tmp_path):
    path = tmp_path / "huge.yaml"
    path.write_bytes(b"#" * 16_000_001)
    with pytest.raises(SceneError, match="larger than 16 MB"):
        SceneSpec.from_yaml(path)


def test_a_file_names_no_sound_outside_its_folder(flat, tmp_path):
    (tmp_path / "sounds").mkdir()
    for sound in (tmp_path / "sounds" / "own.wav", tmp_path.parent / "other.wav"):
        sound.write_bytes(b"")
    (tmp_path / "link.wav").symlink_to(tmp_path.parent / "other.wav")
    check_scene(flat("sound: phone", "sound: sounds/own.wav"))
    outside = "../other.wav", "sounds/../../other.wav", "link.wav", "/etc/passwd.wav"
    for name in (*outside, "/etc/passwd", "/etc/../etc/passwd", "/etc/passwd?", "//etc/passwd"):
        with pytest.raises(SceneError, match=r"sources\[0\].sound: .* leads out of the scene's"):
            check_scene(flat("sound: phone", f"sound: '{name}'"))
    with pytest.raises(SceneError, match=r"sources\[0\].sound: .*(null|NUL)"):
        check_scene(flat("sound: phone", 'sound: "a\\0.wav"'))
    made = flat("sound: phone", "sound: sounds/own.wav").to_dict()
    made["sources"][0]["sound"] = str(tmp_path.parent / "other.wav")
    check_scene(SceneSpec.from_dict(made))  # made in Python: any file


def test_rooms_that_touch_in_a_point_have_no_door(flat):
    corner = "[[5, 4], [8, 4], [8, 8], [5, 8]]"
    with pytest.raises(SceneError, match="'living' and 'kitchen' share no wall"):
        check_scene(flat("[[5, 0], [8, 0], [8, 4], [5, 4]]", corner))
    pinched = "[[5, 0], [8, 0], [6, 2], [8, 4], [5, 4], [6, 2]]"
    with pytest.raises(SceneError, match=r"rooms\[1\].polygon: .*Self-intersection"):
        check_scene(flat("[[5, 0], [8, 0], [8, 4], [5, 4]]", pinched))
