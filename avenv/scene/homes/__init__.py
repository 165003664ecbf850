"""Procedural homes: endless by seed, and two fixed lists."""

from avenv.scene.homes.boxes import with_boxes, without_boxes
from avenv.scene.homes.checks import lacks, objects_in_doorways
from avenv.scene.homes.generate import HomeOptions, generate_home
from avenv.scene.homes.reverberation import reverberation_times
from avenv.scene.homes.sets import (
    SIZES,
    HomeSet,
    find_homes,
    home_reference,
    home_sounds,
    is_reference,
    make_home,
    pin_of,
    pins,
)

__all__ = [
    "SIZES",
    "HomeOptions",
    "HomeSet",
    "find_homes",
    "generate_home",
    "home_reference",
    "home_sounds",
    "is_reference",
    "lacks",
    "make_home",
    "objects_in_doorways",
    "pin_of",
    "pins",
    "reverberation_times",
    "with_boxes",
    "without_boxes",
]
