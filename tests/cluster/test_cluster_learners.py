"""Several learners come to what one comes to, though one of them dies."""

import csv
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from cluster_support import die_of, in_full, ray

torch = pytest.importorskip("torch")

from avenv.simulation.cluster import Cluster  # noqa: E402
from avenv_agents.cluster_workers import Haul, Tally  # noqa: E402
from avenv_agents.config import TrainingConfig  # noqa: E402
from avenv_agents.factories import TrainingEnvs  # noqa: E402
from avenv_agents.learners import Learners  # noqa: E402
from avenv_agents.learning import train  # noqa: E402
from avenv_agents.policy import PREVIOUS, Policy, PolicyConfig  # noqa: E402
from avenv_agents.ppo import OneLearner, PpoConfig, Update  # noqa: E402
from avenv_agents.rollout import Guide  # noqa: E402
from avenv_agents.rollout import joined as side_by_side  # noqa: E402
from avenv_agents.workers import Player, weights_of  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_torch_thread")

ROOM = "name: room\nrooms:\n- {name: a, polygon: [[0, 0], [6, 0], [6, 5], [0, 5]]}\n"
PARTS = {"encoders": {"perfect_ears": None, PREVIOUS: None}, "features": 16,
         "memory_options": {"features": 16}}  # fmt: skip
NUMBERS = {"rollout_steps": 12, "epochs": 2, "minibatches": 3, "learning_rate": 0.01,
           "auxiliary": 0.1}  # fmt: skip


@pytest.fixture
def env(tmp_path):
    (tmp_path / "room.yaml").write_text(ROOM)
    return {"scenes": str(tmp_path / "room.yaml"), "sounds": "phone", "sensors": ["pose"],
            "acoustics": "anechoic", "max_episode_steps": 10}  # fmt: skip


@dataclass(frozen=True)
class Mortal(PpoConfig):
    """Numbers of which the norm of the gradients, if there is a mark, kills who reads it."""

    mark: str = ""

    def __getattribute__(self, name):
        if name == "max_gradient" and self.mark:
            die_of(Path(self.mark))
        return super().__getattribute__(name)


def rollouts_of(env, parts):
    """Return a policy's rollouts: of four rows, of two that were cut short, and of three."""
    players = [Player(TrainingEnvs(env, rows, 1), rows, parts, 7, None) for rows in (4, 2, 3)]
    policy = Policy(*players[0].spaces, parts)
    found = [
        player.collect(weights_of(policy), 12, Guide(), lambda player=player: player.number == 2)
        for player in players
    ]
    assert [len(rollout.begun) for rollout in found] == [12, 3, 12]
    return policy, players[0].spaces, found


def test_two_learners_learn_what_one_learns_though_one_dies(joined, env, tmp_path):
    parts = PolicyConfig(**PARTS)
    policy, spaces, rollouts = rollouts_of(env, parts)
    alone = Policy(*spaces, parts)
    alone.load_state_dict(policy.state_dict())
    for one in (policy, alone):
        one.encoders.requires_grad_(False)  # as of a run whose first stage is over
    optimizer, its = (torch.optim.Adam(p.parameters(), eps=1e-5) for p in (policy, alone))
    mark = tmp_path / "mark"
    numbers = Mortal(**NUMBERS, mark=str(mark))
    one = OneLearner(PpoConfig(**NUMBERS), alone, its, "cpu")
    with Cluster(workers=2) as cluster:
        learners = Learners(cluster, 2, numbers, policy, optimizer, spaces)
        haul = Haul([
            (Tally(r.steps, r.begun.shape[1], r.episodes), cluster.share(r)) for r in rollouts
        ])  # fmt: skip
        assert haul.steps == side_by_side(rollouts).steps == 12 * 4 + 3 * 2 + 12 * 3

        def check_same(update):
            losses = learners.learn(haul, update)
            its_losses = one.learn(side_by_side(rollouts), update)
            assert losses == pytest.approx(its_losses, rel=1e-3, abs=1e-5)
            theirs, its_weights = weights_of(policy), weights_of(alone)
            for name, weights in its_weights.items():
                np.testing.assert_allclose(theirs[name], weights, atol=2e-5, err_msg=name)

        before = weights_of(policy)
        check_same(Update((3, 1), values_only=True))
        check_same(Update((3, 2), left=0.5))
        after = weights_of(policy)
        assert abs(after["actor.weight"] - before["actor.weight"]).max() > 1e-3
        for name in after:
            if name.startswith("encoders."):
                np.testing.assert_array_equal(after[name], before[name], err_msg=name)
        mark.touch()
        with pytest.warns(RuntimeWarning, match="a learner has died"):
            check_same(Update((3, 3)))
        check_same(Update((3, 4)))  # whether it is there again or not
        # What is lost, because whoever was to make it has died, is not learned from.
        lost = ray.remote(max_retries=0)(lambda: os._exit(1)).remote()
        haul = Haul([haul.parts[0], (haul.parts[1][0], lost), haul.parts[2]])
        del rollouts[1]
        check_same(Update((3, 5)))
        learners.close()


@in_full
def test_a_run_has_several_learners(joined, env, tmp_path):
    config = TrainingConfig(
        env, 4, 96, 3, checkpoint_every=96, method="ppo", policy=PARTS, ppo=NUMBERS
    )
    train(config, tmp_path / "one", progress=False)
    train(config, tmp_path / "two", progress=False, cluster=Cluster(workers=3), learners=2)
    one, two = (progress(tmp_path / name) for name in ("one", "two"))
    assert len(one) == len(two) == 2
    for name in ("steps", "surrogate", "value", "entropy"):
        assert float(one[0][name]) == pytest.approx(float(two[0][name]), rel=1e-3, abs=1e-5)


def progress(folder):
    with (folder / "progress.csv").open() as lines:
        return list(csv.DictReader(lines))


def test_learners_that_cannot_be_are_refused(env, tmp_path):
    config = TrainingConfig(env, 4, 96, 3, method="dagger", policy=PARTS)
    for cluster in (None, Cluster(workers=3)):
        with pytest.raises(ValueError, match="learners is 2"):
            train(config, tmp_path, progress=False, cluster=cluster, learners=2)
