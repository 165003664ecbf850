"""An emitter in a world, and its sound field at any time."""

from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.simulation.emitters import Emitter, Position, Trajectory

SPACING = 0.5
"""Metres between the places of a trajectory at which late fields are traced."""
_THINNEST = 0.02  # metres; no source slips through a door leaf, which is thicker


class Source:
    """An emitter in a scene; nobody listens, so that it has no sound field.

    Attributes:
        emitter: what sounds, where and when.
        near: a place nearby whose late field it has, or None: it has its own.

    Args:
        emitter: what sounds.
        scene: where, as an engine hears it.
        time: seconds from which on it is there; the way that lies behind does not count.
        near: a place nearby that it shares a late field with.

    Raises:
        SceneError: it is, or will be, inside a solid or outside the scene.
    """

    def __init__(
        self, emitter: Emitter, scene: Any, time: float = 0.0, near: Position | None = None
    ):
        self.emitter, self.near = emitter, near
        if isinstance(emitter.position, Trajectory):
            for place in emitter.position.after(time).places(_THINNEST):
                scene.check_position(place, "source")
        else:
            scene.check_position(emitter.position, "source")

    def renewed(self, emitter: Emitter) -> "Source":
        """Return this source with another emitter in its place, and the field that it has."""
        other = copy(self)
        other.emitter = emitter
        return other


class TracedSource(Source):
    """An emitter and its sound field.

    A late field takes too long to trace for every step of a moving source. It is traced at places
    on the way, half a metre apart and when first needed; the source has that of the nearest, and
    its early sound from where it really is. The stream fades from one to the next.

    Args:
        emitter: what sounds.
        scene: where, as the engine hears it.
        engine: of the sound propagation.
        ear_height: of those who listen, world metres.
        time: seconds from which on it is heard there; the way that lies behind does not count.
        near: a place within about a metre where its late field is traced in place of its own, so
            that what sounds once, anywhere, needs no field of its own.

    Raises:
        SceneError: it is, or will be, inside a solid or outside the scene.
    """

    def __init__(
        self,
        emitter: Emitter,
        scene: Any,
        engine: Any,
        ear_height: float,
        time: float = 0.0,
        near: Position | None = None,
    ):
        self._scene, self._engine, self._ear_height = scene, engine, ear_height
        if isinstance(emitter.position, Trajectory):
            super().__init__(emitter, scene, time)
            self._places = emitter.position.after(time).places(SPACING)
        elif near is not None:
            super().__init__(emitter, scene, time, near)
            self._field = self._traced(near).moved(np.array(emitter.position))
        else:  # it is checked before it is traced
            self.emitter, self.near = emitter, None
            self._field = self._traced(emitter.position)

    def field(self, time: float) -> Any:
        """Return its field at a time in seconds, of the engine's own kind."""
        if not isinstance(self.emitter.position, Trajectory):
            return self._field
        here = np.array(self.emitter.at(time))
        nearest = np.argmin(np.linalg.norm(self._places - here, axis=1))
        return self._traced(self._places[nearest]).moved(here)

    def __deepcopy__(self, memo: Any) -> "TracedSource":
        return copy(self)  # fields are never changed

    def _traced(self, place: Position | NDArray[np.float64]) -> Any:
        return self._engine.source_field(self._scene, place, self._ear_height)
