"""The words of instructions, and their numbers: what the sensor ``instruction`` observes.

``vocabulary.txt`` has a word in each line; the first is number 1, and 0 stands for no word.
Policies remember the numbers, so words are only ever added at the end. Capitals and punctuation do
not count, and ``alarm_clock`` is two words.
"""

import re
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avenv.core.suggest import did_you_mean

LENGTH = 32
"""Words of an instruction, at most."""

_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_FILE = Path(__file__).with_name("vocabulary.txt")


@cache
def vocabulary() -> tuple[str, ...]:
    """Return the words; that of number n is ``vocabulary()[n - 1]``."""
    return tuple(_FILE.read_text(encoding="utf-8").split())


@cache
def _numbers() -> dict[str, int]:
    return {word: number for number, word in enumerate(vocabulary(), 1)}


def words(instruction: str) -> list[str]:
    """Return the words of an instruction, as the vocabulary spells them."""
    return _WORD.findall(instruction.lower().replace("_", " "))


def can_say(text: str) -> bool:
    """Return whether all words of a text are in the vocabulary, and there are not too many."""
    spelled = words(text)
    return len(spelled) <= LENGTH and all(word in _numbers() for word in spelled)


def tokens(instruction: str) -> NDArray[np.int32]:
    """Return the numbers (LENGTH,) of the words of an instruction, 0 after the last.

    Raises:
        ValueError: a word is not in the vocabulary, or there are more than ``LENGTH``.
    """
    spelled, numbers = words(instruction), _numbers()
    if len(spelled) > LENGTH:
        raise ValueError(
            f"the instruction {instruction!r:.80} has {len(spelled)} words; accepted: up to "
            f"{LENGTH}"
        )
    for word in spelled:
        if word not in numbers:
            raise ValueError(
                f"the instruction {instruction!r:.80} has the word {word!r}; accepted: the "
                f"{len(numbers)} words of avenv/simulation/vocabulary.txt"
                f"{did_you_mean(word, numbers)}"
            )
    out = np.zeros(LENGTH, np.int32)
    out[: len(spelled)] = [numbers[word] for word in spelled]
    return out
