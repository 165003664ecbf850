"""`avenv bake`: sound of all places ahead of time."""

import errno
import multiprocessing

import numpy as np
import pytest
from click.testing import CliRunner

from avenv.acoustics import AcousticSettings
from avenv.acoustics import field as fields
from avenv.cli import main
from avenv.core import cache
from avenv.core.store import open_store
from avenv.envs.batch import Batch
from avenv.scene import SceneBuilder
from avenv.simulation import bake, loading
from avenv.simulation.loading import load_scene
from avenv.simulation.warmup import warm_up

QUICK = AcousticSettings(rays=64, mirror_rays=256, max_time=0.1)


@pytest.fixture(autouse=True)
def _quick(tmp_path, monkeypatch):
    warm_up()  # the kernels, before a test forbids to trace
    monkeypatch.setenv("AVENV_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(fields, "_memory", cache.MemoryCache(2**28))
    monkeypatch.setattr(bake, "PROPAGATION", QUICK)


@pytest.fixture
def closet(tmp_path):
    builder = SceneBuilder("closet")
    room = builder.room("closet", size=(3, 3))
    builder.place("plant", at=(2.4, 2.4), room=room)
    path = tmp_path / "closet.yaml"
    builder.build().save(path)
    return path


def files(tmp_path):
    return sorted(p.name for p in (tmp_path / "cache").glob("sound-*"))


def test_every_place_is_traced_once(tmp_path, closet):
    world = load_scene(closet)
    first = CliRunner().invoke(main, ["bake", str(closet)])
    assert first.exit_code == 0, first.output
    assert f"{len(world.places)} places traced" in first.output
    there = files(tmp_path)
    assert len(there) == len(world.places) > 1
    again = CliRunner().invoke(main, ["bake", str(closet)])
    assert "0 places traced" in again.output
    assert files(tmp_path) == there


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path, closet, monkeypatch):
    world, trace = load_scene(closet), fields.trace_late
    calls = []

    def second_fails(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return trace(*args)

    monkeypatch.setattr(fields, "trace_late", second_fails)
    with pytest.raises(KeyboardInterrupt):
        bake.bake([world])
    assert len(files(tmp_path)) == 1
    assert bake.bake([world]) == len(world.places) - 1
    assert len(calls) == len(world.places) + 1


def test_episodes_find_what_was_baked(closet, monkeypatch):
    world = load_scene(closet)
    bake.bake([world])
    monkeypatch.setattr(fields, "_memory", cache.MemoryCache(2**28))
    monkeypatch.setattr(fields, "trace_late", None)  # nothing is traced any more
    options = {"scenes": world, "sensors": ("audio",), "propagation": QUICK, "min_distance": 1.0}
    batch = Batch("AudioGoal", **options)
    for _ in range(3):
        batch.reset([0])
        (source,) = batch.task.episodes[0].sources
        assert np.isclose(world.places, source.position[:2]).all(axis=1).any()


def test_baking_needs_a_folder(closet, monkeypatch):
    monkeypatch.setenv("AVENV_CACHE", "")
    result = CliRunner().invoke(main, ["bake", str(closet)])
    assert result.exit_code == 1
    assert "AVENV_CACHE is empty" in result.output


def test_homes_are_baked_by_several_processes_and_then_found(tmp_path, monkeypatch):
    done = CliRunner().invoke(main, ["bake", "homes:train/3-4", "--no-sound", "--no-light"])
    assert done.exit_code == 0, done.output
    assert "MiB" in done.output
    there = sorted(p.name for p in (tmp_path / "cache").iterdir())
    for kind in ("home-train-3-", "home-train-4-", "tables-", "grid-", "raster-"):
        assert any(name.startswith(kind) for name in there), kind
    again = CliRunner().invoke(main, ["bake", "homes:train/3-4", "--no-sound", "--no-light"])
    assert again.exit_code == 0, again.output
    assert sorted(p.name for p in (tmp_path / "cache").iterdir()) == there


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
def test_two_processes_may_bake_the_same_scene_at_once(tmp_path, closet, monkeypatch):
    context = multiprocessing.get_context("fork")
    together = context.Barrier(2)

    def run():
        together.wait(30)
        bake.bake([load_scene(closet)])

    both = [context.Process(target=run) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(60)
    assert [one.exitcode for one in both] == [0, 0]
    world = load_scene(closet)
    there = sorted(path.name for path in (tmp_path / "cache").iterdir())
    assert all(name.endswith(".record") for name in there)  # no drafts are left
    assert len(files(tmp_path)) == len(world.places)
    monkeypatch.setattr(fields, "trace_late", None)  # what is there can be read
    assert bake.bake([world]) == 0
    for place in world.source_places:
        fields.source_field(world.acoustics_for(), place, 1.25, QUICK)


def test_more_than_the_folder_holds_is_not_baked(closet, monkeypatch):
    monkeypatch.setenv("AVENV_CACHE_GIB", "1")
    monkeypatch.setattr(bake, "_PLENTY", 1)
    monkeypatch.setattr(cache, "folder_size", lambda folder: 2**31)
    with pytest.raises(ValueError, match="AVENV_CACHE_GIB=4 or more"):
        bake.bake([load_scene(closet)])


def test_machines_without_a_common_folder_share_a_store(tmp_path, monkeypatch):
    pytest.importorskip("fsspec")
    store = f"file://{tmp_path}/store"
    command = ["bake", "homes:val/1", "--no-sound", "--store", store]

    def on(machine):
        monkeypatch.setenv("AVENV_CACHE", str(tmp_path / machine))
        monkeypatch.setattr(loading, "HOMES", loading.HomeStore(loading._home, 2**27))
        return {p.name: p.read_bytes() for p in (tmp_path / machine).glob("*.record")}

    on("first")
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    baked = on("first")
    assert baked
    assert open_store(store).names() == set(baked)
    assert on("second") == {}
    monkeypatch.setenv("AVENV_STORE", store)
    monkeypatch.setattr(cache, "write", None)  # nothing is made
    load_scene("homes:val/1").prepared_for("raster", "full", coarse=True)
    fetched = on("second")
    assert fetched
    assert fetched.items() <= baked.items()


def test_a_store_that_fills_ends_the_baking(tmp_path, closet, monkeypatch):
    pytest.importorskip("fsspec")
    store = open_store(f"file://{tmp_path}/store")
    system = type(store.reach()[0])

    def is_full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(system, "put_file", is_full)
        with pytest.raises(OSError, match="/store cannot be used: No space left"):
            bake.bake([load_scene(closet)], light=False, store=str(store))
    assert store.names() == set()
    assert bake.bake([load_scene(closet)], light=False, store=store) == 0  # it is there
    assert any(name.startswith("sound-") for name in store.names())
