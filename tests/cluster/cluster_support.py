"""A cluster of several machines, all of them this one."""

import atexit
import os
import shutil
import signal
import tempfile
import time
from contextlib import contextmanager

import pytest

PATIENT = {
    "gcs_server_port_wait_time_s": 120,
    "gcs_server_request_timeout_seconds": 120,
    "raylet_start_wait_time_s": 120,
    "worker_register_timeout_seconds": 300,
    "agent_register_timeout_ms": 300_000,
    "health_check_timeout_ms": 60_000,
}
"""How long Ray waits for its own processes: on a busy machine they begin late."""

THRIFTY = {
    "prestart_worker_first_driver": 0,  # whom nobody would ask for anything
    "num_workers_soft_limit": 8,  # who has done something does something else, and no new process
    "enable_metrics_collection": 0,
    "local_fs_capacity_threshold": 0.001,  # no room on the disks
    "health_check_period_ms": 500,  # so that it is soon noticed who is dead
    "health_check_failure_threshold": 3,
}
"""How few processes there are, and how soon their end is seen."""

# Ray reads them as it is imported, and so does whatever it begins.
for name, value in (PATIENT | THRIFTY).items():
    os.environ.setdefault(f"RAY_{name}", str(value))

if "RAY_TMPDIR" not in os.environ:  # as it is in the processes that Ray begins
    os.environ["RAY_TMPDIR"] = tempfile.mkdtemp(prefix="ray-")
    atexit.register(shutil.rmtree, os.environ["RAY_TMPDIR"], ignore_errors=True)

ray = pytest.importorskip("ray", reason="Ray is not installed: avenv[cluster]")

NODE = {"object_store_memory": 100 * 2**20, "memory": 8 * 2**30, "include_log_monitor": False}
HEAD = {**NODE, "include_dashboard": False, "no_monitor": True}

in_full = pytest.mark.skipif(
    not os.environ.get("AVENV_TEST_CLUSTER"), reason="tried with AVENV_TEST_CLUSTER=1"
)
"""Of tests that take ten seconds to show what others show, or nearly."""

TRIES = 3
"""Of a machine to begin: Ray gives it 30 seconds of time, come what may."""

SOON = 240.0
"""Seconds within which everything happens that a test waits for, however busy the machine."""


class Machines:
    """Machines of a cluster, all of them this one; each has some cores of its own.

    Attributes:
        address: ``HOST:PORT`` of the head.
        more: machines beside it.
    """

    def __init__(self, cores):
        from ray.cluster_utils import Cluster as Simulated

        self._simulated, self.more = Simulated(), []
        self._add(num_cpus=cores, **HEAD)
        self.address = self._simulated.address

    def add(self, cores):
        """Return one more machine."""
        self.more.append(self._add(num_cpus=cores, **NODE))
        self._simulated.wait_for_nodes(timeout=SOON)
        return self.more[-1]

    def kill(self, node):
        """End a machine without a word to anybody."""
        self.more.remove(node)
        self._simulated.remove_node(node, allow_graceful=False)

    def end(self):
        """End all."""
        self._simulated.shutdown()

    def _add(self, **how):
        for tries_left in reversed(range(TRIES)):
            try:
                return self._simulated.add_node(**how)
            except Exception:  # Ray's own is a plain one
                if not tries_left:
                    raise


@contextmanager
def simulated(*cores):
    """Give a cluster with machines of so many cores, which this process has joined."""
    first, *more = cores
    machines = Machines(first)
    try:
        for count in more:
            machines.add(count)
        ray.init(address=machines.address, log_to_driver=False, logging_level="ERROR")
        yield machines
    finally:
        ray.shutdown()
        machines.end()


def die_of(mark):
    """Kill this process if a mark is there, and take it away, so that nobody else dies of it."""
    try:
        mark.unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def wait_until(holds):
    """Wait until something holds, for ``SOON`` at most; return what it says."""
    deadline = time.monotonic() + SOON
    while not (found := holds()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found
