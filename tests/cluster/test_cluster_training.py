"""Learning on a cluster: the same as on one machine, and on when a part of it dies."""

import csv
import os
import shutil
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from cluster_support import in_full, wait_until

torch = pytest.importorskip("torch")

from avenv.simulation.cluster import Cluster  # noqa: E402
from avenv_agents import course, learning  # noqa: E402
from avenv_agents.checkpoints import load_checkpoint  # noqa: E402
from avenv_agents.cluster_workers import ClusterWorkers  # noqa: E402
from avenv_agents.config import TrainingConfig  # noqa: E402
from avenv_agents.factories import TrainingEnvs, Validation  # noqa: E402
from avenv_agents.learning import train  # noqa: E402
from avenv_agents.policy import PREVIOUS, Policy, PolicyConfig  # noqa: E402
from avenv_agents.rollout import Guide  # noqa: E402
from avenv_agents.rollout import joined as side_by_side  # noqa: E402
from avenv_agents.workers import Player, weights_of  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_torch_thread")

ROOM = "name: room\nrooms:\n- {name: a, polygon: [[0, 0], [6, 0], [6, 5], [0, 5]]}\n"
PARTS = {
    "encoders": {"pose": None, "contact": None, PREVIOUS: None},
    "features": 8,
    "memory_options": {"features": 8},
}


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


@dataclass(frozen=True)
class Noted:
    """Makes environments, and a file that says in which process; ``slow-N`` makes those slow."""

    make_envs: TrainingEnvs
    folder: Path

    def __call__(self, worker):
        (self.folder / f"{worker}").write_text(str(os.getpid()))
        envs, slow = self.make_envs(worker), self.folder / f"slow-{worker}"
        step = envs.step
        envs.step = lambda action: (time.sleep(0.1 * slow.exists()), step(action))[1]
        return envs


def begin_crew(cluster, env, folder, count=2, **options):
    """Return a crew of two rows each, and a policy for it."""
    config = PolicyConfig(**PARTS)
    make_envs, validation = Noted(TrainingEnvs(env, 2, count), folder), Validation(env, 6, count)
    crew = ClusterWorkers(cluster, make_envs, count, 7, config, validation, **options)
    return crew, Policy(*crew.spaces, config)


def played_by(crew, policy, steps=12):
    crew.start(policy, steps)
    return crew.finish()


def test_a_crew_plays_what_one_machine_plays_though_a_worker_dies_and_one_is_slow(
    joined, env, tmp_path
):
    make_envs, parts = TrainingEnvs(env, 2, 2), PolicyConfig(**PARTS)
    alone = [Player(make_envs, number, parts, 7, None) for number in range(2)]
    with Cluster(workers=2) as cluster:
        crew, policy = begin_crew(cluster, env, tmp_path)
        before = [played_by(crew, policy) for _ in range(2)]
        for rollout in before:
            here = [player.collect(weights_of(policy), 12, Guide()) for player in alone]
            check_equal(rollout, side_by_side(here))
        validated = crew.validate(policy)
        os.kill(int((tmp_path / "1").read_text()), signal.SIGKILL)
        with pytest.warns(RuntimeWarning, match="worker 1 has died, the others go on"):
            without = played_by(crew, policy)
        assert without.begun.shape == (12, 2)
        assert crew.validate(policy) == validated  # whoever plays it
        again = wait_until(lambda: when_all_play(crew, policy, 4))
        assert again.begun[0, 2:].all()  # who returns plays something else
        for rollout in before:
            assert not np.array_equal(again.action[:, 2:], rollout.action[:, 2:])
        crew.begin(7)
        for rollout in before:
            check_equal(played_by(crew, policy), rollout)
        check_no_straggler_is_waited_for(crew, policy, tmp_path / "slow-1")


def check_no_straggler_is_waited_for(crew, policy, mark):
    crew.patience = 0.5
    mark.touch()
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


def when_all_play(crew, policy, rows):
    """Return a rollout if it has so many rows."""
    rollout = played_by(crew, policy)
    return rollout if rollout.begun.shape[1] == rows else None


def check_equal(one, other):
    for name, array in {**one._asdict(), **one.observation}.items():
        same = other.observation[name] if name in one.observation else getattr(other, name)
        if name not in ("observation", "episodes"):
            np.testing.assert_array_equal(array, same, err_msg=name)
    assert one.episodes == other.episodes


def test_a_curve_is_that_of_other_seeds_though_a_machine_and_a_worker_die(
    joined, env, tmp_path, monkeypatch
):
    config = TrainingConfig(
        {**env, "sensors": ["pose"], "max_episode_steps": 40}, 8, 4000, 3, method="dagger",
        checkpoint_every=4000,
        policy={"encoders": {"perfect_ears": None, PREVIOUS: None}, "features": 32,
                "memory_options": {"features": 32}},
        dagger={"rollout_steps": 16, "batches": 4, "sequences": 16, "learning_rate": 0.005,
                "value": 0.0, "auxiliary": 0.0},
    )  # fmt: skip
    curves = []
    for seed in range(3):
        train(replace(config, seed=seed), tmp_path / f"{seed}", progress=False)
        curves.append(agreements(tmp_path / f"{seed}"))
    widths = train_a_mortal_crew(joined, config, tmp_path, monkeypatch)
    assert widths[:6] == [8] * 6
    assert {4, 8} == set(widths[6:])
    assert 4 in widths[6:8]
    assert 4 in widths[14:16]
    assert widths[-1] == 8
    ends = [curve[-8:].mean() for curve in curves]
    spread = max(ends) - min(ends)
    assert min(ends) - spread <= agreements(tmp_path / "mortal")[-8:].mean() <= max(ends) + spread
    assert min(ends) > max(curve[:4].mean() for curve in curves) + 0.1  # they have learned


def train_a_mortal_crew(joined, config, tmp_path, monkeypatch):
    """Let two train, whose machines and processes die; return the rows of all rollouts."""
    pids, widths, took = tmp_path / "pids", [], course.Course.took
    pids.mkdir()
    monkeypatch.setattr(learning, "TrainingEnvs", lambda *what: Noted(TrainingEnvs(*what), pids))
    before = {}

    def processes():
        return {file.name: file.read_text() for file in pids.iterdir()}

    def take_note(self, rollout):
        took(self, rollout)
        widths.append(rollout.begun.shape[1])
        match len(widths):
            case 6:  # when each is still on a machine of its own
                before.update(processes())
                joined.kill(joined.more[0])
            case 8:
                joined.add(2)
            case 14:
                before.update(processes())
                os.kill(int(before["1"]), signal.SIGKILL)
        if len(widths) in (8, 16):
            wait_until(lambda: processes() != before)

    monkeypatch.setattr(course.Course, "took", take_note)
    config = replace(config, num_envs=4, workers=2)
    with pytest.warns(RuntimeWarning, match="has died, the others go on"):
        train(config, tmp_path / "mortal", progress=False, cluster=Cluster(workers=2))
    return widths


def agreements(folder):
    """Return how often, of each update, a policy would do what the oracle does."""
    with (folder / "progress.csv").open() as lines:
        return np.array([float(line["agreement"]) for line in csv.DictReader(lines)])


@in_full
def test_a_worker_without_its_scene_says_where(joined, env, tmp_path):
    refused = pytest.raises(ValueError, match=r"nowhere.*on the machine")
    with Cluster(workers=1) as cluster, refused:
        begin_crew(cluster, {**env, "scenes": "nowhere"}, tmp_path, 1)
    with Cluster(workers=1) as cluster, pytest.raises(ValueError, match="patience is 0"):
        begin_crew(cluster, env, tmp_path, 1, patience=0)
