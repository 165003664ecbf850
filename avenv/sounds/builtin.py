"""The sounds that avenv makes, by name, and the sets that they are divided into.

A name says which: ``"phone/3"`` is variant 3 of a phone, ``"phone/unheard/3"`` the same with the
parameters that are kept back, and ``"phone/3?style=bell&tuning=0.9"`` sets some of them by hand.
"""

import re
import zlib
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache

import numpy as np

from avenv.core.errors import SoundError
from avenv.sounds.loop import Loop
from avenv.sounds.loudness import normalise
from avenv.sounds.recipes import RECIPES, SPLITS, Value
from avenv.sounds.sound import Sound, check_rate, digest

GENERATOR_VERSION = 1
"""Grows with every change of what the built-in sounds are: their hashes change with it."""

_NAME = re.compile(r"([a-z_]+)(/unheard)?(?:/(\d{1,9}))?(?:\?(.+))?")
_CACHED = 256  # sounds; 100 MB at 16 kHz


@dataclass(frozen=True)
class Name:
    """What the name of a built-in sound says; ``variant`` is None where it leaves that open."""

    kind: str
    split: str = "heard"
    variant: int | None = None
    fixed: tuple[tuple[str, Value], ...] = ()

    def __str__(self) -> str:
        text = self.kind + ("/unheard" if self.split == "unheard" else "")
        text += "" if self.variant is None else f"/{self.variant}"
        return text + ("?" + "&".join(f"{k}={v}" for k, v in self.fixed) if self.fixed else "")


KINDS: tuple[str, ...] = tuple(kind for kind, r in RECIPES.items() if r.set in SPLITS)
"""The kinds of sound that avenv makes by itself."""


def _all_of(sets: tuple[str, ...], splits: tuple[str, ...]) -> tuple[Name, ...]:
    return tuple(Name(k, s) for k, r in RECIPES.items() if r.set in sets for s in splits)


SETS: dict[str, tuple[Name, ...]] = {
    "heard": _all_of(("heard",), ("heard",)),
    "unheard": _all_of(("unheard",), ("unheard",)),
    "unheard_variants": _all_of(("heard",), ("unheard",)),
    "all": _all_of(SPLITS, SPLITS),
    "speech": _all_of(("speech",), ("heard",)),
    "unheard_speech": _all_of(("speech",), ("unheard",)),
}
"""What to train on; other kinds, drawn from other parameters; the same kinds, drawn from other
parameters; all of these and the rest; and speech, for which espeak-ng must be installed."""


def parse_name(text: str) -> Name | None:
    """Read the name of a built-in sound, ``None`` where it is not one.

    Raises:
        SoundError: the kind is built in, but has no such parameter, or not of this value.
    """
    match = _NAME.fullmatch(text)
    if match is None or match[1] not in RECIPES:
        return None
    kind, unheard, variant, settings = match.groups()
    fixed = []
    for setting in settings.split("&") if settings else ():
        parameter, _, value = setting.partition("=")
        try:
            fixed.append((parameter, RECIPES[kind].read(parameter, value)))
        except SoundError as error:
            raise SoundError(f"{text!r}: {error}") from None
    number = None if variant is None else int(variant)
    return Name(kind, SPLITS[bool(unheard)], number, tuple(fixed))


def parameters(name: str) -> dict[str, Value]:
    """Return what a built-in sound is made with, e.g. ``parameters("clock/3")["rate"]``.

    Raises:
        SoundError: avenv makes no sound of this name.
    """
    return _draw(_find(name))[0]


def synthesise(name: str, sample_rate: int = 16000) -> Sound:
    """Make a built-in sound: 4 to 8 seconds that loop without a seam, of the common loudness.

    The same name and rate give the same bits; a name without a number is variant 0. One name is
    the same sound at every rate, up to its bandwidth. The latest are kept in memory.

    Raises:
        SoundError: avenv makes no sound of this name, or the rate is below 8 kHz.
    """
    check_rate(sample_rate)
    return _synthesise(_find(name), sample_rate)


@lru_cache(maxsize=_CACHED)
def _synthesise(name: Name, sample_rate: int) -> Sound:
    recipe = RECIPES[name.kind]
    drawn, rng = _draw(name)
    signal = recipe.make(Loop(rng, sample_rate, recipe.seconds), **drawn)
    signal -= signal.mean()
    samples = normalise(signal, sample_rate)
    samples.setflags(write=False)  # because it is shared
    return Sound(
        str(name), name.kind, samples, sample_rate, recipe.origin, recipe.licence, _recipe(name)
    )


def _recipe(name: Name) -> str:
    """Return the digest of what a sound is made from: the same for all spellings of its name."""
    plain = replace(name, variant=name.variant or 0, fixed=tuple(sorted(dict(name.fixed).items())))
    version = RECIPES[name.kind].version
    made = f"{GENERATOR_VERSION}" if version == 1 else f"{GENERATOR_VERSION}.{version}"
    return digest(f"avenv {made}: {plain}")


def _find(text: str) -> Name:
    name = parse_name(text)
    if name is None:
        close = get_close_matches(text.partition("/")[0], RECIPES, n=3) or RECIPES
        raise SoundError(f"there is no built-in sound {text!r}; kinds are {', '.join(close)}")
    return name


def _draw(name: Name) -> tuple[dict[str, Value], np.random.Generator]:
    """Return the parameters of a sound, and the generator that they were drawn with."""
    variant = name.variant or 0
    seed = zlib.crc32(name.kind.encode()), SPLITS.index(name.split), variant
    rng = np.random.default_rng(seed)
    return RECIPES[name.kind].draw(name.split, variant, rng) | dict(name.fixed), rng
