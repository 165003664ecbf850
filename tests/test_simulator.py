"""The batched core: bodies among sources that come, go and move."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from support import shoebox, two_rooms

from avenv.acoustics import AcousticSettings, native
from avenv.acoustics import field as fields
from avenv.core import cache, parallel
from avenv.core.errors import SceneError, SoundError
from avenv.envs.batch import Batch
from avenv.scene.compiled import SceneSource
from avenv.simulation.ears import Ears
from avenv.simulation.emitters import Emitter, Trajectory
from avenv.simulation.settings import SensorSettings
from avenv.simulation.simulator import Commands, Simulator
from avenv.simulation.source import SPACING
from avenv.simulation.state import Start
from avenv.simulation.world import World
from avenv.sounds import Sound

RATE = 8000
QUICK = AcousticSettings(rays=256, mirror_rays=1024, max_time=0.2)
SENSORS = SensorSettings(("audio",), sample_rate=RATE, step_time=0.1, window=0.3)
RNG = np.random.default_rng(0)
HISS = Sound("hiss", "hiss", 0.05 * RNG.standard_normal(5000).astype(np.float32), RATE)
HUM = Sound("hum", "hum", 0.05 * np.sin(np.arange(80) * 0.2 * np.pi).astype(np.float32), RATE)
ALWAYS = Emitter((1.0, 1.0, 1.2), HISS)
WAY = Trajectory.at_speed([[1, 1, 1.2], [4, 1, 1.2], [4, 3, 1.2]], 4.0)


@pytest.fixture(scope="module")
def room():
    return World(shoebox())


def simulator(world, num_envs=1, sensors=SENSORS):
    return Simulator([world], sensors, num_envs, propagation=QUICK)


def listen(sim, *emitters, steps=4, walk=0.0):
    """Place every body among emitters, let time pass, return the windows: (steps + 1, E, C, W)."""
    start = Start(sim.worlds[0], (2.0, 2.0), 0.5, emitters)
    sim.begin(dict.fromkeys(range(sim.num_envs), start))
    everyone = np.ones(sim.num_envs, bool)
    commands = Commands(np.full(sim.num_envs, walk), np.zeros(sim.num_envs))
    heard = [sim.observe()["audio"]]
    for _ in range(steps):
        sim.step(everyone, commands)
        heard.append(sim.observe()["audio"])
    return np.array(heard)


def begin(sim, *emitters, position=(2.0, 2.0)):
    sim.begin({0: Start(sim.worlds[0], position, 0.0, emitters)})


def test_sources_add_up(room):
    sim = simulator(room)
    others = Emitter((4, 3, 1), HUM, level=-6), Emitter((2, 3, 2), HISS, offset=99, onset=0.15)
    together = listen(sim, ALWAYS, *others, walk=0.1)
    alone = [listen(sim, e, walk=0.1) for e in (ALWAYS, *others)]
    np.testing.assert_allclose(together, sum(alone), atol=1e-5 * np.abs(together).max())


def test_a_source_that_begins_is_heard_when_its_sound_arrives(room):
    heard = listen(simulator(room), Emitter((4.0, 2.0, 1.25), HISS, onset=0.1), steps=2)
    assert not heard[:2].any()
    new = np.abs(heard[2, 0, :, -RATE // 10 :]).max(axis=0)
    first = np.flatnonzero(new > 0.1 * new.max()).min()
    # 2 m away; the ramp keeps the first milliseconds quiet
    assert 2 / 343 * RATE <= first <= (2 / 343 + 0.005) * RATE


def test_the_tail_outlives_the_source_and_then_it_costs_nothing(room, monkeypatch):
    sim = simulator(room)
    engine = sim._rig.ears.engine
    jobs = []
    responses = engine.responses
    monkeypatch.setattr(
        engine, "responses", lambda j, out: jobs.append(len(j.listeners)) or responses(j, out)
    )
    heard = listen(sim, Emitter((1.0, 1.0, 1.2), HISS, duration=0.1), steps=7)
    levels = np.abs(heard[1:, 0, :, -RATE // 10 :]).max(axis=(1, 2))
    assert levels[1] > 1e-3 * levels[0]
    assert (levels[4:] == 0).all()
    assert sum(jobs) == 2  # at the start and for the first step; then it is the same one
    assert not any(jobs[-6:])


def test_what_did_not_move_sounds_as_if_it_were_computed_anew(room, monkeypatch):
    def hear(memory):
        sim = simulator(room)
        if not memory:
            anew = itertools.count()
            monkeypatch.setattr(Ears, "_place", lambda *_: next(anew))
            monkeypatch.setattr(native._Lately, "get", lambda *_: None)
        begin(sim, ALWAYS, Emitter(WAY, HUM))
        heard = []
        for ahead, turn in ((0, 0), (0, 0.5), (0.1, 0), (0, 0), (0, -0.5), (0, 0)):
            sim.step(np.array([True]), Commands(np.array([ahead]), np.array([turn])))
            heard.append(sim.observe()["audio"])
        return np.array(heard)

    np.testing.assert_array_equal(hear(memory=True), hear(memory=False))


def test_sources_that_are_silent_for_good_change_no_bit(room):
    mute = Emitter((4.0, 3.0, 1.0), HUM, onset=-9.0, duration=1.0)
    np.testing.assert_array_equal(
        listen(simulator(room), ALWAYS, mute), listen(simulator(room), ALWAYS)
    )


@pytest.mark.parametrize("emitter", [ALWAYS, Emitter(WAY, HISS, duration=0.07, period=0.2)])
def test_sound_does_not_depend_on_batch_or_threads(room, emitter):
    alone = listen(simulator(room), emitter, walk=0.1)
    together = listen(simulator(room, 5), emitter, walk=0.1)
    for row in range(5):
        np.testing.assert_array_equal(together[:, row], alone[:, 0])
    parallel.set_num_threads(1)
    try:
        np.testing.assert_array_equal(listen(simulator(room), emitter, walk=0.1), alone)
    finally:
        parallel.set_num_threads(None)


def test_threads_batch_and_cache_change_no_bit(tmp_path, monkeypatch):
    world = World(two_rooms())
    way = Trajectory.at_speed([[1, 1, 1.2], [3, 1, 1.2], [3, 3, 1.2]], 4.0)
    emitters = ALWAYS, Emitter((6.0, 3.0, 1.2), HUM, onset=0.1), Emitter(way, HISS)

    def hear(num_envs, threads, folder):
        parallel.set_num_threads(threads)
        monkeypatch.setenv("AVENV_CACHE", str(tmp_path / folder))
        monkeypatch.setattr(fields, "_memory", cache.MemoryCache(2**28))
        sim = simulator(world, num_envs)
        places = [(1.5 + 0.1 * row, 2.0) for row in range(num_envs)]
        sim.begin({k: Start(world, p, 0.3 * k, emitters) for k, p in enumerate(places)})
        commands = Commands(np.full(num_envs, 0.1), np.full(num_envs, 0.2))
        heard = [sim.observe()["audio"]]
        for _ in range(3):
            sim.step(np.ones(num_envs, bool), commands)
            heard.append(sim.observe()["audio"])
        return np.array(heard)

    try:
        cold, warm = (hear(16, 1, "one") for _ in range(2))
        found = [warm, hear(16, 2, "two"), hear(16, 2, "two")]
        alone = [hear(1, threads, folder) for threads, folder in ((1, "one"), (2, "new"))]
    finally:
        parallel.set_num_threads(None)
    assert len(list((tmp_path / "new").iterdir())) > len(emitters)
    assert np.abs(cold).max() > 0
    assert {f.tobytes() for f in found} == {cold.tobytes()}
    assert {a.tobytes() for a in alone} == {cold[:, :1].tobytes()}


def test_a_body_that_can_hear_nothing_is_told_so():
    world = World(two_rooms(door=0.0, transmission=0.0))
    with pytest.warns(UserWarning, match=r"no sound gets from the source at \[6.0, 1.0, 1.0\] to"):
        heard = listen(simulator(world), Emitter((6.0, 1.0, 1.0), HISS), steps=1)
    assert not heard.any()


def test_a_moving_source_is_where_its_trajectory_says(room):
    sim = simulator(room)
    source = sim._rig.ears.traced(Emitter(WAY, HISS), room)
    for time in (-1.0, 0.0, 0.31, 0.9, 5.0):
        here = np.array(WAY.at(time))
        field = source.field(time)
        np.testing.assert_allclose(field.tree.position[0], here)
        first = field.tree.position[field.tree.order == 1]
        walls = np.concatenate([-here, 2 * np.array([5, 4, 3]) - here])  # of a 5 x 4 x 3 m box
        images = np.tile(here, (6, 1))
        images[range(6), [0, 1, 2] * 2] = walls
        np.testing.assert_allclose(sorted(first.tolist()), sorted(images.tolist()), atol=1e-5)
    assert source.field(0.0).late is source.field(0.9 * SPACING / 2 / 4).late
    assert source.field(0.0).late is not source.field(1.0).late


def test_a_passing_source_is_loudest_when_it_is_near(room):
    way = Trajectory.at_speed([[0.3, 2.3, 1.25], [4.7, 2.3, 1.25]], speed=4.4)
    heard = listen(simulator(room), Emitter(way, HISS), steps=10)
    levels = (heard[1:, 0, :, -RATE // 10 :] ** 2).mean(axis=(1, 2))
    assert levels.argmax() in (3, 4)  # 1.7 m on, 0.39 s
    assert levels.max() > 3 * levels[[0, -1]].max()


def test_time_passes_without_ears_too(room):
    settings = SensorSettings(("depth",), (8, 8), sample_rate=RATE, step_time=0.1)
    sim = simulator(room, sensors=settings)
    begin(sim, Emitter(WAY, HISS))
    sim.wait(np.ones(1, bool))
    np.testing.assert_allclose(sim.state.time, [0.1])
    assert not sim.window(0).any()


def test_looking_and_listening_changes_nothing(room):
    sim = simulator(room, sensors=SensorSettings(("rgb", "audio", "spectrogram"), (16, 16)))
    loud = Sound("loud", "loud", HISS.signal, 16000)
    begin(sim, Emitter((1.0, 1.0, 1.2), loud))
    sim.wait(np.ones(1, bool))
    first, again = sim.observe(), sim.observe()
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
        assert first[name] is not again[name]
    assert sim.state.time == 0.25


def test_places_without_air_are_refused():
    sim = simulator(World(two_rooms()))
    with pytest.raises(SceneError, match=r"listener \(4.100, 0.500, 1.250\) is inside a solid"):
        begin(sim, ALWAYS, position=(4.1, 0.5))
    with pytest.raises(SceneError, match=r"source .* is inside a solid"):
        begin(sim, Emitter((4.1, 0.5, 1.0), HISS))
    through_the_wall = Trajectory.at_speed([[1, 1, 1.2], [7, 1, 1.2]], 1.0)
    with pytest.raises(SceneError, match=r"source .* is inside a solid"):
        begin(sim, ALWAYS, Emitter(through_the_wall, HISS))


def test_a_sound_of_another_rate_is_refused(room):
    other = Sound("other", "other", HISS.signal, 2 * RATE)
    with pytest.raises(SoundError, match="'other' is at 16000 Hz; it must be at 8000 Hz"):
        begin(simulator(room), Emitter((1, 1, 1), other))


@pytest.mark.parametrize(
    ("loud", "level"), [(np.nan, 0.0), (np.inf, 0.0), (0.05, 900.0), (3e38, 10.0)]
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_sound_that_is_not_finite_is_an_error_that_names_its_source(room, loud, level):
    signal = HISS.signal.copy()
    signal[1000] = loud  # it begins in the second step
    bad = Emitter((4.0, 3.0, 1.2), replace(HISS, name="broken", signal=signal), level, onset=0.0)
    sim = simulator(room)
    with pytest.raises(SoundError, match=r"'broken' at \(4.00, 3.00, 1.20\) emits such samples"):
        listen(sim, ALWAYS, bad, steps=8)


def test_a_response_that_is_not_finite_is_an_error_that_names_its_source(room, monkeypatch):
    sim = simulator(room)
    engine = sim._rig.ears.engine
    answer = engine.responses
    monkeypatch.setattr(
        engine, "responses", lambda batch, out: answer(batch, out) * np.float32(np.nan)
    )
    with pytest.raises(SoundError, match=r"the response to 'hiss' at \(1.00, 1.00, 1.20\)"):
        listen(sim, ALWAYS)


def test_the_other_sources_of_a_scene_sound_in_the_background():
    radio = SceneSource("radio", "phone", (1.0, 3.0, 1.0), -6.0)
    clock = SceneSource("clock", "clock", (6.0, 1.0, 1.5))
    scene = replace(two_rooms(), sources=(radio, clock))
    batch = Batch("AudioGoal", 1, World(scene), ("depth",), goals="sources", background="scene")
    batch.reset([0])
    goal, other = batch.simulator.state.emitters(0)
    left = clock if goal.position == radio.position else radio
    assert batch.task.episodes[0].goals[0].position == goal.position
    assert (other.position, other.level) == (left.position, left.level)
    assert other.sound.kind == left.sound
    with pytest.raises(ValueError, match="background is 'all'; accepted: none, scene"):
        Batch("AudioGoal", 1, World(scene), ("depth",), background="all")


def test_a_steady_tone_heard_while_walking_has_no_clicks(room, monkeypatch):
    """Between two poses the tone's complex amplitude goes from p to q as half a cosine does.

    For a tone of one frequency w, s(t - 1) + s(t + 1) - 2 cos(w) s(t) is 0. For one of amplitude
    a(t) it is at most 2 sin(w) |a'| + |a''|, that is |q - p| (sin(w) π / S + π² / 2 S²) for steps
    of S samples. A switch from one response to the other would bring about |q - p|.
    """
    sim = simulator(room)
    engine = sim._rig.ears.engine
    made, responses = [], engine.responses
    monkeypatch.setattr(engine, "responses", lambda j, _: made.append(responses(j)) or made[-1])
    heard = listen(sim, Emitter((4.0, 3.0, 1.2), HUM), steps=6, walk=0.1)
    step, turn = RATE // 10, 0.2 * np.pi
    sound = np.concatenate([heard[0, 0], *heard[1:, 0, :, -step:]], axis=-1).astype(np.float64)
    residue = np.abs(sound[:, 2:] + sound[:, :-2] - 2 * np.cos(turn) * sound[:, 1:-1])
    wave = 0.05 * np.exp(-1j * turn * np.arange(engine.length))
    amplitudes = np.array([r[0] @ wave for r in made if len(r)])
    assert len(amplitudes) == 7
    greatest = np.abs(np.diff(amplitudes, axis=0)).max(axis=0)
    bound = greatest * (np.sin(turn) * np.pi / step + np.pi**2 / (2 * step**2))
    assert (residue.max(axis=1) < 1.01 * bound).all()
    assert (residue.max(axis=1) > 0.5 * bound).all()  # the bound is tight
