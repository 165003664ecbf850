import numpy as np
import pytest

from avenv.core import parallel


@pytest.fixture(autouse=True)
def _default_threads():
    yield
    parallel.set_num_threads(None)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_job_runs_exactly_once(threads):
    parallel.set_num_threads(threads)
    out = np.zeros(100, int)

    def job(i):
        out[i] += 1

    parallel.run(job, [(i,) for i in range(100)])
    assert (out == 1).all()


@pytest.mark.parametrize("threads", [1, 3])
def test_a_failing_job_is_reported(threads):
    parallel.set_num_threads(threads)
    with pytest.raises(ZeroDivisionError):
        parallel.run(lambda x: 1 / x, [(1,), (0,), (2,)])


def test_runs_by_key_cover_all_indices_in_bounded_runs():
    keys = np.array([3, 1, 3, 3, 1, 7])
    runs = [(k, list(i)) for k, i in parallel.runs_by_key(keys, 2)]
    assert runs == [(1, [1, 4]), (3, [0, 2]), (3, [3]), (7, [5])]


def test_zero_threads_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        parallel.set_num_threads(0)
