"""One visitor in one scene: a body that walks, looks and listens in small steps.

Nothing here knows of a network. A session is used by one thread at a time; what takes long is
``changes.prepare``\\ d on another, so that the sound never waits for it.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avenv.play.arrivals import arrivals
from avenv.play.beginning import Point, emitters_of, first_place, nearest_place
from avenv.play.captions import captions
from avenv.play.comparing import (
    BEFORE,
    ENGINES,
    KEMAR,
    MONO,
    NOW,
    Choices,
    Pair,
    compare,
    find_way,
)
from avenv.play.measuring import measure
from avenv.play.pictures import Pictures
from avenv.play.sound import levels
from avenv.play.surfaces import Surface, surface_at
from avenv.play.voices import Voices
from avenv.simulation.emitters import Emitter
from avenv.simulation.hands import usable
from avenv.simulation.settings import SensorSettings
from avenv.simulation.simulator import Commands, Simulator
from avenv.simulation.state import Start
from avenv.simulation.world import World
from avenv.sounds import Sound, check_builtin, load_sounds

STEP = 0.04
"""Seconds that pass at a time: 25 pictures a second, and sound that follows the head as fast."""

SPEED = 1.3
"""Metres a second of who walks ahead."""

TURN = 1.8
"""Radians a second of who turns."""

SAMPLE_RATE = 24000
"""Hz; the octave about 8 kHz is heard from 22.05 kHz on."""

MOST_SOUNDS = 8
"""Sounds of their own that a visitor may bring along."""


class Session:
    """One body in a scene, what it sees and what it hears.

    Args:
        world: the scene.
        sample_rate: Hz, of the sound.
        step_time: seconds that pass in a step.
        start: (x, y) and heading to begin with, or near it; by default before the first source.
        choices: what there is to compare with.

    Attributes:
        before: the scene as it was before its latest change, if it has changed.
        light: in which it sees the scene, a name in ``vision.LIGHTS``.
        pitch: radians above the horizon at which it looks.
        walk: shares of ``SPEED`` ahead and of ``TURN`` to the left.
        version: grows when something changes besides where the body is.

    Raises:
        SceneError: nobody can walk in the scene.
    """

    def __init__(
        self,
        world: World,
        sample_rate: int = SAMPLE_RATE,
        step_time: float = STEP,
        start: tuple[Point, float] | None = None,
        choices: Choices | None = None,
    ):
        settings = SensorSettings(("audio",), sample_rate=sample_rate, step_time=step_time)
        self.simulator = Simulator([world], settings)
        self.voices = Voices(self.simulator)
        self.pictures = Pictures(budget=0.6 * step_time)
        self.light, self.pitch, self.walk, self.version = "full", 0.0, (0.0, 0.0), 0
        self.before: World | None = None
        self._own: dict[str, Sound] = {}
        self._choices = choices or Choices()
        position, heading = nearest_place(world, *start) if start else first_place(world)
        emitters = tuple(emitters_of(world, sample_rate).values())
        self.simulator.begin({0: Start(world, position, heading, emitters)})

    # -- the state ---------------------------------------------------------------------------------

    @property
    def world(self) -> World:
        """The scene as it is now."""
        return self.simulator.state.here[0]

    @property
    def sample_rate(self) -> int:
        """Samples a second of the sound."""
        return self.simulator.settings.sample_rate

    @property
    def clock(self) -> int:
        """Samples that have been heard."""
        return int(self.simulator.state.clock[0])

    def pose(self) -> dict[str, Any]:
        """Return where the body is: x and y in metres, heading in radians, at which sample."""
        state = self.simulator.state
        x, y = np.round(state.position[0], 3).tolist()
        return {"sample": self.clock, "x": x, "y": y, "heading": round(float(state.heading[0]), 4)}

    def scene(self) -> dict[str, Any]:
        """Return what else a page shows: the sources, the things that can be used, the light."""
        time, compiled = float(self.simulator.state.time[0]), self.world.compiled
        things = []
        for name, after in sorted(usable(self.world).items()):
            thing = compiled.objects[compiled.row_of[name]]
            x, y, _ = thing.position
            things.append(
                {
                    "name": name,
                    "kind": thing.kind,
                    "state": thing.state,
                    "next": after,
                    "x": x,
                    "y": y,
                }
            )
        voices = []
        for voice in self.voices.all():
            x, y, z = voice.emitter.at(time)
            sound = voice.emitter.sound
            voices.append({"name": voice.label, "sound": sound.name, "x": x, "y": y, "z": z})
        return {
            "name": self.world.name, "light": self.light, "sources": voices, "things": things,
            "own_sounds": sorted(self._own), "scenes": list(self._worlds()),
            "heads": [KEMAR, MONO, *self._choices.heads], "engines": ENGINES,
        }  # fmt: skip

    def captions(self) -> list[str]:
        """Return a line on each source that sounds now, the nearest first."""
        voices = ((voice.label, voice.emitter) for voice in self.voices.all())
        return captions(voices, self.simulator.state)

    # -- time --------------------------------------------------------------------------------------

    def step(self) -> NDArray[np.float32]:
        """Let a step of time pass and return the sound (2, S) that was heard in it."""
        ahead, turn = self.walk
        step = self.simulator.settings.step_time
        commands = Commands(np.array([ahead * SPEED * step]), np.array([turn * TURN * step]))
        self.simulator.step(np.array([True]), commands)
        return self.simulator.window(0)[:, -self.simulator.settings.step_samples :]

    def moved_to(self, world: World) -> "Session":
        """Return a session in another scene, or in another version of this one, at the same place.

        Raises:
            SceneError: nobody can walk there, or what sounds there cannot.
        """
        state, settings = self.simulator.state, self.simulator.settings
        x, y = state.position[0].tolist()
        start = (x, y), float(state.heading[0])
        world.prepared_for("raster", self.light)
        moved = Session(world, settings.sample_rate, settings.step_time, start, self._choices)
        moved.before = self.world
        moved.light, moved.pitch, moved.pictures = self.light, self.pitch, self.pictures
        moved._own = self._own
        return moved

    def levels(self) -> dict[str, Any]:
        """Return how loud the last second was, see ``sound.levels``."""
        return levels(self.simulator.window(0), self.sample_rate)

    def picture(self) -> bytes:
        """Return what the body sees, as JPEG."""
        state = self.simulator.state
        return self.pictures.draw(
            self.world.prepared_for("raster", self.light),
            state.eyes()[0], float(state.heading[0]), self.pitch,
        )  # fmt: skip

    def view(self) -> tuple:
        """Return what a picture depends on: where this is the same, so is the picture."""
        state = self.simulator.state
        x, y = state.position[0].tolist()
        return self.world, self.light, x, y, float(state.heading[0]), self.pitch, self.pictures.size

    def measure(self, label: str) -> dict[str, Any]:
        """Return what the room does between a source and the body.

        See ``measuring.measure``, and ``arrivals`` about the heading, see ``arrivals.arrivals``.

        Any thread may ask.

        Raises:
            ValueError: there is no such source.
        """
        state, voice = self.simulator.state, self.voices.find(label)
        place, ear = voice.emitter.at(float(state.time[0])), state.ears()[0]
        heading = float(state.heading[0])
        found = measure(self.world, place, ear, self.sample_rate)
        return found | {"arrivals": arrivals(self.world, place, ear, heading, self.sample_rate)}

    def compare(self, first: tuple[str, str, str], second: tuple[str, str, str]) -> Pair:
        """Return what is heard here in two ways, each the names of a scene, a head and an engine.

        Any thread may ask; see ``comparing.compare``.

        Raises:
            ValueError: a name is not known, or nothing can be heard here so.
        """
        state, worlds = self.simulator.state, self._worlds()
        one, other = (find_way(name, worlds, self._choices) for name in (first, second))
        time, ear = float(state.time[0]), tuple(state.ears()[0].tolist())
        still = [replace(voice.emitter, position=voice.emitter.at(time))
                 for voice in self.voices.all()]  # fmt: skip
        return compare((one, other), still, ear, float(state.heading[0]), self.sample_rate)

    def _worlds(self) -> dict[str, World]:
        """Return the scenes that can be compared, by their names."""
        before = {} if self.before is None else {BEFORE: self.before}
        return {NOW: self.world, **before, **self._choices.scenes}

    def surface_at(self, right: float, up: float) -> Surface:
        """Return the surface at a point of the picture, see ``surfaces.surface_at``.

        Raises:
            SceneError: something else is seen there, or the scene is a mesh.
        """
        state, size = self.simulator.state, self.pictures.size
        heading = float(state.heading[0])
        return surface_at(self.world, state.eyes()[0], heading, self.pitch, (right, up), size)

    # -- change ------------------------------------------------------------------------------------

    def bring(self, sound: Sound) -> None:
        """Take a sound that the visitor has brought along.

        Raises:
            ValueError: it brings too many.
        """
        if sound.name not in self._own and len(self._own) >= MOST_SOUNDS:
            raise ValueError(
                f"{MOST_SOUNDS} sounds were brought along already, the most there may be"
            )
        self._own[sound.name] = sound
        self.version += 1

    def foresee(self, world: World, *emitters: Emitter) -> None:
        """Trace what sounds in a world, so that it is at hand when it is heard there.

        Raises:
            SceneError: something is where it cannot sound.
        """
        state = self.simulator.state
        x, y = state.position[0].tolist()
        self.simulator.prepare(Start(world, (x, y), float(state.heading[0]), emitters))

    def find_sound(self, name: str) -> Sound:
        """Return a sound that the visitor has brought along, or a built-in one.

        Raises:
            SoundError: there is none of this name; a page names no files of the machine.
        """
        if name in self._own:
            return self._own[name]
        check_builtin(name)
        return load_sounds(name, self.sample_rate)[0]
