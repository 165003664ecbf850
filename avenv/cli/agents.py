"""Agents as the command line names them."""

import os
import sys
from pathlib import Path
from typing import Any

from avenv.benchmark import find_agent
from avenv.benchmark.agent import AgentFactory
from avenv.benchmark.provenance import identity


def find_agent_here(name: str, trust: bool = False) -> AgentFactory:
    """Return the factory of an agent, whose module may lie in the current folder.

    A console script does not look for modules there; what such an agent imports later may lie there
    too. For a policy nothing is looked for there: in a stranger's folder a ``torch.py`` would be
    run.
    """
    if ":" in name and not Path(name).exists() and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    return find_agent(name, trust)


def with_arguments(agent: AgentFactory, given: dict[str, Any]) -> AgentFactory:
    """Return the factory of an agent that is given arguments besides the environments.

    Raises:
        ValueError: it takes no such argument.
    """
    configured = getattr(agent, "configured", None)
    if configured is not None:
        return configured(given)
    return WithArguments(agent, given) if given else agent


class WithArguments:
    """Makes an agent with arguments besides the environments; otherwise it is the same."""

    def __init__(self, agent: AgentFactory, arguments: dict[str, Any]):
        self._agent, self._arguments = agent, arguments
        self.fingerprint = identity(agent)

    def __getattr__(self, name: str) -> Any:
        if name in (
            "options",
            "sensors",
            "rows",
            "privilege",
            "explains",
            "explain",
        ):  # it says the same of itself
            return getattr(self._agent, name)
        raise AttributeError(name)

    def __call__(self, envs: Any) -> Any:
        """Return the agent."""
        try:
            return self._agent(envs, **self._arguments)
        except TypeError as error:
            raise ValueError(f"the agent takes no such argument: {error}") from error
