"""One episode as plain data: the same JSON begins the same episode in any environment.

It names its scene by reference and content hash and its sounds by name and hash, so that nothing in
it depends on the lists of the environment that it was drawn in.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from avenv.acoustics import DIRECTIVITIES
from avenv.core.records import check_types, is_needed
from avenv.core.suggest import accepted
from avenv.scene import CATEGORIES
from avenv.simulation.emitters import Emitter, Trajectory, check_look
from avenv.simulation.events import Event, check_states
from avenv.sounds import Sound

VERSION = 1
"""Of the format; an episode of another is refused."""

Point = tuple[float, float, float]

_PLAIN = frozenset({str, int, float, bool, type(None)})


@dataclass(frozen=True)
class Reference:
    """A scene or a sound by name, with the hash of what it was.

    Attributes:
        name: what ``load_scene`` or ``load_sounds`` takes.
        hash: hex digest of its content.
    """

    name: str
    hash: str


def sound_reference(sound: Sound) -> Reference:
    """Return what names a sound in episodes: one of avenv's by its name, a file by its path."""
    is_file = Path(sound.origin).is_absolute()
    return Reference(sound.origin if is_file else sound.name, sound.hash)


@dataclass(frozen=True)
class EpisodeSource:
    """Something that sounds in an episode; see ``avenv.simulation.emitters.Emitter``.

    Attributes:
        sound: what it plays, in a loop.
        position: (x, y, z), world metres; where it begins if it moves.
        path: corners (x, y, z) that it moves along, with ``times``; empty: it stays.
        times: seconds at which it is at the corners, ascending.
        level: dB on the sound.
        offset: seconds of the sound that have passed at the onset.
        onset: seconds at which it begins; None: it has always sounded.
        duration: seconds it sounds; None: without end.
        period: seconds from one onset to the next; None: it sounds once.
        directivity: how it sends its sound, a name in ``avenv.acoustics.DIRECTIVITIES``.
        facing: heading of the way it faces, radians.
        object: name of the thing in the scene that sounds, if it is one.
        look: what is seen of it, a kind of the catalogue; None: nothing.
    """

    sound: Reference
    position: Point
    path: tuple[Point, ...] = ()
    times: tuple[float, ...] = ()
    level: float = 0.0
    offset: float = 0.0
    onset: float | None = None
    duration: float | None = None
    period: float | None = None
    directivity: str = "omni"
    facing: float = 0.0
    object: str | None = None
    look: str | None = None

    def __post_init__(self) -> None:
        check_look(self.look)
        if bool(self.path) != bool(self.times):
            raise ValueError("path and times go together; accepted: both, or neither")
        if self.path and self.path[0] != self.position:
            raise ValueError(
                f"position is {self.position} and the path begins at {self.path[0]}; accepted: "
                "one place"
            )
        if self.directivity not in DIRECTIVITIES:
            raise ValueError(
                f"directivity is {self.directivity!r}; {accepted(self.directivity, DIRECTIVITIES)}"
            )

    def emitter(self, sound: Sound) -> Emitter:
        """Return what sounds, given the sound that the reference means.

        Raises:
            ValueError: a number is out of range.
        """
        position: Any = Trajectory(self.path, self.times) if self.path else self.position
        return Emitter(
            position,
            sound,
            self.level,
            round(self.offset * sound.sample_rate),
            self.onset,
            self.duration,
            self.period,
            self.directivity,
            self.facing,
            object=self.object,
            look=self.look,
        )


@dataclass(frozen=True)
class Goal:
    """Where a body is to go, or what it is to act on: all that is said of it must hold.

    Attributes:
        position: (x, y, z), world metres; by default that of the source or of the object.
        source: number of the source that it is, wherever that is at the time.
        object: name of a thing in the scene.
        category: kind of thing.
    """

    position: Point | None = None
    source: int | None = None
    object: str | None = None
    category: str | None = None

    def __post_init__(self) -> None:
        if self.position is None and self.source is None and self.object is None:
            raise ValueError("goal says not where it is; accepted: a position, a source, an object")
        if self.category is not None and self.category not in CATEGORIES:
            raise ValueError(
                f"category is {self.category!r}; {accepted(self.category, CATEGORIES)}"
            )


@dataclass(frozen=True)
class Episode:
    """Everything that fixes an episode; two equal episodes look, sound and score the same.

    Attributes:
        task: name of the task that it is of.
        scene: where it takes place.
        start: (x, y) of the body, world metres.
        heading: of the body, radians.
        sources: what sounds.
        states: things of the scene that begin in another state than usual.
        events: what happens at which time.
        goals: where to go.
        knocks: what knocks on things sound like, by the things' names; of others, their stuff does.
        instruction: what is asked for, in words; empty: what the task always asks for.
        geodesic_distance: from start to the first goal, metres walked; None: not measured yet.
        oracle_actions: number of actions the oracle needs, its final stop included; None likewise.
        expert: names of the actions that an expert took, if somebody wrote them down.
        seed: 0 to 2**63 - 1, of all else that is random, as noise and light are; by default a hash
            of all the rest.
    """

    task: str
    scene: Reference
    start: tuple[float, float]
    heading: float
    sources: tuple[EpisodeSource, ...] = ()
    states: Mapping[str, str] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    goals: tuple[Goal, ...] = ()
    knocks: Mapping[str, Reference] = field(default_factory=dict)
    instruction: str = ""
    geodesic_distance: float | None = None
    oracle_actions: int | None = None
    expert: tuple[str, ...] = ()
    seed: int = -1

    def __post_init__(self) -> None:
        object.__setattr__(self, "states", check_states("episode.states", self.states))
        numbers = [*self.start, self.heading]
        for source in self.sources:
            numbers += [*source.position, source.level, source.offset, source.facing]
        for goal in self.goals:
            numbers += goal.position or ()
            if goal.source is None:
                continue
            if not 0 <= goal.source < len(self.sources):
                raise ValueError(
                    f"episode.goals: source is {goal.source}; accepted: 0 to "
                    f"{len(self.sources) - 1}"
                )
            place = self.sources[goal.source].position
            if goal.position is not None and goal.position != place:
                raise ValueError(
                    f"episode.goals: position is {goal.position} and source {goal.source} is at "
                    f"{place}; accepted: one place"
                )
        if not np.isfinite(numbers).all():
            raise ValueError(f"episode has a number that is not finite: {numbers}")
        if self.seed == -1:
            text = json.dumps(self.to_dict() | {"seed": None}, sort_keys=True)
            digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
            object.__setattr__(self, "seed", int.from_bytes(digest) >> 1)  # others want int64
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"episode.seed is {self.seed}; accepted: 0 to 2**63 - 1")

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, as JSON and YAML want it, without what is as usual."""
        return {"version": VERSION, **_plain(self)}

    @classmethod
    def from_dict(cls, data: Any) -> "Episode":
        """Return the episode that ``to_dict`` described.

        Raises:
            ValueError: it is of another version, or a field is missing, unknown or out of range.
        """
        if not isinstance(data, Mapping):
            raise ValueError(f"episode is {data!r}; accepted: an Episode or its fields")
        version = data.get("version")
        if version != VERSION:
            raise ValueError(
                f"episode.version is {version!r}; accepted: {VERSION}, as this release of avenv "
                "writes it"
            )
        data = {name: value for name, value in data.items() if name != "version"}
        return _record(
            cls,
            data,
            "episode",
            scene=lambda x, at: _record(Reference, x, at),
            start=_pair,
            sources=_each(_source),
            events=_each(lambda x, at: _record(Event, x, at)),
            goals=_each(lambda x, at: _record(Goal, x, at, position=_point)),
            knocks=_references,
            expert=lambda x, at: tuple(_list(x, at)),
        )


def as_episode(episode: Any) -> Episode:
    """Return an ``Episode``, made from plain data where that is given."""
    return episode if isinstance(episode, Episode) else Episode.from_dict(episode)


def _plain(value: Any) -> Any:
    """Return records, tuples and numbers of any kind as JSON has them."""
    if type(value) in _PLAIN:  # most are
        return value
    kind: Any = type(value)
    if hasattr(kind, "__dataclass_fields__"):
        return {
            of.name: _plain(own)
            for of in _fields(kind)
            if not _is_usual(own := getattr(value, of.name), of)
        }
    if isinstance(value, Mapping):
        return {str(key): _plain(x) for key, x in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(x) for x in value]
    return value.item() if isinstance(value, np.generic) else value


@cache
def _fields(kind: Any) -> tuple[Field, ...]:
    return fields(kind)


def _is_usual(value: Any, at: Any) -> bool:
    if isinstance(value, dict | tuple | str) and not value:
        return True
    return value is None or (value == at.default and at.name != "seed")


def _record(kind: type, data: Any, at: str, **readers: Any) -> Any:
    """Return a record of plain data; readers make what is no plain value."""
    if isinstance(data, kind):
        return data
    known = {f.name: f for f in fields(kind)}
    if not isinstance(data, Mapping):
        raise ValueError(f"{at} is {data!r}; accepted: a mapping with {', '.join(known)}")
    for name in data:
        if name not in known:
            raise ValueError(f"{at} has the field {name!r}; {accepted(name, known)}")
    values = {
        name: readers[name](value, f"{at}.{name}") if name in readers else value
        for name, value in data.items()
    }
    check_types(kind, {n: v for n, v in values.items() if n not in readers}, f"{at}.")
    lacking = [n for n, f in known.items() if n not in values and is_needed(f)]
    if lacking:
        raise ValueError(f"{at} lacks {', '.join(lacking)}")
    numbers = {n: float(v) for n, v in values.items() if _is_measure(known[n], v)}
    try:
        return kind(**values | numbers)
    except ValueError as error:
        said = str(error)
        raise ValueError(said if said.startswith("episode") else f"{at}: {said}") from None


def _is_measure(of: Any, value: Any) -> bool:
    """Return whether a whole number stands where any number may: 1 and 1.0 say the same."""
    return isinstance(value, int) and not isinstance(value, bool) and "float" in str(of.type)


def _source(data: Any, at: str) -> EpisodeSource:
    return _record(
        EpisodeSource,
        data,
        at,
        sound=lambda x, at: _record(Reference, x, at),
        position=_point,
        path=_each(_point),
        times=_numbers,
    )


def _references(data: Any, at: str) -> dict[str, Reference]:
    if not isinstance(data, Mapping):
        raise ValueError(f"{at} is {data!r}; accepted: a mapping of things to sounds")
    return {str(name): _record(Reference, x, f"{at}[{name!r}]") for name, x in data.items()}


def _each(read: Any) -> Any:
    return lambda data, at: tuple(read(x, f"{at}[{k}]") for k, x in enumerate(_list(data, at)))


def _list(data: Any, at: str) -> Any:
    if not isinstance(data, list | tuple):
        raise ValueError(f"{at} is {data!r}; accepted: a list")
    return data


def _numbers(data: Any, at: str) -> tuple[float, ...]:
    numbers = _list(data, at)
    plain = [isinstance(x, int | float | np.number) and not isinstance(x, bool) for x in numbers]
    if not all(plain):
        raise ValueError(f"{at} is {data!r}; accepted: a list of numbers")
    return tuple(float(x) for x in numbers)


def _pair(data: Any, at: str) -> tuple[float, ...]:
    pair = _numbers(data, at)
    if len(pair) != 2:
        raise ValueError(f"{at} is {data!r}; accepted: [x, y]")
    return pair


def _point(data: Any, at: str) -> Any:
    if data is None:
        return None
    point = _numbers(data, at)
    if len(point) != 3:
        raise ValueError(f"{at} is {data!r}; accepted: [x, y, z]")
    return point
