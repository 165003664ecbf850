"""What is said of those who die, and of machines that are full."""

import errno
import warnings

TRIES = 3
"""Workers that may die over the same work, one after another, before it is given up."""


def mourned(deaths: int, error: Exception) -> int:
    """Return how often workers have died over a job, once more."""
    said = str(error).strip().partition("\n")[0]
    if deaths + 1 >= TRIES:
        raise ChildProcessError(
            f"{TRIES} workers in a row have died over the same work ({said}); is there too little "
            "memory?"
        ) from error
    warnings.warn(f"a worker has died, its work is done again: {said}", RuntimeWarning, 3)
    return deaths + 1


def no_room() -> OSError:
    """Return what is raised if what workers send fits nowhere."""
    return OSError(
        errno.ENOSPC,
        "what workers send fills a machine's memory for that (`ray start --object-store-memory`), "
        "and its disk; what is done is kept",
    )
