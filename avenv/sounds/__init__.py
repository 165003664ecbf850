"""Sounds: synthesised ones, files, and the sets that episodes choose from."""

from avenv.sounds.builtin import KINDS, SPLITS, synthesise
from avenv.sounds.sets import VARIANTS, SoundSet, load_sounds
from avenv.sounds.sound import ACTIVE_RMS, MIN_SAMPLE_RATE, Sound

__all__ = [
    "ACTIVE_RMS",
    "KINDS",
    "MIN_SAMPLE_RATE",
    "SPLITS",
    "VARIANTS",
    "Sound",
    "SoundSet",
    "load_sounds",
    "synthesise",
]
