"""Procedural homes: what is promised of each, of the sets, and of what people mistype."""

import numpy as np
import pytest
from click.testing import CliRunner
from shapely import Polygon, contains_xy

import avenv
from avenv.acoustics import AcousticSettings
from avenv.benchmark import evaluate, find_agent
from avenv.cli import main
from avenv.envs.env import Env
from avenv.scene import SceneSpec
from avenv.scene.catalogue import build_mesh, categories, kind, kind_names
from avenv.scene.homes import (
    HomeOptions,
    find_homes,
    generate_home,
    lacks,
    make_home,
    objects_in_doorways,
    pin_of,
    pins,
    reverberation_times,
)
from avenv.scene.homes.draws import uniform
from avenv.scene.homes.floorplan import draw_plan
from avenv.scene.homes.tables import table
from avenv.scene.materials import material_names
from avenv.scene.placed import lay_out
from avenv.simulation.loading import load_scene
from avenv.simulation.survey import survey
from avenv.simulation.worlds import load_worlds

SEEDS = range(200, 212)


@pytest.fixture(scope="module")
def homes():
    """Return some homes."""
    return [generate_home(seed) for seed in SEEDS]


def test_one_seed_is_one_home(homes):
    assert generate_home(SEEDS[0]) == homes[0]
    assert pin_of(generate_home(SEEDS[0])) == pin_of(homes[0])
    assert len({pin_of(home) for home in homes}) == len(homes)


def test_every_room_can_be_reached_and_walked_about(homes):
    """Loading a home also checks that no object is inside another or reaches into a wall."""
    for home in homes:
        world, layout = load_scene(home), lay_out(home)
        assert not survey(world).warnings
        assert not objects_in_doorways(layout)
        floor = sum(room.shape.area for room in layout.rooms)
        assert world.walkable.swept_area() >= 0.6 * floor


def test_no_bedroom_or_bathroom_is_walked_through(homes):
    for home in homes:
        private = {r.name for r in home.rooms if r.type in ("bathroom", "bedroom", "storage")}
        for name in private:
            assert sum(name in door.between for door in home.doors) == 1, (home.name, name)


def test_rooms_reverberate_as_rooms_do(homes):
    for home in homes:
        assert all(0.2 <= t <= 1.0 for t in reverberation_times(lay_out(home)))


def test_the_estimate_is_what_is_measured(homes):
    """A diffuse estimate is short of the simulated decay, most where furniture is on one side."""
    world = load_scene(homes[0])
    times = reverberation_times(lay_out(homes[0]))
    settings = AcousticSettings(max_time=1.0)
    for room, expected in zip(world.compiled.rooms, times, strict=True):
        near = world.places[contains_xy(Polygon(room.polygon), world.places)]
        if len(near) < 2:
            continue
        ends = (*near[0], 1.2), (*near[-1], 1.5)
        response = avenv.impulse_response(world, *ends, layout="mono", settings=settings)
        t30 = avenv.acoustics.measures(response, 16000, per_band=True)["t30"][0, 2:4].mean()
        assert 0.2 <= t30 <= 1.2
        assert 0.7 * expected <= t30 <= 2.0 * expected


def test_homes_are_furnished_with_all_that_is_looked_for(homes):
    kinds = {thing.kind for home in homes for thing in home.objects}
    assert len(kinds) >= 45
    always = {"sofa", "bed", "table", "picture", "sink", "toilet", "tv_monitor", "cabinet"}
    assert always <= {kind(name).category for name in kinds}


SMALL = {"bottle", "cup", "toy", "keys", "ball", "remote", "cushion", "book_stack"}
BOXES = {"wooden_box", "metal_box", "cardboard_box", "plastic_box"}


@pytest.mark.parametrize("split", ["val", "test", "train"])
def test_homes_have_a_front_door_and_what_else_they_should(split):
    """``scripts/validate_homes.py`` asks this of every home of the fixed lists."""
    for number in range(8):
        home = make_home(split, number)
        assert not lacks(home), home.name
        [door] = [door for door in home.doors if door.is_outer]
        assert (door.kind, door.state) == ("door", "closed")


def test_what_a_home_lacks_is_said(homes):
    home = homes[0]
    assert not lacks(home)
    bare = home.model_copy(update={"objects": (), "sources": (), "windows": ()})
    assert {"a doorbell at its front door", "a letter_box at its front door", "a smoke alarm",
            "a window in its bedroom", "a thing to carry"} <= set(lacks(bare))  # fmt: skip
    shut_in = home.model_copy(update={"doors": tuple(d for d in home.doors if not d.is_outer)})
    assert lacks(shut_in) == ["a front door"]


def test_small_things_and_boxes_are_carried_and_fall():
    for name in SMALL | BOXES:
        states = kind(name).states
        assert states["held"].pose == "held"
        assert states["fallen"].is_fall
        assert states["fallen"].event is not None
    looks = [build_mesh(name, (0.3, 0.4, 0.2), {"body": "oak", "lid": "oak"}) for name in BOXES]
    for parts in looks[1:]:  # equal materials: nothing tells them apart by sight
        for one, other in zip(looks[0], parts, strict=True):
            assert one.material == other.material
            assert np.array_equal(one.triangles, other.triangles)
    assert len({kind(name).falls for name in BOXES}) == 4


def test_the_tables_name_what_there_is():
    rules, looks = table("furniture"), table("styles")
    rows = [row for type_ in ("entrance", *table("rooms")["types"]) for row in rules[type_]]
    rows += [child for row in rows for child in row.get("with", ())]
    rows += [child for row in rows for child in row.get("with", ())]
    named = [k for row in rows if "kind" in row for k in np.atleast_1d(row["kind"]).tolist()]
    assert set(named) <= set(kind_names())
    units = {unit["kind"] for unit in rules["kitchen_run"]["units"]} | {"kitchen_cabinet"}
    reached = {kind(name).category for name in {*named, *units}}
    assert set(categories()[:21]) <= reached, "the goal categories of SoundSpaces"
    materials = [
        m for group in ("surfaces", "classes") for row in looks[group].values() for m in row
    ]
    assert set(materials + looks["doors"]) <= set(material_names())
    for name, parts in looks["parts"].items():
        assert set(parts) <= set(kind(name).materials), name


@pytest.mark.parametrize("rooms", range(3, 11))
def test_floor_plans_have_as_many_rooms_as_asked_for(rooms):
    program = table("rooms")["programs"][rooms][0]
    plan = draw_plan(program, 1.0, np.random.default_rng(rooms))
    assert sorted(plan.types.values()) == sorted(program)
    rects = [r for parts in plan.rects.values() for r in parts]
    for k, (x0, y0, x1, y1) in enumerate(rects):
        for u0, v0, u1, v1 in rects[k + 1 :]:
            assert min(x1, u1) <= max(x0, u0) or min(y1, v1) <= max(y0, v0), "rooms overlap"


def test_options_do_what_they_say():
    def area(home):
        return sum(room.shape.area for room in lay_out(home).rooms)

    small, large = (generate_home(3, HomeOptions(rooms=5, size=s)) for s in (0.8, 1.3))
    assert len(small.rooms) == len(large.rooms) == 5
    assert area(small) < area(large)
    bare, full = (generate_home(4, HomeOptions(rooms=4, clutter=c)) for c in (0.0, 1.5))
    assert len(bare.objects) < len(full.objects)
    dry, live = (generate_home(5, HomeOptions(rooms=4, reverberance=r)) for r in ("dry", "live"))
    mean_time = [np.mean(reverberation_times(lay_out(home))) for home in (dry, live)]
    assert mean_time[0] < mean_time[1]
    shut = generate_home(6, HomeOptions(closed_doors=1.0))
    assert {door.state for door in shut.doors if door.kind == "door"} == {"closed"}


@pytest.mark.parametrize(
    ("option", "value"),
    [("rooms", 2), ("rooms", 11), ("size", 3.0), ("clutter", -1), ("reverberance", "wet"),
     ("closed_doors", 2)],
)  # fmt: skip
def test_options_out_of_range_are_refused(option, value):
    with pytest.raises(ValueError, match=f"{option} is .*accepted"):
        HomeOptions(**{option: value})


def test_the_fixed_lists_are_pinned_and_disjoint():
    lists = pins()
    assert {split: len(hashes) for split, hashes in lists.items()} == {"val": 50, "test": 50}
    assert len({h for hashes in lists.values() for h in hashes}) == 100
    for split, number in (("val", 0), ("val", 49), ("test", 0)):
        assert pin_of(make_home(split, number)) == lists[split][number]
    assert pin_of(make_home("train", 0)) not in lists["val"] + lists["test"]


def test_homes_are_loaded_by_name():
    world = load_scene("homes:val/3")
    assert world.name == "homes-val-3"
    assert world.spec == make_home("val", 3)
    assert [source.sound for source in world.compiled.sources]


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("homes:foo", "homes:train, homes:val, homes:test"),
        ("homes:", "homes:train, homes:val, homes:test"),
        ("homes:train/-1", "names no homes"),
        ("homes:val/3/4", "names no homes"),
        ("homes:val/50", "homes 0 to 49"),
        ("homes:val/7-3", "ascending"),
        ("homes:val", "many homes"),
    ],
)
def test_homes_that_are_not_there_are_refused(reference, message):
    with pytest.raises(avenv.SceneError, match=message):
        load_scene(reference)


def test_sets_are_made_when_asked_for_and_kept_for_a_while():
    worlds = load_worlds(["apartment", "homes:train"])
    assert len(worlds) == 1 + 2**31
    assert worlds[0].name == "apartment"
    assert worlds[1 + 77].name == "homes-train-77"
    assert worlds[78] is worlds[78]
    assert load_worlds(worlds) is worlds  # and no home of it is made
    some = load_worlds("homes:train/5-7")
    assert [find_homes("homes:train/5-7").numbers[k] for k in range(len(some))] == [5, 6, 7]
    assert len(load_worlds("homes:val")) == 50
    with pytest.raises(IndexError):
        some[3]


def test_a_home_is_written_as_a_scene_that_can_be_changed(tmp_path):
    path = tmp_path / "home.yaml"
    done = CliRunner().invoke(main, ["scene", "homes", "val/3", "--out", str(path)])
    assert done.exit_code == 0, done.output
    assert SceneSpec.from_yaml(path) == make_home("val", 3)
    path.write_text(path.read_text().replace("name: homes-val-3", "name: mine"))
    assert load_scene(path).name == "mine"
    for bad, words in (("val/50", "0 to 49"), ("val", "many homes"), ("nowhere", "names no homes")):
        done = CliRunner().invoke(main, ["scene", "homes", bad, "--out", str(path)])
        assert done.exit_code == 1
        assert words in done.output


def test_an_endless_set_is_not_baked():
    done = CliRunner().invoke(main, ["bake", "homes:train"])
    assert done.exit_code == 1
    assert "homes:train/0-99" in done.output


def test_an_agent_is_evaluated_on_the_fixed_homes():
    report = evaluate(
        find_agent("oracle"), episodes=2, seed=3, num_envs=2, progress=False, scenes="homes:val",
        sensors=("audio",), max_episode_steps=300,
    )  # fmt: skip
    assert report.values("success").tolist() == [1.0, 1.0]
    for record in report.episodes:
        assert record["scene"] == record["episode"]["scene"]["name"]


def test_a_home_is_kept_for_some_episodes_and_drawn_anew_with_a_seed():
    env = Env(scenes="homes:train", sensors=("audio",), episodes_per_scene=2)
    first = [env.reset(seed=5)[1]["setup"]["scene"]]
    first += [env.reset()[1]["setup"]["scene"] for _ in range(2)]
    assert first[0] == first[1] != first[2]
    assert env.reset(seed=5)[1]["setup"]["scene"] == first[0]
    with pytest.raises(ValueError, match="episodes_per_scene is 0"):
        Env(episodes_per_scene=0)


def test_a_number_is_drawn_as_numpy_draws_it():
    ours, theirs = np.random.default_rng(3), np.random.default_rng(3)
    for low, high in ((0.0, 0.6), (-0.2, 0.2), (2.45, 2.9)):
        assert uniform(ours, low, high) == theirs.uniform(low, high)
    assert ours.bit_generator.state == theirs.bit_generator.state
