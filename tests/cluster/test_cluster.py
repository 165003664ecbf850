"""Work on a cluster: the same results as on one machine, whoever dies meanwhile."""

import os
import resource
import signal
import time
from functools import partial
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from cluster_support import die_of, in_full, ray, wait_until
from support import small_flat

from avenv.benchmark import evaluate
from avenv.cli import main
from avenv.core import cache
from avenv.core.store import open_store
from avenv.scene import SceneBuilder
from avenv.simulation import cluster as clusters
from avenv.simulation.cluster import Cluster, remote, worker_memory
from avenv.simulation.sharing import check_shared, share_out
from avenv.simulation.warmup import warm_up
from avenv_agents.baselines import RandomAgent
from avenv_agents.questions.making import SPLITS, make


class Mortal(RandomAgent):
    """Acts at random; a process of it is killed for every file ``kill-*``, in an episode."""

    def __init__(self, envs):
        super().__init__(envs)
        self._folder = envs.folder

    def reset(self, row, seed):
        super().reset(row, seed)
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / f"{seed}.txt").write_text("of its own")
        for mark in Path().glob("kill-*"):
            if seed >= int(mark.name.removeprefix("kill-")):
                die_of(mark)


class Slow(RandomAgent):
    """Acts at random, takes its time, and says by a file on which machine."""

    def __init__(self, envs):
        super().__init__(envs)
        Path(f"slow-{os.environ.get('RAY_RAYLET_PID')}").touch()

    def act(self, observation, info):
        time.sleep(0.05)
        return super().act(observation, info)


def own_files(folder):
    return {file.name for file in Path(folder, "agent").iterdir()}


def contents(folder):
    return [(Path(folder) / name).read_bytes() for name in ("episodes.jsonl", "summary.json")]


@pytest.mark.parametrize(
    ("workers", "deaths"), [(1, [5]), pytest.param(2, [1], marks=in_full), (4, [1, 5])]
)
def test_results_are_the_same_bytes_though_workers_are_killed(joined, room, workers, deaths):
    evaluate(Mortal, out="alone", **room)
    marks = [Path(f"kill-{episode}") for episode in deaths]
    for mark in marks:
        mark.touch()
    place = "together" if workers == 1 else Path("together").absolute().as_uri()
    with pytest.warns(RuntimeWarning, match="a worker has died, its work is done again"):
        evaluate(Mortal, out=place, cluster=Cluster(workers=workers), **room)
    assert not any(mark.exists() for mark in marks)
    assert contents("together") == contents("alone")
    assert own_files("together") == own_files("alone") != set()


@in_full
def test_results_are_the_same_bytes_though_a_machine_dies(joined, room):
    evaluate(Slow, out="alone", **room)
    doomed, answers = joined.add(1), []
    death = Thread(target=kill_when_it_plays, args=(joined, doomed, answers))
    death.start()
    with pytest.warns(RuntimeWarning, match="a worker has died"):
        evaluate(Slow, out="together", cluster=Cluster(workers=5), **room)
    death.join()
    assert contents("together") == contents("alone")
    # Of a machine that has just died, no answer was waited for.
    assert len(answers) == len(joined.more) + 1


def kill_when_it_plays(machines, node, answers):
    """Kill a machine, and ask at once all that Ray takes for living."""
    sign = Path(f"slow-{node.all_processes['raylet'][0].process.pid}")
    wait_until(sign.exists)
    machines.kill(node)
    with Cluster(workers=1) as cluster:
        answers += cluster.everywhere(os.getpid)


def dies(_):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.filterwarnings("ignore:a worker has died")
def test_work_that_kills_all_who_do_it_is_given_up(joined):
    given_up = pytest.raises(ChildProcessError, match="3 workers in a row")
    with Cluster(workers=1) as cluster, given_up:
        list(cluster.each(dies, [(0,)]))


def test_workers_take_what_they_have_asked_for_and_what_their_machine_has_made(joined):
    folder = cache.cache_folder()
    kernels = {path.name for path in folder.glob("kernels-*")}
    assert kernels
    with Cluster(workers=1, threads=2, memory=worker_memory(8)) as cluster:
        assert {path.name for path in folder.glob("kernels-*")} == kernels
        [(_, told)] = cluster.each(take_stock, [("kept-by-a-worker",)])
        assert told.pop("memory") == pytest.approx(worker_memory(8), rel=1e-3)
        assert told.pop("taken") < worker_memory(8)
        assert told == {"threads": 2, "OMP": "2", "compiled": False, "folder": str(folder)}
        # Another process of each machine finds what that worker has kept.
        kept = cluster.everywhere(partial(cache.read, folder, "kept-by-a-worker", Kept))
        assert [one.number for one in kept.values()] == [7] * (len(joined.more) + 1)


class Kept(NamedTuple):
    number: int


def take_stock(key):
    from avenv.core import parallel
    from avenv.simulation import warmup

    warmup._done = False  # as in a process that has compiled nothing
    cache.write(cache.cache_folder(), key, Kept(7))
    return {
        "threads": parallel.num_threads(),
        "OMP": os.environ["OMP_NUM_THREADS"],
        "memory": ray.get_runtime_context().get_assigned_resources()["memory"],
        "taken": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "compiled": warmup.warm_up(),
        "folder": str(cache.cache_folder()),
    }


def test_what_is_wrong_is_said_clearly(joined, room, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"workers is 9.* room for 4"), Cluster(workers=9):
        pass
    much = Cluster(workers=2, memory=5 * 2**30)
    with much as cluster:
        assert cluster.workers == 2
    with pytest.raises(ValueError, match=r"room for 2"), Cluster(workers=3, memory=5 * 2**30):
        pass
    with Cluster(workers=1) as cluster:
        with pytest.raises(ValueError, match=r"no-room\.yaml.*on the machine"):
            list(cluster.each(load, [("no-room.yaml",)]))
        with pytest.raises(OSError, match="fills a machine's memory"):
            list(cluster.each(partial(np.ones, dtype=np.uint8), [(300 * 2**20,)]))
        store = open_store("memory://own")  # of each process its own
        with pytest.raises(ValueError, match=r"memory://own is not shared with the machine .*, "):
            check_shared(cluster, store)
        assert store.names() == set()
    here = clusters.versions()
    monkeypatch.setattr(remote, "versions", lambda: {**here, "numpy": "0.1"})
    told = r"on the machine 10\.0\.0\.7:1 numpy is .* and not 0\.1"
    monkeypatch.setattr(Cluster, "everywhere", lambda *_: {"10.0.0.7:1": here})
    with pytest.raises(ValueError, match=told), Cluster(workers=1):
        pass


def load(name):
    from avenv.simulation.loading import load_scene

    return load_scene(name)


def test_a_cluster_bakes_what_one_machine_bakes(joined, tmp_path, monkeypatch):
    warm_up()  # which keeps a field of its own
    builder = SceneBuilder("closet")
    builder.room("closet", size=(2, 2))
    builder.build().save(tmp_path / "closet.yaml")

    def bake(folder, *more):
        monkeypatch.setenv("AVENV_CACHE", str(tmp_path / folder))
        command = ["bake", str(tmp_path / "closet.yaml"), "--no-light", *more]
        done = CliRunner().invoke(main, command)
        assert done.exit_code == 0, done.output
        files = {p.name: p.read_bytes() for p in (tmp_path / folder).glob("sound-*")}
        return files, done.output

    alone, _ = bake("alone")
    together, _ = bake("together", "--cluster", "auto", "--workers", "1")
    assert together == alone != {}
    store = f"file://{tmp_path}/store"
    again, said = bake("together", "--cluster", "auto", "--workers", "1", "--store", store)
    assert again == alone
    assert "0 fields" in said
    assert {name: open_store(store).read(name) for name in alone} == alone


def files_in(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*") if path.is_file()
    }  # fmt: skip


def test_a_cluster_draws_the_poses_that_one_machine_draws(joined, tmp_path):
    options = "--homes homes:train/0-1 --sounds phone --places 2 --sources 1"

    def draw(folder, *more):
        command = ["data", "poses", f"{folder}", *options.split(), *more]
        done = CliRunner().invoke(main, command)
        assert done.exit_code == 0, done.output
        return files_in(tmp_path / Path(folder).name), done.output

    url = f"file://{tmp_path}/together"
    alone, _ = draw(tmp_path / "alone")
    together, _ = draw(url, "--cluster", "auto", "--workers", "1")
    assert together == alone
    assert len(alone) == 3
    (tmp_path / "together" / "train-000001.npz").unlink()
    again, said = draw(url, "--cluster", "auto", "--workers", "1")
    assert again == alone
    assert "1 homes made" in said


@in_full
def test_a_cluster_makes_the_questions_that_one_machine_makes(joined, tmp_path):
    pytest.importorskip("av")
    pytest.importorskip("pyarrow")
    (tmp_path / "flat.yaml").write_text(yaml.safe_dump(small_flat().to_dict()))
    scenes = {split: [str(tmp_path / "flat.yaml")] for split in SPLITS}
    options = {"count": 10, "homes": 1, "only": ("louder",), "scenes": scenes, "progress": False}
    alone = make(tmp_path / "alone", **options)
    url = f"file://{tmp_path}/together"
    assert make(url, cluster=Cluster(workers=2), **options) == alone
    assert files_in(tmp_path / "together") == files_in(tmp_path / "alone")


def test_jobs_are_shared_out_to_whoever_is_there(joined):
    jobs, quotients = [(9, n) for n in range(1, 9)], [divmod(9, n) for n in range(1, 9)]
    with Cluster(workers=2) as cluster:
        for who in ({}, {"workers": 2}, {"cluster": cluster}):
            done = dict(share_out(divmod, jobs, **who))
            assert [done[number] for number in range(8)] == quotients
            with pytest.raises(ZeroDivisionError):
                list(share_out(divmod, [(1, 0)], **who))
