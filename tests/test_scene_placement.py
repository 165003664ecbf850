"""Where things are that are placed by walls and by other things, worked out by hand."""

import numpy as np
import pytest

from avenv.core.errors import SceneError
from avenv.scene import (
    SceneBuilder,
    SceneSpec,
    check_scene,
    compile_scene,
)

# A room of 6 x 4 m with walls 0.12 m thick: clear from 0.06 to 5.94 and to 3.94.
WEST, SOUTH, EAST, NORTH = 0.06, 0.06, 5.94, 3.94

BED = (2.0, 1.6, 0.95)  # deep, wide, high
STAND = (0.4, 0.5, 0.55)


@pytest.fixture
def room():
    return SceneBuilder("test").room("room", size=(6, 4))


def pose(room, name):
    """Return x, y and heading in degrees of an object."""
    [thing] = [o for o in compile_scene(room.builder.build()).objects if o.name == name]
    return [*thing.position[:2], round(np.rad2deg(thing.heading), 9) % 360]


def level(room, name):
    [thing] = [o for o in compile_scene(room.builder.build()).objects if o.name == name]
    return thing.position[2]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"against": "west wall"}, (WEST + 1.0, 2.0, 0)),
        ({"against": "east wall"}, (EAST - 1.0, 2.0, 180)),
        ({"against": "north wall"}, (3.0, NORTH - 1.0, 270)),
        ({"against": "south wall"}, (3.0, SOUTH + 1.0, 90)),
        ({"against": "wall 0"}, (3.0, SOUTH + 1.0, 90)),
        ({"against": "wall 1"}, (EAST - 1.0, 2.0, 180)),
        ({"against": "west wall", "along": "north"}, (WEST + 1.0, NORTH - 0.8, 0)),
        ({"against": "west wall", "along": "south"}, (WEST + 1.0, SOUTH + 0.8, 0)),
        ({"against": "north wall", "along": "east"}, (EAST - 0.8, NORTH - 1.0, 270)),
        ({"against": "north wall", "along": 1.5}, (WEST + 1.5, NORTH - 1.0, 270)),
        ({"against": "south wall", "along": 1.5}, (WEST + 1.5, SOUTH + 1.0, 90)),
        ({"against": "south wall", "along": -1.5}, (EAST - 1.5, SOUTH + 1.0, 90)),
        ({"against": "east wall", "along": 1.2}, (EAST - 1.0, SOUTH + 1.2, 180)),
        ({"against": "west wall", "gap": 0.3}, (WEST + 1.3, 2.0, 0)),
        ({"against": "west wall", "facing": 90}, (WEST + 0.8, 2.0, 90)),
        ({"against": "west wall", "facing": "north"}, (WEST + 0.8, 2.0, 90)),
    ],
)
def test_against_a_wall(room, words, expected):
    bed = room.place("bed", size=BED, **words)
    assert pose(room, bed) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("words", "expected"),
    [  # the bed lies from x 2 to 4 and y 1.2 to 2.8, its foot to the east
        ({"left_of": "bed"}, (3.0, 2.8 + 0.25, 0)),
        ({"right_of": "bed"}, (3.0, 1.2 - 0.25, 0)),
        ({"right_of": "bed", "gap": 0.1}, (3.0, 1.1 - 0.25, 0)),
        ({"in_front_of": "bed"}, (4.0 + 0.2, 2.0, 180)),
        ({"behind": "bed"}, (2.0 - 0.2, 2.0, 0)),
        ({"behind": "bed", "facing": 90}, (2.0 - 0.25, 2.0, 90)),
        ({"left_of": "bed", "offset": (-0.8, 0.1)}, (3.0 - 0.8, 2.9 + 0.25, 0)),
        ({"left_of": "bed", "facing": "bed"}, (3.0, 2.8 + 0.2, 270)),
    ],
)
def test_beside_a_thing(room, words, expected):
    room.place("bed", at=(3, 2), size=BED)
    stand = room.place("nightstand", size=STAND, **words)
    assert pose(room, stand) == pytest.approx(expected)


def test_left_and_right_turn_with_the_thing(room):
    room.place("bed", at=(3, 2), size=BED, facing=90)  # from x 2.2 to 3.8
    stand = room.place("nightstand", size=STAND, left_of="bed")
    assert pose(room, stand) == pytest.approx((2.2 - 0.25, 2.0, 90))


def test_against_a_wall_and_beside_a_thing(room):
    bed = room.place("bed", size=BED, against="west wall")  # y 1.2 to 2.8
    left = room.place("nightstand", size=STAND, against="west wall", left_of=bed, gap=0.05)
    right = room.place("nightstand", size=STAND, against="west wall", right_of=bed)
    assert pose(room, left) == pytest.approx((WEST + 0.2, 2.85 + 0.25, 0))
    assert pose(room, right) == pytest.approx((WEST + 0.2, 1.2 - 0.25, 0))
    room.place("nightstand", against="north wall", left_of=bed)  # that way lies no wall
    with pytest.raises(SceneError, match=r"objects\[3\].left_of: left of 'bed' is not along"):
        room.builder.build()


def test_under_a_window(room):
    window = room.window("east wall", along=1.2, width=1.0)
    desk = room.place("desk", size=(0.6, 1.2, 0.75), against=window)
    assert pose(room, desk) == pytest.approx((EAST - 0.3, SOUTH + 1.2, 180))


def test_a_window_goes_into_the_corner_but_for_its_frame(room):
    room.window("north wall", along="west", width=1.0)
    scene = compile_scene(room.builder.build())
    [pane] = [o for o in scene.objects if o.kind == "window"]
    assert pane.position[0] == pytest.approx(WEST + 0.05 + 0.5)


def test_on_a_thing_it_rests_on_what_is_below_it(room):
    chair = room.place("chair", at=(2, 2), facing=30)
    stool = room.place("stool", at=(3, 2))
    table = room.place("table", at=(5, 2), facing=90, size=(0.9, 1.6, 0.75))
    cushion = room.place("cushion", on=chair, offset=(0.05, 0), size=(0.15, 0.35, 0.35))
    plant = room.place("small_plant", on=stool)
    vase = room.place("vase", on=table, offset=(0.1, 0.5))
    seat = level(room, cushion)
    assert 0.4 < seat < 0.55, "on the seat, not on top of the back at 0.9 m"
    assert level(room, plant) == pytest.approx(0.46)
    assert pose(room, vase) == pytest.approx((5 - 0.5, 2.1, 90)), "as the table: to the north"
    assert level(room, vase) == pytest.approx(0.75)


def test_nothing_stands_on_thin_air(room):
    room.place("table", at=(3, 2))
    room.place("vase", on="table", offset=(0.6, 0))
    with pytest.raises(SceneError, match=r"objects\[1\].on: 'vase' at \[3.60, 2.00\] is beyond"):
        room.builder.build()


def test_under_and_above(room):
    table = room.place("table", at=(2, 2), facing=90)
    rug, lamp = room.place("rug", under=table), room.place("ceiling_lamp", above=table)
    assert pose(room, rug) == pose(room, lamp) == pytest.approx((2, 2, 90))
    assert level(room, rug) == 0
    assert level(room, lamp) == pytest.approx(2.6 - 0.70)


def test_facing_a_thing(room):
    sofa = room.place("sofa", at=(4, 2), facing=180)
    lamp = room.place("floor_lamp", at=(1, 3), facing=sofa)
    assert pose(room, lamp)[2] == pytest.approx(np.rad2deg(np.arctan2(-1, 3)) % 360)
    # Against a wall its corner touches, however it is turned.
    chair = room.place("armchair", against="south wall", along=1.5, facing=sofa)
    x, y, heading = pose(room, chair)
    assert heading == pytest.approx(np.rad2deg(np.arctan2(2 - y, 4 - x)), abs=1e-3)
    depth, width = 0.88, 0.90
    turn = np.deg2rad(heading)
    assert y == pytest.approx(SOUTH + (depth * np.sin(turn) + width * np.cos(turn)) / 2, abs=1e-5)


def test_two_things_may_face_each_other(room):
    a = room.place("armchair", at=(1, 2), facing="armchair_2")
    b = room.place("armchair", at=(4, 2), facing="armchair")
    assert (pose(room, a)[2], pose(room, b)[2]) == pytest.approx((0, 180))


def test_the_order_of_the_list_does_not_matter(room):
    room.place("vase", on="table")
    room.place("chair", in_front_of="table")
    room.place("table", against="north wall")
    assert pose(room, "chair")[1] == pytest.approx(NORTH - 0.9 - 0.26)


def test_circles_are_named_once(room):
    room.place("vase", name="a", on="b")
    room.place("table", name="b", left_of="c", facing="d")
    room.place("table", name="c", at=(5, 3), facing="d")
    room.place("chair", name="d", in_front_of="b")
    room.place("phone", name="e", on="b")
    with pytest.raises(SceneError) as caught:
        room.builder.build()
    assert str(caught.value) == (
        "test: objects[1].left_of: 'b' is left of 'c', which is facing 'd', which is in front of "
        "'b': a circle; give one of them a position"
    )


def test_walls_of_several_rooms(room):
    b = room.builder
    hall = b.room("hall", polygon=[(6, 0), (9, 0), (9, 1.5), (7.5, 1.5), (7.5, 4), (6, 4)])
    # Its east walls are 2.38 and 1.38 m long; the longer is taken, and wall 1 is the other.
    longer = hall.place("shelf", against="east wall", size=(0.24, 0.9, 0.28))
    other = hall.place("shelf", against="wall 1", size=(0.24, 0.9, 0.28))
    assert pose(room, longer)[0] == pytest.approx(7.44 - 0.12)
    assert pose(room, other)[0] == pytest.approx(8.94 - 0.12)
    b.place("shelf", against="north wall")
    with pytest.raises(SceneError, match=r"objects\[2\].room: say which room; known are: hall"):
        b.build()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"against": "top wall"}, "no 'top wall'; it has east wall, north wall, west wall, south"),
        ({"against": "wall 4"}, "no 'wall 4'; it has .* and wall 0 to wall 3"),
        ({"against": "north wall", "along": "north"}, "has no north end; it runs from west to e"),
        ({"against": "north wall", "along": "up"}, "'up': expected metres, or one of east"),
        ({"against": "north wall", "along": 5.5}, "reaches into a wall"),
        ({"against": "north wall", "at": (1, 1)}, "position and against both say where it is"),
        ({"on": "bed", "under": "bed"}, "on and under both say where it is"),
        ({"along": 1, "at": (1, 1)}, "along goes with against"),
        ({"gap": 1, "at": (1, 1)}, "a gap goes with against"),
        ({"offset": (1, 1), "against": "north wall"}, "an offset goes with"),
        ({"facing": "sofa", "at": (1, 1)}, "facing: there is no object 'sofa'"),
        ({"facing": True, "at": (1, 1)}, "True: expected degrees"),
        ({"facing": np.nan, "at": (1, 1)}, "nan: expected degrees"),
        ({}, "says not where it is"),
    ],
)
def test_contradictions_are_named(room, words, message):
    room.place("wardrobe", **words)
    with pytest.raises(SceneError, match=message):
        room.builder.build()


def test_relative_words_survive_yaml(room, tmp_path):
    room.window("south wall", along=-1)
    bed = room.place("bed", against="west wall", along="north")
    room.place("nightstand", against="west wall", right_of=bed, gap=0.1)
    room.place("armchair", at=(4, 2), facing=bed)
    spec = room.builder.build()
    spec.save(tmp_path / "room.yaml")
    read = SceneSpec.from_yaml(tmp_path / "room.yaml")
    assert read == spec
    check_scene(read)


def test_things_that_run_into_one_another_are_named(room):
    room.place("table", at=(2, 2))
    room.place("chair", at=(2.4, 2))
    with pytest.raises(SceneError) as caught:
        room.builder.build()
    assert str(caught.value) == (
        "test: objects[1]: 'chair' at [2.40, 2.00] (0.52 x 0.46 x 0.90 m) runs into "
        "'table' at [2.00, 2.00] (0.90 x 1.60 x 0.75 m)"
    )


def test_a_chair_stands_under_a_table_and_a_rug_under_both(room):
    table = room.place("table", at=(3, 2))
    room.place("chair", in_front_of=table, gap=-0.3)  # its seat is lower than the top
    room.place("rug", under=table)
    room.place("ceiling_lamp", above=table)
    room.place("vase", on=table)
    check_scene(room.builder.build())


def test_nothing_stands_where_a_door_opens(room):
    b = room.builder
    other = b.room("other", size=(3, 4), at=(6, 0))
    b.door(room, other, state="closed")  # 0.9 m wide, its leaf opens to y 2.45 in the room
    room.place("wardrobe", against="east wall", along="north", size=(0.62, 1.4, 2.1))
    check_scene(b.build())
    room.place("stool", at=(5.4, 2.47))
    with pytest.raises(SceneError, match=r"'stool' .* runs into the open leaf of 'room-other'"):
        b.build()
