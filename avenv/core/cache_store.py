"""What is behind the cache folders of machines that have no folder in common: ``AVENV_STORE``.

What a cache folder lacks is fetched from the store, and `avenv bake` puts there what was made. So
those who play only read, and nothing that they derive on the way is sent to anybody.
"""

import os
import shutil
import warnings
from collections.abc import Collection
from pathlib import Path

from avenv.core.errors import CacheWarning
from avenv.core.files import draft_of
from avenv.core.store import Store, open_store

_used: set[str] = set()  # files of a cache folder that this process has asked for
_shared: dict[Store, set[str]] = {}  # those that are known to be in a store


def cache_store() -> Store | None:
    """Return the store behind the cache folder, a folder or a URL; None: there is none.

    Raises:
        ImportError, ValueError: as ``open_store``.
    """
    place = os.environ.get("AVENV_STORE")
    return open_store(place) if place else None


def note(path: Path) -> None:
    """Remember that this process has asked for a file of a cache folder, be it there or not."""
    _used.add(path.name)


def used() -> frozenset[str]:
    """Return the names of the files that this process has asked for."""
    return frozenset(_used)


def is_in_store(path: Path) -> bool:
    """Say whether the store has a file of a cache folder.

    Raises:
        OSError: it cannot be used.
    """
    store = cache_store()
    return store is not None and store.holds(path.name)


def fetched(path: Path) -> int:
    """Copy a file of a cache folder from the store, if it has it; return the bytes.

    What cannot be fetched is warned of: it can be made.
    """
    try:
        store = cache_store()
        if store is None:
            return 0
        content = store.read(path.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft_of(path) as draft:
            draft.write_bytes(content)
    except FileNotFoundError:
        return 0
    except OSError as error:
        warnings.warn(f"{path.name} cannot be fetched ({error}); it is made", CacheWarning, 4)
        return 0
    return len(content)


def share(folder: Path, store: Store, needed: Collection[str] = ()) -> int:
    """Put what this process has used of a cache folder into a store; return how many files.

    Args:
        folder: with cache files.
        store: which keeps those that it has.
        needed: files that must be in the store then; others may have made room in the folder.

    Raises:
        OSError: the store cannot be used, or is full, or the folder lacks what is needed.
    """
    known, put = _shared.setdefault(store, set()), 0
    for name in sorted(_used - known):
        file = folder / name
        if not store.holds(name):
            if not file.exists():
                if name in needed:
                    raise OSError(f"{file} is not there any more; is there room for it?")
                continue
            with store.write(name) as draft:
                shutil.copyfile(file, draft)
            put += 1
        known.add(name)
    return put
