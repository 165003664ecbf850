"""Agents that others are held to."""

import pytest
from support import two_rooms

from avenv.benchmark import evaluate
from avenv.simulation.world import World
from avenv_agents.baselines import IdleAgent, OracleAgent
from avenv_agents.controls import SearchAgent


@pytest.fixture(scope="module")
def options():
    return {"scenes": World(two_rooms()), "sounds": "phone", "episodes": 6, "progress": False}


def test_who_does_nothing_takes_one_action_and_never_succeeds(options):
    results = evaluate(IdleAgent, **options)
    assert results.values("num_actions").tolist() == [1] * 6
    assert results.values("success").sum() == 0


def test_who_searches_arrives_by_detours(options):
    search, oracle = evaluate(SearchAgent, **options), evaluate(OracleAgent, **options)
    assert search.values("success").tolist() == [1] * 6
    assert search.values("spl").mean() < 0.9 * oracle.values("spl").mean()
    assert search.heading["agent"]["privilege"] == "the map, and when it has arrived"
    assert search.episodes == evaluate(SearchAgent, **options, num_envs=1).episodes


def test_they_say_what_they_need(options):
    for agent in (IdleAgent, SearchAgent):
        with pytest.raises(ValueError, match="actions"):
            evaluate(agent, **options, actions="continuous")
