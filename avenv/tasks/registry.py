"""The tasks there are, by name; each is registered with Gymnasium as ``avenv/<name>-v0``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

import gymnasium

from avenv.core.suggest import accepted

if TYPE_CHECKING:
    from avenv.tasks.task import Task

MAX_EPISODE_STEPS = 500
"""Actions after which an episode is truncated unless ``max_episode_steps`` says otherwise."""


@dataclass(frozen=True)
class Check:
    """What ``avenv tasks check`` needs of a task, beside its expert and its chance.

    Attributes:
        chance: in words, what ``Task.chance`` computes.
        scenes: where the episodes of the check take place.
        options: of the environment.
        deaf: ``"module:factory"`` of an agent that knows the map and hears nothing, where hearing
            is the point: it must be no better than chance. Empty: there is none.
        classical: ``"module:factory"`` of an agent that only senses and learns nothing: it must be
            better than chance. Empty: there is none.
    """

    chance: str = ""
    scenes: Any = "homes:val"
    options: Mapping[str, Any] = field(default_factory=dict)
    deaf: str = ""
    classical: str = ""


@dataclass(frozen=True)
class Registered:
    """A row of ``TASKS``.

    Attributes:
        task: its class, or where that is, as ``"module:name"``.
        max_episode_steps: actions after which an episode is truncated.
        check: how it is tried.
        scenes: where it takes place unless somebody says where.
    """

    task: "str | type[Task]"
    max_episode_steps: int = MAX_EPISODE_STEPS
    check: Check = Check()
    scenes: Any = "apartment"


AT_THE_GOAL = "share of the floor from which a stop would succeed"
DEAF = "avenv_agents.baselines:DeafAgent"
FOLLOWER = "avenv_agents.baselines:DirectionFollower"
SEEKER = "avenv_agents.seeker:SeekerAgent"

TASKS: dict[str, Registered] = {
    "PointGoal": Registered("avenv.tasks.point_goal:PointGoal", check=Check(AT_THE_GOAL)),
    "AudioGoal": Registered(
        "avenv.tasks.audiogoal:AudioGoal", check=Check(AT_THE_GOAL, classical=FOLLOWER)
    ),
    "AudioPointGoal": Registered(
        "avenv.tasks.audio_point_goal:AudioPointGoal",
        check=Check(AT_THE_GOAL, classical=FOLLOWER),
    ),
    "SemanticAudioGoal": Registered(
        "avenv.tasks.semantic_audio_goal:SemanticAudioGoal",
        check=Check(AT_THE_GOAL, classical=SEEKER),
    ),
    "MultiAudioGoal": Registered(
        "avenv.tasks.multi_audio_goal:MultiAudioGoal",
        check=Check("the same for every goal, multiplied"),
    ),
    "MovingAudioGoal": Registered(
        "avenv.tasks.moving_audio_goal:MovingAudioGoal",
        check=Check(AT_THE_GOAL, classical=SEEKER),
    ),
    "FollowMe": Registered("avenv.tasks.follow_me:FollowMe"),
    "AudioExplore": Registered("avenv.tasks.audio_explore:AudioExplore", 1000),
    "SilenceIt": Registered(
        "avenv.tasks.silence_it:SilenceIt",
        check=Check(
            "one draw of as many things as sound, of all that might",
            deaf=DEAF,
            classical="avenv_agents.silencer:SilencerAgent",
        ),
    ),
    "AnswerDoor": Registered(
        "avenv.tasks.answer_door:AnswerDoor",
        800,
        Check(
            "the time to open the door, of all the time in which it may ring",
            deaf=DEAF,
            classical="avenv_agents.doorkeeper:DoorAgent",
        ),
    ),
    "WaitForCue": Registered(
        "avenv.tasks.wait_for_cue:WaitForCue",
        800,
        Check("the time to open the machine, of all the time in which it may beep", deaf=DEAF),
    ),
    "FalseAlarm": Registered(
        "avenv.tasks.false_alarm:FalseAlarm",
        check=Check("half of the alarms are real", deaf=DEAF),
    ),
    "FindFallen": Registered(
        "avenv.tasks.find_fallen:FindFallen",
        check=Check(classical="avenv_agents.retriever:RetrieverAgent"),
    ),
    "ProbeBox": Registered(
        "avenv.tasks.probe_box:ProbeBox",
        check=Check("one of the boxes", "homes:val+boxes", deaf=DEAF),
        scenes="apartment+boxes",
    ),
    "FetchToCaller": Registered(
        "avenv.tasks.fetch_to_caller:FetchToCaller",
        800,
        Check("the share of things that are as asked for, of the floor that is near", deaf=DEAF),
    ),
}
"""Every task, by name."""


def register(
    name: str,
    task: "type[Task] | str",
    max_episode_steps: int = MAX_EPISODE_STEPS,
    check: Check | None = None,
    scenes: Any = "apartment",
) -> None:
    """Make a task known: ``gymnasium.make("avenv/<name>-v0")`` and ``make_vec`` find it.

    Args:
        name: letters and digits, as ``"AudioGoal"``.
        task: a class derived from ``Task``, or ``"module:Class"``, which is imported when needed.
        max_episode_steps: actions after which an episode is truncated.
        check: how ``avenv tasks check`` tries it.
        scenes: where it takes place unless ``scenes=`` says where.

    Raises:
        ValueError: the name is none, or another task has it.
    """
    if not (isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9]+", name)):
        raise ValueError(f"the task's name is {name!r}; accepted: letters and digits")
    if not isinstance(task, str) and not (isinstance(task, type) and hasattr(task, "judge")):
        raise ValueError(f"the task is {task!r}; accepted: a class derived from avenv.tasks.Task")
    if name in TASKS and TASKS[name].task != task:
        raise ValueError(f"there is a task {name!r} already; accepted: another name")
    TASKS[name] = Registered(task, max_episode_steps, check or Check(), scenes)
    _tell_gymnasium(name, max_episode_steps)


def find_registered(name: str) -> Registered:
    """Return the row of a task.

    Raises:
        ValueError: there is no such task.
    """
    if not isinstance(name, str) or name not in TASKS:
        raise ValueError(f"task is {name!r}; {accepted(name, TASKS)}")
    return TASKS[name]


def find_task(name: str) -> "type[Task]":
    """Return the class of a task.

    Raises:
        ValueError: there is no such task.
    """
    task = find_registered(name).task
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
    for name, row in TASKS.items():
        _tell_gymnasium(name, row.max_episode_steps)
