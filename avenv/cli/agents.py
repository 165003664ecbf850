"""Agents as the command line names them."""

import os
import sys
from pathlib import Path

from avenv.benchmark import find_agent
from avenv.benchmark.agent import AgentFactory


def find_agent_here(name: str, trust: bool = False) -> AgentFactory:
    """Return the factory of an agent, whose module may lie in the current folder.

    A console script does not look for modules there; what such an agent imports later may lie there
    too. For a policy nothing is looked for there: in a stranger's folder a ``torch.py`` would be
    run.
    """
    if ":" in name and not Path(name).exists() and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    return find_agent(name, trust)
