"""Tuples of arrays that kernels are handed as one thing."""

import gc
import pickle
import sys
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avenv.core.kernels import kernel
from avenv.core.pinned import Pinned, opened


class Pair(NamedTuple):
    few: NDArray[np.float64]
    many: NDArray[np.float32]
    times: int


class Nest(NamedTuple):
    pair: Pair
    last: NDArray[np.int64]


@kernel
def sums(pinned, out):
    """Write the sums of all that is pinned, through an array of the kernel's own."""
    nest, own = opened(pinned), np.empty(3)
    own[0] = nest.pair.few.sum()
    own[1] = nest.pair.many.sum() * nest.pair.times
    own[2] = nest.last.sum()
    out[:] = own


def nest() -> Nest:
    return Nest(Pair(np.arange(10.0), np.ones((3, 4), np.float32), 3), np.arange(5))


def read(pinned: Pinned[Nest]) -> list[float]:
    out = np.zeros(3)
    sums(pinned, out)
    return out.tolist()


def test_kernels_read_what_is_pinned():
    assert read(Pinned(nest())) == [45, 36, 10]


def test_what_is_pinned_outlives_whoever_made_it():
    pinned = [Pinned(nest()) for _ in range(20)]
    gc.collect()
    rubbish = [np.full(10, np.nan) for _ in range(1000)]  # would lie where freed arrays lay
    assert all(read(one) == [45, 36, 10] for one in pinned)
    assert rubbish


def test_kernels_neither_keep_nor_free_what_is_pinned():
    value = nest()
    pinned, arrays = Pinned(value), (value.pair.few, value.pair.many, value.last)
    before = [sys.getrefcount(array) for array in arrays]
    for _ in range(100):
        read(pinned)
    assert [sys.getrefcount(array) for array in arrays] == before


def test_what_is_written_to_an_array_is_read():
    value = nest()
    pinned = Pinned(value)
    value.last[:] = 7
    assert read(pinned) == [45, 36, 35]


def test_it_is_pinned_anew_where_it_is_unpickled():
    assert read(pickle.loads(pickle.dumps(Pinned(nest())))) == [45, 36, 10]


def test_another_type_of_array_is_told_apart():
    value = nest()
    whole = Nest(value.pair._replace(few=np.arange(4)), value.last)
    assert read(Pinned(value)) == [45, 36, 10]
    assert read(Pinned(whole)) == [6, 36, 10]
