"""FetchToCaller: recorded words, a user's own voices, and what is brought to whom."""

import hashlib

import gymnasium as gym
import numpy as np
import pytest
import soundfile
from support import furnished_flat

from avenv.core.errors import SoundError
from avenv.scene.catalogue import kind, kind_names
from avenv.simulation.vocabulary import can_say
from avenv.sounds import LOUDNESS, loudness, parameters, synthesise
from avenv.sounds.recipes import RECIPES
from avenv.sounds.speech import FOLDER
from avenv.tasks.experts import Errand

RATE = 16000
VOICES = ("hugh", "fay", "iain", "lucy", "owen", "ruth")


@pytest.fixture(scope="module")
def flat():
    return furnished_flat()


@pytest.fixture(scope="module")
def env(flat):
    options = {"scenes": flat, "sensors": ("audio", "contact"), "propagation": {"rays": 512}}
    return gym.make("avenv/FetchToCaller-v0", **options).unwrapped


# -- words ---------------------------------------------------------------------------------------


def test_every_voice_has_words_for_all_that_can_be_carried():
    carried = {name for name in kind_names() if "held" in kind(name).states}
    assert set(RECIPES["request"].words("thing")) == carried
    assert set(RECIPES["request"].words("voice")) == set(VOICES[:4])
    assert set(RECIPES["request"].words("voice", "unheard")) == set(VOICES[4:])
    for voice in VOICES:
        assert {path.stem for path in (FOLDER / voice).glob("*")} == carried | {"ask"}
    assert sum(path.stat().st_size for path in FOLDER.rglob("*")) < 10**6


def test_recorded_words_decode_to_the_same_bits_everywhere():
    digest = hashlib.sha256()
    for path in sorted(FOLDER.rglob("*.flac")):
        samples, rate = soundfile.read(path, dtype="int16")
        assert rate == 12000
        assert samples.ndim == 1
        digest.update(
            path.relative_to(FOLDER).as_posix().encode() + samples.astype("<i2").tobytes()
        )
    assert digest.hexdigest()[:16] == "f7090e22de466e08"


def test_a_request_is_said_once_round_the_loop_and_then_it_is_still():
    for voice in VOICES:
        split = "/unheard" if voice in VOICES[4:] else ""
        for thing in ("cushion", "music_box"):
            name = f"request{split}/0?voice={voice}&thing={thing}"
            sound = synthesise(name, RATE)
            parts = [soundfile.info(FOLDER / voice / f"{p}.flac").duration for p in ("ask", thing)]
            end = sum(parts) + 0.04
            signal = np.abs(sound.signal)
            assert sound.duration == 4
            assert signal[: round((end - 0.02) * RATE)].max() > 0.05
            assert signal[round((end + 0.02) * RATE) :].max() < 1e-3
            assert loudness(sound.signal, RATE) == pytest.approx(LOUDNESS, abs=0.1)
    assert [parameters(f"request/{v}?thing=cup")["voice"] for v in range(4)] == list(VOICES[:4])


def test_voices_say_different_things_differently():
    said = {
        (v, t): synthesise(f"request/{v}?thing={t}", 8000).signal
        for v in range(4)
        for t in ("cup", "keys")
    }
    together = np.corrcoef(list(said.values()))[np.triu_indices(len(said), 1)]
    assert together.max() < 0.9


# -- the task ------------------------------------------------------------------------------------


def test_the_voice_and_not_the_instruction_says_what_it_wants(env):
    asked = set()
    for seed in range(6):
        _, info = env.reset(seed=seed)
        assert can_say(info["instruction"])
        episode = env.episode
        things = {goal.object for goal in episode.goals[1:]}
        [sound] = [source.sound.name for source in episode.sources]
        assert {sound.partition("thing=")[2]} == things  # here things are called as their kinds
        assert not any(name in info["instruction"] for name in things)
        asked |= things
    assert asked == {"radio", "phone"}
    # 2 of the flat's portable things, each as likely, and a circle of a metre of its floor.
    assert 0 < env.batch.task.chance(0) < np.pi / 30 / 2


def walk_and(env, errand):
    """Run one errand to its end; return the last step."""
    task = env.batch.task
    for _ in range(200):
        action = task._number(0, errand)
        step = env.step(action)
        if task.actions.names[action] == errand.verb:
            return step
    raise AssertionError(f"never done: {errand}")


def test_the_wrong_thing_ends_it_and_the_right_one_elsewhere_is_no_success(env):
    env.reset(seed=0)
    [goal] = [goal.object for goal in env.episode.goals[1:]]
    other = ({"radio", "phone"} - {goal}).pop()
    *_, terminated, _, info = walk_and(env, Errand("pick", other))
    assert terminated
    assert info["metrics"]["wrong_acts"] == 1
    env.reset(seed=0)
    *_, terminated, _, info = walk_and(env, Errand("pick", goal))
    assert not terminated
    assert info["metrics"]["right_acts"] == 1
    *_, terminated, _, info = env.step(0)
    assert terminated
    assert info["metrics"]["success"] == 0
    # What was put down again is to be picked up again.
    env.reset(seed=0)
    walk_and(env, Errand("pick", goal))
    while env.batch.task.errands(0)[0].verb != "pick":
        names = env.action_names
        *_, info = env.step(names.index("put"))
        if info["truth"]["act_failed"]:
            env.step(names.index("turn_left"))
    assert env.batch.task.errands(0) == [Errand("pick", goal)]


def test_empty_hands_beside_the_caller_are_no_success(env):
    env.reset(seed=1)
    x, y, _ = env.episode.sources[0].position
    *_, terminated, _, info = walk_and(env, Errand("stop", "caller", place=(x, y)))
    assert terminated
    assert info["metrics"]["success"] == 0


def test_a_wall_is_no_place_to_put_a_thing(env):
    env.reset(seed=0)
    walk_and(env, Errand("pick", env.episode.goals[1].object))
    state = env.batch.simulator.state
    state.position[0], state.heading[0] = (9.7, 2.5), 0.0  # 0.25 m from the east wall
    observation, _, terminated, _, info = env.step(env.action_names.index("put"))
    assert observation["contact"][0] == 1
    assert info["truth"]["act_failed"]
    assert not terminated
    assert env.batch.task.caption(0)[1] == "put: there is no room ahead"
    env.step(env.action_names.index("turn_left"))
    assert env.batch.task.caption(0)[1] == "put: there is no room ahead"  # till it does more


def record(path):
    path.parent.mkdir(exist_ok=True, parents=True)
    t = np.arange(RATE) / RATE
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 300 * t * (1 + t)), RATE)


def test_ones_own_voices_are_taken(flat, tmp_path):
    for name in ("anna/radio.wav", "anna/phone.wav", "bert/radio.wav"):
        record(tmp_path / name)
    options = {"scenes": flat, "sensors": ("audio",), "voices": str(tmp_path)}
    env = gym.make("avenv/FetchToCaller-v0", **options).unwrapped
    said = set()
    for seed in range(8):
        env.reset(seed=seed)
        path = env.episode.sources[0].sound.name
        assert path.endswith(f"{env.episode.goals[1].object}.wav")
        said.add(path.removeprefix(str(tmp_path)))
    assert said == {"/anna/radio.wav", "/anna/phone.wav", "/bert/radio.wav"}
    record(tmp_path / "anna" / "sofa.wav")
    with pytest.raises(SoundError, match=r"asks for 'sofa'; .*accepted"):
        gym.make("avenv/FetchToCaller-v0", **options)


def test_a_thing_that_is_held_does_not_fall_and_hands_hold_one(env):
    env.reset(seed=0)
    goal = env.episode.goals[1].object
    events = [{"time": 60.0, "states": {goal: "fallen"}}]
    env.reset(options={"episode": env.episode.to_dict() | {"events": events}})
    walk_and(env, Errand("pick", goal))
    *_, info = env.step(env.action_names.index("pick"))
    assert env.batch.task.caption(0)[1] == "pick: the hands are full"
    assert info["truth"]["act_failed"]
    while env.batch.simulator.state.time[0] < 61:
        *_, info = env.step(env.action_names.index("wait"))
    assert env.batch.simulator.state.here[0].compiled.states[goal] == "held"
    assert info["metrics"]["wrong_acts"] == 0


def test_voices_that_are_kept_back_and_instructions_that_are_too_long(flat):
    options = {"scenes": flat, "sensors": ("instruction",), "sounds": "unheard"}
    env = gym.make("avenv/FetchToCaller-v0", **options).unwrapped
    voices = set()
    for seed in range(6):
        env.reset(seed=seed)
        voices.add(parameters(env.episode.sources[0].sound.name)["voice"])
    assert voices == {"owen", "ruth"}
    with pytest.raises(ValueError, match="has 33 words; accepted: up to 32"):
        env.reset(options={"episode": env.episode.to_dict() | {"instruction": "bring " * 33}})
