"""What bodies hear of the sources around them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avenv.acoustics import AcousticSettings, ResponseBatch, Stream, find_backend
from avenv.core.errors import SoundError
from avenv.core.memo import Memo
from avenv.simulation import noise
from avenv.simulation.emitters import Emitter, Position
from avenv.simulation.source import TracedSource
from avenv.simulation.state import State
from avenv.simulation.world import World

if TYPE_CHECKING:
    from avenv.simulation.settings import SensorSettings

PROPAGATION = AcousticSettings(max_time=1.0, rays=2048)
"""A second of response: homes decay by 60 dB in less. With half the rays of a question all gates of
the sound hold, and a new source is heard the sooner."""


class Ears:
    """The ears of E bodies.

    Args:
        settings: rate, step, window and layout of the sound.
        state: of the bodies.
        acoustics: the backend of the sound, a name in ``avenv.acoustics.BACKENDS``.
        propagation: how finely it works.

    Attributes:
        window: (E, C, W) float32, the latest sound; a microphone saturates at full scale.
    """

    def __init__(
        self,
        settings: "SensorSettings",
        state: State,
        acoustics: str = "native",
        propagation: AcousticSettings | None = None,
    ):
        self._settings, self._state, self._acoustics = settings, state, acoustics
        self.engine = find_backend(acoustics).Engine(
            settings.sample_rate,
            settings.layout,
            settings=propagation or PROPAGATION,
            hrtf=settings.hrtf,
        )
        shape = len(state), settings.channels, settings.window_samples
        noisy = settings.microphone_noise is not None
        self._stream = Stream(
            shape[0], shape[1], settings.step_samples, shape[2], self.engine.length,
            limit=np.inf if noisy else 1.0,
        )  # fmt: skip
        self._hiss = np.zeros(shape if noisy else (0, 0, 0), np.float32)
        self.window = np.zeros(shape, np.float32) if noisy else self._stream.window
        self._dry = np.zeros((shape[0], 0, settings.step_samples), np.float32)
        self._heard = np.zeros((0, shape[1], self.engine.length), np.float32)
        self._given = Memo()  # by row and source, what its latest response is of

    def traced(
        self, emitter: Emitter, world: World, time: float = 0.0, near: Position | None = None
    ) -> TracedSource:
        """Return an emitter with its sound field in a world from a time in seconds on.

        Its late field is that of a place ``near`` it, where one is given.

        Raises:
            SceneError: it is, or will be, inside a solid or outside the scene.
            SoundError: its sound has another sample rate.
        """
        if emitter.sound.sample_rate != self._settings.sample_rate:
            raise SoundError(
                f"sound {emitter.sound.name!r} is at {emitter.sound.sample_rate} Hz; "
                f"it must be at {self._settings.sample_rate} Hz"
            )
        scene = world.acoustics_for(self._acoustics)
        body = self._state.body
        height = world.level_for(body) + body.ear_height
        return TracedSource(emitter, scene, self.engine, height, time, near)

    def check_position(self, world: World, ear: NDArray[np.float64]) -> None:
        """Raise ``SceneError`` if a head (3,) would be inside something solid, or outside."""
        world.acoustics_for(self._acoustics).check_position(ear, "listener")

    def make_room(self, sources: int) -> None:
        """Let every body have at least this many sources."""
        self._stream.make_room(sources)

    def begin(self, rows: NDArray[np.int64]) -> None:
        """Let some bodies (R,) hear, at time 0, as if they had stood where they are for ever."""
        state = self._state
        pairs = [(row, k) for row in rows.tolist() for k in range(len(state.sources[row]))]
        responses = self._responses(pairs, [self._field(*pair) for pair in pairs])
        past, first = self._stream.past, 0
        most = max((len(state.sources[row]) for row in rows.tolist()), default=0)
        histories = np.empty((most, past), np.float32)
        for row in rows.tolist():
            count = len(state.sources[row])
            for source, history in zip(state.sources[row], histories[:count], strict=True):
                source.emitter.samples(-past, past, history)
            self._stream.reset(row, histories[:count], responses[first : first + count])
            first += count
        began = set(rows.tolist())
        for pair in [pair for pair in self._given if pair[0] in began]:
            del self._given[pair]
        self._hear(rows, self._settings.window_samples)

    def advance(self, rows: NDArray[np.int64]) -> None:
        """Let some bodies (R,) hear one step more, which has just passed.

        The sound fades from what it was to how it is at their present poses.
        """
        dry = self._emitted(rows)
        renewed = self._stream.audible(rows, dry)
        pairs, fields = [], []
        for i, k in zip(*map(np.ndarray.tolist, renewed.nonzero()), strict=True):
            pair = int(rows[i]), k
            field, place = self._field(*pair), self._place(*pair)
            before = self._given.get(pair)
            if before and before[0] is field and before[1] == place:
                renewed[i, k] = False  # nothing moved, and the response is the same
                continue
            self._given[pair] = field, place
            pairs.append(pair)
            fields.append(field)
        self._stream.push(rows, dry, self._responses(pairs, fields), renewed)
        self._hear(rows, self._settings.step_samples)

    def _field(self, row: int, k: int) -> Any:
        """Return the sound field of a source as it is now."""
        return self._state.sources[row][k].field(self._state.clock[row] / self._state.sample_rate)

    def _place(self, row: int, k: int) -> tuple:
        """Return what else the response of a source depends on."""
        state, emitter = self._state, self._state.sources[row][k].emitter
        x, y = state.position[row].tolist()
        pose = x, y, float(state.level[row]), float(state.heading[row])
        return *pose, emitter.directivity, emitter.facing

    def _emitted(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return what each source of some rows (R, K, S) emits during the step that has passed."""
        state, step = self._state, self._settings.step_samples
        if self._dry.shape[1] != self._stream.sources:
            self._dry = np.zeros((len(state), self._stream.sources, step), np.float32)
        dry, clock = self._dry[: len(rows)], state.clock
        for i, row in enumerate(rows.tolist()):
            start, sources = int(clock[row]) - step, state.sources[row]
            for k, source in enumerate(sources):
                source.emitter.samples(start, step, dry[i, k])
            dry[i, len(sources) :] = 0
        return dry

    def _responses(
        self, pairs: Sequence[tuple[int, int]], fields: Sequence[Any]
    ) -> NDArray[np.float32]:
        """Return the responses (J, C, L) of pairs of a row and a source, which have these fields.

        The next call overwrites them.
        """
        state = self._state
        rows = np.array([row for row, _ in pairs], np.int64)
        emitters = [state.sources[row][k].emitter for row, k in pairs]
        if len(self._heard) < len(pairs):
            shape = len(pairs), self._settings.channels, self.engine.length
            self._heard = np.empty(shape, np.float32)
        batch = ResponseBatch(
            fields,
            np.arange(len(pairs)),
            state.ears()[rows],
            state.heading[rows],
            [emitter.directivity for emitter in emitters],
            np.array([emitter.facing for emitter in emitters], np.float64),
        )
        return self.engine.responses(batch, self._heard[: len(pairs)])

    def _hear(self, rows: NDArray[np.int64], new: int) -> None:
        """Renew the windows of some rows, of which so many samples are new.

        Raises:
            SoundError: what a row hears is not finite; the message names the source.
        """
        finite = self._stream.finite[rows]
        if not finite.all():
            raise self._unheard(int(rows[np.argmin(finite)]), new)
        if self._settings.microphone_noise is not None:
            heard = self._stream.window[rows]
            self._add_noise(self._settings.microphone_noise, rows, heard, new)
            self.window[rows] = np.clip(heard, -1.0, 1.0)

    def _unheard(self, row: int, new: int) -> SoundError:
        """Return an error that names the source that makes the sound of a row not finite."""
        state, culprits = self._state, []
        for k, source in enumerate(state.sources[row]):
            emitter = source.emitter
            x, y, z = emitter.at(float(state.time[row]))
            who = f"{emitter.sound.name!r} at ({x:.2f}, {y:.2f}, {z:.2f})"
            if not np.isfinite(emitter.samples(int(state.clock[row]) - new, new)).all():
                culprits.append(f"{who} emits such samples")
            elif not np.isfinite(self._responses([(row, k)], [self._field(row, k)])).all():
                culprits.append(f"the response to {who} has such samples")
        sources = ", ".join(repr(e.sound.name) for e in state.emitters(row))
        return SoundError(
            f"{state.here[row].name}: what is heard has NaN or infinite samples: "
            f"{'; '.join(culprits) or f'of the sources {sources}'}"
        )

    def _add_noise(
        self,
        microphones: noise.MicrophoneNoise,
        rows: NDArray[np.int64],
        heard: NDArray[np.float32],
        new: int,
    ) -> None:
        """Add to windows (R, C, W) what their microphones do; what was heard stays as it was."""
        state, channels = self._state, self._settings.channels
        for i, row in enumerate(rows.tolist()):
            seed, step = int(state.seed[row]), int(state.steps[row])
            gains = noise.gains(microphones, channels, seed)
            hiss = self._hiss[row]
            hiss[:, :-new] = hiss[:, new:]
            hiss[:, -new:] = noise.self_noise(microphones, channels, new, seed, step)
            heard[i] = gains[:, None] * heard[i] + hiss
