"""Metrics, by examples that were worked out by hand, and their intervals, by theory."""

from math import comb, inf, isnan, sqrt

import numpy as np
import pytest
from scipy import stats

from avenv.benchmark import metrics
from avenv.benchmark.metrics import MEASURES, Measure, estimate


@pytest.mark.parametrize(
    ("success", "shortest", "walked", "expected"),
    [(1, 6, 6, 1), (1, 6, 8, 0.75), (0, 6, 8, 0), (1, 6, 5, 1), (1, 6, 0, 1)],
)
def test_spl(success, shortest, walked, expected):
    assert metrics.spl(success, shortest, walked) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("left", "shortest", "walked", "expected"),
    [
        (0, 4, 4, 1),
        (1, 4, 3, 0.75),  # three quarters of the way, straight
        (1, 4, 8, 0.375),  # the same by twice the length of the whole way
        (6, 4, 2, 0),  # walked away
        (inf, 4, 2, 0),  # shut out
    ],
)
def test_soft_spl(left, shortest, walked, expected):
    assert metrics.soft_spl(left, shortest, walked) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("success", "needed", "taken", "expected"),
    [(1, 30, 30, 1), (1, 30, 40, 0.75), (1, 30, 20, 1), (0, 30, 30, 0)],
)
def test_sna(success, needed, taken, expected):
    assert metrics.sna(success, needed, taken) == pytest.approx(expected)


def test_success_counts_as_sws_only_in_silence():
    assert metrics.sws([1, 1, 0, 0], [True, False, True, False]).tolist() == [1, 0, 0, 0]


def test_ppl():
    # Two of three goals; the shortest way past both is 9 m, 12 m were walked: 2/3 of 3/4.
    assert metrics.ppl(2 / 3, 9, 12) == pytest.approx(0.5)
    assert metrics.ppl(0, 1, 12) == 0


def test_normalized_distance():
    assert metrics.normalized_distance([2, 10], [8, 8]).tolist() == [0.25, 1.25]


def episodes(**columns):
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def test_collisions_a_metre_are_those_of_all_metres():
    walked = episodes(collisions=[0, 6, 0], path_length=[10.0, 2.0, 0.0])
    assert estimate(MEASURES["collisions"], walked).mean == pytest.approx(0.5)
    still = episodes(collisions=[0, 0], path_length=[0.0, 0.0])
    assert estimate(MEASURES["collisions"], still) == (0, 0, 0)


@pytest.mark.parametrize(("name", "says"), [("dsr", "distractor"), ("wrong_acts", "wrong thing")])
def test_rates_and_counts_of_acts_are_means(name, says):
    measure = MEASURES[name]
    assert says in measure.says
    assert measure.better == -1
    assert estimate(measure, episodes(**{name: [0, 1, 1, 0]})).mean == 0.5


def test_wilsons_interval():
    # Wilson 1927 for 80 of 100: (p + z²/2n ± z sqrt(p q / n + z²/4n²)) / (1 + z²/n)
    z, n, p = stats.norm.ppf(0.975), 100, 0.8
    half = z * sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    found = estimate(MEASURES["success"], episodes(success=[1.0] * 80 + [0.0] * 20))
    assert found.mean == 0.8
    assert found.low == pytest.approx((p + z**2 / (2 * n) - half) / (1 + z**2 / n))
    assert found.high == pytest.approx((p + z**2 / (2 * n) + half) / (1 + z**2 / n))


def test_the_bootstrap_of_independent_values_is_that_of_the_normal_law():
    values = np.random.default_rng(3).normal(5, 2, 400)
    found = metrics.bootstrap(values)
    assert found.mean == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.05)
    assert metrics.bootstrap(values) == found


def test_episodes_in_one_home_count_as_one_witness():
    rng = np.random.default_rng(5)
    homes = rng.normal(size=60)
    values = np.repeat(homes, 10)  # ten episodes in a home bring nothing new
    names = np.repeat([f"home {k}" for k in range(60)], 10)
    found = metrics.bootstrap(values, clusters=names.tolist())
    alone = metrics.bootstrap(homes)
    assert found.mean == pytest.approx(homes.mean())
    assert found.high - found.low == pytest.approx(alone.high - alone.low, rel=0.02)
    apart = metrics.bootstrap(values)
    assert apart.high - apart.low == pytest.approx((alone.high - alone.low) / sqrt(10), rel=0.1)


def test_in_a_single_home_episodes_stand_for_themselves():
    values = np.random.default_rng(1).normal(size=50)
    assert metrics.bootstrap(values, clusters=["home"] * 50) == metrics.bootstrap(values)


def test_where_there_is_too_little_to_tell_there_is_no_interval():
    found = metrics.bootstrap([3.0])
    assert found.mean == 3
    assert isnan(found.low)
    assert isnan(found.high)
    assert isnan(metrics.bootstrap([1.0, inf]).low)
    with pytest.raises(ValueError, match="no episodes"):
        estimate(MEASURES["spl"], [])
    with pytest.raises(ValueError, match="'spl'"):
        estimate(MEASURES["spl"], [{"success": 1}])


def test_metrics_of_a_tasks_own_are_told_too():
    names = [m.title for m in metrics.measures_of(["covered", "sna", "success", "collisions"])]
    assert names == ["SR", "SNA", "covered"]  # collisions want metres
    assert Measure("x", "x", "x").per is None


def test_mcnemars_test_is_exact():
    # 9 episodes only the one solves, 2 only the other: 2 (C(11,0) + C(11,1) + C(11,2)) / 2^11.
    one = [1] * 9 + [0] * 2 + [1] * 20 + [0] * 30
    other = [0] * 9 + [1] * 2 + [1] * 20 + [0] * 30
    expected = 2 * sum(comb(11, k) for k in range(3)) / 2**11
    assert metrics.exact_mcnemar(one, other) == pytest.approx(expected)
    assert metrics.exact_mcnemar(one, one) == 1
