"""One file per task: how an episode is built and what success is."""

from avenv.tasks.audiogoal import AudioGoal, AudioGoalRules
from avenv.tasks.episode import Episode
from avenv.tasks.navigation import NavigationRules, NavigationTask

TASKS = {"AudioGoal": AudioGoal}
"""Every task, by the name it is registered under: ``avenv/<name>-v0``."""

__all__ = ["TASKS", "AudioGoal", "AudioGoalRules", "Episode", "NavigationRules", "NavigationTask"]
