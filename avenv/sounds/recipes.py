"""The table of the kinds of sound (``kinds.yaml``): how each is made, and from what parameters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from avenv.core.errors import SoundError
from avenv.sounds import (
    appliances,
    clocks,
    impacts,
    machines,
    music,
    signals,
    speech,
    voices,
    water,
)
from avenv.sounds.loop import Signal

Value = float | int | str

SPLITS = ("heard", "unheard")
"""Values to train on, and values that are kept back."""

_MODULES = (signals, clocks, machines, appliances, water, music, voices, impacts, speech)
_TABLE = Path(__file__).with_name("kinds.yaml")


@dataclass(frozen=True)
class Range:
    """Numbers between two, evenly likely; ``whole`` ones where both ends are written so."""

    low: float
    high: float
    whole: bool

    def draw(self, rng: np.random.Generator) -> float | int:
        """Draw a number."""
        if self.whole:
            return int(rng.integers(int(self.low), int(self.high), endpoint=True))
        return float(rng.uniform(self.low, self.high))


@dataclass(frozen=True)
class Words:
    """Words that variants take in turn."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class Recipe:
    """How one kind is made.

    Attributes:
        make: the function: a loop and the parameters in, a signal out.
        set: ``"heard"`` or ``"unheard"`` as a kind, or the name of a set of its own.
        seconds: length of its loop.
        parameters: by name, for each split.
        own: parameters for which other words than those in the table are accepted too.
        origin: where it comes from.
        licence: the terms it may be used under.
        version: of its recordings or its function, counted from 1; sounds of others are others.
    """

    make: Callable[..., Signal]
    set: str
    seconds: float
    parameters: Mapping[str, Mapping[str, Range | Words]]
    own: Sequence[str] = ()
    origin: str = "synthesised by avenv"
    licence: str = "MIT"
    version: int = 1

    def draw(self, split: str, variant: int, rng: np.random.Generator) -> dict[str, Value]:
        """Draw a value for each parameter; words are taken in turn, so that neighbours differ."""
        drawn: dict[str, Value] = {}
        turn = variant
        for name, splits in self.parameters.items():
            values = splits[split]
            if isinstance(values, Words):
                drawn[name] = values.words[turn % len(values.words)]
                turn //= len(values.words)
            else:
                drawn[name] = values.draw(rng)
        return drawn

    def words(self, name: str, split: str = "heard") -> tuple[str, ...]:
        """Return the words that a parameter may be; none if it is a number."""
        values = self.parameters[name][split]
        return values.words if isinstance(values, Words) else ()

    def read(self, name: str, text: str) -> Value:
        """Read a parameter set by hand: one of its words, or a number within all of its range.

        Raises:
            SoundError: there is no such parameter, or it cannot have this value.
        """
        if name not in self.parameters:
            raise SoundError(f"no parameter {name!r}; there are {', '.join(self.parameters)}")
        heard, unheard = (self.parameters[name][split] for split in SPLITS)
        if isinstance(heard, Words) and isinstance(unheard, Words):
            words = dict.fromkeys(heard.words + unheard.words)
            if text not in words and name not in self.own:
                raise SoundError(f"{name} is {text!r}; accepted: {', '.join(words)}")
            return text
        assert isinstance(heard, Range)
        assert isinstance(unheard, Range)
        low, high = min(heard.low, unheard.low), max(heard.high, unheard.high)
        try:
            number = int(text) if heard.whole else float(text)
        except ValueError:
            number = np.nan
        if not low <= number <= high:
            kind = "whole numbers from" if heard.whole else "from"
            raise SoundError(f"{name} is {text!r}; accepted: {kind} {low} to {high}")
        return number


def _values(row: list) -> Range | Words:
    if isinstance(row[0], str):
        return Words(tuple(row))
    low, high = row
    return Range(low, high, isinstance(low, int) and isinstance(high, int))


def _recipe(kind: str, row: dict[str, Any]) -> Recipe:
    name = row.pop("make", kind)
    make = next(vars(module)[name] for module in _MODULES if name in vars(module))
    parameters = {
        p: {s: _values(values[s] if isinstance(values, dict) else values) for s in SPLITS}
        for p, values in row.pop("parameters").items()
    }
    return Recipe(make, parameters=parameters, **row)


def _read_table() -> dict[str, Recipe]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is ten times faster
    rows = yaml.load(_TABLE.read_text(encoding="utf-8"), Loader=loader)
    return {kind: _recipe(kind, row) for kind, row in rows.items()}


RECIPES: dict[str, Recipe] = _read_table()
"""All kinds, by name."""
