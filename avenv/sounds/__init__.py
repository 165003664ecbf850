"""Sounds: synthesised ones, files, and the sets that episodes choose from."""

from avenv.sounds.builtin import GENERATOR_VERSION, KINDS, SETS, parameters, synthesise
from avenv.sounds.loudness import LOUDNESS, loudness
from avenv.sounds.player import Player
from avenv.sounds.sets import VARIANTS, SoundSet, check_builtin, load_sounds
from avenv.sounds.sound import MIN_SAMPLE_RATE, Sound

__all__ = [
    "GENERATOR_VERSION",
    "KINDS",
    "LOUDNESS",
    "MIN_SAMPLE_RATE",
    "SETS",
    "VARIANTS",
    "Player",
    "Sound",
    "SoundSet",
    "check_builtin",
    "load_sounds",
    "loudness",
    "parameters",
    "synthesise",
]
