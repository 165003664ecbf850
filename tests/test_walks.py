"""A walk by ear: louder as one nears, on the right side, without a click."""

import numpy as np
import pytest
from support import shoebox, two_rooms

import avenv
from avenv.acoustics import AcousticSettings
from avenv.core.errors import SceneError, SoundError
from avenv.simulation.emitters import Emitter, Trajectory
from avenv.simulation.world import World
from avenv.sounds import Sound

RATE = 8000
QUICK = AcousticSettings(rays=256, mirror_rays=1024, max_time=0.3)
RNG = np.random.default_rng(0)
HISS = Sound("hiss", "hiss", 0.05 * RNG.standard_normal(5000).astype(np.float32), RATE)
HUM = Sound("hum", "hum", 0.05 * np.sin(np.arange(80) * 0.2 * np.pi).astype(np.float32), RATE)
TURN = 0.2 * np.pi  # radians a sample of the hum


@pytest.fixture(scope="module")
def hall():
    return World(shoebox((12, 8, 4), absorption=0.9))


@pytest.fixture(scope="module")
def open_air():
    return {"scene": World(shoebox((12, 8, 4))), "acoustics": "anechoic"}


def render(scene, emitters, positions, headings, times, **options):
    return avenv.render_audio(
        scene, emitters, positions, headings, times, **{"sample_rate": RATE} | options
    )


def levels(sound, seconds=0.25):
    """Return the levels (C, n) in dB of stretches of a sound (C, N)."""
    size = round(seconds * RATE)
    parts = sound[:, : sound.shape[1] // size * size].reshape(len(sound), -1, size)
    return 10 * np.log10((parts.astype(float) ** 2).mean(axis=-1) + 1e-20)


def test_it_gets_louder_as_one_nears_as_the_distance_says(open_air):
    way = [(1.0, 4.0, 1.5), (9.0, 4.0, 1.5)]
    heard = render(emitters=Emitter((10.0, 4.0, 1.5), HISS), positions=way, headings=0.0,
                   times=[0, 8], layout="mono", **open_air)  # fmt: skip
    assert heard.shape == (1, 8 * RATE)
    assert heard.dtype == np.float32
    distance = 9 - (np.arange(16) * 0.5 + 0.25)
    dry = 20 * np.log10(HISS.signal.std())
    np.testing.assert_allclose(levels(heard, 0.5)[0], dry - 20 * np.log10(distance), atol=0.4)


def test_a_room_gets_louder_as_one_nears(hall):
    way = [(1.0, 4.0, 1.5), (9.0, 4.0, 1.5)]
    emitter = Emitter((10.0, 4.0, 1.5), HISS)
    heard = levels(render(hall, emitter, way, 0.0, [0, 4], settings=QUICK))
    assert (heard[:, -1] > heard[:, 0] + 10).all()
    assert (np.diff(heard[:, ::4], axis=1) > 0).all()


def test_the_side_is_that_of_the_source_and_changes_as_the_head_turns(hall):
    emitter = Emitter((6.0, 7.0, 1.5), HISS)  # to the left of who looks along x
    there, around = np.tile([6.0, 4.0, 1.5], (3, 1)), [0.0, np.pi / 2, np.pi]
    left, right = levels(render(hall, emitter, there, around, [0, 1, 2], settings=QUICK), 0.1)
    assert (left - right)[0] > 5
    assert (left - right)[-1] < -5
    assert abs((left - right)[9:11].mean()) < 3  # faces it half-way
    back = render(hall, emitter, there[:2], [np.pi, -np.pi], [0, 1], settings=QUICK)
    left, right = levels(back, 0.1)  # the shorter way between these is not to turn at all
    assert (left - right < -5).all()


def test_a_steady_tone_has_no_clicks(hall):
    # A tone obeys s(t - 1) + s(t + 1) = 2 cos(w) s(t). A click would leave what a walk does not:
    # of a hum, a residue far below its amplitude.
    way = [(2.0, 3.0, 1.5), (6.0, 5.0, 1.5), (9.0, 3.0, 1.6)]
    heard = render(hall, Emitter((7.0, 4.0, 1.2), HUM), way, [0.0, 1.0, -2.0], [0, 2, 4.013],
                   settings=QUICK).astype(float)  # fmt: skip
    residue = np.abs(heard[:, 2:] + heard[:, :-2] - 2 * np.cos(TURN) * heard[:, 1:-1])
    assert residue.max() < 0.02 * np.abs(heard).max()
    assert heard.shape == (2, round(4.013 * RATE))


def test_standing_still_is_one_convolution(hall):
    """A walk that goes nowhere is the sound, convolved with ``impulse_response``."""
    place, source, length = (3.0, 3.0, 1.5), (8.0, 5.0, 1.5), 2400
    heard = render(hall, Emitter(source, HISS, onset=0.1), [place] * 2, 0.3, [-0.5, 1.0],
                   settings=QUICK)  # fmt: skip
    response = avenv.impulse_response(
        hall, source, place, 0.3, sample_rate=RATE, length=length, settings=QUICK
    )
    dry = Emitter(source, HISS, onset=0.1).samples(-RATE // 2, 3 * RATE // 2)
    expected = np.stack([np.convolve(dry, r)[: len(dry)] for r in response])
    peak = np.abs(expected).max()
    np.testing.assert_allclose(heard, expected, atol=2e-3 * peak)  # decay_length cuts at -60 dB
    assert not heard[:, : round(0.6 * RATE)].any()


def test_several_sources_add_up_and_may_move(hall):
    way = Trajectory([[2, 2, 1.2], [10, 2, 1.2]], [0.0, 2.0])
    moving, still = Emitter(way, HISS), Emitter((6.0, 6.0, 1.2), HUM)
    walk = [(6.0, 4.0, 1.5), (6.0, 3.0, 1.5)], np.pi / 2, [0, 2]
    both, one, other = (
        render(hall, e, *walk, settings=QUICK) for e in ([moving, still], moving, [still])
    )
    np.testing.assert_allclose(both, one + other, atol=1e-4)
    left, right = levels(one)
    assert (left - right)[0] > 3  # it passes behind one who looks along y
    assert (left - right)[-1] < -3


def test_the_time_of_a_walk_is_the_time_of_its_sources(hall):
    late = Emitter((6.0, 6.0, 1.2), HISS, onset=100.5)
    heard = render(hall, late, [(6.0, 4.0, 1.5)] * 2, 0.0, [100, 101], settings=QUICK)
    first = int(np.argmax(np.abs(heard[0]) > 1e-3 * heard.max()))
    assert first == pytest.approx(0.5 * RATE + np.hypot(2, 0.3) / 343 * RATE, abs=12)


def test_ears_may_go_up_and_down(hall):
    stairs = [(3.0, 4.0, 0.5), (9.0, 4.0, 3.5)]
    heard = render(hall, Emitter((6.0, 6.0, 1.2), HISS), stairs, 0.0, [0, 1], settings=QUICK)
    assert np.isfinite(heard).all()
    assert heard.std() > 1e-4


def test_the_same_walk_has_the_same_bits(hall):
    walk = Emitter((6.0, 6.0, 1.2), HISS), [(3.0, 4.0, 1.5), (6.0, 4.0, 1.5)], 0.0, [0, 1]
    one, other = (render(hall, *walk, settings=QUICK) for _ in range(2))
    np.testing.assert_array_equal(one, other)


HERE = [(3.0, 4.0, 1.5), (4.0, 4.0, 1.5)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": [(3.0, 4.0), (4.0, 4.0)]}, r"positions have shape \(2, 2\)"),
        ({"positions": HERE[:1]}, "two or more poses"),
        ({"positions": [HERE[0], (4.0, np.nan, 1.5)]}, "positions are empty or not finite"),
        ({"positions": "here"}, "positions are 'here'; accepted: numbers"),
        ({"headings": [0.0, 1.0, 2.0]}, r"headings have shape \(3,\)"),
        ({"headings": 90}, r"headings is 90, .* radians from -2π to 2π .*= 1.571"),
        ({"times": [0.0, 0.0]}, "times do not ascend"),
        ({"times": [0.0]}, r"times have shape \(1,\)"),
        ({"times": [0.0, 1e6]}, "accepted: 3600 s or less"),
        ({"step_time": 2.0}, "step_time is 2.0"),
        ({"emitters": []}, r"emitters is \[\]"),
        ({"acoustics": "magic"}, "acoustics is 'magic'"),
        ({"layout": "quad"}, "layout is 'quad'"),
    ],
)
def test_what_is_out_of_range_is_named(hall, change, message):
    usual = {"emitters": Emitter((6.0, 6.0, 1.2), HISS), "positions": HERE, "headings": 0.0,
             "times": [0.0, 1.0]}  # fmt: skip
    with pytest.raises(ValueError, match=message):
        render(hall, **usual | change)


def test_a_walk_through_a_wall_says_when(hall):
    world, emitter = World(two_rooms()), Emitter((1.0, 1.0, 1.2), HISS)
    with pytest.raises(SceneError, match=r"listener .*at \d\.\d\d s of the walk"):
        render(world, emitter, [(1.0, 1.0, 1.5), (1.0, -9.0, 1.5)], 0.0, [0, 1], settings=QUICK)
    with pytest.raises(SceneError, match="source"):
        render(hall, Emitter((6.0, 60.0, 1.2), HISS), HERE, 0.0, [0, 1], settings=QUICK)


def test_sounds_that_cannot_be_played_are_named(hall):
    slow = Sound("slow", "slow", HISS.signal, 2 * RATE)
    with pytest.raises(SoundError, match="'slow' is at 16000 Hz; it must be at 8000 Hz"):
        render(hall, Emitter((6.0, 6.0, 1.2), slow), HERE, 0.0, [0, 1])
    broken = Sound("broken", "broken", np.full(10, np.nan, np.float32), RATE)
    with pytest.raises(SoundError, match="'broken' has NaN"):
        render(hall, Emitter((6.0, 6.0, 1.2), broken), HERE, 0.0, [0, 1])
