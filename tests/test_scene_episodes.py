"""Events and episodes that a scene brings along: as data, checked with the scene."""

import copy
import pickle

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.testing import assert_allclose

from avenv.cli.scene import scene_group
from avenv.core.errors import SceneError
from avenv.scene import SceneBuilder, SceneSpec, compile_scene, find_heading, find_scene
from avenv.sounds import load_sounds

FLAT = """
name: flat
rooms:
  - {name: living, polygon: [[0, 0], [5, 0], [5, 4], [0, 4]]}
  - {name: kitchen, polygon: [[5, 0], [8, 0], [8, 4], [5, 4]]}
doors:
  - {between: [living, kitchen], name: door}
objects:
  - {kind: table, name: table, position: [2.5, 2]}
  - {kind: vase, name: vase, on: table, offset: [0, 0.5]}
  - {kind: phone, name: phone, on: table}
sources:
  - {on: phone, name: ringing}
events:
  - {time: 3, states: {vase: fallen}}
episodes:
  - name: two sounds
    start: [1, 1]
    facing: phone
    states: {door: closed}
    events: [{time: 2.5, states: {phone: off, door: open}}]
    sources:
      - {on: vase, sound: clock/1, level: -6, onset: 1, duration: 0.5, period: 2}
      - {path: [[6, 1, 1], [7, 3, 1]], speed: 0.5, sound: dog, name: dog, directivity: cardioid,
         facing: west}
    goal: dog
    instruction: find the dog
    seed: 7
  - {name: place, start: [6, 1], facing: north, goal: [1, 3, 0.5]}
"""


@pytest.fixture
def flat(tmp_path):
    path = tmp_path / "flat.yaml"
    path.write_text(FLAT)
    return SceneSpec.from_yaml(path)


def test_they_are_read_checked_and_kept(flat, tmp_path):
    compile_scene(flat)
    assert (flat.events[0].time, flat.events[0].states) == (3.0, {"vase": "fallen"})
    first, second = flat.episodes
    assert first.events[0].states == {"phone": "off", "door": "open"}  # words, as in all of YAML
    assert first.sources[0].default_name == "vase"
    assert first.sources[1].path == ((6, 1, 1), (7, 3, 1))
    assert second.goal == (1, 3, 0.5)
    flat.save(tmp_path / "again.yaml")
    again = SceneSpec.from_yaml(tmp_path / "again.yaml")
    assert again == flat
    assert again.episodes == flat.episodes


def test_a_script_says_the_same(flat):
    b = SceneBuilder("flat")
    b.room("living", size=(5, 4))
    b.room("kitchen", size=(3, 4), at=(5, 0))
    b.door("living", "kitchen", name="door")
    b.place("table", at=(2.5, 2), name="table")
    vase = b.place("vase", on="table", offset=(0, 0.5), name="vase")
    b.place("phone", on="table", name="phone")
    b.source(on="phone", name="ringing")
    b.event(3.0, vase="fallen")
    assert vase == "vase"
    dog = {"path": [[6, 1, 1], [7, 3, 1]], "speed": 0.5, "sound": "dog", "name": "dog",
           "directivity": "cardioid", "facing": "west"}  # fmt: skip
    clock = {"on": vase, "sound": "clock/1", "level": -6.0, "onset": 1.0, "duration": 0.5,
             "period": 2.0}  # fmt: skip
    b.episode(
        (1, 1), "two sounds", facing="phone", states={"door": "closed"}, goal="dog", seed=7,
        events=[{"time": 2.5, "states": {"phone": "off", "door": "open"}}], sources=[clock, dog],
        instruction="find the dog",
    )  # fmt: skip
    b.episode(np.array([6, 1]), "place", facing="north", goal=[1, 3, 0.5])
    assert b.episode((7, 1)) == "episode"
    spec = b.build()
    assert spec.events == flat.events
    assert spec.episodes[:2] == flat.episodes


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("time: 3,", "time: -3,", r"events\[0\].time: -3: "),
        ("{vase: fallen}}", "{vaze: fallen}}", r"events\[0\].states: .*'vaze'.*mean 'vase'"),
        ("{vase: fallen}}", "{vase: tipped}}", r"\[0\].states.vase: .*'tipped'; it has whole"),
        ("{vase: fallen}}", "{table: on}}", r"there is no 'table' that has states"),
        ("{vase: fallen}}", "{}}", r"events\[0\].states: "),
        ("door: closed", "door: ajar", r"episodes\[0\].states.door: .*'ajar'; it has open, closed"),
        ("door: open", "door: up", r"episodes\[0\].events\[0\].states.door: "),
        ("start: [1, 1]", "start: [9, 9]", r"episodes\[0\].start: \[9.00, 9.00\] is in no room"),
        ("start: [1, 1]", "start: [2.5, 2]", r"episodes\[0\].start: .* is where 'table' stands"),
        ("facing: phone", "facing: fone", r"episodes\[0\].facing: .*did you mean 'phone'"),
        ("goal: dog", "goal: dot", r"episodes\[0\].goal: .*'dot'; did you mean 'dog'"),
        ("[1, 3, 0.5]", "[1, 3]", r"episodes\[1\].goal: \[1, 3\]: expected the name"),
        ("[1, 3, 0.5]", "[1, 3, 9]", r"episodes\[1\].goal: .* is in no room"),
        ("name: place", "name: two sounds", r"episodes\[1\].name: .* names episodes\[0\] too"),
        ("on: vase, sound", "on: vse, sound", r"episodes\[0\].sources\[0\].on: .*'vase'"),
        ("on: vase, sound: clock/1", "on: vase", r"sources\[0\]: a vase makes no sound of its own"),
        ("sound: clock/1", "sound: bell.wav", r"episodes\[0\].sources\[0\].sound: .*no file"),
        ("period: 2", "period: 0.2", r"a period needs a duration that is no longer"),
        ("speed: 0.5, ", "", r"episodes\[0\].sources\[1\]: a path needs either times or a speed"),
        ("speed: 0.5", "times: [0, 3, 4]", r"has 3 times for the 2 corners"),
        ("speed: 0.5", "times: [3, 3]", r"accepted: ascending seconds"),
        ("[7, 3, 1]]", "[7, 30, 1]]", r"sources\[1\].path\[1\]: .* is in no room"),
        ("{path:", "{on: vase, path:", r"has on and path; accepted: one of"),
        ("level: -6", "levl: -6", r"episodes\[0\].sources\[0\].levl: .*did you mean 'level'"),
        ("seed: 7", "sead: 7", r"episodes\[0\].sead: unknown field; did you mean 'seed'"),
        ("name: dog,", "name: ringing,", r"sources\[1\].name: 'ringing' names another source too"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path, old, new, message):
    path = tmp_path / "flat.yaml"
    assert old in FLAT
    path.write_text(FLAT.replace(old, new))
    with pytest.raises(SceneError, match=message) as caught:
        compile_scene(SceneSpec.from_yaml(path))
    assert str(caught.value).startswith(str(path))


def test_avenv_scene_check_finds_it(tmp_path):
    path = tmp_path / "flat.yaml"
    path.write_text(FLAT.replace("facing: phone", "facing: fone"))
    done = CliRunner().invoke(scene_group, ["check", str(path)])
    assert done.exit_code == 1
    assert "flat.yaml: episodes[0].facing: there is no object 'fone'" in done.output


def test_a_heading_is_degrees_a_direction_or_a_thing(flat):
    scene = compile_scene(flat)
    assert_allclose(find_heading(90, (1, 1), scene), np.pi / 2)
    assert_allclose(find_heading("west", (1, 1), scene), np.pi)
    assert_allclose(find_heading("table", (2.5, 0), scene), np.pi / 2)
    with pytest.raises(SceneError, match="did you mean 'table'"):
        find_heading("tabel", (0, 0), scene)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_scenes_can_be_copied(flat, copied):
    assert copied(flat) == flat
    assert copied(flat).source == flat.source
    home = compile_scene(SceneSpec.from_yaml(find_scene("apartment"))).posed({"vase": "fallen"})
    again = copied(home)
    assert again.fingerprint == home.fingerprint
    assert again.states == home.states
    assert again.posed({"vase": "whole"}) is again.rest
    assert again.event("vase") == home.event("vase")
    assert copied(load_sounds("builtin:heard*2")).names == load_sounds("builtin:heard*2").names
