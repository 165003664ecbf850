"""What happens in a scene, as plain data: timed events, and episodes that a scene brings along.

A task makes episodes of its own of these; here they only say what is where, and when.
"""

from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from avenv.scene.fields import (
    Decibels,
    Facing,
    Goal,
    Name,
    Point,
    Point3,
    Seconds,
    Spec,
    short_name,
)


class EventSpec(Spec):
    """Something that happens: things change their states.

    Attributes:
        time: seconds after the episode began.
        states: the new states by the names of objects and doors, e.g. ``{vase: fallen}``.
    """

    time: Seconds
    states: Annotated[dict[Name, Name], Field(min_length=1)]


class EpisodeSourceSpec(Spec):
    """A sound source of an episode, in one of three places: ``on``, ``position`` or ``path``.

    Attributes:
        name: unique in its episode; by default the object's name, or the sound's.
        on: name of the object that it sounds from.
        position: [x, y, z] in the world.
        path: corners [x, y, z] of the way that it goes.
        times: seconds at which it is at each corner of its path, ascending.
        speed: metres a second along its path, from its onset on; or else ``times``.
        sound: as of a scene's source; by default the sound of the object's kind.
        level: dB relative to the sound set's common loudness.
        onset: seconds at which it begins; by default it has always sounded.
        duration: seconds that it sounds; by default without end.
        period: seconds from one onset to the next, no less than ``duration``; by default it sounds
            once.
        directivity: how it sends its sound, a name in ``avenv.acoustics.DIRECTIVITIES``.
        facing: direction of its front, as of an object.
        look: the kind of object that is seen below where it sounds, such as ``person``, and that
            faces the way that it goes; by default nothing is.
    """

    name: Name | None = None
    on: Name | None = None
    position: Point3 | None = None
    path: Annotated[tuple[Point3, ...], Field(min_length=2)] | None = None
    times: tuple[Seconds, ...] | None = None
    speed: Annotated[float, Field(strict=True, gt=0, le=100)] | None = None
    sound: Annotated[str, Field(min_length=1)] | None = None
    level: Decibels = 0.0
    onset: Annotated[float, Field(strict=True, ge=-1e6, le=1e6)] | None = None
    duration: Annotated[float, Field(strict=True, gt=0, le=1e6)] | None = None
    period: Annotated[float, Field(strict=True, gt=0, le=1e6)] | None = None
    directivity: Name = "omni"
    facing: Facing = 0.0
    look: Name | None = None

    @property
    def default_name(self) -> str:
        """What it is called unless told otherwise."""
        return self.on or short_name(self.sound or "source")

    @model_validator(mode="after")
    def _has_a_place_and_a_sound(self) -> Self:
        words = ("on", "position", "path")
        given = [word for word in words if getattr(self, word) is not None]
        if len(given) != 1:
            raise ValueError(f"has {' and '.join(given) or 'no place'}; accepted: one of on, "
                             "position and path")  # fmt: skip
        if self.on is None and self.sound is None:
            raise ValueError("a source that is on no object needs a sound")
        return self

    @model_validator(mode="after")
    def _keeps_time(self) -> Self:
        if self.path is None and (self.times or self.speed):
            raise ValueError("times and speed go with a path")
        if self.path is not None and (self.times is None) == (self.speed is None):
            raise ValueError("a path needs either times or a speed")
        if self.path is not None and self.times is not None:
            if len(self.times) != len(self.path):
                raise ValueError(f"has {len(self.times)} times for the {len(self.path)} corners "
                                 "of its path; accepted: one for each")  # fmt: skip
            if any(b <= a for a, b in pairwise(self.times)):
                raise ValueError(f"times are {list(self.times)}; accepted: ascending seconds")
        if self.period is not None and (self.duration is None or self.duration > self.period):
            raise ValueError("a period needs a duration that is no longer")
        return self


class EpisodeSpec(Spec):
    """An episode that a scene brings along.

    Attributes:
        name: unique among the scene's episodes.
        start: [x, y] where the body begins.
        facing: which way it looks, as of an object.
        states: the states that things are in when it begins, by name.
        events: what happens in it, besides the scene's own events.
        sources: what sounds in it, besides the scene's own sources.
        goal: what is to be found: the name of an object or of a source, or a place [x, y, z].
        instruction: what the agent is told.
        seed: of all that is drawn at random in it.
    """

    name: Name
    start: Point
    facing: Facing = 0.0
    states: dict[Name, Name] = Field({})
    events: tuple[EventSpec, ...] = ()
    sources: tuple[EpisodeSourceSpec, ...] = ()
    goal: Goal | None = None
    instruction: str = ""
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**63)] = 0
