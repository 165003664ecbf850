"""Homes of sets: made once, kept by their bytes, on disk the same as when they were made."""

import gc
import multiprocessing
import pickle
import threading
from weakref import ref

import numpy as np
import pytest
from support import shoebox

from avenv.core import cache, packing
from avenv.core.errors import CacheWarning, SceneError
from avenv.scene import SceneBuilder, compile_scene
from avenv.scene.homes import make_home
from avenv.scene.stored import restore, store
from avenv.simulation import homes, loading
from avenv.simulation.homes import HomeStore
from avenv.simulation.loading import load_scene
from avenv.simulation.world import World


class Maker:
    """Makes shoeboxes, and remembers which."""

    def __init__(self):
        self.made = []

    def __call__(self, split, number):
        self.made.append(number)
        return World(shoebox((3 + number, 4, 3)))


@pytest.fixture
def make():
    return Maker()


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """Cache files of this test alone, and no homes in memory."""
    monkeypatch.setenv("AVENV_CACHE", str(tmp_path))
    monkeypatch.setattr(loading, "HOMES", HomeStore(loading._home, 2**28))
    return tmp_path


def size_of_one():
    return cache.bytes_within(World(shoebox()))


def test_the_homes_used_last_stay_within_the_bytes_allowed(make):
    store = HomeStore(make, int(2.5 * size_of_one()))
    for number in (0, 1, 0, 2):
        store.get("train", number)
    assert make.made == [0, 1, 2]
    assert store.used <= 2.5 * size_of_one()
    store.get("train", 0)
    assert make.made == [0, 1, 2]
    store.get("train", 1)
    assert make.made == [0, 1, 2, 1]


def test_what_is_derived_of_a_home_counts(make):
    store = HomeStore(make, 2**30)
    world = store.get("train", 0)
    before = store.used
    world.walkable  # noqa: B018
    assert store.used - before >= world.walkable.clearance.nbytes


def test_a_home_that_somebody_holds_is_not_made_twice(make):
    store = HomeStore(make, 0)
    held = store.get("train", 0)
    store.get("train", 1)
    store.get("train", 2)
    assert store.get("train", 0) is held
    assert make.made == [0, 1, 2]


def test_a_home_that_nobody_holds_is_gone_at_once_with_all_that_was_derived_of_it():
    def derived_of(world):
        return [world, world.compiled, world.walkable, world.acoustics_for(), world.raster]

    builder = SceneBuilder("closet")
    room = builder.room("closet", size=(3, 3))
    builder.place("floor_lamp", at=(0.5, 2.4), room=room)
    derived_of(load_scene(builder.build()))  # a compiler at work holds on to what it was called by
    gc.disable()
    try:
        gone = [ref(thing) for thing in derived_of(load_scene(builder.build()))]
        assert [thing() for thing in gone] == [None] * len(gone)
    finally:
        gc.enable()


def test_memory_is_given_back_when_homes_have_gone(make, monkeypatch):
    given = []
    store = HomeStore(make, 0)
    held = [store.get("train", number) for number in range(3)]
    monkeypatch.setattr(homes, "give_back", lambda: given.append(True))
    store.tidy()
    assert not given
    del held
    store.tidy()
    store.tidy()
    assert len(given) == 1


def test_two_threads_that_ask_for_a_home_get_the_same():
    entered, go = threading.Event(), threading.Event()
    made = []

    def slowly(split, number):
        made.append(number)
        entered.set()
        go.wait(10)
        return World(shoebox())

    store, got = HomeStore(slowly, 2**30), []
    threads = [threading.Thread(target=lambda: got.append(store.get("train", 0))) for _ in "ab"]
    threads[0].start()
    entered.wait(10)
    threads[1].start()
    go.set()
    for thread in threads:
        thread.join(10)
    assert made == [0]
    assert got[0] is got[1]


def test_a_home_that_cannot_be_made_is_tried_again_when_asked_for_again(make):
    def fails_at_first(split, number):
        if not make.made:
            make.made.append(-1)
            raise SceneError("no room")
        return make(split, number)

    store = HomeStore(fails_at_first, 2**30)
    with pytest.raises(SceneError, match="no room"):
        store.get("train", 0)
    assert store.get("train", 0) is store.get("train", 0)
    assert make.made == [-1, 0]


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
def test_a_child_of_a_fork_does_not_wait_for_a_home_that_its_parent_is_making():
    entered, go = threading.Event(), threading.Event()

    def slowly(split, number):
        entered.set()
        go.wait(30)
        return World(shoebox())

    store = HomeStore(slowly, 2**30)
    thread = threading.Thread(target=lambda: store.get("train", 0))
    thread.start()
    entered.wait(10)

    def in_child():
        store._make = Maker()
        assert store.get("train", 0).compiled.rooms

    child = multiprocessing.get_context("fork").Process(target=in_child)
    child.start()
    child.join(30)
    go.set()
    thread.join(10)
    assert child.exitcode == 0


def test_a_stored_scene_is_the_same_scene():
    compiled = compile_scene(make_home("train", 4))
    again = restore(store(compiled))
    assert again.fingerprint == compiled.fingerprint
    assert again.content_hash == compiled.content_hash
    assert again.objects == compiled.objects
    assert again.sources == compiled.sources
    for room, other in zip(compiled.rooms, again.rooms, strict=True):
        assert (room.name, room.floor, room.height) == (other.name, other.floor, other.height)
        np.testing.assert_array_equal(room.polygon, other.polygon)
    for mine, its in zip(compiled.bvh, again.bvh, strict=True):
        np.testing.assert_array_equal(mine, its)
    # Another order of the same hash: what every state is must be the same too.
    every = {name: compiled.possible_states(name)[-1] for name in compiled.states}
    for states in (every, {name: compiled.possible_states(name)[0] for name in every}):
        one, other = compiled.posed(states), again.posed(states)
        assert one.fingerprint == other.fingerprint
        assert one.objects == other.objects
        assert one.sources == other.sources


def test_a_home_from_disk_is_the_home_that_was_made(own_cache, monkeypatch):
    made = load_scene("homes:val/3")
    made_grid, made_tables = made.walkable, made.acoustics_for().tables
    monkeypatch.setattr(loading, "HOMES", HomeStore(loading._home, 2**28))
    monkeypatch.setattr(loading, "compile_scene", None)  # nothing is compiled any more
    read = load_scene("homes:val/3")
    assert read is not made
    assert read.content_hash == made.content_hash
    assert read.doors == made.doors
    np.testing.assert_array_equal(read.walkable.clearance, made_grid.clearance)
    np.testing.assert_array_equal(read.places, made.places)
    tables = packing.pack(read.acoustics_for().tables)
    for name, array in packing.pack(made_tables).items():
        np.testing.assert_array_equal(tables[name], array, strict=True)
    assert read.spec == make_home("val", 3)


def test_a_broken_file_of_a_home_is_made_anew(own_cache, monkeypatch):
    made = load_scene("homes:train/6")
    (file,) = own_cache.glob("home-train-6-*")
    file.write_bytes(file.read_bytes()[:-2000])
    monkeypatch.setattr(loading, "HOMES", HomeStore(loading._home, 2**28))
    with pytest.warns(CacheWarning, match="made anew"):
        assert load_scene("homes:train/6").compiled.fingerprint == made.compiled.fingerprint


def test_a_home_travels_by_its_name(own_cache):
    home = load_scene("homes:train/6")
    text = pickle.dumps(home)
    assert len(text) < 1000
    assert pickle.loads(text) is home
