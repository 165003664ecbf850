"""The batched core: bodies in worlds, and the one place where time passes.

It knows no rewards and no goals. Every array has one row per environment; a single environment is a
batch of one, and a row's results do not depend on the other rows.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from avenv import navigation
from avenv.acoustics import AcousticSettings
from avenv.core import frames
from avenv.core.errors import SceneError
from avenv.geometry import lines_of_sight
from avenv.scene.states import HELD, is_put
from avenv.simulation.bearings import Bearings, find_bearings
from avenv.simulation.body import Body, check_fits
from avenv.simulation.changes import begin_to_sound, still_sounding
from avenv.simulation.ears import Ears
from avenv.simulation.emitters import Emitter, Position
from avenv.simulation.events import Event, check_events
from avenv.simulation.hands import VERBS, Act
from avenv.simulation.noise import ActuationNoise, disturbed_motion
from avenv.simulation.sensors import Rig, Sensor, make_sensors
from avenv.simulation.settings import SensorSettings
from avenv.simulation.source import Source
from avenv.simulation.state import Start, State
from avenv.simulation.world import World
from avenv.simulation.worlds import WorldList

RINGING = 5.0
"""Seconds after which nothing of what has ended is heard any more."""


class InTheWayError(SceneError):
    """A thing cannot get into a state while something stands or passes there."""


@dataclass(frozen=True)
class Commands:
    """What E bodies are to do in a step: turn, then walk; and what they do to things before.

    Attributes:
        distance: (E,) metres ahead.
        turn: (E,) radians to the left.
        states: for some rows the new states of things, by name.
        acts: for some rows what their bodies do before, names in ``hands.VERBS``.
    """

    distance: NDArray[np.float64]
    turn: NDArray[np.float64]
    states: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    acts: Mapping[int, str] = field(default_factory=dict)


class Simulator:
    """Bodies that move through worlds, look and listen.

    Args:
        worlds: the scenes that bodies can be placed in.
        settings: what each body senses.
        num_envs: number of bodies, E.
        body: what they are like.
        acoustics: backend of the sound, a name in ``avenv.acoustics.BACKENDS``.
        propagation: how finely it works; by default with a second of response.
        vision: backend of the pictures, a name in ``avenv.vision.BACKENDS``.
        actuation_noise: how motion differs from what was asked for; None: not at all.

    Attributes:
        state: where the bodies are, in what, and at what time.
        acts: what bodies did in the latest step, besides walking, by row.
        sensors: by the names of their observations.
    """

    def __init__(
        self,
        worlds: Sequence[World],
        settings: SensorSettings,
        num_envs: int = 1,
        body: Body | None = None,
        acoustics: str = "native",
        propagation: AcousticSettings | None = None,
        vision: str = "raster",
        actuation_noise: ActuationNoise | None = None,
    ):
        self.worlds = worlds if isinstance(worlds, WorldList) else WorldList(worlds)
        self.settings = settings
        self.body = body or Body()
        self.num_envs = num_envs
        self._actuation_noise = actuation_noise
        for world in self.worlds.at_hand:
            check_fits(self.body, world)
        rate, step = settings.sample_rate, settings.step_samples
        self._unseen = np.ones(num_envs, bool)  # who has not looked since something changed
        self.acts: dict[int, Act] = {}
        self._foreseen: dict[int, list[World]] = {}
        self._own = [0] * num_envs  # how many sources the episodes brought along
        self.state = State.at_rest(num_envs, self.worlds[0], self.body, rate, step)
        self._rig = Rig(settings, self.state, acoustics, propagation, vision)
        self.sensors = make_sensors(self._rig)
        self.space = spaces.Dict({name: sensor.space() for name, sensor in self.sensors.items()})
        self._room = {
            name: ((num_envs, *(space.shape or ())), space.dtype)
            for name, space in self.space.items()
        }

    # -- the beginning -----------------------------------------------------------------------------

    def begin(self, starts: Mapping[int, Start]) -> None:
        """Let some bodies begin, at time 0; nothing changes if one of them cannot.

        They hear what sounds as if it had always done so.

        Raises:
            SceneError: a source or the ears are inside something solid or outside the scene, or an
                event is of a thing or a state that the world does not have.
            SoundError: a sound has another rate than the sensors.
            ValueError: a sensor cannot observe the episode.
        """
        sources = {row: self._prepared(start) for row, start in starts.items()}
        state = self.state
        for row, start in starts.items():
            state.here[row] = start.world
            state.sources[row] = sources[row]
            self._own[row] = len(sources[row])
            state.events[row] = sorted(start.events, key=lambda event: event.time)
            state.position[row] = start.position
            state.level[row] = start.world.level_for(self.body)
            state.heading[row] = frames.wrap_angle(start.heading)
            state.origin[row] = *start.position, state.heading[row]
            state.clock[row] = 0
            state.collided[row] = False
            state.seed[row] = start.seed
            self._unseen[row] = True
            state.instruction[row] = start.instruction
            state.told[row] = start.told or (0.0, 0.0)
            state.knocks[row], state.answer[row] = start.knocks, ""
        rows = np.array(sorted(starts), np.int64)
        for one in self._timed():
            one.begin(rows)

    def prepare(self, start: Start) -> Any:
        """Make ready what a body needs when it begins, and return it; nobody begins by it.

        Any thread may do so: what is found is kept where ``begin`` looks for it.

        Raises:
            SceneError, SoundError: as ``begin``.
        """
        seen = self._rig.scenery.prepared(start.world, start.emitters) if self._rig.eyes else None
        start.world.walkable_for(self.body)
        return start, self._prepared(start), seen

    def _timed(self) -> list[Ears | Sensor]:
        """Return all that time matters to: the ears before what is made of their sound."""
        return [*self._rig.organs, *self.sensors.values()]

    def _prepared(self, start: Start) -> tuple[Source, ...]:
        """Return what sounds about a body that begins, if all of it can be."""
        check_fits(self.body, start.world)
        check_events(start.events, start.world)
        for sensor in self.sensors.values():
            sensor.check(start)
        if self.has_ears:
            self._rig.ears.check_position(
                start.world, np.array([*start.position, self._ear_height(start.world)])
            )
        return tuple(self._source(emitter, start.world) for emitter in start.emitters)

    def _ear_height(self, world: World) -> float:
        return world.level_for(self.body) + self.body.ear_height

    def _source(
        self, emitter: Emitter, world: World, time: float = 0.0, near: Position | None = None
    ) -> Source:
        """Return an emitter in a world from a time on; what can be does not depend on sensors."""
        if self.has_ears:
            return self._rig.ears.traced(emitter, world, time, near)
        return Source(emitter, world.acoustics_for(), time, near)

    # -- time --------------------------------------------------------------------------------------

    def step(
        self, rows: NDArray[np.bool_], commands: Commands
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Let a step of time pass for some bodies (E,); the others stay as they are.

        In this order: things get into the states that bodies put them into, and into those of the
        events whose time has come; bodies turn and walk; the clock moves on; sensors take note.
        ``acts`` tells what came of what bodies did; what could not be done they feel as contact.

        Returns:
            metres moved (E,), and whether something was in the way (E,).

        Raises:
            SceneError: a body cannot put a thing into a state; see ``set_states``.
        """
        some = rows.nonzero()[0]
        for row, states in commands.states.items():
            self.set_states(row, states)
        for row in some.tolist():
            self.state.answer[row] = ""
        self.acts = {row: VERBS[verb](self, row) for row, verb in sorted(commands.acts.items())}
        for row in some.tolist():
            if self.state.events[row]:
                self._happen(row)
        moved, collided = self._move(some, commands)
        for row, act in self.acts.items():
            self.state.collided[row] |= act.failed
        self.state.clock[some] += self.state.step_samples
        self._unseen[some] = True
        for one in self._timed():
            one.advance(some)
        return moved, collided

    def place(self, row: int, position: ArrayLike, heading: float) -> None:
        """Put one body elsewhere in its world, without time passing; next it steps, it hears so.

        Args:
            row: of the body.
            position: (x, y), world metres.
            heading: radians.

        Raises:
            ValueError: nobody can stand there.
        """
        place, state = np.asarray(position, np.float64), self.state
        if not state.here[row].walkable_for(self.body).is_walkable(place[None])[0]:
            raise ValueError(
                f"position is {place.tolist()}; accepted: where a body can stand in "
                f"{state.here[row].name}"
            )
        state.position[row], state.heading[row] = place, frames.wrap_angle(heading)
        self._unseen[row] = True

    def wait(self, rows: NDArray[np.bool_]) -> None:
        """Let a step of time pass for some bodies (E,) that stand still."""
        still = np.zeros(self.num_envs)
        self.step(rows, Commands(still, still))

    def tell(self, row: int, answer: str) -> None:
        """Let one body be told something, in words, until its next step."""
        self.state.answer[row] = answer

    def silence(self, row: int, source: int) -> None:
        """Let a source of one body, by its number, fall silent now for good; it rings out."""
        sources = list(self.state.sources[row])
        quiet = replace(sources[source].emitter, end=float(self.state.time[row]))
        sources[source] = sources[source].renewed(quiet)
        self.state.sources[row] = tuple(sources)

    def _move(
        self, some: NDArray[np.int64], commands: Commands
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        state = self.state
        distance, turn = np.zeros((2, self.num_envs))
        distance[some], turn[some] = commands.distance[some], commands.turn[some]
        if self._actuation_noise is not None:
            for row in some.tolist():
                now = int(state.seed[row]), int(state.steps[row])
                distance[row], turn[row] = disturbed_motion(
                    self._actuation_noise, distance[row], turn[row], *now
                )
        state.heading[:] = frames.wrap_angle(state.heading + turn)
        step = frames.forward(state.heading) * distance[:, None]
        moved, collided = np.zeros(self.num_envs), np.zeros(self.num_envs, bool)
        for world, rows in state.by_world(distance.nonzero()[0]):
            navigation.move_some(
                world.walkable_for(self.body), rows, state.position, step, moved, collided
            )
        state.collided[some] = collided[some]
        return moved, collided

    # -- change ------------------------------------------------------------------------------------

    def set_states(self, row: int, states: Mapping[str, str], time: float | None = None) -> None:
        """Put things around one body into other states, by name: open a door, switch a radio on.

        From now on it sees, hears and walks through the world as it is then. A thing that begins to
        sound is one emitter more, and so is the crash of one that falls or breaks; one that falls
        silent rings on as long as its room does. Sounds begin at ``time``, by default now.

        Raises:
            SceneError: a thing has no states, or not this one; the body stands in its way, or its
                sound is nowhere in the air.
            SoundError: its sound cannot be played.
        """
        state = self.state
        now, world = float(state.time[row]), state.here[row].with_states(states)
        self._enter(row, world, str(states), now if time is None else time)

    def rebuild(self, row: int, world: World) -> None:
        """Let one body be in another version of its world, as with a wall of another material.

        What sounds goes on as it is heard there.

        Raises:
            SceneError: it is no version of this world, its things are others or in other states; or
                the body or what sounds is where something is there.
        """
        before = self.state.here[row]
        if world.compiled.states != before.compiled.states:
            raise SceneError(f"{world.name}: has other things, or in other states, than "
                             f"{before.name} has now")  # fmt: skip
        self._enter(row, world, "its new walls", float(self.state.time[row]))

    def _enter(self, row: int, world: World, what: str, when: float) -> None:
        """Let the world around one body become another; sounds begin or end at a time."""
        state, before = self.state, self.state.here[row]
        if not world.walkable_for(self.body).is_walkable(state.position[row : row + 1])[0]:
            x, y = state.position[row]
            raise InTheWayError(
                f"{world.name}: {what} cannot be, the body at ({x:.2f}, {y:.2f}) is in the way"
            )
        now = float(state.time[row])
        sources = self._carried_over(
            row, world, still_sounding(state.emitters(row), before, world, when)
        )
        begun = begin_to_sound(before, world, when, self.settings.sample_rate)
        self._add(row, sources, [self._source(emitter, world, now) for emitter in begun])
        state.sources[row] = tuple(sources)
        state.here[row] = world
        self._unseen[row] = True

    def sound(self, row: int, emitter: Emitter, near: Position | None = None) -> None:
        """Let one more thing sound about a body.

        Args:
            row: of the body.
            emitter: what sounds, from now on or later.
            near: a place within about a metre whose late field it shares; see ``TracedSource``.

        Raises:
            SceneError: it is inside something solid or outside the scene.
        """
        sources = list(self.state.sources[row])
        source = self._source(emitter, self.state.here[row], float(self.state.time[row]), near)
        self._add(row, sources, [source])
        self.state.sources[row] = tuple(sources)

    def foresee(self, row: int, changes: Iterable[Mapping[str, str]]) -> None:
        """Prepare what ``set_states`` will need when changes come about that are expected.

        Worlds, pictures and sound fields are made now rather than in the midst of an episode; the
        worlds are kept until ``foresee`` is called again. What will have happened otherwise until
        then is made when it is needed.

        Args:
            row: of the body, whose episode has begun.
            changes: the new states of things, by name, one after another.

        Raises:
            SceneError: a thing has no states, or not this one.
        """
        world, emitters = self.state.here[row], list(self.state.emitters(row))
        self._foreseen[row] = []
        for states in changes:
            before, world = world, world.with_states(states)
            emitters += begin_to_sound(before, world, 0.0, self.settings.sample_rate)
            world.walkable_for(self.body)
            _ = world.compiled.bvh  # made when it is first asked for
            self._rig.prepare(world)
            for emitter in emitters:
                with suppress(SceneError):  # then it will be in the way
                    self._source(emitter, world)
            self._foreseen[row].append(world)

    def _carried_over(self, row: int, world: World, emitters: Sequence[Emitter]) -> list[Source]:
        """Return the sources of a body, with these emitters, in another world.

        Raises:
            InTheWayError: one is, or will come, where something now is.
        """
        now = float(self.state.time[row])
        sources = []
        for source, emitter in zip(self.state.sources[row], emitters, strict=True):
            if emitter.ends <= now:
                sources.append(source.renewed(emitter))
                continue
            try:
                sources.append(self._source(emitter, world, now, source.near))
            except SceneError as error:
                raise InTheWayError(f"{world.name}: something is in the way: {error}") from error
        return sources

    def _add(self, row: int, sources: list[Source], more: Sequence[Source]) -> None:
        """Add sources of a body, in place of those that have rung out if there are such.

        The first ones are the episode's own, which it may speak of by their numbers; they stay.
        """
        now = float(self.state.time[row])
        over = [
            k
            for k in range(self._own[row], len(sources))
            if sources[k].emitter.ends + RINGING < now
        ]
        for source in more:
            if over:
                sources[over.pop(0)] = source
            else:
                sources.append(source)
        if self.has_ears:
            self._rig.ears.make_room(len(sources))

    def _happen(self, row: int) -> None:
        """Let the events come about whose time is in the step that now begins."""
        state = self.state
        rate, clock = state.sample_rate, int(state.clock[row])
        waiting: list[Event] = []
        for event in state.events[row]:
            if event.time * rate >= clock + state.step_samples:
                waiting.append(event)
                continue
            states = self._not_carried_off(row, event.states)
            if not states:
                continue
            try:
                self.set_states(row, states, max(event.time, clock / rate))
            except InTheWayError:
                waiting.append(event)
        state.events[row] = waiting

    def _not_carried_off(self, row: int, states: Mapping[str, str]) -> dict[str, str]:
        """Return those of the new states that are of things which nobody holds or has put away."""
        now = self.state.here[row].compiled.states
        return {k: s for k, s in states.items() if not (now[k] == HELD or is_put(now[k]))}

    # -- the senses --------------------------------------------------------------------------------

    def observe(self, anew: bool = True) -> dict[str, NDArray]:
        """Look and listen; nothing changes by it.

        Args:
            anew: let all bodies look; else only those that have begun, taken a step or seen things
                change since they last did: the others keep the pictures that they have.

        Returns:
            one new array per sensor, (E, ...).
        """
        looking = np.arange(self.num_envs) if anew else np.flatnonzero(self._unseen)
        if (eyes := self._rig.eyes) and len(looking):
            around = self._rig.scenery.look_around()
            for eye in eyes:
                eye.draw(around, looking)
        self._unseen[:] = False
        observation = {}
        for name, sensor in self.sensors.items():
            observation[name] = np.empty(*self._room[name])
            sensor.observe(observation[name])
        return observation

    @property
    def has_ears(self) -> bool:
        """Whether a sensor was chosen that hears."""
        return bool(self._rig.organs)

    def window(self, row: int) -> NDArray[np.float32]:
        """Return the latest sound at one body's ears, (channels, window); 0 without ears."""
        if not self._rig.organs:
            settings = self.settings
            return np.zeros((settings.channels, settings.window_samples), np.float32)
        return self._rig.ears.window[row]

    def bearings(self, points: NDArray[np.float64]) -> Bearings:
        """Return where points (E, 3), one for each body, are from it."""
        state, settings = self.state, self.settings
        heights = float(self.body.ear_height), float(self.body.eye_height)
        found = find_bearings(
            points, state.position, state.level, heights, state.heading,
            math.tan(math.radians(settings.hfov) / 2), settings.image_size,
        )  # fmt: skip
        return found._replace(visible=self.line_of_sight(points, found.visible.nonzero()[0]))

    def line_of_sight(
        self, points: NDArray[np.float64], rows: NDArray[np.int64] | None = None
    ) -> NDArray[np.bool_]:
        """Return whether nothing stands between each body's eye and its point (E, 3).

        Of some bodies (R,) only, if ``rows`` are given; False for the others.
        """
        clear = np.zeros(self.num_envs, bool)
        rows = np.arange(self.num_envs) if rows is None else rows
        for world, some in self.state.by_world(rows):
            eyes = self.state.eyes()[some]
            clear[some] = lines_of_sight(world.compiled.bvh, eyes, points[some])
        return clear
