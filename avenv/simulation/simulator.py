"""The batched core: bodies in worlds, seen through their eyes and heard through their ears.

It knows no rewards and no episodes. Every array has one row per environment; a single environment
is a batch of one, and a row's results do not depend on the other rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from avenv import navigation, vision
from avenv.acoustics import AcousticSettings, find_backend
from avenv.acoustics.signal.spectrogram import Spectrograms
from avenv.core import frames, parallel
from avenv.core.errors import SceneError
from avenv.geometry import lines_of_sight
from avenv.simulation.cameras import EYE_HEIGHT
from avenv.simulation.emitters import Emitter
from avenv.simulation.hearing import Hearing
from avenv.simulation.settings import Sensors
from avenv.simulation.sight import Sight
from avenv.simulation.world import World, WorldList
from avenv.sounds.sets import load_sounds
from avenv.vision import RasterScene

CRASH = 2.5
"""Seconds of the sound of a fall that are heard when a thing falls or breaks."""

ARM = 0.3
"""Metres from one thing that a body holds to the next."""

ACOUSTICS = AcousticSettings(max_time=1.0)
"""A second of response: homes decay by 60 dB in less."""


@dataclass(frozen=True)
class Body:
    """The robot, in metres.

    Attributes:
        eye_height: above the floor.
        ear_height: above the floor.
        hands: where it holds things: ahead of it, to its left, above the floor.
    """

    eye_height: float = EYE_HEIGHT
    ear_height: float = 1.25
    hands: tuple[float, float, float] = (0.5, 0.0, 0.85)


class Simulator:
    """Bodies that move through worlds, look and listen.

    Args:
        worlds: the scenes that bodies can be placed in.
        sensors: what each body senses.
        num_envs: number of bodies, E.
        body: heights of eye and ears.
        acoustics: settings of the sound propagation.
        engine: of the sound propagation, a name in ``avenv.acoustics.BACKENDS``.

    Attributes:
        position: (E, 2) float64, world metres.
        heading: (E,) float64, radians.
        world: (E,) int64, index into ``worlds``.
        clock: (E,) int64, samples of sound since the body was placed.
        here: E worlds, one around each body: that of ``worlds``, or a variant in other states.
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
        self.worlds = worlds if isinstance(worlds, WorldList) else WorldList(worlds)
        self.sensors = sensors
        self.body = body or Body()
        self.num_envs = num_envs
        self.position = np.zeros((num_envs, 2))
        self.heading = np.zeros(num_envs)
        self.world = np.zeros(num_envs, np.int64)
        self.clock = np.zeros(num_envs, np.int64)
        self.here: list[World] = [self.worlds[0]] * num_envs
        self._emitters: dict[int, tuple[Emitter, ...]] = {}
        self._fresh = np.zeros(num_envs, bool)
        self._seed = np.zeros(num_envs, np.uint64)
        self._seen: dict[int, tuple[World, int, RasterScene]] = {}
        cameras = sensors.eyes(self.body.eye_height)
        self._sight = Sight(cameras, num_envs) if cameras else None
        self._hearing: Hearing | None = None
        if "audio" in sensors.names or "spectrogram" in sensors.names:
            kind = find_backend(engine).Engine
            self._hearing = Hearing(
                sensors,
                num_envs,
                kind(
                    sensors.sample_rate,
                    sensors.layout,
                    settings=acoustics or ACOUSTICS,
                    hrtf=sensors.hrtf,
                ),
                engine,
            )
        self._spectrograms: Spectrograms | None = None
        if "spectrogram" in sensors.names:
            self._spectrograms = Spectrograms(
                num_envs, sensors.channels, sensors.window_samples, sensors.step_samples
            )

    def place(
        self,
        row: int,
        world: int,
        position: Sequence[float],
        heading: float,
        emitters: Emitter | Sequence[Emitter],
        seed: int = 0,
    ) -> None:
        """Put one body somewhere at time 0, among any number of sources; the first is its goal.

        ``seed``, 0 to 2**64 - 1, is that of its cameras' noise, and of the light if it is random.

        Raises:
            SceneError: a source or the ears are inside something solid or outside the scene.
            SoundError: a sound has another rate than the sensors.
        """
        sounding = (emitters,) if isinstance(emitters, Emitter) else tuple(emitters)
        if self._hearing:
            ear = np.array([*position, self.body.ear_height])
            self._hearing.place(row, self.worlds[world], ear, sounding)
        self._emitters[row] = sounding
        self.world[row], self.here[row] = world, self.worlds[world]
        self.position[row] = position
        self.heading[row] = frames.wrap_angle(heading)
        self.clock[row] = 0
        self._seed[row] = seed
        self._fresh[row] = True

    def set_states(self, row: int, states: Mapping[str, str]) -> None:
        """Put things around one body into other states, by name: open a door, switch a radio on.

        From now on it sees, hears and walks through the world as it is then. A thing that begins to
        sound is one emitter more, and so is the crash of one that falls or breaks; one that falls
        silent rings on as long as its room does.

        Raises:
            SceneError: a thing has no states, or not this one; the body stands in its way, or its
                sound is nowhere in the air.
            SoundError: its sound cannot be played.
        """
        before, world = self.here[row], self.here[row].with_states(states)
        if not world.walkable.is_walkable(self.position[row : row + 1])[0]:
            x, y = self.position[row]
            raise SceneError(f"{world.name}: {states} cannot be, the body at ({x:.2f}, {y:.2f}) is "
                             "in the way")  # fmt: skip
        now = self.clock[row] / self.sensors.sample_rate
        sounding = {source.object for source in world.compiled.sources}
        known = {source.object for source in before.compiled.sources}
        emitters = [
            replace(emitter, end=now)
            if emitter.object in states
            and emitter.object not in sounding
            and (emitter.end is None or emitter.end > now)
            else emitter
            for emitter in self._emitters[row]
        ]
        begun = [s for s in world.compiled.sources if s.object in states and s.object not in known]
        changed = [name for name in states if before.compiled.states[name] != states[name]]
        events = [event for name in changed if (event := world.compiled.event(name))]
        for source, duration in [*((s, None) for s in begun), *((s, CRASH) for s in events)]:
            sound = load_sounds(source.sound, self.sensors.sample_rate)[0]
            when = {"onset": now, "duration": duration}
            emitters.append(
                Emitter(source.position, sound, source.level, object=source.object, **when)
            )
        if self._hearing:
            self._hearing.change(row, world, emitters, float(now))
        self.here[row], self._emitters[row] = world, tuple(emitters)

    def emitters(self, row: int) -> tuple[Emitter, ...]:
        """Return the sources that sound for one body."""
        return self._emitters[row]

    def source_position(self) -> NDArray[np.float64]:
        """Return where each body's first source is now, (E, 3) world metres."""
        now = self.clock / self.sensors.sample_rate
        return np.array([self._emitters[row][0].at(now[row]) for row in range(self.num_envs)])

    def source_is_sounding(self) -> NDArray[np.bool_]:
        """Return whether each body's first source sounds now (E,)."""
        clock = self.clock.tolist()
        return np.array([self._emitters[row][0].is_sounding(t) for row, t in enumerate(clock)])

    def ears(self) -> NDArray[np.float64]:
        """Return the centre of each head, (E, 3) world metres."""
        return np.column_stack([self.position, np.full(self.num_envs, self.body.ear_height)])

    def window(self, row: int) -> NDArray[np.float32]:
        """Return the latest sound at one body's ears, (channels, window); 0 without ears."""
        if self._hearing is None:
            return np.zeros((self.sensors.channels, self.sensors.window_samples), np.float32)
        return self._hearing.window[row]

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
        worlds, which = self._worlds_here()
        for world, members in parallel.runs_by_key(which[walking], self.num_envs):
            rows = walking[members]
            self.position[rows], collided[rows] = navigation.move(
                worlds[world].walkable, self.position[rows], step[rows]
            )
        return np.linalg.norm(self.position - before, axis=1), collided

    def eyes(self) -> NDArray[np.float64]:
        """Return where each body looks from, (E, 3) world metres."""
        return np.column_stack([self.position, np.full(self.num_envs, self.body.eye_height)])

    def source_in_view(self) -> NDArray[np.bool_]:
        """Return whether each body's source is within the bounds of its picture (E,)."""
        ahead, left, up = frames.to_body(self.source_position() - self.eyes(), self.heading).T
        width, height = self.sensors.image_size
        reach = ahead * np.tan(np.deg2rad(self.sensors.hfov) / 2)
        return (ahead > 0) & (np.abs(left) <= reach) & (np.abs(up) <= reach * height / width)

    def line_of_sight(self) -> NDArray[np.bool_]:
        """Return whether nothing stands between each eye and its source (E,)."""
        eyes, sources = self.eyes(), self.source_position()
        clear = np.zeros(self.num_envs, bool)
        worlds, which = self._worlds_here()
        for world, rows in parallel.runs_by_key(which, self.num_envs):
            bvh = worlds[world].compiled.bvh
            clear[rows] = lines_of_sight(bvh, eyes[rows], sources[rows])
        return clear

    def observe(self, advance: NDArray[np.bool_]) -> dict[str, NDArray]:
        """Look and listen, after time has passed for the rows of ``advance`` (E,).

        Rows that were placed since the last call hear their source as if it had always sounded.

        Returns:
            one array per sensor, (E, ...); the next call may overwrite them.
        """
        observation: dict[str, NDArray] = {}
        if self._hearing:
            observation |= self._listen(self._hearing, advance)
        self.clock[advance & ~self._fresh] += self.sensors.step_samples
        self._fresh[:] = False
        if self._sight:
            observation |= self._look(self._sight)
        return {key: observation[key] for key in self.sensors.keys}

    def _worlds_here(self) -> tuple[list[World], NDArray[np.int64]]:
        """Return the distinct worlds around the bodies, and which of them each body (E,) is in."""
        number = {world: k for k, world in enumerate(dict.fromkeys(self.here))}
        return list(number), np.array([number[world] for world in self.here], np.int64)

    def _look(self, sight: Sight) -> dict[str, NDArray]:
        rasters = [self._raster(row) for row in range(self.num_envs)]
        number = {raster: k for k, raster in enumerate(dict.fromkeys(rasters))}
        return sight.look(
            list(number),
            np.array([number[raster] for raster in rasters], np.int64),
            self.position,
            self.heading,
            self._seed,
            self.clock // self.sensors.step_samples,
            self._carried(rasters),
        )

    def _carried(self, rasters: Sequence[RasterScene]) -> vision.Instances | None:
        """Return where the things are that bodies hold, if any: in front of them, side by side."""
        most = max(raster.parts for raster in rasters)
        if most == 0:
            return None
        part = np.full((self.num_envs, most), -1, np.int32)
        rotation = np.tile(np.eye(3), (self.num_envs, most, 1, 1))
        translation = np.zeros((self.num_envs, most, 3))
        for row, raster in enumerate(rasters):
            held = raster.compiled.held
            for k, number in enumerate(held):
                thing = raster.compiled.objects[number]
                ahead, left, up = self.body.hands
                left += ARM * ((len(held) - 1) / 2 - k)
                here = frames.body_rotation(self.heading[row]) @ np.array([ahead, left, up])
                here[:2] += self.position[row]
                turn = frames.body_rotation(self.heading[row] - thing.heading)
                part[row, k], rotation[row, k] = k, turn
                translation[row, k] = here - turn @ np.array(thing.position)
        return vision.Instances(part, rotation, translation)

    def _raster(self, row: int) -> RasterScene:
        """Return the world around one body in the light that it sees it in."""
        world, seed = self.here[row], int(self._seed[row])
        if self.sensors.light != vision.RANDOM:
            return world.raster_in(self.sensors.light)
        if row not in self._seen or self._seen[row][:2] != (world, seed):
            lit = vision.lit(world.raster, vision.RANDOM, np.random.default_rng(seed))
            self._seen[row] = world, seed, lit
        return self._seen[row][2]

    def _listen(self, hearing: Hearing, advance: NDArray[np.bool_]) -> dict[str, NDArray]:
        """Let sound go on for the rows of ``advance``, begin it for the fresh ones."""
        ears = self.ears()
        begins, goes_on = np.flatnonzero(self._fresh), np.flatnonzero(advance & ~self._fresh)
        hearing.begin(begins, ears, self.heading)
        hearing.go_on(goes_on, self.clock, ears, self.heading)
        window = hearing.window
        heard = {"audio": window}
        if self._spectrograms:
            self._spectrograms.renew(begins, window)
            self._spectrograms.slide(goes_on, window)
            heard["spectrogram"] = self._spectrograms.pooled
        return heard
