"""Episodes travel, things happen in them by themselves, and scenes bring their own."""

import json
import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest
from episode_support import QUICK, begin, episode, flat_builder, reference

import avenv
from avenv.envs import BatchEnv, Env
from avenv.envs.testing import assert_same
from avenv.tasks import Episode, EpisodeSource, Event, Goal


@pytest.fixture(scope="module")
def flat():
    return avenv.load_scene(flat_builder().build())


# The same JSON begins the same episode anywhere.

PLAYER = """
import hashlib, json, sys
import numpy as np
from avenv.envs import Env

def digest(observation):
    told = hashlib.sha256()
    for name in sorted(observation):
        told.update(np.ascontiguousarray(observation[name]).tobytes())
    return told.hexdigest()

def play(env, setup, course):
    said = [digest(env.reset(options={"episode": setup})[0])]
    for action in course:
        observation, reward, *_, info = env.step(action)
        said.append((digest(observation), repr(float(reward)), repr(info["metrics"])))
    return said

if __name__ == "__main__":
    options, setup, course = json.loads(sys.stdin.read())
    print(json.dumps(play(Env(**options), setup, course)))
"""


def test_one_json_begins_the_same_episode_in_any_row_and_process(tmp_path):
    options = {"sensors": ["depth", "audio", "spectrogram", "pose"], "image_size": [24, 16]}
    space: dict = {}
    exec(PLAYER, space)
    first = Env(scenes="homes:val/2", sounds="builtin:unheard", **options)
    _, info = first.reset(seed=11)
    setup = json.loads(json.dumps(info["setup"]))
    course = np.random.default_rng(1).integers(1, 4, 50).tolist()
    alone = space["play"](first, setup, course)

    envs = BatchEnv(num_envs=8, scenes=["apartment", "homes:val/0"], sounds="phone", **options)
    envs.reset(seed=0)
    observation, _ = envs.reset(options={"episodes": [None] * 3 + [setup] + [None] * 4})
    row = {name: value[3] for name, value in observation.items()}
    together = [space["digest"](row)]
    for action in course:
        observation, reward, *_, info = envs.step(np.full(8, action))
        row = {name: value[3] for name, value in observation.items()}
        metrics = envs.row_of(info, 3)["metrics"]
        together.append((space["digest"](row), repr(float(reward[3])), repr(metrics)))
    assert together == alone

    path = tmp_path / "player.py"
    path.write_text(PLAYER)
    told = json.dumps([{**options, "scenes": "apartment", "sounds": "phone"}, setup, course])
    done = subprocess.run(
        [sys.executable, str(path)], input=told, capture_output=True, text=True, check=True
    )
    assert [tuple(x) if isinstance(x, list) else x for x in json.loads(done.stdout)] == alone


def test_distances_that_an_episode_does_not_say_are_worked_out(flat):
    env, _, info = begin(flat)
    assert info["metrics"]["distance_to_goal"] == pytest.approx(6.1, abs=0.15)
    assert info["setup"]["geodesic_distance"] == info["metrics"]["distance_to_goal"]
    assert info["setup"]["seed"] == env.episode.seed


def test_plain_data_says_all_and_only_what_is_unusual(flat):
    one = episode(
        flat, events=(Event(3.0, {"vase": "fallen"}),), states={"radio": "on"}, seed=5,
        instruction="find the shower", expert=("forward", "stop"),
    )  # fmt: skip
    data = json.loads(json.dumps(one.to_dict()))
    assert Episode.from_dict(data) == one
    assert "oracle_actions" not in data
    assert data["version"] == 1


# Things happen.


def test_a_vase_falls_at_its_time_and_is_heard_from_that_sample_on(flat):
    when, rate, step = 1.1, 16000, 4000
    env, *_ = begin(flat, sources=(), goals=(Goal((7.5, 1, 0)),),
                    events=(Event(when, {"vase": "fallen"}),))  # fmt: skip
    sound = []
    for _ in range(8):
        sound.append(env.step(2)[0]["audio"][:, -step:])
    heard = np.abs(np.concatenate(sound, axis=1)).max(axis=0)
    first = np.flatnonzero(heard > 1e-4 * heard.max())[0]
    # It lies 1.45 m away, 4.2 ms; the ramp keeps it quiet at first.
    assert (when + 0.0042) * rate <= first <= (when + 0.01) * rate
    assert env.batch.simulator.state.here[0].compiled.states["vase"] == "fallen"


def test_several_events_come_in_the_order_of_their_times(flat):
    events = (Event(0.6, {"radio": "off"}), Event(0.3, {"radio": "on"}))
    env, *_ = begin(flat, events=events)
    states = []
    for _ in range(4):
        env.step(2)
        states.append(env.batch.simulator.state.here[0].compiled.states["radio"])
    assert states == ["off", "on", "off", "off"]


def test_a_door_waits_until_the_body_has_passed(flat):
    env, *_ = begin(flat, start=(5.0, 2.0), events=(Event(0.1, {"door": "closed"}),))
    doors = []
    for action in (2, 3, 1, 1, 1, 1):
        env.step(action)
        doors.append(env.batch.simulator.state.here[0].compiled.states["door"])
    assert doors[:2] == ["open", "open"]
    assert doors[-1] == "closed"


def test_a_source_that_moves_is_checked_where_it_is_not_where_it_was(flat):
    """A walker that came through the door may be shut in; one that will come may not."""
    path, times = ((2.0, 2.0, 1.2), (7.5, 2.0, 1.2), (7.5, 1.0, 1.2)), (0.0, 1.0, 2.0)
    walker = EpisodeSource(reference("shower"), path[0], path, times)
    env, *_ = begin(flat, sources=(walker,))
    with pytest.raises(avenv.SceneError, match="something is in the way"):
        env.set_states({"door": "closed"})
    for _ in range(5):
        env.step(2)
    env.set_states({"door": "closed"})
    observation, *_ = env.step(2)
    assert observation["audio"].any()


def test_a_closed_door_renews_the_distances_of_the_episode(flat):
    """A second way round does not exist here: the goal is out of reach until the door opens."""
    env, _, info = begin(flat)
    start = info["metrics"]["distance_to_goal"]
    env.set_states({"door": "closed"})
    _, reward, *_, info = env.step(1)
    assert info["metrics"]["distance_to_goal"] == np.inf
    assert reward == pytest.approx(-0.01), "what the door did is nobody's merit"
    assert env.oracle_action() == 0
    env.set_states({"door": "open"})
    _, reward, *_, info = env.step(1)
    assert info["metrics"]["distance_to_goal"] == pytest.approx(start - 0.5, abs=0.02)
    assert reward == pytest.approx(0.25 - 0.01, abs=0.01)
    done = False
    while not done:
        *_, done, _, info = env.step(env.oracle_action())
    assert info["metrics"]["success"] == 1


def test_a_goal_that_moves_is_where_it_is_now(flat):
    path = ((1.5, 1.0, 1.2), (4.2, 1.0, 1.2))
    walker = EpisodeSource(reference("shower"), path[0], path, (0.0, 2.0))
    env, _, info = begin(flat, sources=(walker,), start=(1.5, 3.0), heading=-np.pi / 2)
    assert info["metrics"]["distance_to_goal"] == pytest.approx(2.0, abs=0.1)
    for _ in range(8):
        *_, info = env.step(2)
    expected = np.hypot(4.2 - 1.5, 2.0)
    assert info["truth"]["source_distance"] == pytest.approx(np.hypot(expected, 0.05), abs=0.01)
    assert info["metrics"]["distance_to_goal"] == pytest.approx(expected, abs=0.35)


def test_metrics_and_truth_of_an_episode_that_is_over_stay(flat):
    envs = BatchEnv(num_envs=2, scenes=flat, sensors=("pose",), sounds="phone",
                    autoreset_mode="NextStep", **QUICK)  # fmt: skip
    both = [episode(flat).to_dict()] * 2
    envs.reset(seed=0, options={"episodes": both})
    *_, info = envs.step(np.array([0, 1]))
    envs.set_states(0, {"door": "closed"})
    task = envs.batch.task
    task.judge(np.array([False, True]), np.zeros(2, bool), np.zeros(2), np.zeros(2, bool))
    assert_same(
        envs.row_of(info, 0)["metrics"], {k: v[0].item() for k, v in task.metrics().items()}
    )


def test_what_can_be_does_not_depend_on_the_sensors(flat):
    """A source in the doorway keeps the door open, whether or not anybody hears it."""
    waits = EpisodeSource(reference("shower"), (5.0, 2.0, 1.0), duration=1.0, onset=0.0)
    doors = []
    for sensors in (("audio",), ("pose",)):
        env, *_ = begin(flat, sensors, sources=(waits,), goals=(Goal((7.5, 1.0, 0.0)),),
                        events=(Event(0.3, {"door": "closed"}),))  # fmt: skip
        doors.append([])
        for _ in range(7):
            env.step(2)
            doors[-1].append(env.batch.simulator.state.here[0].compiled.states["door"])
    assert doors[0] == doors[1]
    assert doors[0][:3] == ["open"] * 3
    assert doors[0][-1] == "closed", "what has fallen silent for good is in nobody's way"


@pytest.mark.parametrize("offset", np.linspace(0, 0.05, 6).tolist())
def test_nothing_slips_through_a_closed_door(flat, offset):
    path = ((3.0 + offset, 2.0, 1.2), (7.5, 2.0, 1.2))
    walker = EpisodeSource(reference("shower"), path[0], path, (0.0, 5.0))
    with pytest.raises(avenv.SceneError, match="inside a solid"):
        begin(flat, ("pose",), sources=(walker,), states={"door": "closed"},
              goals=(Goal((1.0, 1.0, 0.0)),))  # fmt: skip


def test_a_goal_that_comes_near_by_itself_earns_nothing(flat):
    path = ((4.2, 1.0, 1.2), (1.5, 1.0, 1.2))
    walker = EpisodeSource(reference("shower"), path[0], path, (0.0, 2.0))
    env, *_ = begin(flat, ("pose",), sources=(walker,), start=(1.5, 3.0))
    assert sum(env.step(2)[1] for _ in range(10)) == pytest.approx(-0.1)


def test_a_stop_is_judged_where_the_goal_is_at_that_moment(flat):
    path = ((1.5, 2.2, 1.2), (3.0, 2.2, 1.2))  # it is 1 m away at 0.66 s, and walks on
    walker = EpisodeSource(reference("shower"), path[0], path, (0.0, 1.0))
    for turns, success in ((1, 1.0), (3, 0.0)):
        env, *_ = begin(flat, ("pose",), sources=(walker,))
        for _ in range(turns):
            env.step(2)
        *_, info = env.step(0)
        assert info["metrics"]["success"] == success
        far = np.hypot(0.2, 1.5 * 0.25 * (turns + 1))
        assert info["metrics"]["distance_to_goal"] == pytest.approx(far, abs=0.03)


def test_a_thing_that_is_a_goal_is_where_it_has_fallen(flat):
    env, _, info = begin(flat, ("pose",), sources=(), goals=(Goal(object="vase"),),
                         start=(3.5, 0.6), events=(Event(0.1, {"vase": "fallen"}),))  # fmt: skip
    env.step(2)
    state = env.batch.simulator.state.here[0].compiled
    lies = next(thing.position for thing in state.objects if thing.name == "vase")
    np.testing.assert_allclose(env.batch.task.goal_positions(), [lies])
    assert not info["truth"]["source_audible"]


def test_the_oracle_waits_for_a_door_that_will_open(flat):
    events = (Event(0.2, {"door": "closed"}), Event(1.6, {"door": "open"}))
    env, *_ = begin(flat, ("pose",), events=events)
    done = False
    while not done:
        *_, done, _, info = env.step(env.oracle_action())
    assert info["metrics"]["success"] == 1
    assert info["metrics"]["spl"] > 0.95


def test_what_has_rung_out_makes_room(flat):
    env, *_ = begin(flat, ("audio",))
    for k in range(80):
        env.set_states({"radio": "on" if k % 2 else "off"})
        env.step(2)
    assert len(env.batch.simulator.state.sources[0]) <= 1 + 13, "5 s of them at most, and the goal"


def test_files_that_sound_travel(flat, tmp_path):
    soundfile = pytest.importorskip("soundfile")
    noise = 0.1 * np.random.default_rng(0).standard_normal(16000)
    (tmp_path / "sounds").mkdir()
    soundfile.write(tmp_path / "sounds" / "hiss.wav", noise, 16000)
    env = Env(scenes=flat, sensors=("audio",), sounds=str(tmp_path / "sounds"), **QUICK)
    observation, info = env.reset(seed=1)
    setup = json.loads(json.dumps(info["setup"]))
    other = Env(scenes=flat, sensors=("audio",), sounds="phone", **QUICK)
    np.testing.assert_array_equal(
        observation["audio"], other.reset(options={"episode": setup})[0]["audio"]
    )
    soundfile.write(tmp_path / "sounds" / "hiss.wav", noise / 2, 16000)
    changed = Env(scenes=flat, sensors=("audio",), sounds="phone", **QUICK)
    with pytest.raises(avenv.SoundError, match=r"hiss.wav' has the hash .* accepted"):
        changed.reset(options={"episode": setup})


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("heading",), "1", "episode.heading is '1'; accepted: a number"),
        (("heading",), [1], r"episode.heading is \[1\]; accepted: a number"),
        (("heading",), True, "episode.heading is True"),
        (("start",), [1], r"episode.start is \[1\]; accepted: \[x, y\]"),
        (("seed",), 1.5, "episode.seed is 1.5; accepted: a whole number"),
        (("instruction",), 5, "episode.instruction is 5; accepted: a text"),
        (("geodesic_distance",), "a", "episode.geodesic_distance is 'a'"),
        (("oracle_actions",), 2.5, "episode.oracle_actions is 2.5"),
        (("scene",), {"name": "flat"}, "episode.scene lacks hash"),
        (("sources", 0, "onset"), "1", r"episode.sources\[0\].onset is '1'"),
        (("sources", 0, "sound", "name"), 5, r"episode.sources\[0\].sound.name is 5"),
        (("sources", 0, "directivity"), "laser", r"episode.sources\[0\]: directivity is 'laser'"),
        (
            ("sources", 0, "path"),
            [[1, 1, 1], [2, 1, 1]],
            r"sources\[0\]: path and times",
        ),
        (("goals", 0, "source"), 0.5, r"episode.goals\[0\].source is 0.5"),
        (("goals", 0, "position"), [1, 1, 1], "position is .* and source 0 is at"),
        (("goals", 0, "category"), "sofa bed", r"goals\[0\]: category is 'sofa bed'"),
        (("goals", 0, "object"), "vaze", "no object 'vaze'.*did you mean 'vase'"),
    ],
)
def test_fields_of_an_episode_that_cannot_be_are_named(flat, path, value, message):
    data = json.loads(json.dumps(episode(flat).to_dict()))
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    env = Env(scenes=flat, sensors=("pose",), sounds="phone", **QUICK)
    with pytest.raises(ValueError, match=message):
        env.reset(options={"episode": data})


# Scenes bring episodes along.


def test_a_scene_brings_its_episodes_along(tmp_path):
    b = flat_builder()
    b.event(9.0, {"vase": "fallen"})
    walk = {"path": [[6, 1, 1], [8, 1, 1]], "speed": 0.5, "sound": "clock/1", "level": -6.0}
    b.episode(
        start=(0.8, 1), name="to the radio", facing="vase", goal="radio", sources=[walk],
        instruction="find the radio", states={"radio": "on"},
        events=[{"time": 2.0, "states": {"door": "closed"}}],
    )  # fmt: skip
    b.build().save(tmp_path / "flat.yaml")
    env = gym.make("avenv/AudioGoal-v0", scenes=str(tmp_path / "flat.yaml"), episodes="scene",
                   sensors=("audio",), **QUICK)  # fmt: skip
    observation, info = env.reset(seed=0)
    setup = info["setup"]
    assert setup["instruction"] == "find the radio"
    assert [event["time"] for event in setup["events"]] == [9.0, 2.0]
    assert [source["sound"]["name"].split("/")[0] for source in setup["sources"]] == [
        "radio", "clock"
    ]  # fmt: skip
    assert setup["heading"] == pytest.approx(np.pi / 2, abs=0.1)
    assert observation["audio"].any()
    again, _ = env.reset(options={"episode": setup})
    np.testing.assert_array_equal(observation["audio"], again["audio"])


def test_a_scene_without_episodes_is_told_so(flat):
    with pytest.raises(avenv.SceneError, match="flat brings no episodes along"):
        Env(scenes=flat, episodes="scene", sensors="pose")
    with pytest.raises(ValueError, match="episodes is 'all'; accepted: sampled, scene"):
        Env(scenes=flat, episodes="all", sensors="pose")
