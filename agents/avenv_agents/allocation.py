"""Memory of tensors on the CPU."""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # M_* of glibc's malloc.h
_LARGE = 2**30


def keep_memory() -> None:
    """Let this process keep memory that tensors leave for those that come next.

    glibc gives large blocks back at once, and the system fills with zeros what it hands out again:
    a quarter of the time of an update from 64 rows (``scripts/measure_scale.py``). Where there is
    another C library, all stays as it is.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGE)
        mallopt(_TRIM_THRESHOLD, _LARGE)
