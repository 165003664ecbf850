"""Pinned tuples: what kernels see of them, and how long."""

import gc
import pickle
from typing import NamedTuple

import numpy as np

from avenv.core.kernels import borrowing, kernel
from avenv.core.pinned import Pinned, opened


class Inner(NamedTuple):
    weights: np.ndarray
    unit: float


class Outer(NamedTuple):
    rows: np.ndarray
    inner: Inner
    flags: np.ndarray


@borrowing
def weigh(pinned, out):
    outer = opened(pinned)
    for i in range(len(outer.rows)):
        for j in range(outer.rows.shape[1]):
            if outer.flags[i]:
                out[i] += outer.rows[i, j] * outer.inner.weights[j] * outer.inner.unit


@kernel
def total(pinned):
    outer = opened(pinned)
    return (outer.rows * outer.inner.unit).sum()


def make(seed, dtype=np.float32):
    rng = np.random.default_rng(seed)
    rows, weights = rng.standard_normal((5, 3)).astype(dtype), rng.standard_normal(3)
    return Outer(rows, Inner(weights, 2.5), np.arange(5) % 2 == 0)


def weighed(pinned):
    out = np.zeros(5)
    weigh(pinned, out)
    return out


def expected(value):
    return np.where(value.flags, value.rows @ value.inner.weights * value.inner.unit, 0)


def test_a_kernel_finds_all_arrays_and_numbers_where_they_are():
    for dtype in (np.float32, np.float64):
        value = make(0, dtype)
        np.testing.assert_allclose(weighed(Pinned(value)), expected(value), rtol=1e-6)
        np.testing.assert_allclose(total(Pinned(value)), 2.5 * value.rows.sum(), rtol=1e-5)


def test_what_is_written_to_an_array_later_is_seen():
    value = make(1)
    pinned = Pinned(value)
    value.rows[:] = 1
    np.testing.assert_allclose(weighed(pinned), expected(value), rtol=1e-6)


def test_arrays_live_as_long_as_the_pinned_tuple():
    right = expected(make(2))
    pinned = [Pinned(make(2)) for _ in range(50)]
    gc.collect()
    rubbish = [np.full((5, 3), 7, np.float32) for _ in range(500)]
    for one in pinned:
        np.testing.assert_allclose(weighed(one), right, rtol=1e-6)
        total(one)
    assert len(rubbish) == 500
    assert weighed(pinned[0]).tobytes() == weighed(pinned[-1]).tobytes()


def test_a_pickle_has_the_tuple_and_not_its_places():
    pinned = Pinned(make(3))
    again = pickle.loads(pickle.dumps(pinned))
    np.testing.assert_array_equal(again.value.rows, pinned.value.rows)
    del pinned
    np.testing.assert_allclose(weighed(again), expected(again.value), rtol=1e-6)
