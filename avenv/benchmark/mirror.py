"""A folder on this machine whose place is a store: what is written in it goes there as well."""

import shutil
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from avenv.core.files import DRAFT
from avenv.core.store import Store

EVERY = 30.0
"""Seconds of results that are lost, at most, if this machine is."""


class Mirror:
    """A context in which a folder is filled; at its end, and from time to time, a store has it all.

    Args:
        store: that receives each file that is new or has changed, whole.
        fetch: whether the folder begins with what the store has.

    Raises:
        OSError: the store cannot be used, or is full; the folder then stays, and is named.

    Attributes:
        store: as given.
        folder: to write to.
    """

    def __init__(self, store: Store, fetch: bool = True):
        self.store, self._fetches = store, fetch
        self._kept: dict[Path, tuple[int, int]] = {}
        self._last = time.monotonic()

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="avenv-"))
        if self._fetches:
            try:
                for name in self.store.names():
                    file = self.folder / name
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(self.store.read(name))
                    self._kept[file] = _state(file)
            except BaseException:
                shutil.rmtree(self.folder, ignore_errors=True)
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.keep()
        shutil.rmtree(self.folder, ignore_errors=True)

    def keep(self, every: float = 0.0) -> None:
        """Put what has changed into the store, unless that was less than some seconds ago."""
        if time.monotonic() - self._last < every:
            return
        for file in sorted(self.folder.rglob("*")):
            if not file.is_file() or file.name.endswith(DRAFT):
                continue
            if self._kept.get(file) != (state := _state(file)):
                try:
                    with self.store.write(file.relative_to(self.folder).as_posix()) as draft:
                        shutil.copyfile(file, draft)
                except OSError as error:
                    told = f"{error.strerror or error}; {self.folder} keeps it all"
                    raise (OSError(error.errno, told) if error.errno else OSError(told)) from error
                self._kept[file] = state
        self._last = time.monotonic()


def _state(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_mtime_ns, found.st_size
