"""Run agents over fixed episodes and report how good they are."""

from avenv.benchmark.agent import Agent, find_agent
from avenv.benchmark.evaluate import Report, evaluate

__all__ = ["Agent", "Report", "evaluate", "find_agent"]
