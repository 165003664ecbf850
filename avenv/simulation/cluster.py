"""Share work out over the machines of a cluster, by Ray.

Ray places tasks, carries what they return and notices what dies; here is what avenv asks of it:
that all machines have the same versions, that each compiles the kernels once, that no worker uses
more threads than it was given, and that the work of a worker that died is done again elsewhere.
"""

import os
import pickle
import platform
import signal
import socket
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from avenv.core.sources import digest_of
from avenv.simulation.warmup import warm_up

VERSIONS = ("avenv", "numpy", "scipy", "numba")
"""Packages that are to be the same on all machines."""

TRIES = 3
"""Workers that may die over the same work, one after another, before it is given up."""

THREADS = ("AVENV_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
           "NUMBA_NUM_THREADS")  # fmt: skip
"""Variables from which a process that starts reads how many threads it may use."""

_REACH = 5.0
"""Seconds in which somebody has to answer at an address."""

_PACKAGE = Path(__file__).parents[1]


class Cluster:
    """Machines that work together; a context, at whose end nothing of ours runs on them.

    In a process that has joined a cluster already, that one is used, and stays.

    Args:
        address: ``"auto"``, the cluster that this machine belongs to; ``"local"``, one of this
            machine alone, for as long as it is needed; or the ``HOST:PORT`` of a head.
        workers: processes that work at once; by default as many as there are cores for.
        threads: of each.

    Raises:
        ImportError: Ray is not installed.
        ValueError: when entered: there is no cluster at the address, its machines have other
            versions than this one, or too few cores.
    """

    def __init__(self, address: str = "auto", workers: int | None = None, threads: int = 1):
        for name, value in (("workers", 1 if workers is None else workers), ("threads", threads)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} is {value!r}; accepted: a whole number from 1")
        try:
            import ray
        except ImportError as error:
            raise ImportError(
                f'a cluster needs Ray ({error}): pip install "avenv[cluster]"'
            ) from error
        self._ray: Any = ray
        self.address, self.threads = address, threads
        self._asked, self._is_ours = workers, False

    @property
    def workers(self) -> int:
        """Processes that work at once."""
        cores = int(self._ray.cluster_resources().get("CPU", 0)) // self.threads
        if cores < (self._asked or 1):
            raise ValueError(
                f"workers is {self._asked or 1}, of {self.threads} threads each, and the cluster "
                f"has cores for {cores}; accepted: as many, or more machines"
            )
        return self._asked or cores

    def __enter__(self) -> Self:
        if not self._ray.is_initialized():
            self._join()
            self._is_ours = True
        try:
            _ = self.workers
            self._check_versions()
            self.everywhere(warm_up)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._is_ours:
            self._ray.shutdown()  # which ends what still works for us, wherever that is
            self._is_ours = False

    def everywhere(self, function: Callable[[], Any]) -> dict[str, Any]:
        """Return what a function returns on every machine, by the machine's address."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

        called = {
            node["NodeManagerAddress"] + ":" + str(node["NodeManagerPort"]): self._task(
                _once, scheduling_strategy=On(node["NodeID"], soft=False), num_cpus=0
            ).remote(_place(), self._packed(function))
            for node in self._ray.nodes()
            if node["Alive"]
        }
        return {name: self._got(reference) for name, reference in called.items()}

    def stream(
        self,
        function: Callable[[Any], Iterator[Any]],
        jobs: Iterable[Any],
        left: Callable[[Any], Any],
    ) -> Iterator[Any]:
        """Yield what a generator yields for each of some jobs, as it comes, in any order.

        Args:
            function: makes the generator of a job, on a worker; it must be picklable.
            jobs: as many as workers or more.
            left: says what of a job is still to be done when its worker has died: a job that may
                be smaller; something empty if it was done already.

        Raises:
            Exception: what the function raises.
            ChildProcessError: workers have died over the same job ``TRIES`` times in a row, and it
                came no further.
        """
        waiting, most = deque((job, 0) for job in jobs), self.workers
        shared = self._ray.put(self._packed(function))
        running: dict[Any, tuple[Any, int]] = {}
        task = self._task(_each, num_cpus=self.threads, num_returns="streaming")
        try:
            while waiting or running:
                while waiting and len(running) < most:
                    job, deaths = waiting.popleft()
                    running[task.remote(_place(), shared, self._packed(job))] = job, deaths
                (ready,), _ = self._ray.wait(list(running), num_returns=1)
                job, deaths = running.pop(ready)
                try:
                    result = self._got(next(ready))
                except StopIteration:
                    continue
                except self._ray.exceptions.RayError as error:
                    if rest := left(job):
                        waiting.append((rest, _mourned(deaths, error)))
                    continue
                running[ready] = job, 0
                yield result
        finally:
            for task_left in running:
                with suppress(Exception):  # it may have died, or the cluster with it
                    self._ray.cancel(task_left, force=True)

    def each(self, function: Callable[..., Any], jobs: Iterable[tuple]) -> Iterator[Any]:
        """Yield ``function(*job)`` for every job, as they get done, in any order.

        Raises:
            Exception: as ``stream``.
        """
        return self.stream(partial(_one, function), jobs, lambda job: job)

    def _task(self, function: Callable, **options: Any) -> Any:
        own = {name: str(self.threads) for name in THREADS}
        return self._ray.remote(function).options(
            max_retries=0, runtime_env={"env_vars": own}, **options
        )

    def _packed(self, what: Any) -> bytes:
        """Return something as workers read it once they know where its modules are."""
        return self._ray.cloudpickle.dumps(what)

    def _got(self, reference: Any) -> Any:
        """Return what a task returned, or raise what it raised; of dead ones a ``RayError``."""
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from None

    def _join(self) -> None:
        if self.address not in ("auto", "local"):
            _check_answers(self.address)
        before = _handler()
        try:
            self._ray.init(
                address=self.address, log_to_driver=False, logging_level="ERROR",
                include_dashboard=False if self.address == "local" else None,
            )  # fmt: skip
        except (ConnectionError, RuntimeError, ValueError) as error:
            said = str(error).partition("\n")[0]
            if "ersion" in said:
                raise ValueError(
                    f"the cluster at {self.address} has other versions than this machine: {error}"
                ) from error
            raise ValueError(
                f"there is no cluster at {self.address!r} ({said}); accepted: the HOST:PORT that "
                "`ray start --head` has told, auto on a machine of one, or local"
            ) from error
        finally:
            if before is not None:  # Ray puts its own in place of it
                signal.signal(signal.SIGTERM, before)

    def _check_versions(self) -> None:
        here = versions()
        for node, there in self.everywhere(versions).items():
            if other := [name for name in here if here[name] != there.get(name)]:
                told = ", ".join(f"{n} is {there.get(n)} and not {here[n]}" for n in other)
                raise ValueError(
                    f"on the machine {node} {told}; accepted: the same on all, as here"
                )


def versions() -> dict[str, str]:
    """Return what has to be the same on all machines: versions, and a digest of avenv's code."""
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in VERSIONS},
        "code": digest_of(sorted(map(str, _PACKAGE.rglob("*.py")))),
    }


def _once(place: tuple[str, list[str]], function: bytes) -> Any:
    _go_to(*place)
    return pickle.loads(function)()


def _each(place: tuple[str, list[str]], function: bytes, job: bytes) -> Iterator[Any]:
    """Yield what a generator does, and say of what users can put right where it was."""
    _go_to(*place)
    try:
        yield from pickle.loads(function)(pickle.loads(job))
    except (ValueError, OSError, ImportError) as error:
        raise ValueError(f"{error} (on the machine {platform.node()})") from error


def _one(function: Callable[..., Any], job: tuple) -> Iterator[Any]:
    yield function(*job)


def _place() -> tuple[str, list[str]]:
    """Return by what files and modules are found here."""
    return os.getcwd(), [os.path.abspath(folder) for folder in sys.path]


def _go_to(folder: str, paths: list[str]) -> None:
    """Find files and modules by the names that they have where somebody asks."""
    if Path(folder).is_dir():
        os.chdir(folder)
    sys.path += [path for path in paths if path not in sys.path]


def _mourned(deaths: int, error: Exception) -> int:
    """Return how often workers have died over a job, once more."""
    said = str(error).strip().partition("\n")[0]
    if deaths + 1 >= TRIES:
        raise ChildProcessError(
            f"{TRIES} workers in a row have died over the same work ({said}); is there too little "
            "memory?"
        ) from error
    warnings.warn(f"a worker has died, its work is done again: {said}", RuntimeWarning, 3)
    return deaths + 1


def _handler() -> Any:
    is_main = threading.current_thread() is threading.main_thread()
    return signal.getsignal(signal.SIGTERM) if is_main else None


def _check_answers(address: str) -> None:
    """Make sure that somebody listens at an address; Ray itself would wait for a minute."""
    host, _, port = address.rpartition(":")
    if not (host and port.isdecimal()):
        raise ValueError(f"cluster is {address!r}; accepted: auto, local, or HOST:PORT")
    try:
        socket.create_connection((host, int(port)), _REACH).close()
    except (OSError, OverflowError) as error:
        raise ValueError(f"there is no cluster at {address!r}: {error}") from error
