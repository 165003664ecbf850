"""One file per task: how an episode is built, what actions do and what success is.

What is heavy is loaded when it is first asked for, so that registering costs nothing.
"""

from typing import TYPE_CHECKING

from avenv.core.lazy import lazily
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

__getattr__ = lazily(
    __name__,
    {
        "AudioGoal": ".audiogoal",
        "ContinuousMotion": ".actions",
        "DiscreteMotion": ".actions",
        "Episode": ".episode",
        "EpisodeSource": ".episode",
        "Event": "avenv.simulation.events",
        "Goal": ".episode",
        "Judgement": ".task",
        "MotionOptions": ".options",
        "MultiGoalTask": ".multi_goal",
        "NavigationOptions": ".options",
        "NavigationTask": ".navigation",
        "Reference": ".episode",
        "Task": ".task",
    },
)
