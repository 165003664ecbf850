"""Emitters: what they play when, and where they are."""

import numpy as np
import pytest

from avenv.simulation.emitters import RAMP, Emitter, Trajectory
from avenv.sounds import Sound

RATE = 1000
R = int(RAMP * RATE)  # 5 samples of ramp
SOUND = Sound("count", "count", np.arange(1, 8, dtype=np.float32), RATE)
STEADY = Sound("steady", "steady", np.ones(3, np.float32), RATE)
HERE = (1.0, 2.0, 3.0)


def ramp(number=R):
    return np.sin(np.pi / 2 * np.arange(number) / R) ** 2


def test_by_default_it_has_always_sounded():
    emitter = Emitter(HERE, SOUND, level=20.0, offset=2)
    np.testing.assert_allclose(emitter.samples(-3, 6), 10 * np.array([7, 1, 2, 3, 4, 5]))
    assert emitter.is_sounding(-100)
    assert emitter.is_sounding(100)


def test_it_begins_at_its_onset_without_a_click():
    emitter = Emitter(HERE, STEADY, onset=0.02)
    np.testing.assert_array_equal(emitter.samples(-10, 31), 0)
    np.testing.assert_allclose(emitter.samples(20, R), ramp(), atol=1e-7)
    np.testing.assert_array_equal(emitter.samples(20 + R, 50), 1)
    assert [emitter.is_sounding(t) for t in (-1, 19, 20, 999)] == [False, False, True, True]


def test_the_sound_begins_at_the_onset_too():
    emitter = Emitter(HERE, SOUND, onset=0.02, offset=3)
    later = emitter.samples(20 + 7, 4)
    np.testing.assert_array_equal(later, [4, 5, 6, 7])


def test_it_ends_after_its_duration_without_a_click():
    emitter = Emitter(HERE, STEADY, duration=0.02)
    np.testing.assert_array_equal(emitter.samples(-50, 50 + 20 - R), 1)
    np.testing.assert_allclose(emitter.samples(20 - R, R)[::-1], ramp(R + 1)[1:], atol=1e-7)
    np.testing.assert_array_equal(emitter.samples(20, 50), 0)
    assert not emitter.is_sounding(20)


def test_it_repeats_with_its_period():
    emitter = Emitter(HERE, STEADY, onset=0.01, duration=0.02, period=0.05)
    np.testing.assert_array_equal(emitter.samples(-100, 110), 0)
    one = emitter.samples(10, 50)
    assert (one[1:20] > 0).all()
    np.testing.assert_array_equal(one[20:], 0)
    for k in range(1, 4):
        np.testing.assert_array_equal(emitter.samples(10 + 50 * k, 50), one)
    always = Emitter(HERE, STEADY, duration=0.02, period=0.05)
    np.testing.assert_array_equal(always.samples(-100, 50), one)


@pytest.mark.parametrize("times", [
    {}, {"onset": 0.013}, {"onset": -0.4, "duration": 0.5}, {"duration": 0.03, "period": 0.07},
    {"onset": 0.1, "duration": 0.007, "period": 0.031},
])  # fmt: skip
def test_one_long_block_is_many_short_ones(times):
    emitter = Emitter(HERE, SOUND, offset=4, **times)
    parts = [emitter.samples(start, 9) for start in range(-90, 90, 9)]
    np.testing.assert_array_equal(np.concatenate(parts), emitter.samples(-90, 180))


@pytest.mark.parametrize(("options", "message"), [
    ({"level": np.nan}, "level is nan"),
    ({"offset": 1.5}, "offset is 1.5; accepted: a whole number"),
    ({"onset": np.inf}, "onset is inf"),
    ({"duration": 0.0}, "duration is 0.0; accepted: a sample or more"),
    ({"period": 1.0}, "period is 1.0 and duration None"),
    ({"duration": 2.0, "period": 1.0}, "period is 1.0 and duration 2.0"),
    ({"duration": 2.0, "period": np.nan}, "period is nan"),
    ({"duration": 2.0, "period": np.inf}, "period is inf"),
])  # fmt: skip
def test_bad_numbers_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Emitter(HERE, SOUND, **options)


def test_a_trajectory_goes_from_corner_to_corner():
    way = Trajectory.at_speed([[0, 0, 1], [3, 0, 1], [3, 4, 1]], speed=2.0, start=1.0)
    assert way.times.tolist() == [1.0, 2.5, 4.5]
    assert way.at(-5) == way.at(1) == (0, 0, 1)
    assert way.at(2) == (2, 0, 1)
    assert way.at(3.5) == (3, 2, 1)
    assert way.at(99) == (3, 4, 1)
    assert Emitter(way, SOUND).at(2.0) == (2, 0, 1)
    assert Emitter(HERE, SOUND).at(2.0) == HERE


def test_places_lie_on_the_way_and_leave_no_gap():
    way = Trajectory([[0, 0, 1], [3, 0, 1], [3, 4.2, 1]], [0, 1, 5])
    places = way.places(0.5)
    assert len(places) == 1 + 6 + 9
    assert np.linalg.norm(np.diff(places, axis=0), axis=1).max() <= 0.5
    for corner in way.corners:
        assert (places == corner).all(axis=1).any()


@pytest.mark.parametrize(("corners", "times", "message"), [
    ([0, 0, 1], [0], r"corners have shape \(3,\)"),
    ([[0, 0, 1]], [0, 1], r"times have shape \(2,\)"),
    ([[0, 0, 1], [1, 0, 1]], [1, 1], "ascending"),
    ([[0, 0, np.nan]], [0], "finite"),
])  # fmt: skip
def test_bad_trajectories_are_refused(corners, times, message):
    with pytest.raises(ValueError, match=message):
        Trajectory(corners, times)


def test_a_bad_speed_is_refused():
    with pytest.raises(ValueError, match="speed is 0"):
        Trajectory.at_speed([[0, 0, 1], [1, 0, 1]], 0)
