"""The memory that this process has, and whether it grows."""

from pathlib import Path

import numpy as np


def resident() -> float:
    """Return the memory of this process in MiB, as it is now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status does not say VmRSS; this script needs Linux")


def growth(samples: list[float]) -> float:
    """Return by what share memory has grown: its mean in the second half, over the quarter before.

    Memory comes and goes, with homes that are forgotten and others that are made, by a tenth or
    more; what leaks is more on average. In the first quarter what is kept fills.
    """
    quarter, half = len(samples) // 4, len(samples) // 2
    return float(np.mean(samples[half:]) / np.mean(samples[quarter : half or None]) - 1)
