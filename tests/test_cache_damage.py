"""Whatever happens to a cache file, it is read as it was or made anew, with a warning."""

import os
import shutil
import time
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import zstandard

from avenv.acoustics.field import Traced
from avenv.acoustics.late.cells import Cells
from avenv.acoustics.late.tracing import LateField
from avenv.acoustics.paths.image_sources import ImageTree
from avenv.core import cache, files, packing
from avenv.core.errors import CacheWarning
from avenv.vision.light.layers import LightLayers

RNG = np.random.default_rng(0)


def light() -> LightLayers:
    reached = np.array([[0b0011], [0b0111]], np.uint8)
    codes = RNG.integers(0, 65536, (5, 3)).astype(np.uint16)
    return LightLayers(np.ones(2, np.float32), reached, codes)


def sound() -> Traced:
    tree = ImageTree(RNG.normal(size=(2, 3)), *(np.arange(2, dtype=np.int32),) * 3, np.arange(2))
    cells = Cells(np.zeros(3), np.ones(3), np.zeros((1, 2, 2), np.int32), np.ones((1, 8, 8), bool),
                  np.zeros((1, 3)), np.ones(1, np.float32))  # fmt: skip
    energy = RNG.random((1, 4, 7)).astype(np.float32)
    return Traced(tree, LateField(cells, energy, energy[..., :3], 0.01, 0.0))


KINDS = {"light": (LightLayers, light()), "sound": (Traced, sound())}


def damaged(whole: bytes, rng: np.random.Generator) -> bytes:
    """Return a file with bytes changed, most often of the frame's head, or cut, or torn."""
    content = bytearray(whole)
    way = rng.integers(6)
    if way <= 2:  # some bytes of the head: 14 at most before the first block's own 3 (RFC 8878)
        for at in rng.integers(17, size=rng.integers(1, 4)):
            content[at] = rng.integers(256)
    elif way == 3:  # some bits anywhere
        for at in rng.integers(0, len(content), rng.integers(1, 9)):
            content[at] ^= 1 << rng.integers(8)
    elif way == 4:
        del content[rng.integers(len(content)) :]
    else:
        start = rng.integers(len(content))
        content[start : start + rng.integers(1, 400)] = rng.bytes(rng.integers(0, 400))
    return bytes(content)


@pytest.mark.parametrize("name", KINDS)
def test_damaged_files_are_read_as_they_were_or_not_at_all(tmp_path, name):
    kind, record = KINDS[name]
    cache.write(tmp_path, "a", record)
    path = tmp_path / "a.record"
    whole, right = path.read_bytes(), packing.pack(record)
    rng, refused = np.random.default_rng(1), 0
    for _ in range(500):
        path.write_bytes(damaged(whole, rng))
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            read = cache.read(tmp_path, "a", kind)
        if read is None:
            refused += 1
            assert [w.category for w in said if w.category is CacheWarning] == [CacheWarning]
        else:
            for part, array in packing.pack(read).items():
                np.testing.assert_array_equal(array, right[part], strict=True)
    assert refused > 300


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"PK\x03\x04 of another release", id="of another format"),
        pytest.param(zstandard.compress(b"x" * 1000), id="no record"),
        pytest.param(zstandard.compress(b'[["code", "|O", [3]]]\n' + bytes(24)), id="pointers"),
        pytest.param(packing.encode(light()) + b"x", id="more behind it"),
    ],
)
def test_what_is_no_record_is_made_anew(tmp_path, content):
    (tmp_path / "a.record").write_bytes(content)
    with pytest.warns(CacheWarning, match=r"a\.record cannot be read \(.+\); it is made anew"):
        assert cache.read(tmp_path, "a", LightLayers) is None


def test_records_come_back_as_they_were_and_may_be_changed():
    class Part(NamedTuple):
        none: np.ndarray
        flags: np.ndarray

    class Whole(NamedTuple):
        part: Part
        number: float
        count: int
        table: np.ndarray

    made = Whole(Part(np.zeros((0, 3), np.float32), np.array([True, False])), 0.1, 2**40,
                 np.arange(6.0).reshape(2, 3).T)  # fmt: skip
    read = packing.decode(Whole, packing.encode(made))
    assert (read.number, read.count) == (0.1, 2**40)
    for name, array in packing.pack(read).items():
        np.testing.assert_array_equal(array, packing.pack(made)[name], strict=True)
    read.table[0] = 1
    read.part.flags[0] = False


@contextmanager
def read_only(folder, monkeypatch):
    """Refuse all that writes to a folder, as a disk mounted for reading does, to root as well."""

    def refuse(*_, **__):
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patch:
        for name in ("utime", "replace", "unlink"):
            patch.setattr(os, name, refuse)
        yield


def test_a_read_only_cache_is_used(tmp_path, monkeypatch):
    record = light()
    cache.write(tmp_path, "a", record)
    with read_only(tmp_path, monkeypatch), warnings.catch_warnings():
        warnings.simplefilter("error")
        read = cache.read(tmp_path, "a", LightLayers)
    np.testing.assert_array_equal(read.code, record.code)


def test_a_full_disk_is_warned_of_and_nothing_is_left_on_it(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(28, "No space left on device")

    record = light()
    monkeypatch.setenv("AVENV_CACHE", str(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", refuse)
        with pytest.warns(CacheWarning, match="No space left"):
            found = cache.recall("a", LightLayers, lambda: record)
    assert found is record
    assert list(tmp_path.iterdir()) == []
    cache.recall("a", LightLayers, light)
    assert cache.exists(tmp_path, "a")


def test_a_folder_that_is_deleted_under_way_is_made_again(tmp_path, monkeypatch):
    folder, save, record = tmp_path / "cache", Path.write_bytes, light()
    monkeypatch.setenv("AVENV_CACHE", str(folder))
    cache.recall("a", LightLayers, light)

    def deleted_meanwhile():
        shutil.rmtree(folder)
        return record

    def deleted_as_it_is_written(path, content):
        save(path, content)
        shutil.rmtree(folder)

    cache.recall("b", LightLayers, deleted_meanwhile)
    assert [path.name for path in folder.iterdir()] == ["b.record"]
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", deleted_as_it_is_written)
        with pytest.warns(CacheWarning, match="cannot be written"):
            found = cache.recall("c", LightLayers, lambda: record)
    assert found is record
    cache.recall("c", LightLayers, light)
    assert [path.name for path in folder.iterdir()] == ["c.record"]


def test_drafts_of_killed_runs_count_and_are_swept(tmp_path, monkeypatch):
    young, old = tmp_path / ".b.record.1.tmp", tmp_path / ".c.mp4.2.partial"
    for path in (young, old):
        path.write_bytes(bytes(5000))
    long_ago = time.time() - files.STALE - 60
    os.utime(old, (long_ago, long_ago))
    monkeypatch.setattr(cache, "FOLDER_BYTES", 10_000)
    for k in range(5):
        cache.write(tmp_path, str(k), light())
        os.utime(tmp_path / f"{k}.record", (k, k))
    assert not old.exists()
    assert young.exists()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 10_000
    assert (tmp_path / "4.record").exists()


def test_a_file_is_read_only_if_its_size_is_right(tmp_path):
    with (tmp_path / "large").open("wb") as file:
        file.truncate(3 * 10**9)  # of zeros that take no space
    with pytest.raises(ValueError, match="is larger than 1 MB"):
        files.read_limited(tmp_path / "large", 10**6)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="is no plain file"):
        files.read_limited(tmp_path / "pipe", 10**6)


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    (tmp_path / "a").write_text("before")

    def write():
        with files.draft_of(tmp_path / "a") as draft:
            draft.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a", "before")]
