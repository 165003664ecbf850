"""What a body can touch, and what its hands do to it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from avenv.acoustics import AcousticSettings
from avenv.core.errors import SceneError
from avenv.scene import SceneBuilder
from avenv.scene.states import is_put, put_state, used
from avenv.simulation.body import Body
from avenv.simulation.events import Event
from avenv.simulation.hands import substance
from avenv.simulation.loading import load_scene
from avenv.simulation.reach import in_reach
from avenv.simulation.settings import SensorSettings
from avenv.simulation.simulator import Commands, Simulator
from avenv.simulation.state import Start
from avenv.sounds import synthesise

RATE = 16000
BOX = (0.2, 0.3, 0.2)


@pytest.fixture(scope="module")
def room():
    b = SceneBuilder("room")
    b.room("room", size=(6, 4))
    b.place("table", at=(4, 2), size=(0.8, 1.6, 0.75), facing=0, name="table")
    b.place("radio", on="table", at=(3.8, 2.0), facing=180, name="radio")
    b.place("metal_box", at=(1.5, 3.0), size=BOX, facing=0, name="box",
            materials={"body": "white_lacquer", "lid": "white_lacquer"})  # fmt: skip
    b.place("wooden_box", at=(1.5, 1.0), size=BOX, facing=0, name="other")
    b.place("wardrobe", at=(0.5, 2.0), facing=0, size=(0.6, 0.8, 2.0), name="wardrobe")
    return load_scene(b.build())


def touched(world, x, y, degrees, things=None):
    touch = in_reach(world, Body(), [(x, y)], [np.deg2rad(degrees)], things)
    row = int(touch.thing[0])
    return (world.compiled.objects[row].name if row >= 0 else None), touch.point[0]


def test_the_nearest_point_of_a_box_ahead_is_in_reach(room):
    name, point = touched(room, 0.7, 3.0, 0)
    assert name == "box"
    # The hands are at (1.2, 3.0, 0.85), the box from 1.4 on and up to 0.2 m.
    assert_allclose(point, (1.4, 3.0, 0.2), atol=1e-5)


@pytest.mark.parametrize(
    ("metres", "found"), [(0.95, "box"), (0.999, "box"), (1.001, None), (1.3, None)]
)
def test_reach_is_a_metre_from_the_axis(room, metres, found):
    assert touched(room, 1.4 - metres, 3.0, 0, ("box", "other"))[0] == found


@pytest.mark.parametrize(("degrees", "found"), [(0, "box"), (40, "box"), (60, None), (180, None)])
def test_reach_is_thirty_degrees_to_a_side(room, degrees, found):
    # The box's near face spans atan(0.15 / 0.7) = 12.1 degrees to either side.
    assert touched(room, 0.7, 3.0, degrees, ("box",))[0] == found


def test_what_is_hidden_is_out_of_reach():
    b = SceneBuilder("cell")
    b.room("cell", size=(4, 4))
    b.place("wooden_box", at=(2.5, 2.0), size=BOX, name="box")
    b.place("bookshelf", at=(2.1, 2.0), facing=180, size=(0.3, 1.5, 1.9), name="shelf")
    world = load_scene(b.build())
    assert touched(world, 1.6, 2.0, 0, ("box",))[0] is None
    assert touched(world, 1.6, 2.0, 0)[0] == "shelf"
    assert touched(world, 3.2, 2.0, 180, ("box",))[0] == "box"


def test_of_two_things_it_is_the_one_nearest_to_the_hands(room):
    # From (3.2, 2) the hands are at (3.7, 2, 0.85): 25 mm from the radio, 0.1 m above the table.
    assert touched(room, 3.2, 2.0, 0)[0] == "radio"
    assert touched(room, 3.2, 2.0, 0, ("table",))[0] == "table"
    # From (3.05, 2) they are before the edge of the table at 3.6, and nearer to that.
    assert touched(room, 3.05, 2.0, 0)[0] == "table"


def test_many_bodies_reach_as_each_alone(room):
    rng = np.random.default_rng(0)
    places, headings = rng.uniform((0.5, 0.5), (5.5, 3.5), (200, 2)), rng.uniform(-3, 3, 200)
    many = in_reach(room, Body(), places, headings)
    for k in range(0, 200, 20):
        one = in_reach(room, Body(), places[k], headings[k])
        assert one.thing[0] == many.thing[k]
        assert np.array_equal(one.point[0], many.point[k])


def test_what_runs_is_switched_off_and_what_has_a_door_is_opened():
    machine = ("off", "on", "open")
    assert [used(s, machine) for s in ("on", "off", "open")] == ["off", "open", "off"]
    assert [used(s, ("off", "on")) for s in ("on", "off")] == ["off", "on"]
    assert [used(s, ("open", "closed")) for s in ("open", "closed")] == ["closed", "open"]
    assert used("fallen", ("off", "on", "fallen")) is None


# -- hands ---------------------------------------------------------------------------------------


def standing(world, x, y, degrees, names=("audio", "contact"), **start):
    settings = SensorSettings(names, image_size=(32, 32), sample_rate=RATE, window=0.5)
    sim = Simulator([world], settings, propagation=AcousticSettings(max_time=0.3))
    sim.begin({0: Start(world, (x, y), np.deg2rad(degrees), **start)})
    return sim


def do(sim, verb, metres=0.0, degrees=0.0):
    """Let the body act, and turn and walk; return what came of it, and whether it felt contact."""
    motion = np.full(1, metres), np.full(1, np.deg2rad(degrees))
    sim.step(np.ones(1, bool), Commands(*motion, acts={0: verb}))
    return sim.acts[0], bool(sim.state.collided[0])


def place_of(sim, name):
    return next(o for o in sim.state.here[0].compiled.objects if o.name == name)


def test_interact_switches_the_radio_on_and_off(room):
    sim = standing(room, 3.1, 2.0, 0)
    act, felt = do(sim, "interact")
    assert (act.thing, act.was, act.state, felt) == ("radio", "off", "on", False)
    assert [e.object for e in sim.state.emitters(0)] == ["radio"]
    assert do(sim, "interact")[0].state == "off"
    assert [e.end for e in sim.state.emitters(0)] == [0.25]


def test_interact_with_nothing_in_reach_is_felt_and_changes_nothing(room):
    sim = standing(room, 2.5, 3.4, 90)
    act, felt = do(sim, "interact")
    assert act.failed
    assert act.thing is None
    assert felt
    assert sim.observe()["contact"][0, 0] == 1
    assert sim.state.here[0] is room
    assert not do(sim, "wait")[1]


def test_a_box_is_picked_up_and_put_onto_the_table(room):
    sim = standing(room, 0.8, 3.0, 0)
    act, _ = do(sim, "pick")
    assert (act.thing, act.state) == ("box", "held")
    assert do(sim, "pick")[0].problem == "the hands are full"
    sim.state.position[0], sim.state.heading[0] = (3.2, 1.5), 0.0
    act, felt = do(sim, "put")
    assert (act.on, felt) == ("table", False)
    assert is_put(act.state)
    box = place_of(sim, "box")
    assert box.position[2] == pytest.approx(0.75, abs=1e-3)
    # Beyond the edge at 3.6 with all of its base, half of which is 0.1 m deep, and facing the body.
    assert 3.7 <= box.position[0] <= 4.2
    assert abs(np.cos(box.heading) + 1) < 0.2
    number = [o.name for o in room.compiled.objects].index("box")
    here = sim.state.here[0].compiled
    low = here.triangles[here.object == number].min(axis=(0, 1))
    assert low[2] == pytest.approx(0.75, abs=2e-3)
    sim.state.heading[0] = np.arctan2(box.position[1] - 1.5, box.position[0] - 3.2)
    assert do(sim, "pick")[0].thing == "box"  # and again


def test_put_into_a_wall_does_nothing(room):
    sim = standing(room, 0.8, 3.0, 0)
    do(sim, "pick")
    sim.state.position[0], sim.state.heading[0] = (3.0, 3.7), np.pi / 2
    act, felt = do(sim, "put")
    assert felt
    assert (act.thing, act.state, act.problem) == ("box", "held", "there is no room ahead")
    sim.state.heading[0] = -np.pi / 2
    assert do(sim, "put")[0].on == "room/floor"
    assert place_of(sim, "box").position[2] == pytest.approx(0.0, abs=2e-3)


def test_put_with_empty_hands(room):
    assert do(standing(room, 3.1, 2.0, 0), "put")[0].problem == "the hands are empty"


def test_a_thing_that_is_held_neither_falls_nor_comes_back(room):
    sim = standing(room, 0.8, 3.0, 0, events=(Event(0.3, {"box": "fallen", "radio": "on"}),))
    do(sim, "pick")
    for _ in range(3):
        do(sim, "wait")
    assert sim.state.here[0].compiled.states["box"] == "held"
    assert sim.state.here[0].compiled.states["radio"] == "on"
    assert sim.state.events[0] == []


def test_a_put_thing_is_a_scene_of_plain_text(room):
    state = put_state((2.5, -0.001, 0.7501), 1.5707)
    assert state == "put 2.50 0.00 0.751 1.57"
    world = room.with_states({"box": state})
    box = next(o for o in world.compiled.objects if o.name == "box")
    assert box.position == (2.5, 0.0, 0.751)
    assert world.with_states({"box": "placed"}) is room
    with pytest.raises(SceneError, match=r"has no state 'put 2\.5'"):
        room.with_states({"box": "put 2.5"})
    with pytest.raises(SceneError, match="has no state"):
        room.with_states({"wardrobe": state})


def test_tapping_tells_what_a_box_is_made_of_though_it_looks_like_wood(room):
    assert substance(room, "box") == "steel"
    assert substance(room, "other") == "pine"
    assert substance(room, "wardrobe") == "beech"
    sim = standing(room, 0.8, 3.0, 0)
    act, _ = do(sim, "tap")
    assert act.thing == "box"
    [knock] = [e for e in sim.state.emitters(0) if e.object == "box"]
    assert knock.sound.name == "rap?material=steel&filling=hollow"
    assert_allclose(knock.position, (1.4, 3.0, 0.2), atol=0.03)
    assert np.abs(sim.observe()["audio"]).max() > 1e-3
    for _ in range(10):
        do(sim, "wait")
    quiet = [e for e in sim.state.emitters(0) if not e.is_sounding(int(sim.state.clock[0]))]
    assert knock in quiet
    sim = standing(room, 0.8, 3.0, 0, knocks={"box": synthesise("rap_wood/unheard/2?filling=full")})
    do(sim, "tap")
    assert sim.state.emitters(0)[-1].sound.name == "rap_wood/unheard/2?filling=full"


def test_a_chirp_shares_the_late_field_of_the_nearest_place(room):
    sim = standing(room, 3.1, 2.0, 0)
    act, felt = do(sim, "emit")
    assert not act.failed
    assert not felt
    [source] = sim.state.sources[0]
    assert source.near in room.source_places
    assert np.hypot(source.near[0] - 3.1, source.near[1] - 2.0) < 1.0
    assert source.emitter.position == (3.1, 2.0, 0.85)
    heard = sim.observe()["audio"][0]
    # Straight below the ears by 0.4 m: 18.7 samples at 16 kHz, and what the head delays it.
    window, step = heard.shape[1], 4000
    first = np.flatnonzero(np.abs(heard[0]) > 0.1 * np.abs(heard[0]).max())[0] - (window - step)
    assert 15 <= first <= 100


def test_states_that_only_sound_share_all_that_was_made(room):
    playing = room.with_states({"radio": "on"})
    assert playing.compiled.bvh is room.compiled.bvh
    assert playing.raster is room.raster
    held = playing.with_states({"box": "held"})
    again = held.with_states({"radio": "off"})
    assert again.raster is held.raster
    assert again.walkable is held.walkable
    assert again.raster is not room.raster


def test_what_is_foreseen_is_there_when_it_happens(room):
    sim = standing(room, 0.8, 3.0, 0, names=("rgb", "audio"))
    sim.foresee(0, [{"box": "held"}])
    world = room.with_states({"box": "held"})
    assert world._prepared
    do(sim, "pick")
    assert sim.state.here[0] is world
