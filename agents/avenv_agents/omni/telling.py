"""A model that answers a body's questions: who speaks for the oracle of a task.

It is told the truth, as the map has it, and puts it into words. Equal questions have equal answers:
each is asked once and kept, so that an evaluation that goes on or is played again is told the same.
"""

from functools import cached_property
from pathlib import Path
from typing import Any

from avenv.tasks.oracle import Asked
from avenv_agents.omni.backends import find_backend
from avenv_agents.omni.desk import Desk
from avenv_agents.omni.line import Line
from avenv_agents.omni.question import Question, Text
from avenv_agents.omni.transcripts import Transcript, key_of

LONGEST = 400
"""Letters of an answer; the rest is dropped."""

TOKENS = 200

SYSTEM = (
    "You are at home, and a robot that works for you asks where it is to go. Answer in one or two "
    "short sentences, in your own words. Say all that you know, change no direction, distance or "
    "order, and add nothing."
)

KEPT = "results/oracle"
"""Folder of answers, unless somebody says otherwise."""


class Teller:
    """A model behind a chat interface, as the ``speaker`` of an oracle.

    Args:
        model: its name.
        base_url: of its server; empty: the interface's own.
        backend: interface of the server.
        key: name of the environment variable with the key; empty: the interface's own.
        kept: folder in which answers are kept, a file for each; what it has is not asked again.
        answer_limit, temperature: as of a ``View``.
        timeout, tries: as of ``Omni``.

    Raises:
        ValueError: there is no such interface.
    """

    def __init__(
        self,
        model: str,
        base_url: str = "",
        backend: str = "openai",
        key: str = "",
        kept: str = KEPT,
        answer_limit: str = "max_completion_tokens",
        temperature: float | None = 0.0,
        timeout: float = 120.0,
        tries: int = 6,
    ):
        find_backend(backend)
        self._asked = (model, backend, answer_limit, temperature)
        self._server, self._kept = (base_url, key, timeout, tries), kept

    def __str__(self) -> str:
        """Say who answers; by which address is nobody's business but the network's."""
        model, backend, *_ = self._asked
        return f"{model}, {backend}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Teller) and self.__getstate__() == other.__getstate__()

    def __hash__(self) -> int:
        return hash((self._asked, self._server, self._kept))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_line"}

    def __call__(self, asked: Asked) -> str:
        """Return what the model says; empty where it refuses, or says nothing.

        Raises:
            ServerError: it cannot be asked; the message says what to change.
        """
        model, name, answer_limit, temperature = self._asked
        backend, told = find_backend(name), (Text(_words(asked)),)
        question = Question(model, SYSTEM, told, None, TOKENS, answer_limit, temperature)
        kept = Transcript(Path(self._kept), key_of(backend.body(question))[:32])
        reply, _ = Desk(backend, lambda: self._line).ask(question, kept)
        return "" if reply.refusal else " ".join(reply.text.split())[:LONGEST]

    @cached_property
    def _line(self) -> Line:
        return Line(find_backend(self._asked[1]), *self._server)


def _words(asked: Asked) -> str:
    told = "".join(f"\nYou have told it before: {answer}" for answer in asked.told)
    return f"It is to: {asked.instruction}{told}\nWhat you know now: {asked.answer}\nIt asks you."
