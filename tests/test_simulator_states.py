"""Doors that close and radios that are switched on while a body stands there."""

import gymnasium as gym
import numpy as np
import pytest
from numpy.testing import assert_allclose

from avenv.acoustics import AcousticSettings, Engine, ResponseBatch
from avenv.core.errors import SceneError
from avenv.scene import SceneBuilder
from avenv.scene.materials import material
from avenv.simulation.emitters import Emitter
from avenv.simulation.loading import load_scene
from avenv.simulation.questions import render_view
from avenv.simulation.settings import SensorSettings
from avenv.simulation.simulator import Commands, Simulator
from avenv.simulation.state import Start
from avenv.sounds import Sound

RATE = 16000
NOISE = np.random.default_rng(1).standard_normal(RATE).astype(np.float32)
HISS = Sound("hiss", "hiss", 0.05 * NOISE, RATE)
EAR = (2.0, 2.0)
SOURCE = (7.5, 2.0, 1.2)


@pytest.fixture(scope="module")
def flat():
    b = SceneBuilder("flat")
    b.room("a", size=(5, 4), floor="carpet", ceiling="acoustic_tile")
    b.room("b", size=(4, 4), at=(5, 0), floor="carpet", ceiling="acoustic_tile")
    b.door("a", "b", name="door")
    b.place("stool", at=(1, 3.5), name="stool")
    b.place("radio", on="stool", name="radio")
    return load_scene(b.build())


def simulator(world, num_envs=1, names=("rgb", "depth", "audio")):
    settings = SensorSettings(
        names, image_size=(48, 48), sample_rate=RATE, step_time=0.25, window=0.5
    )
    return Simulator([world], settings, num_envs, propagation=AcousticSettings(max_time=0.5))


def place(sim, *emitters):
    start = Start(sim.worlds[0], EAR, 0.0, emitters or (Emitter(SOURCE, HISS),))
    sim.begin(dict.fromkeys(range(sim.num_envs), start))


def later(sim):
    """Let a step pass; return what is observed then."""
    sim.wait(np.ones(sim.num_envs, bool))
    return sim.observe()


def walk(sim, metres, steps=1):
    """Walk all bodies; return how far each came, and whether it bumped into something."""
    gone, bumped = np.zeros(sim.num_envs), np.zeros(sim.num_envs, bool)
    for _ in range(steps):
        commands = Commands(np.full(sim.num_envs, metres), np.zeros(sim.num_envs))
        moved, hit = sim.step(np.ones(sim.num_envs, bool), commands)
        gone, bumped = gone + moved, bumped | hit
    return gone, bumped


def level(world, band):
    """Return the level (dB) of the reverberant sound behind the door in one octave band."""
    settings = AcousticSettings(max_time=0.8)
    engine = Engine(RATE, "mono", settings=settings)
    field = engine.source_field(world.acoustics_for(), SOURCE, 1.25)
    ears = [(x, y, 1.25) for x in (1.0, 2.0, 3.0) for y in (0.8, 2.2, 3.2)]
    responses = engine.responses(ResponseBatch.of_source(field, ears))[:, 0]
    spectrum = np.abs(np.fft.rfft(responses)) ** 2
    f = np.fft.rfftfreq(responses.shape[1], 1 / RATE)
    return 10 * np.log10(spectrum[:, (f > band / 2**0.5) & (f < band * 2**0.5)].sum())


@pytest.mark.parametrize(("column", "band"), [(2, 500), (3, 1000), (4, 2000)])
def test_a_door_between_lowers_the_level_by_its_loss(flat, column, band):
    drop = level(flat, band) - level(flat.with_states({"door": "closed"}), band)
    assert_allclose(drop, material("wood_door").transmission_loss[column], atol=3.0)


def test_opening_restores_sight_sound_and_passage_to_the_bit(flat):
    still, cycled = simulator(flat), simulator(flat)
    for sim in (still, cycled):
        place(sim)
    cycled.set_states(0, {"door": "closed"})
    shut, openly = later(cycled), later(still)
    assert not np.array_equal(shut["rgb"], openly["rgb"])
    assert shut["depth"][0, 24, 24, 0] < 3.1 < openly["depth"][0, 24, 24, 0]
    cycled.set_states(0, {"door": "open"})
    assert cycled.state.here[0] is still.state.here[0]
    for _ in range(6):  # until the closed door has rung out
        again, openly = later(cycled), later(still)
    for name in ("rgb", "depth", "audio"):
        np.testing.assert_array_equal(again[name], openly[name])


def test_a_door_closes_on_a_sound_that_will_end_later_too(flat):
    heard = []
    for end in (None, 60.0):
        sim = simulator(flat, names=("audio",))
        place(sim, Emitter(SOURCE, HISS, end=end))
        sim.set_states(0, {"door": "closed"})
        for _ in range(3):
            audio = later(sim)["audio"]
        heard.append(audio)
    np.testing.assert_array_equal(*heard)


def test_a_closed_door_is_in_the_way(flat):
    sim = simulator(flat, names=("depth",))
    place(sim)
    sim.set_states(0, {"door": "closed"})
    gone, bumped = walk(sim, 0.25, 20)
    assert bumped[0]
    assert gone[0] < 3.0
    sim.set_states(0, {"door": "open"})
    gone, bumped = walk(sim, 0.25, 8)
    assert_allclose(gone, 2.0, atol=1e-6)
    assert not bumped[0]


def test_a_door_does_not_close_on_a_body(flat):
    sim = simulator(flat, names=("depth",))
    place(sim)
    walk(sim, 0.25, 12)
    with pytest.raises(SceneError, match=r"body at \(5.00, 2.00\) is in the way"):
        sim.set_states(0, {"door": "closed"})
    assert sim.state.here[0] is flat


def test_only_the_body_that_was_told_notices(flat):
    alone, pair = simulator(flat), simulator(flat, 2)
    for sim in (alone, pair):
        place(sim)
    pair.set_states(1, {"door": "closed"})
    for _ in range(3):
        one, two = later(alone), later(pair)
        for name in one:
            np.testing.assert_array_equal(one[name][0], two[name][0])
            assert not np.array_equal(two[name][0], two[name][1])


def test_a_radio_is_switched_on_and_off(flat):
    sim = simulator(flat)
    place(sim, Emitter(SOURCE, Sound("nothing", "nothing", np.zeros(100, np.float32), RATE)))

    def heard(steps):
        for _ in range(steps):
            window = later(sim)["audio"]
        return np.abs(window).max()

    assert heard(2) == 0
    sim.set_states(0, {"radio": "on"})
    assert heard(8) > 1e-3
    assert [e.object for e in sim.state.emitters(0)] == [None, "radio"]
    sim.set_states(0, {"radio": "off"})
    assert heard(1) > 1e-3  # it rings on
    assert heard(8) == 0
    sim.set_states(0, {"radio": "on"})
    assert heard(4) > 1e-3


def test_what_falls_silent_by_hand_is_the_sound_of_its_thing(flat):
    loud = flat.with_states({"radio": "on"})
    sim = simulator(loud)
    place(sim, Emitter(loud.compiled.sources[0].position, HISS, object="radio"))
    sim.set_states(0, {"radio": "off"})
    for _ in range(6):
        window = later(sim)["audio"]
    assert not window.any()


def test_worlds_keep_few_variants_and_share_what_is_the_same(flat):
    lit = flat.with_states({"radio": "on"})
    assert lit is flat.with_states({"radio": "on"})
    assert lit.acoustics_for() is flat.acoustics_for()
    assert lit.walkable is flat.walkable
    assert lit.with_states({"radio": "off"}) is flat
    closed = lit.with_states({"door": "closed"})
    assert closed.compiled.states["radio"] == "on"
    assert closed.walkable is not flat.walkable
    assert closed.acoustics_for("anechoic") is not flat.acoustics_for("anechoic")


def test_a_held_thing_is_seen_in_front_of_the_body_wherever_it_goes(flat):
    sim = simulator(flat, 2, ("rgb", "instance", "depth"))
    place(sim)
    radio = [thing.name for thing in flat.compiled.objects].index("radio") + 1
    sim.set_states(1, {"radio": "held"})
    first = later(sim)["instance"]
    assert not (first[0] == radio).any()
    assert (first[1] == radio).any()
    sim.step(np.ones(2, bool), Commands(np.full(2, 0.5), np.full(2, 1.0)))
    moved = sim.observe()
    np.testing.assert_array_equal(moved["instance"][1] == radio, first[1] == radio)
    near = moved["depth"][1][moved["instance"][1] == radio]
    assert 0.3 < near.min() <= near.max() < 0.7
    views = [view["instance"] for view in (render_view(world, (2.0, 3.5, 1.25), np.pi, sensors=(
        "instance",)) for world in (flat, sim.state.here[1]))]  # fmt: skip
    assert (views[0] == radio).any()
    assert not (views[1] == radio).any()  # it is gone from its place


def test_a_fall_is_heard_once(flat):
    sim = simulator(flat, names=("audio",))
    place(sim, Emitter(SOURCE, Sound("nothing", "nothing", np.zeros(100, np.float32), RATE)))
    sim.set_states(0, {"stool": "fallen"})
    loudness = [np.abs(later(sim)["audio"]).max() for _ in range(24)]
    assert max(loudness[:12]) > 1e-3
    assert max(loudness[16:]) == 0
    sim.set_states(0, {"stool": "fallen"})  # as it is already
    assert len(sim.state.emitters(0)) == 2


def test_a_ringing_goal_is_hushed_by_switching_its_thing_off(flat):
    loud = flat.with_states({"radio": "on"})
    env = gym.make("avenv/AudioGoal-v0", scenes=loud, goals="sources", sounds="scene",
                   sensors="audio", sample_rate=RATE)  # fmt: skip
    assert env.reset(seed=0)[1]["truth"]["source_audible"]
    env.unwrapped.set_states({"radio": "off"})
    for _ in range(9):
        observation, *_ = env.step(2)
    assert not observation["audio"].any()
