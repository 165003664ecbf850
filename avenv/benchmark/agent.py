"""What the benchmark expects of an agent, and how one is found by name."""

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from avenv.envs.vector import BatchEnv
from avenv.scene.problems import suggest

AGENTS = "avenv.agents"
"""Entry-point group in which packages name their agents."""

POLICIES = "avenv.policies"
"""Entry-point group in which packages name their loaders of trained policies.

A loader is given a path that exists and whether its user trusts whoever made what is there. It
returns the ``AgentFactory`` of the policy that its package saved there, or None if it is none of
its own. It looks at the path only; what is heavy it imports when the factory is called. Nothing
there may run code unless it is trusted; a loader that needs trust raises ``ValueError`` without.
"""


class Agent(Protocol):
    """Acts in every row of a vector environment at once."""

    def reset(self, row: int, seed: int) -> None:
        """Forget the past of one row, whose new episode has begun."""

    def act(self, observation: dict[str, NDArray], info: dict[str, Any]) -> NDArray:
        """Return one action for each row (E,)."""


AgentFactory = Callable[[BatchEnv], Agent]
"""Makes an agent, given the environments it acts in.

It may have an attribute ``options``: those of the environment that it asks for, by name.
"""


def agent_names() -> tuple[str, ...]:
    """Return the names of the registered agents, sorted."""
    return tuple(sorted(entry.name for entry in entry_points(group=AGENTS)))


def find_agent(name: str, trust: bool = False) -> AgentFactory:
    """Return the factory of an agent.

    Args:
        name: a registered name, ``"package.module:attribute"``, or where a trained policy was
            saved.
        trust: also load policies in formats that can run code of whoever made them.

    Raises:
        ValueError: there is no such agent; the message lists the registered ones. Or it is a policy
            that has to be trusted.
    """
    for entry in entry_points(group=AGENTS):
        if entry.name == name:
            return _load(entry)
    if Path(name).exists():
        return _find_policy(Path(name), trust)
    if ":" in name:
        return _import_agent(name)
    raise ValueError(
        f"agent is {name!r}, which is neither package.module:attribute nor where a trained policy "
        f"was saved{suggest(name, agent_names())}"
    )


def options_of(agent: AgentFactory) -> dict[str, Any]:
    """Return the options of the environment that an agent asks for; most ask for none."""
    return dict(getattr(agent, "options", {}))


def _find_policy(path: Path, trust: bool) -> AgentFactory:
    loaders = entry_points(group=POLICIES)
    for entry in loaders:
        policy = _load(entry)(path, trust)
        if policy is not None:
            return policy
    known = ", ".join(sorted(entry.name for entry in loaders)) or "none"
    raise ValueError(f"{path} holds no trained policy; the loaders that looked for one: {known}")


def _import_agent(name: str) -> AgentFactory:
    module, _, attribute = name.partition(":")
    try:
        factory = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"agent is {name!r}: {error}") from error
    if not callable(factory):
        raise ValueError(f"agent is {name!r}, which is no class or function")
    return factory


def _load(entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{entry.name!r} ({entry.value}) cannot be loaded: {error}") from error
