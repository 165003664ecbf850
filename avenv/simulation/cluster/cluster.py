"""A cluster, from joining it to leaving it."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, Self

from avenv.simulation.cluster import remote
from avenv.simulation.cluster.failures import mourned, no_room
from avenv.simulation.cluster.joining import join
from avenv.simulation.cluster.placement import worker_memory
from avenv.simulation.warmup import warm_up

ROWS = 8
"""Environments of a worker, where nobody has said how many."""

NOTICED = 60.0
"""Seconds in which Ray notices that a machine has died, and some more."""

_PAUSE = 0.5  # seconds between two questions to a machine


class Cluster:
    """Machines that work together; a context, at whose end nothing of ours runs on them.

    In a process that has joined a cluster already, that one is used, and stays.

    Args:
        address: ``"auto"``, the cluster that this machine belongs to; ``"local"``, one of this
            machine alone, for as long as it is needed; or the ``HOST:PORT`` of a head.
        workers: processes that work at once; by default as many as there is room for.
        threads: of each.
        memory: bytes of each; no machine is given more workers than its memory holds. By default
            what a worker takes with ``ROWS`` environments.

    Raises:
        ImportError: Ray is not installed.
        ValueError: when entered: there is no cluster at the address, its machines have other
            versions than this one, or too few cores, or too little memory.
    """

    def __init__(
        self,
        address: str = "auto",
        workers: int | None = None,
        threads: int = 1,
        memory: int | None = None,
    ):
        memory = worker_memory(ROWS) if memory is None else memory
        for name, value in (
            ("workers", 1 if workers is None else workers),
            ("threads", threads),
            ("memory", memory),
        ):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} is {value!r}; accepted: a whole number from 1")
        try:
            import ray
        except ImportError as error:
            raise ImportError(
                f'a cluster needs Ray ({error}): pip install "avenv[cluster]"'
            ) from error
        self._ray: Any = ray
        self.address, self.threads, self.memory = address, threads, memory
        self._asked, self._is_ours = workers, False
        self._made: list[Any] = []

    @property
    def workers(self) -> int:
        """Processes that work at once."""
        return self._asked or max(1, self._room())

    def __enter__(self) -> Self:
        if not self._ray.is_initialized():
            join(self._ray, self.address)
            self._is_ours = True
        try:
            if (room := self._room()) < self.workers:
                raise ValueError(
                    f"workers is {self.workers}, each with {self.threads} threads and "
                    f"{self.memory / 2**30:.1f} GiB, and the cluster has room for {room}; "
                    "accepted: as many, or more machines"
                )
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
        self.end(self._made)
        if self._is_ours:
            self._ray.shutdown()  # which ends what still works for us, wherever that is
            self._is_ours = False

    def everywhere(self, function: Callable[[], Any]) -> dict[str, Any]:
        """Return what a function returns on every machine, by the machine's address.

        A machine that has died is asked again until Ray has noticed, for ``NOTICED`` seconds.
        """
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

        answers: dict[str, Any] = {}
        gives_up = time.monotonic() + NOTICED
        while left := [node for node in self._machines() if _name(node) not in answers]:
            called = {
                _name(node): self._remote(
                    remote.once, max_retries=0, num_cpus=0,
                    scheduling_strategy=On(node["NodeID"], soft=False),
                ).remote(remote.place(), self._packed(function))
                for node in left
            }  # fmt: skip
            for name, reference in called.items():
                try:
                    answers[name] = self.got(reference)
                except self.death:
                    if time.monotonic() > gives_up:
                        raise
                    time.sleep(_PAUSE)
        return answers

    def stream(
        self,
        function: Callable[[Any], Iterator[Any]],
        jobs: Iterable[Any],
        left: Callable[[Any], Any],
    ) -> Iterator[Any]:
        """Yield what a generator yields for each of some jobs, as it comes, in any order.

        Args:
            function: makes the generator of a job, on a worker; it must be picklable.
            jobs: as many as workers or more; taken as they are needed.
            left: says what of a job is still to be done when its worker has died: a job that may
                be smaller; something empty if it was done already.

        Raises:
            Exception: what the function raises.
            ChildProcessError: workers have died over the same job ``failures.TRIES`` times in a
                row, and it came no further.
            OSError: what workers have sent fills memory and disk of a machine.
        """
        fresh, most = iter(jobs), self.workers
        again = deque[tuple[Any, int]]()
        shared = self._ray.put(self._packed(function))
        running: dict[Any, tuple[Any, int]] = {}
        task = self._remote(
            remote.each, max_retries=0, num_cpus=self.threads, memory=self.memory,
            num_returns="streaming",
        )  # fmt: skip
        try:
            while True:
                while len(running) < most:
                    job, deaths = again.popleft() if again else (next(fresh, None), 0)
                    if job is None:
                        break
                    call = task.remote(remote.place(), shared, self._packed(job))
                    running[call] = job, deaths
                if not running:
                    return
                (ready,), _ = self._ray.wait(list(running), num_returns=1)
                job, deaths = running.pop(ready)
                try:
                    result = self.got(next(ready))
                except StopIteration:
                    continue
                except self._ray.exceptions.RayError as error:
                    if rest := left(job):
                        again.append((rest, mourned(deaths, error)))
                    continue
                running[ready] = job, 0
                yield result
        finally:
            for call in running:
                with suppress(Exception):  # it may have died, or the cluster with it
                    self._ray.cancel(call, force=True)

    def each(
        self, function: Callable[..., Any], jobs: Iterable[tuple]
    ) -> Iterator[tuple[int, Any]]:
        """Yield the number of every job and ``function(*job)``, as they get done, in any order.

        Raises:
            Exception: as ``stream``.
        """
        return self.stream(partial(remote.one, function), enumerate(jobs), lambda job: job)

    def members(self, make: Callable[[int, bool], Any], count: int, gpus: int = 0) -> list[Any]:
        """Return actors that each hold what ``make(number, is_new)`` makes, for as long as needed.

        What they hold is asked by ``actor.call.remote(verb, *arguments)``, even while it does
        something else; ``got`` returns the answer. One that dies is made anew by Ray, on another
        machine if need be, and ``is_new`` is then false. Each has so many GPUs of its own. They end
        with ``end``, and with the cluster.
        """
        actor = self._ray.remote(remote.Member).options(
            num_cpus=self.threads, num_gpus=gpus, memory=self.memory, max_restarts=-1,
            max_task_retries=0, max_concurrency=2, runtime_env=self._environment(),
            scheduling_strategy="SPREAD",
        )  # fmt: skip
        packed = self._packed(make)  # within the call: it may outlive any machine's memory
        made = [actor.remote(remote.place(), packed, number) for number in range(count)]
        self._made += made
        return made

    def share(self, what: Any) -> Any:
        """Return a reference by which arguments of calls are sent to each machine once.

        Raises:
            OSError: memory and disk for what is sent are full.
        """
        try:
            return self._ray.put(what)
        except self._full() as error:
            raise no_room() from error

    def first(
        self, calls: Sequence[Any], timeout: float | None = None
    ) -> tuple[list[Any], list[Any]]:
        """Return which calls are answered, one at least unless time is up, and which are not."""
        return self._ray.wait(list(calls), num_returns=1, timeout=timeout)

    def got(self, reference: Any) -> Any:
        """Return what a call returned, or raise what it raised.

        Raises:
            ray.exceptions.RayError: who was called has died.
            OSError: memory and disk for what is sent are full.
        """
        try:
            return self._ray.get(reference)
        except self._full() as error:
            raise no_room() from error
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from None

    def end(self, members: Iterable[Any]) -> None:
        """End actors."""
        ended = list(members)
        for member in ended:
            with suppress(Exception):  # it may have died, or the cluster with it
                self._ray.kill(member)
        self._made = [one for one in self._made if one not in ended]

    @property
    def death(self) -> type[Exception]:
        """What ``got`` raises if somebody has died, or what he has made is lost."""
        return self._ray.exceptions.RayError

    @property
    def absence(self) -> type[Exception]:
        """What ``got`` raises if the actor that was asked has died: a ``death``."""
        return self._ray.exceptions.RayActorError

    @property
    def gpus(self) -> int:
        """How many the machines have."""
        return int(sum(node["Resources"].get("GPU", 0) for node in self._machines()))

    def _full(self) -> tuple[type[Exception], ...]:
        errors = self._ray.exceptions
        return errors.ObjectStoreFullError, errors.OutOfDiskError

    def _remote(self, function: Callable, **options: Any) -> Any:
        return self._ray.remote(function).options(runtime_env=self._environment(), **options)

    def _environment(self) -> dict[str, Any]:
        return {"env_vars": remote.environment(self.threads)}

    def _packed(self, what: Any) -> bytes:
        """Return something as workers read it once they know where its modules are."""
        return self._ray.cloudpickle.dumps(what)

    def _machines(self) -> list[dict[str, Any]]:
        return [node for node in self._ray.nodes() if node["Alive"]]

    def _room(self) -> int:
        """Return how many workers the machines have cores and memory for."""
        has = [node["Resources"] for node in self._machines()]
        return sum(
            int(min(one.get("CPU", 0) // self.threads, one.get("memory", 0) // self.memory))
            for one in has
        )

    def _check_versions(self) -> None:
        here = remote.versions()
        for node, there in self.everywhere(remote.versions).items():
            if other := [name for name in here if here[name] != there.get(name)]:
                told = ", ".join(f"{n} is {there.get(n)} and not {here[n]}" for n in other)
                raise ValueError(
                    f"on the machine {node} {told}; accepted: the same on all, as here"
                )


def _name(node: dict[str, Any]) -> str:
    return f"{node['NodeManagerAddress']}:{node['NodeManagerPort']}"
