"""The sets of homes: ``homes:train``, endless by seed, and the fixed ``homes:val``, ``homes:test``.

Every home has a number in its set; ``homes:val+boxes`` are those of ``homes:val``, with boxes. The
seeds of the sets begin with different numbers, so that no home of one can be drawn in another.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from avenv.core.errors import SceneError
from avenv.scene.catalogue import kind, kind_names
from avenv.scene.homes.boxes import SUFFIX, with_boxes, without_boxes
from avenv.scene.homes.generate import generate_home
from avenv.scene.spec import SceneSpec

PREFIX = "homes:"
SIZES = {"train": 2**31, "val": 50, "test": 50}
"""Homes in each set."""

_STREAMS = {"train": 0, "val": 1, "test": 2}
_REFERENCE = re.compile(r"homes:([a-z]+)(?:/(\d+)(?:-(\d+))?)?(\+boxes)?")
_PINS = Path(__file__).with_name("pins.json")


@dataclass(frozen=True)
class HomeSet:
    """Some homes of one set: all, a range, or a single one.

    Attributes:
        split: name of the set: ``"val"``, or ``"val+boxes"``.
        numbers: of the homes.
    """

    split: str
    numbers: range

    def __len__(self) -> int:
        return len(self.numbers)


def is_reference(scene: object) -> bool:
    """Return whether something means homes: ``"homes:val"``, ``"homes:train/0-99"``."""
    return isinstance(scene, str) and scene.startswith(PREFIX)


def find_homes(reference: str) -> HomeSet:
    """Return the homes that ``homes:val``, ``homes:val/3`` or ``homes:train/0-99`` means.

    Raises:
        SceneError: there is no such set, or it has no homes of these numbers.
    """
    found = _REFERENCE.fullmatch(reference)
    if found is None or found[1] not in SIZES:
        raise SceneError(
            f"{reference!r} names no homes; accepted: {', '.join(PREFIX + s for s in SIZES)}, one "
            "of them (homes:val/3) or some (homes:train/0-99), with boxes (homes:val+boxes) or not"
        )
    size, split = SIZES[found[1]], found[1] + (found[4] or "")
    if found[2] is None:
        return HomeSet(split, range(size))
    first = int(found[2])
    last = first if found[3] is None else int(found[3])
    if not first <= last < size:
        raise SceneError(
            f"{reference!r}: {PREFIX}{split} has the homes 0 to {size - 1}; accepted: one of these "
            "numbers, or two in ascending order"
        )
    return HomeSet(split, range(first, last + 1))


def home_reference(split: str, first: int, last: int | None = None) -> str:
    """Return what names a home of a set, or those from one number to another."""
    plain, numbers = without_boxes(split), f"{first}" if last is None else f"{first}-{last}"
    return f"{PREFIX}{split if plain is None else plain}/{numbers}{SUFFIX * (plain is not None)}"


def make_home(split: str, number: int) -> SceneSpec:
    """Return a home of a set, the same one every time.

    Raises:
        SceneError: a home of a fixed list came out other than it was when the list was fixed, as
            another version of NumPy might make it; results would not compare with those of others.
    """
    if (plain := without_boxes(split)) is not None:
        return with_boxes(make_home(plain, number))
    home = generate_home([_STREAMS[split], number], name=f"homes-{split}-{number}")
    pinned = pins().get(split)
    if pinned is not None and pin_of(home) != pinned[number]:
        raise SceneError(
            f"{PREFIX}{split}/{number} is not the home that it was when this version was "
            "released; results on it would not compare. Install the versions of constraints.txt"
        )
    return home


def pin_of(home: SceneSpec) -> str:
    """Return the exact hash (hexadecimal, 16 digits) by which a home of a fixed list is known.

    Unlike ``SceneSpec.content_hash`` it tells the last digit of every number, and no version.
    """
    text = json.dumps(home.to_dict(), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def pins() -> dict[str, list[str]]:
    """Return the content hashes of the homes of the fixed lists."""
    return dict(json.loads(_PINS.read_text(encoding="utf-8")))


@cache
def home_sounds() -> frozenset[str]:
    """Return the sounds that sources of homes may play: those of all kinds of the catalogue."""
    return frozenset(s for name in kind_names() if (s := kind(name).sound) is not None)
