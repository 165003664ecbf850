"""Tests keep their caches to themselves, and their threads from waiting for one another."""

import os
import shutil
import tempfile

import pytest

# Processes that share the tests (`pytest -n 2`) share what they keep, too.
_is_worker = "PYTEST_XDIST_WORKER" in os.environ
if not _is_worker:
    os.environ["AVENV_CACHE"] = tempfile.mkdtemp(prefix="avenv-tests-")
# Matrices of tests are small: more threads only wait for each other, the more on a busy machine.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")


def pytest_unconfigure():
    """Remove what was kept, once all have finished."""
    if not _is_worker:
        shutil.rmtree(os.environ["AVENV_CACHE"], ignore_errors=True)


@pytest.fixture(scope="module")
def one_torch_thread():
    """For the small networks of tests a second thread only waits, the more on a busy machine."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
