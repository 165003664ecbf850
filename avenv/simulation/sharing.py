"""Share independent jobs out: in this process, among processes, or over a cluster."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice
from multiprocessing import get_context
from typing import Any
from uuid import uuid4

from avenv.core import parallel
from avenv.core.store import Objects, Store
from avenv.simulation.cluster import Cluster
from avenv.simulation.warmup import warm_up

_AHEAD = 4
"""Jobs for each process that wait for it, so that none waits for a job."""


def share_out(
    function: Callable[..., Any],
    jobs: Iterable[tuple],
    workers: int = 1,
    cluster: Cluster | None = None,
) -> Iterator[tuple[int, Any]]:
    """Yield the number of every job and ``function(*job)``, as they get done.

    Args:
        function: picklable, if somebody else is to call it.
        jobs: its arguments, taken as they are needed.
        workers: processes, of one thread each; of 1, this process does it all, in order.
        cluster: that has been entered, whose workers do it instead.

    Raises:
        Exception: what the function raises.
        ChildProcessError: one of the processes was killed; or ``cluster`` has given a job up.
    """
    if cluster is not None:
        yield from cluster.each(function, jobs)
        return
    warm_up()  # before there are many that would do so
    if workers < 2:
        for number, job in enumerate(jobs):
            yield number, function(*job)
        return
    # Spawned: whatever threads this process has, its children begin with none.
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, parallel.set_num_threads, (1,)) as pool:
        todo, waiting = enumerate(jobs), dict[Future, int]()
        try:
            while True:
                for number, job in islice(todo, _AHEAD * workers - len(waiting)):
                    waiting[pool.submit(function, *job)] = number
                if not waiting:
                    return
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield waiting.pop(future), future.result()
        except BrokenProcessPool as error:
            raise ChildProcessError(
                "a process was killed, for want of memory perhaps; what is made stays, and the "
                "same command goes on with it"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def check_shared(cluster: Cluster, store: Store) -> None:
    """Make sure that all machines of a cluster reach the same store by its name.

    Raises:
        ValueError: one does not; the message names the machine.
        OSError: it cannot be written to.
    """
    if isinstance(store, Objects):
        store.names()  # which sweeps away what killed workers have left
    token = f".seen-{uuid4().hex[:12]}"
    with store.write(token) as draft:
        draft.touch()
    try:
        blind = [name for name, sees in cluster.everywhere(partial(_sees, store, token)).items()
                 if not sees]  # fmt: skip
    finally:
        store.remove(token)
    if blind:
        raise ValueError(
            f"{store} is not shared with the machine {', '.join(blind)}; accepted: a folder that "
            "all machines see at the same place, or the URL of a store that they reach"
        )


def _sees(store: Store, token: str) -> bool:
    try:
        return store.holds(token)
    except (ImportError, OSError):  # said by the caller, who knows which machine this is
        return False
