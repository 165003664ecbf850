"""One file per task: how an episode is built, what actions do and what success is.

What is heavy is loaded when it is first asked for, so that registering costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from avenv.tasks.registry import TASKS, Check, find_task, register

if TYPE_CHECKING:
    from avenv.simulation.events import Event
    from avenv.tasks.actions import ContinuousMotion, DiscreteMotion
    from avenv.tasks.audiogoal import AudioGoal
    from avenv.tasks.episode import Episode, EpisodeSource, Goal, Reference
    from avenv.tasks.multi_goal import MultiGoalTask
    from avenv.tasks.navigation import NavigationTask
    from avenv.tasks.options import MotionOptions, NavigationOptions
    from avenv.tasks.task import Judgement, Task

_HOMES = {
    "AudioGoal": "avenv.tasks.audiogoal",
    "ContinuousMotion": "avenv.tasks.actions",
    "DiscreteMotion": "avenv.tasks.actions",
    "Episode": "avenv.tasks.episode",
    "EpisodeSource": "avenv.tasks.episode",
    "Event": "avenv.simulation.events",
    "Goal": "avenv.tasks.episode",
    "Judgement": "avenv.tasks.task",
    "MotionOptions": "avenv.tasks.options",
    "MultiGoalTask": "avenv.tasks.multi_goal",
    "NavigationOptions": "avenv.tasks.options",
    "NavigationTask": "avenv.tasks.navigation",
    "Reference": "avenv.tasks.episode",
    "Task": "avenv.tasks.task",
}

__all__ = [
    "TASKS",
    "AudioGoal",
    "Check",
    "ContinuousMotion",
    "DiscreteMotion",
    "Episode",
    "EpisodeSource",
    "Event",
    "Goal",
    "Judgement",
    "MotionOptions",
    "MultiGoalTask",
    "NavigationOptions",
    "NavigationTask",
    "Reference",
    "Task",
    "find_task",
    "register",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
