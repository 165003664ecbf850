"""What the benchmark expects of an agent, what it tells it, and how one is found by name."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Protocol

from gymnasium import spaces
from numpy.typing import NDArray

from avenv.envs.vector import BatchEnv
from avenv.scene.problems import suggest
from avenv.simulation.body import Body
from avenv.simulation.settings import SensorSettings

AGENTS = "avenv.agents"
"""Entry-point group in which packages name their agents."""

POLICIES = "avenv.policies"
"""Entry-point group in which packages name their loaders of trained policies.

A loader is given a path that exists and whether its user trusts whoever made what is there. It
returns the ``AgentFactory`` of the policy that its package saved there, or None if it is none of
its own. It looks at the path only; what is heavy it imports when the factory is called. Nothing
there may run code unless it is trusted; a loader that needs trust raises ``ValueError`` without.
"""


ROWS = 8
"""Rows in which an agent acts at once, unless it says another number.

Always as many, filled up where fewer episodes are under way: the last bits of matrix products
depend on how many rows they have.
"""


@dataclass(frozen=True)
class AgentView:
    """What an agent may know of the environments that it acts in; the rest it must see and hear.

    A ``BatchEnv`` has the same attributes, so that an agent can be made with one as well.

    Attributes:
        num_envs: rows that it acts in, R.
        single_observation_space: of the observation of one row.
        single_action_space: of the action of one row.
        action_names: of the actions, or of the components of one.
        settings: of its senses.
        body: that it has.
        task_options: the numbers of the task.
        folder: where it may keep files of its own beside its results; None: nowhere. Only an
            evaluation that writes its results down has one.
    """

    num_envs: int
    single_observation_space: spaces.Dict
    single_action_space: Any
    action_names: tuple[str, ...]
    settings: SensorSettings
    body: Body
    task_options: Any
    folder: Path | None = None


class Agent(Protocol):
    """Acts in R rows of environments at once."""

    def reset(self, row: int, seed: int) -> None:
        """Forget the past of one row, whose new episode has begun."""

    def act(self, observation: dict[str, NDArray], info: dict[str, Any]) -> NDArray:
        """Return one action for each row (R,).

        Args:
            observation: (R, ...) each.
            info: ``action_names``; the ``instruction`` (R,) of each row, in words; ``active`` (R,),
                in which rows an episode is under way, whose actions count; and, where the episode
                set says so, the ``previous_reward`` (R,). Where somebody answers questions, the
                ``answer`` (R,) of each row, in words, empty where there is none.
        """


AgentFactory = Callable[[Any], Agent]
"""Makes an agent, given an ``AgentView``.

What it says of itself, each if it has the attribute:

- ``options``: those of the environment that it asks for, by name, its ``sensors`` among them;
- ``sensors``: names of the observations that it needs, if it has no ``options``;
- ``rows``: how many rows it acts in at once; None: any number, because it treats each by itself;
- ``privilege``: what it is told that others are not, in words. It is given the ``BatchEnv`` itself
  in place of a view, and tables name the privilege;
- ``fingerprint``: tells it from others of its name; by default its code's file does;
- ``arguments``: names of what it may be given besides the environments, which the command line
  takes as options of its own, with ``configured(given)``, which returns the factory that has them,
  and ``told``, what of them is written down with the results.

An agent that has ``account(row)`` is asked for it when an episode is over: numbers by name of what
the episode has cost it, written down as ``ledger``.

An agent that has ``explain()`` can be asked after ``act`` what it thought, and whoever watches it
shows that. It returns arrays by name, (R, ...) each. A ``probability`` (R, A) is that of each
action. What is (R,) is a number, such as the ``value`` of what it expects. What is (R, D) is a
distribution over D equal sectors about the body, the first straight ahead, the next to its left.
What is (R, N, N) is a map by y and x about where the episode began, x ahead and y to the left
then, of ``reach`` (R,) metres from there to its edges. A factory that is no class of such agents
says by ``explains = True`` that it makes them.
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
    """Return the options of the environment that an agent asks for.

    Raises:
        ValueError: it does not say which sensors it needs.
    """
    options = dict(getattr(agent, "options", {}))
    if "sensors" not in options:
        sensors = getattr(agent, "sensors", None)
        if sensors is None:
            name = getattr(agent, "__name__", type(agent).__name__)
            raise ValueError(
                f"the agent {name} does not say which sensors it needs; accepted: an attribute "
                'sensors = ("depth", "audio"), or options with sensors among them'
            )
        options["sensors"] = tuple(sensors) or ("contact",)  # an environment has at least one
    return options


def explains(agent: AgentFactory) -> bool:
    """Return whether the agents of a factory say what they think."""
    return bool(getattr(agent, "explains", hasattr(agent, "explain")))


def view_of(envs: BatchEnv, rows: int, folder: Path | None = None) -> AgentView:
    """Return what an agent that acts in so many rows may know of environments."""
    space = envs.single_observation_space
    assert isinstance(space, spaces.Dict)
    return AgentView(
        rows,
        space,
        envs.single_action_space,
        envs.action_names,
        envs.settings,
        envs.body,
        envs.task_options,
        folder,
    )


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
