"""Who walks about bodies and is seen: where they are at a time, and in which of their shapes.

They stand on the floor that the body walks on, below where their sound comes from.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from avenv import vision
from avenv.core.frames import body_rotation
from avenv.scene.looks import step_length
from avenv.simulation.emitters import Emitter, Trajectory


def looks_of(emitters: Iterable[Emitter]) -> tuple[str, ...]:
    """Return what those look like that are seen among some emitters, each look once."""
    return tuple(sorted({emitter.look for emitter in emitters if emitter.look is not None}))


def guests_at(
    scene: Any, emitters: Sequence[Emitter], time: float, level: float
) -> vision.Instances:
    """Return where those are that are seen among some emitters, before one camera.

    Args:
        scene: ready to be drawn, with the looks of all of them.
        emitters: what sounds, whether it is seen or not.
        time: seconds since the episode began.
        level: of the floor that they walk on, metres.
    """
    seen = [emitter for emitter in emitters if emitter.look is not None]
    part = np.array([[_shape(scene, emitter, time) for emitter in seen]], np.int32)
    places = np.array([(*emitter.at(time)[:2], level) for emitter in seen]).reshape(-1, 3)
    rotation = body_rotation(np.array([_heading(emitter, time) for emitter in seen]))
    light = np.zeros((1, 0)) if not seen else scene.guests.spot_at(places)[None]
    return vision.Instances(part, rotation[None], places[None], light.astype(np.int32))


def _shape(scene: Any, emitter: Emitter, time: float) -> int:
    """Return the part of its scene that somebody is at a time: of one stride, then of the other."""
    assert emitter.look is not None
    still, *strides = scene.guests.parts[emitter.look]
    way = emitter.position
    if not strides or not isinstance(way, Trajectory) or not way.is_moving(time):
        return still
    return strides[int(way.walked(time) / step_length(emitter.look)) % len(strides)]


def _heading(emitter: Emitter, time: float) -> float:
    if isinstance(emitter.position, Trajectory):
        return emitter.position.heading(time)
    return emitter.facing
