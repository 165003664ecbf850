"""Stores: folders and URLs hold the same, written whole or not at all."""

import errno
import os
import pickle
import uuid

import pytest

from avenv.core import store as stores
from avenv.core.store import open_store

fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed: avenv[cluster]")


@pytest.fixture(params=["folder", "file", "memory"])
def store(request, tmp_path):
    places = {
        "folder": tmp_path / "store",
        "file": f"file://{tmp_path}/store/",
        "memory": f"memory://{uuid.uuid4().hex}/store",
    }
    return open_store(places[request.param])


def put(store, name, content):
    with store.write(name) as draft:
        draft.write_bytes(content)


def test_what_is_written_is_there_for_all_and_nothing_else(store):
    assert store.names() == set()
    assert not store.holds("one.bin")
    with pytest.raises(FileNotFoundError):
        store.read("one.bin")
    put(store, "one.bin", b"1")
    put(store, "media/two.bin", b"2")
    other = pickle.loads(pickle.dumps(store))
    assert other.names() == {"one.bin", "media/two.bin"}
    assert other.holds("media/two.bin")
    assert other.read("media/two.bin") == b"2"
    put(other, "one.bin", b"3")
    assert store.read("one.bin") == b"3"
    store.remove("one.bin")
    assert not other.holds("one.bin")
    assert other.names() == {"media/two.bin"}
    assert other.within("media").names() == {"two.bin"}


def test_what_fails_while_it_is_written_leaves_what_was_there(store):
    put(store, "one.bin", b"1")

    def write_half():
        with store.write("one.bin") as draft:
            draft.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert store.names() == {"one.bin"}
    assert store.read("one.bin") == b"1"


def test_a_store_that_fills_has_nothing_in_half(tmp_path, monkeypatch):
    store = open_store(f"file://{tmp_path}/full")
    put(store, "one.bin", b"1")
    system, path = store.reach()

    def fills(self, draft, target, **_):
        with open(target, "wb") as file:
            file.write(b"hal")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(type(system), "put_file", fills)
    for name in ("one.bin", "two.bin"):
        with pytest.raises(OSError, match=r"file://.*/full cannot be used: No space left") as told:
            put(store, name, b"half")
        assert told.value.errno == errno.ENOSPC
    assert os.listdir(path) == ["one.bin"]
    assert store.read("one.bin") == b"1"


def test_drafts_of_the_dead_are_swept_away(tmp_path):
    store = open_store(f"file://{tmp_path}")
    for name, age in ((".old.bin.1.tmp", 2 * stores.STALE), (".new.bin.1.tmp", 0)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (os.path.getmtime(tmp_path / name) - age,) * 2)
    assert store.names() == set()
    assert os.listdir(tmp_path) == [".new.bin.1.tmp"]


def test_what_is_wrong_with_a_url_is_said(monkeypatch):
    with pytest.raises(ValueError, match="foo://x: Protocol not known: foo; accepted"):
        open_store("foo://x")
    fsspec.register_implementation(
        "lacking", "no_such_package.System", clobber=True, errtxt="Install no_such_package"
    )
    with pytest.raises(ImportError, match="lacking://x: Install no_such_package"):
        open_store("lacking://x")
    store = open_store("memory://away")

    def away(*_, **__):
        raise RuntimeError("nobody answers at 10.0.0.9")  # packages raise all kinds

    for name in ("info", "find", "cat_file", "put_file", "rm_file"):
        monkeypatch.setattr(type(store.reach()[0]), name, away)
    for use in (
        lambda: store.holds("x"),
        store.names,
        lambda: store.read("x"),
        lambda: put(store, "x", b"1"),
        lambda: store.remove("x"),
    ):
        with pytest.raises(OSError, match="memory://away cannot be used: nobody answers"):
            use()
