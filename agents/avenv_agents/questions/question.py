"""A question as it is written down, and files of them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from avenv.core.files import read_limited

SPLITS = ("train", "val", "test")
LETTERS = "ABCDE"
MAX_BYTES = 2**30


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        id: unique.
        split, axis, template, level: where it belongs.
        senses: what is needed to answer it: ``"both"`` or ``"ears"``.
        question: in words.
        options: the answers there are, of which ``answer``, a letter, is true.
        group: of questions that share all but what is to be found out.
        home: in which it was filmed.
        audio, video: files of the clips, in order; of recordings there are no films.
        odometry: degrees that the camera has turned to its left, every eighth of a second.
        short: the options in a word or two, for who is not told them; empty: it cannot be asked so.
    """

    id: str
    split: str
    axis: str
    template: str
    level: str
    senses: str
    question: str
    options: tuple[str, ...]
    answer: str
    group: str
    home: str
    audio: tuple[str, ...] = ()
    video: tuple[str, ...] = ()
    odometry: tuple[float, ...] = ()
    short: tuple[str, ...] = ()

    @property
    def chance(self) -> float:
        """How likely a guess is right."""
        return 1 / len(self.options)

    @property
    def letters(self) -> str:
        """The letters of the options."""
        return LETTERS[: len(self.options)]

    @property
    def text(self) -> str:
        """What a reader is told: the question and the options."""
        listed = [f"{letter}. {o}" for letter, o in zip(self.letters, self.options, strict=True)]
        return "\n".join([self.question, *listed])

    @property
    def open_text(self) -> str:
        """What a reader is told who is to answer without options."""
        return f"{self.question}\nAnswer in a word or two."


def write_questions(path: Path, questions: Iterable[Question]) -> None:
    """Write a file with one line of JSON for each question."""
    path.write_text("".join(json.dumps(asdict(q)) + "\n" for q in questions), encoding="utf-8")


def read_questions(path: Path) -> list[Question]:
    """Return the questions of a file.

    Raises:
        ValueError: it is none; the line is named.
    """
    return [_question(path, k, line) for k, line in enumerate(read_lines(path), 1)]


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the JSON objects of a file, one a line.

    Raises:
        ValueError: a line is none; it is named.
    """
    try:
        text = read_limited(path, MAX_BYTES).decode()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from error
    found = []
    for k, line in enumerate(filter(None, text.splitlines()), 1):
        try:
            found.append(json.loads(line))
        except ValueError as error:
            raise ValueError(f"{path}: line {k} is no JSON: {error}") from error
        if not isinstance(found[-1], dict):
            raise ValueError(f"{path}: line {k} is no JSON object")
    return found


def _question(path: Path, line: int, data: Mapping[str, Any]) -> Question:
    known = [of.name for of in fields(Question)]
    if set(data) != set(known):
        odd = sorted(set(data) ^ set(known))
        raise ValueError(f"{path}: line {line} is no question: {', '.join(odd)}")
    lists: Sequence[str] = ("options", "audio", "video", "odometry", "short")
    read: dict[str, Any] = {k: tuple(v) if k in lists else v for k, v in data.items()}
    return Question(**read)
