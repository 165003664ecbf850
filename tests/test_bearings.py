"""Where points are from bodies, worked out by hand."""

import numpy as np
import pytest

from avenv.core.finite import are_finite
from avenv.simulation.bearings import find_bearings

HEIGHTS = 1.5, 1.2  # of ears and eyes
WIDE = 1.0  # half of 90 degrees, a metre ahead


def bearings_of(point, heading=0.0, level=0.0, size=(64, 32)):
    here = np.array([[1.0, 2.0]]), np.array([level]), HEIGHTS, np.array([heading])
    found = find_bearings(np.array([point]), *here, WIDE, size)
    return [values.item() for values in found]


@pytest.mark.parametrize(
    ("point", "heading", "azimuth", "elevation", "distance", "visible"),
    [
        ((4.0, 2.0, 1.5), 0.0, 0.0, 0.0, 3.0, True),
        ((1.0, 6.0, 1.5), 0.0, np.pi / 2, 0.0, 4.0, False),
        ((1.0, 6.0, 1.5), np.pi / 2, 0.0, 0.0, 4.0, True),
        ((1.0, -1.0, 5.5), -np.pi / 2, 0.0, np.arctan2(4, 3), 5.0, False),  # above the picture
        ((-2.0, 2.0, 1.5), 0.0, np.pi, 0.0, 3.0, False),  # behind
        ((3.0, 3.9, 1.2), 0.0, np.arctan2(1.9, 2), None, None, True),  # just in the picture
        ((3.0, 4.1, 1.2), 0.0, np.arctan2(2.1, 2), None, None, False),
        ((3.0, 2.0, 2.1), 0.0, 0.0, None, None, True),  # half as high as it is wide
        ((3.0, 2.0, 2.3), 0.0, 0.0, None, None, False),
    ],
)
def test_bearings_by_hand(point, heading, azimuth, elevation, distance, visible):
    found = bearings_of(point, heading)
    assert found[0] == pytest.approx(azimuth, abs=1e-12)
    assert elevation is None or found[1] == pytest.approx(elevation, abs=1e-12)
    assert distance is None or found[2] == pytest.approx(distance)
    assert found[3] is visible


def test_bearings_are_those_of_the_floor_below():
    low, high = bearings_of((4.0, 3.0, 1.0)), bearings_of((4.0, 3.0, 4.0), level=3.0)
    assert low == pytest.approx(high)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_finite_numbers_are_told_from_others(wrong):
    numbers = np.full((3, 4), 1e200)  # whose squares are not finite
    assert are_finite(numbers)
    assert are_finite(np.zeros((0, 2)))
    numbers[2, 1] = wrong
    assert not are_finite(numbers)
