"""Asking: what is answered is true, in words that can be said, and costs what it says."""

import copy
import pickle
import re

import gymnasium as gym
import numpy as np
import pytest
from support import furnished_flat, small_flat, task_options, two_rooms

from avenv.envs.testing import EnvContract
from avenv.navigation import geodesic_field
from avenv.scene import SceneBuilder
from avenv.simulation.body import Body
from avenv.simulation.loading import load_scene
from avenv.simulation.vocabulary import can_say, tokens
from avenv.simulation.world import World
from avenv.tasks import TASKS, NavigationTask, Task, find_task, register
from avenv.tasks.directions import NO_WAY, ORDINALS, distance, side, where_is
from avenv.tasks.oracle import NOTHING, SPEECHLESS, Oracle

QUICK = {"scenes": World(two_rooms()), "sounds": "phone", "sensors": ("pose", "answer")}


class TestAskingToWalk(EnvContract):
    options = QUICK | {"oracle": True}


class TestAskingToAct(EnvContract):
    id = "avenv/FetchToCaller-v0"
    options = task_options("FetchToCaller") | {"oracle": {"cost": 0.5}, "sensors": ("answer",)}


# -- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("degrees", "said"),
    [
        (0, "ahead of you"), (29, "ahead of you"), (31, "on your left"), (149, "on your left"),
        (151, "behind you"), (-31, "on your right"), (-149, "on your right"), (-179, "behind you"),
    ],
)  # fmt: skip
def test_a_side_is_seen_from_the_body(degrees, said):
    for heading in (0.0, 1.0, -3.0):
        angle = heading + np.deg2rad(degrees)
        place = np.array([2.0, 1.0]) + 3 * np.array([np.cos(angle), np.sin(angle)])
        assert side(place, np.array([2.0, 1.0]), heading) == said


def test_distances_are_to_the_metre():
    assert [distance(m) for m in (0.2, 1.4, 1.6, 10.4, 11.0)] == [
        "one metre", "one metre", "two metres", "ten metres", "more than ten metres"
    ]  # fmt: skip


@pytest.fixture(scope="module")
def suite():
    """A hall and two rooms in a row to its east; the doors are in the middle of the walls."""
    b = SceneBuilder("suite")
    hall = b.room("hall", size=(4, 4))
    study = b.room("study", size=(4, 4), at=(4, 0))
    b.door(hall, study, state="open", name="first")
    b.door(study, b.room("bedroom_2", size=(4, 4), at=(8, 0)), state="open", name="second")
    return load_scene(b.build())


def told(world, here, degrees, place, rooms=None):
    grid = world.walkable_for(Body())
    field = geodesic_field(grid, place)
    known = world.compiled.rooms if rooms is None else rooms
    return where_is("The cup", np.array(place), field, known, np.array(here), np.deg2rad(degrees))


@pytest.mark.parametrize(
    ("here", "degrees", "place", "said"),
    [
        ((2, 1), 0, (2, 3), "The cup is on your left, two metres away."),
        ((2, 1), 0, (2.3, 1), "The cup is here."),
        ((2, 2), 0, (6, 2),
         "The cup is through the door ahead of you, in the next room, the study."),
        ((2, 1), 90, (10, 1),
         "The cup is through the door on your right, then the second room, the bedroom."),
        ((6, 3), 0, (2, 3), "The cup is through the door behind you, in the next room, the hall."),
    ],
)  # fmt: skip
def test_the_way_is_said_by_its_first_door_and_the_rooms_along_it(
    suite, here, degrees, place, said
):
    answer = told(suite, here, degrees, place)
    assert answer == said
    assert can_say(answer)


def test_where_there_are_no_rooms_the_beginning_of_the_way_is_said(suite):
    # 1 m along the way from (2, 0.6) up to the door at (4, 2) and on.
    answer = told(suite, (2, 0.6), 0, (10, 2), rooms=())
    assert answer == "The way to the cup begins on your left and is eight metres long."
    assert can_say(answer)


def test_a_closed_door_leaves_no_way():
    world = load_scene(small_flat())
    shut = world.with_states({"west-east": "closed"})
    assert told(shut, (1, 2), 0, (6, 2)) == NO_WAY


def test_answers_agree_with_the_plan_of_a_home():
    """Rooms are counted as in the graph of the doors, and the door is where the plan has it."""
    world = load_scene("homes:val/5")  # one way only leads from each of its rooms to each other
    between = {frozenset(door.between): door for door in world.spec.doors if not door.is_outer}
    places = {thing.name: np.array(thing.position[:2]) for thing in world.compiled.objects}
    grid, rng, seen = world.walkable_for(Body()), np.random.default_rng(0), []
    names = [room.name for room in world.compiled.rooms]
    assert len(between) == len(names) - 1
    for start, goal in zip(grid.sample(rng, 40), grid.sample(rng, 40), strict=True):
        heading = float(rng.uniform(-np.pi, np.pi))
        answer = told(world, start, np.rad2deg(heading), goal)
        first, last = (names[world.compiled._room_at((*p, 0.0))] for p in (start, goal))
        path = way_between(first, last, between)
        if len(path) == 1:
            assert f"The cup is {side(goal, start, heading)}, " in answer or "is here" in answer
            continue
        then = "in the next room" if len(path) == 2 else f"then the {ORDINALS[len(path) - 2]} room"
        assert f", {then}, the {re.sub(' [0-9]+$', '', last).replace('_', ' ')}." in answer
        door = between[frozenset(path[:2])].name or "-".join(between[frozenset(path[:2])].between)
        if door in places and np.linalg.norm(places[door] - start) > 1.5:
            sides = {side(places[door], start, heading + turn) for turn in (-0.5, 0.0, 0.5)}
            assert any(f"through the door {aside}, " in answer for aside in sides)
            seen.append(len(sides) == 1)
    assert sum(seen) > 5


def way_between(first, last, between):
    """Return the rooms on the way to the last one through the fewest doors."""
    paths = [[first]]
    while True:
        for path in paths:
            if path[-1] == last:
                return path
        paths = [
            [*path, *(pair - {path[-1]})]
            for path in paths
            for pair in between
            if path[-1] in pair and not pair <= set(path)
        ]


# -- asking --------------------------------------------------------------------------------------


def ask(env):
    return env.step(env.action_names.index("ask"))


@pytest.mark.parametrize("name", sorted(TASKS))
def test_every_task_answers_in_words_that_the_sensor_knows(name):
    options = task_options(name) | {"sensors": ("pose", "answer", "instruction")}
    plain = gym.make(f"avenv/{name}-v0", **options | {"sensors": ("pose", "instruction")}).unwrapped
    env = gym.make(f"avenv/{name}-v0", oracle=True, **options).unwrapped
    assert env.action_names == (*plain.action_names, "ask")
    _, info = env.reset(seed=1)
    _, before = plain.reset(seed=1)
    assert "answer" not in before
    assert info.pop("answer") == ""
    assert info["metrics"].pop("questions") == 0
    assert info == before  # the same episode
    start = env.batch.simulator.state.position.copy()
    observation, reward, terminated, _, info = ask(env)
    _, other, *_ = plain.step(
        plain.action_names.index("wait") if "wait" in plain.action_names else 2
    )
    assert not terminated
    assert reward == pytest.approx(other - 0.2, abs=0.05)  # FollowMe's person walks on
    assert (env.batch.simulator.state.position == start).all()
    assert info["metrics"]["questions"] == 1
    answer = info["answer"]
    assert answer[-1] == "."
    np.testing.assert_array_equal(observation["answer"], tokens(answer))
    observation, *_, info = env.step(2)
    assert info["answer"] == ""
    assert not observation["answer"].any()


def test_a_speaker_is_told_the_truth_and_what_it_says_is_the_answer():
    heard = []

    def speaker(asked):
        heard.append(asked)
        return "Über the hills." if len(heard) == 1 else ""

    options = QUICK | {"sensors": ("pose",)}
    env = gym.make("avenv/AudioGoal-v0", oracle=Oracle(speaker=speaker), **options).unwrapped
    plain = gym.make("avenv/AudioGoal-v0", oracle=True, **options).unwrapped
    for one in (env, plain):
        _, begun = one.reset(seed=2)
    truth = ask(plain)[-1]["answer"]
    first, again = ask(env)[-1], ask(env)[-1]
    assert (first["answer"], again["answer"]) == ("Über the hills.", SPEECHLESS)
    assert heard[0] == (begun["instruction"], truth, ())
    assert heard[1] == (begun["instruction"], truth, ("Über the hills.",))
    assert again["metrics"]["questions"] == 2
    assert again["metrics"]["unanswered"] == 1
    _, begun = env.reset(seed=2)
    assert begun["metrics"]["unanswered"] == 0
    ask(env)
    assert heard[2].told == ()
    with pytest.raises(ValueError, match="a speaker says any; accepted: info"):
        gym.make("avenv/AudioGoal-v0", oracle=Oracle(speaker=speaker), **QUICK)


def test_nothing_is_left_to_do_where_an_alarm_is_false():
    env = gym.make("avenv/FalseAlarm-v0", scenes=furnished_flat(), sensors=("pose",), oracle=True)
    env = env.unwrapped
    said = {}
    for seed in range(8):
        env.reset(seed=seed)
        *_, info = ask(env)
        said[env.batch.task.is_real(0)] = info["answer"]
    assert said[False] == NOTHING
    assert said[True].endswith("Wait there.")  # it has not begun
    assert "smoke alarm" in said[True]


def test_copies_have_somebody_to_ask_too():
    env = gym.make("avenv/AudioGoal-v0", oracle=True, **QUICK).unwrapped
    env.reset(seed=2)
    for other in (copy.deepcopy(env), pickle.loads(pickle.dumps(env))):
        assert ask(other)[-1]["answer"] == ask(copy.deepcopy(env))[-1]["answer"] != ""
    assert isinstance(env.batch.task, NavigationTask)


def test_a_film_says_what_was_answered():
    env = gym.make("avenv/AudioGoal-v0", oracle=True, **QUICK).unwrapped
    env.reset(seed=2)
    assert len(env.batch.task.caption(0)) == 3
    *_, info = ask(env)
    assert env.batch.task.caption(0)[2] == info["answer"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"oracle": {"cost": -1.0}}, "oracle.cost is -1.0; accepted: 0 or more"),
        ({"oracle": {"price": 1.0}}, "accepted: the fields of a Oracle"),
        ({"oracle": 3}, "accepted: a Oracle, or its fields"),
        ({"oracle": True, "actions": "continuous"}, "accepted with oracle: actions='discrete'"),
        ({}, "there is nobody to ask; accepted: oracle=True"),
    ],
)
def test_what_cannot_be_asked_is_refused(options, said):
    with pytest.raises(ValueError, match=said):
        gym.make("avenv/AudioGoal-v0", **QUICK, **options)


def test_a_task_that_tells_nobody_has_no_oracle(monkeypatch):
    class Mute(find_task("AudioExplore")):
        whereabouts = Task.whereabouts

    monkeypatch.setattr("avenv.tasks.registry.TASKS", dict(TASKS))
    register("Mute", Mute)
    with pytest.raises(ValueError, match="Mute tells nobody where anything is; accepted: a task"):
        gym.make("avenv/Mute-v0", scenes=QUICK["scenes"], sensors=("pose",), oracle=True)
    gym.registry.pop("avenv/Mute-v0")
