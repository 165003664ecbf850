"""Things with states: on or off, open or closed, fallen, broken, held.

All that a thing may consist of is in its scene's list of triangles from the start. A state says
where each of its triangles is, and of which surface: triangles that a state does not have are
collapsed to a point, which nobody sees, hears or bumps into. So a scene keeps its triangles in
number and order, whatever happens in it, and what is known of each (its light, its texture) stays.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avenv.core.frames import body_rotation

HELD = "held"
"""The state of a thing that somebody carries."""

ABOVE = 0.02
"""Metres between a thing and its sound, so that the thing does not hide it."""

_PUT = re.compile(r"put (-?\d+\.\d\d) (-?\d+\.\d\d) (-?\d+\.\d{3}) (-?\d+\.\d\d)")
_USES = {
    "on": ("off",),
    "off": ("open", "on"),
    "open": ("closed", "off"),
    "closed": ("open", "off"),
}


class Chunk(NamedTuple):
    """Triangles (N, 3, 3) of one part of a thing, with their texture coordinates (N, 3, 2).

    ``part`` tells the parts of one thing apart; a part may move or be repainted between states.
    """

    part: str
    triangles: NDArray[np.float32]
    uv: NDArray[np.float32]
    material: str
    sheet: bool


class Place(NamedTuple):
    """Where a thing is.

    Attributes:
        position: middle of its base, world metres.
        heading: direction of its front, radians.
        size: extents along its front, its left and up, metres.
        mouth: where its sound comes from, world metres.
    """

    position: tuple[float, float, float]
    heading: float
    size: tuple[float, float, float]
    mouth: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class State:
    """A thing of N triangles in one of its states.

    Attributes:
        corners: (N, 3, 3) float32 metres; triangles that it does not have are points.
        surface: (N,) int32 rows of the scene's surfaces.
        place: where it is.
        sound: what it sounds like, or None: it is silent.
        light: how brightly its lamps shine, 0 to 1.
        event: what is heard once when the thing gets into this state, or None.
        is_moved: it is the first state, moved as one body: what lies together stays together.
    """

    corners: NDArray[np.float32]
    surface: NDArray[np.int32]
    place: Place
    sound: str | None = None
    light: float = 1.0
    event: str | None = None
    is_moved: bool = False


@dataclass(frozen=True, eq=False)
class Switch:
    """A thing that has states.

    Attributes:
        object: row of the scene's objects.
        first: its first triangle; the others follow.
        states: at least two, by name.
    """

    object: int
    first: int
    states: Mapping[str, State]

    def __post_init__(self) -> None:
        object.__setattr__(self, "states", dict(self.states))

    def state(self, name: str) -> State | None:
        """Return one of its states by name, or that of lying where it was put; None: there is none.

        A thing that can be held can be put anywhere: ``put_state`` names the place.
        """
        if name in self.states or HELD not in self.states:
            return self.states.get(name)
        match = _PUT.fullmatch(name)
        if match is None:
            return None
        x, y, z, heading = map(float, match.groups())
        return _moved(next(iter(self.states.values())), (x, y, z), heading)

    def looks_like(self, name: str) -> str:
        """Return the first of its states that looks the same as one of them, by name."""
        return self._looks.get(name, name)

    @cached_property
    def _looks(self) -> dict[str, str]:
        return {
            name: next(other for other, there in self.states.items() if _alike(state, there))
            for name, state in self.states.items()
        }

    @property
    def triangles(self) -> slice:
        """Its range of the scene's triangles."""
        return slice(self.first, self.first + len(next(iter(self.states.values())).surface))


def put_state(position: ArrayLike, heading: float) -> str:
    """Return the name of the state of a thing that was put somewhere: plain text, as all states.

    Args:
        position: (3,) middle of its base, world metres; kept to a centimetre, its level to a
            millimetre, upwards.
        heading: of its front, radians; kept to a hundredth.
    """
    x, y, z = np.asarray(position, np.float64)
    level = np.ceil(z * 1000 - 1e-6) / 1000
    # Adding 0 makes zero of what is called minus zero.
    x, y, level, turn = (v + 0.0 for v in (round(x, 2), round(y, 2), level, round(heading, 2)))
    return f"put {x:.2f} {y:.2f} {level:.3f} {turn:.2f}"


def is_put(name: str) -> bool:
    """Return whether a state is that of lying where somebody put the thing."""
    return _PUT.fullmatch(name) is not None


def used(state: str, possible: Collection[str]) -> str | None:
    """Return the state that a thing gets into when somebody uses it, None if that does nothing.

    What runs is switched off. What is off and has a door is opened, else it is switched on. What
    is open is closed, and the other way round.

    Args:
        state: that it is in.
        possible: states that it may be in.
    """
    return next((after for after in _USES.get(state, ()) if after in possible), None)


def _alike(a: State, b: State) -> bool:
    """Return whether a thing is in the same place in two states, of the same surfaces and light."""
    return a is b or (
        a.light == b.light
        and np.array_equal(a.corners, b.corners)
        and np.array_equal(a.surface, b.surface)
    )


def _moved(first: State, position: tuple[float, float, float], heading: float) -> State:
    """Return a thing as in its first state, somewhere else."""
    place = first.place
    turn = body_rotation(heading - place.heading)
    corners = (first.corners.astype(np.float64) - place.position) @ turn.T + position
    x, y, z = position
    mouth = x, y, z + place.size[2] + ABOVE
    there = place._replace(position=position, heading=heading, mouth=mouth)
    return replace(first, corners=corners.astype(np.float32), place=there, is_moved=True)


class Merged(NamedTuple):
    """A thing's triangles in all of its states: N of them.

    Attributes:
        uv: (N, 3, 2) float32.
        sheet: (N,) bool.
        corners: (N, 3, 3) float32 by state.
        sizes: triangles of each of its parts, one after another.
        sheets: whether each part is a sheet.
        material: that of each part, by state.
    """

    uv: NDArray[np.float32]
    sheet: NDArray[np.bool_]
    corners: dict[str, NDArray[np.float32]]
    sizes: list[int]
    sheets: list[bool]
    material: dict[str, list[str]]


def merge(states: Mapping[str, list[Chunk]]) -> Merged:
    """Lay the chunks of a thing's states over each other.

    A part that two states have with the same texture coordinates is one: at most moved, or of
    another material. What a state lacks collapses to a corner of what it has.
    """
    blocks: list[dict[str, Chunk]] = []
    for state, chunks in states.items():
        for chunk in chunks:
            for block in blocks:
                if state not in block and _same(next(iter(block.values())), chunk):
                    block[state] = chunk
                    break
            else:
                blocks.append({state: chunk})
    corners: dict[str, list[NDArray[np.float32]]] = {state: [] for state in states}
    material: dict[str, list[str]] = {state: [] for state in states}
    first = [next(iter(block.values())) for block in blocks]
    for block, like in zip(blocks, first, strict=True):
        for state, chunks in states.items():
            had = block.get(state)
            point = (chunks or [like])[0].triangles[:1, :1]
            corners[state].append(
                np.broadcast_to(point, like.triangles.shape) if had is None else had.triangles
            )
            material[state].append((had or like).material)
    sizes, sheets = [len(like.uv) for like in first], [like.sheet for like in first]
    return Merged(
        uv=np.concatenate([like.uv for like in first]),
        sheet=np.repeat(sheets, sizes),
        corners={state: np.concatenate(chosen) for state, chosen in corners.items()},
        sizes=sizes,
        sheets=sheets,
        material=material,
    )


def _same(a: Chunk, b: Chunk) -> bool:
    return (
        a.part == b.part
        and a.sheet == b.sheet
        and a.uv.shape == b.uv.shape
        and (a.uv is b.uv or np.allclose(a.uv, b.uv, atol=1e-4))
    )
