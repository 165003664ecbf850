"""The tasks there are, by name; each is registered with Gymnasium as ``avenv/<name>-v0``."""

import re
from importlib import import_module
from typing import TYPE_CHECKING

import gymnasium

from avenv.core.suggest import accepted

if TYPE_CHECKING:
    from avenv.tasks.task import Task

MAX_EPISODE_STEPS = 500
"""Actions after which an episode is truncated unless ``max_episode_steps`` says otherwise."""

TASKS: "dict[str, str | type[Task]]" = {"AudioGoal": "avenv.tasks.audiogoal:AudioGoal"}
"""Every task: its class, or where that is, as ``"module:name"``."""


def register(
    name: str, task: "type[Task] | str", max_episode_steps: int = MAX_EPISODE_STEPS
) -> None:
    """Make a task known: ``gymnasium.make("avenv/<name>-v0")`` and ``make_vec`` find it.

    Args:
        name: letters and digits, as ``"AudioGoal"``.
        task: a class derived from ``Task``, or ``"module:Class"``, which is imported when needed.
        max_episode_steps: actions after which an episode is truncated.

    Raises:
        ValueError: the name is none, or another task has it.
    """
    if not re.fullmatch(r"[A-Za-z0-9]+", name):
        raise ValueError(f"the task's name is {name!r}; accepted: letters and digits")
    if name in TASKS and TASKS[name] != task:
        raise ValueError(f"there is a task {name!r} already; accepted: another name")
    TASKS[name] = task
    _tell_gymnasium(name, max_episode_steps)


def find_task(name: str) -> "type[Task]":
    """Return the class of a task.

    Raises:
        ValueError: there is no such task.
    """
    if not isinstance(name, str) or name not in TASKS:
        raise ValueError(f"task is {name!r}; {accepted(name, TASKS)}")
    task = TASKS[name]
    if isinstance(task, str):
        module, _, attribute = task.partition(":")
        task = getattr(import_module(module), attribute)
    return task


def _tell_gymnasium(name: str, max_episode_steps: int) -> None:
    gymnasium.register(
        id=f"avenv/{name}-v0",
        entry_point="avenv.envs.env:Env",
        vector_entry_point="avenv.envs.vector:BatchEnv",
        max_episode_steps=max_episode_steps,
        kwargs={"task": name},
    )


def register_all() -> None:
    """Tell Gymnasium of the tasks of the table."""
    for name in TASKS:
        _tell_gymnasium(name, MAX_EPISODE_STEPS)
