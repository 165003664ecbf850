"""A cluster of several machines, all of them this one."""

import os
from contextlib import contextmanager

import pytest

if not os.environ.get("AVENV_TEST_CLUSTER"):
    # Ray gives up starting a machine after some seconds of time, which a busy one does not keep.
    pytest.skip("clusters are begun with AVENV_TEST_CLUSTER=1 alone", allow_module_level=True)
ray = pytest.importorskip("ray", reason="Ray is not installed: avenv[cluster]")

NODE = {"object_store_memory": 100 * 2**20, "memory": 8 * 2**30}
SYSTEM = {
    "local_fs_capacity_threshold": 0.001,  # no room on the disks
    "health_check_period_ms": 500,  # so that it is soon noticed who is dead
    "health_check_failure_threshold": 3,
}
"""Ray's own configuration of the machines."""


@contextmanager
def simulated(*cores):
    """Give a cluster with machines of so many cores, which this process has joined."""
    from ray.cluster_utils import Cluster as Simulated

    first, *more = cores
    machines = Simulated(
        initialize_head=True,
        head_node_args={"num_cpus": first, "_system_config": SYSTEM, **NODE},
    )
    try:
        for count in more:
            machines.add_node(num_cpus=count, **NODE)
        machines.wait_for_nodes()
        ray.init(address=machines.address, log_to_driver=False, logging_level="ERROR")
        yield machines
    finally:
        ray.shutdown()
        machines.shutdown()
