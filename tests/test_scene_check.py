"""What a look over a scene tells its author: all that is wrong, and what is probably not meant."""

import pytest

from avenv.core.errors import SceneError
from avenv.scene import SceneSpec, compile_scene
from avenv.scene.catalogue import _synonyms as synonyms
from avenv.scene.catalogue import kind_names, suggest_kind
from avenv.scene.floating import floating_things
from avenv.scene.object_spec import ObjectSpec
from avenv.simulation.survey import survey

ROOM = {"name": "den", "polygon": [[0, 0], [6, 0], [6, 4], [0, 4]]}


def scene(*objects, rooms=(ROOM,), **fields):
    return {"name": "s", "rooms": list(rooms), "objects": list(objects), **fields}


def lines(data):
    with pytest.raises(SceneError) as caught:
        SceneSpec.from_dict(data, source="s.yaml")
    return str(caught.value).splitlines()


# --- all problems at once -------------------------------------------------------------------------


def test_an_unknown_field_hides_no_other_problem():
    found = lines(scene(
        {"kind": "sofa", "position": [3, 2], "colour": "red"},
        {"kind": "pictur", "position": [1, 1]},
        {"kind": "table", "position": [3, 2]},
        {"kind": "vase", "on": "tabel"},
        walls="brick",
    ))  # fmt: skip
    assert {line.split(": ", 2)[1] for line in found} == {
        "objects[0].colour", "walls", "objects[1].kind", "objects[2]", "objects[3].on",
    }  # fmt: skip
    assert "'table' at [3.00, 2.00]" in found[-1]
    assert all(line.startswith("s.yaml: ") for line in found)


def test_what_hangs_on_a_wrong_field_is_not_told_twice():
    found = lines(scene(
        {"kind": "table", "postion": [3, 2]},          # so that it has no place
        {"kind": "vase", "on": "table"},               # which hangs on it
        {"kind": "bed", "position": [9, 9]},
    ))  # fmt: skip
    assert [line.split(": ", 2)[1] for line in found] == [
        "objects[0].postion",
        "objects[2].position",
    ]


def test_without_rooms_the_fields_are_all_there_is_to_say():
    assert len(lines(scene(rooms=[{**ROOM, "polygon": [[0, 0]], "flor": "oak"}]))) == 2
    assert len(lines({"nme": "s"})) == 3


# --- things in mid-air ----------------------------------------------------------------------------


def floats(*objects):
    spec = SceneSpec.from_dict(scene(*objects))
    return floating_things(compile_scene(spec))


@pytest.mark.parametrize(
    ("thing", "gap"),
    [
        ({"kind": "sofa", "position": [3, 2], "z": 1.0}, "1.00 m above"),
        ({"kind": "vase", "position": [3, 2], "z": 1.2}, "1.20 m above"),
        ({"kind": "phone", "position": [1, 1], "z": 0.1}, "0.10 m above"),
        ({"kind": "picture", "position": [3, 2], "z": 1.2}, "m from a wall"),
        ({"kind": "ceiling_lamp", "position": [3, 2], "z": 1.0}, "m from the ceiling"),
    ],
)  # fmt: skip
def test_what_floats_is_named(thing, gap):
    [line] = floats(thing, {"kind": "table", "position": [5, 3]})
    assert repr(thing["kind"]) in line
    assert gap in line


def test_what_is_held_does_not_float():
    assert floats(
        {"kind": "table", "position": [3, 2]},
        {"kind": "vase", "on": "table"},
        {"kind": "phone", "position": [3, 2.4], "z": 0.75},  # on the table, said by its height
        {"kind": "sofa", "against": "west wall"},
        {"kind": "cushion", "on": "sofa"},
        {"kind": "picture", "against": "north wall", "along": 1},
        {"kind": "curtain", "against": "north wall", "along": 4},
        {"kind": "ceiling_lamp", "position": [3, 2]},
        {"kind": "wall_clock", "against": "east wall", "gap": 0.02},
        {"kind": "plant", "position": [5.5, 0.6], "z": 0.03},
    ) == []  # fmt: skip


def test_a_thing_over_another_is_measured_from_it():
    [line] = floats({"kind": "table", "position": [3, 2], "size": [0.9, 1.6, 0.75]},
                    {"kind": "vase", "position": [3, 2], "z": 1.0})  # fmt: skip
    assert "0.25 m above" in line


def test_the_look_over_a_scene_warns(tmp_path):
    spec = SceneSpec.from_dict(scene({"kind": "sofa", "position": [3, 2], "z": 1.0}))
    assert any("'sofa' floats" in warning for warning in survey(spec).warnings)


# --- units ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("corner", "height", "told"),
    [((500, 400), 260.0, "500 x 400 m and 260 m high.*centimetres, 5 x 4 m and 2.6 m high"),
     ((500, 400), 2.6, "centimetres, 5 x 4 m")],
)  # fmt: skip
def test_a_room_in_centimetres_is_suspected(corner, height, told):
    x, y = corner
    room = {"name": "den", "polygon": [[0, 0], [x, 0], [x, y], [0, y]], "height": height}
    with pytest.raises(SceneError, match=rf"(?s)too large.*{told}"):
        survey(SceneSpec.from_dict(scene(rooms=[room])))


def test_a_hall_is_a_hall():
    hall = {"name": "hall", "polygon": [[0, 0], [60, 0], [60, 30], [0, 30]], "height": 15.0}
    assert survey(SceneSpec.from_dict(scene(rooms=[hall]))).warnings == ()


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "meant"),
    [("couch", "sofa"), ("couches", "sofa"), ("television", "tv"), ("night table", "nightstand"),
     ("Dining-Table", "table"), ("fire alarm", "smoke_alarm"), ("tabel", "table")],
)  # fmt: skip
def test_other_words_for_a_kind(name, meant):
    assert f"did you mean '{meant}'" in suggest_kind(name)
    spec = SceneSpec.from_dict(scene({"kind": name, "position": [3, 2]}))
    with pytest.raises(SceneError, match=rf"objects\[0\]\.kind: .*did you mean '{meant}'"):
        compile_scene(spec)


def test_synonyms_are_words_for_kinds_that_there_are():
    assert set(synonyms().values()) <= set(kind_names())
    assert not set(synonyms()) & set(kind_names())


def test_the_side_of_a_thing_is_its_own():
    spec = SceneSpec.from_dict(scene(
        {"kind": "bed", "against": "north wall"},
        {"kind": "nightstand", "against": "west wall", "left_of": "bed"},
    ))  # fmt: skip
    # A bed whose head is at the north wall looks south: its left is to the east.
    with pytest.raises(SceneError, match=r"objects\[1\]\.left_of: .*bed's own side.*to the east"):
        compile_scene(spec)
    assert "own left" in ObjectSpec.__doc__
    assert "not a viewer's" in ObjectSpec.__doc__.replace("\n            ", " ")
