"""Fields kept in memory and on disk: the same bits, bounded, never half written."""

import os
import warnings

import numpy as np
import pytest
from support import shoebox, two_rooms

from avenv.acoustics import Engine, ResponseBatch, limit_memory
from avenv.acoustics import field as fields
from avenv.acoustics.field import is_on_disk, source_field
from avenv.acoustics.keeping import as_kept, to_keep
from avenv.acoustics.late.cells import Cells, lay_cells
from avenv.acoustics.late.tracing import NO_IMAGES, LateField
from avenv.acoustics.paths.image_sources import ImageTree
from avenv.acoustics.scene import prepare
from avenv.acoustics.settings import AcousticSettings
from avenv.core import cache, packing
from avenv.core.bands import OCTAVE_CENTRES
from avenv.core.errors import CacheWarning

QUICK = AcousticSettings(rays=512, mirror_rays=2048, max_time=0.5)
RATE = 16000


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AVENV_CACHE", str(tmp_path))
    monkeypatch.setattr(fields, "_memory", cache.MemoryCache(2**28))


def forget(monkeypatch):
    monkeypatch.setattr(fields, "_memory", cache.MemoryCache(2**28))


def test_energy_that_is_not_finite_is_not_kept():
    made = source_field(prepare(two_rooms()), (1, 1, 1.5), 1.5, QUICK)
    for bad in (np.nan, np.inf):
        energy = made.late.energy.copy()
        energy[0, 0, 0] = bad
        with pytest.raises(ValueError, match="late energy is not finite"):
            to_keep(made.tree, made.late._replace(energy=energy))


def test_a_field_comes_back_from_disk_the_same(tmp_path, monkeypatch):
    scene = two_rooms()
    args = (prepare(scene), (1, 1, 1.5), 1.5, QUICK)
    made = source_field(*args)
    assert source_field(*args).late is made.late
    (file,) = tmp_path.iterdir()
    forget(monkeypatch)
    monkeypatch.setattr(fields, "trace_late", None)  # nothing is traced any more
    read = source_field(*args)
    for name, array in packing.pack(made.late).items():
        np.testing.assert_array_equal(packing.pack(read.late)[name], array, strict=True)
    assert file.suffix == ".record"


def test_a_field_is_kept_within_a_twentieth_of_a_decibel_whatever_it_leaps():
    rng = np.random.default_rng(0)
    energy = np.exp2(rng.uniform(-120, 120, (5, 40, 7))).astype(np.float32)
    energy[rng.random(energy.shape) < 0.2] = 0
    aim = rng.uniform(-1, 1, (5, 40, 3)).astype(np.float32)
    aim[0, ::2], aim[0, 1::2] = 7.9, -7.9  # nearly as far as an aim is kept: the farthest leap
    nothing = Cells(*(np.zeros(0, np.float32) for _ in Cells._fields))
    late = LateField(nothing, energy, aim * energy.mean(axis=2, keepdims=True), 0.01)
    back = as_kept(to_keep(NO_IMAGES, late))
    assert ((back.energy == 0) == (energy == 0)).all()
    there = energy > 0
    off = 10 * np.log10(back.energy[there].astype(float) / energy[there])
    assert abs(off).max() < 0.05
    mean = back.energy.mean(axis=2, keepdims=True)
    assert (abs(back.moment - late.moment) <= mean / 4000).all()  # half a step is 1 / 4096


def test_another_scene_source_ear_or_setting_is_another_field(tmp_path):
    one, other = two_rooms(), two_rooms(absorption=0.3)
    for scene, source, ear, settings in [
        (one, (1, 1, 1.5), 1.5, QUICK),
        (other, (1, 1, 1.5), 1.5, QUICK),
        (one, (1, 2, 1.5), 1.5, QUICK),
        (one, (1, 1, 1.5), 1.2, QUICK),
        (one, (1, 1, 1.5), 1.5, AcousticSettings(rays=256, mirror_rays=2048, max_time=0.5)),
    ]:
        source_field(prepare(scene), source, ear, settings)
    assert len(list(tmp_path.iterdir())) == 5


def test_a_field_of_all_heights_is_one(tmp_path):
    scene, settings = two_rooms(), AcousticSettings(rays=64, max_time=0.1, all_heights=True)
    fields_of_heights = [
        source_field(prepare(scene), (1, 1, 1.5), height, settings) for height in (0.5, 1.5)
    ]
    assert fields_of_heights[0].late is fields_of_heights[1].late
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("damage", ["cut", "not a file of arrays", "a part is missing"])
def test_a_broken_cache_file_is_made_anew(tmp_path, monkeypatch, damage):
    scene = two_rooms()
    args = (prepare(scene), (1, 1, 1.5), 1.5, QUICK)
    made = source_field(*args)
    (file,) = tmp_path.iterdir()
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:1000])
    elif damage == "not a file of arrays":
        file.write_text("nonsense")
    else:
        file.write_bytes(packing.encode(made.tree))
    forget(monkeypatch)
    with pytest.warns(CacheWarning, match="made anew"):
        again = source_field(*args)
    assert again.late.energy.tobytes() == made.late.energy.tobytes()
    forget(monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        source_field(*args)


def test_a_cache_folder_that_cannot_be_written_is_warned_of(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("AVENV_CACHE", str(tmp_path / "file" / "below"))
    scene = two_rooms()
    with pytest.warns(CacheWarning, match="cannot be written"):
        source_field(prepare(scene), (1, 1, 1.5), 1.5, QUICK)


def test_no_cache_folder_means_no_files(tmp_path, monkeypatch):
    monkeypatch.setenv("AVENV_CACHE", "")
    scene = two_rooms()
    source_field(prepare(scene), (1, 1, 1.5), 1.5, QUICK)
    assert cache.cache_folder() is None
    assert list(tmp_path.iterdir()) == []


def test_old_cache_files_make_room(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "FOLDER_BYTES", 300_000)
    for k in range(5):
        cache.write(tmp_path, str(k), fields.Traced(*(fake_part() for _ in range(2))))
        os.utime(tmp_path / f"{k}.record", (k, k))
    left = sorted(p.stem for p in tmp_path.iterdir())
    assert left[-1] == "4"
    assert "0" not in left
    assert sum(p.stat().st_size for p in tmp_path.iterdir()) <= 300_000


def test_the_limit_of_the_folder_can_be_set(monkeypatch):
    monkeypatch.setenv("AVENV_CACHE_GIB", "0.5")
    assert cache.folder_limit() == 2**29
    monkeypatch.setenv("AVENV_CACHE_GIB", "")
    assert cache.folder_limit() == cache.FOLDER_BYTES
    for bad in ("much", "0", "-1", "inf"):
        monkeypatch.setenv("AVENV_CACHE_GIB", bad)
        with pytest.raises(ValueError, match="AVENV_CACHE_GIB"):
            cache.folder_limit()


def test_what_is_kept_is_named_by_the_code_that_makes_it():
    one, other = cache.code_digest("acoustics/tables.py"), cache.code_digest("acoustics/paths")
    assert one == cache.code_digest("acoustics/tables.py") != other


def test_arrays_are_counted_once_in_whatever_holds_them():
    numbers = np.zeros(1000)
    thing = {"a": [numbers, numbers[:10]], "b": (fields.Traced(numbers, numbers),), "c": "text"}
    assert cache.bytes_within(thing) == numbers.nbytes


def fake_part():
    """Make a record of 60,016 bytes."""
    noise = np.random.default_rng(0).integers(2**32, size=15_000, dtype=np.uint32)
    return ImageTree(noise.view(np.float32), *(np.zeros(1, np.int32),) * 4)


def test_memory_keeps_what_was_used_last():
    memory = cache.MemoryCache(3 * 60_016 + 1000)
    for name in "abc":
        memory.put(name, fake_part())
    memory.get("a")
    memory.put("d", fake_part())
    assert memory.get("b") is None
    assert memory.get("a") is not None
    assert memory.used <= memory.limit


def test_responses_are_the_same_bits_with_a_cold_and_a_warm_cache(monkeypatch):
    scene = two_rooms()
    prepared = prepare(scene)
    engine = Engine(RATE, "mono", settings=QUICK)
    heard = []
    for _ in ("cold", "from disk"):
        forget(monkeypatch)
        field = engine.source_field(prepared, (1, 1, 1.5), 1.5)
        heard.append(engine.responses(ResponseBatch.of_source(field, (6.0, 2.0, 1.5), 0.5)))
    assert heard[0].tobytes() == heard[1].tobytes()


def test_what_is_on_disk_is_known_without_reading_it(tmp_path):
    scene = two_rooms()
    assert not is_on_disk(prepare(scene), (1, 1, 1.5), 1.5, QUICK)
    source_field(prepare(scene), (1, 1, 1.5), 1.5, QUICK)
    assert is_on_disk(prepare(scene), (1, 1, 1.5), 1.5, QUICK)
    assert not is_on_disk(prepare(scene), (1, 1, 1.5), 1.4, QUICK)


def test_a_process_that_dies_while_writing_leaves_no_field(tmp_path, monkeypatch):
    def die(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(cache.os, "replace", die)
    with pytest.raises(KeyboardInterrupt):
        cache.write(tmp_path, "a", fake_part())
    assert list(tmp_path.iterdir()) == []


def test_memory_can_be_limited():
    memory = cache.MemoryCache(10**6)
    for name in "abc":
        memory.put(name, fake_part())
    memory.resize(100_000)
    assert memory.used <= 100_000
    assert memory.get("c") is not None
    with pytest.raises(ValueError, match="size is -1"):
        limit_memory(-1)


def test_fields_in_memory_stay_within_the_limit():
    scene = two_rooms()
    prepared = prepare(scene)

    def field(x):
        return source_field(prepared, (x, 1, 1.5), 1.5, QUICK)

    made = [field(x) for x in (1.0, 2.0, 3.0)]
    sizes = [packing.size_of(f.tree) + packing.size_of(f.late) for f in made]
    limit_memory(sum(sorted(sizes)[1:]))
    assert fields._memory.used == sizes[1] + sizes[2]
    assert field(3.0).late is made[2].late
    assert field(1.0).late is not made[0].late  # read from disk again, in place of that of 2.0
    assert field(3.0).late is made[2].late
    assert fields._memory.used <= fields._memory.limit


def test_fields_of_16_environments_take_less_than_500_mb_in_the_largest_scene():
    settings = AcousticSettings()
    cells = lay_cells(
        prepare(shoebox((150, 120, 3))).tables,
        1.5,
        settings.cell,
        settings.slab,
        settings.all_heights,
    )
    assert len(cells.anchor) > 5000
    bins = int(np.ceil(settings.max_time / settings.bin))
    numbers = len(OCTAVE_CENTRES) + 3  # energies and a moment
    assert 16 * len(cells.anchor) * bins * numbers * 4 < 500e6
