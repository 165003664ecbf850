"""What a worker takes of its machine."""

PROCESS = 480 * 2**20
"""Bytes of a process before its first episode: interpreter, libraries (torch among them), kernels.
``scripts/measure_scale.py`` prints what it is."""

KEPT = (384 + 256) * 2**20
"""Bytes of homes and sound fields that are kept, at most (``HOME_BYTES`` and ``field._memory``)."""

ROW = 56 * 2**20
"""Bytes of an environment: its home, that of its next episodes, what it hears and sees. The most
that was measured: colour and depth of 128 x 128 in homes:train (docs/speed.md), which is 2.0 GiB of
sixteen."""


def worker_memory(rows: int) -> int:
    """Return the bytes that a worker with so many environments needs, at most."""
    return PROCESS + KEPT + rows * ROW
