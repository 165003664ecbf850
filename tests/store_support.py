"""A store for tests that is no folder."""

from uuid import uuid4

import pytest

from avenv.core.store import open_store


def in_memory(folder):
    """Return a store in memory, by fsspec, with the files of a folder."""
    pytest.importorskip("fsspec", reason="fsspec is not installed: avenv[cluster]")
    store = open_store(f"memory://{uuid4().hex}")
    for file in folder.rglob("*"):
        if file.is_file():
            with store.write(file.relative_to(folder).as_posix()) as draft:
                draft.write_bytes(file.read_bytes())
    return store
