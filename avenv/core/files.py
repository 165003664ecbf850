"""Files that are read only if they are of a reasonable size, and written whole or not at all."""

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

DRAFT = ".tmp"
"""Ending of a file that is being written."""

STALE = 3600.0
"""Seconds after which nobody is still writing a draft: the process has been killed."""


def read_limited(path: str | os.PathLike, limit: int) -> bytes:
    """Return the bytes of a file of at most ``limit`` bytes; its size is looked at first.

    Raises:
        OSError: it cannot be read.
        ValueError: it is larger, or is no plain file (a device or a pipe may have no end).
    """
    with open(path, "rb", opener=_open_at_once) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("is no plain file")
        content = file.read(limit + 1) if found.st_size <= limit else None
    if content is None or len(content) > limit:  # it may have grown
        raise ValueError(f"is larger than {limit / 1e6:g} MB")
    return content


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe has nobody to wait for


@contextmanager
def draft_of(path: str | os.PathLike) -> Iterator[Path]:
    """Give the name of a draft to write, which becomes the file at ``path`` if nothing is raised.

    Any number of processes may do so for the same file; others never see it half-written. Drafts
    that killed processes left behind are swept away.
    """
    path = Path(path)
    sweep(path.parent, f".{path.name}.")
    draft = path.with_name(f".{path.name}.{uuid4().hex[:12]}{DRAFT}")
    try:
        yield draft
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def sweep(folder: Path, prefix: str = "", endings: tuple[str, ...] = (DRAFT,)) -> None:
    """Delete the drafts in a folder that are older than ``STALE``; what cannot be, stays."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(prefix) and entry.name.endswith(endings):
                with suppress(OSError):
                    if is_stale(entry.stat(follow_symlinks=False)):
                        os.unlink(entry.path)


def is_stale(found: os.stat_result) -> bool:
    """Say whether a draft was last written to longer ago than ``STALE``."""
    return time.time() - found.st_mtime > STALE
