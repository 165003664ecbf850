"""Work that may be done before somebody waits for it: one thread for the whole process.

Jobs run one at a time, the most urgent first, and each on one core, so that they take from those
who work in the foreground as little as can be. A process forks and ends between two of them.
"""

import atexit
import heapq
import itertools
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from avenv.core import locks, parallel

TURN = 2e-4
"""Seconds after which the interpreter is handed on while jobs run, if others want it."""

_WAITING, _RUNNING, _DONE = range(3)

# Guards all that follows, and the jobs' states. Reentrant: whoever holds it may have to collect an
# environment, which drops its jobs.
_changed = threading.Condition(threading.RLock())
_queue: "list[tuple[int, int, Job]]" = []
_order = itertools.count()
_process = 0  # in which the thread is
_ends = False
_idle = threading.Lock()  # held by the thread while a job runs


class Job:
    """One piece of work, which somebody will ask for, perhaps."""

    def __init__(self, function: Callable[[], Any]):
        self._function: Callable[[], Any] | None = function
        self._state = _WAITING
        self._result: Any = None
        self._worker = 0, 0  # the process and the thread that have it in hand

    def do(self) -> None:
        """Do the work on this thread, if it has not begun; if it fails, that is not told here."""
        me, result = _me(), None
        try:
            with _changed:
                function, self._function = self._function, None
                if function is None:
                    return
                self._state, self._worker = _RUNNING, me
            result = function()
        except Exception:  # whoever asks for it meets the same error in the foreground
            pass
        finally:
            with _changed:
                if self._state == _RUNNING and self._worker == me:
                    self._state, self._result = _DONE, result
                    _changed.notify_all()

    def take(self) -> Any:
        """Return what the work has brought; wait for it if it is in hand.

        None if it has not begun, and now never will, or if it failed: then it is to be done, or to
        fail, in the foreground.
        """
        with _changed:
            while self._is_in_hand():
                _changed.wait()
            self._state, self._function = _DONE, None
            result, self._result = self._result, None
            return result

    @property
    def result(self) -> Any:
        """What the work has brought, if it is done; else None."""
        return self._result

    def drop(self, wait: bool = False) -> None:
        """Let nobody do the work any more; if it is in hand, it comes to its end.

        Args:
            wait: until then; not if it is this very thread that has it in hand.
        """
        with _changed:
            if self._state == _WAITING:
                self._state, self._function = _DONE, None
            while wait and self._is_in_hand():
                _changed.wait()

    def _is_in_hand(self) -> bool:
        """Return whether another thread works at it: one of this process, not of before a fork."""
        return self._state == _RUNNING and self._worker != _me() and self._worker[0] == os.getpid()


def _me() -> tuple[int, int]:
    return os.getpid(), threading.get_ident()


def submit(function: Callable[[], Any], urgency: int = 0) -> Job:
    """Let a function be called some time; the lower ``urgency``, the sooner."""
    global _process
    job = Job(function)
    with _changed:
        if not _ends:
            heapq.heappush(_queue, (urgency, next(_order), job))
            if _process != os.getpid():
                _process = os.getpid()
                threading.Thread(target=_work, name="avenv-background", daemon=True).start()
            _changed.notify_all()
    return job


def _work() -> None:
    parallel.work_alone()
    while True:
        with _changed:
            while not _queue and not _ends:
                _changed.wait()
            if _ends:
                return
        with _idle:
            with _changed:
                if not _queue or _ends:
                    continue
                job = heapq.heappop(_queue)[2]
            with _short_turns(), suppress(BaseException):
                job.do()
            del job


@contextmanager
def _short_turns() -> Iterator[None]:
    """Let threads that run Python take turns every ``TURN`` seconds.

    Who works in the foreground gives the interpreter up in every kernel, and would have to wait for
    5 ms, Python's own turn, to get it back: longer than a step takes.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(TURN, before))
    within = sys.getswitchinterval()
    try:
        yield
    finally:
        if sys.getswitchinterval() == within:  # else somebody has set it meanwhile
            sys.setswitchinterval(before)


def _end() -> None:
    """Drop what has not begun and wait for what has: kernels must not outlive the interpreter."""
    global _ends
    with _changed:
        _ends = True
        _queue.clear()
        _changed.notify_all()
    if _process == os.getpid():
        with _idle:
            pass


def _hold() -> None:
    _idle.acquire()
    _changed.acquire()


def _go_on() -> None:
    _changed.release()
    _idle.release()


def _begin_in_child() -> None:
    # What the parent has still to do is not the child's: whoever asks for it there does it himself.
    _queue.clear()
    _go_on()


atexit.register(_end)
if hasattr(os, "register_at_fork"):
    # What was registered last is held first: a job in hand may need the locks, which came before.
    assert locks
    os.register_at_fork(before=_hold, after_in_parent=_go_on, after_in_child=_begin_in_child)
