"""What the navigation tasks ask for, what they pay, and what their metrics mean."""

from dataclasses import fields, replace

import numpy as np
import pytest
from support import small_flat, task_options

from avenv.core.errors import SceneError
from avenv.envs import Env
from avenv.scene import CATEGORIES, SceneBuilder
from avenv.simulation.loading import load_scene
from avenv.simulation.settings import SensorSettings
from avenv.tasks import TASKS as REGISTRY
from avenv.tasks import find_task
from avenv.tasks.coverage import outline
from avenv.tasks.interaction import InteractionTask
from avenv.tasks.walkers import WALKERS

FLAT = load_scene(small_flat())
MEASURED = ("geodesic_distance", "oracle_actions")
STOP, FORWARD, LEFT, RIGHT, OWN = range(5)
TASKS = [  # test_interaction.py has those in which a body acts
    name for name in REGISTRY if not issubclass(find_task(name), InteractionTask)
]


def make(name, **options):
    return Env(name, **(task_options(name) | {"scenes": FLAT, "sensors": ("pose",)} | options))


def play(env, choose, seed=0, most=300):
    """Return what an episode pays in all, and its last info."""
    env.reset(seed=seed)
    total = 0.0
    for step in range(most):
        _, reward, terminated, truncated, info = env.step(choose(step))
        total += reward
        if terminated or truncated:
            break
    return total, info


# Every task pays best who does what it asks for.


@pytest.mark.parametrize("name", TASKS)
def test_the_expert_succeeds_and_nothing_else_pays_as_well(name):
    # In a small flat one is always near somebody.
    env = make(name, **({"scenes": "homes:val/0"} if name == "FollowMe" else {}))
    for seed in (0, 1):
        best, info = play(env, lambda _: env.oracle_action(), seed)
        assert info["metrics"]["success"] == 1
        others = {
            "stops at once": lambda _: STOP,
            "stops half-way": lambda k: env.oracle_action() if k < 5 else STOP,
            "spins": lambda _: LEFT,
            "dithers": lambda k: (LEFT, RIGHT)[k % 2],
            "walks up and down": lambda k: FORWARD if k % 13 == 0 else LEFT,
        }
        for what, choose in others.items():
            paid, info = play(env, choose, seed)
            assert paid < best - 5, what
            assert info["metrics"]["success"] == 0, what


@pytest.mark.parametrize("name", sorted(set(TASKS) - {"FollowMe", "AudioExplore"}))
def test_what_is_paid_on_the_way_depends_on_its_ends_only(name):
    env = make(name)
    _, info = env.reset(seed=3)
    began, paid, steps = info["metrics"]["distance_to_goal"], 0.0, 0
    for action in np.random.default_rng(1).integers(1, 4, 60).tolist():
        _, reward, *_, info = env.step(action)
        paid, steps = paid + reward, steps + 1
    gained = began - info["metrics"]["distance_to_goal"]
    assert paid == pytest.approx(gained - 0.01 * steps, abs=1e-6)


# PointGoal and AudioPointGoal


def test_the_body_is_told_where_to_go():
    sensors = ("pointgoal", "pointgoal_with_gps_compass", "pose")
    env = make("PointGoal", sensors=sensors)
    first, _ = env.reset(seed=4)
    np.testing.assert_array_equal(first["pointgoal"], first["pointgoal_with_gps_compass"])
    episode = env.episode
    for action in (FORWARD, LEFT, LEFT, FORWARD, FORWARD, RIGHT):
        observation, *_ = env.step(action)
    np.testing.assert_array_equal(observation["pointgoal"], first["pointgoal"])
    # By hand: the goal in the world, from the start and from where the body is now.
    state, goal = env.batch.simulator.state, np.array(episode.goals[0].position[:2])
    for (distance, azimuth), place, heading in (
        (observation["pointgoal"], episode.start, episode.heading),
        (observation["pointgoal_with_gps_compass"], state.position[0], state.heading[0]),
    ):
        way = distance * np.array([np.cos(heading + azimuth), np.sin(heading + azimuth)])
        np.testing.assert_allclose(place + way, goal, atol=1e-5)


def test_a_task_that_tells_nothing_has_no_pointgoal():
    with pytest.raises(ValueError, match="tells where the goal is; accepted: a task"):
        make("AudioGoal", sensors=("pointgoal",)).reset(seed=0)


def test_what_audio_point_goal_tells_is_as_wrong_as_it_says():
    env = make("AudioPointGoal", sensors=("pointgoal",), distance_error=0.2, azimuth_error=15.0)
    exact = make("AudioPointGoal", sensors=("pointgoal",), distance_error=0.0, azimuth_error=0.0)
    errors = []
    for seed in range(120):
        told, info = env.reset(seed=seed)
        true, _ = exact.reset(options={"episode": info["setup"]})
        ratio = told["pointgoal"][0] / true["pointgoal"][0]
        turn = (told["pointgoal"][1] - true["pointgoal"][1] + np.pi) % (2 * np.pi) - np.pi
        errors.append((np.log(ratio), np.rad2deg(turn)))
    # Of 120 draws the standard deviation is off by 1 / sqrt(240), 6 %, the mean by 1 / sqrt(120).
    np.testing.assert_allclose(np.std(errors, axis=0), (0.2, 15.0), rtol=0.25)
    assert (np.abs(np.mean(errors, axis=0)) < (0.06, 4.5)).all()


# SemanticAudioGoal


def test_the_sound_is_that_of_a_thing_of_the_scene_and_ends():
    env = make("SemanticAudioGoal")
    durations = []
    for seed in range(60):
        env.reset(seed=seed)
        goal, (source,) = env.episode.goals[0], env.episode.sources
        thing = next(o for o in FLAT.compiled.objects if o.name == goal.object)
        assert goal.category == CATEGORIES[thing.category]
        assert source.sound.name.split("/")[0] == thing.kind
        assert source.object == goal.object
        assert 0 <= source.onset <= 5
        durations.append(source.duration)
    # Of N(15, 9) not below 5 s: the mean is 15.9 s, as E[max(X, 5)] has it.
    assert np.mean(durations) == pytest.approx(15.9, abs=3 * 8 / np.sqrt(60))
    assert min(durations) == 5


@pytest.mark.parametrize(("ends", "sws"), [(1.0, 1), (400.0, 0)])
def test_sws_counts_success_after_the_sound_has_ended(ends, sws):
    env = make("SemanticAudioGoal")
    env.reset(seed=0)
    setup = env.episode.to_dict()
    setup["sources"] = [s | {"onset": 0.0, "duration": ends} for s in setup["sources"]]
    env.reset(options={"episode": setup})
    done = False
    while not done:
        *_, done, _, info = env.step(env.oracle_action())
    assert (info["metrics"]["success"], info["metrics"]["sws"]) == (1, sws)


def test_who_stops_at_the_distractor_is_counted():
    env = make("SemanticAudioGoal", distractor=True)
    _, info = env.reset(seed=0)
    goal, other = env.episode.sources
    category = env.episode.goals[0].category
    assert info["instruction"] == f"Find the {category}."
    assert goal.object != other.object
    # Walk to the other one: in an episode whose goal it is.
    setup = env.episode.to_dict()
    guide = make("SemanticAudioGoal")
    there = replace(env.episode.goals[0], position=other.position, object=None, category=None)
    wrong = replace(
        env.episode, sources=(other,), goals=(there,), geodesic_distance=None, oracle_actions=None
    )
    guide.reset(options={"episode": wrong})
    env.reset(options={"episode": setup})
    done = False
    while not done:
        action = guide.oracle_action()
        guide.step(action)
        *_, done, _, info = env.step(action)
    assert (info["metrics"]["success"], info["metrics"]["dsr"]) == (0, 1)


def test_a_scene_without_things_that_sound_is_refused():
    b = SceneBuilder("bare")
    b.room("room", size=(5, 5))
    with pytest.raises(SceneError, match=r"bare: .*\[\]; SemanticAudioGoal needs 1"):
        make("SemanticAudioGoal", scenes=b.build())


# MultiAudioGoal


def found_by(env, order):
    """Walk to each of some goals and say found; return the last info and the path's length."""
    task = env.batch.task
    for number in order:
        while True:
            field = task._tours[0].fields[number]
            if field.at(env.batch.simulator.state.position[:1])[0] <= 0.9:
                break
            task._aims[0] = task._aims[0]._replace(field=field)
            action = super(type(task).__mro__[1], task).oracle_action(0)
            *_, info = env.step(action)
        *_, done, _, info = env.step(OWN)
    return done, info


def test_found_things_fall_silent_and_all_of_them_are_success():
    env = make("MultiAudioGoal")
    env.reset(seed=0)
    done, info = found_by(env, (1,))
    metrics = info["metrics"]
    assert not done
    assert metrics["progress"] == pytest.approx(1 / 3)
    state = env.batch.simulator.state
    sounding = [emitter.is_sounding(int(state.clock[0])) for emitter in state.emitters(0)]
    assert sounding == [True, False, True]
    way = env.batch.task._tours[0].fields[1].at([env.episode.start])[0]
    walked = metrics["path_length"]
    assert metrics["ppl"] == pytest.approx(way / max(way, walked) / 3)
    # What is walked after the last that was found counts once another is found.
    for action in (RIGHT, FORWARD, FORWARD):
        *_, info = env.step(action)
    assert info["metrics"]["path_length"] > walked
    assert info["metrics"]["ppl"] == pytest.approx(metrics["ppl"])
    done, info = found_by(env, (0, 2))
    assert done
    assert info["metrics"]["success"] == info["metrics"]["progress"] == 1
    assert info["metrics"]["ppl"] == pytest.approx(info["metrics"]["spl"])


def test_found_where_nothing_is_ends_the_episode():
    env = make("MultiAudioGoal")
    env.reset(seed=0)
    *_, terminated, _, info = env.step(OWN)
    assert terminated
    assert info["metrics"]["success"] == info["metrics"]["progress"] == 0


def test_out_of_turn_is_wrong_where_the_order_is_told():
    env = make("MultiAudioGoal", ordered=True)
    _, info = env.reset(seed=0)
    kinds = [source.sound.name.split("/")[0] for source in env.episode.sources]
    assert info["instruction"] == f"Find the {kinds[0]}, then the {kinds[1]}, then the {kinds[2]}."
    done, info = found_by(env, (1,))
    assert (done, info["metrics"]["progress"]) == (True, 0)


def test_the_shortest_tour_is_that_of_the_best_order():
    env = make("MultiAudioGoal")
    _, free = env.reset(seed=5)
    told = make("MultiAudioGoal", ordered=True)
    setup = env.episode.to_dict()
    lengths = []
    for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
        goals = [setup["goals"][k] for k in order]
        changed = {name: value for name, value in setup.items() if name not in MEASURED}
        _, info = told.reset(options={"episode": changed | {"goals": goals}})
        lengths.append(info["metrics"]["distance_to_goal"])
    assert free["metrics"]["distance_to_goal"] == pytest.approx(min(lengths))
    assert max(lengths) > min(lengths) + 0.5


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"count": 7}, ValueError, "count is 7; accepted: 1 to 6"),
        ({"apart": 1.0}, ValueError, "apart is 1.0; accepted: more than twice"),
        ({"sounds": "phone"}, ValueError, "sounds has 1 kinds; accepted: 3"),
        ({"actions": "continuous"}, ValueError, "accepted by MultiAudioGoal, which has found too"),
        ({"apart": 6.0}, SceneError, "places are 6.0 m apart on foot; MultiAudioGoal needs 3"),
    ],
)
def test_what_multi_audio_goal_cannot_do_is_said(options, error, message):
    with pytest.raises(error, match=message):
        make("MultiAudioGoal", **options)


# MovingAudioGoal


@pytest.mark.parametrize("who", WALKERS)
def test_walkers_keep_to_the_floor_and_to_their_speed(who):
    env = make("MovingAudioGoal", who=who)
    env.reset(seed=1)
    (source,) = env.episode.sources
    path, times = np.array(source.path), np.array(source.times)
    assert times[-1] >= 125
    legs, spans = np.linalg.norm(np.diff(path, axis=0), axis=1), np.diff(times)
    moving = legs > 0
    np.testing.assert_allclose(legs[moving] / spans[moving], WALKERS[who].speed, rtol=1e-6)
    assert FLAT.walkable.is_walkable(path[:, :2]).all()
    assert source.sound.name.split("/")[0] in WALKERS[who].kinds


def test_success_is_where_the_source_is_now_and_the_shortest_way_meets_it():
    env = make("MovingAudioGoal", who="robot")
    env.reset(seed=2)
    grid = FLAT.walkable
    # Along one line: the body at its end walks 1 m/s, the robot comes towards it with 0.3 m/s.
    start, far = (0.6, 2.0), (3.4, 2.0)
    assert grid.is_walkable([start, far]).all()
    setup = env.episode.to_dict()
    path = [[*far, 0.15], [*start, 0.15]]
    source = setup["sources"][0] | {"position": path[0], "path": path, "times": [0, 2.8 / 0.3]}
    changed = setup | {"sources": [source], "start": start, "heading": 0.0}
    changed = {name: value for name, value in changed.items() if name not in MEASURED}
    _, info = env.reset(options={"episode": changed})
    assert info["metrics"]["distance_to_goal"] == pytest.approx(2.8, abs=0.05)
    # They meet after 2.8 / 1.3 s; the step after it is at 2.25 s, 2.125 m from the start.
    assert env.episode.geodesic_distance == pytest.approx(2.8 - 0.3 * 2.25, abs=0.05)
    for _ in range(7):  # 1.75 m; the robot, by then at 0.3 * 1.75, is at 2.875 - 0.6
        *_, info = env.step(FORWARD)
    *_, info = env.step(STOP)
    apart = 2.8 - 1.75 - 0.3 * 2.0
    assert info["metrics"]["distance_to_goal"] == pytest.approx(apart, abs=0.02)
    assert info["metrics"]["success"] == 1


# FollowMe


def test_time_in_the_band_is_measured_over_the_whole_walk():
    env = make("FollowMe", seconds=10.0)
    env.reset(seed=0)
    near, far = 0.7, 2.0
    inside = 0
    for step in range(40):
        *_, terminated, _, info = env.step(env.oracle_action())
        inside += near <= info["metrics"]["distance_to_goal"] <= far
        assert terminated == (step == 39)
    assert info["metrics"]["time_in_band"] == pytest.approx(inside * 0.25 / 10)
    env.reset(seed=0)
    *_, terminated, _, info = env.step(STOP)
    assert terminated
    assert info["metrics"]["success"] == 0


def test_every_moment_in_the_band_is_paid():
    env = make("FollowMe")
    env.reset(seed=0)
    before = env.batch.task.cost(env.batch.task._distance)[0]
    for _ in range(60):
        _, reward, *_, info = env.step(env.oracle_action())
        after = env.batch.task.cost(np.array([info["metrics"]["distance_to_goal"]]))[0]
        assert reward == pytest.approx(before - after - 0.01 + 0.1 * (after == 0))
        before = after


# AudioExplore


def hall(columns=()):
    """A bare room of 8 x 8 m, with posts."""
    b = SceneBuilder("hall")
    room = b.room("hall", size=(8, 8))
    for place in columns:
        room.place("wardrobe", at=place)
    return load_scene(b.build())


def test_a_chirp_covers_all_round_and_a_look_the_sector_ahead():
    covered = {}
    for eyes, action in ((False, OWN), (True, LEFT), (False, LEFT)):
        env = make("AudioExplore", scenes=hall(), eyes=eyes)
        env.reset(seed=0)
        setup = env.episode.to_dict() | {"start": [4.0, 4.0], "heading": 0.0}
        env.reset(options={"episode": setup})
        *_, info = env.step(action)
        covered[eyes, action] = info["metrics"]["covered_area"]
    # A circle of 3 m; sectors of 90 degrees at 0 and 15 degrees, so of 105 in all.
    assert covered[False, OWN] == pytest.approx(np.pi * 9, rel=0.03)
    assert covered[True, LEFT] == pytest.approx(np.pi * 9 * 105 / 360, rel=0.05)
    assert covered[False, LEFT] == pytest.approx(np.pi * 0.38**2, rel=0.4)


def test_what_is_covered_is_paid_once():
    env = make("AudioExplore")
    env.reset(seed=1)
    began = env.batch.task.truth()["coverage"][0]
    total = sum(env.step(action)[1] for action in (OWN, OWN, FORWARD, OWN, OWN, LEFT, OWN))
    ended = env.batch.task.truth()["coverage"][0]
    assert total == pytest.approx(10 * (ended - began) - 0.07)
    assert env.step(OWN)[1] == pytest.approx(-0.01)


def test_walls_hide_the_floor_behind_them():
    env = make("AudioExplore", reach=20.0)
    env.reset(seed=0)
    setup = env.episode.to_dict() | {"start": [1.0, 1.5]}
    env.reset(options={"episode": setup})
    *_, info = env.step(OWN)
    assert 0.45 < info["metrics"]["coverage"] < 0.75  # the room, and a wedge through the door


def test_a_map_of_the_walls_is_compared_with_them():
    env = make("AudioExplore")
    env.reset(seed=2)
    task, cell, origin = env.batch.task, 0.1, np.array([-10.0, -10.0])
    points = outline(FLAT.walkable, env.batch.simulator.state.origin[0])
    square = np.floor((points - origin) / cell).astype(int)
    walls = np.zeros((200, 200), bool)
    assert task.wall_iou(0, walls, origin, cell) == 0
    walls[square[:, 1], square[:, 0]] = True
    assert task.wall_iou(0, walls, origin, cell) == 1
    known = walls.copy()
    known[:, :100] = False  # what lies behind the start
    assert task.wall_iou(0, known, origin, cell) == known.sum() / walls.sum()
    # The west wall's face is at x = 0.05 of the world, wherever the body has begun.
    x, _, heading = env.batch.simulator.state.origin[0]
    world = x + points @ (np.cos(heading), -np.sin(heading))
    assert world.min() == pytest.approx(0.05, abs=0.06)


@pytest.mark.parametrize("name", REGISTRY)
def test_no_option_of_a_task_is_also_one_of_the_senses(name):
    senses = {field.name for field in fields(SensorSettings)}
    assert not senses & {field.name for field in fields(find_task(name).Options)}
