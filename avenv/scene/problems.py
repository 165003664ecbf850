"""Say everything that is wrong with a scene at once, each line with its place and the remedy."""

import re
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from avenv.core.errors import SceneError
from avenv.core.suggest import did_you_mean

Model = TypeVar("Model", bound=BaseModel)

MOST_LINES = 100
"""Problems that one message tells; it counts the others."""

MOST_LETTERS = 500
"""Letters that it tells of each."""


class Problems:
    """Collects what is wrong, then raises one ``SceneError`` with a line for each problem.

    The first ``MOST_LINES`` are told, the others counted.

    Args:
        source: the file or the scene, named at the start of every line.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._lines: list[str] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, place: str, text: str) -> None:
        """Note that the field at ``place`` (``"doors[2].position"``) has the problem ``text``."""
        self._count += 1
        if len(self._lines) < MOST_LINES:
            line = f"{self._source}: {place}: {text}" if place else f"{self._source}: {text}"
            self._lines.append(line if len(line) <= MOST_LETTERS else f"{line[:MOST_LETTERS]}...")

    def add_invalid(self, error: ValidationError, fields: Mapping[str, Iterable[str]]) -> None:
        """Note every finding of pydantic.

        ``fields`` are the known fields of each list's items, by where the list is
        (``"episodes.sources"``), and under ``""`` those of the whole.
        """
        for finding in error.errors(include_url=False):
            short = finding["type"] == "too_short"
            if short and len(finding["input"]) >= finding["ctx"]["min_length"]:
                continue  # it is too short only without the items that have findings of their own
            is_told = len(self._lines) < MOST_LINES
            text = _describe(finding, fields) if is_told else ""
            self.add(field_path(finding["loc"]), text)

    def check(self) -> None:
        """Raise what was collected, if anything was, and nothing of what it was made from."""
        lines = list(self._lines)
        if more := self._count - len(lines):
            lines.append(f"{self._source}: and {more:,} problems more")
        if lines:
            raise SceneError("\n".join(lines)) from None


def checked(
    model: type[Model], data: Any, source: str, items: Mapping[str, Iterable[str]] | None = None
) -> Model:
    """Return plain data as a model; messages begin with ``source``.

    Args:
        model: what it is to be.
        data: the fields.
        source: the file or the scene.
        items: known fields of each list's items, as in ``Problems.add_invalid``.

    Raises:
        SceneError: a field is missing or unknown, or has a value that it cannot have.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = Problems(source)
        problems.add_invalid(error, {"": model.model_fields, **(items or {})})
        problems.check()
        raise


def field_path(location: Iterable[str | int]) -> str:
    """Return ``("doors", 2, "position")`` as ``"doors[2].position"``."""
    path = "".join(f"[{k}]" if isinstance(k, int) else f".{k}" for k in location)
    return path.removeprefix(".")


def xy_text(point: Sequence[float] | NDArray[np.float64]) -> str:
    """Return a place in the plan (x, y), metres, as messages tell it."""
    return f"[{point[0]:.2f}, {point[1]:.2f}]"


def suggest(name: str, choices: Iterable[str]) -> str:
    """Return the end of a message about an unknown name: its near matches, or all choices."""
    choices = sorted(choices)
    return did_you_mean(name, choices) or f"; known are: {', '.join(choices) or 'none'}"


def _describe(finding: ErrorDetails, fields: Mapping[str, Iterable[str]]) -> str:
    if finding["type"] == "extra_forbidden":
        *parents, name = finding["loc"]
        known = fields[".".join(part for part in parents if isinstance(part, str))]
        return f"unknown field{suggest(str(name), known)}"
    if finding["type"] == "missing":
        return "is missing"
    if finding["type"] == "value_error":  # raised by a spec's own check
        return str(finding["ctx"]["error"])
    # Pydantic's message, without its Python types.
    message = re.sub(r"dictionary( or instance of \w+)?", "mapping", finding["msg"])
    message = message.replace("tuple", "list").replace("Tuple", "The list")
    return f"{reprlib.repr(finding['input'])}: {message}"
