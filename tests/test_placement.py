"""What workers of a cluster may take, as far as no cluster is needed to say it."""

from dataclasses import replace

import pytest

from avenv.benchmark import Impaired
from avenv.benchmark.playing import divided
from avenv.cli.commands import cluster_of
from avenv.simulation.cluster import placement, worker_memory
from avenv_agents.baselines import RandomAgent
from avenv_agents.omni.agent import Omni


def test_the_memory_that_is_asked_for_is_that_of_the_environments():
    pytest.importorskip("ray", reason="Ray is not installed: avenv[cluster]")
    assert worker_memory(16) - worker_memory(1) == 15 * placement.ROW
    assert cluster_of("auto", 2, 16).memory == worker_memory(16)


def test_workers_together_ask_no_more_at_once_than_one_would():
    omni = replace(Omni(), concurrency=8)
    for workers in (1, 2, 3, 8):
        own = divided(omni, workers).concurrency
        assert own * workers <= 8 < (own + 1) * workers
    assert divided(Impaired(omni, "deaf"), 4).agent.concurrency == 2
    assert divided(RandomAgent, 4) is RandomAgent
    with pytest.raises(ValueError, match="concurrency is 8, for 9 workers together"):
        divided(omni, 9)
    with pytest.raises(ValueError, match="max_cost is kept by one worker"):
        divided(replace(omni, max_cost=1.0), 2)


def test_who_finds_no_place_is_not_waited_for_without_end(monkeypatch):
    class Full:
        """A cluster on which one of two calls is never answered."""

        def first(self, calls, timeout):
            return [call for call in calls if call == 1], [call for call in calls if call != 1]

    times = iter(range(0, 10_000, 500))
    monkeypatch.setattr("time.monotonic", lambda: next(times))
    refused = pytest.raises(ChildProcessError, match="1 of 2 workers have found no place")
    with refused, pytest.warns(RuntimeWarning, match="1 of 2 workers are not there yet"):
        placement.wait_for_place(Full(), [1, 2])
