"""Where things come to lie that fall."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from shapely import Point, Polygon

from avenv import navigation
from avenv.scene import SceneBuilder, SceneSpec, compile_scene, find_scene
from avenv.scene.catalogue import kind, kind_names
from avenv.scene.homes import make_home
from avenv.scene.plan import footprint


def room_with(size=(5.0, 4.0)):
    b = SceneBuilder("den")
    b.room("den", size=size)
    return b


def parlour():
    b = room_with()
    b.place("table", at=(2.5, 2.0), name="table")
    b.place("vase", on="table", name="vase")
    b.place("chair", at=(2.5, 0.9), facing=90, name="chair")
    b.place("cabinet", at=(0.4, 2.0), name="cabinet")
    return b


@pytest.fixture(scope="module")
def den():
    return compile_scene(parlour().build())


def thing(scene, name):
    return next(o for o in scene.objects if o.name == name)


def corners(scene, name):
    number = [o.name for o in scene.objects].index(name)
    return scene.triangles[(scene.object == number) & np.any(scene.normals, axis=1)].reshape(-1, 3)


def outline(o):
    return Polygon(footprint(o.position[:2], o.heading, *o.size[:2]))


@pytest.mark.parametrize("state", ["fallen", "broken"])
def test_a_vase_falls_from_its_table_to_the_floor_beside(den, state):
    after = den.posed({"vase": state})
    lying = corners(after, "vase")
    assert_allclose(lying[:, 2].min(), 0, atol=1e-3)
    vase, table = thing(after, "vase"), outline(thing(den, "table"))
    assert vase.state == state
    assert table.distance(Point(vase.position[:2])) < 1.5
    for name in ("table", "chair", "cabinet"):
        assert not outline(vase).intersects(outline(thing(den, name))), name
    room = Polygon(den.rooms[0].polygon)
    assert all(room.contains(Point(p)) for p in lying[:, :2])
    assert_allclose(vase.position[:2], (lying.min(axis=0) + lying.max(axis=0))[:2] / 2, atol=0.06)


def test_it_is_in_the_way_where_it_lies(den):
    before, after = (navigation.build_grid(s) for s in (den, den.posed({"vase": "fallen"})))
    spot = np.array([thing(den.posed({"vase": "fallen"}), "vase").position[:2]])
    assert before.is_walkable(spot)[0]
    assert not after.is_walkable(spot)[0]


def test_the_crash_is_heard_from_where_it_lies(den):
    event = den.posed({"vase": "fallen"}).event("vase")
    x, y, z = thing(den.posed({"vase": "fallen"}), "vase").position
    assert event.sound == "smash"
    assert_allclose(event.position[:2], (x, y))
    assert 0.1 < event.position[2] - z < 0.25  # just above the lying vase
    assert den.posed({"vase": "held"}).event("vase") is None


def test_put_back_it_stands_where_it_stood(den):
    assert den.posed({"vase": "fallen"}).posed({"vase": "whole"}) is den
    held = den.posed({"vase": "fallen"}).posed({"vase": "held"})
    assert thing(held, "vase").position == thing(den, "vase").position


def test_the_same_scene_falls_the_same_way(den):
    again = compile_scene(parlour().build())
    one, other = (s.posed({"vase": "broken"}).triangles for s in (den, again))
    np.testing.assert_array_equal(one, other)


def test_what_stands_on_the_floor_tips_where_it_stands_if_there_is_room():
    b = room_with()
    b.place("chair", at=(2.5, 2.0), name="free")
    b.place("table", at=(4.0, 2.0), facing=90, name="table")
    b.place("chair", at=(4.0, 1.0), facing=90, name="tucked")  # its front at the table's edge
    scene = compile_scene(b.build())
    after = scene.posed({"free": "fallen", "tucked": "fallen"})
    assert thing(after, "free").position == thing(scene, "free").position
    assert not outline(thing(after, "tucked")).intersects(outline(thing(scene, "table")))


def test_things_that_fall_do_not_fall_onto_each_other():
    b = room_with((3.0, 2.5))
    b.place("table", at=(1.5, 1.25), name="table")
    for k in range(3):
        b.place("vase", on="table", offset=(0.2, 0.3 * (k - 1)), name=f"vase {k}")
    scene = compile_scene(b.build())
    after = scene.posed({f"vase {k}": "fallen" for k in range(3)})
    lying = [outline(thing(after, f"vase {k}")) for k in range(3)]
    assert all(thing(after, f"vase {k}").position[2] == 0 for k in range(3))
    assert not any(lying[i].intersects(lying[j]) for i in range(3) for j in range(i))


def test_without_room_on_the_floor_it_tips_in_its_place():
    b = room_with((1.3, 1.9))
    b.place("table", at=(0.65, 0.95), name="table")
    b.place("vase", on="table", name="vase")
    scene = compile_scene(b.build())
    after = scene.posed({"vase": "fallen"})
    assert thing(after, "vase").position == thing(scene, "vase").position
    assert_allclose(corners(after, "vase")[:, 2].min(), 0.75, atol=1e-3)


def test_nothing_falls_into_a_doorway_or_through_a_wall():
    b = room_with((3.0, 3.0))
    b.room("hall", size=(3.0, 3.0), at=(3.0, 0.0))
    b.door("den", "hall", name="door")
    b.place("cabinet", at=(2.7, 0.55), facing=180, size=(0.45, 0.8, 0.85), name="cabinet")
    b.place("vase", on="cabinet", offset=(0, -0.3), name="vase")
    after = compile_scene(b.build()).posed({"vase": "fallen"})
    vase = outline(thing(after, "vase"))
    assert vase.bounds[2] < 2.94  # the wall's face
    assert vase.distance(Polygon([(2.6, 1.05), (2.94, 1.05), (2.94, 1.95), (2.6, 1.95)])) > 0


def test_what_was_made_fallen_lies_on_the_floor_from_the_start():
    spec = parlour().build().to_dict()
    next(o for o in spec["objects"] if o["kind"] == "vase")["state"] = "fallen"
    spec["sources"] = [{"on": "vase", "sound": "phone"}]
    scene = compile_scene(SceneSpec.from_dict(spec))
    posed = compile_scene(parlour().build()).posed({"vase": "fallen"})
    assert thing(scene, "vase") == thing(posed, "vase")
    np.testing.assert_array_equal(scene.triangles, posed.triangles)
    assert scene.sources[0].position[2] < 0.3


def test_a_door_is_where_its_leaf_is():
    b = room_with()
    b.room("hall", size=(2.0, 4.0), at=(5.0, 0.0))
    b.door("den", "hall", name="door")
    scene = compile_scene(b.build())
    assert_allclose(thing(scene.posed({"door": "closed"}), "door").position[:2], (5, 2), atol=1e-6)
    assert thing(scene, "door").position[0] < 4.6


@pytest.mark.parametrize("name", [n for n in kind_names() if kind(n).mounted == "top"])
def test_things_that_fall_are_silent_and_dark_after_their_crash(name):
    falls = [how for how in kind(name).states.values() if how.is_fall]
    for how in falls:
        assert how.event == kind(name).falls is not None
        assert how.sound is None
        assert how.light == 0 or kind(name).category != "lamp"


@pytest.mark.parametrize("home", ["apartment", 0, 1, 2])
def test_everything_that_falls_lies_on_something(home):
    spec = SceneSpec.from_yaml(find_scene(home)) if home == "apartment" else make_home("val", home)
    scene = compile_scene(spec)
    fallen = 0
    for switch in scene.switches:
        here = scene.objects[switch.object]
        for state in {"fallen", "broken"} & set(switch.states):
            after = scene.posed({here.name: state})
            lowest = corners(after, here.name)[:, 2].min()
            room = scene.rooms[here.room]
            on_floor = room.floor - 1e-4 <= lowest <= room.floor + 0.03
            lies_where_it_stood = abs(lowest - here.position[2]) < 1e-3
            assert on_floor or lies_where_it_stood, here.name
            fallen += on_floor
    assert fallen > 5
