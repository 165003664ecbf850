"""The kinds of values that the fields of a scene may have, in metres and degrees."""

import re
from pathlib import Path, PureWindowsPath
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator

# Strict, so that YAML's `yes` or "3" is a mistake rather than a length. Within a kilometre of the
# origin, compiled float32 coordinates keep to a tenth of a millimetre.
Coordinate = Annotated[float, Field(strict=True, ge=-1000, le=1000)]
Length = Annotated[float, Field(strict=True, gt=0, le=1000)]
Decibels = Annotated[float, Field(strict=True, ge=-100, le=100)]
Point = tuple[Coordinate, Coordinate]
Point3 = tuple[Coordinate, Coordinate, Coordinate]
Seconds = Annotated[float, Field(strict=True, ge=0, le=1e6)]
Name = Annotated[str, Field(min_length=1, pattern=r"^[^/\s][^/]*$")]

COMPASS = {"east": 0.0, "north": 90.0, "west": 180.0, "south": 270.0}
"""Directions in the plan, degrees; north is +Y."""


def _degrees_or_name(value: Any) -> float | str:
    if isinstance(value, str) and value:
        return value
    if _is_number(value) and abs(value) <= 3600:
        return float(value)
    raise ValueError(f"{value!r}: expected degrees, a direction, or the name of an object")


def _metres_or_end(value: Any) -> float | str:
    if isinstance(value, str) and value in COMPASS:
        return value
    if _is_number(value) and abs(value) <= 1000:
        return float(value)
    raise ValueError(f"{value!r}: expected metres, or one of {', '.join(COMPASS)}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _name_or_point(value: Any) -> str | tuple[float, float, float]:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, list | tuple) and len(value) == 3 and all(map(_is_number, value)):
        x, y, z = (float(v) for v in value)
        if max(map(abs, (x, y, z))) <= 1000:
            return x, y, z
    raise ValueError(f"{value!r}: expected the name of an object or of a source, or [x, y, z]")


def _goal_data(goal: str | tuple[float, float, float]) -> str | list[float]:
    return goal if isinstance(goal, str) else list(goal)


Facing = Annotated[float | str, PlainValidator(_degrees_or_name)]
Along = Annotated[float | str, PlainValidator(_metres_or_end)]
Goal = Annotated[
    str | tuple[float, float, float], PlainValidator(_name_or_point), PlainSerializer(_goal_data)
]


class Spec(BaseModel):
    """Plain data that does not change; a field that it does not have is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def names_file(sound: str) -> bool:
    """Return whether a sound is a file: it has an ending, and is no ``"phone?tuning=0.9"``.

    A path that starts at a root or at a drive is one whatever else it has.
    """
    if Path(sound).is_absolute() or PureWindowsPath(sound).anchor:
        return True
    return "?" not in sound and bool(Path(sound).suffix)


def short_name(sound: str) -> str:
    """Return what a source is called for its sound: ``phone`` for ``"phone/3?style=bell"``."""
    return Path(sound).stem if names_file(sound) else re.split("[/?]", sound)[0]
