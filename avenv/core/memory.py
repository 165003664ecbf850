"""Memory that was freed goes back to the system, where the C library would keep it."""

import ctypes
import sys
from collections.abc import Callable
from functools import cache


def give_back() -> None:
    """Return freed memory to the system, in some milliseconds; without glibc do nothing.

    What making a home needs for a moment, on one thread or another, stays with glibc's heaps in
    pieces too small for the next home. With 16 environments that was a third of all memory.
    """
    if (trim := _trim()) is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    """Return glibc's ``malloc_trim``, or None."""
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
