"""The catalogue of synthesised sounds."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from avenv.errors import SoundError
from avenv.sounds import machines, music, signals, voices, water
from avenv.sounds.loop import Loop, Signal
from avenv.sounds.sound import MIN_SAMPLE_RATE, Sound, normalise


@dataclass(frozen=True)
class Recipe:
    """How one kind is made: its function, the length of its loop in seconds, its split."""

    make: Callable[[Loop], Signal]
    seconds: float
    split: str


RECIPES: dict[str, Recipe] = {
    "phone": Recipe(signals.phone, 6, "heard"),
    "alarm_clock": Recipe(signals.alarm_clock, 4, "heard"),
    "smoke_alarm": Recipe(signals.smoke_alarm, 4, "heard"),
    "doorbell": Recipe(signals.doorbell, 5, "unheard"),
    "clock": Recipe(signals.clock, 4, "heard"),
    "kettle": Recipe(water.kettle, 4, "unheard"),
    "tap": Recipe(water.tap, 6, "heard"),
    "shower": Recipe(water.shower, 5, "heard"),
    "fan": Recipe(machines.fan, 4, "heard"),
    "washing_machine": Recipe(machines.washing_machine, 6, "heard"),
    "vacuum_cleaner": Recipe(machines.vacuum_cleaner, 5, "unheard"),
    "microwave": Recipe(machines.microwave, 8, "heard"),
    "fridge": Recipe(machines.fridge, 5, "heard"),
    "music_box": Recipe(music.music_box, 8, "unheard"),
    "piano": Recipe(music.piano, 8, "heard"),
    "radio": Recipe(music.radio, 6, "heard"),
    "dog": Recipe(voices.dog, 5, "heard"),
    "cat": Recipe(voices.cat, 5, "unheard"),
    "baby": Recipe(voices.baby, 6, "heard"),
    "tv": Recipe(voices.tv, 6, "unheard"),
}

KINDS: tuple[str, ...] = tuple(RECIPES)
"""The kinds of sound that avenv can make."""

SPLITS: dict[str, tuple[str, ...]] = {
    "heard": tuple(k for k, r in RECIPES.items() if r.split == "heard"),
    "unheard": tuple(k for k, r in RECIPES.items() if r.split == "unheard"),
    "all": KINDS,
}
"""Kinds to train on, kinds kept for testing on sounds never heard before, and both."""


def synthesise(kind: str, sample_rate: int = 16000, variant: int = 0) -> Sound:
    """Make one variant of a built-in sound: 4 to 8 seconds that loop without a seam.

    The same kind, variant and rate give the same bits. Variants differ in pitch, rhythm and, for
    some kinds, style; one variant is the same sound at every rate, up to its bandwidth.

    Raises:
        SoundError: the kind is unknown, the variant negative or the rate below 8 kHz.
    """
    check_kind(kind)
    check_rate(sample_rate)
    if variant < 0:
        raise SoundError(f"variant is {variant}; it counts from 0")
    recipe = RECIPES[kind]
    rng = np.random.default_rng((zlib.crc32(kind.encode()), variant))
    loop = Loop(rng, sample_rate, recipe.seconds, variant)
    signal = recipe.make(loop)
    signal -= signal.mean()
    return Sound(
        f"{kind}/{variant}",
        kind,
        normalise(signal, sample_rate),
        sample_rate,
        "synthesised by avenv",
    )


def check_kind(kind: str) -> None:
    """Raise a SoundError unless avenv can make this kind of sound."""
    if kind not in RECIPES:
        close = get_close_matches(kind, KINDS, n=3) or KINDS
        raise SoundError(f"unknown kind of sound {kind!r}; built-in: {', '.join(close)}")


def check_rate(sample_rate: int) -> None:
    """Raise a SoundError unless the sample rate can carry the sounds."""
    if sample_rate < MIN_SAMPLE_RATE:
        raise SoundError(f"sample_rate is {sample_rate} Hz; at least {MIN_SAMPLE_RATE} is needed")
