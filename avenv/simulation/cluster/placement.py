"""What a worker takes of its machine, and the wait for a place on one."""

import time
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avenv.simulation.cluster.cluster import Cluster

PROCESS = 480 * 2**20
"""Bytes of a process before its first episode: interpreter, libraries (torch among them), kernels.
``scripts/measure_scale.py`` prints what it is."""

KEPT = (384 + 256) * 2**20
"""Bytes of homes and sound fields that are kept, at most (``HOME_BYTES`` and ``field._memory``)."""

ROW = 56 * 2**20
"""Bytes of an environment: its home, that of its next episodes, what it hears and sees. The most
that was measured: colour and depth of 128 x 128 in homes:train (docs/speed.md), which is 2.0 GiB of
sixteen."""


def worker_memory(rows: int) -> int:
    """Return the bytes that a worker with so many environments needs, at most."""
    return PROCESS + KEPT + rows * ROW


WAIT, ROOM = 60.0, 1200.0
"""Seconds after which it is said that members have no place yet, where others work on the cluster,
and after which they are no longer waited for."""


def wait_for_place(cluster: "Cluster", calls: Sequence[Any]) -> None:
    """Wait until members of a cluster, each of which has been asked something, are there.

    Raises:
        ChildProcessError: some have found no place in ``ROOM`` seconds.
    """
    waiting, gives_up = list(calls), time.monotonic() + ROOM
    while waiting:
        there, waiting = cluster.first(waiting, timeout=min(WAIT, ROOM))
        missing = f"{len(waiting)} of {len(calls)} workers"
        if waiting and time.monotonic() > gives_up:
            raise ChildProcessError(
                f"{missing} have found no place on the cluster in {ROOM:g} s; accepted: fewer, or "
                "a cluster that others leave room on"
            )
        if not there:
            warnings.warn(
                f"{missing} are not there yet; has the cluster room for them?", RuntimeWarning, 3
            )
