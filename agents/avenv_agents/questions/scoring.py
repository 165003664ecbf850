"""How good answers are, by axis and template, with intervals."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from avenv.benchmark.metrics import wilson
from avenv_agents.questions.groups import AXES
from avenv_agents.questions.question import Question, read_lines

_FIGURES = {"1": "one", "2": "two", "3": "three", "1st": "first", "2nd": "second"}


def read_answers(path: Path, questions: Sequence[Question]) -> dict[str, str]:
    """Return the letters in a file of lines ``{"id": ..., "answer": "A"}``, by question.

    A letter in a text counts (``"B. the kettle"``), and else an option's short form (``"behind"``);
    what is neither is a wrong answer.

    Raises:
        ValueError: the file is none, or answers a question twice or one that was not asked.
    """
    known, answers = {q.id: q for q in questions}, dict[str, str]()
    for k, line in enumerate(read_lines(path), 1):
        name = line.get("id")
        if name not in known or "answer" not in line:
            raise ValueError(f"{path}: line {k} answers {name!r:.60}, which was not asked")
        if name in answers:
            raise ValueError(f"{path}: line {k} answers {name!r} again")
        text, asked = str(line["answer"]), known[str(name)]
        answers[asked.id] = letter_of(text, asked) or letter_in_words(text, asked)
    return answers


def letter_of(text: str, question: Question) -> str:
    """Return the letter that an answer begins with, or of the option that it is; else nothing."""
    words = text.strip().strip("()*\"'")
    for letter, option in zip(question.letters, question.options, strict=True):
        if words.lower() == option.lower():
            return letter
    first, rest = words[:1].upper(), words[1:2]
    return first if first in question.letters and not rest.isalnum() and first else ""


def letter_in_words(text: str, question: Question) -> str:
    """Return the letter of the one option that a text names in short; else nothing.

    Figures are numbers in words, and what another short form is part of counts as that one alone.
    """
    said = f" {' '.join(re.findall(r'[a-z0-9]+', text.lower()))} "
    for figure, word in _FIGURES.items():
        said = said.replace(f" {figure} ", f" {word} ")
    found = []
    for short in sorted(question.short, key=len, reverse=True):
        if f" {short} " in said:
            said = said.replace(f" {short} ", "  ")
            found.append(question.letters[question.short.index(short)])
    return found[0] if len(found) == 1 else ""


def table(
    questions: Sequence[Question],
    answers: Mapping[str, str],
    name: str,
    controls: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> str:
    """Return in Markdown how good answers are: all, by axis, by template and by level.

    Args:
        questions: that were asked.
        answers: letters by question.
        name: of who answered.
        controls: answers of others by their name, a column for each; scored are those they have.
    """
    rows = [("all", questions)]
    rows += [(axis, [q for q in questions if q.axis == axis]) for axis in AXES]
    names = dict.fromkeys(q.template for q in questions)
    rows += [(f"– {one}", [q for q in questions if q.template == one]) for one in names]
    rows += [(f"{level} ones", [q for q in questions if q.level == level])
             for level in ("easy", "hard")]  # fmt: skip
    lines = [[name, "questions", "right, 95 %", "chance", *controls]]
    lines.append(["---"] * len(lines[0]))
    for title, own in rows:
        if own:
            chance = sum(q.chance for q in own) / len(own)
            others = [
                _share([q for q in own if q.id in other], other) for other in controls.values()
            ]
            lines.append([title, str(len(own)), _share(own, answers), f"{chance:.2f}", *others])
    silent = sum(not answers.get(q.id) for q in questions)
    told = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return told + (f"\n\n{silent} have no answer of use, and count as wrong." if silent else "")


def _share(questions: Sequence[Question], answers: Mapping[str, str]) -> str:
    """Return the share that is right, with Wilson's interval; nothing of no questions."""
    if not questions:
        return ""
    right = sum(answers.get(q.id) == q.answer for q in questions)
    share, low, high = wilson(right, len(questions))
    return f"{share:.2f} [{low:.2f}, {high:.2f}]"
