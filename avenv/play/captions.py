"""What sounds where, in words: for those who do not hear it."""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike
from shapely import Polygon, contains_xy

from avenv.core.frames import to_body
from avenv.scene import CompiledScene
from avenv.simulation.emitters import Emitter
from avenv.simulation.state import State

_WAYS = ("ahead", "ahead on the left", "left", "behind on the left", "behind",
         "behind on the right", "right", "ahead on the right")  # fmt: skip


def way(offset: ArrayLike, heading: float) -> str:
    """Return in words where an offset (3,) lies from who faces ``heading``, one of eight ways."""
    ahead, left, _ = to_body(np.asarray(offset, np.float64), heading)
    return _WAYS[round(math.atan2(left, ahead) / (math.pi / 4)) % 8]


def room_of(compiled: CompiledScene, place: ArrayLike) -> str:
    """Return the name of the room that holds a place (2 or more,); empty where none does."""
    x, y = np.asarray(place)[:2]
    return next(
        (room.name for room in compiled.rooms if contains_xy(Polygon(room.polygon), x, y)), ""
    )


def caption(
    label: str, emitter: Emitter, time: float, compiled: CompiledScene, ear: ArrayLike,
    heading: float,
) -> str:  # fmt: skip
    """Return in a line what sounds, and where it is from an ear (3,): way, metres, room."""
    place = np.array(emitter.at(time))
    offset = place - np.asarray(ear)
    room = room_of(compiled, place)
    kind = emitter.sound.kind.replace("_", " ")
    name = label.replace("_", " ")
    what = name if kind in name else f"{name} ({kind})"
    distance = float(np.linalg.norm(offset))
    where = f"{way(offset, heading)}, {distance:.0f} m" if distance >= 0.5 else "here"
    return f"{what}: {where}" + (f", {room}" if room else "")


def captions(sources: Iterable[tuple[str, Emitter]], state: State, row: int = 0) -> list[str]:
    """Return a line on each source, given with its name, that one body may hear, nearest first."""
    time, clock = float(state.time[row]), int(state.clock[row])
    ear, heading = state.ears()[row], float(state.heading[row])
    sounding = [(name, e) for name, e in sources if e.is_sounding(clock)]
    sounding.sort(key=lambda pair: float(np.linalg.norm(np.array(pair[1].at(time)) - ear)))
    compiled = state.here[row].compiled
    return [caption(name, e, time, compiled, ear, heading) for name, e in sounding]
