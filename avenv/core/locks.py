"""Locks that a fork leaves whole.

A child of a fork has only the thread that forked. Whatever another thread was changing under a lock
at that moment would stay half changed there, and the lock held for ever; so a fork waits until all
of these locks are free.
"""

import os
import threading
from weakref import WeakSet

_locks: "WeakSet[threading.Lock]" = WeakSet()
_held: "list[threading.Lock]" = []


def make_lock() -> threading.Lock:
    """Return a lock over which no process forks; who holds one must not wait for another."""
    lock = threading.Lock()
    _locks.add(lock)
    return lock


def _acquire() -> None:
    for lock in list(_locks):
        lock.acquire()
        _held.append(lock)


def _release() -> None:
    while _held:
        _held.pop().release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_acquire, after_in_parent=_release, after_in_child=_release)
