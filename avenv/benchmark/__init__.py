"""Run agents over fixed episodes and report how good they are."""

from avenv.benchmark.agent import Agent, agent_names, find_agent, options_of
from avenv.benchmark.configs import config_names, find_config, read_config
from avenv.benchmark.evaluate import Report, evaluate
from avenv.benchmark.impaired import IMPAIRMENTS, Impaired

__all__ = [
    "IMPAIRMENTS",
    "Agent",
    "Impaired",
    "Report",
    "agent_names",
    "config_names",
    "evaluate",
    "find_agent",
    "find_config",
    "options_of",
    "read_config",
]
