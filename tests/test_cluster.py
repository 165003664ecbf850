"""Work on a cluster: the same results as on one machine, whoever dies meanwhile."""

import os
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from avenv.benchmark import evaluate
from avenv.cli import main
from avenv.simulation import cluster as clusters
from avenv.simulation.cluster import Cluster
from avenv_agents.baselines import RandomAgent

ray = pytest.importorskip("ray", reason="Ray is not installed: avenv[cluster]")

ROOM = "name: room\nrooms:\n- {name: a, polygon: [[0, 0], [6, 0], [6, 5], [0, 5]]}\n"
OPTIONS = {"sensors": ("depth",), "image_size": (16, 16), "sounds": "phone",
           "max_episode_steps": 30}  # fmt: skip


class Mortal(RandomAgent):
    """Acts at random; where a file says so, its process is killed once, in its second episode."""

    def __init__(self, envs):
        super().__init__(envs)
        self._mark, self._begun = Path("kill-me"), 0

    def reset(self, row, seed):
        super().reset(row, seed)
        self._begun += 1
        if self._begun == 2 and self._mark.exists():
            self._mark.unlink()
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(scope="module")
def joined():
    """A cluster of two machines of a core each, on this one."""
    from ray.cluster_utils import Cluster as Simulated

    simulated = Simulated(initialize_head=True, head_node_args={"num_cpus": 1})
    simulated.add_node(num_cpus=1)
    simulated.wait_for_nodes()
    ray.init(address=simulated.address, log_to_driver=False, logging_level="ERROR")
    yield simulated
    ray.shutdown()
    simulated.shutdown()


@pytest.fixture
def room(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "room.yaml").write_text(ROOM)
    return {"scenes": "room.yaml", "episodes": 6, "num_envs": 1, "progress": False, **OPTIONS}


def contents(folder):
    return [(Path(folder) / name).read_bytes() for name in ("episodes.jsonl", "summary.json")]


@pytest.mark.parametrize("workers", [1, 2])
def test_results_are_the_same_bytes_though_a_worker_is_killed(joined, room, workers):
    evaluate(Mortal, out="alone", **room)
    Path("kill-me").touch()
    with pytest.warns(RuntimeWarning, match="a worker has died, its work is done again"):
        evaluate(Mortal, out="together", cluster=Cluster(workers=workers), **room)
    assert not Path("kill-me").exists()
    assert contents("together") == contents("alone")


def dies(_):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.filterwarnings("ignore:a worker has died")
def test_work_that_kills_all_who_do_it_is_given_up(joined):
    given_up = pytest.raises(ChildProcessError, match="3 workers in a row")
    with Cluster(workers=1) as cluster, given_up:
        list(cluster.each(dies, [(0,)]))


def test_workers_use_no_more_threads_than_they_are_given(joined):
    with Cluster(workers=1) as cluster:
        assert list(cluster.each(threads, [(0,)])) == [(1, "1")]


def threads(_):
    from avenv.core import parallel

    return parallel.num_threads(), os.environ["OMP_NUM_THREADS"]


def test_what_is_wrong_is_said_clearly(joined, room, monkeypatch):
    with pytest.raises(ValueError, match=r"workers is 9.*has cores for 2"), Cluster(workers=9):
        pass
    missing = pytest.raises(ValueError, match=r"no-room\.yaml.*on the machine")
    with Cluster(workers=1) as cluster, missing:
        list(cluster.each(load, [("no-room.yaml",)]))
    here = clusters.versions()
    monkeypatch.setattr(clusters, "versions", lambda: {**here, "numpy": "0.1"})
    told = r"on the machine 10\.0\.0\.7:1 numpy is .* and not 0\.1"
    monkeypatch.setattr(Cluster, "everywhere", lambda *_: {"10.0.0.7:1": here})
    with pytest.raises(ValueError, match=told), Cluster(workers=1):
        pass


def load(name):
    from avenv.simulation.world import load_scene

    return load_scene(name)


@pytest.mark.parametrize("address", ["127.0.0.1:9", "nowhere"])
def test_an_address_without_a_cluster_is_named(address, room):
    if ray.is_initialized():
        ray.shutdown()
    arguments = ["evaluate", "--agent", "random", "--scene", "room.yaml", "--episodes", "1"]
    done = CliRunner().invoke(main, [*arguments, "--cluster", address, "--out", "out"])
    assert done.exit_code == 1
    assert address in done.output
    done = CliRunner().invoke(main, [*arguments, "--workers", "2"])
    assert "--cluster as well" in done.output
