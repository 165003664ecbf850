"""What a template makes: a question, its options, and a set of clips for every answer."""

from collections.abc import Callable
from dataclasses import dataclass

from avenv_agents.questions.clips import Clip
from avenv_agents.questions.stage import Stage

AXES = ("synchronisation", "spatial", "controllability", "safety")


@dataclass(frozen=True)
class Member:
    """One way to make the question true of something.

    Attributes:
        answer: row of the option that is true.
        clips: what is seen and heard, one or several.
        question: in place of the group's, likewise.
    """

    answer: int
    clips: tuple[Clip, ...]
    question: str = ""


@dataclass(frozen=True)
class Group:
    """Questions that share all but what is to be found out.

    Attributes:
        question: in words.
        options: the answers there are.
        members: each answer as often as any other.
        level: ``"easy"`` or ``"hard"``.
        short: the options in a word or two, where people would answer by those without being told
            the options; else empty.
    """

    question: str
    options: tuple[str, ...]
    members: tuple[Member, ...]
    level: str
    short: tuple[str, ...] = ()


@dataclass(frozen=True)
class Template:
    """A kind of question.

    Attributes:
        axis: one of ``AXES``.
        make: tries to set a group in a home; None: not from this pose.
        senses: what is needed to answer: ``"both"``, ``"ears"``.
        shuffles: whether the order of the options may be any.
    """

    axis: str
    make: Callable[[Stage], Group | None]
    senses: str
    shuffles: bool = True
