"""Share work out over the machines of a cluster, by Ray.

Ray places work, carries what comes of it and notices what dies; here is what avenv asks of it: that
all machines have the same versions, that each compiles the kernels once, that no worker uses more
threads or memory than it was given, and that the work of a worker that died is done again
elsewhere. Ray is imported when a cluster is asked for.
"""

from avenv.simulation.cluster.cluster import Cluster
from avenv.simulation.cluster.placement import wait_for_place, worker_memory
from avenv.simulation.cluster.remote import address, versions

__all__ = ["Cluster", "address", "versions", "wait_for_place", "worker_memory"]
