"""What a model is asked and what it answers, whatever the interface of its server."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_TOKENS = 1e9
"""Of one question or answer; who counts more has miscounted."""


@dataclass(frozen=True)
class Text:
    """Words."""

    text: str


@dataclass(frozen=True)
class Picture:
    """A PNG file."""

    content: bytes


@dataclass(frozen=True)
class Sound:
    """A sound file; ``kind`` is ``"wav"`` or ``"mp3"``."""

    content: bytes
    kind: str


Part = Text | Picture | Sound


@dataclass(frozen=True)
class Tool:
    """Something that a model may call.

    Attributes:
        name, description: for the model.
        parameters: JSON schema of the arguments, an object's.
    """

    name: str
    description: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Question:
    """One question to a model, which remembers nothing of earlier ones.

    Attributes:
        model: its name.
        system: what holds throughout.
        parts: what is shown and told now.
        tool: the one that it is to call; None: it is to write.
        answer_tokens, answer_limit, temperature: as of a ``View``.
        stream: whether the answer is to come bit by bit.
    """

    model: str
    system: str
    parts: tuple[Part, ...]
    tool: Tool | None
    answer_tokens: int
    answer_limit: str = "max_completion_tokens"
    temperature: float | None = None
    stream: bool = False

    @property
    def media(self) -> dict[str, bytes]:
        """The files in it, by their endings' names: ``"png"``, ``"wav"``, ``"mp3"``, numbered."""
        files = [p for p in self.parts if not isinstance(p, Text)]
        return {
            f"{k}.{p.kind if isinstance(p, Sound) else 'png'}": p.content
            for k, p in enumerate(files)
        }


@dataclass(frozen=True)
class Reply:
    """What a model answered.

    Attributes:
        calls: (tool, arguments as JSON text) of each call.
        text: what it wrote beside them.
        refusal: that it will not, in its words; empty: it did not refuse.
        cut_off: whether the answer was longer than allowed.
        tokens_in, tokens_out: as the server counts them; 0 where it does not.
    """

    calls: tuple[tuple[str, str], ...] = ()
    text: str = ""
    refusal: str = ""
    cut_off: bool = False
    tokens_in: int = 0
    tokens_out: int = 0


class AnswerError(ValueError):
    """An answer has another form than its interface promises."""


def words_of(value: Any) -> str:
    """Return the words in what ought to be a text; parts of one are joined, what is none is empty.

    Halves of characters, as where an answer was cut off, no request can carry: they are replaced.
    """
    if isinstance(value, list):
        parts = [part.get("text") if isinstance(part, Mapping) else part for part in value]
        return "".join(words_of(part) for part in parts if isinstance(part, str))
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def tokens_of(usage: Any, name: str) -> int:
    """Return a number of tokens, as a server counts them; 0 where it tells none that can be."""
    count = usage.get(name) if isinstance(usage, Mapping) else None
    if isinstance(count, bool) or not isinstance(count, int | float):
        return 0
    return int(count) if 0 <= count < MOST_TOKENS else 0
