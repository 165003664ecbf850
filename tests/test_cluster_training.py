"""Learning on a cluster: the same as on one machine, and on when a part of it dies."""

import os
import shutil
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from cluster_support import NODE, simulated

torch = pytest.importorskip("torch")

from avenv.simulation.cluster import Cluster  # noqa: E402
from avenv_agents import course  # noqa: E402
from avenv_agents.checkpoints import load_checkpoint  # noqa: E402
from avenv_agents.cluster_workers import ClusterWorkers  # noqa: E402
from avenv_agents.config import TrainingConfig  # noqa: E402
from avenv_agents.factories import TrainingEnvs, Validation  # noqa: E402
from avenv_agents.learning import train  # noqa: E402
from avenv_agents.policy import PREVIOUS, Policy, PolicyConfig  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_torch_thread")

ROOM = "name: room\nrooms:\n- {name: a, polygon: [[0, 0], [6, 0], [6, 5], [0, 5]]}\n"
PARTS = {
    "encoders": {"pose": None, "contact": None, PREVIOUS: None},
    "features": 8,
    "memory_options": {"features": 8},
}


@pytest.fixture(scope="module")
def joined():
    with simulated(1, 1) as machines:
        yield machines


@pytest.fixture
def env(tmp_path):
    (tmp_path / "room.yaml").write_text(ROOM)
    return {"scenes": str(tmp_path / "room.yaml"), "sounds": "phone",
            "sensors": ["pose", "contact"], "acoustics": "anechoic",
            "max_episode_steps": 10}  # fmt: skip


@pytest.fixture
def config(env):
    return TrainingConfig(
        env, 2, 96, 3, checkpoint_every=48, method="ppo", policy=PARTS,
        ppo={"rollout_steps": 12, "epochs": 2, "minibatches": 2, "learning_rate": 0.01},
        dagger={"rollout_steps": 12, "batches": 2, "sequences": 2},
        validation={"every": 48, "episodes": 3},
    )  # fmt: skip


def learned(folder):
    """Return the weights in a run's folder, and its log without what is measured in seconds."""
    weights = load_checkpoint(folder / "policy.pt").state_dict()
    names, *lines = [line.split(",") for line in (folder / "progress.csv").read_text().split()]
    timed = [k for k, name in enumerate(names) if "second" in name]
    log = [[x for k, x in enumerate(line) if k not in timed] for line in lines]
    return weights, log


def check_same(one, other):
    (weights, log), (weights_too, log_too) = learned(one), learned(other)
    for name in weights:
        np.testing.assert_array_equal(weights[name], weights_too[name], err_msg=name)
    assert log == log_too


def test_a_run_is_that_of_one_machine_also_if_it_was_stopped(joined, config, tmp_path, monkeypatch):
    alone, together, killed = (tmp_path / name for name in ("alone", "together", "killed"))
    train(config, alone, progress=False)
    keep = course.Course.keep

    def keep_a_copy(self):
        keep(self)
        if self.steps == 48:  # as a killed run leaves it
            shutil.copytree(self.folder, killed)

    monkeypatch.setattr(course.Course, "keep", keep_a_copy)
    train(config, together, progress=False, cluster=Cluster(workers=1))
    monkeypatch.undo()
    train(config, killed, resume=True, progress=False, cluster=Cluster(workers=1))
    check_same(alone, together)
    check_same(alone, killed)


def test_workers_of_a_cluster_play_what_processes_play(joined, config, tmp_path):
    config = replace(config, method="dagger", workers=2)
    train(config, tmp_path / "alone", progress=False)
    train(config, tmp_path / "together", progress=False, cluster=Cluster(workers=2))
    check_same(tmp_path / "alone", tmp_path / "together")


@dataclass(frozen=True)
class Noted:
    """Makes environments, and a file that says in which process; some of them are slow."""

    make_envs: TrainingEnvs
    folder: Path
    slow: tuple[int, ...] = ()

    def __call__(self, worker):
        (self.folder / f"{worker}").write_text(str(os.getpid()))
        envs = self.make_envs(worker)
        if worker in self.slow:
            step = envs.step
            envs.step = lambda action: (time.sleep(0.1), step(action))[1]
        return envs


def begin_crew(cluster, env, folder, count=2, **options):
    """Return a crew of two rows each, and a policy for it."""
    make_envs = Noted(TrainingEnvs(env, 2, count), folder, options.pop("slow", ()))
    config = PolicyConfig(**PARTS)
    validation = Validation(env, 6, count)
    crew = ClusterWorkers(cluster, make_envs, count, 7, config, validation, **options)
    return crew, Policy(*crew.spaces, config)


def played_by(crew, policy, steps=12):
    crew.start(policy, steps)
    return crew.finish()


def until(crew, policy, rows):
    """Let a crew play until a rollout has so many rows again."""
    deadline = time.monotonic() + 60
    while (rollout := played_by(crew, policy)).begun.shape[1] != rows:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return rollout


def test_training_goes_on_though_workers_and_machines_die(joined, env, tmp_path):
    doomed = joined.add_node(num_cpus=1, **NODE)
    joined.wait_for_nodes()
    with Cluster(workers=3) as cluster:
        crew, policy = begin_crew(cluster, env, tmp_path, 3)
        before = [played_by(crew, policy) for _ in range(2)]
        validated = crew.validate(policy)
        assert before[0].begun.shape == (12, 6)
        os.kill(int((tmp_path / "1").read_text()), signal.SIGKILL)
        with pytest.warns(RuntimeWarning, match="worker 1 has died, the others go on"):
            without = played_by(crew, policy)
        assert without.begun.shape == (12, 4)
        assert crew.validate(policy) == validated  # whoever plays it
        again = until(crew, policy, 6)
        assert again.begun[0, 2:4].all()  # who returns plays something else
        for rollout in before:
            assert not np.array_equal(again.action[:, 2:4], rollout.action[:, 2:4])
        joined.remove_node(doomed, allow_graceful=False)
        with pytest.warns(RuntimeWarning, match="the others go on"):
            until(crew, policy, 4)
        joined.add_node(num_cpus=1, **NODE)
        until(crew, policy, 6)
        crew.begin(7)
        for rollout in before:
            np.testing.assert_array_equal(played_by(crew, policy).action, rollout.action)
        crew.close()


def test_a_rollout_does_not_wait_for_stragglers(joined, env, tmp_path):
    with Cluster(workers=2) as cluster:
        crew, policy = begin_crew(cluster, env, tmp_path, slow=(1,), patience=0.5)
        rollout = played_by(crew, policy, 40)
        assert rollout.begun.shape == (40, 4)
        np.testing.assert_array_equal(rollout.played.sum(0)[:2], 40)
        assert (rollout.played.sum(0)[2:] >= 10).all()
        assert (rollout.played.sum(0)[2:] < 40).all()
        assert rollout.steps == rollout.played.sum()
        after = played_by(crew, policy, 40)
        slow = rollout.played.sum(0)[2]
        # What was cut short goes on where it was.
        np.testing.assert_array_equal(after.begun[0, 2:], rollout.ended[slow - 1, 2:])
        crew.close()


def test_a_worker_without_its_scene_says_where(joined, env, tmp_path):
    refused = pytest.raises(ValueError, match=r"nowhere.*on the machine")
    with Cluster(workers=1) as cluster, refused:
        begin_crew(cluster, {**env, "scenes": "nowhere"}, tmp_path, 1)
    with Cluster(workers=1) as cluster, pytest.raises(ValueError, match="patience is 0"):
        begin_crew(cluster, env, tmp_path, 1, patience=0)
