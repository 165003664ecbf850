"""The batched core: bodies in worlds, seen through their eyes and heard through their ears.

It knows no rewards and no episodes. Every array has one row per environment; a single environment
is a batch of one, and a row's results do not depend on the other rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv import frames, navigation, parallel, vision
from avenv.acoustics import AcousticSettings, Stream, find_engine, spectrogram
from avenv.geometry import lines_of_sight
from avenv.sensors import Sensors
from avenv.world import World

ACOUSTICS = AcousticSettings(max_time=1.0)
"""A second of response: homes decay by 60 dB in less."""


@dataclass(frozen=True)
class Body:
    """The robot: heights of its eye and of its ears above the floor, metres."""

    eye_height: float = 1.25
    ear_height: float = 1.25


@dataclass(frozen=True)
class Emitter:
    """A sounding source.

    Attributes:
        position: (x, y, z), world metres.
        signal: (N,) float32, played in a loop for ever.
        offset: sample of ``signal`` emitted at time 0.
        gain: pressure factor on the signal.
    """

    position: tuple[float, float, float]
    signal: NDArray[np.float32]
    offset: int = 0
    gain: float = 1.0

    def samples(self, start: int, count: int) -> NDArray[np.float32]:
        """Return ``count`` samples emitted from time ``start`` (in samples, may be negative)."""
        index = np.arange(self.offset + start, self.offset + start + count) % len(self.signal)
        return self.signal[index] * np.float32(self.gain)


class Simulator:
    """Bodies that move through worlds, look and listen.

    Args:
        worlds: the scenes that bodies can be placed in.
        sensors: what each body senses.
        num_envs: number of bodies, E.
        body: heights of eye and ears.
        acoustics: settings of the sound propagation.
        engine: of the sound propagation, a name in ``avenv.acoustics.ENGINES``.

    Attributes:
        position: (E, 2) float64, world metres.
        heading: (E,) float64, radians.
        world: (E,) int64, index into ``worlds``.
        clock: (E,) int64, samples of sound since the body was placed.
    """

    def __init__(
        self,
        worlds: Sequence[World],
        sensors: Sensors,
        num_envs: int = 1,
        body: Body | None = None,
        acoustics: AcousticSettings | None = None,
        engine: str = "native",
    ):
        self.worlds = tuple(worlds)
        self.sensors = sensors
        self.body = body or Body()
        self.num_envs = num_envs
        self.position = np.zeros((num_envs, 2))
        self.heading = np.zeros(num_envs)
        self.world = np.zeros(num_envs, np.int64)
        self.clock = np.zeros(num_envs, np.int64)
        self._emitters: dict[int, Emitter] = {}
        self._fresh = np.zeros(num_envs, bool)
        self._frames = vision.Frames.allocate(num_envs, *sensors.image_size, sensors.pictures)
        self._listens = "audio" in sensors.names or "spectrogram" in sensors.names
        self._engine = find_engine(engine).Engine(
            sensors.sample_rate, sensors.layout, settings=acoustics or ACOUSTICS
        )
        self._fields: dict[int, Any] = {}  # of the engine's own kind
        self._stream = Stream(
            num_envs,
            sensors.channels,
            sensors.step_samples,
            sensors.window_samples,
            self._engine.length,
        )
        self._responses = np.zeros((num_envs, sensors.channels, self._engine.length), np.float32)

    def place(
        self, row: int, world: int, position: Sequence[float], heading: float, emitter: Emitter
    ) -> None:
        """Put one body somewhere, with a source that has sounded there for ever.

        Raises:
            SceneError: the source or the ears are inside something solid or outside the scene.
        """
        self.world[row] = world
        self.position[row] = position
        self.heading[row] = frames.wrap_angle(heading)
        self.clock[row] = 0
        self._emitters[row] = emitter
        self._fresh[row] = True
        if self._listens:
            scene = self.worlds[world]
            self._fields[row] = self._engine.source_field(
                scene.compiled, scene.acoustics, emitter.position, self.body.ear_height
            )

    def emitter(self, row: int) -> Emitter:
        """Return the source that sounds for one body."""
        return self._emitters[row]

    def source_position(self) -> NDArray[np.float64]:
        """Return where each body's source is, (E, 3) world metres."""
        return np.array([self.emitter(row).position for row in range(self.num_envs)])

    def ears(self) -> NDArray[np.float64]:
        """Return the centre of each head, (E, 3) world metres."""
        return np.column_stack([self.position, np.full(self.num_envs, self.body.ear_height)])

    def window(self, row: int) -> NDArray[np.float32]:
        """Return the latest sound at one body's ears, (channels, window) float32."""
        return np.clip(self._stream.window[row], -1.0, 1.0)

    def move(
        self, distance: NDArray[np.float64], turn: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Turn each body by ``turn`` (E,) radians, then walk it ``distance`` (E,) metres ahead.

        Returns:
            metres moved (E,), and whether something was in the way (E,).
        """
        self.heading[:] = frames.wrap_angle(self.heading + turn)
        step = frames.forward(self.heading) * distance[:, None]
        before = self.position.copy()
        collided = np.zeros(self.num_envs, bool)
        walking = np.flatnonzero(distance)
        for world, members in parallel.runs_by_key(self.world[walking], self.num_envs):
            rows = walking[members]
            self.position[rows], collided[rows] = navigation.move(
                self.worlds[world].walkable, self.position[rows], step[rows]
            )
        return np.linalg.norm(self.position - before, axis=1), collided

    def line_of_sight(self) -> NDArray[np.bool_]:
        """Return whether nothing stands between each eye and its source (E,)."""
        eyes = np.column_stack([self.position, np.full(self.num_envs, self.body.eye_height)])
        sources = self.source_position()
        clear = np.zeros(self.num_envs, bool)
        for world, rows in parallel.runs_by_key(self.world, self.num_envs):
            bvh = self.worlds[world].compiled.bvh
            clear[rows] = lines_of_sight(bvh, eyes[rows], sources[rows])
        return clear

    def observe(self, advance: NDArray[np.bool_]) -> dict[str, NDArray]:
        """Look and listen, after time has passed for the rows of ``advance`` (E,).

        Rows that were placed since the last call hear their source as if it had always sounded.

        Returns:
            one array per sensor, (E, ...), overwritten by the next call.
        """
        observation: dict[str, NDArray] = {}
        if self.sensors.pictures:
            observation |= self._look()
        if self._listens:
            window = self._listen(advance)
            if "audio" in self.sensors.names:
                observation["audio"] = window
            if "spectrogram" in self.sensors.names:
                observation["spectrogram"] = spectrogram(window)
        self._fresh[:] = False
        return {name: observation[name] for name in self.sensors.names}

    def _look(self) -> dict[str, NDArray]:
        eyes = np.column_stack([self.position, np.full(self.num_envs, self.body.eye_height)])
        vision.render(
            [world.raster for world in self.worlds],
            self.world,
            eyes,
            frames.body_rotation(self.heading),
            np.deg2rad(self.sensors.hfov),
            self._frames,
        )
        return {name: getattr(self._frames, name) for name in self.sensors.pictures}

    def _listen(self, advance: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Let sound go on for the rows of ``advance``, begin it for the fresh ones."""
        changed = np.flatnonzero(advance | self._fresh)
        self._respond(changed)
        if advance.any():
            step = self.sensors.step_samples
            dry = np.zeros((self.num_envs, step), np.float32)
            for row in np.flatnonzero(advance).tolist():
                dry[row] = self.emitter(row).samples(self.clock[row], step)
            self._stream.push(dry, self._responses)
            self.clock[advance] += step
        past = self._engine.length - 1 + self.sensors.window_samples
        for row in np.flatnonzero(self._fresh).tolist():
            history = self.emitter(row).samples(-past, past)
            self._stream.reset(row, history, self._responses[row])
        # A microphone saturates at full scale.
        return np.clip(self._stream.window, -1.0, 1.0)

    def _respond(self, rows: NDArray[np.int64]) -> None:
        """Compute the response at the present pose of some bodies."""
        ears = self.ears()
        jobs = [
            (self.worlds[self.world[row]].acoustics, self._fields[row], ears[row],
             float(self.heading[row]))
            for row in rows
        ]  # fmt: skip
        self._responses[rows] = self._engine.responses(jobs)
