"""What bodies hear of the emitters around them."""

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.acoustics import ResponseBatch, Stream
from avenv.core.errors import SoundError
from avenv.simulation.emitters import Emitter, Position, Trajectory
from avenv.simulation.settings import Sensors
from avenv.simulation.world import World

SPACING = 0.5
"""Metres between the places of a trajectory at which late fields are traced."""
_THINNEST = 0.05  # metres; no source slips through a wall that is thicker


class Source:
    """An emitter in a prepared scene, and its sound field at any time.

    A late field takes too long to trace for every step of a moving source. It is traced at places
    on the way, half a metre apart and when first needed; the source has that of the nearest, and
    its early sound from where it really is. The stream fades from one to the next.

    Raises ``SceneError`` where it is, or will be, inside a solid or outside the scene.
    """

    def __init__(self, emitter: Emitter, scene: Any, engine: Any, ear_height: float):
        self.emitter = emitter
        self._scene, self._engine, self._ear_height = scene, engine, ear_height
        if isinstance(emitter.position, Trajectory):
            self._places = emitter.position.places(SPACING)
            for place in emitter.position.places(_THINNEST):
                scene.check_position(place, "source")
        else:
            self._field = self._traced(emitter.position)

    def field(self, time: float) -> Any:
        """Return its field at a time in seconds, of the engine's own kind."""
        if not isinstance(self.emitter.position, Trajectory):
            return self._field
        here = np.array(self.emitter.at(time))
        nearest = np.argmin(np.linalg.norm(self._places - here, axis=1))
        return self._traced(self._places[nearest]).moved(here)

    def renewed(self, emitter: Emitter) -> "Source":
        """Return this source with another emitter in its place, and the field that it has."""
        other = copy(self)
        other.emitter = emitter
        return other

    def _traced(self, place: Position | NDArray[np.float64]) -> Any:
        return self._engine.source_field(self._scene, place, self._ear_height)


class Hearing:
    """The ears of E bodies.

    Args:
        sensors: rate, step and window of the sound.
        num_envs: number of bodies, E.
        engine: of the sound propagation.
        backend: whose engine that is, a name in ``avenv.acoustics.BACKENDS``.
    """

    def __init__(self, sensors: Sensors, num_envs: int, engine: Any, backend: str = "native"):
        self._rate, self._step = sensors.sample_rate, sensors.step_samples
        self._engine, self._backend = engine, backend
        self._stream = Stream(
            num_envs, sensors.channels, self._step, sensors.window_samples, engine.length
        )
        self._sources: dict[int, tuple[Source, ...]] = {}
        self._ear_heights: dict[int, float] = {}

    @property
    def window(self) -> NDArray[np.float32]:
        """The latest sound at the ears, (E, C, W) float32; a microphone saturates at full scale."""
        return np.clip(self._stream.window, -1.0, 1.0)

    def place(
        self, row: int, world: World, ear: NDArray[np.float64], emitters: Sequence[Emitter]
    ) -> None:
        """Put one head (3,) into a world with emitters; ``begin`` lets it hear their past.

        Raises:
            SceneError: a source or the head is inside something solid or outside the scene.
            SoundError: a sound has another sample rate.
        """
        self._check_rates(emitters)
        scene = world.acoustics_for(self._backend)
        scene.check_position(ear, "listener")
        sources = tuple(Source(e, scene, self._engine, float(ear[2])) for e in emitters)
        self._sources[row] = sources
        self._ear_heights[row] = float(ear[2])

    def _check_rates(self, emitters: Sequence[Emitter]) -> None:
        for emitter in emitters:
            if emitter.sound.sample_rate != self._rate:
                raise SoundError(
                    f"sound {emitter.sound.name!r} is at {emitter.sound.sample_rate} Hz; "
                    f"it must be at {self._rate} Hz"
                )

    def change(self, row: int, world: World, emitters: Sequence[Emitter], now: float) -> None:
        """Let the world about one body be another from now (s) on: a door closes, a radio plays.

        What has sounded so far goes on to ring. The first emitters are those that it had, as they
        are from now on; further ones are new. A source that has ended keeps its place.

        Raises:
            SceneError: a source that has not ended is inside something solid or outside the scene.
            SoundError: a sound has another sample rate.
        """
        self._check_rates(emitters)
        ear_height, scene = self._ear_heights[row], world.acoustics_for(self._backend)
        old = self._sources[row]
        sources = []
        for k, emitter in enumerate(emitters):
            if k < len(old) and emitter.end is not None and emitter.end <= now:
                sources.append(old[k].renewed(emitter))
            else:
                sources.append(Source(emitter, scene, self._engine, ear_height))
        self._stream.make_room(len(sources))
        self._sources[row] = tuple(sources)

    def begin(
        self, rows: NDArray[np.int64], ears: NDArray[np.float64], heading: NDArray[np.float64]
    ) -> None:
        """Let some bodies hear, at time 0, as if they had stood where they are for ever.

        Args:
            rows: (R,) the bodies.
            ears: (E, 3) the centres of all heads, world metres.
            heading: (E,) of all bodies, radians.
        """
        pairs = [(row, k) for row in rows.tolist() for k in range(len(self._sources[row]))]
        responses = self._responses(pairs, np.zeros(len(ears)), ears, heading)
        past, first = self._stream.past, 0
        for row in rows.tolist():
            emitted = [source.emitter.samples(-past, past) for source in self._sources[row]]
            histories = np.array(emitted, np.float32).reshape(-1, past)
            self._stream.reset(row, histories, responses[first : first + len(histories)])
            first += len(histories)

    def go_on(
        self,
        rows: NDArray[np.int64],
        clock: NDArray[np.int64],
        ears: NDArray[np.float64],
        heading: NDArray[np.float64],
    ) -> None:
        """Let some bodies hear one step more; arguments as for ``begin``.

        The sound fades from what it was to how it is at their present poses. ``clock`` (E,) is when
        the step began, in samples.
        """
        dry = np.zeros((len(rows), self._stream.sources, self._step), np.float32)
        for i, row in enumerate(rows.tolist()):
            for k, source in enumerate(self._sources[row]):
                dry[i, k] = source.emitter.samples(int(clock[row]), self._step)
        which, source_of = np.nonzero(self._stream.audible(rows, dry))
        pairs = list(zip(rows[which].tolist(), source_of.tolist(), strict=True))
        now = (clock + self._step) / self._rate
        self._stream.push(rows, dry, self._responses(pairs, now, ears, heading))

    def _responses(
        self,
        pairs: Sequence[tuple[int, int]],
        now: NDArray[np.float64],
        ears: NDArray[np.float64],
        heading: NDArray[np.float64],
    ) -> NDArray[np.float32]:
        """Return the responses (J, C, L) of pairs of a row and a source, at times (E,) seconds."""
        sources = [self._sources[row][k] for row, k in pairs]
        rows = np.array([row for row, _ in pairs], np.int64)
        batch = ResponseBatch(
            fields=[s.field(now) for s, now in zip(sources, now[rows].tolist(), strict=True)],
            field_of=np.arange(len(pairs)),
            listeners=ears[rows],
            headings=heading[rows],
            directivities=[source.emitter.directivity for source in sources],
            facings=np.array([source.emitter.facing for source in sources], np.float64),
        )
        return self._engine.responses(batch)
