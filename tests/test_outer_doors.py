"""Doors that lead out of doors: how they are written, and what they let through."""

import numpy as np
import pytest

import avenv
from avenv.core.errors import SceneError
from avenv.scene import CATEGORIES, SceneBuilder, SceneSpec
from avenv.simulation.loading import load_scene
from avenv.simulation.survey import survey

SIZE = (4.0, 3.0)
WALL, HEIGHT = 0.12, 2.6


def hut(window=True, **fields):
    """Build one room with a door in the middle of its north wall."""
    b = SceneBuilder("hut")
    hall = b.room("hall", size=SIZE)
    if window:
        hall.window("west wall")
    b.door(hall, None, **{"wall": "north wall", **fields})
    return b.build()


@pytest.fixture(scope="module")
def closed():
    """Return the hut, its door closed as it usually is."""
    return load_scene(hut())


@pytest.fixture(scope="module")
def opened(closed):
    """Return the hut with its door open."""
    return closed.with_states({"hall-outside": "open"})


def test_it_is_closed_unless_told_otherwise_and_says_so_in_its_data():
    [door] = hut().doors
    assert (door.is_outer, door.state, door.between) == (True, "closed", ("hall", None))
    [ajar] = hut(state="open").doors
    assert ajar.state == "open"
    for spec in (hut(), hut(state="open")):
        assert SceneSpec.from_dict(spec.to_dict()) == spec


def test_both_ways_of_writing_it_mean_the_same(tmp_path):
    path = tmp_path / "hut.yaml"
    text = (
        "name: hut\nrooms: [{name: hall, polygon: [[0, 0], [4, 0], [4, 3], [0, 3]]}]\ndoors: [%s]"
    )
    specs = []
    for door in ("{between: [hall, null]}", "{outer: hall}"):
        path.write_text(text % door)
        specs.append(SceneSpec.from_yaml(path))
    assert specs[0] == specs[1]
    assert specs[0].doors[0].is_outer


def test_without_a_place_it_is_in_the_middle_of_the_longest_outer_wall():
    b = SceneBuilder("two rooms")
    hall = b.room("hall", size=(6, 2))
    room = b.room("room", size=(4, 3), at=(0, 2))  # leaves 2 m of the hall's north wall outside
    b.door(hall, room)
    b.door(hall, None)  # the south wall, 6 m
    b.door(room, None, at=(0, 4))
    leaves = {t.name: t for t in load_scene(b.build()).compiled.objects if t.kind == "door"}
    assert leaves["hall-outside"].position[:2] == pytest.approx((3, 0), abs=1e-6)
    assert leaves["room-outside"].position[:2] == pytest.approx((0, 4), abs=1e-6)


@pytest.mark.parametrize(
    ("door", "message"),
    [
        ({"between": ["hal", None]}, r"doors\[0\].between: there is no room 'hal'.*'hall'"),
        ({"outer": "hall", "between": ["hall", None]}, "outer and between both"),
        ({"outer": "hall", "wall": "north wall", "position": [2, 3]}, "position and wall both"),
        ({"between": ["hall", "room"], "wall": "north wall"}, "wall goes with a door that leads"),
        ({"outer": "hall", "along": 1.0}, "along goes with a wall"),
        ({"outer": "hall", "into": "room"}, "'room' is not 'hall'"),
        ({"outer": "hall", "wall": "east wall"}, r"doors\[0\].wall: .*'room' is behind it"),
        ({"outer": "hall", "position": [2, 1]}, r"doors\[0\].position: .* from the nearest wall"),
        ({"outer": "hall", "height": 3.0}, "above the ceiling"),
        ({"outer": "hall", "wall": "north wall", "width": 5.0}, "too wide"),
        ({"outer": "core"}, "'core' has no outer wall"),
    ],
)
def test_mistakes_are_named(door, message):
    ring = [(0, 0), (4, 0), (4, 3), (0, 3)]
    rooms = [
        {"name": "hall", "polygon": ring},
        {"name": "room", "polygon": [(4, 0), (7, 0), (7, 3), (4, 3)]},
    ]
    if door.get("outer") == "core":  # in the middle of four others
        rooms = [
            {"name": "core", "polygon": [(3, 3), (5, 3), (5, 5), (3, 5)]},
            {"name": "south", "polygon": [(0, 0), (8, 0), (8, 3), (0, 3)]},
            {"name": "north", "polygon": [(0, 5), (8, 5), (8, 8), (0, 8)]},
            {"name": "west", "polygon": [(0, 3), (3, 3), (3, 5), (0, 5)]},
            {"name": "east", "polygon": [(5, 3), (8, 3), (8, 5), (5, 5)]},
        ]
    data = {"name": "test", "rooms": rooms, "doors": [door]}
    with pytest.raises(SceneError, match=message):
        load_scene(SceneSpec.from_dict(data))


def test_nobody_walks_out_of_it(closed, opened):
    """The floor ends where the tunnel does; a body stays its radius away from there."""
    for world in (closed, opened):
        iy, _ = np.nonzero(world.walkable.islands)
        north = world.walkable.origin[1] + world.walkable.cell * (iy.max() + 1)
        assert north <= SIZE[1] + WALL / 2
    assert not survey(closed).warnings


def test_one_sees_the_leaf_or_the_sky(closed, opened):
    """Through the open door: the bluish sky, which is no thing, 3.06 - 0.5 m away."""

    def look(world, light="day"):
        return avenv.render_view(world, (2, 0.5, 1.4), np.pi / 2, 0.0, (64, 64), 40, light=light)

    shut, wide = look(closed), look(opened)
    assert CATEGORIES[shut["semantic"][32, 32, 0]] == "door"
    assert CATEGORIES[wide["semantic"][32, 32, 0]] == "void"
    red, _, blue = (wide["rgb"][24:40, 28:36].mean(axis=(0, 1))).tolist()
    assert blue > red > 100
    assert look(opened, "evening")["rgb"][24:40, 28:36].mean() < 0.9 * blue
    assert shut["depth"][32, 32, 0] == pytest.approx(2.5 - 0.02, abs=1e-3)  # the leaf's face
    assert wide["depth"][32, 32, 0] == pytest.approx(2.5 + WALL / 2, abs=1e-3)


def test_sound_leaves_through_it(closed, opened):
    """An open doorway absorbs all that meets it: 1/T grows by c S / (24 ln 10 V), as Sabine says.

    The leaf, too, had absorbed some: 0.08 at 500 Hz and 1 kHz.
    """
    rates = []
    for world in (closed, opened):
        response = avenv.impulse_response(world, (1, 1, 1.5), (3, 2, 1.2), layout="mono")
        rates.append(1 / avenv.acoustics.measures(response, 16000, per_band=True)["t20"][0, 2:4])
    volume = (SIZE[0] - WALL) * (SIZE[1] - WALL) * HEIGHT
    expected = 343 * 0.9 * 2.05 * (1 - 0.08) / (24 * np.log(10) * volume)
    assert (rates[1] - rates[0]).mean() == pytest.approx(expected, rel=0.2)


def test_a_room_with_nothing_but_a_closed_door_is_not_dark():
    rgb = avenv.render_view(load_scene(hut(window=False)), (2, 0.5, 1.4), 0.0, 0.0, (32, 32))["rgb"]
    assert rgb.mean() > 60
