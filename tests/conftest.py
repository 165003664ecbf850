"""Tests keep their caches to themselves, their threads few and their memory small."""

import gc
import os
import shutil
import tempfile

import pytest

CLUSTERS = "tests/cluster/"

# Processes that share the tests (`pytest -n 2`) share what they keep, too.
_is_worker = "PYTEST_XDIST_WORKER" in os.environ
if not _is_worker:
    os.environ["AVENV_CACHE"] = tempfile.mkdtemp(prefix="avenv-tests-")
# Matrices of tests are small: more threads only wait for each other, the more on a busy machine.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Of processes that share the tests file by file, let one begin clusters: all in a folder."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Files(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return CLUSTERS if nodeid.startswith(CLUSTERS) else super()._split_scope(nodeid)

    return Files(config, log)


def pytest_unconfigure():
    """Remove what was kept, once all have finished."""
    if not _is_worker:
        shutil.rmtree(os.environ["AVENV_CACHE"], ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _keep_little():
    """What tests share is small; what an environment is in, it keeps besides."""
    from avenv.acoustics import limit_memory
    from avenv.simulation.loading import limit_homes

    limit_homes(128 * 2**20)
    limit_memory(64 * 2**20)


@pytest.fixture(scope="module", autouse=True)
def _give_back():
    """Let no file of tests hold what another has needed."""
    from avenv.core.memory import give_back

    yield
    gc.collect()
    give_back()


@pytest.fixture(scope="module")
def one_torch_thread():
    """For the small networks of tests a second thread only waits, the more on a busy machine."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
