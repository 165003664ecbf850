"""Tests keep their caches to themselves."""

import os
import shutil
import tempfile

import pytest

_folder = tempfile.mkdtemp(prefix="avenv-tests-")
os.environ["AVENV_CACHE"] = _folder


@pytest.fixture(scope="session", autouse=True)
def _remove_cache():
    yield
    shutil.rmtree(_folder, ignore_errors=True)


@pytest.fixture(scope="module")
def one_torch_thread():
    """For the small networks of tests a second thread only waits, the more on a busy machine."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
