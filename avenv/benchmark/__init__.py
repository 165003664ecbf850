"""Run agents over fixed episodes and report how good they are."""

from avenv.benchmark.agent import Agent, agent_names, find_agent
from avenv.benchmark.evaluate import Report, evaluate
from avenv.benchmark.options import read_options

__all__ = ["Agent", "Report", "agent_names", "evaluate", "find_agent", "read_options"]
