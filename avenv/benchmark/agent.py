"""What the benchmark expects of an agent, and how one is found by name."""

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Protocol

from numpy.typing import NDArray

from avenv.envs.vector import BatchEnv

GROUP = "avenv.agents"
"""Entry-point group in which packages name their agents."""


class Agent(Protocol):
    """Acts in every row of a vector environment at once."""

    def reset(self, row: int, seed: int) -> None:
        """Forget the past of one row, whose new episode has begun."""

    def act(self, observation: dict[str, NDArray], info: dict[str, Any]) -> NDArray:
        """Return one action for each row (E,)."""


AgentFactory = Callable[[BatchEnv], Agent]


def agent_names() -> tuple[str, ...]:
    """Return the names of the registered agents, sorted."""
    return tuple(sorted(entry.name for entry in entry_points(group=GROUP)))


def find_agent(name: str) -> AgentFactory:
    """Return the factory of an agent: a registered name, or ``"package.module:attribute"``.

    Raises:
        ValueError: there is no such agent; the message lists the registered ones.
    """
    registered = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name in registered:
        return registered[name].load()
    if ":" in name:
        module, _, attribute = name.partition(":")
        try:
            factory = getattr(import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise ValueError(f"agent is {name!r}: {error}") from error
        if not callable(factory):
            raise ValueError(f"agent is {name!r}, which is no class or function")
        return factory
    raise ValueError(
        f"agent is {name!r}; accepted: {', '.join(agent_names())} or package.module:attribute"
    )
