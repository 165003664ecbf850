"""Run kernels on all cores.

Kernels are compiled with ``nogil=True`` and work on one scene and a run of environments; this
module hands them to a few threads. Work is cut into jobs in a way that never depends on the number
of threads, and each job writes its own part of the output, so results are the same bits for any
thread count. Unlike Numba's own threading layers, the pool survives ``fork`` and may be used from
several threads at once.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

_pool: ThreadPoolExecutor | None = None
_pool_key: tuple[int, int] = (0, 0)
_threads: int | None = None
_this_thread = threading.local()


def set_num_threads(threads: int | None) -> None:
    """Use this many threads from now on; ``None`` returns to the default (all usable cores)."""
    global _threads
    if threads is not None and threads < 1:
        raise ValueError(f"threads is {threads}; at least 1 is needed")
    _threads = threads


def num_threads() -> int:
    """Return the number of threads in use; ``AVENV_NUM_THREADS`` overrides the core count."""
    if _threads is not None:
        return _threads
    if "AVENV_NUM_THREADS" in os.environ:
        return max(1, int(os.environ["AVENV_NUM_THREADS"]))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(function: Callable[..., object], jobs: Iterable[tuple]) -> None:
    """Call ``function(*job)`` for every job, in any order, and return when all are done.

    The first exception of a job is raised here. The calling thread takes part in the work.
    """
    todo = list(jobs)
    if len(todo) == 1:
        function(*todo[0])
        return
    helpers = 0 if works_alone() else min(num_threads(), len(todo)) - 1
    queue = iter(todo)
    if helpers <= 0:
        _drain(function, queue)
        return
    futures = [_executor().submit(_drain, function, queue) for _ in range(helpers)]
    try:
        _drain(function, queue)
    finally:
        for future in futures:
            future.result()


def work_alone() -> None:
    """Let ``run`` use no other thread than the calling one, whenever that calls it."""
    _this_thread.alone = True


def works_alone() -> bool:
    """Return whether the calling thread has said so by ``work_alone``."""
    return getattr(_this_thread, "alone", False)


def runs_by_key(keys: NDArray[np.int64], length: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield ``(key, indices)``: the positions of equal keys, at most ``length`` at a time."""
    if len(keys) == 1:
        yield int(keys[0]), np.zeros(1, np.int64)
        return
    order = np.argsort(keys, kind="stable")
    sorted_keys = keys[order]
    borders = 1 + np.flatnonzero(sorted_keys[1:] != sorted_keys[:-1])
    first = 0
    for end in [*borders.tolist(), len(keys)] if len(keys) else ():
        key = int(sorted_keys[first])
        for start in range(first, end, length):
            yield key, order[start : min(start + length, end)]
        first = end


def _drain(function: Callable[..., object], queue: Iterator[tuple]) -> None:
    # next() on a list iterator is atomic under the GIL, so the threads share one queue.
    for job in queue:
        function(*job)


def _executor() -> ThreadPoolExecutor:
    global _pool, _pool_key
    key = (os.getpid(), num_threads())
    if _pool is None or _pool_key != key:  # a forked child must not wait for its parent's threads
        _pool = ThreadPoolExecutor(max_workers=max(1, key[1] - 1), thread_name_prefix="avenv")
        _pool_key = key
    return _pool
