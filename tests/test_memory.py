"""What was freed goes back to the system."""

import sys

import numpy as np
import pytest

from avenv.core.memory import give_back


def resident() -> int:
    """Return the bytes of this process that are in memory."""
    import resource

    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's heaps")
def test_what_was_freed_between_things_that_stay_goes_back():
    size, count = 2**12, 2**14  # pages on the heap, too small to be mapped one by one
    kept = [np.ones(size, np.uint8) for _ in range(count)]
    between = resident()
    kept = kept[:: 2**9]
    give_back()
    assert between - resident() > size * count / 2
    assert all(page.all() for page in kept)
