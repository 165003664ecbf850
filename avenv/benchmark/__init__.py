"""Run agents over fixed episodes, say how good they are and how surely, and compare them."""

from avenv.benchmark.agent import Agent, AgentView, agent_names, find_agent, options_of
from avenv.benchmark.configs import config_names, find_config, read_config
from avenv.benchmark.evaluate import evaluate, evaluate_set
from avenv.benchmark.impaired import IMPAIRMENTS, Impaired
from avenv.benchmark.results import Results, read_results
from avenv.benchmark.sets import EpisodeSet, SetEpisode, load_set, set_names

__all__ = [
    "IMPAIRMENTS",
    "Agent",
    "AgentView",
    "EpisodeSet",
    "Impaired",
    "Results",
    "SetEpisode",
    "agent_names",
    "config_names",
    "evaluate",
    "evaluate_set",
    "find_agent",
    "find_config",
    "load_set",
    "options_of",
    "read_config",
    "read_results",
    "set_names",
]
