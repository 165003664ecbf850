"""Keep what is costly to compute: in memory up to a number of bytes, and on disk.

A cache file appears under its final name only when it is whole, so any number of processes may
share a folder. The files used least recently make room for new ones. A folder that may only be read
serves as well as any.
What a folder lacks may be in a store behind it: ``core.cache_store``.
"""

import hashlib
import os
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import platformdirs

from avenv.core.cache_store import fetched, is_in_store, note
from avenv.core.errors import CacheWarning
from avenv.core.files import DRAFT, draft_of, is_stale
from avenv.core.locks import make_lock
from avenv.core.packing import decode, encode, size_of
from avenv.core.sources import digest_of, sources_of

FOLDER_BYTES = 4 * 2**30
"""Bytes that a cache folder may hold, unless ``AVENV_CACHE_GIB`` says otherwise."""

WORTH_KEEPING = 5000
"""Triangles of a scene from which on what is derived of it takes longer to make than to read."""

_LOOK_EVERY = 1 / 64
"""Share of the limit that is written between two looks at how much there is: a folder may hold
thousands of files, and several processes may write to it."""

_PACKAGE = Path(__file__).parents[1]
_LIBRARIES = ("numpy", "scipy", "shapely", "numba")
"""What computes what is kept: another version may round otherwise."""

_SUFFIX = ".record"
_ENDINGS = _SUFFIX, ".npz"  # the second is that of releases before

_written: dict[Path, int] = {}


def cache_folder() -> Path | None:
    """Return the folder for cache files; ``AVENV_CACHE`` overrides it, empty means none."""
    name = os.environ.get("AVENV_CACHE")
    if name is None:
        return Path(platformdirs.user_cache_dir("avenv"))
    return Path(name) if name else None


def folder_limit() -> int:
    """Return the bytes that a cache folder may hold: ``AVENV_CACHE_GIB``, or ``FOLDER_BYTES``.

    Raises:
        ValueError: ``AVENV_CACHE_GIB`` is no number above 0.
    """
    text = os.environ.get("AVENV_CACHE_GIB")
    if not text:
        return FOLDER_BYTES
    try:
        limit = float(text) * 2**30
    except ValueError:
        limit = 0.0
    if not 0 < limit < float("inf"):
        raise ValueError(f"AVENV_CACHE_GIB is {text!r}; accepted: GiB, a number above 0")
    return int(limit)


@cache
def code_digest(*packages: str) -> str:
    """Return a digest of how something is computed: a part of the key that it is kept under.

    It changes with the sources and tables of these packages and modules (``"scene"``,
    ``"acoustics/tables.py"``), with the sources that they import, and with the libraries that they
    compute with; of unrelated code it knows nothing.
    """
    places = [_PACKAGE / package for package in packages]
    own = [path for place in places for path in ([place] if place.is_file() else place.rglob("*"))]
    sources = sources_of(*(path for path in own if path.suffix == ".py"))
    tables = sorted(str(path.resolve()) for path in own if path.suffix in (".yaml", ".json"))
    libraries = " ".join(map(version, _LIBRARIES))
    return hashlib.sha256((libraries + digest_of([*sources, *tables])).encode()).hexdigest()[:16]


_WITHOUT_ARRAYS = {str, int, float, bool, type(None)}

_common: "WeakValueDictionary[int, np.ndarray]" = WeakValueDictionary()


def common(array: np.ndarray) -> np.ndarray:
    """Return an array that many things hold and that counts for none of them from now on."""
    _common[id(array)] = array
    return array


def bytes_within(thing: Any) -> int:
    """Return the bytes of all arrays that a thing holds, in whatever records, lists and mappings.

    Each array counts once, as large as the memory that it keeps; what is ``common`` does not.
    """
    seen: set[int] = set()
    total, todo = 0, [thing]
    while todo:
        thing = todo.pop()
        while isinstance(thing, np.ndarray) and isinstance(thing.base, np.ndarray):
            thing = thing.base
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if id(thing) in _common:
            continue
        if isinstance(thing, np.ndarray):
            total += thing.nbytes
            continue
        if isinstance(thing, tuple | list):
            parts: Iterable[Any] = thing
        elif isinstance(thing, Mapping):
            parts = thing.values()
        elif hasattr(thing, "__dict__") and not isinstance(thing, type):
            parts = vars(thing).values()
        else:
            continue
        todo += [part for part in parts if type(part) not in _WITHOUT_ARRAYS]  # most of them
    return total


class MemoryCache:
    """The records used last, as many as fit in ``limit`` bytes; safe for several threads."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._records: OrderedDict[str, Any] = OrderedDict()
        self._lock = make_lock()

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
    """Say whether a record's file is there, or in the store behind the folder.

    Raises:
        OSError: the store cannot be used.
    """
    path = _path(folder, key)
    note(path)
    return path.exists() or is_in_store(path)


def read(folder: Path, key: str, kind: Any) -> Any | None:
    """Return the record of type ``kind`` from its file; None, with a warning if it is broken.

    What is not there but in the store behind the folder is fetched.
    """
    path = _path(folder, key)
    note(path)
    if not path.exists() and (size := fetched(path)):
        with suppress(OSError):  # others' files may have to stay; what was fetched is read
            _count(folder, size)
    try:
        record = decode(kind, path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except Exception as error:  # as all kinds of damage raise them
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
        content = encode(record)
        with draft_of(path) as draft:
            draft.write_bytes(content)
        _count(folder, len(content))
    except OSError as error:
        warnings.warn(f"{path} cannot be written ({error}); going on without", CacheWarning, 2)


def _count(folder: Path, size: int) -> None:
    """Note how much was written to a folder, and look from time to time whether it is too much."""
    limit = folder_limit()
    _written[folder] = _written.get(folder, limit) + size
    if _written[folder] > _LOOK_EVERY * limit:
        _written[folder] = 0
        _make_room(folder, limit)


def recall(key: str, kind: Any, make: Callable[[], Any]) -> Any:
    """Return the record of type ``kind`` from the cache folder; else make it, and keep it there."""
    folder = cache_folder()
    record = read(folder, key, kind) if folder else None
    if record is None:
        record = make()
        if folder:
            write(folder, key, record)
    return record


def folder_size(folder: Path) -> int:
    """Return the bytes of all files of a cache folder."""
    try:
        with os.scandir(folder) as entries:
            return sum(entry.stat().st_size for entry in entries if entry.is_file())
    except FileNotFoundError:  # there is none yet, or a file went while it was looked at
        return 0


def _path(folder: Path, key: str) -> Path:
    return folder / f"{key}{_SUFFIX}"


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
            elif is_draft or entry.name.endswith(_ENDINGS):
                excess += found.st_size
                if not is_draft:
                    files.append((found.st_mtime, found.st_size, entry.path))
    for _, size, path in sorted(files):
        if excess <= 0:
            break
        Path(path).unlink(missing_ok=True)
        excess -= size
