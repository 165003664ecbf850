"""Tasks in which a body acts on what it hears: what is right, what wrong, and what it is worth."""

import gymnasium as gym
import numpy as np
import pytest
from numpy.testing import assert_allclose
from support import furnished_flat, row_of_boxes

from avenv.core.errors import SceneError
from avenv.scene import SceneBuilder
from avenv.simulation.loading import load_scene
from avenv.tasks import TASKS, find_task
from avenv.tasks.doors import inner_doors, outer_doors
from avenv.tasks.experts import Errand, standing_places
from avenv.tasks.interaction import InteractionTask

QUICK = {"AnswerDoor": {"spread": 25.0}, "WaitForCue": {"spread": 15.0}}
ACTS = [name for name in TASKS if issubclass(find_task(name), InteractionTask)]


@pytest.fixture(scope="module")
def flat():
    """A hall with a front door and a bell, a room with a table, and what else tasks need."""
    return furnished_flat()


@pytest.fixture(scope="module")
def scenes(flat):
    """A scene for each task."""
    return dict.fromkeys(ACTS, flat) | {"ProbeBox": row_of_boxes()}


def make(name, scene, **options):
    return gym.make(
        f"avenv/{name}-v0", scenes=scene, sensors=("pose", "contact"), **options
    ).unwrapped


def play(env, seed, choose):
    """Play an episode; return the sum of rewards, whether it ended itself, and the last info."""
    env.reset(seed=seed)
    total = 0.0
    for _ in range(900):
        _, reward, terminated, truncated, info = env.step(choose(env))
        total += reward
        if terminated or truncated:
            break
    return total, terminated, info


def expert(env):
    return env.oracle_action()


@pytest.mark.parametrize("name", ACTS)
def test_an_expert_solves_it_by_the_same_actions(name, scenes):
    env = make(name, scenes[name], **QUICK.get(name, {}))
    for seed in range(2):
        total, terminated, info = play(env, seed, expert)
        assert terminated
        assert info["metrics"]["success"] == 1
        assert 0.5 < info["metrics"]["efficiency"] <= 1
        assert info["metrics"]["wrong_acts"] == info["metrics"]["premature_acts"] == 0
        assert total > 5


@pytest.mark.parametrize("name", ACTS)
def test_dithering_spinning_and_stopping_do_not_pay(name, scenes):
    env = make(name, scenes[name])
    still = env.batch.task.actions.names.index("wait")
    rng = np.random.default_rng(0)
    for choose in (lambda env: still, lambda env: 2, lambda env: 0,
                   lambda env: int(rng.choice([1, 1, 2, 2, 2, 3]))):  # fmt: skip
        env.reset(seed=1)
        total = 0.0
        left = env.batch.task._distance[0]
        for _ in range(80):
            _, reward, terminated, _, info = env.step(choose(env))
            total += reward
            if terminated:
                break
        # The potential pays for the way that was gained, and no more.
        nearer = max(0.0, left - env.batch.task._distance[0])
        assert total <= nearer + 1e-6
        assert info["metrics"]["success"] == 0


def test_only_what_sounds_is_to_be_silenced(flat):
    env = make("SilenceIt", flat)
    env.reset(seed=3)
    task, simulator = env.batch.task, env.batch.simulator
    wanted = [goal.object for goal in task.episodes[0].goals]
    states = simulator.state.here[0].compiled.states
    assert all(states[name] == "on" for name in wanted)
    assert states["tv"] == "off"  # its screen would tell
    others = [n for n in ("radio", "phone", "fan", "smoke_alarm") if n not in wanted]
    act = task.verdict(0, _act("interact", others[0], "off", "on"))
    assert act == "wrong"
    assert task.verdict(0, _act("interact", wanted[0], "on", "off")) == "right"
    assert task.verdict(0, _act("interact", wanted[0], "off", "on")) == "wrong"
    known = task.candidates(simulator.state.here[0], "interact", [*wanted, *others])
    n, k = len(known), len(wanted)
    assert "dishwasher" in [*wanted, *others] or n <= 5
    assert 0 < task.chance(0) <= 1 / n or k == 1


def _act(*fields):
    from avenv.simulation.hands import Act

    return Act(*fields)


def test_a_door_that_is_opened_before_it_rings_is_premature(flat):
    env = make("AnswerDoor", flat)
    env.reset(seed=2)
    task = env.batch.task

    def eager(env):
        return task._number(0, Errand("interact", "front door"))

    env.reset(seed=2)
    way = float(task._distance[0])
    total, terminated, info = play(env, 2, eager)
    assert terminated
    assert info["metrics"]["premature_acts"] == 1
    assert info["metrics"]["success"] == 0
    assert total < way - 5


def test_a_door_that_nobody_opens_is_too_late(flat):
    env = make("AnswerDoor", flat, time_to_act=5.0, spread=6.0)
    _, terminated, info = play(env, 2, lambda env: 5)
    assert env.batch.task.actions.names[5] == "wait"
    assert terminated
    assert info["metrics"]["success"] == 0
    ring = env.batch.task.cue(0)
    assert ring + 5 < info["metrics"]["num_actions"] * 0.25 <= ring + 5.5


def test_inner_doors_are_opened_as_one_likes(flat):
    task = make("SilenceIt", flat).batch.task
    task.simulator.state.here[0] = flat
    assert task._is_passage(0, _act("interact", "inner", "open", "closed"))
    assert not task._is_passage(0, _act("interact", "front door", "closed", "open"))


def test_doors_are_known_by_what_lies_behind_them():
    apartment = load_scene("apartment")  # whose inner doors have no names of their own
    assert outer_doors(apartment) == ["front door"]
    assert set(inner_doors(apartment)) == {
        "kitchen-hall", "bedroom-hall", "bathroom-hall", "study-hall"
    }  # fmt: skip


def test_half_of_the_alarms_are_false_and_misleading_ends(flat):
    env = make("FalseAlarm", flat)
    task, real = env.batch.task, []
    for seed in range(30):
        env.reset(seed=seed)
        real.append(task.is_real(0))
        states = env.batch.simulator.state.here[0].compiled.states
        assert states["tv"] == states["smoke_alarm"] == "on"
    assert 8 <= sum(real) <= 22
    seed = real.index(False)
    _, terminated, info = play(env, seed, lambda env: env.batch.task.deaf_action(0))
    assert terminated
    assert info["metrics"]["misled_acts"] == 1
    _, _, info = play(env, real.index(True), lambda env: env.batch.task.deaf_action(0))
    assert info["metrics"]["success"] == 1


def test_what_fell_is_brought_to_a_table(flat):
    env = make("FindFallen", flat)
    _, _, info = play(env, 0, expert)
    assert info["metrics"]["right_acts"] == 2
    name = env.batch.task.thing(0)
    compiled = env.batch.simulator.state.here[0].compiled
    lies = next(o for o in compiled.objects if o.name == name).position
    tops = {"table": 0.75, "side table": 0.52}
    assert min(abs(lies[2] - top) for top in tops.values()) < 0.01


def test_an_act_that_fails_is_felt_and_flagged(flat):
    env = make("FindFallen", flat)
    env.reset(seed=0)
    put = env.batch.task.actions.names.index("put")
    observation, _, terminated, _, info = env.step(put)
    assert observation["contact"][0] == 1
    assert info["truth"]["act_failed"]
    assert info["metrics"]["failed_acts"] == 1
    assert not terminated
    assert env.batch.task.caption(0)[1] == "put: the hands are empty"


@pytest.mark.parametrize(
    ("name", "needs"),
    [
        ("SilenceIt", "two things that can be switched off"),
        ("AnswerDoor", "an outer door with a leaf, and a doorbell"),
        ("WaitForCue", "a machine that runs"),
        ("FalseAlarm", "no smoke_alarm and no tv"),
        ("FindFallen", "a thing that can fall and be carried, and a table"),
        ("ProbeBox", "two boxes or more of one size and the same looks.*found boxes: none"),
        ("FetchToCaller", "two kinds of things to carry that voices ask for, as .*found: none"),
    ],
)
def test_a_scene_that_lacks_something_is_refused_with_what_it_needs(name, needs):
    b = SceneBuilder("bare")
    b.room("room", size=(4, 4))
    with pytest.raises(SceneError, match=needs):
        make(name, load_scene(b.build()))


def test_one_can_use_the_phone_from_all_places_that_experts_know(flat):
    from avenv.simulation.body import Body
    from avenv.simulation.reach import in_reach

    places = standing_places(flat, Body(), Errand("interact", "phone"))
    assert len(places) >= 3
    phone = next(o for o in flat.compiled.objects if o.name == "phone")
    away = np.subtract(phone.position[:2], places)
    touch = in_reach(flat, Body(), places, np.arctan2(away[:, 1], away[:, 0]), ("phone",))
    assert (touch.thing >= 0).all()


def test_shaping_pays_the_way_that_was_walked(flat):
    env = make("AnswerDoor", flat)
    env.reset(seed=0)
    task = env.batch.task
    before, total = float(task._distance[0]), 0.0
    for _ in range(12):
        total += env.step(env.oracle_action())[1]
    assert_allclose(total, before - float(task._distance[0]) - 0.12, atol=1e-6)


def test_options_are_checked(flat):
    for options, said in (({"sounds": "both"}, "'heard' or 'unheard'"), ({"most": 0}, "1 to 10")):
        with pytest.raises(ValueError, match=said):
            make("SilenceIt", flat, **options)
    with pytest.raises(ValueError, match="time_to_act"):
        make("AnswerDoor", flat, time_to_act=0.0)
