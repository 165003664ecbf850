"""Keep what is costly to compute: in memory up to a number of bytes, and on disk.

A cache file appears under its final name only when it is whole, so any number of processes may
share a folder. The files used least recently make room for new ones. A folder that may only be read
serves as well as any.
"""

import os
import threading
import typing
import warnings
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from avenv.core.errors import CacheWarning
from avenv.core.files import DRAFT, draft_of, is_stale

FOLDER_BYTES = 2 * 2**30
"""Bytes that a cache folder may hold."""


def cache_folder() -> Path | None:
    """Return the folder for cache files; ``AVENV_CACHE`` overrides it, empty means none."""
    name = os.environ.get("AVENV_CACHE")
    if name is None:
        return Path(platformdirs.user_cache_dir("avenv"))
    return Path(name) if name else None


def pack(record: tuple, prefix: str = "") -> dict[str, np.ndarray]:
    """Return the arrays and numbers of a NamedTuple, nested ones too, by their dotted names."""
    arrays: dict[str, np.ndarray] = {}
    for name, value in record._asdict().items():  # type: ignore[attr-defined]
        if isinstance(value, tuple):
            arrays |= pack(value, f"{prefix}{name}.")
        else:
            arrays[prefix + name] = np.asarray(value)
    return arrays


def unpack(kind: Any, arrays: dict[str, np.ndarray], prefix: str = "") -> Any:
    """Return the NamedTuple of type ``kind`` that ``pack`` took apart; KeyError if part is gone."""
    values = {}
    for name, hint in typing.get_type_hints(kind).items():
        if isinstance(hint, type) and issubclass(hint, tuple):
            values[name] = unpack(hint, arrays, f"{prefix}{name}.")
        else:
            value = arrays[prefix + name]
            values[name] = value.item() if hint in (int, float) else value
    return kind(**values)


def size_of(record: tuple) -> int:
    """Return the bytes of a NamedTuple's arrays."""
    return sum(array.nbytes for array in pack(record).values())


class MemoryCache:
    """The records used last, as many as fit in ``limit`` bytes; safe for several threads."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._records: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> Any | None:
        """Return a record, or None."""
        with self._lock:
            if key in self._records:
                self._records.move_to_end(key)
            return self._records.get(key)

    def put(self, key: str, record: tuple) -> None:
        """Keep a record; one that is larger than the limit is not kept."""
        with self._lock:
            if key in self._records:
                self.used -= size_of(self._records.pop(key))
            self._records[key] = record
            self.used += size_of(record)
            self._make_room()

    def resize(self, limit: int) -> None:
        """Keep no more than ``limit`` bytes from now on."""
        with self._lock:
            self.limit = limit
            self._make_room()

    def _make_room(self) -> None:
        while self.used > self.limit:
            _, oldest = self._records.popitem(last=False)
            self.used -= size_of(oldest)


def exists(folder: Path, key: str) -> bool:
    """Say whether a record's file is there."""
    return os.path.exists(_path(folder, key))


def read(folder: Path, key: str, kind: Any) -> Any | None:
    """Return the record of type ``kind`` from its file; None, with a warning if it is broken."""
    path = _path(folder, key)
    try:
        with np.load(path, allow_pickle=False) as file:
            record = unpack(kind, dict(file))
    except (FileNotFoundError, NotADirectoryError):
        return None
    # A damaged zip raises all kinds of errors: NotImplementedError for a method of compression that
    # is none, RuntimeError for a password that nobody set, MemoryError for an array without end.
    except Exception as error:
        what = str(error) or type(error).__name__
        warnings.warn(f"{path} cannot be read ({what}); it is made anew", CacheWarning, 2)
        return None
    with suppress(OSError):  # a cache that may only be read
        os.utime(path)  # used now
    return record


def write(folder: Path, key: str, record: tuple) -> None:
    """Write a record's file; a folder that cannot be written to is warned of."""
    path = _path(folder, key)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with draft_of(path) as draft, open(draft, "wb") as file:
            np.savez(file, **pack(record))  # type: ignore[arg-type]
        _make_room(folder, FOLDER_BYTES)
    except OSError as error:
        warnings.warn(f"{path} cannot be written ({error}); going on without", CacheWarning, 2)


def _path(folder: Path, key: str) -> Path:
    return folder / f"{key}.npz"


def _make_room(folder: Path, limit: int) -> None:
    """Delete stale drafts, then the files used least recently until the rest fits in ``limit``.

    Drafts that somebody is writing count as well.
    """
    files, excess = [], -limit
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                found = entry.stat()
            except FileNotFoundError:  # another process was faster
                continue
            is_draft = entry.name.endswith((DRAFT, ".partial"))
            if is_draft and is_stale(found):
                Path(entry.path).unlink(missing_ok=True)
            elif is_draft or entry.name.endswith(".npz"):
                excess += found.st_size
                if not is_draft:
                    files.append((found.st_mtime, found.st_size, entry.path))
    for _, size, path in sorted(files):
        if excess <= 0:
            break
        Path(path).unlink(missing_ok=True)
        excess -= size
