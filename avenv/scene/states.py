"""Things with states: on or off, open or closed, fallen, broken, held.

All that a thing may consist of is in its scene's list of triangles from the start. A state says
where each of its triangles is, and of which surface: triangles that a state does not have are
collapsed to a point, which nobody sees, hears or bumps into. So a scene keeps its triangles in
number and order, whatever happens in it, and what is known of each (its light, its texture) stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

HELD = "held"
"""The state of a thing that somebody carries."""


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

    @property
    def triangles(self) -> slice:
        """Its range of the scene's triangles."""
        return slice(self.first, self.first + len(next(iter(self.states.values())).surface))


class Merged(NamedTuple):
    """A thing's triangles in all of its states: N of them.

    Attributes:
        uv: (N, 3, 2) float32.
        sheet: (N,) bool.
        corners: (N, 3, 3) float32 by state.
        material: N names by state.
    """

    uv: NDArray[np.float32]
    sheet: NDArray[np.bool_]
    corners: dict[str, NDArray[np.float32]]
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
    uv, sheet = [], []
    for block in blocks:
        like = next(iter(block.values()))
        uv.append(like.uv)
        sheet.append(np.full(len(like.uv), like.sheet))
        for state, chunks in states.items():
            had = block.get(state)
            point = (chunks or [like])[0].triangles[:1, :1]
            corners[state].append(
                np.broadcast_to(point, like.triangles.shape) if had is None else had.triangles
            )
            material[state] += [(had or like).material] * len(like.uv)
    return Merged(
        uv=np.concatenate(uv),
        sheet=np.concatenate(sheet),
        corners={state: np.concatenate(chosen) for state, chosen in corners.items()},
        material=material,
    )


def _same(a: Chunk, b: Chunk) -> bool:
    return (
        a.part == b.part
        and a.sheet == b.sheet
        and a.uv.shape == b.uv.shape
        and np.allclose(a.uv, b.uv, atol=1e-4)
    )
